//! The last steps before the program executes, in the process that becomes the tool.
//!
//! Never: a step that may be skipped silently. Whatever fails is told as a step and a number, and
//! the program does not execute. (The score for the out-of-memory killer is no protection and the
//! one exception.)

#![expect(
    clippy::disallowed_methods,
    reason = "the files are the kernel's own, below /proc; no name in a path comes from a tool"
)]

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use remit_supervisor::protocol::{Bounds, Failure, Identity, Limits, Step};
use rustix::fs::{AtFlags, CWD, Stat, statat};
use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, chdir, fchdir, getppid, getrlimit,
    set_parent_process_death_signal, setrlimit, setsid,
};
use rustix::stdio::dup2_stdin;
use rustix::thread::set_no_new_privs;

use crate::control::{Received, at};
use crate::sys::{self, privilege};
use crate::{filter, root, rules};

/// The bytes of a told failure: the step's place in [`STEPS`], then the number.
const TOLD_BYTES: usize = 5;

/// The exit code of a process that did not become the tool; nobody sees it.
const NOT_EXECUTED: i32 = 125;

/// When memory runs out a tool goes before the host. The scale ends at 1000.
const OOM_SCORE: &str = "500";

/// The steps that can fail after the fork, in the order of their numbers on the pipe.
const STEPS: [Step; 13] = [
    Step::Fork,
    Step::Session,
    Step::Tie,
    Step::Stdin,
    Step::Directory,
    Step::Limits,
    Step::User,
    Step::Capabilities,
    Step::Landlock,
    Step::Descriptors,
    Step::Privileges,
    Step::Seccomp,
    Step::Exec,
];

/// Everything that the last steps need, made before the first fork.
pub(crate) struct Plan {
    program: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: OwnedFd,
    directory_id: (u64, u64),
    directory_path: Vec<u8>,
    stdin: OwnedFd,
    open_files: u64,
    pub(crate) bounds: Option<Bounds>,
}

/// What is there to confine the tool with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Means {
    /// The tool has namespaces and a root of its own.
    pub(crate) own_root: bool,
    /// Landlock's rules can be made.
    pub(crate) landlock: bool,
    /// System calls can be filtered.
    pub(crate) seccomp: bool,
}

impl Plan {
    /// Checks what can be checked in advance.
    ///
    /// # Errors
    /// A string has a zero byte, or the program is not an absolute path.
    pub(crate) fn new(received: Received) -> Result<Self, Failure> {
        let Received {
            request,
            directory,
            stdin,
        } = received;
        if request.program.first() != Some(&b'/') {
            return Err(at(Step::Request)(Errno::INVAL));
        }
        Ok(Self {
            program: c_string(request.program)?,
            arguments: c_strings(request.arguments)?,
            environment: c_strings(request.environment)?,
            directory,
            directory_id: (request.directory_device, request.directory_inode),
            directory_path: request.directory,
            stdin,
            open_files: request.open_files,
            bounds: request.bounds,
        })
    }
}

/// A string as the kernel takes it.
fn c_string(bytes: Vec<u8>) -> Result<CString, Failure> {
    CString::new(bytes).map_err(|_| at(Step::Request)(Errno::INVAL))
}

/// Several of them.
fn c_strings(all: Vec<Vec<u8>>) -> Result<Vec<CString>, Failure> {
    all.into_iter().map(c_string).collect()
}

/// What ends the tool when its supervisor is gone.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tie {
    /// The namespace: nothing more to do.
    ToNamespace,
    /// The kernel's signal on the death of this parent. It reaches only the tool itself.
    To(Pid),
}

/// Becomes the tool, or tells why not.
pub(crate) fn become_tool(plan: &Plan, told: &OwnedFd, tie: Tie, means: Means) -> ! {
    let failure = match prepare(plan, tie, means) {
        Ok(()) => at(Step::Exec)(sys::exec(&plan.program, &plan.arguments, &plan.environment)),
        Err(failure) => failure,
    };
    tell(told, failure.step, Errno::from_raw_os_error(failure.errno));
    sys::exit_now(NOT_EXECUTED);
}

/// Every step before exec.
fn prepare(plan: &Plan, tie: Tie, means: Means) -> Result<(), Failure> {
    setsid().map_err(at(Step::Session))?;
    if let Tie::To(parent) = tie {
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(at(Step::Tie))?;
        // A parent that died before the line above never sets off the signal.
        if getppid() != Some(parent) {
            return Err(at(Step::Tie)(Errno::SRCH));
        }
    }
    dup2_stdin(&plan.stdin).map_err(at(Step::Stdin))?;
    limit(plan.open_files).map_err(at(Step::Limits))?;
    drop(std::fs::write("/proc/self/oom_score_adj", OOM_SCORE));
    match &plan.bounds {
        Some(bounds) => confine(plan, bounds, means),
        None => {
            fchdir(&plan.directory)
                .and_then(|()| is_same_place(plan))
                .map_err(at(Step::Directory))?;
            sys::close_all_on_exec().map_err(at(Step::Descriptors))?;
            set_no_new_privs(true).map_err(at(Step::Privileges))
        }
    }?;
    sys::unblock_signals();
    Ok(())
}

/// The steps that take away what was not granted. Their order is the one that works: a filter of
/// system calls would forbid what comes before it.
fn confine(plan: &Plan, bounds: &Bounds, means: Means) -> Result<(), Failure> {
    bound(&bounds.limits, means).map_err(at(Step::Limits))?;
    if let Identity::Service { user, group, owner } = bounds.identity {
        // In its own user namespace it is called by the owner's numbers.
        let (user, group) = if means.own_root { owner } else { (user, group) };
        privilege::become_user(user, group).map_err(at(Step::User))?;
    }
    enter(plan, bounds, means).map_err(at(Step::Directory))?;
    privilege::root_is_nobody_special().map_err(at(Step::Capabilities))?;
    privilege::drop_capabilities().map_err(at(Step::Capabilities))?;
    let rules = if means.landlock {
        Some(rules::make(bounds, means.own_root).map_err(at(Step::Landlock))?)
    } else {
        None
    };
    let filter = if means.seccomp {
        Some(filter::make(bounds.network).map_err(at(Step::Seccomp))?)
    } else {
        None
    };
    sys::close_all_on_exec().map_err(at(Step::Descriptors))?;
    set_no_new_privs(true).map_err(at(Step::Privileges))?;
    if let Some(rules) = rules {
        rules::apply(rules).map_err(at(Step::Landlock))?;
    }
    sys::unblock_signals();
    if let Some(filter) = filter {
        filter::apply(&filter).map_err(at(Step::Seccomp))?;
    }
    Ok(())
}

/// Enters the working directory and makes sure that it is the one that the host opened.
fn enter(plan: &Plan, bounds: &Bounds, means: Means) -> Result<(), Errno> {
    if !means.own_root {
        fchdir(&plan.directory)?;
        return is_same_place(plan);
    }
    // The host's descriptor belongs to the host's mounts; entered through it, the tool would see
    // a directory outside of its root.
    chdir(plan.directory_path.as_slice())?;
    match is_same_place(plan) {
        Err(Errno::STALE) if !root::shows(bounds, &plan.directory_path) => Ok(()),
        result => result,
    }
}

/// Compares the working directory with the one that the host opened.
fn is_same_place(plan: &Plan) -> Result<(), Errno> {
    let here = statat(CWD, ".", AtFlags::empty())?;
    if identity(&here) == plan.directory_id {
        Ok(())
    } else {
        Err(Errno::STALE)
    }
}

/// Device and inode.
fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

/// No core dumps (a core holds secrets), and a bounded number of descriptors.
fn limit(open_files: u64) -> Result<(), Errno> {
    lower(Resource::Core, 0)?;
    lower(Resource::Nofile, open_files)
}

/// The limits that belong to bounds.
fn bound(limits: &Limits, means: Means) -> Result<(), Errno> {
    lower(Resource::Fsize, limits.file)?;
    lower(Resource::Cpu, limits.cpu)?;
    // Not the address space: programs reserve far more of it than they use.
    lower(Resource::Data, limits.memory)?;
    // Outside of a user namespace of its own this would count every process of the user.
    if means.own_root {
        lower(Resource::Nproc, limits.processes)?;
    }
    Ok(())
}

/// Sets a limit. Raising one is not ours to do.
fn lower(resource: Resource, limit: u64) -> Result<(), Errno> {
    let allowed = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let bound = Some(limit.min(allowed));
    setrlimit(
        resource,
        Rlimit {
            current: bound,
            maximum: bound,
        },
    )
}

/// Tells the supervisor that a step failed.
pub(crate) fn tell(told: impl AsFd, step: Step, errno: Errno) {
    let mut bytes = [0; TOLD_BYTES];
    let place = STEPS.iter().position(|known| *known == step);
    bytes[0] = place
        .and_then(|place| u8::try_from(place).ok())
        .unwrap_or(0);
    bytes[1..].copy_from_slice(&errno.raw_os_error().to_le_bytes());
    let _ = rustix::io::write(told, &bytes);
}

/// What the supervisor learns from the pipe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing yet: some process before exec still holds the other end.
    Nothing,
    /// The end without a word: the program executes.
    Executed,
    /// A step failed.
    Failed(Failure),
}

/// Reads the pipe without waiting.
pub(crate) fn hear(failure: impl AsFd) -> Heard {
    let mut bytes = [0; TOLD_BYTES];
    match rustix::io::retry_on_intr(|| rustix::io::read(&failure, &mut bytes)) {
        Ok(0) => Heard::Executed,
        Ok(_) => {
            let [place, number @ ..] = bytes;
            Heard::Failed(Failure {
                step: STEPS.get(usize::from(place)).copied().unwrap_or(Step::Fork),
                errno: i32::from_le_bytes(number),
            })
        }
        Err(_) => Heard::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};

    #[test]
    fn a_told_failure_is_heard_as_it_was() {
        for step in STEPS {
            let (failure, told) = pipe_with(PipeFlags::NONBLOCK).unwrap();
            assert_eq!(hear(&failure), Heard::Nothing);
            tell(&told, step, Errno::NOEXEC);
            let expected = Failure {
                step,
                errno: Errno::NOEXEC.raw_os_error(),
            };
            assert_eq!(hear(&failure), Heard::Failed(expected));
            drop(told);
            assert_eq!(hear(&failure), Heard::Executed);
        }
    }
}
