//! What of a journey is still on the machine: processes by their arguments or their directory.
//!
//! Never: a process that no journey started.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How often `/proc` is looked at while something is awaited.
const GLANCE: Duration = Duration::from_millis(5);

/// Numbers of all processes.
fn processes() -> Vec<u32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// Living processes with this text in an argument.
pub(crate) fn with_argument(text: &str) -> Vec<u32> {
    let mut found = processes();
    // The arguments of a process that has ended are empty.
    found.retain(|id| {
        std::fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| holds(&line, text.as_bytes()))
    });
    found
}

/// Living processes that work in this directory or below.
pub(crate) fn inside(directory: &Path) -> Vec<u32> {
    let mut found = processes();
    found.retain(|id| {
        std::fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|place| {
            place
                .as_os_str()
                .as_bytes()
                .starts_with(directory.as_os_str().as_bytes())
        })
    });
    found
}

fn holds(line: &[u8], text: &[u8]) -> bool {
    line.windows(text.len()).any(|part| part == text)
}

/// Looks until a condition holds or the time is over; whether it held.
pub(crate) fn until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if began.elapsed() > limit {
            return false;
        }
        std::thread::sleep(GLANCE);
    }
}

/// Sends a signal.
pub(crate) fn send(id: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Ends a process that this test started and that may be gone already.
pub(crate) fn kill(id: u32) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It may be gone.
        kill_process(pid, Signal::KILL).ok();
    }
}
