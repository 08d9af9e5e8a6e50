//! codex: `codex exec --json`.
//!
//! Source of the format: `codex-rs/exec/src/exec_events.rs` of codex 0.169. Rule: the last terminal
//! event is `turn.completed` and the exit code 0; any `turn.failed` wins over the exit code.
//! Never: a non-fatal `error` event taken for the end; it is used for "Reconnecting… n/5" too.

use serde_json::Value;

use super::{count, text, words};
use crate::evidence::{is_refusal, is_refusal_sign, kind_of_error};
use crate::observation::{EndKind, Observation, Scribe, Tokens};
use crate::verdict::{Objection, any_bad_end, plain_rule};

#[derive(Debug, Default)]
pub(super) struct Codex {}

impl Codex {
    #[expect(
        clippy::unused_self,
        reason = "each dialect is called alike, with a state or without"
    )]
    pub(super) fn event(&mut self, event: &Value, scribe: &mut Scribe) {
        match text(event, "/type") {
            "thread.started" => {
                scribe.seen.session = Some(text(event, "/thread_id").to_owned());
            }
            "turn.started" | "item.plan.delta" | "item.updated" => {}
            "turn.completed" => {
                // It is the sum for the turn.
                scribe.seen.tokens.add(Tokens {
                    input: count(event, "/usage/input_tokens"),
                    cached: count(event, "/usage/cached_input_tokens"),
                    output: count(event, "/usage/output_tokens"),
                });
                scribe.end(EndKind::Completed, "");
            }
            "turn.failed" => {
                let message = words(event.get("error"));
                scribe.end(kind_of_error(&message, EndKind::Provider), &message);
            }
            "error" => failed(text(event, "/message"), scribe),
            "request_user_input" => scribe.deny("", "a question to a person", "nobody is there"),
            "item.started" => started(event.get("item").unwrap_or(&Value::Null), scribe),
            "item.completed" => completed(event.get("item").unwrap_or(&Value::Null), scribe),
            other => return scribe.unknown(other),
        }
        scribe.known();
    }
}

fn failed(message: &str, scribe: &mut Scribe) {
    if message.starts_with("Reconnecting") || message.contains("retrying") {
        scribe.retry(message);
    } else {
        scribe.hint(kind_of_error(message, EndKind::Provider), message);
    }
}

fn started(item: &Value, scribe: &mut Scribe) {
    match text(item, "/type") {
        "command_execution" => scribe.step("run", text(item, "/command")),
        "file_change" => scribe.step("edit", text(item, "/changes/0/path")),
        "mcp_tool_call" => scribe.step("call", text(item, "/tool")),
        "web_search" => scribe.step("search", text(item, "/query")),
        _ => {}
    }
}

fn completed(item: &Value, scribe: &mut Scribe) {
    let status = text(item, "/status");
    let id = text(item, "/id");
    match text(item, "/type") {
        "agent_message" => scribe.said(text(item, "/text")),
        "command_execution" => command(id, status, item, scribe),
        "file_change" => change(id, status, item, scribe),
        "mcp_tool_call" => {
            let error = words(item.get("error"));
            if is_refusal(&error) || status == "declined" {
                scribe.deny(id, text(item, "/tool"), &error);
            } else if status == "failed" {
                scribe.tool_error(text(item, "/tool"), &error);
            }
        }
        // "Model metadata … not found" is only a remark.
        "error" => {
            let message = text(item, "/message");
            if is_refusal(message) {
                scribe.deny(id, "an action", message);
            }
        }
        "reasoning" | "plan" | "todo_list" | "web_search" | "collab_tool_call" => {}
        other => scribe.unknown(&format!("item/{other}")),
    }
}

fn command(id: &str, status: &str, item: &Value, scribe: &mut Scribe) {
    let output = text(item, "/aggregated_output");
    let command = text(item, "/command");
    if status == "declined" {
        scribe.deny(id, command, "declined");
    } else if status == "failed" {
        scribe.tool_error(command, output);
        if is_refusal_sign(output) {
            scribe.seen.refusal_signs = scribe.seen.refusal_signs.saturating_add(1);
        }
    }
}

fn change(id: &str, status: &str, item: &Value, scribe: &mut Scribe) {
    let changes = item.get("changes").and_then(Value::as_array);
    for change in changes.into_iter().flatten() {
        let path = text(change, "/path");
        match status {
            "completed" => scribe.claims(path),
            "declined" => scribe.deny(id, path, "declined"),
            // A patch that did not apply, or one that was not let through: the host's look tells.
            _ => {
                scribe.tool_error("edit", path);
                scribe.seen.refusal_signs = scribe.seen.refusal_signs.saturating_add(1);
            }
        }
    }
}

pub(super) fn objection(seen: &Observation, code: u8) -> Option<Objection> {
    any_bad_end(seen).or_else(|| plain_rule(seen, code))
}
