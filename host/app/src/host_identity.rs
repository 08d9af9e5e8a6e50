//! Who this process is, so that another one can tell later whether it still lives: which start of
//! the machine, which process, started when.
//!
//! Never: a process id alone; the kernel gives it to someone else later.

use std::path::Path;

use remit_engine::durable::ledger::HostIdentity;

use crate::files;

/// Which start of the machine this is (Linux, `random(4)`).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// What the kernel says of this process (`proc_pid_stat(5)`).
const OWN_STAT: &str = "/proc/self/stat";
/// Which word after the program's name is the time of the start: field 22 of all.
const START_AFTER_NAME: usize = 19;

/// Who this process is. What cannot be found out is empty or zero, which equals no other process's.
pub(crate) fn own() -> HostIdentity {
    let read = |path| files::read_text(Path::new(path)).unwrap_or_default();
    HostIdentity {
        boot_id: read(BOOT_ID).trim().to_owned(),
        pid: std::process::id(),
        pid_start: started(&read(OWN_STAT)),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The time of the start out of `/proc/PID/stat`. A program's name may hold anything, so what
/// counts begins after its last parenthesis.
fn started(stat: &str) -> u64 {
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let word = after.split_whitespace().nth(START_AFTER_NAME);
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_found_whatever_the_program_is_called() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(started(&format!("12 (a) b) {rest}")), 4711);
        assert_eq!(started("12 (a"), 0);
        assert!(own().pid_start > 0);
        assert_eq!(own(), own());
    }
}
