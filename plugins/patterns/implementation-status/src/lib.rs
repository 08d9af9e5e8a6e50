//! The pattern `implementation-status`: compares a registry of patterns with the tree that it
//! describes, and says what is there, what is a stub, and what is only claimed.
//!
//! [`registry`] and [`phases`] read what somebody wrote, [`tree`] looks at files, [`report`] puts
//! the two side by side. What there is no tree to see for is unknown, not missing. Only `component`
//! knows the host. Never: a write, a claim counted as a fact.
#![cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(
        dead_code,
        reason = "the component, which uses it all, is built for wasm only"
    )
)]

#[cfg(target_arch = "wasm32")]
mod component;
mod phases;
mod registry;
mod report;
mod request;
mod stub;
mod tree;

#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
use component::ImplementationStatus;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_pattern!(ImplementationStatus, "remit-plugin.toml");
