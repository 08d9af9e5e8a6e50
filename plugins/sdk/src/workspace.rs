//! The directory that the work is about.
//!
//! Files are read and written with `std::fs` below [`root`]; a path that leaves the granted
//! directories, or reaches a link, is refused by the host.
//!
//! Never: a path outside the workspace.

use std::path::PathBuf;

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
