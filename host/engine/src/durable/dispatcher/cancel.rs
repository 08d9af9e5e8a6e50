//! Asking attempts to end: on request, because they take too long, because the host shuts down or
//! may have lost them.
//!
//! Never: a weaker reason after a stronger one; a task cancelled because its host ends.

use remit_core::durable::{LedgerEvent, Phase, RunId, Stream};
use remit_core::outcome::CancelReason;

use super::input::{Action, TaskKey};
use super::task::Task;
use super::{Alarm, Dispatcher};

impl Dispatcher {
    /// Tells a running attempt to end, if it was not told as strongly before.
    pub(super) fn tell(&mut self, key: TaskKey, reason: CancelReason) {
        let Some(task) = self.task_mut(key) else {
            return;
        };
        if task.running && task.told < Some(reason) {
            task.told = Some(reason);
            self.actions.push(Action::Cancel(key, reason));
        }
    }

    /// Writes that the end of runs is wanted; what follows begins when it is in the ledger.
    pub(super) fn cancel_asked(&mut self, run: Option<RunId>, reason: CancelReason, by: &str) {
        let wanted = self.runs.values().filter(|has| {
            run.as_ref().is_none_or(|run| *run == has.id) && has.state.cancel < Some(reason)
        });
        let streams: Vec<Stream> = wanted.map(|run| Stream::Run(run.id.clone())).collect();
        for stream in streams {
            let by = by.to_owned();
            self.say(stream, LedgerEvent::RunCancelRequested { reason, by });
        }
    }

    /// Someone wants the end of a run: each of its tasks gets it.
    pub(super) fn run_cancelled(&mut self, number: u32, now_ms: u64) {
        let Some(run) = self.runs.get(&number) else {
            return;
        };
        for index in run.open_indices() {
            self.step(TaskKey { run: number, index }, now_ms);
        }
    }

    /// An attempt that takes longer than it may and did not end by itself.
    pub(super) fn check_deadline(&mut self, key: TaskKey, now_ms: u64) {
        let Some(task) = self.task_mut(key) else {
            return;
        };
        if task.running && task.deadline_ms.is_some_and(|at| at <= now_ms) {
            task.deadline_ms = None;
            task.late = true;
            self.tell(key, CancelReason::Requested);
        }
    }

    /// An attempt asks a person, or does not ask any more. Its time stands still while it asks.
    pub(super) fn question_changed(&mut self, key: TaskKey, at_ms: u64) {
        let Some(task) = self.task_mut(key) else {
            return;
        };
        let asks = task.state.asked.is_some();
        match (asks, task.deadline_ms, task.time_left_ms) {
            (true, Some(deadline), None) => {
                task.time_left_ms = Some(deadline.saturating_sub(at_ms));
                task.deadline_ms = None;
                self.alarms.remove(&(deadline, Alarm::Task(key)));
            }
            (false, None, Some(left)) => {
                let deadline = at_ms.saturating_add(left);
                task.time_left_ms = None;
                task.deadline_ms = Some(deadline);
                self.alarm(deadline, Alarm::Task(key));
            }
            (true | false, Some(_) | None, Some(_) | None) => {}
        }
    }

    /// The attempts that run in this process.
    fn running(&self) -> Vec<TaskKey> {
        let mut keys = Vec::new();
        for (number, run) in &self.runs {
            for index in run.open_indices() {
                let runs = |task: &Task| task.running;
                if run.task(index).is_some_and(runs) {
                    keys.push(TaskKey {
                        run: *number,
                        index,
                    });
                }
            }
        }
        keys
    }

    /// The time for attempts to end by themselves is over.
    pub(super) fn drain(&mut self, _now_ms: u64) {
        self.shutdown = true;
        self.drained = true;
        for key in self.running() {
            self.tell(key, CancelReason::Shutdown);
        }
    }

    /// Another host may start what runs here: it has to be over before.
    pub(super) fn lease_is_lost(&mut self, _now_ms: u64) {
        self.lease_lost = true;
        for key in self.running() {
            self.tell(key, CancelReason::Lost);
        }
    }

    /// The ledger knows again that the host lives: what was not taken meanwhile goes on.
    pub(super) fn lease_is_kept(&mut self, now_ms: u64) {
        if !std::mem::take(&mut self.lease_lost) {
            return;
        }
        let mut keys = Vec::new();
        for (number, run) in &mut self.runs {
            let number = *number;
            for index in run.open_indices() {
                let Some(task) = run.task_mut(index) else {
                    continue;
                };
                if task.state.epoch == self.epoch && !task.running && task.ended.is_none() {
                    task.told = None;
                    task.gate_ended = None;
                    keys.push(TaskKey { run: number, index });
                }
            }
        }
        for key in keys {
            self.step(key, now_ms);
        }
    }

    /// Whether nothing is under way, so that the host can end.
    pub(super) fn is_still(&self) -> bool {
        let holds = |task: &Task| {
            task.running
                || (task.state.phase == Phase::InProgress && task.state.epoch == self.epoch)
        };
        let busy = self.runs.values().any(|run| {
            let open = run.open_indices();
            open.iter().any(|index| run.task(*index).is_some_and(holds))
        });
        self.sent.is_empty() && !busy
    }
}
