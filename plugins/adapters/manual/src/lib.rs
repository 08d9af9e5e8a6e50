//! The adapter `manual`: instructions out, and a person's word back.
//!
//! The word alone is not success: what the request says must be there afterwards is looked for.
//!
//! Never: a success that nobody said, or that a missing file contradicts.
#![cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

#[cfg(target_arch = "wasm32")]
mod component;
mod request;
mod verdict;

#[cfg(target_arch = "wasm32")]
use component::Manual;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_adapter!(Manual, "remit-plugin.toml");
