//! A request of a plugin, checked before anything of it leaves: method, URL, headers, sizes.
//!
//! Never: a header that the host has to set itself, a line end that could start another header, a
//! limit that a plugin chose alone.

use std::time::Duration;

use url::{Host, Url};

use crate::excerpt::excerpt;
use crate::net::NetOrigin;
use crate::outcome::InputProblem;

/// The methods that a plugin may use. `CONNECT` and `TRACE` are for proxies and tests of servers.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Longest URL in bytes. Servers take 8 000 (RFC 9110, section 4.1).
pub const MAX_URL: usize = 8 * 1024;

/// Header lines of a request.
pub const MAX_HEADERS: usize = 64;

/// Bytes of names and values of all headers of a request. Servers take 8 KiB for each, some for all.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;

/// Bytes of the body of a request, and of a response at most: what an instance with the memory of
/// the default can hold twice.
pub const MAX_BODY: usize = 16 << 20;

/// Bytes of a response that are kept if the plugin does not say.
pub const DEFAULT_BODY: usize = 1 << 20;

/// Redirects that are followed at most, whatever the plugin says.
pub const MAX_REDIRECTS: u32 = 20;

/// Redirects that are followed if the plugin does not say.
pub const DEFAULT_REDIRECTS: u32 = 5;

/// Longest time of a request with all redirects, if the plugin does not say. The time of the run
/// bounds it besides.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Headers that say how a message travels, and that therefore are the host's (RFC 9110, sections 7
/// and 8.6), or that would speak to a proxy.
const FORBIDDEN: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A request as a plugin makes it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HttpCall {
    /// The method, in capitals.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// Longest time, with all redirects.
    pub timeout: Option<Duration>,
    /// Bytes of the response's body that are kept.
    pub max_body: Option<usize>,
    /// Redirects that are followed.
    pub max_redirects: Option<u32>,
}

impl std::fmt::Debug for HttpCall {
    /// Shows names and sizes, never the value of a header, a query or a body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("HttpCall")
            .field("method", &self.method)
            .field("headers", &names)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl HttpCall {
    /// Everything that is wrong with it; empty if nothing is.
    #[must_use]
    pub fn problems(&self) -> Vec<InputProblem> {
        let mut problems = Vec::new();
        let mut report = |path: &str, code: &str, message: String| {
            problems.push(InputProblem {
                path: path.to_owned(),
                code: code.to_owned(),
                message,
            });
        };
        if !METHODS.contains(&self.method.as_str()) {
            let message = format!(
                "`{}` is no method for a plugin; write {}",
                excerpt(&self.method),
                METHODS.join(", ")
            );
            report("/method", "bad-method", message);
        }
        if let Err(message) = parse(&self.url) {
            report("/url", "bad-url", message);
        }
        if self.headers.len() > MAX_HEADERS {
            let message = format!(
                "{} headers, the limit is {MAX_HEADERS}; send fewer",
                self.headers.len()
            );
            report("/headers", "too-many", message);
        }
        let size: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if size > MAX_HEADER_BYTES {
            let message = format!("{size} bytes of headers, the limit is {MAX_HEADER_BYTES}");
            report("/headers", "too-large", message);
        }
        for (place, (name, value)) in self.headers.iter().take(MAX_HEADERS).enumerate() {
            if let Some((code, message)) = header_problem(name, value) {
                report(&format!("/headers/{place}"), code, message);
            }
        }
        if self.body.len() > MAX_BODY {
            let message = format!("{} bytes, the limit is {MAX_BODY}", self.body.len());
            report("/body", "too-large", message);
        }
        if !self.body.is_empty() && matches!(self.method.as_str(), "GET" | "HEAD") {
            let message = format!("a {} request has no body; leave it out", self.method);
            report("/body", "unwanted", message);
        }
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            let message = "nothing is answered within 0 ms; write at least 1".to_owned();
            report("/timeout-ms", "zero", message);
        }
        problems
    }

    /// Bytes of a response's body that are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.max_body.unwrap_or(DEFAULT_BODY).min(MAX_BODY)
    }

    /// Redirects that are followed.
    #[must_use]
    pub fn redirects(&self) -> u32 {
        self.max_redirects
            .unwrap_or(DEFAULT_REDIRECTS)
            .min(MAX_REDIRECTS)
    }

    /// Longest time of it all.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }
}

/// Reads a URL as every browser does, and says which origin it is at.
///
/// # Errors
/// What is wrong and what would be right.
pub(super) fn parse(text: &str) -> Result<(Url, NetOrigin), String> {
    if text.len() > MAX_URL {
        return Err(format!("{} bytes, the limit is {MAX_URL}", text.len()));
    }
    // They are left out silently by the standard, and then mean something else than they show.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(
            "it has a space or a control character; write it as %20 or the like".to_owned(),
        );
    }
    let url = Url::parse(text).map_err(|error| {
        format!(
            "`{}` is not a URL ({error}); write for example `https://api.example.org/v1`",
            excerpt(text)
        )
    })?;
    let origin = origin(&url)?;
    Ok((url, origin))
}

/// The origin of a parsed URL.
///
/// # Errors
/// It has none that could be granted.
pub(super) fn origin(url: &Url) -> Result<NetOrigin, String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "the scheme `{}` is not offered; write http or https",
            excerpt(url.scheme())
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name; send it in a header `authorization`".to_owned());
    }
    let host = match url.host() {
        // A name with a dot at its end is the same name.
        Some(Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => format!("[{address}]"),
        None => return Err("it names no host".to_owned()),
    };
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let text = format!("{}://{host}{port}", url.scheme());
    text.parse().map_err(|error| format!("{error}"))
}

/// What is wrong with a header.
fn header_problem(name: &str, value: &str) -> Option<(&'static str, String)> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let shown = excerpt(name);
    if name.is_empty() || !name.chars().all(token) {
        return Some((
            "bad-header",
            format!("`{shown}` is not the name of a header (RFC 9110, section 5.1)"),
        ));
    }
    let lower = name.to_ascii_lowercase();
    if FORBIDDEN.contains(&lower.as_str()) {
        return Some((
            "forbidden-header",
            format!("`{shown}` is set by the host alone; leave it out"),
        ));
    }
    // Obsolete folds included: a line end is a new header for somebody.
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Some((
            "bad-header",
            format!("the value of `{shown}` has a line end or a control character; remove it"),
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(url: &str) -> HttpCall {
        HttpCall {
            method: "GET".to_owned(),
            url: url.to_owned(),
            ..HttpCall::default()
        }
    }

    #[test]
    fn the_origin_of_a_url_is_where_a_browser_would_go() {
        for (url, origin) in [
            ("https://API.example.org/v1?q#f", "https://api.example.org"),
            ("https://api.example.org.:443/", "https://api.example.org"),
            ("http://x:8080", "http://x:8080"),
            ("http://127.1/", "http://127.0.0.1"),
            ("http://2130706433/", "http://127.0.0.1"),
            ("http://0x7f.0.0.1", "http://127.0.0.1"),
            ("http://[::ffff:7f00:1]/", "http://[::ffff:127.0.0.1]"),
            ("https://ü.example/", "https://xn--tda.example"),
            ("http://a.example\\@b.example/", "http://a.example"),
        ] {
            let (_, found) = parse(url).unwrap();
            assert_eq!(found.to_string(), origin, "{url}");
        }
        for url in [
            "",
            "/path",
            "api.example.org",
            "ftp://x/",
            "file:///etc/passwd",
            "https://",
            "https://user@x/",
            "https://user:secret@x/",
            "https://x y/",
            "https://x/a b",
            "https://x/a\nb",
            "https://x:0/",
            "https://x:99999/",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn every_mistake_of_a_request_is_told_at_once() {
        let call = HttpCall {
            method: "TRACE".to_owned(),
            url: "gopher://x".to_owned(),
            headers: [
                ("Host", "elsewhere"),
                ("Transfer-Encoding", "chunked"),
                ("x y", "1"),
                ("", "1"),
                ("a", "1\r\nb: 2"),
                ("accept", "text/plain"),
                ("x-tab", "a\tb"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            body: vec![0; MAX_BODY + 1],
            timeout: Some(Duration::ZERO),
            ..HttpCall::default()
        };
        let found = call.problems();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|problem| (problem.path.as_str(), problem.code.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("/method", "bad-method"),
                ("/url", "bad-url"),
                ("/headers/0", "forbidden-header"),
                ("/headers/1", "forbidden-header"),
                ("/headers/2", "bad-header"),
                ("/headers/3", "bad-header"),
                ("/headers/4", "bad-header"),
                ("/body", "too-large"),
                ("/timeout-ms", "zero"),
            ]
        );
        assert_eq!(get("https://x/").problems(), []);
        let many = HttpCall {
            headers: vec![("a".to_owned(), "b".repeat(1000)); MAX_HEADERS + 1],
            ..get("https://x/")
        };
        let codes: Vec<String> = many.problems().into_iter().map(|one| one.code).collect();
        assert_eq!(codes, ["too-many", "too-large"]);
    }

    #[test]
    fn what_a_plugin_asks_for_stays_within_the_limits_of_the_host() {
        let call = HttpCall {
            max_body: Some(usize::MAX),
            max_redirects: Some(u32::MAX),
            ..get("https://x/")
        };
        assert_eq!((call.kept(), call.redirects()), (MAX_BODY, MAX_REDIRECTS));
        let call = get("https://x/");
        assert_eq!((call.kept(), call.redirects()), (DEFAULT_BODY, 5));
    }

    #[test]
    fn debug_shows_no_value() {
        let call = HttpCall {
            headers: vec![("authorization".to_owned(), "canary".to_owned())],
            body: b"canary".to_vec(),
            ..get("https://x/?canary")
        };
        assert!(!format!("{call:?}").contains("canary"));
    }
}
