//! One entry of a ledger on one line, for people.
//!
//! Never: text of a plan, plugin or tool that did not pass `printable`.

use remit_core::breaker::BreakerState;
use remit_core::durable::{
    AdapterId, Answer, Entry, GateWord, LedgerEvent, Question, SafeModeCause,
};
use remit_core::event::{Event, Payload, Stream};
use remit_core::tool::Exit;
use serde::Serialize;

use super::{BAD, BOLD, DIM, GOOD, NOTE, WARN, hint, phase};
use crate::printable::printable;
use crate::timeline::rfc3339;

/// Width of the words that come most often.
const WORD: usize = 16;

/// Most characters of a detail on one line; `--json` shows all.
const MAX_DETAIL: usize = 300;

/// The entry, with its place if that is wanted.
pub(crate) fn line(entry: &Entry, with_place: bool) -> String {
    let time = rfc3339(entry.at_ms);
    let place = match (&entry.run, &entry.task) {
        (Some(run), Some(task)) => format!("{run}/{task}"),
        (Some(run), None) => run.to_string(),
        (None, _) => "host".to_owned(),
    };
    let place = if with_place {
        format!("  {place}")
    } else {
        String::new()
    };
    let what = what(entry);
    format!("{DIM}{:>6} {time}{DIM:#}{place}  {what}", entry.seq)
}

/// The same, with what a person can do about a question.
pub(crate) fn line_with_hint(entry: &Entry, with_place: bool, flags: &str) -> String {
    let line = line(entry, with_place);
    let asks = matches!(entry.event, LedgerEvent::TaskWaiting { .. });
    match hint::hint(entry, flags) {
        Some(hint) if asks => format!("{line}  {DIM}{hint}{DIM:#}"),
        Some(_) | None => line,
    }
}

/// The entry while runs are executed: the time of day, its task, and what a person can do about
/// it. `flags` are the options that make a command mean the same ledger.
pub(crate) fn line_of_task(entry: &Entry, with_run: bool, flags: &str) -> String {
    /// Where the time of day is in RFC 3339.
    const TIME_OF_DAY: std::ops::Range<usize> = 11..19;
    /// Width of the names of tasks that come most often.
    const NAME: usize = 12;
    let time = rfc3339(entry.at_ms);
    let time = time.get(TIME_OF_DAY).unwrap_or(&time);
    let name = match (&entry.run, &entry.task) {
        (Some(run), Some(task)) if with_run => format!("{run}/{task}"),
        (_, Some(task)) => task.to_string(),
        (Some(run), None) => run.to_string(),
        (None, None) => "host".to_owned(),
    };
    let what = what(entry);
    let hint = hint::hint(entry, flags).map(|hint| format!("  {DIM}{hint}{DIM:#}"));
    let hint = hint.unwrap_or_default();
    format!("{DIM}{time}{DIM:#} {BOLD}{name:<NAME$}{BOLD:#} {what}{hint}")
}

/// What happened, in one word and its detail.
fn what(entry: &Entry) -> String {
    let word = word(entry);
    let style = style(&entry.event);
    let detail = detail(&entry.event);
    let short: String = detail.chars().take(MAX_DETAIL).collect();
    let rest = if short.len() < detail.len() {
        "…"
    } else {
        ""
    };
    let text = short.trim_end().replace('\n', " ");
    format!("{style}{word:<WORD$}{style:#} {}{rest}", printable(&text))
}

/// The entry's word; an activity's own, in small letters.
fn word(entry: &Entry) -> String {
    if let LedgerEvent::Activity { activity, .. } = &entry.event {
        let value = serde_json::to_value(activity).unwrap_or_default();
        let word = value.get("type").and_then(|word| word.as_str());
        return word.unwrap_or("activity").to_owned();
    }
    entry.event.word().to_owned()
}

fn style(event: &LedgerEvent) -> anstyle::Style {
    use LedgerEvent as E;
    match event {
        E::TaskCompleted | E::ExecutionFinished { .. } | E::CircuitClosed { .. } => GOOD,
        E::TaskFailed { .. }
        | E::TaskTimeout { .. }
        | E::CircuitOpened { .. }
        | E::SafeModeEntered { .. }
        | E::Escalation { .. }
        | E::EffectUnknown { .. } => BAD,
        E::TaskRetry { .. }
        | E::AttemptLost { .. }
        | E::TaskWaiting { .. }
        | E::TaskExpired
        | E::RunCancelRequested { .. }
        | E::TaskCancelRequested { .. }
        | E::TaskCanceled { .. }
        | E::TaskSkipped { .. }
        | E::TaskBlocked { .. }
        | E::CircuitHalfOpen { .. }
        | E::EffectRefused { .. } => WARN,
        E::GateFinished { verdict, .. } => gate(*verdict),
        E::TaskStarted { .. } | E::RunSubmitted { .. } | E::RunStarted { .. } => NOTE,
        E::Activity { .. } => DIM,
        E::HostStarted { .. }
        | E::SafeModeLeft { .. }
        | E::TaskQueued { .. }
        | E::TaskReady
        | E::TaskAnswered { .. }
        | E::EffectStarted { .. }
        | E::EffectFinished { .. }
        | E::EffectReplayed { .. }
        | E::CheckpointCreated { .. }
        | E::AttemptEnded { .. }
        | E::TaskValidating { .. }
        | E::ValidationResumed { .. }
        | E::TaskHurried { .. } => BOLD,
    }
}

fn gate(verdict: GateWord) -> anstyle::Style {
    match verdict {
        GateWord::Passed => GOOD,
        GateWord::Failed | GateWord::Error => BAD,
        GateWord::NothingCollected => WARN,
        GateWord::Skipped => DIM,
    }
}

/// A word of the JSON form.
pub(crate) fn small(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// What a person is asked for, in one word.
pub(crate) fn question(question: Question) -> &'static str {
    match question {
        Question::Manual => "manual",
        Question::Approval => "approval",
    }
}

/// Why nothing new starts.
pub(crate) fn cause(cause: &SafeModeCause) -> String {
    match cause {
        SafeModeCause::AllAdaptersUnhealthy => "every adapter is unhealthy".to_owned(),
        SafeModeCause::CircuitOpenTooLong { adapter } => {
            format!("the circuit of {adapter} has been open for too long")
        }
        SafeModeCause::EnvironmentUnavailable { message } => message.clone(),
        SafeModeCause::Requested => "on request".to_owned(),
    }
}

/// Where a circuit is.
pub(crate) fn circuit(adapter: &AdapterId, state: &BreakerState) -> String {
    let (style, more) = match state {
        BreakerState::Closed { failures } => (GOOD, format!("{failures} failures in a row")),
        BreakerState::Open { until, .. } => (BAD, format!("until {}", rfc3339(*until))),
        BreakerState::HalfOpen { probes } => (WARN, format!("{} probes", probes.len())),
    };
    let word = state.word();
    format!("{adapter}  {style}{word}{style:#}  {DIM}{more}{DIM:#}")
}

fn detail(event: &LedgerEvent) -> String {
    use LedgerEvent as E;
    match event {
        E::HostStarted { .. }
        | E::CircuitOpened { .. }
        | E::CircuitHalfOpen { .. }
        | E::CircuitClosed { .. }
        | E::SafeModeEntered { .. }
        | E::SafeModeLeft { .. }
        | E::RunSubmitted { .. }
        | E::RunStarted { .. }
        | E::RunCancelRequested { .. }
        | E::Escalation { .. }
        | E::ExecutionFinished { .. } => wide_detail(event),
        E::TaskHurried { by } => format!("by {by}"),
        E::TaskCancelRequested { reason, by } => format!("{reason}, by {by}"),
        E::TaskQueued { spec, .. } => spec.title.clone().unwrap_or_default(),
        E::TaskReady | E::TaskExpired | E::TaskCompleted => String::new(),
        E::TaskWaiting {
            question: kind,
            text,
            ..
        } => format!("{}: {text}", question(*kind)),
        E::TaskAnswered { answer, by, note } => {
            let word = match answer {
                Answer::Yes => "yes",
                Answer::No => "no",
            };
            let note = note.as_ref().map(|note| format!(": {note}"));
            format!("{word}, by {by}{}", note.unwrap_or_default())
        }
        E::Activity { activity, .. } => activity_detail(activity),
        E::TaskStarted { .. }
        | E::EffectStarted { .. }
        | E::EffectFinished { .. }
        | E::EffectRefused { .. }
        | E::EffectUnknown { .. }
        | E::EffectReplayed { .. }
        | E::CheckpointCreated { .. }
        | E::AttemptEnded { .. }
        | E::TaskValidating { .. }
        | E::GateFinished { .. }
        | E::TaskRetry { .. }
        | E::ValidationResumed { .. }
        | E::AttemptLost { .. } => attempt_detail(event),
        E::TaskFailed { code, reasons } => format!("{code}: {}", reasons.join("; ")),
        E::TaskTimeout { limit_ms } => format!("after {}", phase::duration(*limit_ms)),
        E::TaskCanceled { reason } => reason.to_string(),
        E::TaskSkipped { reason } => reason.clone(),
        E::TaskBlocked { by } => format!("{by} did not complete"),
    }
}

/// What concerns a host or a run as a whole.
fn wide_detail(event: &LedgerEvent) -> String {
    use LedgerEvent as E;
    if let E::HostStarted {
        epoch,
        pid,
        version,
    } = event
    {
        format!("epoch {epoch}, process {pid}, remit {version}")
    } else if let E::CircuitOpened { adapter, until_ms } = event {
        format!("{adapter} until {}", rfc3339(*until_ms))
    } else if let E::CircuitHalfOpen { adapter } = event {
        adapter.to_string()
    } else if let E::CircuitClosed { adapter, by_hand } = event {
        format!("{adapter}{}", if *by_hand { ", by hand" } else { "" })
    } else if let E::SafeModeEntered { cause: why } = event {
        cause(why)
    } else if let E::SafeModeLeft { by } = event {
        format!("by {by}")
    } else if let E::RunSubmitted { tasks, source, .. } = event {
        format!("{tasks} tasks from {source}")
    } else if let E::RunStarted { epoch, resumed } = event {
        let resumed = if *resumed { ", resumed" } else { "" };
        format!("epoch {epoch}{resumed}")
    } else if let E::RunCancelRequested { reason, by } = event {
        format!("{reason}, by {by}")
    } else if let E::Escalation {
        trigger,
        severity,
        about,
        message,
    } = event
    {
        let about = about.as_ref().map(|task| format!(" {task}"));
        let about = about.unwrap_or_default();
        format!("{} {}{about}: {message}", small(severity), small(trigger))
    } else if let E::ExecutionFinished {
        completed,
        not_completed,
        wall_ms,
    } = event
    {
        let wall = phase::duration(*wall_ms);
        format!("{completed} completed, {not_completed} not, in {wall}")
    } else {
        String::new()
    }
}

/// What attempts come to.
fn attempt_detail(event: &LedgerEvent) -> String {
    use LedgerEvent as E;
    if let E::TaskStarted {
        attempt, adapter, ..
    } = event
    {
        format!("attempt {attempt} with {adapter}")
    } else if let E::EffectStarted {
        effect,
        tool,
        template,
        ..
    } = event
    {
        format!("{effect} {tool}:{template}")
    } else if let E::EffectFinished {
        effect, success, ..
    } = event
    {
        format!("{effect} {}", if *success { "ok" } else { "failed" })
    } else if let E::EffectRefused {
        effect, message, ..
    } = event
    {
        format!("{effect} {message}")
    } else if let E::EffectUnknown {
        effect,
        tool,
        repeat,
    } = event
    {
        let then = if *repeat {
            "may run again"
        } else {
            "does not run again"
        };
        format!("{effect} {tool}: whether it happened is not known; it {then}")
    } else if let E::EffectReplayed { effect, .. } = event {
        format!("{effect}: its record was given, it did not run again")
    } else if let E::CheckpointCreated { bytes, .. } = event {
        format!("{bytes} bytes")
    } else if let E::AttemptEnded { result, .. } = event {
        let wall = phase::duration(result.wall_ms);
        format!("{} in {wall}: {}", result.status, result.message)
    } else if let E::TaskValidating { gates, .. } = event {
        format!("{gates} gates")
    } else if let E::GateFinished {
        name,
        verdict,
        reasons,
        ..
    } = event
    {
        let why = if reasons.is_empty() { "" } else { ": " };
        format!("{name} {}{why}{}", small(verdict), reasons.join("; "))
    } else if let E::TaskRetry {
        not_before_ms,
        reason,
        ..
    } = event
    {
        format!("not before {}: {reason}", rfc3339(*not_before_ms))
    } else if let E::AttemptLost { reason, .. } = event {
        reason.clone()
    } else {
        String::new()
    }
}

fn activity_detail(activity: &Event) -> String {
    match activity {
        Event::RunStarted {
            plugin, version, ..
        } => format!("{plugin} {version}"),
        Event::Step { name } => name.clone(),
        Event::Percent { value } => format!("{value} %"),
        Event::Log { message, .. } => message.clone(),
        Event::Produced { artifact } => artifact.path.clone(),
        Event::Denied { denial } => denial.to_string(),
        Event::ToolStarted {
            tool, arguments, ..
        } => format!("{tool} {}", arguments.join(" ")),
        Event::ToolOutput {
            stream, payload, ..
        } => output(*stream, payload),
        Event::ToolFinished { tool, exit, .. } => {
            let exit = match exit {
                Exit::Code(code) => format!("exit {code}"),
                Exit::Signal(signal) => format!("signal {signal}"),
                Exit::Killed(cause) => format!("killed: {}", small(cause)),
            };
            format!("{tool} {exit}")
        }
        Event::HttpRequested {
            method,
            origin,
            path,
            ..
        } => format!("{method} {origin}{path}"),
        Event::HttpFinished {
            origin,
            status,
            message,
            ..
        } => match (status, message) {
            (Some(status), _) => format!("{origin} answered {status}"),
            (None, message) => format!("{origin} {}", message.as_deref().unwrap_or_default()),
        },
        Event::ToolRefused { tool, message, .. } => format!("{tool} {message}"),
        Event::FilesChanged { changes, more } => {
            let plus = if *more { "+" } else { "" };
            format!("{}{plus} files", changes.len())
        }
        Event::CheckpointSaved { bytes } => format!("{bytes} bytes"),
        Event::RunFinished { outcome, .. } => outcome.status().to_owned(),
        Event::ApprovalRevoked { approval } => approval.to_string(),
        Event::InputsAccepted { .. } | Event::ClaimsDiffer { .. } => String::new(),
    }
}

fn output(stream: Stream, payload: &Payload) -> String {
    let mark = match stream {
        Stream::Stdout => "|",
        Stream::Stderr => "!",
    };
    match payload {
        Payload::Text(text) => format!("{mark} {text}"),
        Payload::Base64(encoded) => format!("{mark} ({} bytes of base64)", encoded.len()),
    }
}
