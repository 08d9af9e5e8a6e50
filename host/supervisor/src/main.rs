//! The supervisor: one small single-threaded process between the host and one tool.
//!
//! The host cannot prepare a child itself: code between fork and exec makes the standard library
//! fork the whole host, which stalls it for as long as its memory is large. So the host starts this
//! program with `posix_spawn`, and everything that needs a fresh process happens here.
//!
//! The order of steps matters:
//!
//! 1. supervisor: signal dispositions and mask, file mode mask (`main`)
//! 2. supervisor: receive the request (`control`)
//! 3. supervisor: own session, adopt orphans (`main`)
//! 4. supervisor: first process of new namespaces, identity maps (`hold`)
//! 5. init: tie to the supervisor, handshake (`init`), a root of the tool's own with private mounts
//!    and a fresh `/proc` (`root`, `granted`, `idmap`), listening sockets for the host (`listen`)
//! 6. tool: own session, tie, standard input, limits, score for the out-of-memory killer, user,
//!    directory, no capabilities (`tool`), Landlock's rules, made after all mounts (`rules`)
//! 7. tool: descriptors close on exec, no new privileges, Landlock applied, and last the filter
//!    of system calls (`filter`)
//! 8. tool: exec
//! 9. supervisor: watch the host, the tree and the deadline; end the tree; report (`watch`)
//!
//! Never: a second thread, a shell, a lookup of a program, output of its own on the tool's
//! streams, a decision about what is allowed (the host has made it).

mod beneath;
mod control;
mod filter;
mod granted;
mod hold;
mod idmap;
mod init;
mod link;
mod listen;
mod root;
mod rules;
mod sweep;
mod sys;
mod tool;
mod watch;

use remit_supervisor::protocol::{Failure, Report, Step};
use rustix::fs::Mode;

/// The file mode mask of a tool is at least this: nothing it makes is writable for others.
const MODE_MASK: Mode = Mode::WGRP.union(Mode::WOTH);

/// The exit code when there is nobody left to report to.
const NO_HOST: i32 = 2;

fn main() {
    sys::reset_signals();
    // Reading the mask means setting it; a stricter one of the owner is kept.
    let inherited = rustix::process::umask(MODE_MASK);
    rustix::process::umask(inherited | MODE_MASK);

    let report = match control::receive() {
        Ok(received) => run(received).unwrap_or_else(|refused| refused),
        Err(control::ReceiveError::HostGone) => sys::exit_now(NO_HOST),
        Err(control::ReceiveError::Refused(errno)) => {
            Report::Failed(control::at(Step::Request)(errno))
        }
    };
    control::report(&report);
    sys::exit_now(0);
}

/// Steps 3 to 9. The report is the last one, also where there is no tool.
fn run(received: control::Received) -> Result<Report, Report> {
    let deadline_ms = received.request.deadline_ms;
    let signals = settle().map_err(Report::Failed)?;
    let tree = hold::start(received)?;
    // Held open here, the tool's streams would never end for the host.
    sys::close_output();
    Ok(watch::until_gone(tree, &signals, deadline_ms))
}

/// Leaves the host's session and becomes the one that orphans fall to.
fn settle() -> Result<sys::ChildSignals, Failure> {
    rustix::process::setsid().map_err(control::at(Step::Session))?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(control::at(Step::Adopt))?;
    sys::ChildSignals::new().map_err(control::at(Step::Adopt))
}
