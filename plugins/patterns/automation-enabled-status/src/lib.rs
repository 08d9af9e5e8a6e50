//! The pattern `automation-enabled-status`: says whether a project's automation is on, what each of
//! its switches says and where, whether its hooks are called, and what is in its data base.
//!
//! [`config`] reads the switches, [`hooks`] looks for callers, [`sqlite`] counts rows, [`status`]
//! puts it together. Only `component` knows the host. Never: a write, a `no` where nothing could be
//! seen.
#![cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

#[cfg(target_arch = "wasm32")]
mod component;
mod config;
mod hooks;
mod request;
mod sqlite;
mod status;

#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
use component::AutomationEnabledStatus;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_pattern!(AutomationEnabledStatus, "remit-plugin.toml");
