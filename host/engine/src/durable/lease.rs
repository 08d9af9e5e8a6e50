//! Tells the ledger that this host lives, and looks who else does.
//!
//! Every third of the lease's length one statement renews it. A watchdog of its own counts from the
//! moment at which that was *sent*, so that it always ends before anyone else may think that this
//! host is gone. Never: a host called gone because a clock jumped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::clock::Clock;
use super::ledger::{HostRecord, Ledger};

/// How much earlier than the lease's end attempts are ended: one part in so many. Time for them to
/// end.
const MARGIN: u32 = 5;

/// What the keeper found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeaseNews {
    /// The ledger could not be told in time.
    Lost,
    /// It could be, after all.
    Kept,
    /// The hosts that may still work on what they took.
    Hosts(BTreeSet<u64>),
}

/// Keeps the lease of one host.
pub(super) struct Keeper {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) clock: Clock,
    pub(super) epoch: u64,
    pub(super) lease: Duration,
    /// The clock and the time of the last look.
    last: Option<(u64, Instant)>,
    /// Nobody is called gone before.
    grace: Option<Instant>,
}

impl Keeper {
    pub(super) fn new(ledger: Arc<dyn Ledger>, clock: Clock, epoch: u64, lease: Duration) -> Self {
        Self {
            ledger,
            clock,
            epoch,
            lease,
            last: None,
            grace: None,
        }
    }

    /// Until when the host's attempts are its own, if the ledger is told now.
    pub(super) fn until_ms(&self) -> u64 {
        (self.clock)().saturating_add(millis(self.lease))
    }

    /// Renews the lease until the receiver is gone. `sent` is when it was last sent.
    pub(super) async fn keep(mut self, mut sent: Instant, news: mpsc::Sender<LeaseNews>) {
        let mut lost = false;
        let mut next = sent + self.lease / 3;
        while !news.is_closed() {
            let end = sent + self.lease - self.lease / MARGIN;
            tokio::time::sleep_until(if lost { next } else { next.min(end) }).await;
            if !lost && Instant::now() >= end {
                lost = true;
                news.send(LeaseNews::Lost).await.unwrap_or_default();
            }
            let now = Instant::now();
            if now < next {
                continue;
            }
            next = now + self.lease / 3;
            if !self.beat(end, &mut lost, &news).await {
                continue;
            }
            sent = now;
            if std::mem::take(&mut lost) {
                news.send(LeaseNews::Kept).await.unwrap_or_default();
            }
            if let Some(alive) = self.alive().await {
                news.send(LeaseNews::Hosts(alive)).await.unwrap_or_default();
            }
        }
    }

    /// Tells the ledger, and says if that takes too long. Whether the ledger heard it.
    async fn beat(&self, end: Instant, lost: &mut bool, news: &mpsc::Sender<LeaseNews>) -> bool {
        let until = self.until_ms();
        let beat = self.ledger.beat(self.epoch, until, false);
        tokio::pin!(beat);
        let told = tokio::select! {
            biased;
            told = &mut beat => told,
            () = tokio::time::sleep_until(end), if !*lost => {
                *lost = true;
                news.send(LeaseNews::Lost).await.unwrap_or_default();
                beat.await
            }
        };
        told.is_ok()
    }

    /// Who may still work on what they took; unknown if the ledger does not answer. Those that are
    /// gone are told to the ledger.
    pub(super) async fn alive(&mut self) -> Option<BTreeSet<u64>> {
        let hosts = self.ledger.hosts().await.ok()?;
        let now_ms = (self.clock)();
        self.look_at_clock(now_ms);
        let in_grace = self.grace.is_some_and(|until| Instant::now() < until);
        let exclusive = self.ledger.is_exclusive();
        let mut alive = BTreeSet::new();
        for host in hosts {
            if host.epoch == self.epoch {
                continue;
            }
            if !exclusive && (in_grace || lives(&host, now_ms)) {
                alive.insert(host.epoch);
            } else {
                // If this is not written, the next look says it again.
                let ended = self.ledger.beat(host.epoch, host.until_ms, true).await;
                ended.unwrap_or_default();
            }
        }
        Some(alive)
    }

    /// After a jump forward (the machine slept) nobody had time to say that they live.
    fn look_at_clock(&mut self, now_ms: u64) {
        let now = Instant::now();
        if let Some((then_ms, then)) = self.last.replace((now_ms, now)) {
            let by_clock = Duration::from_millis(now_ms.saturating_sub(then_ms));
            if by_clock.saturating_sub(now - then) > self.lease {
                self.grace = Some(now + self.lease);
            }
        }
    }
}

fn lives(host: &HostRecord, now_ms: u64) -> bool {
    now_ms <= host.until_ms
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
