//! A descriptor that the runtime watches.
//!
//! Never: a descriptor that somebody else may close.

#![expect(
    unsafe_code,
    reason = "the runtime cannot see from the type alone that a descriptor stays open"
)]

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::unix::AsyncFd;

/// Has the runtime watch a descriptor, which must not block.
///
/// # Errors
/// The descriptor is of a kind that cannot be watched, or the kernel's limit is reached.
pub(crate) fn watch(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open and stays the same descriptor until it is dropped, and the
    // `AsyncFd` owns it and takes it out of the watch first.
    unsafe { AsyncFd::register(descriptor) }.map_err(io::Error::from)
}
