//! The host's end of the control socket.
//!
//! Never: a wait without somebody above who can give it up, a descriptor from a supervisor that
//! stays open by accident.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use remit_supervisor::protocol::{
    self, CHUNK_BYTES, Command, DESCRIPTORS, HEAD_BYTES, MAX_MESSAGE_BYTES, Report, Request,
    STARTED_DESCRIPTORS,
};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, send, sendmsg, socketpair,
};
use tokio::io::unix::AsyncFd;

use crate::watched::watch;

/// What came from the supervisor.
pub(crate) enum Heard {
    /// A report, and the descriptors that it may bring.
    Report(Report, Vec<OwnedFd>),
    /// Nothing more will come.
    Gone,
}

/// The part of a request that is still to be sent.
pub(crate) struct Unsent {
    body: Vec<u8>,
    sent: usize,
}

/// The socket.
pub(crate) struct Control(AsyncFd<OwnedFd>);

impl Control {
    /// Both ends: ours, and the one that becomes the supervisor's standard input.
    ///
    /// # Errors
    /// The process has no more descriptors.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        Ok((Self(watch(ours)?), theirs))
    }

    /// Sends as much of a request as the socket takes before anybody reads: nearly always all of
    /// it, so that the supervisor finds it when it comes up.
    ///
    /// # Errors
    /// The request is too large, or the socket does not work.
    pub(crate) fn begin(
        &self,
        request: &Request,
        descriptors: [&OwnedFd; DESCRIPTORS],
    ) -> io::Result<Unsent> {
        let (head, body) = protocol::encode_request(request)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.send_head(head, descriptors)?;
        let mut unsent = Unsent { body, sent: 0 };
        self.send_some(&mut unsent)?;
        Ok(unsent)
    }

    fn send_head(
        &self,
        head: [u8; HEAD_BYTES],
        descriptors: [&OwnedFd; DESCRIPTORS],
    ) -> io::Result<()> {
        let descriptors = descriptors.map(AsFd::as_fd);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(
            self.0.get_ref(),
            &[IoSlice::new(&head)],
            &mut control,
            SendFlags::NOSIGNAL,
        )?;
        Ok(())
    }

    /// Sends packets until the socket is full. Says whether everything is sent.
    fn send_some(&self, unsent: &mut Unsent) -> io::Result<bool> {
        while unsent.sent < unsent.body.len() {
            let end = unsent.body.len().min(unsent.sent + CHUNK_BYTES);
            match send(
                self.0.get_ref(),
                &unsent.body[unsent.sent..end],
                SendFlags::NOSIGNAL,
            ) {
                // A packet goes whole or not at all.
                Ok(_) => unsent.sent = end,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(true)
    }

    /// Sends the rest of a request.
    ///
    /// # Errors
    /// The supervisor is gone.
    pub(crate) async fn finish(&self, mut unsent: Unsent) -> io::Result<()> {
        while !self.send_some(&mut unsent)? {
            self.0.writable().await?.clear_ready();
        }
        Ok(())
    }

    /// Sends a command. A supervisor that is gone needs none, and one that does not read is
    /// killed by whoever waits for the answer.
    pub(crate) fn command(&self, command: Command) {
        if let Ok(bytes) = protocol::encode_message(&command) {
            let _ = send(self.0.get_ref(), &bytes, SendFlags::NOSIGNAL);
        }
    }

    /// Waits for the next report. Safe to cancel: nothing is taken before it is returned.
    pub(crate) async fn hear(&self) -> Heard {
        loop {
            let Ok(mut ready) = self.0.readable().await else {
                return Heard::Gone;
            };
            match ready.try_io(|socket| receive(socket.get_ref()).map_err(io::Error::from)) {
                Ok(Ok(heard)) => return heard,
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(_)) => return Heard::Gone,
                Err(_would_block) => {}
            }
        }
    }
}

/// Takes one report off the socket.
fn receive(socket: &OwnedFd) -> Result<Heard, Errno> {
    let mut buffer = [0; MAX_MESSAGE_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STARTED_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut buffer)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sent) = message {
            descriptors.extend(sent);
        }
    }
    // Zero bytes are the end. Anything that is no report is no supervisor of ours.
    Ok(protocol::decode_message(&buffer[..message.bytes])
        .map_or(Heard::Gone, |report| Heard::Report(report, descriptors)))
}
