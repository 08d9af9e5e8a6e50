//! What others write into the ledger: cancellations, answers, hurries, ends of safe mode, and the
//! work of other hosts.
//!
//! Entries of this host come by here too; what they say is known already. Never: an answer or a
//! cancellation that is passed over.

use std::collections::BTreeSet;

use remit_core::durable::{Entry, LedgerEvent, Stream};

use super::Dispatcher;
use super::input::TaskKey;
use super::ready::Wants;
use super::task::Busy;

impl Dispatcher {
    pub(super) fn entries(&mut self, entries: &[Entry], now_ms: u64) {
        let mut touched: BTreeSet<TaskKey> = BTreeSet::new();
        let mut strange: BTreeSet<TaskKey> = BTreeSet::new();
        for entry in entries {
            match entry.stream() {
                Stream::Host => self.host_entry(&entry.event),
                Stream::Run(run) => {
                    if let Some(number) = self.numbers.get(&run).copied() {
                        self.run_entry(number, &entry.event, now_ms);
                    }
                }
                Stream::Task(run, task) => {
                    if let Some(key) = self.key_of(&run, &task) {
                        self.task_entry(key, entry, &mut touched, &mut strange);
                    }
                }
            }
        }
        let strange: Vec<TaskKey> = strange.into_iter().collect();
        self.read(&strange, now_ms);
        for key in touched {
            self.step(key, now_ms);
        }
    }

    fn host_entry(&mut self, event: &LedgerEvent) {
        if let LedgerEvent::HostStarted { epoch, .. } = event {
            self.newest_host = self.newest_host.max(*epoch);
        } else if let LedgerEvent::SafeModeEntered { cause } = event {
            self.safe_mode.get_or_insert_with(|| cause.clone());
        } else if let LedgerEvent::SafeModeLeft { .. } = event {
            self.safe_mode = None;
            // A circuit that was open too long gets as long again.
            let waiting: Vec<_> = self.unhealthy.keys().cloned().collect();
            for adapter in waiting {
                self.queue.room(&Wants::Circuit(adapter));
            }
        } else if let LedgerEvent::CircuitClosed {
            adapter,
            by_hand: true,
        } = event
        {
            self.circuit_reset(adapter);
        }
    }

    pub(super) fn run_entry(&mut self, number: u32, event: &LedgerEvent, now_ms: u64) {
        if let LedgerEvent::RunCancelRequested { reason, .. } = event {
            let Some(run) = self.runs.get_mut(&number) else {
                return;
            };
            if run.state.cancel < Some(*reason) {
                run.state.cancel = Some(*reason);
                self.run_cancelled(number, now_ms);
            }
        } else if let LedgerEvent::ExecutionFinished { .. } = event {
            let Some(run) = self.runs.get(&number) else {
                return;
            };
            if !run.finishing {
                self.finished(number);
            }
        }
    }

    fn task_entry(
        &mut self,
        key: TaskKey,
        entry: &Entry,
        touched: &mut BTreeSet<TaskKey>,
        strange: &mut BTreeSet<TaskKey>,
    ) {
        let epoch = self.epoch;
        let Some(task) = self.task_mut(key) else {
            return;
        };
        let is_new = entry.task_seq > task.seq;
        let ours = task.state.phase.is_held() && task.state.epoch == epoch;
        if ours && is_new && is_of_question(&entry.event) {
            // Known here so that an answer fits, and because the attempt's time stands still.
            if task.state.apply(&entry.event).is_ok() {
                self.question_changed(key, entry.at_ms);
            }
            return;
        }
        let by_people = is_by_people(&entry.event);
        if by_people {
            // A cancellation counts whenever it is seen; the others only where they fit.
            let counts = is_new || matches!(entry.event, LedgerEvent::TaskCancelRequested { .. });
            let fits = counts && task.state.apply(&entry.event).is_ok();
            if entry.task_seq == task.seq + 1 {
                task.seq = entry.task_seq;
            }
            if fits {
                if ours {
                    self.question_changed(key, entry.at_ms);
                }
                touched.insert(key);
            } else if is_new && task.busy == Busy::No {
                strange.insert(key);
            } else if is_new {
                task.stale = true;
            }
            return;
        }
        if is_new && task.busy == Busy::No && (!ours || takes_away(&entry.event, epoch)) {
            strange.insert(key);
        }
    }
}

/// Whether an attempt writes such an event while it asks a person.
fn is_of_question(event: &LedgerEvent) -> bool {
    matches!(
        event,
        LedgerEvent::TaskWaiting {
            asked_by: Some(_),
            ..
        } | LedgerEvent::TaskExpired
    )
}

/// Whether people write such an event, and this host does not.
fn is_by_people(event: &LedgerEvent) -> bool {
    matches!(
        event,
        LedgerEvent::TaskCancelRequested { .. }
            | LedgerEvent::TaskAnswered { .. }
            | LedgerEvent::TaskHurried { .. }
    )
}

/// Whether a host writes such an event of a task only after it took the task from another one.
fn takes_away(event: &LedgerEvent, epoch: u64) -> bool {
    if let LedgerEvent::TaskStarted { epoch: by, .. }
    | LedgerEvent::ValidationResumed { epoch: by, .. } = event
    {
        return *by != epoch;
    }
    matches!(event, LedgerEvent::AttemptLost { .. })
}
