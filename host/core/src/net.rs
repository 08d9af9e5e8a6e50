//! A network origin: scheme, host and port, exactly one of each.
//!
//! Never: a path, a user name, a wildcard, a name that is compared before it is normalized.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::excerpt::excerpt;
use serde::{Deserialize, Serialize};

/// Longest host name in bytes (RFC 1035).
const MAX_HOST: usize = 253;

/// An origin such as `https://api.example.org`, normalized: lower case, no default port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetOrigin {
    secure: bool,
    host: String,
    port: u16,
}

/// The text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an origin; write scheme and host, for example `https://api.example.org:8443`"
)]
pub struct NetOriginError(String);

impl NetOrigin {
    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }
    /// The host: a name in lower case, an IPv4 address, or an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
    /// The port, written or implied by the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Splits `host:port`; the brackets of an IPv6 address belong to the host.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at_checked(end)?;
    if rest.is_empty() {
        return Some((host, None));
    }
    let digits = rest.strip_prefix(':')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|port| plain && *port != 0)?;
    Some((host, Some(port)))
}

fn normal_host(text: &str) -> Option<String> {
    if let Some(inside) = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        return inside
            .parse::<Ipv6Addr>()
            .ok()
            .map(|address| format!("[{address}]"));
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let fits = text.len() <= MAX_HOST && text.split('.').all(label);
    fits.then(|| text.to_ascii_lowercase())
}

impl FromStr for NetOrigin {
    type Err = NetOriginError;

    fn from_str(text: &str) -> Result<Self, NetOriginError> {
        let refuse = || NetOriginError(excerpt(text));
        let (secure, rest) = text
            .strip_prefix("https://")
            .map(|rest| (true, rest))
            .or_else(|| text.strip_prefix("http://").map(|rest| (false, rest)))
            .ok_or_else(refuse)?;
        let (host, port) = split_port(rest).ok_or_else(refuse)?;
        let host = normal_host(host).ok_or_else(refuse)?;
        let port = port.unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { secure, host, port })
    }
}

impl fmt::Display for NetOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = if self.secure {
            ("https", 443)
        } else {
            ("http", 80)
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == default {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

impl TryFrom<String> for NetOrigin {
    type Error = NetOriginError;
    fn try_from(text: String) -> Result<Self, NetOriginError> {
        text.parse()
    }
}

impl From<NetOrigin> for String {
    fn from(origin: NetOrigin) -> Self {
        origin.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_normalized_or_refused() {
        for (text, normal) in [
            ("https://API.example.org", "https://api.example.org"),
            ("https://x:443", "https://x"),
            ("http://x:8080", "http://x:8080"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("https://[0:0::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(text.parse::<NetOrigin>().unwrap().to_string(), normal);
        }
        for text in [
            "",
            "x",
            "ftp://x",
            "https://",
            "https://x/",
            "https://x/y",
            "https://u@x",
            "https://*.x",
            "https://x:0",
            "https://x:99999",
            "https://x:+1",
            "https://x?y",
            "https://x y",
            "https://-x",
            "https://x..y",
            "https://[::1",
            "https://ü.de",
        ] {
            assert!(text.parse::<NetOrigin>().is_err(), "{text}");
        }
    }
}
