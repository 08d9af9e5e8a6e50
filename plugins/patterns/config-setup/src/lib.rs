//! The pattern `config-setup`: writes a configuration file in YAML, JSON or TOML with its schema,
//! loaders, an example and documentation, and tries them with the real python3.
//!
//! [`request`] turns inputs into checked settings, [`plan`] turns them into files without looking
//! at the disk, [`verify`] says what is tried and judges what came of it. Only `component` knows
//! the host; everything else runs in plain tests.
//!
//! Never: a value of a person replaced without `reset`, a time or a chance in a file.
#![cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

#[cfg(target_arch = "wasm32")]
mod component;
mod documented;
mod formats;
mod literal;
mod loaders;
mod plan;
mod request;
mod schema;
mod setting;
mod verify;

#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_pattern!(ConfigSetup, "remit-plugin.toml");
#[cfg(target_arch = "wasm32")]
use component::ConfigSetup;
