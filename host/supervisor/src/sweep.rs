//! Ending a tree without a namespace: orphans fall to the supervisor, which kills what it finds
//! until the kernel says that it has no children.
//!
//! Never in the host: taking any ended child would steal those of its runtime.

#![expect(
    clippy::disallowed_methods,
    reason = "the files are the kernel's own, below /proc; no name in a path comes from a tool"
)]

use rustix::io::Errno;
use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group};

use crate::sys;

/// Kills children until there are none. `ECHILD` is the proof: every descendant whose parent
/// dies becomes a child of this process, so none is left anywhere.
pub(crate) fn until_no_children() {
    loop {
        let killed = signal_children(Signal::KILL);
        // With a killed child there is an end to wait for. Without one the list was read between
        // a parent's death and the adoption of its child: look again.
        let mut wait = killed;
        loop {
            match sys::reap(wait) {
                Ok(Some(_)) => wait = false,
                Ok(None) => break,
                Err(Errno::CHILD) => return,
                Err(_) => break,
            }
        }
    }
}

/// Asks the tool's process group and the orphans to end.
pub(crate) fn ask_to_end(tool: Pid) {
    let _ = kill_process_group(tool, Signal::TERM);
    signal_children(Signal::TERM);
}

/// Sends a signal to every child. Says whether there was one.
fn signal_children(signal: Signal) -> bool {
    // A child stays in the table until this process takes it off, so no number can have come to
    // mean another process.
    let mut any = false;
    for child in children() {
        any |= kill_process(child, signal).is_ok();
    }
    any
}

/// The children of this process, from the kernel's list or, where it is not built in, from the
/// parents of all processes.
fn children() -> Vec<Pid> {
    let pid = |word: &str| word.parse().ok().and_then(Pid::from_raw);
    if let Ok(list) = std::fs::read_to_string("/proc/thread-self/children") {
        return list.split_ascii_whitespace().filter_map(pid).collect();
    }
    let own = getpid().as_raw_nonzero().get();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let child = pid(entry.file_name().to_str()?)?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            (parent_in(&stat)? == own).then_some(child)
        })
        .collect()
}

/// The parent's number in a line of `/proc/PID/stat`. The name before it may hold anything, also
/// spaces and brackets, and ends with the last bracket.
fn parent_in(stat: &str) -> Option<i32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_found_behind_any_name() {
        fn check(stat: &str, expected: Option<i32>) {
            assert_eq!(parent_in(stat), expected, "{stat:?}");
        }
        check("12 (cat) S 7 12 12 0", Some(7));
        check("12 (a) S 99 (b) R 8 1", Some(8));
        check("12 () ) Z 9", Some(9));
        check("12 (cat", None);
        check("", None);
    }
}
