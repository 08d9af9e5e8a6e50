//! The name of a call, and what a tool is told of its task.
//! Never: a name that two different calls share.

use std::collections::BTreeSet;

use super::*;
use crate::decide::decide;
use crate::manifest::Manifest;
use crate::policy::{Origin, Policy};
use crate::tool::{CallStdin, SlotValue, ToolCall};

const MANIFEST: &str = "format = 1\nid = \"my-plugin\"\nversion = \"0.1.0\"\nwit = \"remit:plugin@0.1.0\"\n\
    title = \"Test\"\n[[read]]\npath = \".\"\nreason = \"r\"\n[[run]]\ntool = \"mine\"\nreason = \"t\"\n";

fn launch(run: &str, call: &ToolCall) -> Launch {
    let policy = format!(
        "format = 1\n[tools.mine]\nprogram = \"/opt/mine\"\n\
         [tools.mine.templates]\nsay = [\"--\", \"{{text:text*}}\"]\nother = [\"--\", \"{{text:text*}}\"]\n\
         [tools.mine.run]\n{run}\n[plugins.my-plugin]\nread = [\".\"]\nrun = [\"mine\"]\n"
    );
    let policy = Policy::parse(Origin::File("p".to_owned()), &policy).unwrap();
    let manifest = Manifest::parse("m", MANIFEST).unwrap();
    let grants = decide(&manifest, &policy, &Digest::of(b"c")).unwrap();
    grants.launch(call).unwrap()
}

fn call(texts: &[&str]) -> ToolCall {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    ToolCall {
        tool: "mine".to_owned(),
        template: "say".to_owned(),
        slots: vec![("text".to_owned(), SlotValue::Many(texts))],
        env: Vec::new(),
        cwd: None,
        stdin: CallStdin::Empty,
        timeout: None,
        idle: None,
    }
}

#[test]
fn calls_that_differ_in_anything_that_counts_have_different_names() {
    let with = |change: fn(&mut ToolCall)| {
        let mut call = call(&["ab", "c"]);
        change(&mut call);
        call
    };
    let calls = [
        with(|_| {}),
        with(|call| call.slots[0].1 = SlotValue::Many(vec!["a".into(), "bc".into()])),
        with(|call| call.slots[0].1 = SlotValue::Many(vec!["abc".into()])),
        with(|call| call.template = "other".into()),
        with(|call| call.cwd = Some("src".into())),
        with(|call| call.stdin = CallStdin::Piped),
        with(|call| call.stdin = CallStdin::Bytes(Vec::new())),
        with(|call| call.stdin = CallStdin::Bytes(b"src".to_vec())),
        with(|call| call.stdin = CallStdin::File("src".into())),
    ];
    let mut names: BTreeSet<Digest> = calls
        .iter()
        .map(|call| launch("", call).call_digest())
        .collect();
    names.insert(launch("env = [\"LANG\"]", &calls[0]).call_digest());
    assert_eq!(names.len(), calls.len() + 1);
}

#[test]
fn the_name_of_a_call_is_the_same_in_every_attempt() {
    let first = launch("set = { MODE = \"one\" }", &call(&["x"]));
    let second = launch("set = { MODE = \"two\" }", &call(&["x"]));
    let mark = TaskMark {
        run: "r".into(),
        task: "t".into(),
        attempt: 2,
        fence: 7,
    };
    assert_eq!(first.call_digest(), second.call_digest());
    let marked = second.for_task(&mark, 3);
    assert_eq!(first.call_digest(), marked.call_digest());
    let told: Vec<String> = marked
        .set_env()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        told,
        [
            "MODE=two",
            "REMIT_RUN=r",
            "REMIT_TASK=t",
            "REMIT_ATTEMPT=2",
            "REMIT_FENCE=7",
            "REMIT_EFFECT_KEY=r/t/3",
            told.last().unwrap(),
        ]
    );
    let of_effect = SpanPath::run("r").task("t").attempt(2).effect(3);
    let said = format!("TRACEPARENT={}", of_effect.traceparent());
    assert_eq!(told.last(), Some(&said));
}

#[test]
fn nobody_who_declares_a_tool_can_choose_what_it_is_told_of_its_task() {
    for name in TASK_NAMES {
        for run in [
            format!("env = [\"{name}\"]"),
            format!("plugin-env = [\"{name}\"]"),
            format!("set = {{ {name} = \"x\" }}"),
            format!("secret = {{ {name} = \"env:OTHER\" }}"),
        ] {
            let text = format!(
                "format = 1\n[tools.mine]\nprogram = \"/opt/mine\"\ntemplates = {{ go = [] }}\n\
                 [tools.mine.run]\n{run}\n"
            );
            let found = Policy::parse(Origin::File("p".to_owned()), &text).unwrap_err();
            let found = found.to_string();
            assert!(found.contains("is set by remit itself"), "{run}: {found}");
        }
    }
}
