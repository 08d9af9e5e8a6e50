//! The first process of the namespace: it starts the tool, takes ended processes off the table,
//! passes on the wish to end, and takes everybody with it when it ends.
//!
//! Never: more privilege or state than that. When it exits, for whatever reason, the kernel kills
//! every other process of the namespace; that is the whole guarantee.

use std::os::fd::OwnedFd;

use remit_supervisor::protocol::{Cost, Failure, Identity, Step};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, set_parent_process_death_signal};

use crate::control::at;
use crate::link::{Link, Word};
use crate::listen;
use crate::root;
use crate::sys::{self, ChildSignals, Namespaces, Side};
use crate::tool::{self, Means, Plan, Tie};

/// The exit code of an init that could not go on; the reason has been told elsewhere.
const GAVE_UP: i32 = 3;

/// Runs until the tool has ended.
pub(crate) fn run(link: &Link, plan: Plan, told: OwnedFd, means: Means) -> ! {
    // The host must see the end of its socket when the supervisor ends, not when init does.
    sys::close_control();
    let (waiting, listeners) = match build(link, &plan, &told, means) {
        Ok(built) => built,
        Err(failure) => {
            link.say(Word::Unbuilt(failure));
            sys::exit_now(GAVE_UP);
        }
    };
    link.say_with(Word::Built, &listeners);
    // The host's alone from here on; a tool never gets one.
    drop(listeners);
    let signals = match ChildSignals::new() {
        Ok(signals) => signals,
        Err(errno) => give_up(&told, errno),
    };
    let tool = match waiting {
        Some(waiting) => waiting.go(),
        None => match sys::fork(Namespaces::None) {
            Ok(Side::Child) => tool::become_tool(&plan, &told, Tie::ToNamespace, means),
            Ok(Side::Parent(tool)) => tool,
            Err(errno) => give_up(&told, errno),
        },
    };
    // Only the tool may hold its streams open, and the end of `told` must mean that it executes.
    sys::close_output();
    drop(plan);
    drop(told);
    let (status, cost) = wait_for(tool, link, &signals);
    link.say(Word::Result(status, cost));
    sys::exit_now(0);
}

/// A process that becomes the tool as soon as it is told to.
struct Waiting {
    process: Pid,
    link: Link,
}

impl Waiting {
    /// Makes one, in a user namespace of its own.
    fn new(plan: &Plan, told: &OwnedFd, means: Means) -> Result<Self, Errno> {
        let (ours, theirs) = Link::pair()?;
        match sys::fork(Namespaces::User)? {
            Side::Child => {
                drop(ours);
                if theirs.hear() != Some(Word::Go) {
                    sys::exit_now(GAVE_UP);
                }
                drop(theirs);
                tool::become_tool(plan, told, Tie::ToNamespace, means)
            }
            Side::Parent(process) => Ok(Self {
                process,
                link: ours,
            }),
        }
    }

    /// Tells it that everything around it is in place.
    fn go(self) -> Pid {
        self.link.say(Word::Go);
        self.process
    }
}

/// Everything that comes before the tool. Where it runs as a service user the process that becomes
/// it is made first, because its user namespace is what the mounts are made with.
fn build(
    link: &Link,
    plan: &Plan,
    told: &OwnedFd,
    means: Means,
) -> Result<(Option<Waiting>, Vec<OwnedFd>), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(at(Step::Tie))?;
    // Only a supervisor that lives after the line above answers. One that had died before would
    // never have set off the signal.
    link.say(Word::Ready);
    if link.hear() != Some(Word::Go) {
        sys::exit_now(GAVE_UP);
    }
    let Some(bounds) = plan.bounds.as_ref().filter(|_| means.own_root) else {
        return Ok((None, Vec::new()));
    };
    let waiting = match bounds.identity {
        Identity::Own => None,
        Identity::Service { .. } => {
            Some(Waiting::new(plan, told, means).map_err(at(Step::Ownership))?)
        }
    };
    root::enter(bounds, waiting.as_ref().map(|waiting| waiting.process))?;
    let listeners = listen::on(&bounds.listen).map_err(at(Step::Listen))?;
    Ok((waiting, listeners))
}

/// Tells that no tool could be made, and ends.
fn give_up(told: &OwnedFd, errno: Errno) -> ! {
    tool::tell(told, Step::Fork, errno);
    sys::exit_now(GAVE_UP);
}

/// Waits until the tool has ended, doing an init's work in the meantime.
fn wait_for(tool: Pid, link: &Link, signals: &ChildSignals) -> (i32, Cost) {
    loop {
        while let Ok(Some(reaped)) = sys::reap(false) {
            if reaped.pid == tool {
                return (reaped.status, reaped.cost);
            }
        }
        let mut ready = [
            PollFd::new(link, PollFlags::IN),
            PollFd::new(signals, PollFlags::IN),
        ];
        if poll(&mut ready, None).is_err() {
            continue;
        }
        let spoken = !ready[0].revents().is_empty();
        signals.drain();
        if spoken {
            match link.hear_now() {
                Some(Word::Stop) => sys::ask_everyone_to_end(),
                // The supervisor is gone. The kernel is about to kill this process; ending at
                // once means the same.
                Some(
                    Word::Ready | Word::Go | Word::Built | Word::Unbuilt(_) | Word::Result(..),
                )
                | None => sys::exit_now(GAVE_UP),
            }
        }
    }
}
