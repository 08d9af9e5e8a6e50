//! The history of runs as spans: run → task → attempt → effect → tool, each when it has ended.
//!
//! [`Spans`] is a fold like the states: what a restarted host reads again gives the same spans with
//! the same numbers, so a collector sees one trace whatever happened to the host. Never: a span of
//! something that has not ended; output of a tool.

use std::collections::HashMap;

use super::entry::Entry;
use super::event::LedgerEvent;
use super::name::{RunId, TaskId};
use super::words::{End, GateWord};
use crate::event::Event;
use crate::span::{Span, SpanLink, SpanPath};

/// Most tasks that are kept open at the same time; of further ones only attempts are told. More
/// than any host works on, and bounded whatever a plan is.
const MAX_OPEN: usize = 100_000;

/// What has begun and not ended.
#[derive(Debug, Default)]
pub struct Spans {
    runs: HashMap<RunId, u64>,
    tasks: HashMap<(RunId, TaskId), OpenTask>,
}

#[derive(Debug, Default)]
struct OpenTask {
    queued_ms: u64,
    attempt: Option<OpenAttempt>,
}

#[derive(Debug)]
struct OpenAttempt {
    number: u32,
    began_ms: u64,
    adapter: String,
    effects: HashMap<u32, (u64, String)>,
    tools: HashMap<u32, (u64, String)>,
    /// The effect that started last: a tool run that begins belongs to it.
    newest_effect: Option<u32>,
    of_effect: HashMap<u32, u32>,
    /// Whether the work has ended: tools are those of gates from here on.
    judged: bool,
    /// Tools of the gate that is being checked. Gates are checked one after the other.
    of_gate: Vec<EndedTool>,
}

/// A tool that ended before it is known which gate it belongs to.
#[derive(Debug)]
struct EndedTool {
    call: u32,
    name: String,
    began_ms: u64,
    ended_ms: u64,
    success: bool,
}

impl EndedTool {
    fn span(&self, place: &SpanPath) -> Span {
        let span = Span::new(
            place.tool(self.call),
            &self.name,
            self.began_ms,
            self.ended_ms,
        )
        .with("remit.tool", self.name.as_str());
        judged(span, self.success)
    }
}

impl OpenAttempt {
    fn new(number: u32, began_ms: u64, adapter: String) -> Self {
        Self {
            number,
            began_ms,
            adapter,
            effects: HashMap::new(),
            tools: HashMap::new(),
            newest_effect: None,
            of_effect: HashMap::new(),
            judged: false,
            of_gate: Vec::new(),
        }
    }
}

impl Spans {
    /// Nothing has begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one more entry; gives the spans that ended with it, the innermost first.
    pub fn apply(&mut self, entry: &Entry) -> Vec<Span> {
        let Some(run) = &entry.run else {
            return Vec::new();
        };
        match &entry.task {
            Some(task) => self.of_task(run, task, entry),
            None => self.of_run(run, entry).into_iter().collect(),
        }
    }

    fn of_run(&mut self, run: &RunId, entry: &Entry) -> Option<Span> {
        if let LedgerEvent::RunSubmitted { .. } = entry.event {
            self.runs.insert(run.clone(), entry.at_ms);
            return None;
        }
        let LedgerEvent::ExecutionFinished {
            completed,
            not_completed,
            wall_ms,
        } = &entry.event
        else {
            return None;
        };
        let began = entry.at_ms.saturating_sub(*wall_ms);
        let began = self.runs.remove(run).unwrap_or(began);
        self.tasks.retain(|(of, _), _| of != run);
        let span = Span::new(SpanPath::run(run.as_str()), "run", began, entry.at_ms)
            .with("remit.run", run.as_str())
            .with("remit.completed", int(*completed))
            .with("remit.not-completed", int(*not_completed));
        Some(if *not_completed == 0 {
            span.succeeded()
        } else {
            span.failed(&format!("{not_completed} tasks did not complete"))
        })
    }

    fn of_task(&mut self, run: &RunId, task: &TaskId, entry: &Entry) -> Vec<Span> {
        let key = (run.clone(), task.clone());
        if let LedgerEvent::TaskQueued { .. } = entry.event {
            if self.tasks.len() < MAX_OPEN {
                let open = OpenTask {
                    queued_ms: entry.at_ms,
                    attempt: None,
                };
                self.tasks.insert(key, open);
            }
            return Vec::new();
        }
        let path = SpanPath::run(run.as_str()).task(task.as_str());
        let open = self.tasks.entry(key.clone()).or_insert_with(|| OpenTask {
            queued_ms: entry.at_ms,
            attempt: None,
        });
        let mut spans = open.step(&path, entry);
        if let Some((end, why)) = end(&entry.event) {
            spans.extend(open.end_attempt(&path, entry.at_ms, end_words(end, &why)));
            let span = Span::new(path, task.as_str(), open.queued_ms, entry.at_ms)
                .with("remit.run", run.as_str())
                .with("remit.task", task.as_str());
            spans.push(match end_words(end, &why) {
                None => span.succeeded(),
                Some(why) => span.failed(&why),
            });
            self.tasks.remove(&key);
        }
        spans
    }
}

impl OpenTask {
    /// What happens inside a task that goes on.
    fn step(&mut self, path: &SpanPath, entry: &Entry) -> Vec<Span> {
        let at_ms = entry.at_ms;
        if let LedgerEvent::TaskStarted {
            attempt, adapter, ..
        } = &entry.event
        {
            self.attempt = Some(OpenAttempt::new(*attempt, at_ms, adapter.to_string()));
        } else if let LedgerEvent::AttemptLost { reason, .. } = &entry.event {
            return self.end_attempt(path, at_ms, Some(reason.clone()));
        } else if let LedgerEvent::TaskRetry { reason, .. } = &entry.event {
            return self.end_attempt(path, at_ms, Some(reason.clone()));
        } else if let LedgerEvent::GateFinished {
            gate,
            name,
            verdict,
            reasons,
            wall_ms,
            ..
        } = &entry.event
            && let Some(attempt) = &mut self.attempt
        {
            // Gates have numbers of their own; theirs must not be those of effects.
            let place = path.attempt(attempt.number).effect(u32::MAX - gate);
            let span = Span::new(
                place,
                &format!("gate {name}"),
                at_ms.saturating_sub(*wall_ms),
                at_ms,
            );
            let tools = std::mem::take(&mut attempt.of_gate);
            let mut spans: Vec<Span> = tools.iter().map(|tool| tool.span(&place)).collect();
            spans.push(match verdict {
                GateWord::Passed => span.succeeded(),
                GateWord::Skipped => span,
                GateWord::Failed | GateWord::Error | GateWord::NothingCollected => {
                    span.failed(&reasons.join("; "))
                }
            });
            return spans;
        } else if let Some(attempt) = &mut self.attempt {
            return attempt.step(path, entry).into_iter().collect();
        }
        Vec::new()
    }

    fn end_attempt(&mut self, path: &SpanPath, at_ms: u64, why: Option<String>) -> Vec<Span> {
        let Some(attempt) = self.attempt.take() else {
            return Vec::new();
        };
        let span = Span::new(
            path.attempt(attempt.number),
            &format!("attempt {}", attempt.number),
            attempt.began_ms,
            at_ms,
        )
        .with("remit.attempt", attempt.number)
        .with("remit.adapter", attempt.adapter.as_str());
        let before = attempt.number.checked_sub(1).filter(|number| *number > 0);
        let span = match before.map(|number| path.attempt(number)) {
            Some(before) => span.linked(SpanLink {
                trace: before.trace(),
                id: before.id(),
            }),
            None => span,
        };
        vec![match why {
            None => span.succeeded(),
            Some(why) => span.failed(&why),
        }]
    }
}

impl OpenAttempt {
    fn step(&mut self, path: &SpanPath, entry: &Entry) -> Option<Span> {
        let at_ms = entry.at_ms;
        let here = path.attempt(self.number);
        if let LedgerEvent::EffectStarted {
            effect,
            tool,
            template,
            ..
        } = &entry.event
        {
            let name = format!("{tool}:{template}");
            self.effects.insert(*effect, (at_ms, name));
            self.newest_effect = Some(*effect);
            return None;
        }
        if let LedgerEvent::EffectFinished {
            effect, success, ..
        } = &entry.event
        {
            let (began, name) = self.effects.remove(effect)?;
            let span = Span::new(here.effect(*effect), &name, began, at_ms);
            return Some(judged(span, *success));
        }
        if let LedgerEvent::AttemptEnded { .. } | LedgerEvent::ValidationResumed { .. } =
            &entry.event
        {
            self.judged = true;
            self.tools.clear();
            self.of_gate.clear();
            return None;
        }
        let LedgerEvent::Activity { activity, .. } = &entry.event else {
            return None;
        };
        if let Event::ToolStarted { call, tool, .. } = activity.as_ref() {
            self.tools.insert(*call, (at_ms, tool.clone()));
            if let Some(effect) = self.newest_effect.filter(|_| !self.judged) {
                self.of_effect.insert(*call, effect);
            }
            None
        } else if let Event::ToolFinished { call, success, .. } = activity.as_ref() {
            let (began_ms, name) = self.tools.remove(call)?;
            let ended = EndedTool {
                call: *call,
                name,
                began_ms,
                ended_ms: at_ms,
                success: *success,
            };
            if self.judged {
                self.of_gate.push(ended);
                return None;
            }
            let place = match self.of_effect.remove(call) {
                Some(effect) => here.effect(effect),
                None => here,
            };
            Some(ended.span(&place))
        } else {
            None
        }
    }
}

fn judged(span: Span, success: bool) -> Span {
    if success {
        span.succeeded()
    } else {
        span.failed("the tool did not succeed")
    }
}

/// How a task ended with this event, and why.
fn end(event: &LedgerEvent) -> Option<(End, String)> {
    if let LedgerEvent::TaskFailed { code, reasons } = event {
        return Some((End::Failed, format!("{code}: {}", reasons.join("; "))));
    }
    let end = if let LedgerEvent::TaskCompleted = event {
        End::Completed
    } else if let LedgerEvent::TaskTimeout { .. } = event {
        End::Timeout
    } else if let LedgerEvent::TaskCanceled { .. } = event {
        End::Canceled
    } else if let LedgerEvent::TaskSkipped { .. } = event {
        End::Skipped
    } else if let LedgerEvent::TaskBlocked { .. } = event {
        End::Blocked
    } else {
        return None;
    };
    Some((end, String::new()))
}

/// Why an end is none that is good; nothing if it is.
fn end_words(end: End, why: &str) -> Option<String> {
    match end {
        End::Completed | End::Skipped => None,
        End::Failed => Some(why.to_owned()),
        End::Timeout => Some("it took longer than it may".to_owned()),
        End::Canceled => Some("it was cancelled".to_owned()),
        End::Blocked => Some("something that it needs did not complete".to_owned()),
    }
}

/// A number as an attribute.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
