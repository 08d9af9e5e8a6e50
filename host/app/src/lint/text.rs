//! Whether words say something.
//!
//! Never: a judgement of style.

/// Titles and reasons that were to be replaced, in small letters.
const PLACEHOLDERS: [&str; 22] = [
    "todo",
    "fixme",
    "xxx",
    "tbd",
    "reason",
    "title",
    "description",
    "because",
    "needed",
    "is needed",
    "required",
    "is required",
    "needs it",
    "necessary",
    "test",
    "none",
    "n/a",
    "foo",
    "bar",
    "placeholder",
    "why the plugin needs this",
    "a component without a manifest",
];

/// Shortest text that can say why, or what: "reads names" is one.
const SHORTEST: usize = 8;

/// Whether a title or a reason says nothing.
pub(super) fn is_empty_talk(text: &str) -> bool {
    let plain = text.trim().trim_end_matches(['.', '!', '…']).to_lowercase();
    let has_mark = plain
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| matches!(word, "todo" | "fixme" | "tbd" | "xxx"));
    plain.chars().count() < SHORTEST || has_mark || PLACEHOLDERS.contains(&plain.as_str())
}

/// With what `todo!()` ends; no library says it.
const UNFINISHED: &str = "not yet implemented";

/// The text of an unfinished function, if it is in the bytes.
pub(super) fn unfinished(bytes: &[u8]) -> Option<&'static str> {
    let found = bytes
        .windows(UNFINISHED.len())
        .any(|window| window == UNFINISHED.as_bytes());
    found.then_some(UNFINISHED)
}

/// Whether a message is that of something which was not written yet.
pub(super) fn is_unfinished(message: &str) -> bool {
    let plain = message.to_lowercase();
    [
        "not yet implemented",
        "not implemented",
        "unimplemented",
        "notimplementederror",
        "todo:",
    ]
    .iter()
    .any(|word| plain.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_say_nothing_are_known() {
        for text in [
            "",
            "Todo",
            "todo: say why",
            "needed",
            "Required.",
            "reads",
            "fixme later on",
        ] {
            assert!(is_empty_talk(text), "{text}");
        }
        for text in [
            "reads names",
            "runs the new module's tests",
            "Greet someone by name",
        ] {
            assert!(!is_empty_talk(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_done_says_so() {
        assert!(unfinished(b"..not yet implemented: later..").is_some());
        assert!(unfinished(b"Function not implemented").is_none());
        assert!(is_unfinished("panicked: not implemented: the rest"));
        assert!(!is_unfinished("the tool is not there"));
    }
}
