//! What waits to be sent, between those who make spans and the thread that sends them.
//!
//! Never: a lock that is held while something is sent, encoded or said; more than [`MAX_QUEUE`]
//! spans; a span that is in no count.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use remit_core::span::Span;

use crate::export::Report;
use crate::settings::Pace;

/// Most spans that wait. Four times the specification's default: a busy host ends 10,000 spans a
/// second, and this rides out most of one; with usual attributes it is less than 10 MB.
pub const MAX_QUEUE: usize = 8_192;

/// Kinds of trouble; each is said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The queue is full.
    Full,
    /// A batch was given up.
    Lost,
    /// The collector took a batch without some of its spans.
    Rejected,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Span>,
    /// Spans that the thread has taken out and not yet counted.
    in_flight: u64,
    report: Report,
    said: Vec<Trouble>,
    /// Set once: until when the rest may be sent.
    closing: Option<Instant>,
    ended: bool,
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Wakes the thread that sends.
    work: Condvar,
    /// Wakes whoever waits for its end.
    end: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a span, or counts it as dropped.
    pub(crate) fn push(&self, span: Span, batch: usize) {
        let mut state = self.lock();
        let closed = state.closing.is_some();
        if closed || state.waiting.len() >= MAX_QUEUE {
            state.report.dropped += 1;
            drop(state);
            if !closed {
                let limit = format!("more than {MAX_QUEUE} spans wait for the collector");
                self.say(Trouble::Full, &limit);
            }
            return;
        }
        state.waiting.push_back(span);
        // Between the first of a batch and a full one the thread waits for time to pass.
        let wakes = state.waiting.len() == 1 || state.waiting.len() == batch;
        drop(state);
        if wakes {
            self.work.notify_one();
        }
    }

    /// Waits for a batch and takes it out. None when everything was taken and nothing will come.
    pub(crate) fn take(&self, pace: &Pace) -> Option<Vec<Span>> {
        let idle = |state: &mut State| state.waiting.is_empty() && state.closing.is_none();
        let state = self
            .work
            .wait_while(self.lock(), idle)
            .unwrap_or_else(PoisonError::into_inner);
        let few = |state: &mut State| state.waiting.len() < pace.batch && state.closing.is_none();
        let (mut state, _) = self
            .work
            .wait_timeout_while(state, pace.gather, few)
            .unwrap_or_else(PoisonError::into_inner);
        let count = state.waiting.len().min(pace.batch);
        state.in_flight = count as u64;
        let batch: Vec<Span> = state.waiting.drain(..count).collect();
        (!batch.is_empty()).then_some(batch)
    }

    /// The batch was taken, without `rejected` of its spans.
    pub(crate) fn exported(&self, rejected: u64) {
        let mut state = self.lock();
        let all = std::mem::take(&mut state.in_flight);
        let rejected = rejected.min(all);
        state.report.exported += all - rejected;
        state.report.failed += rejected;
    }

    /// The batch was given up.
    pub(crate) fn failed(&self) {
        let mut state = self.lock();
        state.report.failed += std::mem::take(&mut state.in_flight);
    }

    /// Gives up everything that waits, as nobody will answer any more.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.report.failed += state.waiting.len() as u64;
        state.waiting.clear();
    }

    /// Says what is wrong, the first time only.
    pub(crate) fn say(&self, trouble: Trouble, why: &str) {
        {
            let mut state = self.lock();
            if state.said.contains(&trouble) {
                return;
            }
            state.said.push(trouble);
            state.report.troubles.push(why.to_owned());
        }
        tracing::warn!(why, "spans are missing in the trace; the run goes on");
    }

    /// How long the next request may take; none if there is no time left.
    pub(crate) fn time_for(&self, request: Duration) -> Option<Duration> {
        let Some(until) = self.lock().closing else {
            return Some(request);
        };
        let left = until.saturating_duration_since(now());
        (!left.is_zero()).then(|| left.min(request))
    }

    /// Whether the end is near.
    pub(crate) fn is_closing(&self) -> bool {
        self.lock().closing.is_some()
    }

    /// Waits between two tries; less if the end comes, and not beyond it.
    pub(crate) fn pause(&self, wait: Duration) {
        let state = self.lock();
        if let Some(until) = state.closing {
            drop(state);
            // Nothing shortens this wait any more, and its length is what is left at most.
            std::thread::sleep(until.saturating_duration_since(now()).min(wait));
            return;
        }
        let open = |state: &mut State| state.closing.is_none();
        let waited = self.work.wait_timeout_while(state, wait, open);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Nothing comes any more; what waits may be sent for this long. The first call counts.
    pub(crate) fn close(&self, limit: Duration) {
        let until = now() + limit;
        self.lock().closing.get_or_insert(until);
        self.work.notify_all();
    }

    /// The thread has ended.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.end.notify_all();
    }

    /// Waits until the thread has ended, but not longer than this. What it still has then counts
    /// as failed.
    pub(crate) fn wait_for_end(&self, limit: Duration) -> Report {
        let runs = |state: &mut State| !state.ended;
        let (mut state, _) = self
            .end
            .wait_timeout_while(self.lock(), limit, runs)
            .unwrap_or_else(PoisonError::into_inner);
        let left = state.in_flight + state.waiting.len() as u64;
        state.in_flight = 0;
        state.waiting.clear();
        state.report.failed += left;
        drop(state);
        if left > 0 {
            self.say(Trouble::Lost, "the collector was too slow at the end");
        }
        self.report()
    }

    /// The counts so far.
    pub(crate) fn report(&self) -> Report {
        self.lock().report.clone()
    }
}

/// What time it is, for the end of what waits.
#[expect(
    clippy::disallowed_methods,
    reason = "a deadline for a thread without a runtime; no test depends on how long it is"
)]
fn now() -> Instant {
    Instant::now()
}
