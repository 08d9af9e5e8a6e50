//! The first process of the namespace: it starts the tool, takes ended processes off the table,
//! passes on the wish to end, and takes everybody with it when it ends.
//!
//! Never: more privilege or state than that. When it exits, for whatever reason, the kernel kills
//! every other process of the namespace; that is the whole guarantee.

use std::os::fd::OwnedFd;

use remit_supervisor::protocol::{Bounds, Cost, Failure, Identity, Step};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, set_parent_process_death_signal};

use crate::control::at;
use crate::link::{Link, Word};
use crate::sys::{self, ChildSignals, Namespaces, Side};
use crate::tool::{self, Means, Plan, Tie};
use crate::{idmap, root};

/// The exit code of an init that could not go on; the reason has been told elsewhere.
const GAVE_UP: i32 = 3;

/// Runs until the tool has ended.
pub(crate) fn run(link: &Link, plan: Plan, told: OwnedFd, means: Means) -> ! {
    // The host must see the end of its socket when the supervisor ends, not when init does.
    sys::close_control();
    if let Err(failure) = build(link, &plan, means) {
        link.say(Word::Unbuilt(failure));
        sys::exit_now(GAVE_UP);
    }
    link.say(Word::Built);
    let signals = match ChildSignals::new() {
        Ok(signals) => signals,
        Err(errno) => give_up(&told, errno),
    };
    let tool = match make_tool(&plan, &told, means) {
        Ok(tool) => tool,
        Err(errno) => give_up(&told, errno),
    };
    // Only the tool may hold its streams open, and the end of `told` must mean that it executes.
    sys::close_output();
    drop(plan);
    drop(told);
    let (status, cost) = wait_for(tool, link, &signals);
    link.say(Word::Result(status, cost));
    sys::exit_now(0);
}

/// Everything that comes before the tool is made.
fn build(link: &Link, plan: &Plan, means: Means) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(at(Step::Tie))?;
    // Only a supervisor that lives after the line above answers. One that had died before would
    // never have set off the signal.
    link.say(Word::Ready);
    if link.hear() != Some(Word::Go) {
        sys::exit_now(GAVE_UP);
    }
    match &plan.bounds {
        Some(bounds) if means.own_root => root::enter(bounds),
        Some(_) | None => Ok(()),
    }
}

/// Makes the process that becomes the tool. A service user gets a user namespace of its own, in
/// which nobody else exists.
fn make_tool(plan: &Plan, told: &OwnedFd, means: Means) -> Result<Pid, Errno> {
    let service = |bounds: &Bounds| match bounds.identity {
        Identity::Service { user, group, .. } if means.own_root => Some((user, group)),
        Identity::Service { .. } | Identity::Own => None,
    };
    let Some((user, group)) = plan.bounds.as_ref().and_then(service) else {
        return match sys::fork(Namespaces::None)? {
            Side::Child => tool::become_tool(plan, told, Tie::ToNamespace, means),
            Side::Parent(tool) => Ok(tool),
        };
    };
    let (ours, theirs) = Link::pair()?;
    let tool = match sys::fork(Namespaces::User)? {
        Side::Child => {
            drop(ours);
            if theirs.hear() != Some(Word::Go) {
                sys::exit_now(GAVE_UP);
            }
            drop(theirs);
            tool::become_tool(plan, told, Tie::ToNamespace, means)
        }
        Side::Parent(tool) => tool,
    };
    drop(theirs);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let processes = openat(CWD, c"/proc", flags, Mode::empty())?;
    let processes = std::os::fd::AsFd::as_fd(&processes);
    idmap::map(processes, tool, "uid_map", user, user)?;
    idmap::map(processes, tool, "gid_map", group, group)?;
    ours.say(Word::Go);
    Ok(tool)
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
