//! Scenarios as they are read: what each key means, and every mistake with its line.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::decide::decide;
use crate::digest::Digest;
use crate::event::Stream;
use crate::tool::{Exit, KillCause};

fn read(text: &str) -> Scenario {
    Scenario::parse("s.toml", &format!("format = 1\n{text}")).unwrap()
}

/// The mistakes of a text, one line each, without the file's name.
fn mistakes(text: &str) -> Vec<String> {
    let found = Scenario::parse("s.toml", &format!("format = 1\n{text}")).unwrap_err();
    let one =
        |mistake: &crate::diagnostic::Diagnostic| format!("{}: {}", mistake.line, mistake.code);
    found.list().iter().map(one).collect()
}

const MANIFEST: &str = r#"format = 1
id = "greeter"
version = "0.1.0"
wit = "remit:plugin@0.1.0"
title = "Greet"
[[run]]
tool = "greet"
templates = ["say"]
reason = "greets people"
[[read]]
path = "."
reason = "reads their names"
"#;

const GREET: &str = "[tools.greet]\nprogram = \"greet\"\n[tools.greet.templates]\nsay = [\"--\", \"{name:text}\"]\n";

#[test]
fn a_scenario_that_says_nothing_expects_success() {
    let scenario = read("");
    assert_eq!(scenario.expect.status(), Some("succeeded"));
    assert_eq!(scenario.grant, None);
    assert_eq!(read("[expect]\nexit = 3\n").expect.status(), None);
    assert_eq!(
        read("[expect]\nproblems = []\n").expect.status(),
        Some("invalid-input")
    );
}

#[test]
fn inputs_keep_their_types() {
    let scenario = read("[inputs]\ntext = \"a\"\nnumber = 1\nlist = [{ a = true }, { b = 1.5 }]\n");
    assert_eq!(
        Value::Object(scenario.inputs),
        json!({"text": "a", "number": 1, "list": [{"a": true}, {"b": 1.5}]})
    );
    let scenario = read("inputs-json = '{\"a\": null}'\n");
    assert_eq!(Value::Object(scenario.inputs), json!({"a": null}));
}

#[test]
fn a_tool_plays_what_is_written() {
    let scenario = read(
        r#"
[[calls]]
tool = "greet"
template = "say"
slots = { name = "world", more = ["a", "b"] }
stdin-contains = "x"
play = [
  { stdout = "one\n" },
  { stderr = { base64 = "/w==" } },
  { stdout = { repeat = "y\n", bytes = "1GiB" } },
  { pause = "5s" },
  { await = "hello" },
  { write = "a.txt", text = "t", in = "scratch" },
  { delete = "b.txt" },
  { killed = "idle-timeout" },
]
"#,
    );
    let call = scenario.calls.first().unwrap();
    assert_eq!(call.line, 3);
    assert_eq!((call.times, call.optional), (1, false));
    assert_eq!(
        call.slots,
        [
            ("name".to_owned(), SlotValue::One("world".into())),
            (
                "more".to_owned(),
                SlotValue::Many(vec!["a".into(), "b".into()])
            )
        ]
    );
    assert_eq!(
        call.play,
        [
            Step::Output(Stream::Stdout, Content::text("one\n")),
            Step::Output(Stream::Stderr, Content::Bytes(vec![0xff])),
            Step::Output(
                Stream::Stdout,
                Content::Repeat {
                    unit: b"y\n".to_vec(),
                    bytes: 1 << 30
                }
            ),
            Step::Pause(Duration::from_secs(5)),
            Step::Await("hello".into()),
            Step::Write {
                place: Place::Scratch,
                path: "a.txt".parse().unwrap(),
                content: Content::text("t"),
            },
            Step::Delete("b.txt".parse().unwrap()),
            Step::End(End::Exit(Exit::Killed(KillCause::IdleTimeout))),
        ]
    );
}

#[test]
fn every_mistake_is_found_at_once_with_its_line() {
    let text = r#"colour = "red"
role = "both"
[files]
"../out" = "x"
"a" = { base64 = "%" }
[[calls]]
tool = "Greet!"
template = "say"
fault = "fire"
play = [{ stdout = "a", exit = 0 }, { exit = 256 }, { wait = "1h" }]
[[calls]]
tool = "greet"
template = "say"
refuse = "tool-missing"
play = [{ exit = 0 }, { stdout = "late" }]
[cancel]
after = 0
[expect]
status = "fine"
exit = 5
events = [{ type = "no-such" }]
outputs-contain = { output = "x" }
changes = { a = "moved" }
"#;
    insta::assert_snapshot!(mistakes(text).join("\n"), @r"
    2: unknown-key
    3: unknown-role
    5: bad-path
    6: bad-base64
    8: bad-tool-name
    10: unknown-word
    11: one-verb
    11: out-of-range
    11: too-long
    15: never-played
    16: after-the-end
    18: out-of-range
    19: unknown-event
    20: unknown-status
    21: unknown-exit
    23: bad-pointer
    24: unknown-change
    ");
}

#[test]
fn what_the_manifest_requests_is_allowed_unless_the_scenario_grants() {
    let manifest = Manifest::parse("manifest", MANIFEST).unwrap();
    let decided = |text: &str| {
        let rules = read(text).rules("s.toml", &manifest, None).unwrap();
        decide(&manifest, &rules, &Digest::of(b"c")).is_ok()
    };
    assert!(decided(GREET));
    assert!(!decided(&format!("{GREET}[grant]\n")));
    assert!(!decided(&format!("{GREET}[grant]\nread = [\".\"]\n")));
    assert!(decided(&format!(
        "{GREET}[grant]\nread = [\".\"]\nrun = [\"greet:say\"]\n"
    )));
}

#[test]
fn a_plugin_that_asks_for_any_origin_gets_none() {
    let any =
        "[[net]]\norigin = \"*\"\noptional = true\nreason = \"asks what it is told to ask\"\n";
    let manifest = Manifest::parse("manifest", &format!("{MANIFEST}\n{any}")).unwrap();
    let rules = read(GREET).rules("s.toml", &manifest, None).unwrap();
    let grants = decide(&manifest, &rules, &Digest::of(b"c")).unwrap();
    assert!(grants.nets().is_empty());
}

#[test]
fn a_policy_file_counts_instead_of_the_manifest() {
    let manifest = Manifest::parse("manifest", MANIFEST).unwrap();
    let scenario = read("policy = \"policy.toml\"\n");
    let file = format!("format = 1\n{GREET}");
    let rules = scenario.rules("s.toml", &manifest, Some(("policy.toml", &file)));
    assert!(decide(&manifest, &rules.unwrap(), &Digest::of(b"c")).is_err());
    let file = format!("{file}[plugins.greeter]\nread = [\".\"]\nrun = [\"greet:say\"]\n");
    let rules = scenario.rules("s.toml", &manifest, Some(("policy.toml", &file)));
    assert!(decide(&manifest, &rules.unwrap(), &Digest::of(b"c")).is_ok());
}

#[test]
fn grants_that_do_not_parse_are_mistakes() {
    assert_eq!(mistakes("[grant]\nread = [\"/etc\"]\n"), ["2: bad-flag"]);
}
