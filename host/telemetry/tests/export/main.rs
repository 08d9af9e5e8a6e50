//! Spans as a collector gets them, and what happens when it is slow, full or not there.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and starts itself again"
)]

use std::time::Duration;

use remit_core::span::{Span, SpanPath};
use remit_telemetry::{Pace, Report, Settings};

use crate::collector::LONG;

mod arrival;
mod collector;
mod environment;
mod trouble;

/// Settings for a test: no wait is long, except that nothing is sent before it has to be.
fn settings(endpoint: &str, more: &[(&'static str, &str)]) -> Settings {
    let lookup = |name: &'static str| match name {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" => Some(endpoint.into()),
        _ => more
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).into()),
    };
    let mut settings = Settings::read(lookup).unwrap().unwrap();
    settings.pace = Pace {
        gather: LONG,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(2),
        ..Pace::default()
    };
    settings
}

fn counts(report: &Report) -> (u64, u64, u64) {
    (report.exported, report.dropped, report.failed)
}

fn plain(number: u32) -> Span {
    let place = SpanPath::run("01JRUN").task("t").attempt(number);
    Span::new(place, "attempt", 0, 1)
}
