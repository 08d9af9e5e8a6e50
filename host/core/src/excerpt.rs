//! The beginning of a text that was refused, for the message that says why.
//!
//! Never: a text of any length in a message.

/// Characters that are shown. Two lines of a terminal: enough to recognise what one wrote.
const MAX_EXCERPT_CHARS: usize = 160;

/// The beginning of a text.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(MAX_EXCERPT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(excerpt("mißlungen"), "mißlungen");
        let shown = excerpt(&"ß".repeat(MAX_EXCERPT_CHARS + 1));
        assert_eq!(shown, "ß".repeat(MAX_EXCERPT_CHARS));
    }
}
