//! Sockets of every family, and services that listen on this machine.
//!
//! Never: a byte that is sent to a service. To connect is enough.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram, UnixStream};
use std::path::Path;

use crate::arguments::Victims;
use crate::report::{No, Report, Tried, name};
use crate::sys::call_plain;

/// Families that have a number; more than any kernel has.
const FAMILIES: usize = 48;

/// Types of sockets.
const TYPES: &[(usize, &str)] = &[
    (1, "stream"),
    (2, "datagram"),
    (3, "raw"),
    (4, "rdm"),
    (5, "seqpacket"),
    (10, "packet"),
];

/// Names of families that people know.
const NAMES: &[(usize, &str)] = &[
    (1, "AF_UNIX"),
    (2, "AF_INET"),
    (10, "AF_INET6"),
    (16, "AF_NETLINK"),
    (17, "AF_PACKET"),
    (29, "AF_CAN"),
    (31, "AF_BLUETOOTH"),
    (38, "AF_ALG"),
    (40, "AF_VSOCK"),
    (44, "AF_XDP"),
];

/// A bit above those that the kernel looks at in a number of 32 bits.
pub(crate) const HIGH_BIT: usize = 1 << 32;

/// Services that many machines have.
const SERVICES: &[&str] = &[
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/dbus/system_bus_socket",
    "/run/systemd/private",
    "/run/systemd/journal/socket",
    "/dev/log",
    "/tmp/.X11-unix/X0",
];

/// The row `sockets`.
pub(crate) fn sockets(report: &Report<'_>) {
    for family in 0..FAMILIES {
        let known = NAMES.iter().find(|(number, _)| *number == family);
        let what = known.map_or_else(
            || format!("family {family}"),
            |(_, name)| (*name).to_owned(),
        );
        report.attempt(&what, || any_type(family));
    }
    report.attempt("AF_INET with a high bit", || any_type(2 | HIGH_BIT));
    report.attempt("AF_UNIX with a high bit", || any_type(1 | HIGH_BIT));
    report.attempt("AF_NETLINK with a high bit", || any_type(16 | HIGH_BIT));
    report.attempt("a pair of AF_INET", || {
        let mut pair = [0_i32; 2];
        let pair = pair.as_mut_ptr().addr();
        #[expect(unsafe_code, reason = "the kernel writes the two descriptors")]
        // SAFETY: the array has two numbers and outlives the call.
        unsafe { crate::sys::call(libc::SYS_socketpair, [2, 1, 0, pair, 0, 0]) }?;
        Ok("it was made".to_owned())
    });
}

/// Makes sockets of all types of a family.
fn any_type(family: usize) -> Tried {
    let mut refusals = Vec::new();
    let mut made = Vec::new();
    for (number, what) in TYPES {
        match call_plain(libc::SYS_socket, [family, *number, 0, 0, 0, 0]) {
            Ok(_) => made.push(*what),
            Err(error) => refusals.push(name(&error)),
        }
    }
    if made.is_empty() {
        refusals.dedup();
        Err(No::Denied(refusals.join(" ")))
    } else {
        Ok(made.join(" "))
    }
}

/// Whether a service was reached: also one that refuses.
fn reached(result: std::io::Result<()>) -> Tried {
    match result {
        Ok(()) => Ok("connected".to_owned()),
        Err(error) if error.raw_os_error() == Some(libc::ECONNREFUSED) => {
            Ok("nobody listens, but nothing stopped it".to_owned())
        }
        Err(error) => Err(error.into()),
    }
}

/// The row `connect`.
pub(crate) fn connect(report: &Report<'_>, victims: &Victims) {
    let port = victims.tcp.unwrap_or(22);
    for address in [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ] {
        report.attempt(&format!("tcp {address}"), || {
            reached(TcpStream::connect(address).map(drop))
        });
        report.attempt(&format!("udp {address}"), || {
            let any: SocketAddr = match address {
                SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
            };
            reached(UdpSocket::bind(any).and_then(|socket| socket.connect(address)))
        });
    }
    let named = victims.unix.iter().map(std::path::PathBuf::as_path);
    for path in named.chain(SERVICES.iter().map(Path::new)) {
        report.attempt(&format!("socket {}", path.display()), || {
            reached(UnixStream::connect(path).map(drop))
        });
        report.attempt(&format!("datagrams to {}", path.display()), || {
            reached(UnixDatagram::unbound().and_then(|socket| socket.connect(path)))
        });
    }
    let named = victims.abstracted.iter().map(String::as_str);
    for name in named.chain(["/tmp/.X11-unix/X0", "/tmp/dbus-none"]) {
        report.attempt(&format!("abstract socket {name}"), || {
            let address = UnixAddr::from_abstract_name(name)?;
            reached(UnixStream::connect_addr(&address).map(drop))
        });
    }
}
