//! What an agent says over the protocol, read like the output of any other.
//!
//! Rule: the answer to `session/prompt` has the stop reason "end_turn". Never: an answer to the
//! agent; that is `client`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::evidence::{is_refusal, kind_of_error};
use crate::observation::{EndKind, Observation, Scribe, Tokens};
use crate::tool::{about, count, text, words};
use crate::verdict::{Objection, any_bad_end, unfinished};

/// Most calls that are remembered until they end.
const MAX_OPEN: usize = 1_024;

/// JSON-RPC error code of the protocol: the agent wants somebody to log in first.
const AUTHENTICATION_REQUIRED: i64 = -32000;

#[derive(Debug, Default)]
pub(crate) struct Told {
    open: BTreeMap<String, Call>,
    speaking: bool,
}

#[derive(Debug, Default)]
struct Call {
    kind: String,
    title: String,
    files: Vec<String>,
    is_told: bool,
}

impl Told {
    pub(crate) fn message(&mut self, message: &Value, scribe: &mut Scribe) {
        let method = text(message, "/method");
        match method {
            "session/update" => {
                let update = message.pointer("/params/update").unwrap_or(&Value::Null);
                self.update(update, scribe);
            }
            "session/request_permission" => {
                scribe.known();
                let call = message.pointer("/params/toolCall").unwrap_or(&Value::Null);
                self.call(call, scribe);
            }
            "fs/read_text_file" | "fs/write_text_file" => scribe.known(),
            "" => answer(message, scribe),
            other => scribe.unknown(other),
        }
    }

    fn update(&mut self, update: &Value, scribe: &mut Scribe) {
        let kind = text(update, "/sessionUpdate");
        match kind {
            "agent_message_chunk" => {
                let said = text(update, "/content/text");
                if self.speaking {
                    scribe.said_more(said);
                } else {
                    scribe.begins_to_say(said);
                }
                self.speaking = true;
            }
            "tool_call" | "tool_call_update" => {
                self.speaking = false;
                self.call(update, scribe);
            }
            "usage_update" => {
                let dollars = update.pointer("/cost/amount").and_then(Value::as_f64);
                if text(update, "/cost/currency") == "USD" {
                    scribe.money(dollars.unwrap_or(-1.0));
                }
            }
            "agent_thought_chunk"
            | "user_message_chunk"
            | "plan"
            | "available_commands_update"
            | "current_mode_update"
            | "config_option_update"
            | "session_info_update" => {}
            other => return scribe.unknown(&format!("session/update/{other}")),
        }
        scribe.known();
    }

    fn call(&mut self, told: &Value, scribe: &mut Scribe) {
        let id = text(told, "/toolCallId");
        if !self.open.contains_key(id) {
            if self.open.len() >= MAX_OPEN {
                return;
            }
            self.open.insert(id.to_owned(), Call::default());
            scribe.count_step();
        }
        let Some(call) = self.open.get_mut(id) else {
            return;
        };
        for (field, pointer) in [(&mut call.kind, "/kind"), (&mut call.title, "/title")] {
            let said = text(told, pointer);
            if !said.is_empty() {
                said.clone_into(field);
            }
        }
        let files = files(told);
        if !files.is_empty() {
            call.files = files;
        }
        // It begins without a word about what it is for: that comes with the next update.
        if !call.is_told && text(told, "/status") != "pending" {
            call.is_told = true;
            let about = call.files.first().unwrap_or(&call.title);
            scribe.tell_step(&call.kind, about);
        }
        match text(told, "/status") {
            "completed" => {
                if matches!(call.kind.as_str(), "edit" | "delete" | "move") {
                    call.files.iter().for_each(|file| scribe.claims(file));
                }
            }
            "failed" => {
                let why = failure(told);
                if is_refusal(&why) {
                    scribe.deny(id, &call.title, &why);
                } else {
                    scribe.tool_error(&call.title, &why);
                }
            }
            _ => {}
        }
    }
}

/// The files that a tool call is about, as the agent writes them.
pub(crate) fn files(call: &Value) -> Vec<String> {
    let list = |pointer: &str| call.pointer(pointer).and_then(Value::as_array);
    let mut files: Vec<String> = Vec::new();
    let mut add = |path: &str| {
        if !path.is_empty() && !files.iter().any(|known| known == path) {
            files.push(path.to_owned());
        }
    };
    for location in list("/locations").into_iter().flatten() {
        add(text(location, "/path"));
    }
    for content in list("/content").into_iter().flatten() {
        if text(content, "/type") == "diff" {
            add(text(content, "/path"));
        }
    }
    if files.is_empty() {
        let input = call.get("rawInput").unwrap_or(&Value::Null);
        let file = crate::tool::file_of(input);
        if !file.is_empty() {
            files.push(file.to_owned());
        }
    }
    files
}

fn failure(told: &Value) -> String {
    let contents = told.get("content").and_then(Value::as_array);
    let mut all: Vec<String> = contents
        .into_iter()
        .flatten()
        .map(|content| text(content, "/content/text").to_owned())
        .collect();
    all.push(words(told.get("rawOutput")));
    all.push(about(told.get("rawInput").unwrap_or(&Value::Null)).to_owned());
    all.retain(|words| !words.is_empty());
    all.into_iter().next().unwrap_or_default()
}

/// The answer to a request of this side.
fn answer(message: &Value, scribe: &mut Scribe) {
    scribe.known();
    if let Some(error) = message.get("error") {
        let why = words(Some(error));
        let code = error.get("code").and_then(Value::as_i64);
        let kind = if code == Some(AUTHENTICATION_REQUIRED) {
            EndKind::Config
        } else {
            kind_of_error(&why, EndKind::Provider)
        };
        return scribe.end(kind, &why);
    }
    let result = message.get("result").unwrap_or(&Value::Null);
    if let Some(version) = result.pointer("/agentInfo/version").and_then(Value::as_str) {
        scribe.seen.version = Some(version.to_owned());
    }
    if let Some(session) = result.get("sessionId").and_then(Value::as_str) {
        scribe.seen.session = Some(session.to_owned());
    }
    let Some(reason) = result.get("stopReason").and_then(Value::as_str) else {
        return;
    };
    let usage = "/_meta/quota/token_count";
    scribe.seen.tokens.add(Tokens {
        input: count(result, "/usage/inputTokens")
            .max(count(result, &format!("{usage}/input_tokens"))),
        cached: count(result, "/usage/cachedReadTokens"),
        output: count(result, "/usage/outputTokens")
            .max(count(result, &format!("{usage}/output_tokens"))),
    });
    let kind = match reason {
        "end_turn" => EndKind::Completed,
        "max_tokens" | "max_turn_requests" => EndKind::Limit,
        "cancelled" => EndKind::Cancelled,
        _ => EndKind::Failed,
    };
    scribe.end(kind, &format!("the agent stopped: {reason}"));
}

pub(crate) fn objection(seen: &Observation, code: u8) -> Option<Objection> {
    if let Some(objection) = any_bad_end(seen) {
        return Some(objection);
    }
    let completed = seen.ends.iter().any(|end| end.kind == EndKind::Completed);
    (!completed).then(|| unfinished(seen, code))
}
