//! The supervisor's end of the control socket, which is its descriptor 0.
//!
//! Never: a wait for the host after the request is read. A host that hangs must not hang its
//! supervisor.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use remit_supervisor::protocol::{
    self, CHUNK_BYTES, Command, DESCRIPTORS, Failure, HEAD_BYTES, MAX_MESSAGE_BYTES, Report,
    Request, STARTED_DESCRIPTORS, Step,
};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recv, recvmsg, send, sendmsg,
};

/// A request with what came with it.
pub(crate) struct Received {
    /// The request.
    pub(crate) request: Request,
    /// The working directory.
    pub(crate) directory: OwnedFd,
    /// The tool's standard input.
    pub(crate) stdin: OwnedFd,
}

/// Why there is no request.
pub(crate) enum ReceiveError {
    /// The host closed the socket; there is nobody to tell.
    HostGone,
    /// The request is not one; the number for the report.
    Refused(Errno),
}

impl From<Errno> for ReceiveError {
    fn from(errno: Errno) -> Self {
        Self::Refused(errno)
    }
}

/// The socket.
pub(crate) fn socket() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}

/// Waits for the request.
///
/// # Errors
/// The host is gone, or what it sent is no request.
pub(crate) fn receive() -> Result<Received, ReceiveError> {
    let (length, directory, stdin) = receive_head()?;
    let mut body = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let end = length.min(filled + CHUNK_BYTES);
        let read = retry(|| recv(socket(), &mut body[filled..end], RecvFlags::TRUNC))?;
        match read.1 {
            0 => return Err(ReceiveError::HostGone),
            // The kernel tells the full length: a packet that did not fit is no part of this
            // protocol.
            read if read > end - filled => return Err(ReceiveError::Refused(Errno::MSGSIZE)),
            read => filled += read,
        }
    }
    let request = protocol::decode_body(&body).map_err(|_| ReceiveError::Refused(Errno::PROTO))?;
    Ok(Received {
        request,
        directory,
        stdin,
    })
}

/// Reads the head and the two descriptors.
fn receive_head() -> Result<(usize, OwnedFd, OwnedFd), ReceiveError> {
    let mut head = [0; HEAD_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = retry(|| {
        recvmsg(
            socket(),
            &mut [IoSliceMut::new(&mut head)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )
    })?;
    if message.bytes == 0 {
        return Err(ReceiveError::HostGone);
    }
    let length = protocol::decode_head(&head[..message.bytes.min(HEAD_BYTES)])
        .map_err(|_| ReceiveError::Refused(Errno::PROTO))?;
    let mut descriptors = Vec::with_capacity(DESCRIPTORS);
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sent) = message {
            descriptors.extend(sent);
        }
    }
    match <[OwnedFd; DESCRIPTORS]>::try_from(descriptors) {
        Ok([directory, stdin]) => Ok((length, directory, stdin)),
        Err(_) => Err(ReceiveError::Refused(Errno::BADF)),
    }
}

/// What the host said.
pub(crate) enum Heard {
    /// A command.
    Command(Command),
    /// Nothing more will come: the host closed its end, or it speaks another language.
    Gone,
    /// Nothing yet.
    Nothing,
}

/// Takes one command, without waiting.
pub(crate) fn hear() -> Heard {
    let mut buffer = [0; MAX_MESSAGE_BYTES];
    match retry(|| recv(socket(), &mut buffer, RecvFlags::DONTWAIT)) {
        Ok((read, _)) => {
            protocol::decode_message(&buffer[..read]).map_or(Heard::Gone, Heard::Command)
        }
        Err(Errno::AGAIN) => Heard::Nothing,
        Err(_) => Heard::Gone,
    }
}

/// Tells the host. A host that is gone or does not read misses it; nothing here depends on it.
pub(crate) fn report(report: &Report) {
    if let Ok(bytes) = protocol::encode_message(report) {
        let _ = send(socket(), &bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    }
}

/// Tells the host and hands it descriptors, at most [`STARTED_DESCRIPTORS`].
pub(crate) fn report_with(report: &Report, descriptors: &[BorrowedFd<'_>]) {
    let Ok(bytes) = protocol::encode_message(report) else {
        return;
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STARTED_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(descriptors));
    let _ = sendmsg(
        socket(),
        &[IoSlice::new(&bytes)],
        &mut control,
        SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
    );
}

/// Turns an error number into the failure of a step.
pub(crate) fn at(step: Step) -> impl Fn(Errno) -> Failure {
    move |errno| Failure {
        step,
        errno: errno.raw_os_error(),
    }
}

/// Repeats a call that a signal interrupted.
fn retry<T>(call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    rustix::io::retry_on_intr(call)
}
