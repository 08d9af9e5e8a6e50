//! Makes the process itself unreachable for others that run as the same user: they cannot attach
//! to it, nor read its memory, its environment or its descriptors, and no core file holds them.
//!
//! Never: a command that runs before this has held.

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::exit::Stop;

/// Closes the process off. Tools do not inherit the first part: what they execute is their own.
///
/// # Errors
/// The kernel refuses it, which it has no reason to do.
pub(crate) fn close_off() -> Result<(), Stop> {
    // Also takes the files below `/proc/PID` from the user and gives them to root.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|errno| refused("PR_SET_DUMPABLE", errno))?;
    // The attribute is lost if the process ever executes another program; the limit is not.
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).map_err(|errno| refused("RLIMIT_CORE", errno))
}

fn refused(what: &str, errno: Errno) -> Stop {
    Stop::usage(
        format!("the kernel does not let remit protect its own memory: {what}: {errno}"),
        "run remit where prctl and setrlimit are not filtered",
    )
}
