//! Which file a tool really was: what the host pinned before it started it.
//!
//! Never: a name that was only looked up. A path here is the real one, without links.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// One file, as it was when it was pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity {
    /// The real path. Bytes that are not UTF-8 are replaced: it is for people, not to be opened.
    pub path: String,
    /// The digest of its content; absent if the host may execute the file and not read it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<Digest>,
    /// The device on which it lies.
    pub device: u64,
    /// Its number on that device.
    pub inode: u64,
}

/// The program of a tool that started: what the kernel executes, and the script that it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramIdentity {
    /// What the kernel executes.
    #[serde(flatten)]
    pub executable: FileIdentity,
    /// The script, if the executable is its interpreter.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub script: Option<FileIdentity>,
}
