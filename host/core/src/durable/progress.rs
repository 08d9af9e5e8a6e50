//! How far a run is (R2.29): percent that never falls and ends at exactly 100, time so far, and how
//! long it may still take. From counts and times that the caller gives.
//!
//! Never: 100 before every task has ended; a percent below one that was shown; a clock.

use serde::Serialize;

use super::run::Counts;
use super::task::Phase;

/// Parts of the whole that progress is counted in before it is shown: hundredths of a task.
const PARTS: u64 = 100;

/// The most that a running attempt counts for: only its end is the whole task.
const MOST_RUNNING: u8 = 99;

/// How far a run is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Progress {
    /// 0 to 100; 100 if and only if every task has ended.
    pub percent: u8,
    /// How many tasks there are.
    pub total: u64,
    /// How many have ended, however.
    pub ended: u64,
    /// How many completed.
    pub completed: u64,
    /// How many an attempt holds.
    pub running: u64,
    /// How many wait for a person.
    pub waiting: u64,
    /// Since the caller began to look, in milliseconds.
    pub elapsed_ms: u64,
    /// How long it will still take if it goes on like this, in milliseconds; absent as long as
    /// nothing has moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<u64>,
}

/// Follows one run. One per look at it: the time before is not part of its rate.
#[derive(Debug, Clone)]
pub struct Tracker {
    began_ms: u64,
    /// Where the run was at the first look.
    base: Option<u64>,
    shown: u8,
    /// The farthest that was seen, in parts: a retry does not lead back.
    farthest: u64,
}

impl Tracker {
    /// Begins to look, at this time in milliseconds.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        Self {
            began_ms: now_ms,
            base: None,
            shown: 0,
            farthest: 0,
        }
    }

    /// How far the run is now. `running` is the percent that each attempt says of itself; attempts
    /// that say nothing may be left out.
    pub fn look(
        &mut self,
        now_ms: u64,
        counts: &Counts,
        running: impl IntoIterator<Item = u8>,
    ) -> Progress {
        let total = counts.total();
        let ended = counts.ended();
        let held = counts.of(Phase::InProgress) + counts.of(Phase::Validating);
        let whole = total.saturating_mul(PARTS);
        // No more attempts than tasks that are held, whatever the caller found.
        let held_at_most = usize::try_from(held).unwrap_or(usize::MAX);
        let under_way: u64 = running
            .into_iter()
            .take(held_at_most)
            .map(|percent| u64::from(percent.min(MOST_RUNNING)))
            .sum();
        let parts = ended.saturating_mul(PARTS).saturating_add(under_way);
        self.farthest = self.farthest.max(parts).min(whole);
        let base = *self.base.get_or_insert(self.farthest);
        let over = ended == total;
        let percent = if over {
            100
        } else {
            let percent = self.farthest.saturating_mul(100).checked_div(whole);
            u8::try_from(percent.unwrap_or(0)).unwrap_or(99).min(99)
        };
        self.shown = self.shown.max(percent);
        let elapsed_ms = now_ms.saturating_sub(self.began_ms);
        let left = whole.saturating_sub(self.farthest);
        Progress {
            percent: self.shown,
            total,
            ended,
            completed: counts.of(Phase::Completed),
            running: held,
            waiting: counts.of(Phase::Waiting),
            elapsed_ms,
            eta_ms: if over {
                Some(0)
            } else {
                eta(elapsed_ms, self.farthest.saturating_sub(base), left)
            },
        }
    }
}

/// How long the rest takes at the rate so far.
fn eta(elapsed_ms: u64, done: u64, left: u64) -> Option<u64> {
    let product = u128::from(elapsed_ms) * u128::from(left);
    let ms = product.checked_div(u128::from(done))?;
    Some(u64::try_from(ms).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(of: &[(Phase, u64)]) -> Counts {
        let mut counts = Counts::default();
        for (phase, count) in of {
            for _ in 0..*count {
                counts.moved(None, *phase);
            }
        }
        counts
    }

    #[test]
    fn a_running_attempt_counts_and_is_never_the_whole_task() {
        let mut tracker = Tracker::new(1_000);
        let seen = counts(&[(Phase::Completed, 1), (Phase::InProgress, 1)]);
        let first = tracker.look(2_000, &seen, [40]);
        assert_eq!((first.percent, first.ended, first.running), (70, 1, 1));
        assert_eq!(tracker.look(3_000, &seen, [100]).percent, 99);
        let over = counts(&[(Phase::Completed, 1), (Phase::Failed, 1)]);
        let last = tracker.look(4_000, &over, []);
        assert_eq!(
            (last.percent, last.eta_ms, last.completed),
            (100, Some(0), 1)
        );
    }

    #[test]
    fn the_rate_is_that_of_the_time_looked_at() {
        // Half of it was done before: it says nothing about how quick this host is.
        let mut tracker = Tracker::new(0);
        let half = counts(&[(Phase::Completed, 50), (Phase::Ready, 50)]);
        assert_eq!(tracker.look(10, &half, []).eta_ms, None);
        let more = counts(&[(Phase::Completed, 60), (Phase::Ready, 40)]);
        assert_eq!(tracker.look(1_000, &more, []).eta_ms, Some(4_000));
    }

    #[test]
    fn a_retry_does_not_lead_back() {
        let mut tracker = Tracker::new(0);
        let seen = counts(&[(Phase::InProgress, 1)]);
        assert_eq!(tracker.look(1, &seen, [80]).percent, 80);
        let again = counts(&[(Phase::Ready, 1)]);
        assert_eq!(tracker.look(2, &again, []).percent, 80);
    }

    #[test]
    fn a_run_without_tasks_is_done() {
        assert_eq!(Tracker::new(0).look(0, &Counts::default(), []).percent, 100);
    }

    /// One task's way: how it moves, and the percent that its attempt says.
    fn ways() -> impl Strategy<Value = Vec<(u8, u8)>> {
        proptest::collection::vec((0_u8..40, 0_u8..=255), 1..400)
    }

    proptest! {
        #[test]
        fn percent_never_falls_and_is_100_exactly_at_the_end(ways in ways()) {
            const TASKS: usize = 40;
            let mut phases = [Phase::Pending; TASKS];
            let mut said = [0_u8; TASKS];
            let mut seen = counts(&[(Phase::Pending, TASKS as u64)]);
            let mut tracker = Tracker::new(0);
            let mut before = 0;
            // The way that was drawn, then every task to its end.
            let rest = (0..TASKS as u8).flat_map(|task| [(task, 1), (task, 2), (task, 3)]);
            for (step, (task, say)) in ways.into_iter().chain(rest).enumerate() {
                let place = usize::from(task);
                let from = phases[place];
                let to = match from {
                    Phase::Pending => Phase::Ready,
                    Phase::Ready => Phase::InProgress,
                    Phase::InProgress if say % 7 == 0 => Phase::Ready,
                    Phase::InProgress => Phase::Completed,
                    Phase::Waiting
                    | Phase::Validating
                    | Phase::Completed
                    | Phase::Failed
                    | Phase::Timeout
                    | Phase::Canceled
                    | Phase::Skipped
                    | Phase::Blocked => from,
                };
                phases[place] = to;
                said[place] = say;
                if from != to {
                    seen.moved(Some(from), to);
                }
                let running: Vec<u8> = phases
                    .iter()
                    .zip(said)
                    .filter(|(phase, _)| phase.is_held())
                    .map(|(_, said)| said)
                    .collect();
                let now = tracker.look(step as u64, &seen, running);
                prop_assert!(now.percent >= before);
                prop_assert_eq!(now.percent == 100, now.ended == now.total);
                before = now.percent;
            }
            let over = phases.iter().all(|phase| phase.end().is_some());
            prop_assert_eq!(before == 100, over);
        }
    }
}
