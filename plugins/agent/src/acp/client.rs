//! The side that asks the agent, and answers when it asks.
//!
//! It opens a session, hands over the prompt, serves files within the grants and answers each
//! request for permission by the rules. Pure: it takes lines and gives lines. Never: an
//! answer without a rule; a terminal for the agent.

use serde_json::{Value, json};

use super::policy::{Files, HERE, Root, Rules};
use super::told::files;
use crate::observation::EndKind;
use crate::tool::{Reader, Stream, Tool, text};

/// The version of the protocol that is spoken here.
const PROTOCOL: u64 = 1;

/// JSON-RPC: no such method.
const NO_SUCH_METHOD: i64 = -32601;
/// JSON-RPC: the arguments do not fit; here, what is asked for is not granted.
const REFUSED: i64 = -32602;

/// Identifiers of the requests of this side. Each is made once.
const INITIALIZE: u64 = 1;
const NEW_SESSION: u64 = 2;
const MODEL: u64 = 3;
const PROMPT: u64 = 4;

/// A conversation with an agent about one prompt.
#[derive(Debug)]
pub struct Client<F> {
    files: F,
    rules: Rules,
    root: Root,
    reader: Reader,
    prompt: String,
    model: Option<String>,
    session: String,
    is_over: bool,
}

impl<F: Files> Client<F> {
    /// A conversation that has not begun.
    pub fn new(files: F, rules: Rules, prompt: String, model: Option<String>) -> Self {
        Self {
            files,
            rules,
            root: Root::default(),
            reader: Reader::new(Tool::Acp),
            prompt,
            model,
            session: String::new(),
            is_over: false,
        }
    }

    /// The first line for the agent.
    #[must_use]
    pub fn begin(&self) -> String {
        let capabilities = json!({
            "fs": { "readTextFile": true, "writeTextFile": true },
            "terminal": false,
        });
        request(
            INITIALIZE,
            "initialize",
            &json!({
                "protocolVersion": PROTOCOL,
                "clientCapabilities": capabilities,
                "clientInfo": { "name": "remit", "version": env!("CARGO_PKG_VERSION") },
            }),
        )
    }

    /// Takes a line of the agent's standard output and gives the lines that answer it.
    pub fn line(&mut self, line: &str) -> Vec<String> {
        let message: Value = serde_json::from_str(line.trim()).unwrap_or(Value::Null);
        let id = message.get("id").cloned();
        let method = text(&message, "/method").to_owned();
        match (id, method.is_empty()) {
            (Some(id), false) => {
                self.reader.line(Stream::Stdout, line);
                let params = message.get("params").unwrap_or(&Value::Null);
                vec![self.asked(&id, &method, params)]
            }
            (Some(id), true) => self.answered(id.as_u64(), &message, line),
            (None, _) => {
                self.reader.line(Stream::Stdout, line);
                let update = message.pointer("/params/update").unwrap_or(&Value::Null);
                for path in files(update) {
                    // What it looks at shows where the workspace lies for it.
                    let _known = self.root.below(&path, &self.files);
                }
                Vec::new()
            }
        }
    }

    /// Whether the agent has answered the prompt, or nothing more can come of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The reader, with everything that was seen.
    pub fn reader(&mut self) -> &mut Reader {
        &mut self.reader
    }

    /// The reader, when the conversation is over.
    #[must_use]
    pub fn into_reader(self) -> Reader {
        self.reader
    }

    /// The agent answered a request of this side: what comes next.
    fn answered(&mut self, id: Option<u64>, message: &Value, line: &str) -> Vec<String> {
        let failed = message.get("error").is_some();
        if id == Some(MODEL) && failed {
            let why = text(message, "/error/message").to_owned();
            return self.give_up(&format!("the model was refused: {why}"));
        }
        self.reader.line(Stream::Stdout, line);
        let result = message.get("result").unwrap_or(&Value::Null);
        match id {
            _ if failed => {
                self.is_over = true;
                Vec::new()
            }
            Some(INITIALIZE) => self.initialized(result),
            Some(NEW_SESSION) => self.opened(result),
            Some(MODEL) => vec![self.ask()],
            Some(PROMPT) => {
                self.is_over = true;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn initialized(&mut self, result: &Value) -> Vec<String> {
        let version = result.get("protocolVersion").and_then(Value::as_u64);
        if version != Some(PROTOCOL) {
            let spoken = version.map_or_else(|| "none".to_owned(), |number| number.to_string());
            return self.give_up(&format!(
                "it speaks version {spoken} of the protocol, not 1"
            ));
        }
        let params = json!({ "cwd": HERE, "mcpServers": [] });
        vec![request(NEW_SESSION, "session/new", &params)]
    }

    fn opened(&mut self, result: &Value) -> Vec<String> {
        text(result, "/sessionId").clone_into(&mut self.session);
        if self.session.is_empty() {
            return self.give_up("it opened no session");
        }
        let Some(model) = self.model.clone() else {
            return vec![self.ask()];
        };
        match choose_model(result, &model) {
            Some((method, mut params)) => {
                params["sessionId"] = json!(self.session);
                vec![request(MODEL, method, &params)]
            }
            None => self.give_up(&format!("it does not offer the model `{model}`")),
        }
    }

    fn ask(&self) -> String {
        let prompt = json!([{ "type": "text", "text": self.prompt }]);
        let params = json!({ "sessionId": self.session, "prompt": prompt });
        request(PROMPT, "session/prompt", &params)
    }

    fn give_up(&mut self, why: &str) -> Vec<String> {
        self.is_over = true;
        self.reader.scribe().end(EndKind::Config, why);
        Vec::new()
    }

    /// The agent asks this side.
    fn asked(&mut self, id: &Value, method: &str, params: &Value) -> String {
        let answer = match method {
            "session/request_permission" => Ok(self.permission(params)),
            "fs/read_text_file" => self.read(params),
            "fs/write_text_file" => self.write(params),
            _ => Err((NO_SUCH_METHOD, format!("`{method}` is not offered"))),
        };
        let answer = match answer {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err((code, message)) => {
                let error = json!({ "code": code, "message": message });
                json!({ "jsonrpc": "2.0", "id": id, "error": error })
            }
        };
        answer.to_string()
    }

    fn permission(&mut self, params: &Value) -> Value {
        let call = params.get("toolCall").unwrap_or(&Value::Null);
        let offered = |kind: &str| {
            let options = params.get("options").and_then(Value::as_array);
            let mut options = options.into_iter().flatten();
            let option = options.find(|option| text(option, "/kind") == kind)?;
            Some(text(option, "/optionId").to_owned())
        };
        let decided = self
            .rules
            .decide(call, &mut self.root, &self.files)
            .and_then(|()| {
                offered("allow_once").ok_or_else(|| "it does not offer to ask again".to_owned())
            });
        let chosen = match decided {
            Ok(option) => Some(option),
            Err(why) => {
                let (id, title) = (text(call, "/toolCallId"), text(call, "/title"));
                let what = format!("{} {title}", text(call, "/kind"));
                self.reader.scribe().deny(id, &what, &why);
                offered("reject_once").or_else(|| offered("reject_always"))
            }
        };
        let outcome = match chosen {
            Some(option) => json!({ "outcome": "selected", "optionId": option }),
            None => json!({ "outcome": "cancelled" }),
        };
        json!({ "outcome": outcome })
    }

    fn read(&mut self, params: &Value) -> Result<Value, (i64, String)> {
        let path = self.granted(params, "read", Rules::may_read)?;
        let content = self.files.read(&path).map_err(|why| (REFUSED, why))?;
        let number = |name: &str| {
            let number = params.get(name).and_then(Value::as_u64);
            number.map(|number| usize::try_from(number).unwrap_or(usize::MAX))
        };
        let (from, count) = (number("line"), number("limit"));
        if from.is_none() && count.is_none() {
            return Ok(json!({ "content": content }));
        }
        let lines = content
            .split_inclusive('\n')
            .skip(from.unwrap_or(1).saturating_sub(1));
        let part: String = lines.take(count.unwrap_or(usize::MAX)).collect();
        Ok(json!({ "content": part }))
    }

    fn write(&mut self, params: &Value) -> Result<Value, (i64, String)> {
        let path = self.granted(params, "write", Rules::may_write)?;
        let written = self.files.write(&path, text(params, "/content"));
        written.map_err(|why| (REFUSED, why))?;
        // It was the agent's wish, so it is its claim as well.
        self.reader.scribe().claims(&path);
        Ok(Value::Null)
    }

    fn granted(
        &mut self,
        params: &Value,
        what: &str,
        is: fn(&Rules, &str) -> bool,
    ) -> Result<String, (i64, String)> {
        let asked = text(params, "/path");
        let path = self.root.below(asked, &self.files);
        if let Some(path) = path.filter(|path| is(&self.rules, path)) {
            return Ok(path);
        }
        let why = format!("the workspace's owner did not grant to {what} it");
        self.reader
            .scribe()
            .deny("", &format!("{what} {asked}"), &why);
        Err((REFUSED, format!("{what} {asked}: {why}")))
    }
}

fn request(id: u64, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

/// How to choose a model in a session that was opened with this answer: agents offer it as an
/// option of the session or in a list of its own.
fn choose_model(session: &Value, model: &str) -> Option<(&'static str, Value)> {
    let fits = |name: &str| {
        name == model
            || name
                .strip_suffix(model)
                .is_some_and(|provider| provider.ends_with('/'))
    };
    let list = |pointer: &str| session.pointer(pointer).and_then(Value::as_array);
    for option in list("/configOptions").into_iter().flatten() {
        let is_model = [text(option, "/id"), text(option, "/category")].contains(&"model");
        let values = option.get("options").and_then(Value::as_array);
        let mut values = values.into_iter().flatten().map(|one| text(one, "/value"));
        if let Some(value) = values.find(|value| is_model && fits(value)) {
            let params = json!({ "configId": text(option, "/id"), "value": value });
            return Some(("session/set_config_option", params));
        }
    }
    let mut models = list("/models/availableModels").into_iter().flatten();
    let found = models.find(|one| fits(text(one, "/modelId")))?;
    let params = json!({ "modelId": text(found, "/modelId") });
    Some(("session/set_model", params))
}
