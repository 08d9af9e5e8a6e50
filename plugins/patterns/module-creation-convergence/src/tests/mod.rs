//! Tests of everything but the glue to the host.
//!
//! Never: a test that needs the network, or a tool other than the one that the plugin asks for.
mod converged;
mod requested;

use remit_plugin_library::import::Asked;
use remit_plugin_library::validation::Wrong;
use serde_json::Value;

use crate::request::{KNOWN, Request};

/// Checks inputs as the component does.
fn check(inputs: &Value) -> Result<Request, Vec<Wrong>> {
    let resolved = Asked::of(&inputs.to_string())?.resolve(&KNOWN, |_| Err("no file".into()))?;
    Request::check(&resolved)
}
