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
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
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

/// Files that are made for tools: from where names come, hosts, accounts, groups.
const MADE: [&str; 4] = [
    "/etc/nsswitch.conf",
    "/etc/hosts",
    "/etc/passwd",
    "/etc/group",
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

/// The system as all tools of one host see it. The settings are put together once, in a directory
/// of the host's own: mounting one directory costs less than a dozen files.
#[derive(Debug)]
pub(crate) struct System {
    base: PathBuf,
    user: u32,
    group: u32,
    closed: OnceLock<PathBuf>,
    connected: OnceLock<PathBuf>,
}

impl System {
    /// With settings below `base`, for tools that run as this user.
    pub(crate) fn new(base: &Path, user: u32, group: u32) -> Self {
        Self {
            base: base.to_owned(),
            user,
            group,
            closed: OnceLock::new(),
            connected: OnceLock::new(),
        }
    }

    /// The places for a tool with this network, parents before what lies in them.
    ///
    /// # Errors
    /// The settings could not be put together.
    pub(crate) fn places(&self, network: Network) -> io::Result<Vec<Place>> {
        static PROGRAM_PLACES: OnceLock<Vec<Place>> = OnceLock::new();
        let own = PROGRAMS.iter().chain(&SETTINGS);
        let mut places = vec![Place::Settings(bytes(self.settings(network)?))];
        places.extend(
            PROGRAM_PLACES
                .get_or_init(|| own.filter_map(|path| place(path)).collect())
                .iter()
                .cloned(),
        );
        let setting = |path: &&str| Place::Setting(path.as_bytes().to_vec());
        places.extend(FILES.iter().chain(&MADE).map(setting));
        match network {
            Network::None | Network::Loopback => {}
            Network::Full => {
                places.extend(NETWORK_FILES.iter().map(setting));
                places.extend(CERTIFICATES.iter().filter_map(|path| place(path)));
            }
        }
        Ok(places)
    }

    /// The directory with the settings.
    fn settings(&self, network: Network) -> io::Result<&Path> {
        let (made, name) = match network {
            Network::None | Network::Loopback => (&self.closed, "etc"),
            Network::Full => (&self.connected, "etc-with-network"),
        };
        if let Some(made) = made.get() {
            return Ok(made);
        }
        // Two first uses at once: each makes one of its own, and one of them stands.
        let directory = tempfile::Builder::new()
            .prefix(name)
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in(&self.base)?
            .keep();
        self.fill(&directory, network)?;
        Ok(made.get_or_init(|| directory))
    }

    fn fill(&self, directory: &Path, network: Network) -> io::Result<()> {
        let target = |path: &str| directory.join(path.trim_start_matches("/etc/"));
        let files = match network {
            Network::None | Network::Loopback => FILES.to_vec(),
            Network::Full => [&FILES[..], &NETWORK_FILES].concat(),
        };
        for path in files {
            // What is not here, or not for this user, no tool needs.
            let Ok(content) = fs::read(path) else {
                continue;
            };
            let target = target(path);
            fs::create_dir_all(target.parent().unwrap_or(directory))?;
            fs::write(target, content)?;
        }
        for path in SETTINGS.iter().chain(&CERTIFICATES) {
            if path.starts_with("/etc/") {
                fs::create_dir_all(target(path))?;
            }
        }
        let content = [NAMES.to_owned(), HOSTS.to_owned()];
        let content = content
            .into_iter()
            .chain([accounts(self.user, self.group), groups(self.group)]);
        for (path, content) in MADE.iter().zip(content) {
            fs::write(target(path), content)?;
        }
        Ok(())
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
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
fn accounts(user: u32, group: u32) -> String {
    // Where its home is the environment says; it is another one for each tool.
    let own = format!("tool:x:{user}:{group}:tool:/tmp:/bin/false\n");
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
    fn what_a_tool_sees_names_nobody_of_this_machine() {
        let base = tempfile::tempdir().unwrap();
        let system = System::new(base.path(), 1000, 1000);
        for network in [Network::None, Network::Loopback, Network::Full] {
            let places = system.places(network).unwrap();
            for place in &places {
                let Place::Show(path) = place else { continue };
                for private in [
                    "/", "/etc", "/root", "/home", "/etc/ssl", "/var", "/run", "/tmp",
                ] {
                    assert_ne!(path, private.as_bytes());
                }
            }
            let settings = system.settings(network).unwrap();
            let accounts = fs::read_to_string(settings.join("passwd")).unwrap();
            assert_eq!(accounts.lines().count(), 3, "{accounts}");
            assert!(!settings.join("shadow").exists());
            let resolver = settings.join("resolv.conf").exists();
            assert!(!resolver || network == Network::Full);
        }
        // Made once, not for each tool.
        let entries = fs::read_dir(base.path()).unwrap().count();
        assert_eq!(entries, 2);
    }
}
