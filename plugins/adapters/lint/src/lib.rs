//! The adapter `lint`: runs a linter and reports its findings in one form, SARIF if somebody wants a
//! file.
//!
//! [`rule`] says what came of a run. Never: a file that the linter changed; a wrong configuration taken
//! for a clean project.
#![cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

#[cfg(target_arch = "wasm32")]
mod component;
mod rule;

#[cfg(target_arch = "wasm32")]
use component::Lint;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_adapter!(Lint, "remit-plugin.toml");
