//! What a collector hears of a run, and what a run notices of its collector.

use std::collections::BTreeSet;
use std::net::TcpListener;

use rustix::process::Signal;
use serde_json::json;

use super::Stage;
use super::collector::{Collector, Told};
use crate::home::{PATIENCE, wait};
use crate::machine::{send, until};

fn named<'s>(spans: &'s [Told], kind: &str, name: &str) -> &'s Told {
    let mut found = spans
        .iter()
        .filter(|span| span.kind == kind && span.name == name);
    let first = found
        .next()
        .unwrap_or_else(|| panic!("{kind} {name}: {spans:#?}"));
    assert!(found.next().is_none(), "{kind} {name} twice: {spans:#?}");
    first
}

#[test]
fn a_collector_hears_of_each_thing_inside_of_what_is_around_it() {
    let stage = Stage::set("");
    stage.plan(&json!([
        {"id": "a", "tool": "say:hello", "gates": [{"kind": "lint", "tool": "say:hello"}]},
        {"id": "b", "tool": "no:go"},
    ]));
    let collector = Collector::start();
    let (code, _, said) = stage.ask_with("execute plan.json", |c| collector.configure(c));
    assert_eq!(code, 1, "{said}");
    let spans = collector.spans();
    let run = named(&spans, "run", "run");
    assert_eq!((run.parent.as_str(), run.status), ("", 2));
    let a = named(&spans, "task", "a");
    assert_eq!((a.parent.as_str(), a.status), (run.id.as_str(), 1));
    let effect = named(&spans, "effect", "say:hello");
    let attempt = spans
        .iter()
        .find(|span| span.kind == "attempt" && span.parent == a.id)
        .unwrap();
    assert_eq!((attempt.name.as_str(), attempt.status), ("attempt 1", 1));
    assert_eq!(
        (effect.parent.as_str(), effect.status),
        (attempt.id.as_str(), 1)
    );
    let tools: Vec<&Told> = spans
        .iter()
        .filter(|span| span.kind == "tool" && span.name == "say")
        .collect();
    let gate = spans
        .iter()
        .find(|span| span.name.starts_with("gate "))
        .unwrap();
    assert_eq!(gate.parent, attempt.id);
    let parents: BTreeSet<&str> = tools.iter().map(|tool| tool.parent.as_str()).collect();
    assert_eq!(
        parents,
        BTreeSet::from([effect.id.as_str(), gate.id.as_str()])
    );
    let b = named(&spans, "task", "b");
    assert_eq!((b.parent.as_str(), b.status), (run.id.as_str(), 2));
    assert_eq!(named(&spans, "effect", "no:go").status, 2);
    assert!(spans.iter().all(|span| span.trace == run.trace));
    let ids: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), spans.len(), "{spans:#?}");
}

#[test]
fn a_host_that_goes_on_tells_the_rest_and_nothing_twice() {
    let stage = Stage::set("");
    stage.plan(&json!([
        {"id": "a", "tool": "say:hello"},
        {"id": "ask", "approval": "go on?", "needs": ["a"]},
        {"id": "b", "tool": "say:hello", "needs": ["ask"]},
    ]));
    let first = Collector::start();
    let mut command = stage.home.remit(&["execute", "plan.json"]);
    first.configure(&mut command);
    let host = command.spawn().unwrap();
    let waits = || stage.ask("task list --waiting").1.contains("r/ask");
    assert!(until(PATIENCE, waits));
    send(host.id(), Signal::TERM);
    assert_eq!(wait(host).status.code(), Some(8));
    assert_eq!(stage.ask("approve r/ask").0, 0);
    let second = Collector::start();
    let (code, _, said) = stage.ask_with("execute --run r", |c| second.configure(c));
    assert_eq!(code, 0, "{said}");
    let (first, second) = (first.spans(), second.spans());
    named(&first, "task", "a");
    assert!(first.iter().all(|span| span.kind != "run"));
    for (kind, name) in [("task", "ask"), ("task", "b"), ("run", "run")] {
        assert_eq!(named(&second, kind, name).status, 1);
    }
    let all = [first, second].concat();
    let ids: BTreeSet<&str> = all.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), all.len(), "{all:#?}");
    assert_eq!(
        named(&all, "task", "a").parent,
        named(&all, "run", "run").id
    );
}

#[test]
fn a_tool_is_told_which_span_its_own_hang_below() {
    let stage = Stage::set("");
    stage.plan(&json!([{"id": "a", "tool": "trace:parent"}]));
    let collector = Collector::start();
    let (code, _, said) = stage.ask_with("execute plan.json", |c| collector.configure(c));
    assert_eq!(code, 0, "{said}");
    let spans = collector.spans();
    let effect = named(&spans, "effect", "trace:parent");
    let told = stage.ask("events r/a --raw").1;
    assert_eq!(told.trim(), format!("00-{}-{}-01", effect.trace, effect.id));
}

#[test]
fn a_collector_that_is_not_there_is_one_warning_and_changes_nothing() {
    let stage = Stage::set("");
    stage.plan(&json!([{"id": "a", "tool": "say:hello"}]));
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, _, said) = stage.ask_with("execute plan.json", |command| {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{gone}"));
    });
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("spans are missing").count(), 1, "{said}");
}

#[test]
fn a_variable_that_cannot_be_used_stops_before_anything_begins() {
    let stage = Stage::set("");
    stage.plan(&json!([{"id": "a", "tool": "say:hello"}]));
    let (code, _, said) = stage.ask_with("execute plan.json", |command| {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:4318");
    });
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{said}");
    assert_eq!(stage.ask("runs --all --json").1.trim(), "[]");
}
