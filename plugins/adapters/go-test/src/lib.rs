//! The adapter `go-test`: builds and runs the tests of a Go module and says which failed, and where.
//!
//! The report is `go test -json` on standard output. [`rule`] says what came of a run. Never: a success
//! without a test that ran.
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
use component::GoTest;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_adapter!(GoTest, "remit-plugin.toml");
