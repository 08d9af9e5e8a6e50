//! The socket between the supervisor and the first process of the namespace.
//!
//! Never: anything from the host or the tool; both ends are this program.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use remit_supervisor::protocol::{Cost, Failure};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};
use serde::{Deserialize, Serialize};

/// The largest message in bytes: a result with four integers.
const MAX_BYTES: usize = 64;

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word {
    /// Init: my life is tied to yours.
    Ready,
    /// Supervisor: you are set up and I am still here. Init to the tool likewise.
    Go,
    /// Init: everything around the tool is in place.
    Built,
    /// Init: this step failed, and no tool will be made.
    Unbuilt(Failure),
    /// Supervisor: ask everyone to end.
    Stop,
    /// Init: the tool has ended with this wait status, at this cost.
    Result(i32, Cost),
}

/// One end.
pub(crate) struct Link(OwnedFd);

impl Link {
    /// Both ends.
    ///
    /// # Errors
    /// The kernel has no more descriptors.
    pub(crate) fn pair() -> Result<(Self, Self), Errno> {
        let (one, other) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(one), Self(other)))
    }

    /// Says something. The other side may be gone; then it does not matter.
    pub(crate) fn say(&self, word: Word) {
        if let Ok(bytes) = postcard::to_allocvec(&word) {
            let _ = send(&self.0, &bytes, SendFlags::NOSIGNAL);
        }
    }

    /// Waits for a word; none if the other side is gone.
    pub(crate) fn hear(&self) -> Option<Word> {
        self.receive(RecvFlags::empty())
    }

    /// A word that is already there.
    pub(crate) fn hear_now(&self) -> Option<Word> {
        self.receive(RecvFlags::DONTWAIT)
    }

    fn receive(&self, flags: RecvFlags) -> Option<Word> {
        let mut buffer = [0; MAX_BYTES];
        let (read, _) = rustix::io::retry_on_intr(|| recv(&self.0, &mut buffer, flags)).ok()?;
        postcard::from_bytes(&buffer[..read]).ok()
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
