//! What a file is, by its content; and what the files are that are no plans.
//!
//! Never: a decision by the name of a file.

use std::sync::Arc;

use jsonc_parser::ast::{Object, Value as Node};

use crate::diagnostic::{Diagnostic, Source};
use crate::plan::text::{Dialect, Text, as_text, get};

/// A file that can be a plan or a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Our own format: it has `format`.
    Plan,
    /// A task queue: a list, or an object with `tasks`, of objects with an action.
    Queue,
    /// Routing decisions: `decisions`.
    Routing,
    /// Adapter assignments: `assignments`.
    Assignments,
    /// A workstream: one `id` with `tasks` in words, `steps` or `phases`.
    Bundle,
    /// `workstream_spec.v1`: `workstream_id` with `tasks`.
    Spec,
    /// A phase plan: `execution_steps` with commands.
    Splinter,
    /// `dome.work.queue`.
    WorkQueue,
    /// A job: `job_id` and a command.
    Job,
    /// An execution request: `task_kind` with `routing` or `tool_id`.
    Request,
}

impl Kind {
    /// What it is, for people.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Plan => "remit plan",
            Self::Queue => "task queue",
            Self::Routing => "routing decisions",
            Self::Assignments => "adapter assignments",
            Self::Bundle => "workstream bundle",
            Self::Spec => "workstream_spec.v1",
            Self::Splinter => "workstream with execution steps",
            Self::WorkQueue => "dome.work.queue",
            Self::Job => "job file",
            Self::Request => "execution_request.v1",
        }
    }
}

/// What a file is, if it is no plan: what people call it, and what to do instead.
type NoPlan = (&'static str, &'static str);

/// Says what a parsed file is.
pub(super) fn of(text: &Text<'_>) -> Result<Kind, NoPlan> {
    match text.root() {
        Node::Array(list) => {
            // A queue may be empty; a list of anything else is none.
            let tasks = list.elements.iter().all(|node| node.as_object().is_some());
            if tasks {
                return Ok(Kind::Queue);
            }
            Err((
                "a list of something else than tasks",
                "write a list of objects",
            ))
        }
        Node::Object(object) => of_object(object),
        Node::StringLit(_) | Node::NumberLit(_) | Node::BooleanLit(_) | Node::NullKeyword(_) => {
            Err(("a single value", "write an object; see docs/plan.md"))
        }
    }
}

fn of_object(object: &Object<'_>) -> Result<Kind, NoPlan> {
    let has = |key: &str| get(object, key).is_some();
    let list = |key: &str| get(object, key).and_then(Node::as_array);
    let objects = |key: &str| {
        list(key).is_some_and(|list| list.elements.iter().all(|node| node.as_object().is_some()))
    };
    let artifact = get(object, "artifact_kind")
        .and_then(as_text)
        .unwrap_or_default();
    if artifact.starts_with("dome.work.queue") {
        return Ok(Kind::WorkQueue);
    }
    if let Some(no_plan) = no_plan(object, artifact) {
        return Err(no_plan);
    }
    Ok(if has("format") {
        Kind::Plan
    } else if has("decisions") {
        Kind::Routing
    } else if has("assignments") {
        Kind::Assignments
    } else if has("job_id") {
        Kind::Job
    } else if has("execution_steps") || has("pre_flight_checks") || has("completion_gate") {
        Kind::Splinter
    } else if has("workstream_id") && has("tasks") {
        Kind::Spec
    } else if has("task_kind") && (has("request_id") || has("tool_id") || has("routing")) {
        Kind::Request
    } else if has("steps")
        || has("phases")
        || has("openspec_change")
        || has("files_scope")
        || (has("id") && list("tasks").is_some() && !objects("tasks"))
    {
        Kind::Bundle
    } else if list("tasks").is_some() {
        Kind::Queue
    } else {
        return Err((
            "nothing that remit knows",
            "give a plan (docs/plan.md), a task queue with its routing decisions, a workstream, a job or an execution request",
        ));
    })
}

/// The files of the pipeline that look like plans to somebody in a hurry.
fn no_plan(object: &Object<'_>, artifact: &str) -> Option<NoPlan> {
    let has = |key: &str| get(object, key).is_some();
    let all = |keys: &[&str]| keys.iter().all(|key| has(key));
    let results = "it says how tasks ended; give the task queue with its routing decisions";
    let record = "it records what happened; give the file that says what is to be done";
    Some(if artifact.starts_with("dome.task.result") {
        ("the result of a task (dome.task.result)", results)
    } else if !artifact.is_empty() {
        ("an artifact of another kind than dome.work.queue", record)
    } else if all(&["event_id", "topic"]) || all(&["event_id", "payload"]) {
        ("an event (dome.event.envelope)", record)
    } else if has("results") || all(&["total", "succeeded", "failed"]) {
        ("results of an execution (execution_results.json)", results)
    } else if has("state_id") {
        let help = "it says how the pipeline stands; give the task queue of `.state`";
        ("the state of the pipeline (current.json)", help)
    } else if has("health_id") || all(&["checks", "metrics"]) {
        ("a report of health (health.json)", record)
    } else if has("script_path") {
        ("a record of an execution (cli_executions.jsonl)", record)
    } else if has("gate_id") {
        (
            "a test gate",
            "write it as a gate of a task; see docs/plan.md",
        )
    } else if has("patch_id") || has("ledger_id") {
        ("a patch or an entry of the patch ledger", record)
    } else if has("apps") && (has("routing") || has("rules") || has("defaults")) {
        (
            "the configuration of a router",
            "give what it decided: routing_decisions.json",
        )
    } else if has("$schema") && (has("properties") || has("$id")) && !has("format") {
        ("a JSON Schema", "give a file that it describes")
    } else if all(&["task_id", "status"]) && !has("action") {
        ("the result of a task", results)
    } else {
        return None;
    })
}

/// What a file is that is no JSON, if that can be told: the message, and what to do.
pub(super) fn not_json(source: &Arc<Source>) -> Option<(String, String)> {
    let text = source.text();
    let start = text.trim_start();
    if text.contains("entry_requirements:") || text.contains("exit_artifacts:") {
        let message = "this is the contract of a phase, not a plan".to_owned();
        let help = "check it with `remit contract check`".to_owned();
        return Some((message, help));
    }
    if !start.starts_with(['{', '[', '/', '"']) {
        let message = "this is not JSON: plans are JSON".to_owned();
        return Some((message, "give a JSON file; see docs/plan.md".to_owned()));
    }
    // JSON lines: the first line is a whole value, and more follow.
    let (first, rest) = start.split_once('\n')?;
    if rest.trim().is_empty() {
        return None;
    }
    let line = Source::new(source.name(), first);
    let parsed = Text::parse(&line, Dialect::Json).ok()?;
    let (what, help) = match of(&parsed) {
        Err(no_plan) => no_plan,
        Ok(_) => ("one value on each line", "give one file for each of them"),
    };
    Some((
        format!("this is JSON lines, not a plan: {what}"),
        help.to_owned(),
    ))
}

/// The refusal of a file that is no plan.
pub(super) fn refuse(text: &Text<'_>, (what, help): NoPlan) -> Diagnostic {
    let start = crate::plan::text::span(text.root()).start;
    let message = format!("this is {what}, not a plan");
    let end = (start + 1).min(text.source().text().len());
    Diagnostic::new(text.source(), Some(start..end), "not-a-plan", message, help).with_pointer("")
}
