//! Tells an OpenTelemetry collector what is executed, if one is configured.
//!
//! The entries of the runs are folded from their first one, so that what a host before began has its
//! beginning; what had ended before this host began is not told again. Never: an execution that
//! waits for a collector or ends otherwise because of one; any work if none is configured.

use std::sync::Arc;
use std::time::Duration;

use remit_core::durable::{RunId, Spans};
use remit_engine::durable::ledger::{EntryQuery, Ledger, LedgerError};
use remit_telemetry::Exporter;
use tokio::sync::watch;

use super::follow::Follower;
use crate::exit::Stop;

/// How long the end waits for spans that are still to be sent. A collector on this machine takes
/// milliseconds; the rest is counted as lost.
const END: Duration = Duration::from_secs(3);

/// Open runs that are looked at for the first entry that matters.
const MOST_RUNS: usize = 1_000;

/// The exporter that the environment asks for, if it does.
///
/// # Errors
/// A variable cannot be used.
pub(super) fn configured() -> Result<Option<Arc<Exporter>>, Stop> {
    match Exporter::from_environment() {
        Ok(exporter) => Ok(exporter.map(Arc::new)),
        Err(error) => Err(Stop::usage(
            error.to_string(),
            "see docs/telemetry.md, or set OTEL_SDK_DISABLED=true",
        )),
    }
}

/// Tells what ends after `since`, until `stop` is true and everything is told.
///
/// # Errors
/// The ledger cannot be read.
pub(super) async fn tell(
    ledger: Arc<dyn Ledger>,
    run: Option<RunId>,
    since: u64,
    exporter: Arc<Exporter>,
    stop: watch::Receiver<bool>,
) -> Result<(), LedgerError> {
    let from = match &run {
        Some(_) => 0,
        None => before_open_runs(&*ledger, since).await?,
    };
    let mut follower = Follower::after(ledger, run, from, stop);
    let mut spans = Spans::new();
    while let Some(entries) = follower.next().await? {
        for entry in entries {
            let ended = spans.apply(&entry);
            if entry.seq > since {
                ended.into_iter().for_each(|span| exporter.export(span));
            }
        }
    }
    Ok(())
}

/// The place before the first entry of every run that is open; `since` if none is.
async fn before_open_runs(ledger: &dyn Ledger, since: u64) -> Result<u64, LedgerError> {
    let mut before = since;
    for view in ledger.runs(true, MOST_RUNS).await? {
        let query = EntryQuery {
            run: Some(view.run),
            task: None,
            after: 0,
            activity: false,
            limit: 1,
        };
        if let Some(first) = ledger.entries(query).await?.first() {
            before = before.min(first.seq.saturating_sub(1));
        }
    }
    Ok(before)
}

/// Sends what is left, within a bounded time. What is missing the exporter says itself.
pub(super) async fn finish(exporter: Arc<Exporter>) {
    let ended = tokio::task::spawn_blocking(move || exporter.shutdown(END));
    if let Ok(report) = ended.await {
        tracing::info!(
            exported = report.exported,
            dropped = report.dropped,
            failed = report.failed,
            "spans"
        );
    }
}
