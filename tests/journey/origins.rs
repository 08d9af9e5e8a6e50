//! Tools that reach named origins: a real server on this machine's loopback interface, reached by a
//! real program through a port of its own network, and nothing else.
//!
//! Never: a connection beyond this machine.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::home::{Home, finish, repository};
use crate::server::{nobody, server};

/// A home whose policy lets `caller.py` reach a server, and a port on which nobody answers.
fn furnished(server: u16, nobody: u16) -> Home {
    let home = Home::new();
    let program = repository().join("tests/journey/programs/caller.py");
    let program = std::fs::read_to_string(program).unwrap();
    let program = Value::from(program.replace('{', "{{").replace('}', "}}"));
    let silent = "import http.client\n\
        http.client.HTTPConnection('127.0.0.1', 8001).request('GET', '/silent')\n\
        print('asked', flush=True)\nimport time\ntime.sleep(600)";
    let silent = Value::from(silent);
    let text = format!(
        "format = 1\n[tools.caller]\nprogram = \"python3\"\n[tools.caller.templates]\n\
         all = [\"-I\", \"-B\", \"-c\", {program}, \"{{one:int:1..65535}}\", \"{{other:int:1..65535}}\"]\n\
         silent = [\"-I\", \"-B\", \"-c\", {silent}]\n\
         [tools.caller.run]\nnetwork = \"origins\"\n\
         origins = {{ \"8001\" = \"http://127.0.0.1:{server}\", \"8002\" = \"http://127.0.0.1:{nobody}\" }}\n\
         [plugins.command]\nread = [\".\"]\nrun = [\"caller\"]\n"
    );
    std::fs::write(home.path("policy.toml"), text).unwrap();
    home
}

/// The events of a run of the tool, and what was said beside.
fn run(home: &Home, inputs: &Value, more: &[&str]) -> (Vec<Value>, String) {
    let mut command = home.remit(&["run", "command", "--json", "--input-file", "-", "--policy"]);
    command.arg(home.path("policy.toml")).args(more);
    let output = finish(command, &inputs.to_string());
    let events = crate::check::events(&String::from_utf8_lossy(&output.stdout)).unwrap();
    (events, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn one<'a>(events: &'a [Value], word: &str) -> &'a Value {
    events
        .iter()
        .find(|event| event["type"] == word)
        .unwrap_or_else(|| panic!("no {word} in {events:#?}"))
}

/// What the tool printed.
fn printed(events: &[Value]) -> Value {
    let pieces = events.iter().filter(|event| event["stream"] == "stdout");
    let text: String = pieces.filter_map(|event| event["text"].as_str()).collect();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{events:#?}"))
}

#[test]
fn a_tool_reaches_its_origins_whole_and_streaming_and_nothing_else() {
    let (server, nobody) = (server(), nobody());
    let beside = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let beside = beside.local_addr().unwrap().port();
    let home = furnished(server, nobody);
    let slots = json!({"one": server.to_string(), "other": beside.to_string()});
    let inputs = json!({"tool": "caller", "template": "all", "slots": slots});
    let (events, said) = run(&home, &inputs, &[]);
    let seen = printed(&events);
    assert_eq!(seen["hello"]["status"], 200, "{seen:#}");
    let hello = seen["hello"]["text"].as_str().unwrap();
    assert!(hello.starts_with("/hello?a=b "), "{hello}");
    assert!(
        hello.contains(&format!("host: 127.0.0.1:{server}")),
        "{hello}"
    );
    assert!(
        !hello.contains("elsewhere") && !hello.contains("upgrade"),
        "{hello}"
    );
    assert_eq!(seen["twice"], json!([200, 200]));
    assert_eq!(seen["events"], json!(["first", "second", "third", "end"]));
    assert_eq!(seen["large"]["text"], (8 << 20).to_string());
    assert_eq!(seen["pieces"]["text"], "50000");
    assert_eq!(seen["early"], "IncompleteRead");
    assert_eq!(seen["garbage"]["status"], 502);
    assert_eq!(seen["away"]["status"], 302);
    assert_eq!(seen["away"]["location"], "http://192.0.2.1/");
    assert_eq!(seen["nobody"]["status"], 502);
    let why = seen["nobody"]["text"].as_str().unwrap();
    assert!(
        why.contains("refused") && why.contains(&nobody.to_string()),
        "{why}"
    );
    assert!(said.contains("has no answer"), "{said}");
    for refused in ["connect", "whole"] {
        assert_eq!(seen[refused], "HTTP/1.1 400 Bad Request");
    }
    assert_eq!(
        seen["others"],
        json!(["ConnectionRefusedError", "ConnectionRefusedError"])
    );
    assert_eq!(seen["address"], "unreachable");
    assert_eq!(seen["name"], "no name");

    let named = json!([
        {"port": 8001, "origin": format!("http://127.0.0.1:{server}")},
        {"port": 8002, "origin": format!("http://127.0.0.1:{nobody}")},
    ]);
    assert_eq!(one(&events, "tool-started")["origins"], named);
    let used = &one(&events, "tool-finished")["usage"]["origins"];
    assert_eq!(used[0]["requests"], 12, "{used:#}");
    assert_eq!(used[0]["failed"], 4, "{used:#}");
    assert_eq!(used[0]["sent"], (8 << 20) + 50_000 + 16, "{used:#}");
    assert_eq!(used[1]["failed"], 1, "{used:#}");
    assert!(
        used[1]["error"].as_str().unwrap().contains("refused"),
        "{used:#}"
    );
    let audit = finish(home.remit(&["audit", "show", "--json"]), "");
    let audit: Vec<Value> = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!(one(&audit, "spawn")["origins"], named);
    assert_eq!(&one(&audit, "exit")["usage"]["origins"], used);
    let shown = finish(home.remit(&["audit", "show"]), "");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains(&format!("8001=http://127.0.0.1:{server}")),
        "{shown}"
    );
}

#[test]
fn a_tool_that_is_ended_leaves_no_open_request() {
    let server = server();
    let home = furnished(server, nobody());
    let inputs = json!({"tool": "caller", "template": "silent", "timeout_ms": 3000});
    let (events, _) = run(&home, &inputs, &[]);
    let finished = one(&events, "tool-finished");
    assert_eq!(finished["exit"]["killed"], "wall-timeout", "{events:#?}");
    assert_eq!(
        finished["usage"]["origins"][0]["requests"], 1,
        "{finished:#}"
    );
}
