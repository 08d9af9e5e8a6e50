//! Where a rule was written.
//!
//! Never: a rule without an origin.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a rule was written. File names are for people; they are not opened again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum Origin {
    /// Built into the program.
    BuiltIn,
    /// A file in the user's configuration directory.
    User(String),
    /// A file of the workspace that the owner trusts.
    Workspace(String),
    /// A file named on the command line.
    File(String),
    /// An approval of the owner, by its name.
    Approval(String),
    /// A flag on the command line, as it was written.
    Flag(String),
}

impl Origin {
    /// Place in the order of precedence, lowest first.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::BuiltIn => 0,
            Self::User(_) => 1,
            Self::Workspace(_) => 2,
            Self::File(_) => 3,
            Self::Approval(_) => 4,
            Self::Flag(_) => 5,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::Approval(id) => write!(f, "approval {id}"),
            Self::User(name) | Self::Workspace(name) | Self::File(name) | Self::Flag(name) => {
                f.write_str(name)
            }
        }
    }
}
