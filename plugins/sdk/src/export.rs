//! The two macros that turn a type into a plugin.
//!
//! Each exports the component's functions and puts the manifest into the binary, so that the file
//! that is handed around always says itself what it asks for.
//!
//! Never: a default manifest. A plugin without one does not build.

/// Exports a [`Pattern`](crate::Pattern) and embeds its manifest.
///
/// The path is relative to the package, the directory of its `Cargo.toml`. Use it once, in the
/// crate root, and only for wasm: `#[cfg(target_arch = "wasm32")]` keeps unit tests of the pure
/// part of a plugin buildable on the host.
#[macro_export]
macro_rules! export_pattern {
    ($type:ident, $manifest:literal) => {
        $crate::embed_manifest!($manifest);
        $crate::bindings::pattern::export_pattern_world!($type with_types_in $crate::bindings::pattern);
    };
}

/// Exports an [`Adapter`](crate::Adapter) and embeds its manifest; see [`export_pattern!`].
///
/// [`export_pattern!`]: crate::export_pattern!
#[macro_export]
macro_rules! export_adapter {
    ($type:ident, $manifest:literal) => {
        $crate::embed_manifest!($manifest);
        $crate::bindings::adapter::export_adapter_world!($type with_types_in $crate::bindings::adapter);
    };
}

/// Puts a manifest into the custom section `remit:manifest`. The export macros call it.
///
/// The linker keeps the section in the core module inside the component; hosts read it there as
/// well as at the component's top level, where `remit plugin pack` puts it.
#[macro_export]
macro_rules! embed_manifest {
    ($manifest:literal) => {
        const _: () = {
            const TEXT: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $manifest));
            #[used]
            #[allow(
                unsafe_code,
                reason = "naming a custom section cannot break memory safety"
            )]
            #[cfg_attr(target_arch = "wasm32", unsafe(link_section = "remit:manifest"))]
            static MANIFEST: [u8; TEXT.len()] =
                *include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $manifest));
        };
    };
}
