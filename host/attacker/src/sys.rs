//! System calls as numbers, and a process of its own for each attempt.
//!
//! Never: a call that could do harm if nothing stops it; the callers say why theirs cannot.

#![expect(
    unsafe_code,
    reason = "an attack makes calls for which there are no wrappers, with arguments that no wrapper takes"
)]

use std::ffi::{CString, c_int, c_long};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::report::{No, Tried};

/// The exit code of a child that could not say how its attempt ended.
const SPEECHLESS: c_int = 3;

/// The most that a child says.
const MAX_SAID: usize = 1024;

/// A raw system call.
///
/// # Errors
/// What the kernel said.
///
/// # Safety
/// Whatever the call reads or writes through `arguments` must be valid for it, or must be an
/// address that no process maps, so that the kernel says `EFAULT`.
pub(crate) unsafe fn call(number: c_long, arguments: [usize; 6]) -> io::Result<usize> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: what the caller promises.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(result).unwrap_or(0))
}

/// A call whose arguments hold no pointer but null or [`NOWHERE`].
///
/// # Errors
/// What the kernel said.
pub(crate) fn call_plain(number: c_long, arguments: [usize; 6]) -> io::Result<usize> {
    // SAFETY: all callers pass numbers, and for pointers null or `NOWHERE`, which are mapped in no
    // process: the kernel can neither read nor write through them.
    unsafe { call(number, arguments) }
}

/// An address that is mapped in no process: the first page never is, for a program without
/// privilege over memory.
pub(crate) const NOWHERE: usize = 1;

/// A path as the kernel takes it.
pub(crate) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

/// A call on a path and up to four numbers: `f(path, a, b, c, d)`.
///
/// # Errors
/// What the kernel said.
pub(crate) fn call_path(number: c_long, path: &Path, rest: [usize; 4]) -> io::Result<usize> {
    let path = c_path(path)?;
    let [a, b, c, d] = rest;
    // SAFETY: the path ends with zero and outlives the call; the rest are numbers, null or
    // `NOWHERE` in all callers.
    unsafe { call(number, [path.as_ptr().addr(), a, b, c, d, 0]) }
}

/// A call on a directory descriptor (the current one), a path and up to four numbers.
///
/// # Errors
/// What the kernel said.
pub(crate) fn call_at(number: c_long, path: &Path, rest: [usize; 4]) -> io::Result<usize> {
    let path = c_path(path)?;
    let [a, b, c, d] = rest;
    // SAFETY: as in `call_path`.
    unsafe { call(number, [here(), path.as_ptr().addr(), a, b, c, d]) }
}

/// A call on two paths.
///
/// # Errors
/// What the kernel said.
pub(crate) fn call_paths(number: c_long, from: &Path, to: &Path) -> io::Result<usize> {
    let (from, to) = (c_path(from)?, c_path(to)?);
    // SAFETY: both paths end with zero and outlive the call.
    unsafe {
        call(
            number,
            [from.as_ptr().addr(), to.as_ptr().addr(), 0, 0, 0, 0],
        )
    }
}

/// The current directory as a descriptor argument.
pub(crate) fn here() -> usize {
    usize::try_from(libc::AT_FDCWD).unwrap_or(unsigned(libc::AT_FDCWD))
}

/// A signed number as it is in a register.
pub(crate) fn unsigned(number: c_int) -> usize {
    (number as isize).cast_unsigned()
}

/// Makes the attempt in a process of its own: it may change itself, end, or be ended.
pub(crate) fn isolated(work: impl FnOnce() -> Tried) -> Tried {
    let mut pipe = [0; 2];
    // SAFETY: the kernel fills the two numbers.
    if unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(No::NotApplicable(format!(
            "no pipe: {}",
            io::Error::last_os_error()
        )));
    }
    let [read, write] = pipe;
    // SAFETY: this program has one thread, so the child may do what its parent may.
    match unsafe { libc::fork() } {
        -1 => Err(No::NotApplicable(format!(
            "no process: {}",
            io::Error::last_os_error()
        ))),
        0 => {
            say(write, &work());
            // SAFETY: ends the child without running what the parent registered.
            unsafe { libc::_exit(0) }
        }
        child => {
            close(write);
            let said = hear(read);
            close(read);
            let status = wait(child);
            said.unwrap_or_else(|| Err(ended(status)))
        }
    }
}

/// How an attempt ended whose process was ended.
fn ended(status: c_int) -> No {
    if !libc::WIFSIGNALED(status) {
        return No::NotApplicable(format!("the attempt ended with {status:#x}"));
    }
    match libc::WTERMSIG(status) {
        libc::SIGSYS => No::Denied("SIGSYS".to_owned()),
        libc::SIGXFSZ => No::Denied("SIGXFSZ".to_owned()),
        libc::SIGKILL => No::Denied("SIGKILL".to_owned()),
        other => No::NotApplicable(format!("the attempt was ended by signal {other}")),
    }
}

/// Waits for a child; its status.
pub(crate) fn wait(child: c_int) -> c_int {
    let mut status = 0;
    loop {
        // SAFETY: the kernel fills the number.
        let done = unsafe { libc::waitpid(child, &raw mut status, 0) };
        let again = done < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EINTR);
        if !again {
            return status;
        }
    }
}

/// Closes a descriptor that this program made and holds nowhere else.
pub(crate) fn close(descriptor: c_int) {
    // SAFETY: the callers own the number and use it no more.
    unsafe { libc::close(descriptor) };
}

fn say(pipe: c_int, tried: &Tried) {
    let (mark, text) = match tried {
        Ok(what) => (b'b', what.as_str()),
        Err(No::Denied(why)) => (b'd', why.as_str()),
        Err(No::NotApplicable(why)) => (b'n', why.as_str()),
    };
    let mut bytes = vec![mark];
    bytes.extend(text.bytes().take(MAX_SAID - 1));
    // SAFETY: the buffer is as long as it says; less than a pipe holds, so it is written whole.
    let written = unsafe { libc::write(pipe, bytes.as_ptr().cast(), bytes.len()) };
    if written < 0 {
        // SAFETY: ends the child; the parent sees that nothing was said.
        unsafe { libc::_exit(SPEECHLESS) };
    }
}

fn hear(pipe: c_int) -> Option<Tried> {
    let mut bytes = vec![0_u8; MAX_SAID];
    // SAFETY: the buffer is as long as it says.
    let read = unsafe { libc::read(pipe, bytes.as_mut_ptr().cast(), bytes.len()) };
    bytes.truncate(usize::try_from(read).ok().filter(|read| *read > 0)?);
    let (mark, text) = bytes.split_first()?;
    let text = String::from_utf8_lossy(text).into_owned();
    match mark {
        b'b' => Some(Ok(text)),
        b'd' => Some(Err(No::Denied(text))),
        b'n' => Some(Err(No::NotApplicable(text))),
        _ => None,
    }
}
