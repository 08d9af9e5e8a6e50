//! Which hooks an event starts, what of an owner's file is refused, and what waits.

use super::*;

const WORDS: &[&str] = &[
    "RUN_STARTED",
    "EXECUTION_FINISHED",
    "TASK_FAILED",
    "tool-output",
];

fn hooks(json: &str) -> Result<Hooks, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn a_hook_is_started_by_the_events_that_it_names() {
    let hooks = hooks(
        r#"[{"on": ["RUN_*"], "tool": "notify:send"},
            {"on": ["TASK_FAILED", "*-output"], "tool": "log:add"},
            {"on": ["*"], "tool": "all:of_it"}]"#,
    )
    .unwrap();
    let started =
        |word, cause| -> Vec<usize> { hooks.started_by(word, cause).map(|(at, _)| at).collect() };
    assert_eq!(started("RUN_STARTED", Cause::Run), [0, 2]);
    assert_eq!(started("EXECUTION_FINISHED", Cause::Run), [2]);
    assert_eq!(started("TASK_FAILED", Cause::Run), [1, 2]);
    assert_eq!(started("tool-output", Cause::Run), [1, 2]);
    assert_eq!(started("TASK_FAILED_TWICE", Cause::Run), [2]);
    assert_eq!(hooks.unknown(WORDS), []);
}

#[test]
fn what_a_hook_caused_starts_no_hook() {
    let hooks = hooks(r#"[{"on": ["*"], "tool": "all:of_it"}]"#).unwrap();
    assert_eq!(hooks.started_by("tool-output", Cause::Hook).count(), 0);
}

#[test]
fn a_pattern_that_no_event_matches_is_named() {
    let hooks = hooks(r#"[{"on": ["RUN_*", "TASK_FIALED", "x*"], "tool": "a:b"}]"#).unwrap();
    let said: Vec<String> = hooks
        .unknown(WORDS)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(said.len(), 2);
    assert!(
        said[0].contains("`a:b`") && said[0].contains("`TASK_FIALED`"),
        "{said:?}"
    );
    assert!(
        said[0].contains("RUN_STARTED, EXECUTION_FINISHED, TASK_FAILED"),
        "{said:?}"
    );
    assert!(said[1].contains("`x*`"), "{said:?}");
}

#[test]
fn a_call_has_the_slots_of_the_owner_and_the_event_on_standard_input() {
    let hooks = hooks(
        r#"[{"on": ["*"], "tool": "notify:send", "slots": {"to": "me", "also": ["a", "b"]}}]"#,
    )
    .unwrap();
    let call = hooks.all()[0].call(b"{}".to_vec());
    assert_eq!(
        (call.tool.as_str(), call.template.as_str()),
        ("notify", "send")
    );
    assert_eq!(
        call.slots,
        [
            (
                "also".to_owned(),
                SlotValue::Many(vec!["a".into(), "b".into()])
            ),
            ("to".to_owned(), SlotValue::One("me".into())),
        ]
    );
    assert_eq!(call.stdin, CallStdin::Bytes(b"{}".to_vec()));
    assert!(call.env.is_empty() && call.cwd.is_none());
}

#[test]
fn what_was_written_is_written_again() {
    let json =
        r#"[{"on":["RUN_*"],"tool":"notify:send","slots":{"to":"me"}},{"on":["*"],"tool":"a:b"}]"#;
    assert_eq!(serde_json::to_string(&hooks(json).unwrap()).unwrap(), json);
}

#[test]
fn mistakes_are_refused_with_the_word_that_is_wrong() {
    let long = "a".repeat(MAX_HOOK_PATTERN + 1);
    let patterns = vec!["\"*\""; MAX_HOOK_PATTERNS + 1].join(",");
    let slots: Vec<String> = (0..=MAX_HOOK_SLOTS)
        .map(|n| format!("\"s{n}\":\"\""))
        .collect();
    let many = vec![r#"{"on":["*"],"tool":"a:b"}"#; MAX_HOOKS + 1].join(",");
    for (json, word) in [
        (r#"[{"on": [], "tool": "a:b"}]"#.to_owned(), "`on` is empty"),
        (r#"[{"tool": "a:b"}]"#.to_owned(), "`on`"),
        (r#"[{"on": ["*"]}]"#.to_owned(), "`tool`"),
        (
            r#"[{"on": ["a.b"], "tool": "a:b"}]"#.to_owned(),
            "`a.b` names no event",
        ),
        (
            r#"[{"on": [""], "tool": "a:b"}]"#.to_owned(),
            "`` names no event",
        ),
        (
            r#"[{"on": ["{a,b}"], "tool": "a:b"}]"#.to_owned(),
            "`{a,b}` names no event",
        ),
        (
            format!(r#"[{{"on": ["{long}"], "tool": "a:b"}}]"#),
            "names no event",
        ),
        (
            r#"[{"on": ["*"], "tool": "ab"}]"#.to_owned(),
            "there is no `:`",
        ),
        (
            r#"[{"on": ["*"], "tool": "/bin/sh:x"}]"#.to_owned(),
            "`/bin/sh` is not a tool name",
        ),
        (
            r#"[{"on": ["*"], "tool": "a:b c"}]"#.to_owned(),
            "`b c` is not a template name",
        ),
        (
            r#"[{"on": ["*"], "tool": "a:b", "shell": true}]"#.to_owned(),
            "`shell`",
        ),
        (
            r#"[{"on": ["*"], "tool": "a:b", "slots": {"A": "x"}}]"#.to_owned(),
            "`A` is not a slot name",
        ),
        (
            r#"[{"on": ["*"], "tool": "a:b", "slots": {"a": 1}}]"#.to_owned(),
            "a text or a list of texts",
        ),
        (
            format!(r#"[{{"on": [{patterns}], "tool": "a:b"}}]"#),
            "`on` has 33 entries",
        ),
        (
            format!(
                r#"[{{"on": ["*"], "tool": "a:b", "slots": {{{}}}}}]"#,
                slots.join(",")
            ),
            "`slots` has 65 entries",
        ),
        (format!("[{many}]"), "33 of them"),
    ] {
        let said = hooks(&json).unwrap_err();
        assert!(said.contains(word), "{json}\n{said}");
    }
}

#[test]
fn one_runs_and_the_others_follow_in_order() {
    let mut queue = HookQueue::default();
    assert_eq!(queue.offer(1), Some(1));
    assert_eq!(queue.offer(2), None);
    assert_eq!(queue.offer(3), None);
    assert_eq!((queue.is_running(), queue.waiting()), (true, 2));
    assert_eq!(queue.ended(), Some(2));
    assert_eq!(queue.ended(), Some(3));
    assert_eq!(queue.ended(), None);
    assert!(!queue.is_running());
    assert_eq!(queue.offer(4), Some(4));
}

#[test]
fn a_slow_hook_loses_the_oldest_events_and_counts_them() {
    let mut queue = HookQueue::default();
    for number in 0..=MAX_HOOK_BACKLOG + 5 {
        assert_eq!(queue.offer(number).is_some(), number == 0);
    }
    assert_eq!((queue.waiting(), queue.dropped()), (MAX_HOOK_BACKLOG, 5));
    assert_eq!(queue.ended(), Some(6));
    let rest: Vec<usize> = std::iter::from_fn(|| queue.ended()).collect();
    assert_eq!(rest.len(), MAX_HOOK_BACKLOG - 1);
    assert_eq!(rest.last(), Some(&(MAX_HOOK_BACKLOG + 5)));
    assert!(rest.is_sorted());
}
