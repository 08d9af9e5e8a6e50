//! Whatever bytes come, and however they are cut up: no panic, and the same observation.
//!
//! Never: a wait; there is no process here.

use proptest::prelude::*;
use remit_plugin_agent::{
    Changes, Ended, Killer, Lines, Observation, Reader, Stream, Tool, details, judge,
};

const RECORDED: [(Tool, &str); 7] = [
    (
        Tool::Aider,
        include_str!("transcripts/aider-autotest-fails-rc0/stdout"),
    ),
    (Tool::Codex, include_str!("transcripts/codex-ok/stdout")),
    (
        Tool::Claude,
        include_str!("transcripts/claude-sigterm-143/stdout"),
    ),
    (
        Tool::Opencode,
        include_str!("transcripts/opencode-permission-autoreject-rc0/stdout"),
    ),
    (Tool::Gemini, include_str!("transcripts/gemini-ok/stdout")),
    (
        Tool::Qwen,
        include_str!("transcripts/qwen-401-rc0-is_error-false/stdout"),
    ),
    (
        Tool::Acp,
        include_str!("transcripts/acp-opencode/acp.jsonl"),
    ),
];

fn observe(tool: Tool, stream: Stream, parts: &[&[u8]]) -> Observation {
    let mut reader = Reader::new(tool);
    let mut lines = Lines::default();
    for part in parts {
        lines.feed(part, &mut |line| reader.line(stream, line));
    }
    lines.finish(&mut |line| reader.line(stream, line));
    reader.finish();
    let seen = reader.seen().clone();
    for ended in [Ended::Code(0), Ended::Code(1), Ended::Killed(Killer::Time)] {
        let changes = Changes::seen(["a"]);
        let judged = judge(tool, &seen, ended, &changes, true);
        assert!(!judged.reason.is_empty());
        assert!(details(&seen, ended, &changes, &judged).is_object());
    }
    seen
}

fn tool() -> impl Strategy<Value = Tool> {
    (0..Tool::ALL.len()).prop_map(|index| Tool::ALL[index])
}

fn stream() -> impl Strategy<Value = Stream> {
    (0..3_usize).prop_map(|index| [Stream::Stdout, Stream::Stderr, Stream::Log][index])
}

/// A document with the words of the agents at odd places.
fn document() -> impl Strategy<Value = String> {
    let word =
        "type|subtype|result|item|part|state|status|error|message|content|usage|update|params";
    let leaf = prop_oneof![
        "[a-z._]{0,12}".prop_map(|text| format!("\"{text}\"")),
        "(turn\\.completed|turn\\.failed|item\\.completed|result|assistant|user|system|error|tool_use|step_finish|session/update)"
            .prop_map(|text| format!("\"{text}\"")),
        any::<i32>().prop_map(|number| number.to_string()),
        Just("null".to_owned()),
        Just("1e999".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec((word, inner.clone()), 0..5).prop_map(|all| {
                let all: Vec<String> = all.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", all.join(","))
            }),
            prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read(tool in tool(), stream in stream(), bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        observe(tool, stream, &[&bytes]);
    }

    #[test]
    fn arbitrary_documents_are_read(tool in tool(), stream in stream(), all in prop::collection::vec(document(), 0..20)) {
        observe(tool, stream, &[all.join("\n").as_bytes()]);
    }

    #[test]
    fn a_recording_cut_anywhere_is_the_same(which in 0..RECORDED.len(), first in any::<prop::sample::Index>(), second in any::<prop::sample::Index>()) {
        let (tool, text) = RECORDED[which];
        let bytes = text.as_bytes();
        let mut cuts = [first.index(bytes.len()), second.index(bytes.len())];
        cuts.sort_unstable();
        let parts = [&bytes[..cuts[0]], &bytes[cuts[0]..cuts[1]], &bytes[cuts[1]..]];
        prop_assert_eq!(
            observe(tool, Stream::Stdout, &[bytes]),
            observe(tool, Stream::Stdout, &parts)
        );
    }

    #[test]
    fn a_recording_that_breaks_off_is_read(which in 0..RECORDED.len(), at in any::<prop::sample::Index>()) {
        let (tool, text) = RECORDED[which];
        observe(tool, Stream::Stdout, &[&text.as_bytes()[..at.index(text.len())]]);
    }
}

#[test]
fn the_order_of_fields_does_not_matter() {
    for (tool, text) in RECORDED {
        // A map sorts its fields.
        let sorted: Vec<String> = text
            .lines()
            .map(|line| {
                let value: Result<serde_json::Value, _> = serde_json::from_str(line);
                value.map_or_else(|_| line.to_owned(), |value| value.to_string())
            })
            .collect();
        let (one, other) = (text.as_bytes(), sorted.join("\n"));
        assert_eq!(
            observe(tool, Stream::Stdout, &[one]),
            observe(tool, Stream::Stdout, &[other.as_bytes()]),
            "{tool:?}"
        );
    }
}

#[test]
fn unknown_events_are_counted_and_change_nothing() {
    let (tool, text) = RECORDED[1];
    let with = format!("{{\"type\":\"new.thing\"}}\n{text}{{\"type\":\"new.thing\",\"x\":[]}}\n");
    let (mut found, expected) = (
        observe(tool, Stream::Stdout, &[with.as_bytes()]),
        observe(tool, Stream::Stdout, &[text.as_bytes()]),
    );
    assert_eq!(found.unknown.remove("new.thing"), Some(2));
    assert_eq!(found, expected);
}
