//! The adapter `command`: one request, one run of a declared tool, one report.
//!
//! It knows no tool. What may be run, with which arguments, is the owner's declaration and grant;
//! the adapter fills the slots, waits, and reads the result: exit, output, error lines, changed
//! files. A tool that fails is a report with `success: false`; only a request that never reached
//! the tool is a failure.
//!
//! Never: a program name, a path to one, a string that is split into arguments.
#![cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

#[cfg(target_arch = "wasm32")]
mod component;
mod findings;
mod request;

#[cfg(target_arch = "wasm32")]
use component::Command;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_adapter!(Command, "remit-plugin.toml");
