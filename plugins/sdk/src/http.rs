//! HTTP requests, built step by step. The host sends them, to origins that were granted.
//!
//! Never: a connection of the plugin's own, a redirect followed here, a status taken for an error.

use std::borrow::Cow;
use std::time::Duration;

use crate::Failure;
use crate::bindings::imports::remit::plugin::http as imported;
pub use crate::bindings::imports::remit::plugin::http::{HttpError, Response};

/// One request.
///
/// ```no_run
/// # use remit_plugin_sdk::{Failure, http};
/// # use std::time::Duration;
/// # fn ask() -> Result<(), Failure> {
/// let answer = http::post("https://api.example.org/v1/items", r#"{"name": "a"}"#)
///     .header("content-type", "application/json")
///     .timeout(Duration::from_secs(5))
///     .send()?;
/// if answer.is_success() {
///     println!("{}", answer.text());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until `send`"]
pub struct Request {
    inner: imported::Request,
}

/// A request without a body: `GET`.
pub fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

/// A request with a body: `POST`.
pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Request {
    Request::new("POST", url).body(body)
}

impl Request {
    /// A request with this method, in capitals, to this URL.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            inner: imported::Request {
                method: method.into(),
                url: url.into(),
                headers: Vec::new(),
                body: Vec::new(),
                timeout_ms: None,
                max_body: None,
                max_redirects: None,
            },
        }
    }

    /// Adds a header. The same name may come more than once.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.inner.headers.push((name.into(), value.into()));
        self
    }

    /// The body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.inner.body = body.into();
        self
    }

    /// Longest time, with all redirects; 30 s without it.
    pub fn timeout(mut self, time: Duration) -> Self {
        let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        self.inner.timeout_ms = Some(milliseconds);
        self
    }

    /// Bytes of the response's body that are kept, at most 16 MiB; 1 MiB without it.
    pub fn keeping(mut self, bytes: u32) -> Self {
        self.inner.max_body = Some(bytes);
        self
    }

    /// Redirects that are followed, at most 20; 5 without it. With 0, a redirect is a response.
    pub fn redirects(mut self, most: u32) -> Self {
        self.inner.max_redirects = Some(most);
        self
    }

    /// Sends it and waits.
    ///
    /// # Errors
    /// There is no response. One with a status that means an error is no error here: look at
    /// [`Response::is_success`](Response), or use [`Response::into_success`].
    pub fn send(&self) -> Result<Response, HttpError> {
        imported::send(&self.inner)
    }
}

impl Response {
    /// Whether the status is one of 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// This response if its status is a success.
    ///
    /// # Errors
    /// A report with the code `http-status`, the status and the beginning of the body. A status
    /// that may pass (408, 429, 500 and above) makes it worth trying again.
    pub fn into_success(self) -> Result<Self, Failure> {
        /// Enough to see what a server says, short enough for one line.
        const SHOWN: usize = 200;
        if self.is_success() {
            return Ok(self);
        }
        let said: String = self.text().chars().take(SHOWN).collect();
        let message = format!("{} answered {}: {said}", self.final_url, self.status);
        Err(if matches!(self.status, 408 | 429 | 500..) {
            Failure::failed_for_now("http-status", message)
        } else {
            Failure::failed("http-status", message)
        })
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Denied(denial) => Self::Denied(denial),
            HttpError::Invalid(problems) => {
                let all: Vec<String> = problems
                    .into_iter()
                    .map(|problem| format!("{}: {}", problem.path, problem.message))
                    .collect();
                Self::failed("invalid-request", all.join("; "))
            }
            HttpError::ForbiddenAddress(message) => Self::failed("forbidden-address", message),
            HttpError::Unreachable(message) => Self::failed_for_now("unreachable", message),
            HttpError::Broken(message) => Self::failed_for_now("broken-response", message),
            HttpError::TooManyRedirects(limit) => {
                Self::failed("too-many-redirects", format!("more than {limit} redirects"))
            }
            HttpError::TimedOut => Self::TimedOut,
            HttpError::Unavailable(message) => Self::Unavailable(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16) -> Response {
        Response {
            status,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: b"said \xff".to_vec(),
            final_url: "https://x/".into(),
            hops: 0,
            truncated: false,
        }
    }

    #[test]
    fn builder_fills_the_request() {
        let request = post("https://x/", "body")
            .header("a", "1")
            .header("a", "2")
            .timeout(Duration::from_secs(u64::MAX))
            .keeping(7)
            .redirects(0);
        assert_eq!(request.inner.method, "POST");
        assert_eq!(request.inner.body, b"body");
        assert_eq!(request.inner.headers.len(), 2);
        assert_eq!(request.inner.timeout_ms, Some(u32::MAX));
        assert_eq!(request.inner.max_body, Some(7));
        assert_eq!(request.inner.max_redirects, Some(0));
        assert_eq!(get("https://x/").inner.method, "GET");
    }

    #[test]
    fn a_response_is_read_without_ceremony() {
        let answer = response(204);
        assert!(answer.is_success());
        assert_eq!(answer.header("Content-Type"), Some("text/plain"));
        assert_eq!(answer.header("etag"), None);
        assert_eq!(answer.text(), "said \u{fffd}");
    }

    #[test]
    fn only_what_may_pass_is_worth_trying_again() {
        for (status, retryable) in [
            (404, false),
            (403, false),
            (408, true),
            (429, true),
            (503, true),
        ] {
            let Err(Failure::Failed(report)) = response(status).into_success() else {
                panic!("{status} is no success");
            };
            assert_eq!(report.retryable, retryable, "{status}");
            assert!(report.message.contains("said"), "{}", report.message);
        }
    }
}
