//! An adapter that has no tool: it says, changes and claims what its request wants. For tests of
//! plans, policies and gates, where a real tool would only be in the way.
//!
//! Never: an effect that the request does not name.

#[cfg(target_arch = "wasm32")]
mod component;
mod request;

pub use request::{Ending, Request};
