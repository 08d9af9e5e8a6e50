//! Landlock: which files the tool's process tree may reach, whatever is mounted where.
//!
//! The rules are made in the process that becomes the tool, after all mounts: a rule holds for the
//! object that a path led to when it was made. Never: a rule for a path that nobody granted.

use std::error::Error;
use std::os::fd::OwnedFd;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, Scope,
};
use remit_supervisor::protocol::{Bounds, Network, Place};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::beneath;
use crate::root::{DEVICES, PRIVATE};
use crate::sys::privilege;

/// The newest interface whose rights this program knows. An older kernel gives what it has.
const KNOWN: ABI = ABI::V10;

/// The version of the kernel's interface; 0 if it has none.
pub(crate) fn version() -> u8 {
    u8::try_from(privilege::landlock_version()).unwrap_or(0)
}

/// Makes the rules. They hold from [`apply`] on.
///
/// # Errors
/// The kernel refused one, or a granted path is not what it was.
pub(crate) fn make(bounds: &Bounds, own_root: bool) -> Result<RulesetCreated, Errno> {
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    ruleset = ruleset
        .handle_access(AccessFs::from_all(KNOWN))
        .map_err(number)?;
    // Without network nothing of it is left to allow; the filter of system calls keeps the rest.
    if bounds.network == Network::None {
        ruleset = ruleset
            .handle_access(AccessNet::from_all(KNOWN))
            .map_err(number)?;
    }
    let mut created = ruleset
        .scope(Scope::from_all(KNOWN))
        .map_err(number)?
        .create()
        .map_err(number)?;
    for place in &bounds.places {
        let here = match place {
            Place::Show(path) => path.as_slice(),
            Place::Settings(_) if own_root => b"/etc",
            Place::Setting(path) if !own_root => path,
            // What a link leads to has a rule of its own.
            Place::Settings(_) | Place::Setting(_) | Place::Link(..) => continue,
        };
        created = allow(created, open(here)?, looking())?;
    }
    created = allow(created, open(b"/proc")?, looking())?;
    for device in DEVICES {
        created = allow(created, open(device)?, device_use())?;
    }
    // On the host's own file system there is nothing below the scratch directory but these.
    let private = if own_root {
        &PRIVATE[..]
    } else {
        &PRIVATE[..2]
    };
    for name in private {
        let path = [&bounds.scratch, b"/".as_slice(), name].concat();
        created = allow(created, open(&path)?, looking() | changing())?;
    }
    if let Some(attempt) = &bounds.attempt {
        created = allow(created, open(attempt)?, looking() | changing())?;
    }
    let Some(workspace) = open(&bounds.workspace)? else {
        return Err(Errno::NOENT);
    };
    for grant in &bounds.grants {
        let mut rights = BitFlags::EMPTY;
        if grant.read {
            rights |= looking();
        }
        if grant.write {
            rights |= changing();
        }
        let found = match beneath::open(&workspace, &grant.path) {
            Ok(found) => Some(found),
            // Nothing is there, so nothing can be reached there.
            Err(Errno::NOENT | Errno::NOTDIR) => None,
            Err(errno) => return Err(errno),
        };
        created = allow(created, found, rights)?;
    }
    Ok(created)
}

/// Puts this process, and all that it starts, under the rules. Needs "no new privileges".
///
/// # Errors
/// The kernel refused.
pub(crate) fn apply(rules: RulesetCreated) -> Result<(), Errno> {
    match rules.restrict_self() {
        Ok(status) if status.ruleset == landlock::RulesetStatus::NotEnforced => Err(Errno::NOSYS),
        Ok(_) => Ok(()),
        Err(error) => Err(number(error)),
    }
}

/// Reading, listing and executing.
fn looking() -> BitFlags<AccessFs> {
    AccessFs::from_read(KNOWN)
}

/// Changing files, but neither making device nodes nor steering devices: a tool that runs as root
/// could make any disk readable in its own workspace.
fn changing() -> BitFlags<AccessFs> {
    AccessFs::from_write(KNOWN)
        & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev | AccessFs::ResolveUnix)
}

/// What is done with a device such as `/dev/null`.
fn device_use() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate
}

/// Adds a rule; for what is no directory, with the rights that a file can have.
fn allow(
    ruleset: RulesetCreated,
    found: Option<OwnedFd>,
    rights: BitFlags<AccessFs>,
) -> Result<RulesetCreated, Errno> {
    let Some(found) = found else {
        return Ok(ruleset);
    };
    let directory = FileType::from_raw_mode(fstat(&found)?.st_mode) == FileType::Directory;
    let rights = if directory {
        rights
    } else {
        rights & (AccessFs::from_file(KNOWN) & !AccessFs::ResolveUnix)
    };
    if rights.is_empty() {
        return Ok(ruleset);
    }
    ruleset
        .add_rule(PathBeneath::new(found, rights))
        .map_err(number)
}

/// Opens a path that the host resolved; none if nothing is there.
fn open(path: &[u8]) -> Result<Option<OwnedFd>, Errno> {
    match openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The kernel's number in an error of the library.
fn number(error: impl Error + 'static) -> Errno {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Errno::from_io_error(io).unwrap_or(Errno::IO);
        }
        cause = error.source();
    }
    Errno::INVAL
}
