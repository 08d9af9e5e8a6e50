//! Headers that belong to one connection and not to the message, which are never passed on; and what
//! hyper says of a message that is none.
//!
//! Never: a change of any other header.

use hyper::HeaderMap;
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use remit_core::net::NetOrigin;

/// Headers of one hop (RFC 9110, section 7.6.1), and those by which a peer asks for something that
/// is not passed on here: another protocol, trailers, a word before the body.
pub(crate) const OF_ONE_HOP: [&str; 11] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "http2-settings",
];

/// Removes them, and those that `Connection` names.
pub(crate) fn drop_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in OF_ONE_HOP {
        headers.remove(name);
    }
}

/// The value of `Host` for an origin: without the port that its scheme implies.
pub(crate) fn host(origin: &NetOrigin) -> Option<HeaderValue> {
    let text = origin.to_string();
    let (_, authority) = text.split_once("://")?;
    HeaderValue::from_str(authority).ok()
}

/// An error with its causes: hyper's own words alone rarely say what happened.
pub(crate) fn whole(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_one_hop_go_and_all_others_stay() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Private"),
            ("connection", "te"),
            ("x-private", "1"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("authorization", "Bearer x"),
            ("content-length", "3"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        drop_hop(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "content-length"]);
    }

    #[test]
    fn the_host_header_has_a_port_only_where_the_scheme_implies_another() {
        for (origin, expected) in [
            ("https://api.example.org", "api.example.org"),
            ("https://api.example.org:8443", "api.example.org:8443"),
            ("http://[::1]:80", "[::1]"),
        ] {
            assert_eq!(host(&origin.parse().unwrap()).unwrap(), expected);
        }
    }
}
