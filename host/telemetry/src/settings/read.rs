//! Reads each variable and collects what is wrong with them.
//!
//! Never: the value of a header in a mistake, or of an endpoint with a password.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use ureq::http::{HeaderName, HeaderValue, Uri, header};

use super::{
    DEFAULT_ENDPOINT, DEFAULT_TIMEOUT, MAX_HEADERS, MAX_RESOURCE, MAX_TIMEOUT, MAX_VARIABLE,
    Mistake, Protocol,
};

const DISABLED: &str = "OTEL_SDK_DISABLED";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// The variable for traces alone comes first: it counts more.
const PROTOCOLS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];
const COMPRESSIONS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
];
const HEADERS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_HEADERS",
];
const TIMEOUTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
];
const SERVICE: &str = "OTEL_SERVICE_NAME";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// What a service is called that nobody named.
const DEFAULT_SERVICE: &str = "remit";
/// Characters of a value that a mistake shows.
const MAX_SHOWN: usize = 80;

/// The variables, and what was found wrong so far.
pub(super) struct Variables<'a> {
    lookup: &'a dyn Fn(&'static str) -> Option<OsString>,
    mistakes: Vec<Mistake>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&'static str) -> Option<OsString>) -> Self {
        Self {
            lookup,
            mistakes: Vec::new(),
        }
    }

    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes
    }

    fn wrong(
        &mut self,
        variable: &'static str,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.mistakes.push(Mistake {
            variable,
            problem: problem.into(),
            fix: fix.into(),
        });
    }

    /// The value of a variable; nothing if it is unset, empty or a mistake.
    fn get(&mut self, variable: &'static str) -> Option<String> {
        let value = (self.lookup)(variable)?;
        if value.len() > MAX_VARIABLE {
            let problem = format!("it has {} bytes", value.len());
            self.wrong(variable, problem, format!("write at most {MAX_VARIABLE}"));
            return None;
        }
        let Ok(text) = value.into_string() else {
            self.wrong(variable, "it is not UTF-8", "write it in UTF-8");
            return None;
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The first of some variables that is set.
    fn first(&mut self, variables: [&'static str; 2]) -> Option<(&'static str, String)> {
        variables
            .into_iter()
            .find_map(|variable| Some((variable, self.get(variable)?)))
    }

    /// Whether spans shall be exported at all.
    pub(super) fn wanted(&mut self) -> bool {
        match self.get(DISABLED) {
            Some(value) if value.eq_ignore_ascii_case("true") => return false,
            Some(value) if !value.eq_ignore_ascii_case("false") => {
                let problem = format!("`{}` is neither", shown(&value));
                self.wrong(DISABLED, problem, "write `true` or `false`");
            }
            Some(_) | None => {}
        }
        match self.get(EXPORTER).as_deref() {
            Some("none") => false,
            Some("otlp") => true,
            None => {
                // Looked up without a check: whoever exports checks them.
                let set = |name| (self.lookup)(name).is_some_and(|value| !value.is_empty());
                set(ENDPOINT) || set(TRACES_ENDPOINT)
            }
            Some(other) => {
                let problem = format!("`{}` is not supported", shown(other));
                self.wrong(EXPORTER, problem, "write `otlp` or `none`");
                false
            }
        }
    }

    /// The URL for traces: as it is, or the base with `/v1/traces` behind it.
    pub(super) fn endpoint(&mut self) -> String {
        if let Some(text) = self.get(TRACES_ENDPOINT) {
            self.check_url(TRACES_ENDPOINT, &text);
            return text;
        }
        let Some(text) = self.get(ENDPOINT) else {
            return DEFAULT_ENDPOINT.to_owned();
        };
        self.check_url(ENDPOINT, &text);
        if text.contains(['?', '#']) {
            self.wrong(
                ENDPOINT,
                "a base has no query or fragment",
                format!("write the whole URL in {TRACES_ENDPOINT}"),
            );
        }
        format!("{}/v1/traces", text.trim_end_matches('/'))
    }

    fn check_url(&mut self, variable: &'static str, text: &str) {
        let example = "write a URL as http://localhost:4318";
        let uri = match text.parse::<Uri>() {
            Ok(uri) => uri,
            Err(error) => return self.wrong(variable, format!("not a URL: {error}"), example),
        };
        if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            let fix = format!("put what authorizes into {}", HEADERS[1]);
            return self.wrong(variable, "it holds a user or a password", fix);
        }
        // The parser takes any text for a port, and the client would use its default instead.
        let port = uri.authority().and_then(|authority| {
            let rest = authority.as_str().strip_prefix(authority.host())?;
            rest.strip_prefix(':')
        });
        if let Some(port) = port
            && !port.parse::<u16>().is_ok_and(|port| port > 0)
        {
            let problem = format!("not a URL: `{}` is not a port", shown(port));
            return self.wrong(variable, problem, example);
        }
        match uri.scheme_str() {
            Some("http") if uri.host().is_some_and(|host| !host.is_empty()) => {}
            Some("https") => self.wrong(
                variable,
                "https is not built in",
                "send to a collector on this machine by http, and let it forward by https",
            ),
            Some(_) | None => {
                let problem = format!("`{}` does not begin with http://", shown(text));
                self.wrong(variable, problem, example);
            }
        }
    }

    /// How messages are written; also that nobody asks for compression, which is not built in.
    pub(super) fn protocol(&mut self) -> Protocol {
        if let Some((variable, value)) = self.first(COMPRESSIONS)
            && value != "none"
        {
            let problem = format!("`{}` is not built in", shown(&value));
            self.wrong(variable, problem, "write `none`, or unset it");
        }
        let Some((variable, value)) = self.first(PROTOCOLS) else {
            return Protocol::Protobuf;
        };
        match value.as_str() {
            "http/protobuf" => Protocol::Protobuf,
            "http/json" => Protocol::Json,
            other => {
                let problem = format!("`{}` is not supported", shown(other));
                let fix = "write `http/protobuf` or `http/json`, and the collector's port for \
                           HTTP, usually 4318";
                self.wrong(variable, problem, fix);
                Protocol::Protobuf
            }
        }
    }

    pub(super) fn timeout(&mut self) -> Duration {
        let Some((variable, value)) = self.first(TIMEOUTS) else {
            return DEFAULT_TIMEOUT;
        };
        let longest = MAX_TIMEOUT.as_millis();
        match value.parse::<u64>() {
            Ok(ms) if ms > 0 && u128::from(ms) <= longest => Duration::from_millis(ms),
            Ok(_) | Err(_) => {
                let problem = format!("`{}` is not a time", shown(&value));
                let fix = format!("write milliseconds from 1 to {longest}");
                self.wrong(variable, problem, fix);
                DEFAULT_TIMEOUT
            }
        }
    }

    pub(super) fn headers(&mut self) -> Vec<(HeaderName, HeaderValue)> {
        let Some((variable, value)) = self.first(HEADERS) else {
            return Vec::new();
        };
        let mut headers = Vec::new();
        for (number, pair) in self.pairs(variable, &value, MAX_HEADERS) {
            let (name, value) = pair;
            // Neither the name nor the value is shown: whoever forgot the `=` wrote a secret.
            let (Ok(name), Ok(mut value)) = (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_str(&value),
            ) else {
                let problem = format!("entry {number} is not a header");
                self.wrong(variable, problem, "write name=value,name=value");
                continue;
            };
            if [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::HOST].contains(&name) {
                let problem = format!("`{name}` is set by the export itself");
                self.wrong(variable, problem, "leave it out");
                continue;
            }
            value.set_sensitive(true);
            headers.push((name, value));
        }
        headers
    }

    pub(super) fn resource(&mut self) -> BTreeMap<String, String> {
        let mut attributes = BTreeMap::new();
        attributes.insert("service.name".to_owned(), DEFAULT_SERVICE.to_owned());
        let version = env!("CARGO_PKG_VERSION").to_owned();
        attributes.insert("service.version".to_owned(), version);
        if let Some(value) = self.get(RESOURCE) {
            let pairs = self.pairs(RESOURCE, &value, MAX_RESOURCE);
            attributes.extend(pairs.into_iter().map(|(_, pair)| pair));
        }
        if let Some(name) = self.get(SERVICE) {
            attributes.insert("service.name".to_owned(), name);
        }
        attributes
    }

    /// The pairs of `name=value,name=value`, numbered from 1; values are percent-decoded.
    fn pairs(
        &mut self,
        variable: &'static str,
        text: &str,
        limit: usize,
    ) -> Vec<(usize, (String, String))> {
        let fix = "write name=value,name=value, with `,` `=` `%` in a value as %2C %3D %25";
        let mut pairs = Vec::new();
        for (at, entry) in text.split(',').enumerate() {
            let number = at + 1;
            if entry.trim().is_empty() {
                continue;
            }
            if pairs.len() == limit {
                let problem = format!("more than {limit} entries");
                self.wrong(variable, problem, "leave some out");
                break;
            }
            let decode = |text: &str| {
                Some(
                    percent_decode_str(text.trim())
                        .decode_utf8()
                        .ok()?
                        .into_owned(),
                )
            };
            let pair = entry
                .split_once('=')
                .filter(|(name, _)| !name.trim().is_empty())
                .and_then(|(name, value)| Some((decode(name)?, decode(value)?)));
            match pair {
                Some(pair) => pairs.push((number, pair)),
                None => self.wrong(variable, format!("entry {number} is not name=value"), fix),
            }
        }
        pairs
    }
}

/// The beginning of a value, on one line.
fn shown(value: &str) -> String {
    value
        .chars()
        .take(MAX_SHOWN)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
