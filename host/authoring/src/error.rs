//! Why a project was not made or not built.
//!
//! Never: a message that does not say what to do next.

use std::io;
use std::path::PathBuf;

use remit_core::diagnostic::Diagnostics;

/// Why a project was not made or not built.
#[derive(Debug, thiserror::Error)]
pub enum AuthoringError {
    /// There is something already where the project should be.
    #[error("{} is there already and not empty", .0.display())]
    Occupied(PathBuf),
    /// A file or directory could not be read or written.
    #[error("cannot {what} {}: {error}", path.display())]
    Files {
        /// What was tried: `read` or `write`.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The directory holds no project that is known here.
    #[error("{} is no plugin project: {missing}", directory.display())]
    NoProject {
        /// The directory.
        directory: PathBuf,
        /// What was looked for.
        missing: String,
    },
    /// It holds more than one.
    #[error("{} holds several plugins: {}", directory.display(), found.join(" and "))]
    SeveralSources {
        /// The directory.
        directory: PathBuf,
        /// Their source files.
        found: Vec<String>,
    },
    /// The manifest has mistakes.
    #[error("{0}")]
    Manifest(Diagnostics),
    /// A tool of the toolchain is not on this machine.
    #[error("{tool} is needed to build {language} plugins and was not found; looked in {looked}")]
    NoToolchain {
        /// Which tool.
        tool: &'static str,
        /// For which language.
        language: String,
        /// Where it was looked for.
        looked: String,
        /// What gets it, one command a line.
        fix: String,
    },
    /// A step of the build ended badly; its own messages are above.
    #[error("{program} ended with {status}; its messages are above")]
    Failed {
        /// Which program.
        program: String,
        /// How it ended.
        status: String,
    },
    /// A step of the build left nothing behind.
    #[error("{program} left no {what}")]
    NoResult {
        /// Which program.
        program: String,
        /// What it should have made.
        what: String,
        /// What would help.
        fix: &'static str,
    },
}

impl AuthoringError {
    pub(crate) fn read(path: impl Into<PathBuf>, error: io::Error) -> Self {
        Self::Files {
            what: "read",
            path: path.into(),
            error,
        }
    }

    pub(crate) fn write(path: impl Into<PathBuf>, error: io::Error) -> Self {
        Self::Files {
            what: "write",
            path: path.into(),
            error,
        }
    }

    /// What the author can do.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::Occupied(_) => "name another directory with --dir, or empty this one".into(),
            Self::Files { .. } => "check the path and its permissions".into(),
            Self::NoProject { .. } => {
                "go into the directory of a plugin, or make one with `remit plugin new NAME`".into()
            }
            Self::SeveralSources { .. } => "keep one of them in this directory".into(),
            Self::Manifest(_) => "correct the manifest".into(),
            Self::NoToolchain { fix, .. } => fix.clone(),
            Self::Failed { .. } => "read what it says, and build again".into(),
            Self::NoResult { fix, .. } => (*fix).into(),
        }
    }
}
