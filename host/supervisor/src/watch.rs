//! Watching the host, the tree and the deadline until nothing of the tool is left.
//!
//! Never: a report of an end while a process of the tree may still run.

#![expect(
    clippy::disallowed_methods,
    reason = "this program has no runtime whose clock a test could pause"
)]

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use remit_supervisor::protocol::{Command, Cost, Ending, Failure, Report};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};

use crate::control::{self, Heard};
use crate::hold::Tree;
use crate::link::Word;
use crate::sweep;
use crate::sys::{self, ChildSignals, Reaped};
use crate::tool;

/// Why the tree was told to end, strongest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// It was not.
    Nothing,
    /// The host asked.
    ByHost,
    /// The deadline passed.
    ByDeadline,
}

/// Whether the program executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Not known yet.
    Open,
    /// It does, and the host knows.
    Executed,
    /// A step failed.
    Failed(Failure),
}

/// The state of watching.
struct Watch<'a> {
    tree: &'a Tree,
    /// Listening sockets that the host gets when the program executes.
    listeners: Vec<OwnedFd>,
    start: Start,
    told: Told,
    /// SIGTERM was sent. Whatever the tool does after it, it does because it was asked.
    stopped: bool,
    /// SIGKILL was sent; only the end is still waited for.
    killed: bool,
}

/// Waits for the end of the tree, or brings it about, and says how it was.
pub(crate) fn until_gone(mut tree: Tree, signals: &ChildSignals, deadline_ms: u64) -> Report {
    let deadline = Instant::now().checked_add(Duration::from_millis(deadline_ms));
    let listeners = std::mem::take(&mut tree.listeners);
    let mut watch = Watch {
        tree: &tree,
        listeners,
        start: Start::Open,
        told: Told::Nothing,
        stopped: false,
        killed: false,
    };
    let head = watch.until_head_ends(signals, deadline);
    watch.hear_start();
    let (natural, cost) = match &tree.link {
        Some(link) => match link.hear_now() {
            Some(Word::Result(status, cost)) => (status, cost),
            // Init was killed, and the tool with it. Its cost is then init's, which took the
            // tool off the table in its last moments.
            Some(Word::Ready | Word::Go | Word::Stop | Word::Built | Word::Unbuilt(_)) | None => {
                (head.status, head.cost)
            }
        },
        None => {
            sweep::until_no_children();
            (head.status, head.cost)
        }
    };
    match watch.start {
        Start::Failed(failure) => Report::Failed(failure),
        Start::Open | Start::Executed => Report::Ended {
            ending: watch.ending(natural),
            cost,
        },
    }
}

impl Watch<'_> {
    /// Serves everything that can happen until the head of the tree is off the process table.
    /// With a namespace nothing of it is left then.
    fn until_head_ends(&mut self, signals: &ChildSignals, deadline: Option<Instant>) -> Reaped {
        loop {
            match sys::reap(false) {
                Ok(Some(reaped)) if reaped.pid == self.tree.head => return reaped,
                // An orphan that fell to us. There may be more.
                Ok(Some(_)) => continue,
                Ok(None) => {}
                // Without any child the head is gone, too. It cannot be: only this loop reaps.
                Err(_) => return Self::lost(self.tree),
            }
            self.hear_start();
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                self.kill(Told::ByDeadline);
            }
            let heard = self.wait(signals, left);
            signals.drain();
            if heard {
                self.hear_host();
            }
        }
    }

    /// Sleeps until something happens. Says whether the host spoke.
    fn wait(&self, signals: &ChildSignals, left: Option<Duration>) -> bool {
        let timeout = if self.killed {
            None
        } else {
            left.and_then(|left| Timespec::try_from(left).ok())
        };
        let mut ready = vec![PollFd::new(signals, PollFlags::IN)];
        if self.start == Start::Open {
            ready.push(PollFd::new(&self.tree.failure, PollFlags::IN));
        }
        let socket = control::socket();
        if !self.killed {
            ready.push(PollFd::new(&socket, PollFlags::IN));
        }
        if poll(&mut ready, timeout.as_ref()).is_err() {
            return false;
        }
        !self.killed && ready.last().is_some_and(|last| !last.revents().is_empty())
    }

    /// Looks whether the program executes by now, and tells the host when it does.
    fn hear_start(&mut self) {
        if self.start != Start::Open {
            return;
        }
        match tool::hear(&self.tree.failure) {
            tool::Heard::Nothing => {}
            tool::Heard::Failed(failure) => self.start = Start::Failed(failure),
            tool::Heard::Executed => {
                self.start = Start::Executed;
                let report = Report::Started {
                    holding: self.tree.holding(),
                    level: self.tree.level,
                    machine: self.tree.machine,
                };
                // Held open here, a socket would go on taking connections after the host has
                // closed it.
                let listeners = std::mem::take(&mut self.listeners);
                let pidfd = pidfd_open(self.tree.head, PidfdFlags::empty()).ok();
                let descriptors = listeners.iter().chain(&pidfd);
                let descriptors: Vec<_> = descriptors.map(|open| open.as_fd()).collect();
                control::report_with(&report, &descriptors);
            }
        }
    }

    /// Does what the host says.
    fn hear_host(&mut self) {
        match control::hear() {
            Heard::Nothing => {}
            Heard::Command(Command::Stop) => {
                self.told = self.told.max(Told::ByHost);
                self.stopped = true;
                match &self.tree.link {
                    Some(link) => link.say(Word::Stop),
                    None => sweep::ask_to_end(self.tree.head),
                }
            }
            Heard::Command(Command::Kill) | Heard::Gone => self.kill(Told::ByHost),
        }
    }

    /// Ends the head. With a namespace that ends everything; without one, the sweep that follows
    /// does.
    fn kill(&mut self, why: Told) {
        if self.killed {
            return;
        }
        self.killed = true;
        self.told = self.told.max(why);
        // A head that has just ended by itself is no error: it is not reaped yet, so its number
        // is still its own.
        let _ = kill_process(self.tree.head, Signal::KILL);
        if self.tree.link.is_none() {
            let _ = kill_process_group(self.tree.head, Signal::KILL);
        }
    }

    /// How it ended, from what was done to it and its wait status. A tool that had ended by
    /// itself when SIGKILL came keeps its own end.
    fn ending(&self, status: i32) -> Ending {
        let signal = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
        let by_kill = self.killed && signal == Some(libc::SIGKILL);
        let its_own = !self.stopped && !by_kill;
        match (self.told, signal) {
            (Told::ByDeadline, _) if !its_own => Ending::Deadline,
            (Told::ByHost, _) if !its_own => Ending::Asked,
            (Told::Nothing | Told::ByHost | Told::ByDeadline, Some(signal)) => {
                Ending::Signaled(u8::try_from(signal).unwrap_or(u8::MAX))
            }
            (Told::Nothing | Told::ByHost | Told::ByDeadline, None) => {
                Ending::Exited(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX))
            }
        }
    }

    /// A stand-in for a head that cannot be waited for: ended by SIGKILL, cost unknown.
    fn lost(tree: &Tree) -> Reaped {
        Reaped {
            pid: tree.head,
            status: libc::SIGKILL,
            cost: Cost::default(),
        }
    }
}
