//! One hop of a request, and the next one that a redirect asks for.
//!
//! Never: a hop to an origin that nobody was asked about (the caller asks, for each), a credential
//! that goes to another origin.

use url::Url;

use super::HttpCall;
use super::request::{origin, parse};
use crate::net::NetOrigin;

/// Headers that go to another origin, too. Any other may hold a credential, whatever its name.
const FOR_EVERY_ORIGIN: [&str; 8] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "content-encoding",
    "content-language",
    "content-type",
    "user-agent",
];

/// One request to one origin.
#[derive(Clone, PartialEq, Eq)]
pub struct Hop {
    url: Url,
    origin: NetOrigin,
    method: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    number: u32,
}

impl std::fmt::Debug for Hop {
    /// Shows where it goes, never a header, a query or a body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hop")
            .field("method", &self.method)
            .field("origin", &self.origin)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// A redirect leads nowhere that a request could go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server redirects to something that is no URL: {0}")]
pub struct RedirectError(String);

impl Hop {
    /// The first hop of a call.
    ///
    /// # Errors
    /// What is wrong with the URL; [`HttpCall::problems`] says it too.
    pub fn first(call: HttpCall) -> Result<Self, String> {
        let (mut url, origin) = parse(&call.url)?;
        url.set_fragment(None);
        Ok(Self {
            url,
            origin,
            method: call.method,
            headers: call.headers,
            body: call.body,
            number: 0,
        })
    }

    /// Where it goes.
    #[must_use]
    pub fn origin(&self) -> &NetOrigin {
        &self.origin
    }
    /// The whole URL, without a fragment.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }
    /// The path alone: a query may hold what is nobody's business.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }
    /// Path and query, as they stand in the request.
    #[must_use]
    pub fn target(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }
    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }
    /// Names and values of its headers.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
    /// Its body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
    /// How many redirects came before it.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The next hop, if an answer with this status and `Location` is a redirect (RFC 9110, section
    /// 15.4). What was meant for one origin does not go to another.
    ///
    /// # Errors
    /// The location is no URL that could be requested.
    pub fn next(&self, status: u16, location: Option<&str>) -> Result<Option<Self>, RedirectError> {
        let (Some(location), 301 | 302 | 303 | 307 | 308) = (location, status) else {
            return Ok(None);
        };
        let refuse = |error: &dyn std::fmt::Display| RedirectError(error.to_string());
        let mut url = self.url.join(location).map_err(|error| refuse(&error))?;
        url.set_fragment(None);
        // The same checks as for the first one.
        parse(url.as_str()).map_err(|error| refuse(&error))?;
        let origin = origin(&url).map_err(|error| refuse(&error))?;
        let mut next = Self {
            url,
            origin,
            number: self.number + 1,
            ..self.clone()
        };
        let becomes_get = match status {
            303 => next.method != "HEAD",
            // What every browser does, and what the RFC allows for that reason.
            301 | 302 => next.method == "POST",
            _ => false,
        };
        if becomes_get {
            next.method = "GET".to_owned();
            next.body.clear();
            next.headers
                .retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
        }
        if next.origin != self.origin {
            next.headers
                .retain(|(name, _)| FOR_EVERY_ORIGIN.contains(&name.to_ascii_lowercase().as_str()));
        }
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = [
        "Authorization",
        "Cookie",
        "X-Token",
        "Content-Type",
        "Accept",
    ];

    fn first(method: &str) -> Hop {
        Hop::first(HttpCall {
            method: method.to_owned(),
            url: "https://a.example/x/y?q=1#f".to_owned(),
            headers: NAMES.map(|name| (name.to_owned(), "v".to_owned())).into(),
            body: b"body".to_vec(),
            ..HttpCall::default()
        })
        .unwrap()
    }

    fn names(hop: &Hop) -> Vec<&str> {
        hop.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn a_redirect_is_resolved_as_a_browser_would() {
        for (location, expected) in [
            ("z", "https://a.example/x/z"),
            ("/z?r#g", "https://a.example/z?r"),
            ("//b.example/z", "https://b.example/z"),
            ("http://a.example/", "http://a.example/"),
            ("?only", "https://a.example/x/y?only"),
        ] {
            let next = first("GET").next(302, Some(location)).unwrap().unwrap();
            assert_eq!(next.url(), expected);
            assert_eq!(next.number(), 1);
        }
        for location in [
            "ftp://x/",
            "file:///etc/passwd",
            "https://u:p@x/",
            "https://",
        ] {
            let next = first("GET").next(302, Some(location));
            assert!(next.is_err(), "{location}: {next:?}");
        }
    }

    #[test]
    fn only_a_redirect_with_a_location_is_one() {
        for status in [200, 201, 300, 304, 305, 306, 400] {
            assert_eq!(
                first("GET").next(status, Some("/z")).unwrap(),
                None,
                "{status}"
            );
        }
        assert_eq!(first("GET").next(302, None).unwrap(), None);
    }

    #[test]
    fn the_method_and_the_body_go_on_where_the_status_says_so() {
        for (method, status, expected, body) in [
            ("POST", 301, "GET", ""),
            ("POST", 302, "GET", ""),
            ("POST", 303, "GET", ""),
            ("PUT", 303, "GET", ""),
            ("HEAD", 303, "HEAD", "body"),
            ("PUT", 302, "PUT", "body"),
            ("POST", 307, "POST", "body"),
            ("POST", 308, "POST", "body"),
        ] {
            let next = first(method).next(status, Some("/z")).unwrap().unwrap();
            assert_eq!(next.method(), expected, "{method} {status}");
            assert_eq!(next.body(), body.as_bytes(), "{method} {status}");
            assert_eq!(
                names(&next).contains(&"Content-Type"),
                !body.is_empty(),
                "{method} {status}"
            );
        }
    }

    #[test]
    fn credentials_do_not_go_to_another_origin() {
        let next = |location| first("GET").next(307, Some(location)).unwrap().unwrap();
        assert_eq!(names(&next("https://a.example:443/")), NAMES);
        for other in [
            "https://b.example/",
            "http://a.example/",
            "https://a.example:8443/",
        ] {
            assert_eq!(names(&next(other)), ["Content-Type", "Accept"], "{other}");
        }
    }
}
