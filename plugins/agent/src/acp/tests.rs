//! Whole conversations: recorded ones, and agents that want too much.
//! Never: an agent that is started.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{Changes, Ended, Verdict, judge};

#[derive(Debug, Default)]
struct Tree(BTreeMap<String, String>);

impl Files for Tree {
    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }
    fn read(&self, path: &str) -> Result<String, String> {
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| "no such file".to_owned())
    }
    fn write(&mut self, path: &str, text: &str) -> Result<(), String> {
        self.0.insert(path.to_owned(), text.to_owned());
        Ok(())
    }
}

fn client(commands: &[&str], model: Option<&str>) -> Client<Tree> {
    let tree = Tree(BTreeMap::from([(
        "calc.py".to_owned(),
        "def add(a, b):\n    return a - b\n".to_owned(),
    )]));
    let rules = Rules {
        granted: vec![Granted {
            path: ".".into(),
            read: true,
            write: true,
        }],
        commands: commands.iter().map(|one| (*one).to_owned()).collect(),
    };
    Client::new(tree, rules, "Fix add()".into(), model.map(str::to_owned))
}

fn answer(client: &mut Client<Tree>, message: &Value) -> Value {
    let answers = client.line(&message.to_string());
    let [answer] = &answers[..] else {
        panic!("one answer to {message}: {answers:?}");
    };
    serde_json::from_str(answer).unwrap()
}

/// Opens a session.
fn opened(client: &mut Client<Tree>) {
    let result = json!({"protocolVersion": 1});
    let asked = answer(client, &json!({"id": 1, "result": result}));
    assert_eq!(asked["method"], "session/new");
    assert!(asked["params"]["cwd"].as_str().unwrap().starts_with('/'));
    let asked = answer(client, &json!({"id": 2, "result": {"sessionId": "s"}}));
    assert_eq!(asked["method"], "session/prompt");
    assert_eq!(asked["params"]["prompt"][0]["text"], "Fix add()");
}

fn permission(kind: &str, title: &str, path: &str) -> Value {
    json!({"id": "p", "method": "session/request_permission", "params": {
        "toolCall": {"toolCallId": title, "kind": kind, "title": title,
            "locations": if path.is_empty() { json!([]) } else { json!([{"path": path}]) }},
        "options": [
            {"optionId": "A", "kind": "allow_always"}, {"optionId": "a", "kind": "allow_once"},
            {"optionId": "r", "kind": "reject_once"}],
    }})
}

fn verdict(client: &mut Client<Tree>) -> Verdict {
    let reader = client.reader();
    reader.finish();
    let changes = Changes::seen(["calc.py"]);
    judge(
        crate::Tool::Acp,
        reader.seen(),
        Ended::Code(0),
        &changes,
        true,
    )
    .verdict
}

#[test]
fn permissions_are_answered_live_by_the_rules() {
    let mut client = client(&["python3 *"], None);
    opened(&mut client);
    let chosen = |answer: &Value| answer["result"]["outcome"]["optionId"].clone();
    let edit = permission("edit", "calc.py", "/ws/calc.py");
    assert_eq!(chosen(&answer(&mut client, &edit)), "a");
    let run = permission("execute", "python3 -c x", "");
    assert_eq!(chosen(&answer(&mut client, &run)), "a");
    client.line(&json!({"id": 4, "result": {"stopReason": "end_turn"}}).to_string());
    assert!(client.is_over());
    assert_eq!(verdict(&mut client), Verdict::Success);
}

#[test]
fn what_is_refused_is_counted_and_no_success() {
    let mut client = client(&[], None);
    opened(&mut client);
    for (kind, title, path) in [
        ("execute", "rm -rf .", ""),
        ("edit", "passwd", "/etc/passwd"),
        ("fetch", "https://x", ""),
    ] {
        let answer = answer(&mut client, &permission(kind, title, path));
        assert_eq!(answer["result"]["outcome"]["optionId"], "r", "{title}");
    }
    // An agent that offers no way to refuse is cancelled, and one that offers only for ever too.
    let mut ask = permission("execute", "x", "");
    ask["params"]["options"] = json!([{"optionId": "A", "kind": "allow_always"}]);
    assert_eq!(
        answer(&mut client, &ask)["result"]["outcome"]["outcome"],
        "cancelled"
    );
    client.line(&json!({"id": 4, "result": {"stopReason": "end_turn"}}).to_string());
    assert_eq!(client.reader().seen().denials.len(), 4);
    assert_eq!(verdict(&mut client), Verdict::Permission);
}

#[test]
fn files_are_served_within_the_grants() {
    let mut client = client(&[], None);
    opened(&mut client);
    let read =
        |path: &str| json!({"id": 7, "method": "fs/read_text_file", "params": {"path": path}});
    let found = answer(&mut client, &read("/ws/calc.py"));
    assert_eq!(
        found["result"]["content"],
        "def add(a, b):\n    return a - b\n"
    );
    let mut part = read("/ws/calc.py");
    part["params"]["line"] = json!(2);
    part["params"]["limit"] = json!(1);
    let found = answer(&mut client, &part);
    assert_eq!(found["result"]["content"], "    return a - b\n");
    assert!(answer(&mut client, &read("/etc/passwd"))["error"]["code"].is_i64());
    let write = json!({"id": 8, "method": "fs/write_text_file",
        "params": {"path": "/ws/new.py", "content": "x"}});
    assert!(answer(&mut client, &write)["result"].is_null());
    assert!(client.reader().seen().files.contains("new.py"));
    let terminal = json!({"id": 9, "method": "terminal/create", "params": {}});
    assert_eq!(answer(&mut client, &terminal)["error"]["code"], -32601);
}

#[test]
fn a_model_is_chosen_where_it_is_offered_and_is_an_error_where_not() {
    let mut one = client(&[], Some("m"));
    let asked = answer(
        &mut one,
        &json!({"id": 1, "result": {"protocolVersion": 1}}),
    );
    assert_eq!(asked["id"], 2);
    let session = json!({"id": 2, "result": {"sessionId": "s", "configOptions": [
        {"id": "model", "options": [{"value": "p/m"}]}]}});
    let asked = answer(&mut one, &session);
    assert_eq!(asked["method"], "session/set_config_option");
    assert_eq!(asked["params"]["value"], "p/m");
    let asked = answer(&mut one, &json!({"id": 3, "result": {}}));
    assert_eq!(asked["method"], "session/prompt");

    let mut other = client(&[], Some("m"));
    answer(
        &mut other,
        &json!({"id": 1, "result": {"protocolVersion": 1}}),
    );
    let session = json!({"id": 2, "result": {"sessionId": "s",
        "models": {"availableModels": [{"modelId": "other"}]}}});
    assert!(other.line(&session.to_string()).is_empty() && other.is_over());
    assert_eq!(verdict(&mut other), Verdict::Config);
}

#[test]
fn errors_of_the_agent_end_the_conversation() {
    for (error, expected) in [
        (
            json!({"code": -32000, "message": "Authentication required"}),
            Verdict::Config,
        ),
        (
            json!({"code": -32603, "message": "429 rate limit"}),
            Verdict::Provider,
        ),
    ] {
        let mut client = client(&[], None);
        opened(&mut client);
        client.line(&json!({"id": 4, "error": error}).to_string());
        assert!(client.is_over());
        assert_eq!(verdict(&mut client), expected);
    }
    let mut client = client(&[], None);
    client.line(r#"{"id": 1, "result": {"protocolVersion": 2}}"#);
    assert_eq!(verdict(&mut client), Verdict::Config);
}

/// The driver that made the recording allowed everything: with rules that allow what it asked for,
/// the answers are the same.
#[test]
fn a_recorded_conversation_is_answered_as_it_was() {
    let said = include_str!("../../tests/transcripts/acp-opencode/acp.jsonl");
    let command = "python3 -c 'import calc; assert calc.add(2,3)==5' && echo ok";
    let mut client = client(&[command], None);
    let mut recorded = Vec::new();
    let mut answered = Vec::new();
    for line in said.lines() {
        if let Some(line) = line.strip_prefix("C> ") {
            let message: Value = serde_json::from_str(line).unwrap();
            recorded.extend(message.pointer("/result/outcome").cloned());
        } else if let Some(line) = line.strip_prefix("S> ") {
            // The driver counted its requests otherwise.
            let line = line.replace(r#""id":3,"result""#, r#""id":4,"result""#);
            for answer in client.line(&line) {
                let answer: Value = serde_json::from_str(&answer).unwrap();
                answered.extend(answer.pointer("/result/outcome").cloned());
            }
        }
    }
    assert!(!recorded.is_empty());
    assert_eq!(answered, recorded);
    assert!(client.is_over());
    assert_eq!(verdict(&mut client), Verdict::Success);
    assert_eq!(client.reader().seen().tokens.input, 1000);
}

#[test]
fn the_schema_is_that_of_all_agents_and_the_name() {
    let base: Value = serde_json::from_str(crate::INPUT_SCHEMA).unwrap();
    let own: Value = serde_json::from_str(&input_schema()).unwrap();
    assert_eq!(own["required"], json!(["prompt", "agent"]));
    for (name, schema) in base["properties"].as_object().unwrap() {
        assert_eq!(&own["properties"][name], schema, "{name}");
    }
}
