//! Where this program keeps things, by the XDG rules: configuration, state, cache.
//!
//! Never: a path that depends on the working directory or on a plugin.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use remit_core::digest::Digest;

use crate::exit::Stop;

/// The program's name in every base directory.
const NAME: &str = "remit";

/// The base directories of this user.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    config: PathBuf,
    state: PathBuf,
    cache: PathBuf,
}

impl Places {
    /// Finds them.
    ///
    /// # Errors
    /// The user has no home directory.
    pub(crate) fn find() -> Result<Self, Stop> {
        let base = etcetera::choose_base_strategy().map_err(|_| {
            Stop::usage(
                "cannot tell where your home directory is",
                "set HOME, or XDG_CONFIG_HOME, XDG_STATE_HOME and XDG_CACHE_HOME",
            )
        })?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Ok(Self {
            config: base.config_dir().join(NAME),
            state: state.join(NAME),
            cache: base.cache_dir().join(NAME),
        })
    }

    /// Every directory in which something of this program lies.
    pub(crate) fn all(&self) -> [&Path; 3] {
        [&self.config, &self.state, &self.cache]
    }

    /// The user's own policy.
    pub(crate) fn policy(&self) -> PathBuf {
        self.config.join("policy.toml")
    }
    /// Which workspace policies were trusted.
    pub(crate) fn trust(&self) -> PathBuf {
        self.state.join("trust.json")
    }
    /// What the owner approved.
    pub(crate) fn approvals(&self) -> PathBuf {
        self.state.join("approvals.json")
    }
    /// Values that plugins keep.
    pub(crate) fn plugin_state(&self) -> PathBuf {
        self.state.join("state.db")
    }
    /// Records of runs.
    pub(crate) fn runs(&self) -> PathBuf {
        self.state.join("runs")
    }
    /// The audit log.
    pub(crate) fn audit(&self) -> PathBuf {
        self.state.join("audit")
    }
    /// The ledger of the runs in a workspace, given by its real path. Two workspaces have nothing
    /// to do with each other, so they do not wait for each other either.
    pub(crate) fn ledger(&self, workspace: &Path) -> PathBuf {
        /// Digits that tell workspaces apart; more would only make paths longer.
        const DIGITS: usize = 16;
        let digest = Digest::of(workspace.as_os_str().as_encoded_bytes()).to_hex();
        let digits = digest.get(..DIGITS).unwrap_or(&digest);
        self.state.join("ledgers").join(digits).join("ledger.db")
    }
    /// Compiled components.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.cache.join("compiled")
    }
}
