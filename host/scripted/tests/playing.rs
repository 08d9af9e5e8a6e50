//! Tools that play, as a plugin sees them through the engine: what they print, when they end, and
//! what is said about calls that nobody expects.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and makes its own files"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_core::change::{Change, ChangeKind};
use remit_core::decide::decide;
use remit_core::digest::Digest;
use remit_core::grant::Grants;
use remit_core::manifest::Manifest;
use remit_core::outcome::Outcome;
use remit_core::scenario::Scenario;
use remit_core::tool::{CallStdin, Exit, KillCause, SlotValue, ToolCall};
use remit_engine::cancel::Cancel;
use remit_engine::fake::{FakeState, FakeTree};
use remit_engine::host::{Identity, PluginHost, World};
use remit_engine::journal::{Journal, system_clock};
use remit_engine::seam::{ToolEvent, Tools, WorkingTree};
use remit_engine::tool_run::ToolRun;
use remit_scripted::{
    Collector, Happened, Looks, Material, Recorder, Report, ScriptedTools, Stage, Taken, Written,
    check, written,
};
use serde_json::json;
use tempfile::TempDir;

const MANIFEST: &str = r#"format = 1
id = "speaker"
version = "0.1.0"
wit = "remit:plugin@0.1.0"
title = "Let tools speak"
[[run]]
tool = "*"
reason = "has whatever tool the test wants speak"
[[read]]
path = "."
reason = "reads what tools leave behind"
[[write]]
path = "out"
reason = "lets tools leave something behind"
"#;

const TOOLS: &str = r#"
[tools.talk]
program = "talk"
[tools.talk.templates]
say = ["--", "{words:text*}"]
chat = []
[tools.talk.run]
wall = "60s"
idle = "10s"
output = "1MiB"
hard-output = "1GiB"
"#;

/// One plugin's side of a scenario.
struct Staged {
    room: TempDir,
    grants: Grants,
    tools: Arc<ScriptedTools>,
    seen: Collector,
    host: Arc<PluginHost>,
}

fn open(room: &TempDir) -> Dir {
    Dir::open_ambient_dir(room.path(), ambient_authority()).unwrap()
}

/// A host around tools.
fn around(
    grants: &Grants,
    tools: Arc<dyn Tools>,
    cancel: &Cancel,
    seen: &Collector,
) -> Arc<PluginHost> {
    let watchers: Vec<Box<dyn remit_engine::journal::Watcher>> = vec![Box::new(seen.clone())];
    let journal = Journal::start("run".into(), system_clock(), watchers).unwrap();
    let world = World {
        tools,
        state: Arc::new(FakeState::default()),
        tree: Arc::new(FakeTree::default()),
        scratch: None,
        http: None,
        person: None,
        durable: None,
    };
    let identity = Identity {
        plugin: "speaker".into(),
        task: "task".into(),
        workspace: "/nowhere".into(),
        time: Duration::from_secs(60),
    };
    PluginHost::new(
        grants.clone(),
        world,
        identity,
        journal,
        cancel.clone(),
        true,
    )
}

fn world(text: &str) -> Staged {
    let room = tempfile::tempdir().unwrap();
    let scenario = Scenario::parse("s.toml", &format!("format = 1\n{text}{TOOLS}")).unwrap();
    let manifest = Manifest::parse("manifest", MANIFEST).unwrap();
    let rules = scenario.rules("s.toml", &manifest, None).unwrap();
    let grants = decide(&manifest, &rules, &Digest::of(b"c")).unwrap();
    let cancel = Cancel::new();
    let seen = Collector::new(cancel.clone(), scenario.cancel.clone());
    let material = Material::read(&scenario, &open(&room)).unwrap();
    let stage = Stage::new(open(&room), None, material, cancel.clone());
    let tools = Arc::new(ScriptedTools::new(&scenario, grants.clone(), stage));
    let host = around(
        &grants,
        Arc::clone(&tools) as Arc<dyn Tools>,
        &cancel,
        &seen,
    );
    Staged {
        room,
        grants,
        tools,
        seen,
        host,
    }
}

fn call(template: &str, words: &[&str]) -> ToolCall {
    let words = words.iter().map(ToString::to_string).collect();
    let slots = if template == "say" {
        vec![("words".to_owned(), SlotValue::Many(words))]
    } else {
        Vec::new()
    };
    ToolCall {
        tool: "talk".into(),
        template: template.into(),
        slots,
        env: Vec::new(),
        cwd: None,
        stdin: CallStdin::Empty,
        timeout: None,
        idle: None,
    }
}

/// Everything that a tool still says on standard output, and how it ends.
async fn rest(run: &mut ToolRun) -> (Vec<u8>, Exit) {
    let mut said = Vec::new();
    loop {
        match run.next_event(64 << 10).await {
            ToolEvent::Stdout(bytes) => said.extend(bytes),
            ToolEvent::Stderr(_) => {}
            ToolEvent::Exited(exit) => return (said, exit),
        }
    }
}

fn say(words: &str, play: &str) -> String {
    format!(
        "[[calls]]\ntool = \"talk\"\ntemplate = \"say\"\nslots = {{ words = [{words}] }}\nplay = [{play}]\n"
    )
}

#[tokio::test]
async fn a_tool_says_and_leaves_what_is_written() {
    let world = world(&say(
        "\"a\"",
        "{ stdout = \"one\\n\" }, { write = \"out/x\", text = \"left\" }, { exit = 3 }",
    ));
    let mut run = world.host.start_tool(&call("say", &["a"])).await.unwrap();
    assert_eq!(rest(&mut run).await, (b"one\n".to_vec(), Exit::Code(3)));
    assert_eq!(
        std::fs::read(world.room.path().join("out/x")).unwrap(),
        b"left"
    );
    assert_eq!(world.tools.report().complaints, [""; 0]);
    assert_eq!(world.tools.report().missing, []);
}

#[tokio::test]
async fn a_call_that_nobody_expects_does_not_start_and_is_named() {
    let world = world(&say("\"a\"", ""));
    world
        .host
        .start_tool(&call("say", &["b"]))
        .await
        .unwrap_err();
    let Report {
        complaints,
        missing,
        made,
        ..
    } = world.tools.report();
    assert_eq!(made, 1);
    let complaint = complaints.first().unwrap();
    assert!(
        complaint.contains("call 1 (talk:say)") && complaint.contains("words = [\"a\"]"),
        "{complaint}"
    );
    assert_eq!(missing, [(2, "talk:say".to_owned())]);
}

#[tokio::test]
async fn calls_come_in_order_unless_the_scenario_does_not_mind() {
    let two = format!("{}{}", say("\"a\"", ""), say("\"b\"", ""));
    let ordered = world(&two);
    ordered
        .host
        .start_tool(&call("say", &["b"]))
        .await
        .unwrap_err();
    let any = world(&format!("any-order = true\n{two}"));
    for word in ["b", "a"] {
        any.host.start_tool(&call("say", &[word])).await.unwrap();
    }
    assert_eq!(any.tools.report().missing, []);
}

#[tokio::test]
async fn optional_calls_may_be_left_out_and_repeated_ones_are_counted() {
    let text = format!(
        "{}optional = true\n{}times = 2\n",
        say("\"a\"", ""),
        say("\"b\"", "")
    );
    let world = world(&text);
    world.host.start_tool(&call("say", &["b"])).await.unwrap();
    assert_eq!(
        world.tools.report().missing,
        [(8, "talk:say, 1 of 2 times".to_owned())]
    );
    world.host.start_tool(&call("say", &["b"])).await.unwrap();
    assert_eq!(world.tools.report().missing, []);
}

#[tokio::test]
async fn limits_hold_on_the_clock_of_the_tool_and_nobody_waits() {
    for (play, exit) in [
        (
            "{ pause = \"11s\" }, { stdout = \"late\" }",
            KillCause::IdleTimeout,
        ),
        (
            "{ pause = \"9s\" }, { stdout = \"a\" }, { pause = \"9s\" }, { stdout = \"a\" }, \
             { pause = \"9s\" }, { stdout = \"a\" }, { pause = \"9s\" }, { stdout = \"a\" }, \
             { pause = \"9s\" }, { stdout = \"a\" }, { pause = \"9s\" }, { stdout = \"a\" }, \
             { pause = \"9s\" }, { stdout = \"late\" }",
            KillCause::WallTimeout,
        ),
    ] {
        let world = world(&say("\"a\"", play));
        let mut run = world.host.start_tool(&call("say", &["a"])).await.unwrap();
        let (said, end) = rest(&mut run).await;
        assert_eq!(end, Exit::Killed(exit));
        assert!(!said.ends_with(b"late"));
        assert!(run.usage().wall > Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_flood_is_counted_and_not_kept() {
    let world = world(&say(
        "\"a\"",
        "{ stdout = { repeat = \"y\\n\", bytes = \"512MiB\" } }, { exit = 0 }",
    ));
    let mut run = world.host.start_tool(&call("say", &["a"])).await.unwrap();
    let (said, end) = rest(&mut run).await;
    assert_eq!((said.len(), end), (1 << 20, Exit::Code(0)));
    let usage = run.usage();
    assert_eq!((usage.stdout_bytes, usage.truncated), (512 << 20, true));
}

#[tokio::test]
async fn more_than_the_hard_limit_ends_the_tool() {
    let world = world(&say(
        "\"a\"",
        "{ stdout = { repeat = \"y\\n\", bytes = \"2GiB\" } }, { exit = 0 }",
    ));
    let mut run = world.host.start_tool(&call("say", &["a"])).await.unwrap();
    let (_, end) = rest(&mut run).await;
    assert_eq!(end, Exit::Killed(KillCause::OutputLimit));
}

#[tokio::test]
async fn a_conversation_goes_by_turns() {
    let text = "[[calls]]\ntool = \"talk\"\ntemplate = \"chat\"\nplay = [\n\
        { await = \"hello\" }, { stdout = \"you too\\n\" }, { await-end = true }, { exit = 0 }]\n";
    let world = world(text);
    let piped = ToolCall {
        stdin: CallStdin::Piped,
        ..call("chat", &[])
    };
    let mut run = world.host.start_tool(&piped).await.unwrap();
    let silent = tokio::time::timeout(Duration::from_millis(20), run.next_event(10)).await;
    assert!(silent.is_err(), "it waits for its turn");
    run.write_stdin(b"hello\n").await.unwrap();
    assert_eq!(
        run.next_event(100).await,
        ToolEvent::Stdout("you too\n".into())
    );
    run.close_stdin();
    assert_eq!(rest(&mut run).await, (Vec::new(), Exit::Code(0)));
}

#[tokio::test]
async fn what_no_real_tool_could_do_is_named() {
    let world = world(&say(
        "\"a\"",
        "{ write = \"elsewhere\", text = \"x\" }, { exit = 0 }",
    ));
    let mut run = world.host.start_tool(&call("say", &["a"])).await.unwrap();
    rest(&mut run).await;
    let complaints = world.tools.report().complaints;
    assert!(
        complaints.first().unwrap().contains("no real tool could"),
        "{complaints:?}"
    );
    assert!(!world.room.path().join("elsewhere").exists());
}

#[tokio::test]
async fn a_scenario_can_ask_the_run_to_end() {
    let world = world(&format!(
        "[cancel]\nevent = \"tool-output\"\nafter = 2\n{}",
        say(
            "\"a\"",
            "{ stdout = \"1\" }, { stderr = \"2\" }, { exit = 0 }"
        )
    ));
    let mut run = world.host.start_tool(&call("say", &["a"])).await.unwrap();
    run.next_event(10).await;
    world.host.journal().flush().await;
    assert_eq!(world.host.cancel().reason(), None);
    run.next_event(10).await;
    world.host.cancel().cancelled().await;
}

/// A tree in which a file appeared.
struct Appeared;

#[async_trait]
impl Looks for Appeared {
    async fn begin(&self) -> Option<Arc<dyn WorkingTree>> {
        Some(Arc::new(FakeTree {
            changes: vec![Change {
                path: "out/x".parse().unwrap(),
                kind: ChangeKind::Created,
            }],
            files: BTreeMap::new(),
        }))
    }
}

/// What was recorded of a tool in a world: the scenario, and what the plugin saw of the tool.
async fn recorded(first: &Staged, outcome: &Outcome) -> (Written, (Vec<u8>, Exit)) {
    let recorder = Arc::new(Recorder::new(
        Arc::clone(&first.tools) as Arc<dyn Tools>,
        Arc::new(Appeared),
        open(&first.room),
    ));
    let tools = Arc::clone(&recorder) as Arc<dyn Tools>;
    let host = around(&first.grants, tools, &Cancel::new(), &first.seen);
    let mut run = host.start_tool(&call("say", &["a", "b"])).await.unwrap();
    let said = rest(&mut run).await;
    let taken = Taken {
        name: "recorded",
        inputs: &json!({"who": null}),
        grants: &first.grants,
        calls: &recorder.taken(),
        outcome,
        changes: &[],
        workspace: None,
    };
    (written(&taken, "recorded.files"), said)
}

#[tokio::test]
async fn what_is_recorded_plays_the_same_again() {
    let long = "z".repeat(5_000);
    let first = world(&say(
        "\"a\", \"b\"",
        &format!(
            "{{ stdout = \"one\\n\" }}, {{ stderr = {{ base64 = \"/w==\" }} }}, \
             {{ stdout = \"{long}\" }}, {{ write = \"out/x\", text = \"left\" }}, {{ signal = 6 }}"
        ),
    ));
    let outcome = Outcome::Rejected {
        reason: "as wanted".into(),
    };
    let (again, said) = recorded(&first, &outcome).await;
    assert_eq!(again.files.len(), 1, "the long output stands beside");
    let room = tempfile::tempdir().unwrap();
    for (name, bytes) in &again.files {
        std::fs::create_dir_all(room.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(room.path().join(name), bytes).unwrap();
    }
    let scenario = Scenario::parse("again.toml", &again.text).unwrap();
    assert_eq!(json!(scenario.inputs), json!({"who": null}));
    let material = Material::read(&scenario, &open(&room)).unwrap();
    let workspace = tempfile::tempdir().unwrap();
    let stage = Stage::new(open(&workspace), None, material.clone(), Cancel::new());
    let played = Arc::new(ScriptedTools::new(&scenario, first.grants.clone(), stage));
    let tools = Arc::clone(&played) as Arc<dyn Tools>;
    let host = around(&first.grants, tools, &Cancel::new(), &first.seen);
    let mut run = host.start_tool(&call("say", &["a", "b"])).await.unwrap();
    assert_eq!(rest(&mut run).await, said);
    let left = std::fs::read(workspace.path().join("out/x")).unwrap();
    assert_eq!(left, b"left");
    let report = played.report();
    let wrong = |outcome: &Outcome| {
        let happened = Happened {
            outcome,
            events: &[],
            report: &report,
            workspace: &open(&workspace),
            state: &BTreeMap::new(),
            material: &material,
        };
        check(&scenario, &happened).len()
    };
    assert_eq!(wrong(&outcome), 0);
    let succeeded = Outcome::Succeeded {
        summary: String::new(),
        outputs: json!({}),
        artifacts: Vec::new(),
    };
    assert_eq!(wrong(&succeeded), 1, "what differs is said");
}
