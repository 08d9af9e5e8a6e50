//! The pattern `module-creation-convergence`: adds the files that a small Python module lacks, and
//! touches nothing that is there. Run as often as one likes, it ends at the same tree.
//!
//! [`request`] turns inputs into a checked request, [`plan`] turns the request into files without
//! looking at the disk. Only `component` knows the host; everything else runs in plain tests.
//!
//! Never: a file replaced.
#![cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

#[cfg(target_arch = "wasm32")]
mod component;
mod plan;
mod request;

#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_pattern!(Convergence, "remit-plugin.toml");
#[cfg(target_arch = "wasm32")]
use component::Convergence;
