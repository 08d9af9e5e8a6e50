//! What shows when a plugin is tried: stubs, traps, and work without effect.
//!
//! Never: a claim about inputs that its own schema does not take.

use std::time::Duration;

use remit_component::Report;
use remit_core::event::{Event, LogSource};
use remit_core::outcome::{FaultKind, Outcome};
use remit_engine::inputs::Schema;
use remit_engine::plugin::{Descriptor, Plugin as _, PluginFault};
use remit_scripted::samples;
use serde_json::Value;

use super::{Findings, text};
use crate::exit::Stop;
use crate::trial::{Bench, Placed, Tried, stranger};

/// How long a plugin may take to describe itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many different inputs are tried to see whether the outputs depend on them.
const VARIATIONS: usize = 3;

/// Asks the plugin what it is.
pub(super) async fn describe(
    findings: &mut Findings,
    bench: &Bench,
) -> Result<Option<Descriptor>, Stop> {
    let host = bench.silent_host()?;
    let asked = async {
        let mut instance = bench.plugin().instantiate(host, None).await?;
        instance.describe().await
    };
    let answer = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(descriptor)) => return Ok(Some(descriptor)),
        Ok(Err(PluginFault { message, .. })) => message,
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    findings.error(
        "does-not-describe",
        format!("it does not say what it is when nothing is granted: {answer}"),
        "let `describe` return constants",
    );
    Ok(None)
}

/// Tries the plugin with inputs of its own schema.
pub(super) async fn check(
    findings: &mut Findings,
    bench: &Bench,
    schema: &Schema,
    report: &Report,
) -> Result<(), Stop> {
    let inputs = varied(schema, samples(schema));
    let mut successes: Vec<(Value, Tried)> = Vec::new();
    let mut ran = false;
    for input in &inputs {
        let scenario = stranger::scenario(&bench.loaded().manifest, input)?;
        let placed = Placed::made("a sample of its inputs", scenario, stranger::content());
        let tried = bench.run(&placed).await?;
        ran |= !matches!(tried.outcome, Outcome::InvalidInput { .. });
        one(findings, input, &tried);
        if matches!(tried.outcome, Outcome::Succeeded { .. }) {
            successes.push((input.clone(), tried));
        }
    }
    if !ran {
        findings.warning(
            "no-sample",
            "no inputs could be made that it takes, so its work was not tried",
            "add \"examples\": [{…}] to the input schema",
        );
        return Ok(());
    }
    effects(findings, &inputs, &successes, report);
    Ok(())
}

/// What one trial shows.
fn one(findings: &mut Findings, input: &Value, tried: &Tried) {
    let unfinished = tried.events.iter().find_map(|event| {
        let Event::Log {
            source, message, ..
        } = event
        else {
            return None;
        };
        let is_own = *source != LogSource::Host;
        (is_own && text::is_unfinished(message)).then(|| message.clone())
    });
    let fix = "finish it: a plugin that is not done must not be given to anyone";
    match &tried.outcome {
        Outcome::PluginFault { kind, message } => {
            if let Some(said) = unfinished.or_else(|| text::is_unfinished(message).then(|| message.clone())) {
                findings.error("unimplemented", format!("its work is not written: {said}"), fix);
                return;
            }
            let code = match kind {
                FaultKind::Contract => "breaks-contract",
                FaultKind::NotGranted => "calls-what-is-never-granted",
                FaultKind::Load
                | FaultKind::Trap
                | FaultKind::Memory
                | FaultKind::Stack
                | FaultKind::Limit
                | FaultKind::Exit => "traps",
            };
            findings.error(
                code,
                format!("with inputs of its own schema it ends with a fault: {message}; the inputs: {}", brief(input)),
                "return a failure instead",
            );
        }
        Outcome::Failed { message, code, .. } if text::is_unfinished(message) || text::is_unfinished(code) => {
            findings.error("unimplemented", format!("its work is not written: {message}"), fix);
        }
        Outcome::TimedOut { limit_ms } if tried.ran_out() => findings.error(
            "hangs",
            format!("it does not end within {limit_ms} ms, although its tools end at once; the inputs: {}", brief(input)),
            "give every loop an end, and every wait a limit",
        ),
        Outcome::Internal { message } => findings.warning(
            "host-fault",
            format!("the host failed while it was tried: {message}"),
            "please report it",
        ),
        Outcome::Succeeded { .. }
        | Outcome::Failed { .. }
        | Outcome::Rejected { .. }
        | Outcome::InvalidInput { .. }
        | Outcome::Denied { .. }
        | Outcome::Unavailable { .. }
        | Outcome::TimedOut { .. }
        | Outcome::Cancelled { .. } => {}
    }
}

/// The beginning of some inputs.
fn brief(input: &Value) -> String {
    /// Enough to know which ones are meant.
    const SHOWN: usize = 200;
    let text = input.to_string();
    match text.get(..text.floor_char_boundary(SHOWN)) {
        Some(start) if start.len() < text.len() => format!("{start}…"),
        Some(_) | None => text,
    }
}

/// Success without effect is no work, unless something is computed from the inputs.
fn effects(
    findings: &mut Findings,
    inputs: &[Value],
    successes: &[(Value, Tried)],
    report: &Report,
) {
    if successes.len() < inputs.len() || successes.iter().any(|(_, tried)| has_effect(tried)) {
        return;
    }
    let results: Vec<(&Value, bool)> = successes
        .iter()
        .filter_map(|(_, tried)| result(&tried.outcome))
        .collect();
    let Some((first, _)) = results.first() else {
        return;
    };
    let all_same = results.iter().all(|(outputs, _)| outputs == first);
    let says_something = results.iter().any(|(_, says)| *says);
    let could = report.imports.iter().any(|item| {
        item.name.starts_with("remit:plugin/process@")
            || item.name.starts_with("remit:plugin/http@")
    });
    let why = if could {
        "it imports what could have an effect, and calls nothing of it"
    } else {
        "it imports nothing that could have an effect"
    };
    if !says_something || (all_same && inputs.len() < 2) {
        findings.error(
            "no-op",
            format!(
                "it succeeds without having done anything: no tool, no file, no result ({why})"
            ),
            "do the work, or fail; success has to mean something",
        );
    } else if all_same {
        findings.warning(
            "constant",
            format!("it has no effect, and gives the same for different inputs ({why})"),
            "check that it does what its title says; add \"examples\" to the schema that show it",
        );
    }
}

fn has_effect(tried: &Tried) -> bool {
    tried.report.made > 0
        || !tried.used.is_empty()
        || tried.events.iter().any(|event| match event {
            Event::Denied { .. }
            | Event::ToolRefused { .. }
            | Event::ToolStarted { .. }
            | Event::HttpRequested { .. }
            | Event::Produced { .. }
            | Event::CheckpointSaved { .. } => true,
            Event::FilesChanged { changes, .. } => !changes.is_empty(),
            Event::RunStarted { .. }
            | Event::InputsAccepted { .. }
            | Event::Step { .. }
            | Event::Percent { .. }
            | Event::Log { .. }
            | Event::ToolOutput { .. }
            | Event::ToolFinished { .. }
            | Event::HttpFinished { .. }
            | Event::ApprovalRevoked { .. }
            | Event::ClaimsDiffer { .. }
            | Event::RunFinished { .. } => false,
        })
}

/// The outputs of a success, and whether they say anything.
fn result(outcome: &Outcome) -> Option<(&Value, bool)> {
    let Outcome::Succeeded { outputs, .. } = outcome else {
        return None;
    };
    let says = match outputs.get("duration-ms") {
        // An adapter's report always has its members; what it says is in two of them.
        Some(_) => ["output", "details"]
            .iter()
            .any(|name| outputs.get(name).is_some_and(|value| !is_empty(value))),
        None => !is_empty(outputs),
    };
    Some((outputs, says))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(values) => values.iter().all(is_empty),
        Value::Object(members) => members.values().all(is_empty),
    }
}

/// Samples, and others that differ from the first in one text or number.
fn varied(schema: &Schema, mut found: Vec<Value>) -> Vec<Value> {
    let Some(Value::Object(first)) = found.first().cloned() else {
        return found;
    };
    for (name, value) in &first {
        if found.len() > VARIATIONS {
            break;
        }
        let other = match value {
            Value::String(text) => Value::String(format!("{text}x")),
            Value::Number(number) => match number.as_i64() {
                Some(number) => Value::from(number.saturating_add(1)),
                None => continue,
            },
            Value::Bool(answer) => Value::Bool(!answer),
            Value::Null | Value::Array(_) | Value::Object(_) => continue,
        };
        let mut changed = first.clone();
        changed.insert(name.clone(), other);
        let changed = Value::Object(changed);
        if schema.problems(&changed).is_empty() && !found.contains(&changed) {
            found.push(changed);
        }
    }
    found
}
