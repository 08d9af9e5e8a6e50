//! What the program carries for plugin projects; see the build script.
//!
//! Never: anything but what the build script put together.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A file: its path in its folder, and its content.
pub(crate) type File = (&'static str, &'static [u8]);
