//! What a task's end means for others, and the end of runs.
//!
//! Never: `EXECUTION_FINISHED` while anything of the run is open or under way.

use remit_core::durable::{End, LedgerEvent, Phase, Stream};

use super::Dispatcher;
use super::input::ReadTask;
use super::input::{Action, TaskKey};
use super::send::{Batch, Part};
use super::task::{Busy, Run, adapter_of};
use crate::durable::ledger::{Expect, RunView};

/// Most events of one commit that are about others than the task which ended. What is left follows
/// in the next commits, also after a crash.
const MAX_BEHIND: usize = 9_000;

/// Of a task that is not begun because another failed.
pub(super) fn skipped() -> LedgerEvent {
    LedgerEvent::TaskSkipped {
        reason: "another task failed, and the plan says `on-failure: fail-fast`".to_owned(),
    }
}

impl Dispatcher {
    /// A run is to be carried out.
    pub(super) fn add_run(&mut self, view: RunView, tasks: Vec<ReadTask>, now_ms: u64) {
        if self.numbers.contains_key(&view.run) {
            return;
        }
        let resumed = view.started_ms.is_some();
        let id = view.run.clone();
        let run = match Run::new(view, tasks) {
            Ok(run) => run,
            Err(cycle) => {
                let message = format!("run {id}: tasks need each other in a circle: {cycle}");
                let error = crate::durable::ledger::LedgerError::Damaged(message);
                self.actions.push(Action::Fail(error));
                return;
            }
        };
        let number = self.next_run;
        self.next_run += 1;
        self.numbers.insert(id.clone(), number);
        let epoch = self.epoch;
        self.say(Stream::Run(id), LedgerEvent::RunStarted { epoch, resumed });
        let open = run.open_indices();
        self.runs.insert(number, run);
        for index in open {
            self.step(TaskKey { run: number, index }, now_ms);
        }
    }

    /// What a task's end means for those that need it, for the same commit.
    pub(super) fn behind(&self, key: TaskKey, end: End) -> Vec<Part> {
        let Some(run) = self.runs.get(&key.run) else {
            return Vec::new();
        };
        let part = |index: u32, event: LedgerEvent| Part {
            key: TaskKey {
                run: key.run,
                index,
            },
            expect: Expect::Exists,
            events: vec![event],
        };
        if end == End::Completed {
            let waits_for_it_alone = |index: &u32| {
                run.task(*index).is_some_and(|task| {
                    task.needs_left == 1
                        && task.state.phase == Phase::Pending
                        && task.busy == Busy::No
                })
            };
            let next = run.graph.needed_by(key.index as usize).iter();
            return next
                .filter_map(|place| u32::try_from(*place).ok())
                .filter(waits_for_it_alone)
                .take(MAX_BEHIND)
                .map(|index| part(index, LedgerEvent::TaskReady))
                .collect();
        }
        let blocked = run.pending_behind(key.index);
        let pairs = blocked.into_iter().take(MAX_BEHIND);
        pairs
            .filter_map(|(index, by)| {
                let by = run.name(by)?.clone();
                Some(part(index, LedgerEvent::TaskBlocked { by }))
            })
            .collect()
    }

    /// A task's end is in the ledger. `touched` gets those about which there is something to decide.
    pub(super) fn ended(
        &mut self,
        key: TaskKey,
        end: End,
        now_ms: u64,
        touched: &mut Vec<TaskKey>,
    ) {
        self.release(key);
        let Some(run) = self.runs.get_mut(&key.run) else {
            return;
        };
        let Some(task) = run.task(key.index) else {
            return;
        };
        if task.running {
            // Someone else ended it: nothing that still runs here counts.
            self.tell(key, remit_core::outcome::CancelReason::Lost);
        }
        let Some(run) = self.runs.get_mut(&key.run) else {
            return;
        };
        let adapters: Vec<_> = match run.task(key.index) {
            Some(task) => task.candidates().iter().map(adapter_of).collect(),
            None => return,
        };
        for adapter in adapters {
            if let Some(count) = run.wanted.get_mut(&adapter) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    run.wanted.remove(&adapter);
                }
            }
        }
        run.open = run.open.saturating_sub(1);
        let was_stopped = run.stopped;
        run.count_end(end);
        let stops = run.stopped && !was_stopped;
        let name = run.name(key.index).cloned();
        let next: Vec<u32> = run
            .graph
            .needed_by(key.index as usize)
            .iter()
            .filter_map(|place| u32::try_from(*place).ok())
            .collect();
        for index in &next {
            if let Some(task) = run.task_mut(*index) {
                if end == End::Completed {
                    task.needs_left = task.needs_left.saturating_sub(1);
                } else if task.doomed_by.is_none() {
                    task.doomed_by.clone_from(&name);
                }
            }
        }
        let others = if stops { run.open_indices() } else { next };
        self.close(key, end);
        let _ = now_ms;
        touched.extend(others.into_iter().map(|index| TaskKey {
            run: key.run,
            index,
        }));
    }

    /// Nothing else waits: claims, then everything that was decided goes out.
    pub(super) fn settle(&mut self, now_ms: u64) {
        if now_ms < self.trouble.until_ms {
            // The ledger gets a pause; what waits goes out after it.
            return;
        }
        self.claim(now_ms);
        self.flush(now_ms);
        let done: Vec<u32> = self
            .runs
            .iter()
            .filter(|(_, run)| run.open == 0 && run.commits == 0 && !run.finishing)
            .map(|(number, _)| *number)
            .collect();
        for number in done {
            self.finish(number, now_ms);
        }
        if self.shutdown && self.is_still() {
            self.actions.push(Action::Stop);
        }
    }

    /// Writes a run's last event.
    fn finish(&mut self, number: u32, now_ms: u64) {
        let Some(run) = self.runs.get_mut(&number) else {
            return;
        };
        run.finishing = true;
        let total = run.tasks.len() as u64;
        let event = LedgerEvent::ExecutionFinished {
            completed: run.completed,
            not_completed: total.saturating_sub(run.completed),
            wall_ms: now_ms.saturating_sub(run.submitted_ms),
        };
        let stream = Stream::Run(run.id.clone());
        self.send(
            Batch::default(),
            vec![(stream, event)],
            Some(number),
            now_ms,
        );
    }

    /// A run's last event is in the ledger.
    pub(super) fn finished(&mut self, number: u32) {
        if let Some(run) = self.runs.remove(&number) {
            self.numbers.remove(&run.id);
            self.actions.push(Action::Finished(run.id));
        }
    }
}
