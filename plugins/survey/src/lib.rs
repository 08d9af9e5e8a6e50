//! For plugins that look at a tree of files that somebody else made: reading, listing and YAML, all
//! with limits.
//!
//! Never: a write, a link that is followed, a default in place of what could not be read.

mod files;
mod yaml;

pub use files::{Kind, LookError, MOST_ENTRIES, kind, list, read, read_start};
pub use yaml::{MOST_BYTES as MOST_YAML_BYTES, YamlError, read as read_yaml};
