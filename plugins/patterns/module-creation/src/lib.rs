//! The pattern `module-creation`: writes a small, complete module in Python, JavaScript or
//! TypeScript, runs its tests, and says what it did.
//!
//! The work is in three steps that know little of each other: [`request`] turns inputs into a
//! checked request, [`plan`] turns the request into files without looking at the disk, [`write`]
//! adds what is missing, in a transaction. Only `component` knows the host; everything else runs in plain tests.
//!
//! Never: a file replaced without `force`, a file written before the host has agreed to run the
//! tests, or left behind by a run whose tests failed, unless that was asked for.
#![cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

#[cfg(target_arch = "wasm32")]
mod component;
mod dialect;
mod javascript;
mod license;
mod plan;
mod python;
mod request;
mod starter;
mod typescript;
mod write;

#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_pattern!(ModuleCreation, "remit-plugin.toml");
#[cfg(target_arch = "wasm32")]
use component::ModuleCreation;
