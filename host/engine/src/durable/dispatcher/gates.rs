//! Acceptance gates: one after the other, each with its verdict in the ledger, then what they say
//! together.
//!
//! Never: a gate that has a verdict made again; a verdict that is not of `remit_core::gate`.

use remit_core::durable::{GateWord, LedgerEvent, Severity, TaskState, Trigger};
use remit_core::gate::{self, ExitMeaning, Verdict};
use remit_core::plan::GateSpec;
use remit_core::retry::FailureClass;

use super::Dispatcher;
use super::end::{Then, after_failure, escalates, escalation};
use super::input::{Action, EndedGate, Start, TaskKey};
use super::send::Batch;
use super::task::{Run, Task};
use crate::durable::ledger::Expect;

impl Dispatcher {
    pub(super) fn gate_ended(
        &mut self,
        key: TaskKey,
        fence: u64,
        ended: Box<EndedGate>,
        now_ms: u64,
    ) {
        let Some(task) = self.task_mut(key) else {
            return;
        };
        task.running = false;
        if task.state.fence == fence {
            task.gate_ended = Some(ended);
        } else {
            self.release(key);
        }
        self.step(key, now_ms);
    }

    /// A task whose work is done and is being judged.
    pub(super) fn step_gates(&mut self, key: TaskKey, now_ms: u64) {
        let Some(run) = self.runs.get(&key.run) else {
            return;
        };
        let Some(task) = run.task(key.index) else {
            return;
        };
        if let Some(reason) = run.cancel_of(task) {
            self.gates_over(key, Then::Canceled(reason), Vec::new(), now_ms);
            return;
        }
        let specs: Vec<&GateSpec> = run.gates(&task.spec).collect();
        if let Some(ended) = &task.gate_ended {
            let cut_short = task.told.is_some();
            match specs.get(ended.gate as usize) {
                // What was cut short says nothing of the work; whoever goes on makes it again.
                Some(_) if cut_short => {}
                Some(spec) => {
                    let spec = (*spec).clone();
                    self.gate_judged(key, &spec, now_ms);
                }
                None => {}
            }
            return;
        }
        let missing = (0..task.state.gates).find(|n| !task.state.verdicts.contains_key(n));
        let Some(number) = missing else {
            self.all_judged(key, now_ms);
            return;
        };
        if self.shutdown || self.lease_lost {
            return;
        }
        let Some(spec) = specs.get(number as usize).map(|spec| (*spec).clone()) else {
            // The plan cannot change; a gate that is not in it cannot be made.
            return;
        };
        self.start_gate(key, number, spec);
    }

    fn start_gate(&mut self, key: TaskKey, number: u32, spec: GateSpec) {
        let Some(run) = self.runs.get_mut(&key.run) else {
            return;
        };
        let (id, settings) = (run.id.clone(), std::sync::Arc::clone(&run.settings));
        let Some(task) = run.task_mut(key.index) else {
            return;
        };
        task.running = true;
        let start = Start {
            key,
            run: id,
            settings,
            task: std::sync::Arc::clone(&task.spec),
            candidate: task.state.candidate,
            attempt: task.state.attempt,
            fence: task.state.fence,
            time: spec.criteria.timeout.map(|span| span.get()),
            checkpoint: None,
            effects_before: 0,
            effects: std::collections::BTreeMap::new(),
            gate: Some((number, spec)),
        };
        self.actions.push(Action::Start(Box::new(start)));
    }

    /// A gate has its verdict; with the last one goes what follows.
    fn gate_judged(&mut self, key: TaskKey, spec: &GateSpec, now_ms: u64) {
        let Some(run) = self.runs.get_mut(&key.run) else {
            return;
        };
        let Some(task) = run.task_mut(key.index) else {
            return;
        };
        let Some(ended) = task.gate_ended.clone() else {
            return;
        };
        let tool = spec.tool.split(':').next().unwrap_or(&spec.tool);
        let meaning = ExitMeaning::of_program(tool);
        let verdict = gate::verdict(spec.kind, &spec.criteria, &ended.observed, &meaning);
        let reasons = match &verdict {
            Verdict::Passed => Vec::new(),
            Verdict::Failed { .. }
            | Verdict::Error { .. }
            | Verdict::NothingCollected
            | Verdict::Skipped { .. } => vec![verdict.to_string()],
        };
        let fence = task.state.fence;
        let event = LedgerEvent::GateFinished {
            fence,
            gate: ended.gate,
            name: spec.title(),
            kind: spec.kind.to_string(),
            verdict: verdict.word(),
            required: spec.required,
            reasons,
            wall_ms: ended.wall_ms,
        };
        let stands =
            spec.required && !matches!(verdict.word(), GateWord::Passed | GateWord::Skipped);
        if stands {
            task.gate_reasons
                .push(format!("gate `{}`: {verdict}", spec.title()));
        }
        let mut ahead = task.state.clone();
        let mut events = ended.activity;
        let legal = ahead.apply(&event).is_ok();
        events.push(event);
        if legal && ahead.verdicts.len() as u64 == u64::from(ahead.gates) {
            if let Some(then) = self.judgement(key, &ahead, now_ms) {
                self.gates_over(key, then, events, now_ms);
            }
        } else {
            let mut batch = Batch::default();
            batch.parts.push(super::send::Part {
                key,
                expect: Expect::Fence(fence),
                events,
            });
            self.send(batch, Vec::new(), None, now_ms);
        }
    }

    /// Every gate has its verdict, and the host that got the last one is gone.
    fn all_judged(&mut self, key: TaskKey, now_ms: u64) {
        let Some(state) = self.task(key).map(|task| task.state.clone()) else {
            return;
        };
        if let Some(then) = self.judgement(key, &state, now_ms) {
            self.gates_over(key, then, Vec::new(), now_ms);
        }
    }

    fn judgement(&self, key: TaskKey, state: &TaskState, now_ms: u64) -> Option<Then> {
        let run = self.runs.get(&key.run)?;
        let task = run.task(key.index)?;
        Some(judgement(run, task, state, now_ms))
    }

    /// Writes what the gates come to.
    fn gates_over(&mut self, key: TaskKey, then: Then, mut events: Vec<LedgerEvent>, now_ms: u64) {
        let Some(run) = self.runs.get(&key.run) else {
            return;
        };
        let Some(task) = run.task(key.index) else {
            return;
        };
        let mut once = Vec::new();
        if let Then::Failed { reasons, .. } = &then {
            let message = reasons.join("; ");
            let trigger = Trigger::AcceptanceFailedRepeatedly;
            once.push(escalation(run, task, trigger, Severity::High, &message));
            if escalates(run) {
                let trigger = Trigger::TaskFailed;
                once.push(escalation(run, task, trigger, Severity::High, &message));
            }
        }
        events.extend(then.event(&task.state));
        let expect = Expect::Fence(task.state.fence);
        let end = then.end();
        self.send_end(key, expect, events, end, Batch::default(), once, now_ms);
    }
}

fn judgement(run: &Run, task: &Task, state: &TaskState, now_ms: u64) -> Then {
    if state.gates_hold(run.settings.require_evidence) {
        return Then::Completed;
    }
    let mut reasons = task.gate_reasons.clone();
    if reasons.is_empty() {
        // Another host saw the reasons; they stand in its events.
        let words = state.verdicts.iter();
        let stands = words.filter(|(_, (word, required))| *required && *word != GateWord::Passed);
        let specs: Vec<&GateSpec> = run.gates(&task.spec).collect();
        reasons.extend(stands.map(|(number, (word, _))| {
            let name = specs.get(*number as usize).map(|spec| spec.title());
            format!("gate `{}`: {word:?}", name.unwrap_or_default())
        }));
    }
    if reasons.is_empty() {
        reasons.push("evidence is required, and no gate passed".to_owned());
    }
    let message = reasons.join("; ");
    let class = FailureClass::Rejected;
    let again = after_failure(run, task, state, class, &message, now_ms);
    again.unwrap_or(Then::Failed {
        code: "acceptance-failed".to_owned(),
        reasons,
    })
}
