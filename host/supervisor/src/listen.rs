//! Listening sockets in the tool's own network, made for the host.
//!
//! A socket belongs to the network in which it was made, so the host can take connections of the
//! tool from outside, and the tool reaches nothing of the host. Never: an address but that of the
//! loopback interface, a socket that the tool itself inherits.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

use remit_supervisor::protocol::MAX_LISTENERS;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};

/// Connections that wait until the host takes them. The host takes them at once, but a tool may
/// open many before the host has heard that it runs.
const BACKLOG: i32 = 128;

/// One socket for each port, in their order.
///
/// # Errors
/// There are more ports than the protocol knows, or the kernel refused one.
pub(crate) fn on(ports: &[u16]) -> Result<Vec<OwnedFd>, Errno> {
    if ports.len() > MAX_LISTENERS {
        return Err(Errno::TOOBIG);
    }
    ports
        .iter()
        .map(|port| {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
            bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, *port))?;
            listen(&socket, BACKLOG)?;
            Ok(socket)
        })
        .collect()
}
