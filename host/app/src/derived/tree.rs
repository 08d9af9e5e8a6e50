//! Directories and files of a workspace, opened without following links.
//!
//! Never: a path that is resolved as a whole; a file that is no regular one.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use remit_core::durable::Entry;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::exit::Stop;
use crate::timeline::json_line;

/// Derived files are for everyone who may read the workspace.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);
const DIR_MODE: Mode = Mode::from_raw_mode(0o755);

/// The name under which a file is written before it takes its place.
const NEW: &str = ".new";

/// A directory of the workspace that is held open.
pub(super) struct Place {
    fd: OwnedFd,
    /// For messages.
    shown: String,
}

impl Place {
    /// The workspace itself, which the person named: links on the way to it are theirs.
    pub(super) fn workspace(path: &Path) -> Result<Self, Stop> {
        let shown = path.display().to_string();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => Ok(Self { fd, shown }),
            Err(error) => Err(failed("open", &shown, error)),
        }
    }

    /// A directory in it, made if it is not there.
    pub(super) fn inside(&self, name: &str) -> Result<Self, Stop> {
        let shown = format!("{}/{name}", self.shown);
        match mkdirat(&self.fd, name, DIR_MODE) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(failed("make", &shown, error)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Self { fd, shown }),
            Err(error) => Err(failed("open", &shown, error)),
        }
    }

    /// A file that is read and added to, made if it is not there.
    pub(super) fn open(&self, name: &str) -> Result<File, Stop> {
        // Not to wait for whoever writes into a pipe that lies there.
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NONBLOCK;
        self.regular(name, flags)
    }

    fn regular(&self, name: &str, flags: OFlags) -> Result<File, Stop> {
        let shown = format!("{}/{name}", self.shown);
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.fd, name, flags, FILE_MODE)
            .map_err(|error| failed("open", &shown, error))?;
        let stat = fstat(&fd).map_err(|error| failed("look at", &shown, error))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Stop::usage(
                format!("{shown} is no regular file"),
                "remove it; remit writes it",
            ));
        }
        Ok(File::from(fd))
    }

    /// A file that takes the place of the one of this name once it is whole.
    pub(super) fn replace(&self, name: &str) -> Result<Replacement, Stop> {
        let temporary = format!(".{name}{NEW}");
        match unlinkat(&self.fd, &temporary, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failed("remove", &temporary, error)),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let file = self.regular(&temporary, flags)?;
        Ok(Replacement {
            place: self.again()?,
            out: BufWriter::new(file),
            temporary,
            name: name.to_owned(),
            is_there: false,
        })
    }

    /// The same directory once more.
    pub(super) fn again(&self) -> Result<Self, Stop> {
        let fd = self.fd.try_clone();
        let fd = fd.map_err(|error| io_failed("open", &self.shown, &error))?;
        let shown = self.shown.clone();
        Ok(Self { fd, shown })
    }
}

/// A file on its way to its place. Dropped before [`Self::finish`], the old one stays.
pub(super) struct Replacement {
    place: Place,
    out: BufWriter<File>,
    temporary: String,
    name: String,
    is_there: bool,
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.is_there {
            // Whoever writes it next removes it first.
            let _gone = unlinkat(&self.place.fd, &self.temporary, AtFlags::empty());
        }
    }
}

impl Replacement {
    /// More of it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let written = self.out.write_all(bytes);
        written.map_err(|error| io_failed("write", &self.shown(), &error))
    }

    /// One entry as a line.
    pub(super) fn line(&mut self, entry: &Entry) -> Result<(), Stop> {
        self.write(json_line(entry)?.as_bytes())?;
        self.write(b"\n")
    }

    /// Puts it in its place. How many bytes it has. A loss of power may take it back: for files
    /// that are held against the ledger before they grow.
    pub(super) fn put(mut self) -> Result<u64, Stop> {
        let shown = self.shown();
        let failed_io = |error: std::io::Error| io_failed("write", &shown, &error);
        self.out.flush().map_err(failed_io)?;
        let length = self.out.get_ref().metadata().map_err(failed_io)?.len();
        let fd = &self.place.fd;
        renameat(fd, &self.temporary, fd, &self.name)
            .map_err(|error| failed("put", &shown, error))?;
        self.is_there = true;
        Ok(length)
    }

    /// As [`Self::put`], and when this returns it survives a loss of power.
    pub(super) fn finish(mut self) -> Result<(), Stop> {
        let (place, shown) = (self.place.again()?, self.shown());
        let failed_io = |error: std::io::Error| io_failed("write", &shown, &error);
        self.out.flush().map_err(failed_io)?;
        self.out.get_ref().sync_all().map_err(failed_io)?;
        self.put()?;
        // Else the old one could come back.
        rustix::fs::fsync(&place.fd).map_err(|error| failed("write", &shown, error))
    }

    fn shown(&self) -> String {
        format!("{}/{}", self.place.shown, self.name)
    }
}

fn failed(what: &str, shown: &str, error: Errno) -> Stop {
    if matches!(error, Errno::LOOP | Errno::NOTDIR) {
        return Stop::usage(
            format!("{shown} is a link or no directory; remit follows none where it writes"),
            "remove it",
        );
    }
    io_failed(what, shown, &error.into())
}

/// A file that could not be written.
pub(super) fn io_failed(what: &str, shown: &str, error: &std::io::Error) -> Stop {
    Stop::usage(
        format!("cannot {what} {shown}: {error}"),
        "check its permissions and the room on its disk; `remit ledger rebuild` makes it again",
    )
}
