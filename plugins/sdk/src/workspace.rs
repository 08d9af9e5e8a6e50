//! The directory that the work is about, and the one beside it for what is not.
//!
//! Files are read and written with `std::fs` below [`root`]; a path that leaves the granted
//! directories, or reaches a link, is refused by the host.
//!
//! Never: a path outside these two.

use std::path::PathBuf;

use crate::Failure;
use crate::bindings::imports::remit::plugin::workspace as host;
pub use crate::bindings::imports::remit::plugin::workspace::{
    Change, ChangeKind, Grant, Mode, WorkspaceError, changed_files, grants,
};

/// Where the workspace is in the plugin's file system.
///
/// # Errors
/// No directory was granted.
pub fn root() -> Result<PathBuf, WorkspaceError> {
    host::root()
        .map(PathBuf::from)
        .ok_or(WorkspaceError::NotGranted)
}

/// The attempt's scratch directory: outside of the workspace, empty at first, gone when the attempt
/// ends. It needs no grant.
///
/// The tools that the attempt starts find the same files there: a slot of type `scratch` takes the
/// name of one, see [`Call::slot`](crate::Call::slot). That is how a prompt reaches a tool, and how
/// its report comes back, without a trace in the workspace.
///
/// # Errors
/// The host could not make one; it says so on record.
pub fn scratch() -> Result<PathBuf, Failure> {
    host::scratch()
        .map(PathBuf::from)
        .ok_or_else(|| Failure::Unavailable("a scratch directory for this attempt".to_owned()))
}
