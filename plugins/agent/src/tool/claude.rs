//! Claude Code and qwen-code: `--output-format stream-json`, or one `json` document.
//!
//! Rule: a `result`; exit code 0, `is_error` false, `subtype` "success"; refusals are in
//! `permission_denials`. qwen says `is_error: false` of a provider that refused: its `result` begins
//! with "[API Error:" then. The order of fields varies. Never: a match on the beginning of a line.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{about, count, file_of, is_edit, text, words};
use crate::evidence::{is_refusal, is_refusal_sign, kind_of_error};
use crate::observation::{EndKind, Observation, Scribe, Tokens};
use crate::verdict::{Objection, Verdict, any_bad_end, plain_rule};

/// Most calls that are remembered until their result comes.
const MAX_OPEN: usize = 1_024;

/// Exit codes of qwen-code, which it shares with gemini-cli.
const CONFIG_CODES: [u8; 5] = [41, 42, 44, 52, 55];
const TURN_LIMIT_CODE: u8 = 53;

#[derive(Debug, Default)]
pub(super) struct Claude {
    /// Calls without a result: the agent's name for each, the tool, the file that it edits.
    open: BTreeMap<String, (String, String)>,
}

impl Claude {
    pub(super) fn event(&mut self, event: &Value, scribe: &mut Scribe) {
        match text(event, "/type") {
            "system" if text(event, "/subtype") == "permission_denied" => {
                scribe.known();
                let id = text(event, "/tool_use_id");
                let what = self.open.get(id).map(|(what, _)| what.trim());
                let what = what.unwrap_or(text(event, "/tool_name"));
                scribe.deny(id, what, text(event, "/message"));
            }
            "system" => system(event, scribe),
            "assistant" => {
                scribe.known();
                self.assistant(event, scribe);
            }
            "user" => {
                scribe.known();
                self.user(event, scribe);
            }
            "result" => {
                scribe.known();
                result(event, scribe);
            }
            "stream_event" | "tool_progress" | "rate_limit_event" | "auth_status" => scribe.known(),
            other => scribe.unknown(other),
        }
    }

    fn assistant(&mut self, event: &Value, scribe: &mut Scribe) {
        for part in contents(event) {
            match text(part, "/type") {
                "text" => scribe.said(text(part, "/text")),
                "tool_use" => {
                    let (id, name) = (text(part, "/id"), text(part, "/name"));
                    let input = part.get("input").unwrap_or(&Value::Null);
                    scribe.step(name, about(input));
                    if self.open.len() < MAX_OPEN {
                        let file = if is_edit(name) { file_of(input) } else { "" };
                        let call = (format!("{name} {}", about(input)), file.to_owned());
                        self.open.insert(id.to_owned(), call);
                    }
                }
                "thinking" | "redacted_thinking" => {}
                other => scribe.unknown(&format!("assistant/{other}")),
            }
        }
    }

    fn user(&mut self, event: &Value, scribe: &mut Scribe) {
        for part in contents(event) {
            if text(part, "/type") != "tool_result" {
                continue;
            }
            let id = text(part, "/tool_use_id");
            let (what, file) = self.open.remove(id).unwrap_or_default();
            let is_error = part.get("is_error").and_then(Value::as_bool) == Some(true);
            if !is_error {
                scribe.claims(&file);
                continue;
            }
            let said = words(part.get("content"));
            if is_refusal(&said) {
                scribe.deny(id, what.trim(), &said);
            } else {
                scribe.tool_error(what.trim(), &said);
                if is_refusal_sign(&said) {
                    scribe.seen.refusal_signs = scribe.seen.refusal_signs.saturating_add(1);
                }
            }
        }
    }
}

fn contents(event: &Value) -> impl Iterator<Item = &Value> {
    let parts = event.pointer("/message/content").and_then(Value::as_array);
    parts.into_iter().flatten()
}

fn system(event: &Value, scribe: &mut Scribe) {
    match text(event, "/subtype") {
        "init" => {
            scribe.seen.session = Some(text(event, "/session_id").to_owned());
            scribe.seen.root = Some(text(event, "/cwd").to_owned());
            let version = ["/claude_code_version", "/qwen_code_version"]
                .into_iter()
                .map(|pointer| text(event, pointer))
                .find(|version| !version.is_empty());
            scribe.seen.version = version.map(str::to_owned);
        }
        "api_retry" => {
            let (status, error) = (count(event, "/error_status"), text(event, "/error"));
            scribe.retry(&format!("status {status}: {error}"));
        }
        "ui_invalidate"
        | "compact_boundary"
        | "status"
        | "hook_started"
        | "hook_progress"
        | "hook_response"
        | "task_started"
        | "task_progress"
        | "task_notification"
        | "session_state_changed" => {}
        other => return scribe.unknown(&format!("system/{other}")),
    }
    scribe.known();
}

fn result(event: &Value, scribe: &mut Scribe) {
    if scribe.seen.session.is_none() {
        scribe.seen.session = Some(text(event, "/session_id").to_owned());
    }
    let cached = count(event, "/usage/cache_read_input_tokens");
    // Claude counts what it read from a cache beside the input, qwen within it.
    let beside = if event.get("total_cost_usd").is_some() {
        cached.saturating_add(count(event, "/usage/cache_creation_input_tokens"))
    } else {
        0
    };
    scribe.seen.tokens.add(Tokens {
        input: count(event, "/usage/input_tokens").saturating_add(beside),
        cached,
        output: count(event, "/usage/output_tokens"),
    });
    if let Some(dollars) = event.get("total_cost_usd").and_then(Value::as_f64) {
        scribe.money(dollars);
    }
    let denials = event.get("permission_denials").and_then(Value::as_array);
    for denied in denials.into_iter().flatten() {
        let input = denied.get("tool_input").unwrap_or(&Value::Null);
        let what = format!("{} {}", text(denied, "/tool_name"), about(input));
        scribe.deny(text(denied, "/tool_use_id"), &what, "the permission mode");
    }
    let said = words(event.get("result"));
    let (kind, why) = kind_of_result(event, &said);
    // Most often it repeats the last message.
    if kind == EndKind::Completed && said != scribe.seen.text {
        scribe.said(&said);
    }
    scribe.end(kind, &why);
}

fn kind_of_result(event: &Value, said: &str) -> (EndKind, String) {
    let is_error = event.get("is_error").and_then(Value::as_bool);
    let subtype = text(event, "/subtype");
    let errors: Vec<&str> = event
        .get("errors")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let error = words(event.get("error"));
    let why = [said, &errors.join("; "), &error, subtype]
        .into_iter()
        .find(|words| !words.trim().is_empty())
        .unwrap_or_default()
        .to_owned();
    let untold = said.starts_with("[API Error:")
        || (said.starts_with("API Error") && count(event, "/usage/output_tokens") == 0);
    if untold {
        return (EndKind::Provider, why);
    }
    if is_error == Some(false) && subtype == "success" {
        return (EndKind::Completed, String::new());
    }
    let reason = text(event, "/terminal_reason");
    let kind = match (subtype, reason) {
        ("error_max_turns" | "error_max_budget_usd", _) => EndKind::Limit,
        ("error_max_structured_output_retries", _) => EndKind::Failed,
        (_, "max_turns" | "max_budget" | "budget" | "blocking_limit") => EndKind::Limit,
        (_, "api_error" | "model_error") => EndKind::Provider,
        (_, stopped) if stopped.starts_with("aborted") => EndKind::Cancelled,
        ("success", _) => kind_of_error(&why, EndKind::Provider),
        _ => kind_of_error(&why, EndKind::Failed),
    };
    (kind, why)
}

pub(super) fn objection(seen: &Observation, code: u8) -> Option<Objection> {
    any_bad_end(seen)
        .or_else(|| {
            // Before its first word the exit code is all that qwen has.
            let silent = seen.ends.is_empty();
            let words = || format!("exit code {code}");
            match code {
                TURN_LIMIT_CODE if silent => Some((Verdict::Limit, words())),
                code if silent && CONFIG_CODES.contains(&code) => Some((Verdict::Config, words())),
                _ => None,
            }
        })
        .or_else(|| plain_rule(seen, code))
}
