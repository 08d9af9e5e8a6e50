//! Reaches exactly named origins over HTTP: for tools, through ports of their own network; for
//! plugins, request by request.
//!
//! The only crate that makes connections to the outside (beside telemetry, to its collector), and
//! the only one that knows HTTP and TLS. Never: a decision about who may reach what (the core has
//! made it), a connection to anything but the named origin, a redirect that is followed unasked, a
//! body or the value of a header in a log.

mod client;
mod dial;
mod headers;
mod relay;
mod tls;

#[cfg(test)]
mod tests;

pub use client::HttpClient;
pub use relay::OriginRelay;
