//! The origins that a tool reaches through ports of its own loopback interface, and what went
//! through them.
//!
//! Never: a port that stands for more than one origin, an address that a tool or a plugin chose.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Network;
use super::read::report;
use crate::document::Section;
use crate::net::NetOrigin;

/// Most origins of one tool. Each costs the host a listening socket for as long as the tool runs;
/// a tool that needs more works for more than one purpose.
pub const MAX_ORIGINS: usize = 8;

/// The lowest port that may stand for an origin. Those below need a privilege.
const LOWEST_PORT: u16 = 1024;

/// A port of the tool's own loopback interface, and the one origin that it stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OriginPort {
    /// The port on 127.0.0.1, as the tool sees it; 1024 to 65535.
    pub port: u16,
    /// Where what is sent there goes.
    pub origin: NetOrigin,
}

/// What a tool did with one of its origins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OriginTraffic {
    /// The port on 127.0.0.1, as the tool sees it.
    pub port: u16,
    /// The origin.
    pub origin: NetOrigin,
    /// Requests that were passed on, whatever came of them.
    pub requests: u64,
    /// Requests that the host answered itself: no well-formed request, or no answer of the origin.
    pub failed: u64,
    /// Bytes of request bodies that went to the origin.
    pub sent: u64,
    /// Bytes of response bodies that came from it.
    pub received: u64,
    /// Why the last of the failed requests failed; absent if none did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

impl OriginTraffic {
    /// Nothing yet.
    #[must_use]
    pub fn none(of: &OriginPort) -> Self {
        Self {
            port: of.port,
            origin: of.origin.clone(),
            requests: 0,
            failed: 0,
            sent: 0,
            received: 0,
            error: None,
        }
    }
}

/// Reads `network` and `origins`, which only make sense together.
pub(super) fn read_network(run: &mut Section<'_>) -> (Network, Vec<OriginPort>) {
    let problems = run.problems();
    let before = problems.count();
    let network = run.parsed::<Network>("network", "bad-network");
    let is_unreadable = problems.count() > before;
    let listed = read_origins(run);
    let is_origins = network.as_ref().map(|network| network.value) == Some(Network::Origins);
    match (&network, &listed) {
        (Some(network), None) if is_origins => problems.report(
            &network.span,
            "missing-origins",
            "`network` is \"origins\", and no `origins` say which",
            "add `origins = { \"8001\" = \"https://api.example.org\" }`, or write network = \"none\"",
        ),
        (Some(network), Some((_, listed))) if is_origins && listed.is_empty() => problems.report(
            &network.span,
            "missing-origins",
            "`origins` is empty, so the tool would reach nothing",
            "name an origin, or write network = \"none\"",
        ),
        (_, Some((span, _))) if !is_origins && !is_unreadable => problems.report(
            span,
            "unused-origins",
            "`origins` have no effect without network = \"origins\"",
            "add `network = \"origins\"`, or remove them",
        ),
        (_, _) => {}
    }
    (
        network.map_or(Network::None, |network| network.value),
        listed.map_or_else(Vec::new, |(_, listed)| listed),
    )
}

/// Reads `origins`: ports and what they stand for, by port; with the place of the first.
fn read_origins(run: &mut Section<'_>) -> Option<(std::ops::Range<usize>, Vec<OriginPort>)> {
    let problems = run.problems();
    let mut table = run.section("origins")?;
    let mut origins: BTreeMap<u16, NetOrigin> = BTreeMap::new();
    let mut place = table.span().clone();
    for (count, key) in table.keys().into_iter().enumerate() {
        if count == 0 {
            place = key.span.clone();
        }
        let origin = table.parsed::<NetOrigin>(key.value, "bad-origin");
        let Some(port) = port(key.value) else {
            let message = format!("`{}` is not a port for an origin", key.value);
            let help = format!("write a number from {LOWEST_PORT} to {}", u16::MAX);
            problems.report(&key.span, "bad-port", message, help);
            continue;
        };
        if count == MAX_ORIGINS {
            let message = format!("`origins` names more than {MAX_ORIGINS}");
            let help = "remove what this tool does not need, or declare a second tool";
            problems.report(&key.span, "too-many-origins", message, help);
        }
        let Some(origin) = origin else { continue };
        if let Some((earlier, _)) = origins.iter().find(|(_, known)| **known == origin.value) {
            let whole = format!("{} is on port {earlier} already; remove one", origin.value);
            report(problems, &key.span, "duplicate-origin", &whole);
        }
        origins.insert(port, origin.value);
    }
    let origins = origins
        .into_iter()
        .map(|(port, origin)| OriginPort { port, origin })
        .collect();
    Some((place, origins))
}

/// A port as a number is written: two keys that differ are two ports.
fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let port = text.parse::<u16>().ok().filter(|_| digits)?;
    (port >= LOWEST_PORT).then_some(port)
}
