//! For plugins that look at a tree of files that somebody else made: reading, walking and YAML, all
//! with limits, and paths that stay where they belong.
//!
//! Never: a write, a link that is followed, a default in place of what could not be read.

mod files;
mod relative;
mod yaml;

pub use files::{Kind, LookError, MOST_ENTRIES, kind, list, read, read_start};
pub use relative::{PathProblem, Relative};
pub use yaml::{MOST_BYTES as MOST_YAML_BYTES, YamlError, read as read_yaml};
