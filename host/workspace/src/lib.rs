//! The working tree of a run: what it was like when the run began, and what differs now.
//!
//! A run changes files in three ways that nobody announces: the plugin writes through WASI, a
//! tool writes through the kernel, and both may do it behind a name that `.gitignore` hides. So
//! the host believes no claim and looks for itself: [`Snapshot::take`] before, again after, and
//! [`diff`] between the two.
//!
//! [`copy`] makes a private copy of a tree, for runs that must not touch the real one.
//!
//! Never: a path from outside handed to `std::fs`, a link followed.

mod copy;
mod diff;
mod snapshot;
mod tree;
mod walk;

pub use copy::{
    Copied, CopyError, LeftOut, MAX_COPIED_BYTES, MAX_COPIED_ENTRIES, MAX_LEFT_OUT, copy,
};
pub use diff::diff;
pub use snapshot::{MAX_DEPTH, MAX_ENTRIES, MAX_UNSEEN, Snapshot, SnapshotError, Unseen};
pub use tree::{StillTree, Tree};
