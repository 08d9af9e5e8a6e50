//! Why a change of the repository was not made.
//!
//! Never: a refusal after which something is half done and not said.

use std::io;

/// A change that was not made: nothing that the user sees is different.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    /// The word of the report.
    pub(crate) verdict: &'static str,
    /// A stable word that says which rule it is.
    pub(crate) code: &'static str,
    /// The sentence.
    pub(crate) message: String,
}

impl Refusal {
    fn new(verdict: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            verdict,
            code,
            message: message.into(),
        }
    }

    /// Something about the repository or the request has to be different first.
    pub(crate) fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::new("failed:usage/config", code, message)
    }

    /// There is nothing to do.
    pub(crate) fn no_effect(message: impl Into<String>) -> Self {
        Self::new("failed:no-effect/tests", "nothing-to-commit", message)
    }

    /// It is not granted.
    pub(crate) fn permission(message: impl Into<String>) -> Self {
        Self::new("failed:permission", "not-granted", message)
    }

    /// Somebody else changed it meanwhile. Trying again can work.
    pub(crate) fn moved(code: &'static str, message: impl Into<String>) -> Self {
        Self::new("failed:ref-moved", code, message)
    }

    /// Another git is at work. Trying again can work.
    pub(crate) fn locked(path: &str) -> Self {
        let message = format!(
            "`.git/{path}` is there: another git is at work. If none is, it was left by one that was \
             ended; remove the file"
        );
        Self::new("failed:locked", "locked", message)
    }

    /// More than is done at once.
    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::new("failed:limit", "too-large", message)
    }

    /// What should work did not.
    pub(crate) fn internal(code: &'static str, message: impl Into<String>) -> Self {
        Self::new("failed:internal", code, message)
    }

    /// A file that the request names cannot be read.
    pub(crate) fn unread(path: &str, error: &io::Error) -> Self {
        Self::usage("unread", format!("cannot read `{path}`: {error}"))
    }

    /// A file of the repository could not be read or written.
    pub(crate) fn io(path: &str, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::PermissionDenied {
            Self::permission(format!(
                "`{path}` may not be changed: {error}. Allow writing it, for example with \
                 `--allow-write`"
            ))
        } else {
            Self::internal("io", format!("`{path}`: {error}"))
        }
    }
}
