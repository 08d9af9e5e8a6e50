//! The rules below the workspace and in the scratch directory: which object a guest's path really
//! names, and whether the guest may touch it.
//!
//! A guest's path is never judged by its text alone. The kernel resolves it below a directory that
//! the host holds open, and the rules are applied to where the resolved object is. Never: a path
//! that a guest wrote in a call that could leave the workspace.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use remit_core::denial::{Denial, Fix, MissingKey};
use remit_core::grant::Access as Want;
use remit_core::path::RelPath;
use remit_core::scope::Capability;
use remit_engine::host::{LimitHit, PluginHost};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Where guests find the workspace.
pub(crate) const GUEST_ROOT: &str = "/workspace";

/// Where guests find the scratch directory of the attempt.
pub(crate) const GUEST_SCRATCH: &str = "/scratch";

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

/// Where an open object is.
enum Located {
    /// Here in the workspace.
    Workspace(RelPath),
    /// In the scratch directory, which is the guest's own.
    Scratch,
    /// In neither, or under a name that no rule can have.
    Outside,
}

/// The scratch directory, held open, and the path that it has.
struct Scratch {
    root: File,
    path: PathBuf,
}

/// The directories of one attempt, held open.
pub(crate) struct Access {
    // `None`: no directory was granted.
    workspace: Option<File>,
    scratch: OnceLock<Option<Scratch>>,
    host: Arc<PluginHost>,
}

impl Access {
    /// For a workspace of which something was granted.
    pub(crate) fn new(workspace: Option<File>, host: Arc<PluginHost>) -> Self {
        Self {
            workspace,
            scratch: OnceLock::new(),
            host,
        }
    }

    /// Whether anything of the workspace was granted.
    pub(crate) fn has_workspace(&self) -> bool {
        self.workspace.is_some()
    }

    /// The workspace, if anything of it was granted.
    pub(crate) fn workspace(&self) -> Option<&File> {
        self.workspace.as_ref()
    }

    /// The scratch directory, if the attempt has one. It is made when it is first asked for.
    pub(crate) fn scratch(&self) -> Option<&File> {
        let scratch = self.scratch.get_or_init(|| {
            let path = match self.host.scratch()?.path() {
                Ok(path) => path,
                Err(error) => {
                    tracing::warn!(%error, "the plugin gets no scratch directory");
                    return None;
                }
            };
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let root = rustix::fs::open(path, flags, Mode::empty()).ok()?;
            let path = real_path(root.as_fd()).ok()?;
            Some(Scratch {
                root: File::from(root),
                path,
            })
        });
        scratch.as_ref().map(|scratch| &scratch.root)
    }

    /// Whether both lie in the scratch directory, or neither.
    pub(crate) fn are_together(&self, one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
        self.is_scratch(one) == self.is_scratch(other)
    }

    fn is_scratch(&self, object: BorrowedFd<'_>) -> bool {
        matches!(self.locate(object), Ok(Located::Scratch))
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
            Located::Workspace(path) => self.check(&path, intent),
            Located::Scratch => Ok(()),
            Located::Outside => Err(Self::outside(&real_path(object)?.to_string_lossy(), intent)),
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
            Err(Errno::XDEV | Errno::LOOP) => Err(self.leads_out(dir, path, intent)),
            Err(errno) => Err(Refusal::Errno(errno)),
        }
    }

    /// Judges what is about to be moved as a whole: a rule that forbids something inside it
    /// would otherwise be left behind at the old name.
    pub(crate) fn check_whole(&self, dir: BorrowedFd<'_>, path: &str) -> Result<(), Refusal> {
        let object = match open_beneath(dir, path, false) {
            Ok(object) => object,
            Err(Errno::XDEV | Errno::LOOP) => return Err(self.leads_out(dir, path, Intent::Write)),
            Err(errno) => return Err(Refusal::Errno(errno)),
        };
        let located = match self.locate(object.as_fd())? {
            Located::Workspace(located) => located,
            Located::Scratch => return Ok(()),
            Located::Outside => return Err(Self::outside(path, Intent::Write)),
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
            return Err(self.leads_out(dir, path, intent));
        }
        let parent = if parent.is_empty() { "/" } else { parent };
        let holder = match open_beneath(dir, parent, true) {
            Ok(holder) => holder,
            Err(Errno::XDEV | Errno::LOOP) => return Err(self.leads_out(dir, path, intent)),
            Err(errno) => return Err(Refusal::Errno(errno)),
        };
        let located = match self.locate(holder.as_fd())? {
            Located::Scratch => return Ok(()),
            Located::Outside => None,
            Located::Workspace(parent) => RelPath::parse(name)
                .ok()
                .and_then(|name| parent.join(&name).ok()),
        };
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

    /// The refusal for a path that leads out of the directory that it begins in. In the scratch
    /// directory that is no business of the owner's: no grant could allow it.
    fn leads_out(&self, dir: BorrowedFd<'_>, path: &str, intent: Intent) -> Refusal {
        if self.is_scratch(dir) {
            Refusal::Errno(Errno::PERM)
        } else {
            Self::outside(path, intent)
        }
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

    /// Where an open object is.
    fn locate(&self, object: BorrowedFd<'_>) -> Result<Located, Refusal> {
        let path = real_path(object)?;
        if let Some(Some(scratch)) = self.scratch.get()
            && path.starts_with(&scratch.path)
        {
            return Ok(Located::Scratch);
        }
        let Some(workspace) = &self.workspace else {
            return Ok(Located::Outside);
        };
        let root = real_path(workspace.as_fd())?;
        let Ok(relative) = path.strip_prefix(&root) else {
            return Ok(Located::Outside);
        };
        if relative.as_os_str().is_empty() {
            return Ok(Located::Workspace(RelPath::root()));
        }
        // A name that is not UTF-8 cannot stand in a rule, so no rule covers it.
        let located = relative.to_str().and_then(|path| RelPath::parse(path).ok());
        Ok(located.map_or(Located::Outside, Located::Workspace))
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
