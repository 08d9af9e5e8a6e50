//! Which task is next: the ready ones in order, and those that wait for room, kept apart by what
//! they wait for, so that no decision looks at all of them.
//!
//! Order: priority, then place in the plan; each minute of waiting counts as one step of priority
//! ([`AGING_MS`]), so that nothing waits for ever.
//!
//! Never: a decision whether a task may start.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use remit_core::durable::AdapterId;

use super::input::TaskKey;

/// Waiting so long counts as one step of priority: long enough that priority decides among tasks
/// that became ready together, short enough that a person sees the last one move.
pub(super) const AGING_MS: u64 = 60_000;

/// A ready task's place. Smaller is sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// The minute in which it became ready, less its priority.
    minute: i64,
    run: u32,
    index: u32,
}

impl Rank {
    pub(super) fn new(key: TaskKey, priority: i32, ready_ms: u64) -> Self {
        let minute = i64::try_from(ready_ms / AGING_MS).unwrap_or(i64::MAX);
        Self {
            minute: minute.saturating_sub(i64::from(priority)),
            run: key.run,
            index: key.index,
        }
    }

    pub(super) fn key(self) -> TaskKey {
        TaskKey {
            run: self.run,
            index: self.index,
        }
    }
}

/// What a ready task waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Wants {
    /// One of the run's attempts to end.
    Slot(u32),
    /// One of the adapter's attempts to end.
    Adapter(AdapterId),
    /// The adapter's circuit to let it through.
    Circuit(AdapterId),
    /// The task of the conflict group to end.
    Group(u32, Arc<str>),
}

/// Ready tasks.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue {
    ready: BTreeSet<Rank>,
    parked: HashMap<Wants, BTreeSet<Rank>>,
}

impl ReadyQueue {
    pub(super) fn push(&mut self, rank: Rank) {
        self.ready.insert(rank);
    }

    /// The next one. It may have gone another way since it was pushed.
    pub(super) fn pop(&mut self) -> Option<Rank> {
        self.ready.pop_first()
    }

    pub(super) fn park(&mut self, wants: Wants, rank: Rank) {
        self.parked.entry(wants).or_default().insert(rank);
    }

    /// There is room for one: the first of those that wait for it is ready again.
    pub(super) fn room(&mut self, wants: &Wants) {
        if let Some(parked) = self.parked.get_mut(wants) {
            if let Some(rank) = parked.pop_first() {
                self.ready.insert(rank);
            }
            if parked.is_empty() {
                self.parked.remove(wants);
            }
        }
    }

    /// Nothing stands in the way any more: all of them are ready again.
    pub(super) fn open(&mut self, wants: &Wants) {
        if let Some(mut parked) = self.parked.remove(wants) {
            self.ready.append(&mut parked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(index: u32, priority: i32, ready_ms: u64) -> Rank {
        Rank::new(TaskKey { run: 0, index }, priority, ready_ms)
    }

    #[test]
    fn priority_decides_then_the_plan() {
        let mut queue = ReadyQueue::default();
        for (index, priority) in [(3, 0), (1, 0), (2, 5), (0, -1)] {
            queue.push(rank(index, priority, 1_000));
        }
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop())
            .map(|rank| rank.key().index)
            .collect();
        assert_eq!(order, [2, 1, 3, 0]);
    }

    #[test]
    fn a_task_that_waits_long_enough_overtakes_a_more_important_one() {
        let old = rank(9, 0, 0);
        assert!(rank(1, 5, 4 * AGING_MS) < old);
        assert!(old < rank(1, 5, 6 * AGING_MS));
    }

    #[test]
    fn room_for_one_makes_the_first_that_waits_ready_and_no_other() {
        let mut queue = ReadyQueue::default();
        queue.park(Wants::Slot(0), rank(2, 0, 0));
        queue.park(Wants::Slot(0), rank(1, 0, 0));
        queue.room(&Wants::Slot(0));
        assert_eq!(queue.pop().map(|rank| rank.key().index), Some(1));
        assert_eq!(queue.pop(), None);
    }
}
