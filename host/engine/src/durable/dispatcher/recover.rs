//! Taking over from hosts that are gone: what they had begun is called by its name — unknown, lost,
//! resumed — before anything is begun again.
//!
//! Never: a task taken from a host that may still work on it.

use std::collections::{BTreeMap, BTreeSet};

use remit_core::durable::{LedgerEvent, Phase, Severity, Trigger};
use remit_core::plan::OnUnknown;

use super::Dispatcher;
use super::end::{Then, escalates, escalation, unknown};
use super::input::TaskKey;
use super::send::{Batch, Part};
use super::task::{Busy, Task};
use crate::durable::ledger::Expect;

impl Dispatcher {
    /// Which hosts may still work on what they took. All others are gone.
    pub(super) fn hosts(&mut self, alive: BTreeSet<u64>, now_ms: u64) {
        // An epoch counts once it was seen before the look before this one, so that no look is
        // older than the host that it does not show.
        let looked_at = self.next_look;
        self.next_look = self.newest_host.max(alive.last().copied().unwrap_or(0));
        let same = self.alive == alive && looked_at == self.looked_at;
        self.alive = alive;
        self.looked_at = looked_at;
        if same {
            return;
        }
        let mut held = Vec::new();
        for (number, run) in &self.runs {
            for index in run.open_indices() {
                let is_others = |task: &Task| {
                    task.state.phase.is_held()
                        && self.is_gone(task.state.epoch)
                        && task.busy == Busy::No
                };
                if run.task(index).is_some_and(is_others) {
                    held.push(TaskKey {
                        run: *number,
                        index,
                    });
                }
            }
        }
        // What they did since this host last looked is only in the ledger.
        self.read(&held, now_ms);
    }

    /// Whether a host does not work any more on what it took.
    pub(super) fn is_gone(&self, epoch: u64) -> bool {
        epoch != self.epoch && epoch <= self.looked_at && !self.alive.contains(&epoch)
    }

    /// A task that a host held which is gone.
    pub(super) fn take_over(&mut self, key: TaskKey, now_ms: u64) {
        if self.shutdown || self.lease_lost {
            return;
        }
        let epoch = self.epoch;
        let Some(run) = self.runs.get(&key.run) else {
            return;
        };
        let Some(task) = run.task(key.index) else {
            return;
        };
        let (fence, attempt) = (task.state.fence, task.state.attempt);
        let mut batch = Batch::default();
        let mut once = Vec::new();
        let events = if task.state.phase == Phase::Validating {
            // The gates take a slot again.
            self.hold_again(key);
            vec![LedgerEvent::ValidationResumed {
                fence: fence.saturating_add(1),
                epoch,
            }]
        } else {
            let open: BTreeMap<u32, String> = task
                .open_effects()
                .map(|effect| (effect, task.tools.get(&effect).cloned().unwrap_or_default()))
                .collect();
            for tool in open.values() {
                let what = match task.spec.on_unknown {
                    OnUnknown::Repeat => "it will be started again",
                    OnUnknown::Fail => "the task says that it must not be started again",
                };
                let message = format!("whether `{tool}` did its work is not known; {what}");
                let trigger = Trigger::EffectUnknown;
                once.push(escalation(run, task, trigger, Severity::High, &message));
            }
            let mut events = unknown(task, &open);
            events.push(LedgerEvent::AttemptLost {
                fence,
                reason: format!("host {} is gone", task.state.epoch),
                orderly: false,
            });
            self.probe_lost(key, attempt, now_ms, &mut batch);
            events
        };
        let seq = self.task(key).map_or(0, |task| task.seq);
        batch.parts.push(Part {
            key,
            expect: Expect::Seq(seq),
            events,
        });
        self.send(batch, once, None, now_ms);
    }

    /// A task that was validated elsewhere takes room here.
    fn hold_again(&mut self, key: TaskKey) {
        let Some(run) = self.runs.get_mut(&key.run) else {
            return;
        };
        let Some(task) = run.task_mut(key.index) else {
            return;
        };
        let Some(adapter) = task.adapter.clone().filter(|_| task.hold.is_none()) else {
            return;
        };
        let group: Option<std::sync::Arc<str>> = task
            .spec
            .conflict_group
            .as_deref()
            .map(std::sync::Arc::from);
        task.hold = Some(super::task::Hold {
            adapter: adapter.clone(),
            group: group.clone(),
        });
        run.active += 1;
        run.groups.extend(group);
        self.active += 1;
        *self.with_adapter.entry(adapter).or_default() += 1;
    }

    /// Hosts died over this task so often that it may be what kills them.
    pub(super) fn too_many_crashes(&mut self, key: TaskKey) {
        let Some(run) = self.runs.get(&key.run) else {
            return;
        };
        let Some(task) = run.task(key.index) else {
            return;
        };
        let reasons = vec![format!(
            "the host ended {} times while it worked on this task",
            task.state.crashes
        )];
        if escalates(run) {
            let message = reasons.join("; ");
            let (stream, event) =
                escalation(run, task, Trigger::TaskFailed, Severity::Critical, &message);
            self.batch.loose.push((stream, event));
        }
        let Some(task) = self.task(key) else { return };
        let then = Then::Failed {
            code: "host-crashes".to_owned(),
            reasons,
        };
        let expect = Expect::Seq(task.seq);
        let events: Vec<LedgerEvent> = then.event(&task.state).into_iter().collect();
        let end = then.end();
        self.batch(key, expect, events);
        if let Some(end) = end {
            let behind = self.behind(key, end);
            for part in behind {
                self.batch(part.key, part.expect, part.events);
            }
        }
    }
}
