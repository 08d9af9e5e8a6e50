//! What the standard environment variables of OpenTelemetry say, checked.
//!
//! Source: the specification's pages "Environment Variable Specification" and "OpenTelemetry
//! Protocol Exporter", version 1.55. An empty variable counts as unset, as there. Unlike there, a
//! value that means nothing is a mistake, not a default.
//!
//! Never: the value of a header in a mistake or in `Debug`; a guess at what was meant.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue};

mod read;

use read::Variables;

/// Where a collector listens by default (OTLP/HTTP), used if only `OTEL_TRACES_EXPORTER=otlp` is
/// set.
pub const DEFAULT_ENDPOINT: &str = "http://localhost:4318/v1/traces";
/// How long one request may take by default (the specification's 10 seconds).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time that a request may take: more would only hide a collector that is gone.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(600);
/// Most bytes of one variable: room for a few access tokens.
pub const MAX_VARIABLE: usize = 16 << 10;
/// Most headers; a vendor asks for one or two.
pub const MAX_HEADERS: usize = 32;
/// Most attributes of the resource; they are sent with every batch.
pub const MAX_RESOURCE: usize = 64;

/// How the messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `http/protobuf`, the default.
    Protobuf,
    /// `http/json`.
    Json,
}

/// When batches are sent, and how often a failed one is tried again. The environment does not
/// change these; tests do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Spans of one request at most. The specification's default of a batch: 512.
    pub batch: usize,
    /// How long a batch that is not full waits for more. The specification's default: 5 seconds.
    pub gather: Duration,
    /// Tries of one batch. With the waits below a batch is given up after 12 seconds, before a
    /// busy host fills the queue many times.
    pub tries: u32,
    /// Wait before the second try; each further wait is twice as long.
    pub first_wait: Duration,
    /// Longest wait between tries, also if the collector asks for more.
    pub longest_wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch: 512,
            gather: Duration::from_secs(5),
            tries: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(5),
        }
    }
}

/// How spans are exported.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// The whole URL that spans are posted to; plain `http`.
    pub endpoint: String,
    /// How they are written.
    pub protocol: Protocol,
    /// Headers of every request. Their values may be secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Who is speaking: `service.name` and more.
    pub resource: BTreeMap<String, String>,
    /// When and how often.
    pub pace: Pace,
}

impl fmt::Debug for Settings {
    /// Shows the names of headers only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Settings")
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .field("headers", &names)
            .field("timeout", &self.timeout)
            .field("resource", &self.resource)
            .field("pace", &self.pace)
            .finish()
    }
}

/// One variable whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}; {fix}")]
pub struct Mistake {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong; never the value of a header.
    pub problem: String,
    /// What to write instead.
    pub fix: String,
}

/// Why nothing can be exported although it is configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Variables that cannot be used: all of them.
    #[error("{}", lines(.0))]
    Variables(Vec<Mistake>),
    /// The operating system gives no thread.
    #[error(
        "no thread for the export of spans: {0}; end something, or unset OTEL_EXPORTER_OTLP_ENDPOINT"
    )]
    Thread(#[source] std::io::Error),
}

fn lines(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl Settings {
    /// What the variables say that `lookup` gives; nothing if no export is configured, and then
    /// only the variables that decide about that were looked at.
    ///
    /// # Errors
    /// [`ConfigError::Variables`] with every variable that cannot be used.
    pub fn read(
        lookup: impl Fn(&'static str) -> Option<OsString>,
    ) -> Result<Option<Self>, ConfigError> {
        let mut variables = Variables::new(&lookup);
        let settings = variables.wanted().then(|| Self {
            endpoint: variables.endpoint(),
            protocol: variables.protocol(),
            headers: variables.headers(),
            timeout: variables.timeout(),
            resource: variables.resource(),
            pace: Pace::default(),
        });
        let mistakes = variables.into_mistakes();
        if mistakes.is_empty() {
            Ok(settings)
        } else {
            Err(ConfigError::Variables(mistakes))
        }
    }
}

#[cfg(test)]
mod tests;
