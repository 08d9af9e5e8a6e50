//! How attempts are said: one line for each, as soon as it is made.
//!
//! Never: an attempt that is made and not said.

use std::io::{self, Write as _};

use remit_attacker::{Attempt, Verdict};

use crate::sys;

/// Why an attempt did not succeed.
#[derive(Debug)]
pub(crate) enum No {
    /// The system refused.
    Denied(String),
    /// There was nothing to try.
    NotApplicable(String),
}

/// What came of an attempt: what was reached, or why nothing was.
pub(crate) type Tried = Result<String, No>;

impl From<io::Error> for No {
    fn from(error: io::Error) -> Self {
        Self::Denied(name(&error))
    }
}

/// What a call that only the kernel's own checks should answer says: refused by a filter, or by
/// the kernel after it was let through.
pub(crate) fn gate(result: io::Result<usize>) -> Tried {
    match result {
        Ok(_) => Ok("it succeeded".to_owned()),
        Err(error) => match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES | libc::ENOSYS) => Err(error.into()),
            _ => Ok(format!("no filter stopped it: {}", name(&error))),
        },
    }
}

/// There is nothing to try.
pub(crate) fn nothing(why: &str) -> Tried {
    Err(No::NotApplicable(why.to_owned()))
}

/// What the attempts of one row are said with.
pub(crate) struct Report<'a> {
    row: &'a str,
}

impl<'a> Report<'a> {
    /// For a row.
    pub(crate) fn of(row: &'a str) -> Self {
        Self { row }
    }

    /// Makes an attempt in a process of its own.
    pub(crate) fn attempt(&self, what: &str, work: impl FnOnce() -> Tried) {
        self.say(what, sys::isolated(work));
    }

    /// Makes an attempt that must be made by this process itself.
    pub(crate) fn here(&self, what: &str, work: impl FnOnce() -> Tried) {
        self.say(what, work());
    }

    /// Does what every tool may do.
    pub(crate) fn control(&self, what: &str, work: impl FnOnce() -> Tried) {
        let verdict = match sys::isolated(work) {
            Ok(_) => Verdict::Works,
            Err(No::Denied(why)) => Verdict::Broken(why),
            Err(No::NotApplicable(why)) => Verdict::NotApplicable(why),
        };
        self.print(what, verdict);
    }

    fn say(&self, what: &str, tried: Tried) {
        let verdict = match tried {
            Ok(reached) => Verdict::Breached(reached),
            Err(No::Denied(why)) => Verdict::Denied(why),
            Err(No::NotApplicable(why)) => Verdict::NotApplicable(why),
        };
        self.print(what, verdict);
    }

    fn print(&self, what: &str, verdict: Verdict) {
        let plain = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        let attempt = Attempt {
            row: self.row.to_owned(),
            what: plain(what),
            verdict,
        };
        let mut line = plain(&attempt.verdict.to_string());
        line = format!("{}\t{}\t{line}\n", attempt.row, attempt.what);
        // In one piece, and a report that nobody reads is nobody's loss.
        drop(io::stdout().write_all(line.as_bytes()));
        drop(io::stdout().flush());
    }
}

/// The name of an error, as manuals have it.
pub(crate) fn name(error: &io::Error) -> String {
    let Some(number) = error.raw_os_error() else {
        return error.to_string();
    };
    NAMES
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("errno {number}"), |(_, name)| (*name).to_owned())
}

/// The errors that attempts meet.
const NAMES: &[(i32, &str)] = &[
    (libc::E2BIG, "E2BIG"),
    (libc::EACCES, "EACCES"),
    (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::EBADF, "EBADF"),
    (libc::EBUSY, "EBUSY"),
    (libc::ECHILD, "ECHILD"),
    (libc::ECONNREFUSED, "ECONNREFUSED"),
    (libc::EEXIST, "EEXIST"),
    (libc::EFAULT, "EFAULT"),
    (libc::EFBIG, "EFBIG"),
    (libc::EINVAL, "EINVAL"),
    (libc::EIO, "EIO"),
    (libc::EISDIR, "EISDIR"),
    (libc::ELOOP, "ELOOP"),
    (libc::EMFILE, "EMFILE"),
    (libc::ENODEV, "ENODEV"),
    (libc::ENOENT, "ENOENT"),
    (libc::ENOEXEC, "ENOEXEC"),
    (libc::ENOKEY, "ENOKEY"),
    (libc::ENOMEM, "ENOMEM"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::ENOTBLK, "ENOTBLK"),
    (libc::ENOTDIR, "ENOTDIR"),
    (libc::ENOTEMPTY, "ENOTEMPTY"),
    (libc::ENOTTY, "ENOTTY"),
    (libc::ENXIO, "ENXIO"),
    (libc::EOPNOTSUPP, "EOPNOTSUPP"),
    (libc::EPERM, "EPERM"),
    (libc::EPROTONOSUPPORT, "EPROTONOSUPPORT"),
    (libc::EROFS, "EROFS"),
    (libc::ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"),
    (libc::ESRCH, "ESRCH"),
    (libc::ETXTBSY, "ETXTBSY"),
    (libc::EUSERS, "EUSERS"),
    (libc::EXDEV, "EXDEV"),
];
