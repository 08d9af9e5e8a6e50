//! The supervisor's program, carried inside the host and started from memory.
//!
//! Never: a path that another user or a tool can write. The memory file is sealed; the fallback
//! lies in a directory that only this user can enter.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, memfd_create, open};
use rustix::io::Errno;

/// The static binary that `build.rs` made.
const BYTES: &[u8] = include_bytes!(env!("REMIT_SUPERVISOR"));

/// The name under which process lists show the memory file.
const NAME: &str = "remit-supervisor";

/// The memory file of this process, made once: it costs 1 MiB and nothing per start.
static MEMORY: OnceLock<Option<OwnedFd>> = OnceLock::new();

/// Where a supervisor can be started from: sealed memory or, where the system refuses to execute
/// memory files, a file.
pub(crate) struct Image {
    fallback: OnceLock<PathBuf>,
    directory: PathBuf,
}

impl Image {
    /// An image whose fallback, if it is ever needed, is written into `directory`, which only this
    /// user can enter.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self {
            fallback: OnceLock::new(),
            directory,
        }
    }

    /// The path to execute.
    ///
    /// # Errors
    /// Neither memory nor the fallback works.
    pub(crate) fn path(&self) -> io::Result<PathBuf> {
        if let Some(path) = self.fallback.get() {
            return Ok(path.clone());
        }
        match MEMORY.get_or_init(|| sealed(BYTES).ok()) {
            // The child has this descriptor until it executes; `self` is then the child.
            Some(memory) => Ok(format!("/proc/self/fd/{}", memory.as_raw_fd()).into()),
            None => self.fall_back(),
        }
    }

    /// Whether a start that failed with this number may succeed from the fallback: executing
    /// memory is forbidden here, or `/proc` is not mounted.
    pub(crate) fn may_fall_back(&self, error: &io::Error) -> bool {
        let refused = [Errno::ACCESS, Errno::PERM, Errno::NOENT, Errno::NOSYS];
        self.fallback.get().is_none()
            && refused
                .iter()
                .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }

    /// Writes the program into the private directory.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub(crate) fn fall_back(&self) -> io::Result<PathBuf> {
        let path = self.directory.join(NAME);
        match write_program(&path) {
            Ok(()) => {}
            // Another start was first.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        Ok(self.fallback.get_or_init(|| path).clone())
    }
}

/// Writes a program that its owner may read and execute, in one step from nothing to whole.
fn write_program(path: &Path) -> io::Result<()> {
    let partial = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    let mut file: &File = partial.as_file();
    file.write_all(BYTES)?;
    file.set_permissions(Permissions::from_mode(0o500))?;
    // Executing a file that is open for writing is refused, so it is closed first.
    partial
        .into_temp_path()
        .persist_noclobber(path)
        .map_err(|error| error.error)
}

/// A memory file with this content that nobody can change any more.
fn sealed(content: &[u8]) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = match memfd_create(NAME, flags | MemfdFlags::EXEC) {
        // Before Linux 6.3 there is no such flag, and every memory file may be executed.
        Err(Errno::INVAL) => memfd_create(NAME, flags)?,
        other => other?,
    };
    let mut file = File::from(memory);
    file.write_all(content)?;
    fcntl_add_seals(
        &file,
        SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE,
    )?;
    // A file that is open for writing cannot be executed: keep another, read-only opening.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// A memory file with this content, opened for reading only: standard input of a tool.
///
/// # Errors
/// The kernel has no more memory or descriptors.
pub(crate) fn readable(content: &[u8]) -> io::Result<OwnedFd> {
    let memory = memfd_create("stdin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(memory);
    file.write_all(content)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_memory_cannot_be_written_again() {
        let memory = sealed(b"content").unwrap();
        let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
        let again = std::fs::OpenOptions::new().write(true).open(path);
        let error = match again {
            Ok(mut file) => file.write_all(b"other").unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
    }

    #[test]
    fn the_fallback_is_a_program_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let image = Image::new(directory.path().to_owned());
        let path = image.fall_back().unwrap();
        assert_eq!(image.path().unwrap(), path);
        assert_eq!(image.fall_back().unwrap(), path);
        let mode = path.symlink_metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o500);
    }
}
