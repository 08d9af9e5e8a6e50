//! The socket between the supervisor and the first process of the namespace.
//!
//! Never: anything from the host or the tool; both ends are this program.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use remit_supervisor::protocol::{Cost, Failure, MAX_LISTENERS};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, send, sendmsg,
    socketpair,
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
    /// Init: everything around the tool is in place. With it come the listening sockets.
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

    /// Says something and hands over descriptors, at most [`MAX_LISTENERS`].
    pub(crate) fn say_with(&self, word: Word, descriptors: &[OwnedFd]) {
        let Ok(bytes) = postcard::to_allocvec(&word) else {
            return;
        };
        let descriptors: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_LISTENERS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
        }
        let _ = sendmsg(
            &self.0,
            &[IoSlice::new(&bytes)],
            &mut control,
            SendFlags::NOSIGNAL,
        );
    }

    /// Waits for a word and what comes with it; none if the other side is gone.
    pub(crate) fn hear_with(&self) -> Option<(Word, Vec<OwnedFd>)> {
        let mut buffer = [0; MAX_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_LISTENERS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let message = rustix::io::retry_on_intr(|| {
            recvmsg(
                &self.0,
                &mut [IoSliceMut::new(&mut buffer)],
                &mut control,
                RecvFlags::CMSG_CLOEXEC,
            )
        })
        .ok()?;
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(sent) = message {
                descriptors.extend(sent);
            }
        }
        let word = postcard::from_bytes(buffer.get(..message.bytes)?).ok()?;
        Some((word, descriptors))
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
