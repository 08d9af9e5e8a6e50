//! Job files, and execution requests in both of their shapes: one task each.
//!
//! Never: a program that is started because a file names it; a value of an environment variable.

use std::ops::Range;

use jsonc_parser::ast::Object;
use serde_json::{Map, Value};

use super::Known;
use super::command::{Fit, fit, understand};
use super::draft::{Draft, Place, blank};
use super::facts::{attempts, priority, seconds};
use super::notes::{Notes, Take};
use super::queue::{name_of, read_run};
use super::worker::{Offer, command, plugin_work};
use crate::excerpt::excerpt;
use crate::plan::text::{get, span};
use crate::plan::{Candidate, Work};
use crate::retry::{MAX_ATTEMPTS, RetryPolicy};

/// Retries of a job whose file says none, as its format has it.
const DEFAULT_RETRIES: u64 = 3;
/// Policies that hand a job over to another tool after failures.
const ESCALATE: &str = "escalate_to_";

/// Reads a job.
pub(super) fn read_job(draft: &mut Draft, file: usize, notes: &Notes<'_, '_>, known: &Known) {
    let Some(object) = notes.text().root().as_object() else {
        return;
    };
    let Some((name, bytes)) = name_of(notes, object, "job_id") else {
        return;
    };
    let take = notes.take(object);
    take.text(&["job_id"]);
    read_run(draft, file, &take);
    let tool = take.text(&["tool"]);
    let directory = paths(notes, &take);
    let rules = rules(notes, &take);
    let command = take.object("command");
    let work = job_work(notes, known, tool, command.as_ref(), &rules, directory);
    let Some(work) = work else {
        return;
    };
    let mut spec = blank(work);
    spec.retry = rules.retry;
    spec.timeout = rules.timeout;
    spec.metadata = take.rest(&["doc_id", "workstream_id"]);
    spec.metadata
        .insert("job".to_owned(), Value::Object(rules.kept));
    let scope = draft.scope(&name);
    let place = Place { file, bytes };
    let task = draft.add(scope, &name, place, spec);
    for (need, bytes) in take.texts(&["depends_on"]) {
        draft.need_outside(task, &need, Place { file, bytes });
    }
    draft.group(None, &name, vec![task]);
}

/// What a job's metadata says.
#[derive(Default)]
struct Rules {
    retry: Option<RetryPolicy>,
    timeout: Option<crate::quantity::TimeSpan>,
    escalate: Option<(String, Range<usize>)>,
    files: Vec<String>,
    kept: Map<String, Value>,
}

fn rules(notes: &Notes<'_, '_>, take: &Take<'_, '_, '_>) -> Rules {
    let Some(metadata) = take.object("metadata") else {
        return Rules::default();
    };
    let retries = metadata.number(&["max_retries"], 0, u64::from(MAX_ATTEMPTS - 1));
    let again = Some(attempts(retries.unwrap_or(DEFAULT_RETRIES) + 1));
    let mut rules = Rules {
        timeout: seconds(&metadata, &["timeout_seconds"]),
        files: metadata
            .texts(&["files_scope"])
            .into_iter()
            .map(|(file, _)| file)
            .collect(),
        ..Rules::default()
    };
    match metadata.text(&["retry_policy"]) {
        None => {}
        Some((word, place)) => match (word.as_str(), word.strip_prefix(ESCALATE)) {
            ("none", _) => rules.retry = Some(attempts(1)),
            ("retry_same", _) => rules.retry = again,
            (_, Some(other)) if !other.is_empty() => {
                rules.retry = again;
                let what = format!("`{}` does it if the first cannot", excerpt(other));
                let why = "the job is to be escalated; remit falls back when a plugin crashes or is missing";
                notes.adapt(place.clone(), what, why);
                rules.escalate = Some((other.to_owned(), place));
            }
            _ => {
                let message = format!("`{}` is no retry policy", excerpt(&word));
                let help = "write none, retry_same, escalate_to_codex or escalate_to_claude";
                notes.wrong(place, "wrong-value", message, help);
            }
        },
    }
    rules.kept = metadata.rest(&[]);
    rules
}

/// The directory to work in, if it lies in the workspace.
fn paths(notes: &Notes<'_, '_>, take: &Take<'_, '_, '_>) -> Option<String> {
    let paths = take.object("paths")?;
    let directory = paths.text(&["working_dir"]);
    let place = paths.place();
    drop(paths.rest(&["repo_root", "log_file", "error_report"]));
    let what = "paths of another machine are left out";
    let why = "the workspace is named when the plan is run; logs are kept in the ledger";
    notes.adapt(place, what, why);
    let (directory, _) = directory?;
    let inside = crate::path::RelPath::parse(&directory).is_ok();
    (inside && directory != ".").then_some(directory)
}

fn job_work(
    notes: &Notes<'_, '_>,
    known: &Known,
    tool: Option<(String, Range<usize>)>,
    command: Option<&Take<'_, '_, '_>>,
    rules: &Rules,
    directory: Option<String>,
) -> Option<Work> {
    let exe = command.and_then(|command| command.text(&["exe"]));
    let arguments = command
        .map(|command| command.texts(&["args"]))
        .unwrap_or_default();
    let Some((tool, place)) = tool.clone().or_else(|| exe.clone()) else {
        notes.wrong(
            notes.start(),
            "no-tool",
            "the job names no tool",
            "add `\"tool\": \"…\"`",
        );
        return None;
    };
    let mut tools = vec![(tool.clone(), place)];
    tools.extend(rules.escalate.clone());
    let declared = exe.iter().map(|(exe, _)| exe).chain([&tool]);
    let mut declared = declared.filter(|name| is_declared(known, name));
    let words: Vec<String> = arguments.iter().map(|(word, _)| word.clone()).collect();
    let offer = Offer {
        params: Some(params(rules)),
        ..Offer::default()
    };
    let Some(program) = declared.next().filter(|_| !known.means_plugin(&tool)) else {
        if let Some(command) = command {
            let what = "the command is not run";
            let why = "a plugin makes its own; no tool is declared here for this one";
            notes.adapt(command.place(), what, why);
        }
        return plugin_work(notes, known, &tools, &offer);
    };
    match fit(known, program, &words) {
        Ok(fit) => {
            let mut candidates = vec![declared_tool(&fit, directory)];
            if let Some(other) = &rules.escalate {
                let other = plugin_work(notes, known, std::slice::from_ref(other), &offer)?;
                if let Work::Plugin {
                    candidates: others, ..
                } = other
                {
                    candidates.extend(others);
                }
            }
            let inputs = Map::new();
            Some(Work::Plugin { candidates, inputs })
        }
        Err(why) => {
            let place = command.map_or_else(|| notes.start(), Take::place);
            let list = Value::from(words);
            let message = format!("the command is not run: {why}");
            let help =
                format!("declare it in your policy: [tools.{program}.templates] NAME = {list}");
            notes.wrong(place, "no-template", message, excerpt(&help));
            None
        }
    }
}

fn is_declared(known: &Known, name: &str) -> bool {
    name.parse()
        .is_ok_and(|tool| known.tools.contains_key(&tool))
}

fn declared_tool(fit: &Fit, directory: Option<String>) -> Candidate {
    let mut candidate = command(&fit.tool, &fit.template, fit.slots.clone());
    if let (Some(inputs), Some(directory)) = (&mut candidate.inputs, directory) {
        inputs.insert("cwd".to_owned(), Value::String(directory));
    }
    candidate
}

/// What a plugin is told about a job.
fn params(rules: &Rules) -> Map<String, Value> {
    let mut params = Map::new();
    if let Some(file) = rules.kept.get("message_file") {
        params.insert("message_file".to_owned(), file.clone());
    }
    if !rules.files.is_empty() {
        params.insert("files".to_owned(), rules.files.clone().into());
    }
    params
}

/// Reads an execution request: with `routing` by its schema, or flat with `tool_id`.
pub(super) fn read_request(draft: &mut Draft, file: usize, notes: &Notes<'_, '_>, known: &Known) {
    let Some(object) = notes.text().root().as_object() else {
        return;
    };
    let take = notes.take(object);
    let Some((name, bytes)) = name_of(notes, object, "request_id") else {
        return;
    };
    take.text(&["request_id"]);
    let kind = name_of(notes, object, "task_kind");
    let said = ["prompt", "description"].map(|key| take.text(&[key]).map(|(text, _)| text));
    let [prompt, description] = said;
    let mut offer = Offer {
        prompt: prompt.or_else(|| description.clone()).unwrap_or_default(),
        ..Offer::default()
    };
    if let Some(scope) = take.object("resource_scope") {
        let files = scope
            .texts(&["write"])
            .into_iter()
            .chain(scope.texts(&["create"]));
        offer.files = files.map(|(file, _)| file).collect();
        scope.rest(&[]);
    }
    if offer.prompt.is_empty() {
        let words = kind.as_ref().map(|(kind, _)| kind.clone());
        offer.prompt = words.unwrap_or_default();
    }
    let mut retry = None;
    let mut timeout = seconds(&take, &["timeout_seconds"]);
    let mut tools = Vec::new();
    if let Some(routing) = take.object("routing") {
        tools = allowed(notes, &routing);
        let count = routing.number(&["max_attempts"], 1, u64::from(MAX_ATTEMPTS));
        retry = count.map(attempts);
        timeout = timeout.or(seconds(&routing, &["timeout_seconds"]));
    } else if let Some(tool) = name_of(notes, object, "tool_id") {
        take.text(&["tool_id"]);
        tools.push(tool);
    } else {
        return;
    }
    let retries = take.number(&["max_retries"], 0, u64::from(MAX_ATTEMPTS - 1));
    retry = retry.or(retries.map(|retries| attempts(retries + 1)));
    let order = take.object("classification");
    let order = order.and_then(|classification| classification.get("priority"));
    let order = priority(notes, order);
    let work = commanded(notes, known, object, &tools)
        .or_else(|| plugin_work(notes, known, &tools, &offer));
    let Some(work) = work else {
        return;
    };
    let mut spec = blank(work);
    spec.title = description;
    (spec.retry, spec.timeout, spec.priority) = (retry, timeout, order);
    take.get("command");
    spec.metadata = take.rest(&["task_kind", "project_id", "phase_id", "created_at"]);
    let scope = draft.scope(&name);
    draft.add(scope, &name, Place { file, bytes }, spec);
}

/// The tools that a request allows. The first is used, the others step in.
fn allowed(notes: &Notes<'_, '_>, routing: &Take<'_, '_, '_>) -> Vec<(String, Range<usize>)> {
    let tools = routing.texts(&["allowed_tools"]);
    let strategy = routing.text(&["strategy"]);
    if tools.is_empty() {
        let message = "the request names no tool";
        let help = "add `\"allowed_tools\": [\"…\"]`; remit does not route";
        notes.wrong(routing.place(), "not-routed", message, help);
    }
    if let Some((strategy, place)) = strategy
        && tools.len() > 1
        && strategy != "fixed"
    {
        let what = "the first allowed tool does it, the others if it cannot";
        notes.adapt(
            place,
            what,
            format!("remit does not route by `{}`", excerpt(&strategy)),
        );
    }
    tools
}

/// A request's command, if it is exactly what the owner declared for the tool that it names.
fn commanded<'s>(
    notes: &Notes<'_, 's>,
    known: &Known,
    object: &Object<'s>,
    tools: &[(String, Range<usize>)],
) -> Option<Work> {
    let node = get(object, "command")?;
    let text = crate::plan::text::as_text(node)?;
    let understood = understand(known, text);
    match understood {
        Ok(fit) if tools.iter().any(|(tool, _)| tool == fit.tool.as_str()) => {
            let what = format!("the tool `{}:{}` does it", fit.tool, fit.template);
            let why = "these words are exactly what the owner's template gives";
            notes.adapt(span(node), what, why);
            let candidates = vec![declared_tool(&fit, None)];
            let inputs = Map::new();
            Some(Work::Plugin { candidates, inputs })
        }
        Ok(_) | Err(_) => {
            let why = understood
                .err()
                .unwrap_or_else(|| "it is another tool than the request's".to_owned());
            notes.adapt(span(node), format!("not run: {}", excerpt(text)), why);
            None
        }
    }
}
