//! What bounds a tool that runs: how far its process tree may reach.
//!
//! The plugin's grants bound the tool that it starts; the owner's declaration adds what the program
//! itself needs to work, and nothing that the plugin could use for more. Never: a path of the
//! workspace that the plugin was not granted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{EnvName, Network, OriginPort};
use crate::excerpt::excerpt;
use crate::manifest::Confinement;
use crate::path::RelPath;
use crate::policy::PathPattern;
use crate::quantity::{ByteSize, TimeSpan};

/// Processes and threads of a tool whose declaration names no limit. A build on many cores has
/// some hundreds.
pub const DEFAULT_PROCESSES: u64 = 512;
/// Largest file of a tool whose declaration names no limit.
pub const DEFAULT_FILE: ByteSize = ByteSize::mebibytes(4 * 1024);
/// Writable private memory of each process of a tool whose declaration names no limit.
pub const DEFAULT_MEMORY: ByteSize = ByteSize::mebibytes(8 * 1024);
/// Size of the private directories of a tool whose declaration names no limit.
pub const DEFAULT_SCRATCH: ByteSize = ByteSize::mebibytes(1024);

/// A file or directory outside of the workspace that a program needs to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimePath {
    /// An absolute path.
    Absolute(PathBuf),
    /// Below the home directory of whoever runs the host: `~/.rustup`.
    Home(PathBuf),
    /// Below the directory that holds the program's `bin`: `{prefix}/lib`.
    Prefix(PathBuf),
}

/// The text is not a path that a tool could be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a path for `runtime`; write an absolute path, `~/..` or `{{prefix}}/..`, without `.` and `..`, and no whole root or home directory"
)]
pub struct RuntimePathError(String);

impl FromStr for RuntimePath {
    type Err = RuntimePathError;

    fn from_str(text: &str) -> Result<Self, RuntimePathError> {
        let refuse = || RuntimePathError(excerpt(text));
        let plain = |rest: &str| {
            !rest.is_empty()
                && !rest.contains('\0')
                && !rest.split('/').any(|name| matches!(name, "" | "." | ".."))
        };
        let (make, rest): (fn(PathBuf) -> Self, &str) = if let Some(rest) = text.strip_prefix("~/")
        {
            (Self::Home, rest)
        } else if let Some(rest) = text.strip_prefix("{prefix}/") {
            (Self::Prefix, rest)
        } else if let Some(rest) = text.strip_prefix('/') {
            let whole = ["root", "home", "proc", "sys", "dev"];
            if whole.contains(&rest) {
                return Err(refuse());
            }
            (|path| Self::Absolute(Path::new("/").join(path)), rest)
        } else {
            return Err(refuse());
        };
        plain(rest)
            .then(|| make(PathBuf::from(rest)))
            .ok_or_else(refuse)
    }
}

impl fmt::Display for RuntimePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(path) => write!(f, "{}", path.display()),
            Self::Home(path) => write!(f, "~/{}", path.display()),
            Self::Prefix(path) => write!(f, "{{prefix}}/{}", path.display()),
        }
    }
}

/// Where the value of a secret comes from. The value itself is read when the tool starts, by the
/// host, and is never part of any type of this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable of the host's environment.
    Env(EnvName),
    /// The content of a file, without the end of its last line; absolute.
    File(PathBuf),
}

/// The text does not say where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not say where the secret is; write `env:NAME` or `file:/absolute/path`")]
pub struct SecretSourceError(String);

impl FromStr for SecretSource {
    type Err = SecretSourceError;

    fn from_str(text: &str) -> Result<Self, SecretSourceError> {
        let refuse = || SecretSourceError(excerpt(text));
        if let Some(name) = text.strip_prefix("env:") {
            return name.parse().map(Self::Env).map_err(|_| refuse());
        }
        let path = text.strip_prefix("file:").ok_or_else(refuse)?;
        if path.starts_with('/') && !path.contains('\0') {
            Ok(Self::File(PathBuf::from(path)))
        } else {
            Err(refuse())
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// Resources that the kernel gives a tool at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Processes and threads at the same time.
    pub processes: u64,
    /// Size of one file.
    pub file: ByteSize,
    /// Writable private memory of one process.
    pub memory: ByteSize,
    /// Processor time of one process.
    pub cpu: TimeSpan,
    /// Size of the private directories together.
    pub scratch: ByteSize,
}

/// What bounds one run of a tool.
#[derive(Debug, Clone)]
pub struct Bounds {
    pub(crate) minimum: Confinement,
    pub(crate) read: Vec<RelPath>,
    pub(crate) write: Vec<RelPath>,
    pub(crate) deny_read: Vec<PathPattern>,
    pub(crate) deny_write: Vec<PathPattern>,
    pub(crate) runtime: Vec<RuntimePath>,
    pub(crate) writes_settings: Vec<RelPath>,
    pub(crate) hides: Vec<RelPath>,
    pub(crate) network: Network,
    pub(crate) origins: Vec<OriginPort>,
    pub(crate) resources: Resources,
}

impl Bounds {
    /// The loosest confinement under which the tool may run.
    #[must_use]
    pub fn minimum(&self) -> Confinement {
        self.minimum
    }
    /// The directories of the workspace that it may read and execute from: the plugin's.
    #[must_use]
    pub fn read(&self) -> &[RelPath] {
        &self.read
    }
    /// The directories of the workspace that it may change: the plugin's.
    #[must_use]
    pub fn write(&self) -> &[RelPath] {
        &self.write
    }
    /// What it may not read all the same.
    #[must_use]
    pub fn deny_read(&self) -> &[PathPattern] {
        &self.deny_read
    }
    /// What it may not change all the same.
    #[must_use]
    pub fn deny_write(&self) -> &[PathPattern] {
        &self.deny_write
    }
    /// What the program needs outside of the workspace, beside the system's own directories.
    #[must_use]
    pub fn runtime(&self) -> &[RuntimePath] {
        &self.runtime
    }
    /// Settings that later programs obey and that this tool may change.
    #[must_use]
    pub fn writes_settings(&self) -> &[RelPath] {
        &self.writes_settings
    }
    /// What of the workspace looks empty to it, because it would take commands from there.
    #[must_use]
    pub fn hides(&self) -> &[RelPath] {
        &self.hides
    }
    /// The network that it reaches.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network
    }
    /// The origins that it reaches, by port.
    #[must_use]
    pub fn origins(&self) -> &[OriginPort] {
        &self.origins
    }
    /// Its resources.
    #[must_use]
    pub fn resources(&self) -> &Resources {
        &self.resources
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtime_paths() {
        for text in [
            "/opt/tool",
            "/srv/you/.cargo/bin",
            "~/.rustup",
            "{prefix}/lib",
            "/usr/lib/a b",
        ] {
            assert_eq!(text.parse::<RuntimePath>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "/",
            "~",
            "~/",
            "{prefix}",
            "{prefix}/",
            "{prefix}/../x",
            "lib",
            "/a/../b",
            "/a//b",
            "/a/",
            "/home",
            "/root",
            "/proc",
            "~/..",
            "/a\0",
        ] {
            assert!(text.parse::<RuntimePath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn secret_sources() {
        for text in ["env:API_KEY", "file:/run/secrets/key"] {
            assert_eq!(text.parse::<SecretSource>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "API_KEY",
            "env:",
            "env:1",
            "file:",
            "file:key",
            "file:~/key",
        ] {
            assert!(text.parse::<SecretSource>().is_err(), "{text:?}");
        }
    }
}
