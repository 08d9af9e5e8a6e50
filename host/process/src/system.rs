//! What every tool may see outside of the workspace: the system's programs and libraries, and the
//! few settings without which programs do not work.
//!
//! Never: a directory that holds what belongs to a user; a setting that names accounts, hosts or
//! keys of this machine.

#![expect(
    clippy::disallowed_methods,
    reason = "the paths are constants of this file; what is looked at is what a tool will see"
)]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use remit_supervisor::protocol::{Network, Place};

/// Directories of programs and libraries. On most systems all but the first are links into it.
const PROGRAMS: [&str; 9] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
];

/// Directories of settings that programs are built on.
const SETTINGS: [&str; 2] = ["/etc/alternatives", "/etc/ld.so.conf.d"];

/// Files of settings: the loader's, the time zone, names of protocols.
const FILES: [&str; 9] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/os-release",
    "/etc/protocols",
    "/etc/services",
    "/etc/mime.types",
    "/etc/ssl/openssl.cnf",
];

/// Whom to ask for names, and whom to trust: only for tools with the host's network.
const NETWORK_FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/gai.conf"];

/// Certificates, likewise.
const CERTIFICATES: [&str; 5] = [
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates/extracted",
    "/usr/share/ca-certificates",
];

/// Names come from files of this root and from the network, from no service of the host.
const NAMES: &str = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n\
                     networks: files\nprotocols: files\nservices: files\nethers: files\n";

/// This machine under its own name only.
const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost\n";

/// The places for a tool with this network and this user.
pub(crate) fn places(network: Network, user: u32, group: u32, home: &Path) -> Vec<Place> {
    static PROGRAM_PLACES: OnceLock<Vec<Place>> = OnceLock::new();
    let mut places = PROGRAM_PLACES
        .get_or_init(|| {
            PROGRAMS
                .iter()
                .chain(&SETTINGS)
                .filter_map(|path| place(path))
                .collect()
        })
        .clone();
    places.extend(
        FILES
            .iter()
            .map(|path| Place::Copy(path.as_bytes().to_vec())),
    );
    let text =
        |path: &str, content: String| Place::Text(path.as_bytes().to_vec(), content.into_bytes());
    places.push(text("/etc/nsswitch.conf", NAMES.to_owned()));
    places.push(text("/etc/hosts", HOSTS.to_owned()));
    places.push(text("/etc/passwd", accounts(user, group, home)));
    places.push(text("/etc/group", groups(group)));
    match network {
        Network::None | Network::Loopback => {}
        Network::Full => {
            places.extend(
                NETWORK_FILES
                    .iter()
                    .map(|path| Place::Copy(path.as_bytes().to_vec())),
            );
            places.extend(CERTIFICATES.iter().filter_map(|path| place(path)));
        }
    }
    places
}

/// A directory as it is here: a link stays one.
fn place(path: &str) -> Option<Place> {
    let data = fs::symlink_metadata(path).ok()?;
    let path_bytes = path.as_bytes().to_vec();
    if data.is_symlink() {
        let target = fs::read_link(path).ok()?;
        return Some(Place::Link(
            path_bytes,
            target.as_os_str().as_bytes().to_vec(),
        ));
    }
    Some(Place::Show(path_bytes))
}

/// The accounts that a tool sees: itself, and nobody of this machine.
fn accounts(user: u32, group: u32, home: &Path) -> String {
    let home = home.display();
    let own = format!("tool:x:{user}:{group}:tool:{home}:/bin/false\n");
    let root = "root:x:0:0:root:/:/bin/false\n";
    let nobody = "nobody:x:65534:65534:nobody:/:/bin/false\n";
    match user {
        0 => format!("{own}{nobody}"),
        65534 => format!("{root}{own}"),
        _ => format!("{root}{own}{nobody}"),
    }
}

fn groups(group: u32) -> String {
    let root = "root:x:0:\n";
    match group {
        0 => root.to_owned(),
        _ => format!("{root}tool:x:{group}:\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_of_this_machine_are_in_no_place() {
        for network in [Network::None, Network::Loopback, Network::Full] {
            for place in places(network, 1000, 1000, Path::new("/h")) {
                let path = String::from_utf8_lossy(place.path()).into_owned();
                for private in ["/etc", "/root", "/home", "/etc/ssl", "/var", "/run", "/tmp"] {
                    assert_ne!(path, private);
                }
                if path == "/etc/passwd" {
                    assert!(matches!(place, Place::Text(..)), "{path} of this machine");
                }
            }
        }
    }
}
