//! Values as text that every reader of a language takes for the same value.
//!
//! One form of strings and numbers serves JSON, YAML (1.1 and 1.2), TOML and Python: double quotes
//! with `\uXXXX`, and floats that always have a point. `1e30` would be a text to readers of YAML 1.1.
//!
//! Never: a raw control character, or one that some reader takes for the end of a line.

use serde_json::{Number, Value};

/// A string in double quotes. What is beyond ASCII stays readable; with `ascii` it is escaped.
pub(crate) fn quote(text: &str, ascii: bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if is_unsafe(letter) || (ascii && !letter.is_ascii()) => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    quoted.push_str(&format!("\\u{unit:04x}"));
                }
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Control characters, other ends of lines, and the byte order mark: all in the lower plane, where
/// one `\uXXXX` is one character in every language.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A number.
pub(crate) fn number(number: &Number) -> String {
    if number.is_f64() {
        number.as_f64().map_or_else(|| number.to_string(), float)
    } else {
        number.to_string()
    }
}

/// A float, with a point and with a sign in the exponent.
pub(crate) fn float(value: f64) -> String {
    let text = format!("{value:?}");
    match text.split_once('e') {
        None => text,
        Some((mantissa, exponent)) => {
            let point = if mantissa.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with('-') { "" } else { "+" };
            format!("{mantissa}{point}e{sign}{exponent}")
        }
    }
}

/// How a language writes lists and objects in one line, and its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// JSON, which is also YAML.
    Json,
    /// JSON in ASCII.
    Ascii,
    Toml,
    Python,
}

/// A value in one line.
pub(crate) fn value(value: &Value, language: Language) -> String {
    let list = |all: &[Value]| {
        let all: Vec<String> = all.iter().map(|one| self::value(one, language)).collect();
        all.join(", ")
    };
    match value {
        Value::Null if language == Language::Python => "None".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Bool(true) if language == Language::Python => "True".to_owned(),
        Value::Bool(false) if language == Language::Python => "False".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => self::number(number),
        Value::String(text) => quote(text, language == Language::Ascii),
        Value::Array(all) => format!("[{}]", list(all)),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let (open, equals, close) = match language {
                Language::Toml => ("{ ", " = ", " }"),
                Language::Json | Language::Ascii | Language::Python => ("{", ": ", "}"),
            };
            let members: Vec<String> = map
                .iter()
                .map(|(name, value)| {
                    let name = quote(name, language == Language::Ascii);
                    format!("{name}{equals}{}", self::value(value, language))
                })
                .collect();
            format!("{open}{}{close}", members.join(", "))
        }
    }
}

/// One line of text for a comment: every end of a line becomes a space.
pub(crate) fn one_line(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|letter| if is_unsafe(letter) { ' ' } else { letter })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
