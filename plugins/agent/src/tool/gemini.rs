//! gemini-cli: `--output-format stream-json`, or one `json` document.
//!
//! Rule: `result.status` is "success" and the exit code 0; a tool that it was not given is a
//! refusal. Exit codes: `packages/core/src/utils/errors.ts` of gemini-cli 0.61. Never: an exit code
//! alone taken for success.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{about, count, file_of, is_edit, text, words};
use crate::evidence::{is_refusal, is_refusal_sign, kind_of_error};
use crate::observation::{EndKind, Observation, Scribe, Tokens};
use crate::verdict::{Objection, Verdict, any_bad_end, plain_rule};

/// Most calls that are remembered until their result comes.
const MAX_OPEN: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Gemini {
    /// Calls without a result: the agent's name for each, what it is, the file that it edits.
    open: BTreeMap<String, (String, String)>,
    /// Whether the words that come next belong to those before.
    speaking: bool,
}

impl Gemini {
    pub(super) fn event(&mut self, event: &Value, scribe: &mut Scribe) {
        let kind = text(event, "/type");
        if kind != "message" {
            self.speaking = false;
        }
        match kind {
            "init" => scribe.seen.session = Some(text(event, "/session_id").to_owned()),
            "message" => self.message(event, scribe),
            "tool_use" => self.tool_use(event, scribe),
            "tool_result" => self.tool_result(event, scribe),
            "error" => {
                let message = text(event, "/message");
                if is_refusal(message) {
                    scribe.deny("", "an action", message);
                } else {
                    scribe.hint(kind_of_error(message, EndKind::Failed), message);
                }
            }
            "result" => result(event, scribe),
            "" if event.get("response").is_some() || event.get("error").is_some() => {
                single(event, scribe);
            }
            other => return scribe.unknown(other),
        }
        scribe.known();
    }

    fn message(&mut self, event: &Value, scribe: &mut Scribe) {
        if text(event, "/role") != "assistant" {
            return;
        }
        let content = words(event.get("content"));
        let is_delta = event.get("delta").and_then(Value::as_bool) == Some(true);
        if is_delta && self.speaking {
            scribe.said_more(&content);
        } else if is_delta {
            scribe.begins_to_say(&content);
        } else {
            scribe.said(&content);
        }
        self.speaking = true;
    }

    fn tool_use(&mut self, event: &Value, scribe: &mut Scribe) {
        let name = text(event, "/tool_name");
        let input = event.get("parameters").unwrap_or(&Value::Null);
        scribe.step(name, about(input));
        if self.open.len() < MAX_OPEN {
            let file = if is_edit(name) { file_of(input) } else { "" };
            let call = (format!("{name} {}", about(input)), file.to_owned());
            self.open.insert(text(event, "/tool_id").to_owned(), call);
        }
    }

    fn tool_result(&mut self, event: &Value, scribe: &mut Scribe) {
        let id = text(event, "/tool_id");
        let (what, file) = self.open.remove(id).unwrap_or_default();
        if text(event, "/status") == "success" {
            return scribe.claims(&file);
        }
        let error = match words(event.get("error")) {
            error if error.is_empty() => words(event.get("output")),
            error => error,
        };
        let kind = text(event, "/error/type");
        if is_refusal(&error) || is_refusal(kind) {
            scribe.deny(id, &what, &error);
        } else {
            scribe.tool_error(&what, &error);
            if is_refusal_sign(&error) {
                scribe.seen.refusal_signs = scribe.seen.refusal_signs.saturating_add(1);
            }
        }
    }
}

fn result(event: &Value, scribe: &mut Scribe) {
    scribe.seen.tokens.add(Tokens {
        input: count(event, "/stats/input_tokens"),
        cached: count(event, "/stats/cached"),
        output: count(event, "/stats/output_tokens"),
    });
    if text(event, "/status") == "success" {
        scribe.end(EndKind::Completed, "");
    } else {
        ended_by(event.get("error"), scribe);
    }
}

/// `--output-format json`: the whole answer in one document.
fn single(event: &Value, scribe: &mut Scribe) {
    let session = text(event, "/session_id");
    if !session.is_empty() {
        scribe.seen.session = Some(session.to_owned());
    }
    let models = event.pointer("/stats/models").and_then(Value::as_object);
    for model in models.into_iter().flat_map(|models| models.values()) {
        scribe.seen.tokens.add(Tokens {
            input: count(model, "/tokens/prompt"),
            cached: count(model, "/tokens/cached"),
            output: count(model, "/tokens/candidates"),
        });
    }
    let denied = count(event, "/stats/tools/totalDecisions/reject");
    if denied > 0 {
        scribe.deny("", &format!("{denied} actions"), "the approval mode");
    }
    match event.get("error") {
        None | Some(Value::Null) => {
            scribe.said(text(event, "/response"));
            scribe.end(EndKind::Completed, "");
        }
        error @ Some(_) => ended_by(error, scribe),
    }
}

fn ended_by(error: Option<&Value>, scribe: &mut Scribe) {
    let message = words(error);
    let kind = match error.map(|error| text(error, "/type")).unwrap_or_default() {
        "FatalTurnLimitedError" => EndKind::Limit,
        "FatalAuthenticationError"
        | "FatalInputError"
        | "FatalConfigError"
        | "FatalSandboxError"
        | "FatalUntrustedWorkspaceError" => EndKind::Config,
        "FatalCancellationError" => EndKind::Cancelled,
        _ if message.starts_with("[API Error:") => EndKind::Provider,
        _ => kind_of_error(&message, EndKind::Provider),
    };
    scribe.end(kind, &message);
}

pub(super) fn objection(seen: &Observation, code: u8) -> Option<Objection> {
    let words = || match seen.hints.first() {
        Some(hint) => hint.words.clone(),
        None => format!("exit code {code}"),
    };
    match code {
        // Authentication not set up, input, sandbox, settings, directory not trusted.
        41 | 42 | 44 | 52 | 55 => return Some((Verdict::Config, words())),
        53 => return Some((Verdict::Limit, words())),
        _ => {}
    }
    any_bad_end(seen).or_else(|| plain_rule(seen, code))
}
