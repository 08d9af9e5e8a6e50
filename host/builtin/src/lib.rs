//! The plugins that the program carries: real components, built from `plugins/` by the build
//! script, each with its manifest inside.
//!
//! Never: a plugin that gets more than any other. The policy decides about these like about any
//! file.

/// A component that is part of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// Its id, the same as in its manifest.
    pub id: &'static str,
    /// The component.
    pub bytes: &'static [u8],
}

macro_rules! component {
    ($id:literal) => {
        BuiltIn {
            id: $id,
            bytes: include_bytes!(concat!(env!("OUT_DIR"), "/", $id, ".wasm")),
        }
    };
}

/// Every plugin that the program carries, sorted by id.
pub const ALL: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// Guest programs for tests, sorted by id.
#[cfg(feature = "testing")]
pub const TESTING: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/testing.rs"));

/// The plugin with this id.
#[must_use]
pub fn find(id: &str) -> Option<BuiltIn> {
    ALL.iter().find(|plugin| plugin.id == id).copied()
}

/// The guest program with this id.
#[cfg(feature = "testing")]
#[must_use]
pub fn find_testing(id: &str) -> Option<BuiltIn> {
    TESTING.iter().find(|plugin| plugin.id == id).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plugin_is_a_component() {
        // Layer 1, version 13: the component binary format, as opposed to a core module.
        for plugin in ALL {
            assert_eq!(
                plugin.bytes.get(..8),
                Some(&b"\0asm\x0d\0\x01\0"[..]),
                "{}",
                plugin.id
            );
        }
    }
}
