//! The version of the plugin contract that a plugin was built against.
//!
//! Never: a guess. A plugin of a newer contract would import what this host does not have.

use crate::excerpt::excerpt;
use std::fmt;
use std::str::FromStr;

/// The package that holds the contract.
pub const WIT_PACKAGE: &str = "remit:plugin";
/// The contract's version that this host speaks.
pub const WIT_VERSION: semver::Version = semver::Version::new(0, 1, 0);

/// A contract version that this host can serve, written `remit:plugin@0.1.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitVersion(semver::Version);

/// Why a text does not name a contract that this host can serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitVersionError {
    /// Not the name of the contract.
    #[error("`{0}` is not a version of the contract; write `{WIT_PACKAGE}@{WIT_VERSION}`")]
    Form(String),
    /// A version with other or more functions.
    #[error(
        "this host speaks {WIT_PACKAGE}@{WIT_VERSION}, the plugin {WIT_PACKAGE}@{0}; rebuild the \
         plugin with the contract of this host, or update the host"
    )]
    Other(semver::Version),
}

impl WitVersion {
    /// The version.
    #[must_use]
    pub fn version(&self) -> &semver::Version {
        &self.0
    }
}

impl FromStr for WitVersion {
    type Err = WitVersionError;

    fn from_str(text: &str) -> Result<Self, WitVersionError> {
        let form = || WitVersionError::Form(excerpt(text));
        let version = text
            .strip_prefix(WIT_PACKAGE)
            .and_then(|rest| rest.strip_prefix('@'))
            .ok_or_else(form)?;
        let version = semver::Version::parse(version).map_err(|_| form())?;
        // Before 1.0 a minor version may change anything; a later patch may add functions.
        let served = version.pre.is_empty()
            && version.major == WIT_VERSION.major
            && version.minor == WIT_VERSION.minor
            && version <= WIT_VERSION;
        if served {
            Ok(Self(version))
        } else {
            Err(WitVersionError::Other(version))
        }
    }
}

impl fmt::Display for WitVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{WIT_PACKAGE}@{}", self.0)
    }
}
