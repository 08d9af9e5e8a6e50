//! What happens to tools if the host runs as root.
//!
//! Never: root for a tool without the owner's word.

use crate::excerpt::excerpt;
use std::fmt;
use std::str::FromStr;

/// As whom tools run if the host runs as root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AsRoot {
    /// As a user that owns nothing; the workspace appears as its own. If the workspace belongs to
    /// another user than root: as that user.
    #[default]
    Service,
    /// As root, within their bounds.
    Keep,
}

/// The text does not say as whom.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not say as whom tools run; write service or keep")]
pub struct AsRootError(String);

impl FromStr for AsRoot {
    type Err = AsRootError;
    fn from_str(text: &str) -> Result<Self, AsRootError> {
        match text {
            "service" => Ok(Self::Service),
            "keep" => Ok(Self::Keep),
            other => Err(AsRootError(excerpt(other))),
        }
    }
}

impl fmt::Display for AsRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service => "service",
            Self::Keep => "keep",
        })
    }
}
