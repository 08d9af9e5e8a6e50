//! opencode: `opencode run --format json`.
//!
//! There is no result event. Rule: exit code 0, the last `step_finish` has the reason "stop", and
//! there was no `error` event; a tool with the status "error" may be a refusal. Tokens and cost are
//! the sum over `step_finish`. Never: a step in the middle taken for the end.

use serde_json::Value;

use super::{about, count, file_of, is_edit, text, words};
use crate::evidence::{is_refusal, is_refusal_sign, kind_of_error};
use crate::observation::{EndKind, Observation, Scribe, Tokens, micro_usd};
use crate::verdict::{Objection, Verdict, against, bad_code, is_plain, unfinished};

#[derive(Debug, Default)]
pub(super) struct Opencode {}

impl Opencode {
    #[expect(
        clippy::unused_self,
        reason = "each dialect is called alike, with a state or without"
    )]
    pub(super) fn event(&mut self, event: &Value, scribe: &mut Scribe) {
        let part = event.get("part").unwrap_or(&Value::Null);
        match text(event, "/type") {
            "step_start" | "reasoning" => {}
            "text" => scribe.said(text(part, "/text")),
            "tool_use" => tool_use(part, scribe),
            "step_finish" => {
                scribe.seen.tokens.add(Tokens {
                    input: count(part, "/tokens/input")
                        .saturating_add(count(part, "/tokens/cache/read"))
                        .saturating_add(count(part, "/tokens/cache/write")),
                    cached: count(part, "/tokens/cache/read"),
                    // It tells apart what providers count, and charge, as one.
                    output: count(part, "/tokens/output")
                        .saturating_add(count(part, "/tokens/reasoning")),
                });
                let dollars = part.get("cost").and_then(Value::as_f64);
                if let Some(micro) = dollars.and_then(micro_usd) {
                    let sum = scribe.seen.micro_usd.unwrap_or(0).saturating_add(micro);
                    scribe.seen.micro_usd = Some(sum);
                }
                let reason = text(part, "/reason");
                scribe.end(kind_of_step(reason), &format!("the last step: {reason}"));
            }
            "error" => error(event, scribe),
            other => return scribe.unknown(other),
        }
        scribe.known();
        let session = text(event, "/sessionID");
        if scribe.seen.session.is_none() && !session.is_empty() {
            scribe.seen.session = Some(session.to_owned());
        }
    }
}

fn kind_of_step(reason: &str) -> EndKind {
    match reason {
        "stop" | "end_turn" => EndKind::Completed,
        "length" | "max_tokens" => EndKind::Limit,
        "error" => EndKind::Provider,
        _ => EndKind::Stopped,
    }
}

fn tool_use(part: &Value, scribe: &mut Scribe) {
    let name = text(part, "/tool");
    let input = part.pointer("/state/input").unwrap_or(&Value::Null);
    let what = format!("{name} {}", about(input));
    scribe.step(name, about(input));
    let output = text(part, "/state/output");
    match text(part, "/state/status") {
        // A tool that the model was not given is answered by one called `invalid`.
        "completed" if name == "invalid" && is_refusal(output) => {
            scribe.deny(text(part, "/callID"), &what, output);
        }
        "completed" if is_edit(name) => {
            let file = file_of(input);
            let patched = text(part, "/state/metadata/filediff/file");
            scribe.claims(if file.is_empty() { patched } else { file });
        }
        "error" => {
            let error = words(part.pointer("/state/error"));
            if is_refusal(&error) {
                scribe.deny(text(part, "/callID"), &what, &error);
            } else {
                scribe.tool_error(&what, &error);
                if is_refusal_sign(&error) {
                    scribe.seen.refusal_signs = scribe.seen.refusal_signs.saturating_add(1);
                }
            }
        }
        _ => {}
    }
}

fn error(event: &Value, scribe: &mut Scribe) {
    let name = text(event, "/error/name");
    let message = match text(event, "/error/data/message") {
        "" => words(event.get("error")),
        message => message.to_owned(),
    };
    let kind = match name {
        "MessageAbortedError" => EndKind::Cancelled,
        "MessageOutputLengthError" | "ContextOverflowError" => EndKind::Limit,
        "APIError" | "ProviderAuthError" => EndKind::Provider,
        "ConfigInvalidError"
        | "ConfigJsonError"
        | "ProviderModelNotFoundError"
        | "ProviderInitError" => EndKind::Config,
        "PermissionRejectedError" => EndKind::Permission,
        _ => kind_of_error(&format!("{name} {message}"), EndKind::Provider),
    };
    let status = count(event, "/error/data/statusCode");
    let status = if status == 0 {
        String::new()
    } else {
        format!(" {status}")
    };
    scribe.end(kind, &format!("{name}{status}: {message}"));
}

pub(super) fn objection(seen: &Observation, code: u8) -> Option<Objection> {
    // Steps in the middle are no end; an `error` event is one, whatever came after it.
    let bad = |kind: EndKind| !matches!(kind, EndKind::Completed | EndKind::Stopped);
    if let Some(end) = seen.ends.iter().find(|end| bad(end.kind)) {
        return against(end);
    }
    match seen.ends.last() {
        Some(end) if end.kind == EndKind::Completed => bad_code(code),
        Some(end) => {
            if let Some(denied) = seen.denials.first() {
                let reason = format!(
                    "it stopped after a refusal: {}: {}",
                    denied.what, denied.why
                );
                return Some((Verdict::Permission, reason));
            }
            against(end)
        }
        None if is_plain(seen) && code == 0 => None,
        None => Some(unfinished(seen, code)),
    }
}
