//! The rules below the workspace: which object a guest's path really names, and whether the grants
//! cover it.
//!
//! A guest's path is never judged by its text alone. The kernel resolves it below a directory that
//! the host holds open, and the rules are applied to where the resolved object is. Never: a path
//! that a guest wrote in a call that could leave the workspace.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use remit_core::denial::{Denial, Fix, MissingKey};
use remit_core::grant::Access as Want;
use remit_core::path::RelPath;
use remit_core::scope::Capability;
use remit_engine::host::{LimitHit, PluginHost};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Where guests find the workspace.
pub(crate) const GUEST_ROOT: &str = "/workspace";

/// What a guest wants to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Learn that it is there, and its size and times.
    Look,
    /// Read its content.
    Read,
    /// Create, change or remove it.
    Write,
}

/// Why a guest may not touch an object.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The grants do not cover it.
    Denied(Box<Denial>),
    /// The kernel has another answer, for example that a directory is missing.
    Errno(Errno),
}

/// The workspace of one attempt, held open.
pub(crate) struct Access {
    root: File,
    host: Arc<PluginHost>,
}

impl Access {
    pub(crate) fn new(root: File, host: Arc<PluginHost>) -> Self {
        Self { root, host }
    }

    /// One more handle on the workspace, for the guest's preopened directory.
    pub(crate) fn root(&self) -> std::io::Result<File> {
        self.root.try_clone()
    }

    /// Whether any grant allows writing.
    pub(crate) fn is_writable(&self) -> bool {
        !self.host.grants().write_roots().is_empty()
    }

    /// Puts a denial on record, unless the guest has caused too many events.
    pub(crate) async fn deny(&self, denial: Denial) -> Result<(), LimitHit> {
        self.host.deny(denial).await
    }

    /// Judges an object that is open already: what it is now called is what counts.
    pub(crate) fn check_open(&self, object: BorrowedFd<'_>, intent: Intent) -> Result<(), Refusal> {
        match self.locate(object)? {
            Some(path) => self.check(&path, intent),
            None => Err(Self::outside(&real_path(object)?.to_string_lossy(), intent)),
        }
    }

    /// Judges what `path` names below `dir`, following a last link if `follow`.
    pub(crate) fn check_at(
        &self,
        dir: BorrowedFd<'_>,
        path: &str,
        follow: bool,
        intent: Intent,
    ) -> Result<(), Refusal> {
        match open_beneath(dir, path, follow) {
            Ok(object) => self.check_open(object.as_fd(), intent),
            // Not there yet: the directory in which it would be decides.
            Err(Errno::NOENT) => self.check_new(dir, path, intent),
            Err(Errno::XDEV | Errno::LOOP) => Err(Self::outside(path, intent)),
            Err(errno) => Err(Refusal::Errno(errno)),
        }
    }

    /// Judges what is about to be moved as a whole: a rule that forbids something inside it
    /// would otherwise be left behind at the old name.
    pub(crate) fn check_whole(&self, dir: BorrowedFd<'_>, path: &str) -> Result<(), Refusal> {
        let object = match open_beneath(dir, path, false) {
            Ok(object) => object,
            Err(Errno::XDEV | Errno::LOOP) => return Err(Self::outside(path, Intent::Write)),
            Err(errno) => return Err(Refusal::Errno(errno)),
        };
        let Some(located) = self.locate(object.as_fd())? else {
            return Err(Self::outside(path, Intent::Write));
        };
        let grants = self.host.grants();
        let is_directory = rustix::fs::fstat(&object)
            .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Directory);
        let guarded =
            grants.denies_below(Want::Write, &located) || grants.denies_below(Want::Read, &located);
        if is_directory && guarded {
            return Err(Refusal::Denied(Box::new(Denial {
                capability: Capability::Write,
                scope: located.to_string(),
                missing: MissingKey::Declared,
                note: Some("a deny rule forbids something inside this directory".to_owned()),
                reason: None,
                fix: Fix {
                    flag: None,
                    line: "move the files that no rule forbids, one by one".to_owned(),
                },
            })));
        }
        Ok(())
    }

    fn check_new(&self, dir: BorrowedFd<'_>, path: &str, intent: Intent) -> Result<(), Refusal> {
        let trimmed = path.trim_end_matches('/');
        let (parent, name) = trimmed.rsplit_once('/').unwrap_or((".", trimmed));
        if matches!(name, "" | "." | "..") {
            return Err(Refusal::Errno(Errno::NOENT));
        }
        // A link that leads nowhere must not become a way to create what it names.
        if let Ok(found) = rustix::fs::statat(dir, trimmed, AtFlags::SYMLINK_NOFOLLOW)
            && FileType::from_raw_mode(found.st_mode) == FileType::Symlink
            && intent == Intent::Write
        {
            return Err(Self::outside(path, intent));
        }
        let parent = if parent.is_empty() { "/" } else { parent };
        let holder = match open_beneath(dir, parent, true) {
            Ok(holder) => holder,
            Err(Errno::XDEV | Errno::LOOP) => return Err(Self::outside(path, intent)),
            Err(errno) => return Err(Refusal::Errno(errno)),
        };
        let located = self
            .locate(holder.as_fd())?
            .and_then(|parent| parent.join(&RelPath::parse(name).ok()?).ok());
        match located {
            Some(path) => self.check(&path, intent),
            None => Err(Self::outside(path, intent)),
        }
    }

    fn check(&self, path: &RelPath, intent: Intent) -> Result<(), Refusal> {
        let grants = self.host.grants();
        let decision = match intent {
            Intent::Read => grants.check_path(Want::Read, path),
            Intent::Write => grants.check_path(Want::Write, path),
            Intent::Look if grants.may_write(path) => Ok(()),
            Intent::Look => grants.check_path(Want::Read, path),
        };
        decision.map_err(|denial| Refusal::Denied(Box::new(denial)))?;
        let used = match intent {
            Intent::Look if !grants.may_read(path) => Want::Write,
            Intent::Look | Intent::Read => Want::Read,
            Intent::Write => Want::Write,
        };
        self.host.used(used, path);
        Ok(())
    }

    /// The refusal for what lies outside: no grant can allow it.
    fn outside(path: &str, intent: Intent) -> Refusal {
        let capability = match intent {
            Intent::Look | Intent::Read => Capability::Read,
            Intent::Write => Capability::Write,
        };
        Refusal::Denied(Box::new(Denial {
            capability,
            scope: path.to_owned(),
            missing: MissingKey::Declared,
            note: Some("it leads out of the workspace, where no grant reaches".to_owned()),
            reason: None,
            fix: Fix {
                flag: None,
                line: "use a path inside the workspace that no link leads out of".to_owned(),
            },
        }))
    }

    /// Where an open object is inside the workspace; `None` if it is not inside.
    fn locate(&self, object: BorrowedFd<'_>) -> Result<Option<RelPath>, Refusal> {
        let root = real_path(self.root.as_fd())?;
        let path = real_path(object)?;
        let Ok(relative) = path.strip_prefix(&root) else {
            return Ok(None);
        };
        if relative.as_os_str().is_empty() {
            return Ok(Some(RelPath::root()));
        }
        // A name that is not UTF-8 cannot stand in a rule, so no rule covers it.
        Ok(relative.to_str().and_then(|path| RelPath::parse(path).ok()))
    }
}

/// The name that the kernel has for an open object.
fn real_path(object: BorrowedFd<'_>) -> Result<PathBuf, Refusal> {
    let link = format!("/proc/self/fd/{}", object.as_raw_fd());
    let bytes = rustix::fs::readlink(Path::new(&link), Vec::new()).map_err(Refusal::Errno)?;
    use std::os::unix::ffi::OsStringExt as _;
    Ok(PathBuf::from(std::ffi::OsString::from_vec(
        bytes.into_bytes(),
    )))
}

/// Opens what `path` names without touching it, never leaving `dir`.
fn open_beneath(dir: BorrowedFd<'_>, path: &str, follow: bool) -> Result<OwnedFd, Errno> {
    let mut flags = OFlags::PATH | OFlags::CLOEXEC;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    rustix::fs::openat2(
        dir,
        path,
        flags,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
    )
}
