//! One request to the collector, and what its answer means.
//!
//! Source of the meanings: "OTLP/HTTP Response" in the OTLP specification 1.9.
//!
//! Never: a redirect that is followed, a proxy, an answer of any length, a header's value in a
//! text.

use std::time::Duration;

use ureq::Agent;
use ureq::http::StatusCode;
use ureq::http::header::{CONTENT_TYPE, RETRY_AFTER};

use crate::message::{Answer, decode_answer};
use crate::settings::{Protocol, Settings};

/// Most bytes of an answer that are read: it holds a count and a sentence.
const MAX_ANSWER: u64 = 64 << 10;
/// Most characters of a collector's sentence that are shown.
const MAX_SENTENCE: usize = 160;

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The collector has it, perhaps without some spans.
    Taken(Answer),
    /// Not now; perhaps after this time.
    Later {
        /// How long the collector wants to be left alone, if it said so.
        wait: Option<Duration>,
        /// What happened.
        why: String,
    },
    /// Nobody answers there.
    Unreachable(String),
    /// Never: the same again will fail again.
    Refused(String),
}

/// Posts batches.
#[derive(Debug)]
pub(crate) struct Sender {
    agent: Agent,
    settings: Settings,
}

impl Sender {
    pub(crate) fn new(settings: Settings) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // The variables name one place; nobody else may send the spans to another.
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("remit/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { agent, settings }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Posts one batch. Returns after `limit` at the latest.
    pub(crate) fn post(&self, body: &[u8], limit: Duration) -> Verdict {
        let protocol = self.settings.protocol;
        let kind = match protocol {
            Protocol::Protobuf => "application/x-protobuf",
            Protocol::Json => "application/json",
        };
        let mut request = self
            .agent
            .post(&self.settings.endpoint)
            .config()
            .timeout_global(Some(limit))
            .build()
            .header(CONTENT_TYPE, kind);
        for (name, value) in &self.settings.headers {
            request = request.header(name, value);
        }
        let mut response = match request.send(body) {
            Ok(response) => response,
            Err(ureq::Error::Timeout(_)) => {
                let why = format!("no answer within {} ms", limit.as_millis());
                return Verdict::Later { wait: None, why };
            }
            Err(
                error @ (ureq::Error::Io(_)
                | ureq::Error::HostNotFound
                | ureq::Error::ConnectionFailed),
            ) => {
                return Verdict::Unreachable(error.to_string());
            }
            Err(error) => return Verdict::Refused(error.to_string()),
        };
        let status = response.status();
        let wait = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let reader = response.body_mut().with_config().limit(MAX_ANSWER);
        if status.is_success() {
            // A batch that was taken is not sent again because the rest of the answer was lost.
            let mut answer = decode_answer(&reader.read_to_vec().unwrap_or_default(), protocol);
            answer.why = sentence(&answer.why);
            return Verdict::Taken(answer);
        }
        // Read, so that the connection can be used again; what it says is for the collector's log.
        drop(reader.read_to_vec());
        let why = format!("the collector answered {status}");
        match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Verdict::Later { wait, why },
            _ => Verdict::Refused(why),
        }
    }
}

/// The beginning of a collector's sentence, on one line.
fn sentence(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(MAX_SENTENCE).map(plain).collect()
}
