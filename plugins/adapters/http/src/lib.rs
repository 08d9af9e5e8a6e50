//! The adapter `http`: one request, one report.
//!
//! It knows no service. Where it may go is the owner's rule; the host holds every hop against it.
//! Success is computed from the status: an answer that was not expected is a report with `success:
//! false`; only a request that got no answer is a failure.
//!
//! Never: a second request, a status that is taken for a success because the body says so.
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
mod status;

#[cfg(target_arch = "wasm32")]
use component::Http;
#[cfg(target_arch = "wasm32")]
remit_plugin_sdk::export_adapter!(Http, "remit-plugin.toml");
