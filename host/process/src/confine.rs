//! From decided bounds to what the supervisor carries out: real paths, carved-out parts, the user.
//!
//! Never: a wider bound than the launch has; a part of the workspace that should be covered and
//! silently is not.

#![expect(
    clippy::disallowed_methods,
    reason = "what is looked at lies outside of every grant, or is only looked at"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use remit_core::manifest::Confinement;
use remit_core::path::RelPath;
use remit_core::policy::AsRoot;
use remit_core::tool::{self, Directory, Launch, RuntimePath, StartError};
use remit_supervisor::protocol::{Bounds, Grant, Identity, Level, Limits, Network, Place, Without};

use crate::covers;
use crate::invocation::refused_io;
use crate::pin::Pinned;
use crate::private::RunDirectory;
use crate::settings::{self, Placeholder};
use crate::system::System;

/// The user as whom tools run if the host is root and so is the workspace's owner. The number is
/// beyond those that systems, containers and directories give out, so nothing belongs to it.
const SERVICE_USER: u32 = 1_914_708_327;

/// Bounds in the supervisor's words, and what must be kept as long as they hold.
pub(crate) struct Confined {
    pub(crate) bounds: Bounds,
    pub(crate) placeholders: Vec<Placeholder>,
}

/// What is the same for all tools of a workspace.
#[derive(Debug)]
pub(crate) struct Confiner {
    workspace: PathBuf,
    home: Option<PathBuf>,
    identity: Identity,
    system: System,
    /// What the machine was found to give: a tool that gets less does not run.
    found: OnceLock<Confinement>,
    without: Without,
}

impl Confiner {
    /// For a workspace, a real path; `private` is a directory of the host's own.
    ///
    /// # Errors
    /// The workspace is gone.
    pub(crate) fn new(
        workspace: &Path,
        home: Option<PathBuf>,
        private: &Path,
        as_root: AsRoot,
        without: Without,
    ) -> std::io::Result<Self> {
        let identity = identity_for(workspace, as_root)?;
        let (user, group) = user(identity);
        Ok(Self {
            workspace: workspace.to_owned(),
            home,
            identity,
            system: System::new(private, user, group),
            found: OnceLock::new(),
            without,
        })
    }

    /// Notes the level that this machine was found to give. The first word stands.
    pub(crate) fn rely_on(&self, found: Confinement) {
        self.found.get_or_init(|| found);
    }

    /// The bounds of one launch.
    ///
    /// # Errors
    /// Something that the tool must not change cannot be protected.
    pub(crate) fn confine(
        &self,
        launch: &Launch,
        pinned: &Pinned,
        workspace: BorrowedFd<'_>,
        scratch: &RunDirectory,
    ) -> Result<Confined, StartError> {
        let decided = launch.bounds();
        let unprotected = |(path, reason): (String, String)| StartError::Unprotected {
            tool: launch.tool().clone(),
            path,
            reason,
        };
        let carved = covers::of(workspace, decided).map_err(unprotected)?;
        let writable = |path: &RelPath| decided.write().iter().any(|root| root.covers(path));
        // Where nothing can be covered, placeholders would only be in the way.
        let held = if self.covers_are_possible() {
            settings::hold(workspace, writable, decided.writes_settings())
                .map_err(|(path, error)| unprotected((path, error.to_string())))?
        } else {
            Vec::new()
        };
        let mut covers = carved.covers;
        let mut placeholders = carved.placeholders;
        for held in held {
            covers::add_sealed(&mut covers, held.path.as_bytes(), false);
            placeholders.extend(held.placeholder);
        }
        covers::arrange(&mut covers);
        let network = network(decided.network());
        let mut places = self
            .system
            .places(network)
            .map_err(|error| refused_io(launch.tool(), "system-settings", &error))?;
        self.add_runtime(&mut places, launch, pinned);
        let minimum = self
            .found
            .get()
            .map_or(decided.minimum(), |found| (*found).min(decided.minimum()));
        let resources = decided.resources();
        Ok(Confined {
            bounds: Bounds {
                minimum: level(minimum),
                places,
                workspace: bytes(&self.workspace),
                grants: grants(decided),
                covers,
                scratch: bytes(scratch.path()),
                attempt: launch.scratch().map(|path| path.as_bytes().to_vec()),
                network,
                listen: decided.origins().iter().map(|entry| entry.port).collect(),
                identity: self.identity,
                limits: Limits {
                    processes: resources.processes,
                    file: resources.file.get(),
                    memory: resources.memory.get(),
                    cpu: resources.cpu.get().as_secs().max(1),
                    scratch: resources.scratch.get(),
                },
                without: self.without,
            },
            placeholders,
        })
    }

    /// Whom what tools and plugin share belongs to, if that is somebody else than this user.
    pub(crate) fn owner(&self) -> Option<(u32, u32)> {
        match self.identity {
            Identity::Own => None,
            Identity::Service { owner, .. } => Some(owner),
        }
    }

    /// Whether tools are known to get a root of their own; less, and they do not start.
    pub(crate) fn has_own_root(&self) -> bool {
        match self.found.get() {
            Some(Confinement::Full | Confinement::Namespaces) => true,
            Some(Confinement::Landlock | Confinement::None) | None => false,
        }
    }

    /// Whether the machine, as far as is known, gives tools a root of their own.
    fn covers_are_possible(&self) -> bool {
        match self.found.get() {
            Some(Confinement::Landlock | Confinement::None) => false,
            Some(Confinement::Full | Confinement::Namespaces) | None => true,
        }
    }

    /// The program itself, and what its declaration says that it needs.
    fn add_runtime(&self, places: &mut Vec<Place>, launch: &Launch, pinned: &Pinned) {
        let mut paths: BTreeSet<PathBuf> = pinned.paths().map(Path::to_owned).collect();
        for path in launch.bounds().runtime() {
            match path {
                RuntimePath::Absolute(path) => {
                    paths.insert(path.clone());
                }
                RuntimePath::Home(path) => {
                    paths.extend(self.home.as_ref().map(|home| home.join(path)));
                }
                RuntimePath::Prefix(path) => {
                    paths.extend(
                        pinned
                            .paths()
                            .filter_map(prefix)
                            .map(|prefix| prefix.join(path)),
                    );
                }
            }
        }
        // The owner fixed where the tool runs, so it may look at it.
        if let Directory::Fixed(path) = launch.directory() {
            paths.insert(path.clone());
        }
        for path in paths {
            // A path and what it leads to: programs use either.
            let real = fs::canonicalize(&path).ok();
            for path in real.iter().chain([&path]) {
                self.add_place(places, path);
            }
        }
    }

    /// Adds a path unless it is shown already, does not exist, or lies in the workspace, where
    /// only grants count.
    fn add_place(&self, places: &mut Vec<Place>, path: &Path) {
        let shown = places.iter().any(|place| match place {
            Place::Show(shown) => path.starts_with(as_path(shown)),
            // What lies behind a link of the system is shown under its real path.
            Place::Link(link, _) => path.starts_with(as_path(link)),
            Place::Settings(_) | Place::Setting(_) => false,
        });
        if shown || path.starts_with(&self.workspace) || !path.exists() {
            return;
        }
        places.push(Place::Show(bytes(path)));
    }
}

/// As whom tools run in a workspace.
///
/// # Errors
/// The workspace is gone.
pub(crate) fn identity_for(workspace: &Path, as_root: AsRoot) -> std::io::Result<Identity> {
    let data = fs::metadata(workspace)?;
    Ok(identity(as_root, data.uid(), data.gid()))
}

/// As whom tools run for this owner of the workspace.
fn identity(as_root: AsRoot, owner_user: u32, owner_group: u32) -> Identity {
    let root = rustix::process::geteuid().is_root();
    match as_root {
        AsRoot::Service if root => {
            let (user, group) = if owner_user == 0 {
                (SERVICE_USER, SERVICE_USER)
            } else {
                (owner_user, owner_group)
            };
            Identity::Service {
                user,
                group,
                owner: (owner_user, owner_group),
            }
        }
        AsRoot::Service | AsRoot::Keep => Identity::Own,
    }
}

/// What tools with this identity are called in their own root.
pub(crate) fn user(identity: Identity) -> (u32, u32) {
    match identity {
        Identity::Own => (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        ),
        Identity::Service { owner, .. } => owner,
    }
}

/// The directory above the `bin` that a program lies in.
fn prefix(program: &Path) -> Option<PathBuf> {
    let bin = program.parent()?;
    let named = bin.file_name().is_some_and(|name| name == "bin");
    named.then(|| bin.parent().map(Path::to_owned)).flatten()
}

/// What the plugin's grants give, the outermost first.
fn grants(bounds: &tool::Bounds) -> Vec<Grant> {
    let mut all: BTreeMap<&RelPath, (bool, bool)> = BTreeMap::new();
    for path in bounds.read() {
        all.entry(path).or_default().0 = true;
    }
    for path in bounds.write() {
        all.entry(path).or_default().1 = true;
    }
    let mut grants: Vec<Grant> = all
        .into_iter()
        .map(|(path, (read, write))| Grant {
            path: path.as_str().as_bytes().to_vec(),
            read,
            write,
        })
        .collect();
    grants.sort_by_key(|grant| covers::depth(&grant.path));
    grants
}

fn network(network: tool::Network) -> Network {
    match network {
        tool::Network::None => Network::None,
        // The supervisor only knows which ports to listen on; what they stand for is the host's.
        tool::Network::Loopback | tool::Network::Origins => Network::Loopback,
        tool::Network::Full => Network::Full,
    }
}

/// A level in the supervisor's words.
pub(crate) fn level(confinement: Confinement) -> Level {
    match confinement {
        Confinement::Full => Level::Full,
        Confinement::Landlock => Level::Landlock,
        Confinement::Namespaces => Level::Namespaces,
        Confinement::None => Level::None,
    }
}

/// And back.
pub(crate) fn confinement(level: Level) -> Confinement {
    match level {
        Level::Full => Confinement::Full,
        Level::Landlock => Confinement::Landlock,
        Level::Namespaces => Confinement::Namespaces,
        Level::None => Confinement::None,
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_above_bin_only() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(
                prefix(Path::new(path)),
                expected.map(PathBuf::from),
                "{path}"
            );
        };
        check("/usr/bin/python3", Some("/usr"));
        check("/home/me/.venv/bin/python", Some("/home/me/.venv"));
        check("/home/me/tools/thing", None);
        check("/thing", None);
    }

    #[test]
    fn tools_of_root_run_as_the_workspaces_owner_or_as_nobody_of_this_machine() {
        if !rustix::process::geteuid().is_root() {
            assert_eq!(identity(AsRoot::Service, 0, 0), Identity::Own);
            return;
        }
        let service = |user, group, owner| Identity::Service { user, group, owner };
        assert_eq!(
            identity(AsRoot::Service, 1000, 100),
            service(1000, 100, (1000, 100))
        );
        assert_eq!(
            identity(AsRoot::Service, 0, 0),
            service(SERVICE_USER, SERVICE_USER, (0, 0))
        );
        assert_eq!(identity(AsRoot::Keep, 0, 0), Identity::Own);
    }
}
