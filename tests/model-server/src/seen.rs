//! What is noted of a request: enough to know what an agent asked and told, and no key.
//!
//! Never: the value of a header or a parameter that carries a credential.

use std::collections::BTreeMap;

use hyper::HeaderMap;
use hyper::http::request::Parts;
use serde::Serialize;
use serde_json::Value;

/// Headers that carry credentials.
const SECRET: [&str; 5] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-goog-api-key",
];

/// The parameter in which Gemini's clients may carry a key.
const KEY_PARAMETER: &str = "key=";

/// A request that came.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// Seconds since the server began.
    pub at: f64,
    /// The method.
    pub method: String,
    /// Path and parameters.
    pub path: String,
    /// Names in small letters; a credential is told by its length only.
    pub headers: BTreeMap<String, String>,
    /// The body, if it was JSON; a text otherwise; null if there was none.
    pub body: Value,
}

impl Seen {
    /// Notes a request.
    pub(crate) fn new(at: f64, head: &Parts, body: Value) -> Self {
        let path = head.uri.path_and_query().map_or("", |path| path.as_str());
        Self {
            at,
            method: head.method.to_string(),
            path: without_key(path),
            headers: headers(&head.headers),
            body,
        }
    }
}

fn headers(all: &HeaderMap) -> BTreeMap<String, String> {
    let shown = all.iter().map(|(name, value)| {
        let shown = if SECRET.contains(&name.as_str()) {
            format!("<present, {} bytes>", value.len())
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        (name.as_str().to_owned(), shown)
    });
    shown.collect()
}

fn without_key(path: &str) -> String {
    let Some((path, parameters)) = path.split_once('?') else {
        return path.to_owned();
    };
    let kept = parameters.split('&').map(|parameter| {
        if parameter.starts_with(KEY_PARAMETER) {
            "key=<present>"
        } else {
            parameter
        }
    });
    format!("{path}?{}", kept.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_told_by_their_length_only() {
        let request = hyper::Request::post("/v1/models/m:generateContent?alt=sse&key=hunter2")
            .header("Authorization", "Bearer hunter2")
            .header("X-Api-Key", "hunter2")
            .header("Accept", "text/event-stream")
            .body(())
            .unwrap();
        let seen = Seen::new(0.0, &request.into_parts().0, Value::Null);
        let line = serde_json::to_string(&seen).unwrap();
        assert!(!line.contains("hunter2"), "{line}");
        assert_eq!(seen.headers["authorization"], "<present, 14 bytes>");
        assert_eq!(seen.headers["accept"], "text/event-stream");
        assert_eq!(
            seen.path,
            "/v1/models/m:generateContent?alt=sse&key=<present>"
        );
    }
}
