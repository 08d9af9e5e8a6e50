//! Text of plugins, tools and files on its way to a terminal: control characters become visible
//! instead of moving the cursor, changing colours or retitling the window.
//!
//! Never: text from outside printed without coming through here.

use std::borrow::Cow;

/// The same text with every control character written out.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if needs_escape(character) {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Control characters but for line ends and tabs, and the marks that reverse reading direction.
fn needs_escape(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_sequences_lose_their_power() {
        for (text, want) in [
            ("plain ü\tx\n", "plain ü\tx\n"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("a\u{9b}2J", "a\\u{9b}2J"),
            ("x\ry", "x\\u{d}y"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
        ] {
            assert_eq!(printable(text), want);
        }
    }
}
