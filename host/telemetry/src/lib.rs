//! Sends spans to an OpenTelemetry collector: OTLP over HTTP, as the standard environment
//! variables say.
//!
//! [`Exporter::from_environment`] gives nothing if nothing is configured; then there is no thread
//! and no memory, and whoever would make spans does not. Otherwise [`Exporter::export`] puts a
//! span into a bounded queue and returns, a thread sends batches, and [`Exporter::shutdown`] waits
//! for the rest, but never longer than it was told.
//!
//! Never: a run that waits for a collector or fails because of one, a header's value in a message
//! or a log, a span that is lost without being counted, a request to anywhere but the endpoint.

mod export;
mod message;
mod queue;
mod send;
mod settings;

pub use export::{Exporter, Report};
pub use queue::MAX_QUEUE;
pub use settings::{
    ConfigError, DEFAULT_ENDPOINT, DEFAULT_TIMEOUT, MAX_HEADERS, MAX_RESOURCE, MAX_TIMEOUT,
    MAX_VARIABLE, Mistake, Pace, Protocol, Settings,
};
