//! The adapter `pytest`: runs the tests of a Python project and says which failed, and where.
//!
//! The report is JUnit XML in the scratch directory; nothing is left in the workspace. [`rule`] says what
//! came of a run. Never: a success without a test that ran.
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
use component::Pytest;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_adapter!(Pytest, "remit-plugin.toml");
