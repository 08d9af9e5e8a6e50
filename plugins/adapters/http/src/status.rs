//! Which statuses are a success.
//!
//! Never: a status outside of what was asked for.

use serde::Deserialize;

/// One code, or a class of them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Word {
    /// Exactly this status.
    Code(u16),
    /// All that begin with this digit, as `2xx`.
    Class(String),
}

/// What is expected.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Expected {
    /// A code or a class.
    One(Word),
    /// Any of these.
    Any(Vec<Word>),
}

impl Default for Expected {
    fn default() -> Self {
        Self::One(Word::Class("2xx".to_owned()))
    }
}

impl Word {
    /// Whether this is a code or a class at all.
    fn is_known(&self) -> bool {
        match self {
            Self::Code(code) => (100..600).contains(code),
            Self::Class(class) => class_of(class).is_some(),
        }
    }

    fn holds(&self, status: u16) -> bool {
        match self {
            Self::Code(code) => *code == status,
            Self::Class(class) => class_of(class) == Some(status / 100),
        }
    }

    fn word(&self) -> String {
        match self {
            Self::Code(code) => code.to_string(),
            Self::Class(class) => class.clone(),
        }
    }
}

/// The first digit of a class such as `2xx`.
fn class_of(text: &str) -> Option<u16> {
    let digit = text.strip_suffix("xx")?;
    digit.parse().ok().filter(|digit| (1..6).contains(digit))
}

impl Expected {
    fn each(&self) -> &[Word] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Any(any) => any,
        }
    }

    /// The first that is neither a code nor a class.
    pub(crate) fn unknown(&self) -> Option<String> {
        let unknown = self.each().iter().find(|one| !one.is_known());
        unknown.map(Word::word)
    }

    /// Whether a status is expected.
    pub(crate) fn holds(&self, status: u16) -> bool {
        self.each().iter().any(|one| one.holds(status))
    }

    /// What is expected, for people.
    pub(crate) fn words(&self) -> String {
        let words: Vec<String> = self.each().iter().map(Word::word).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(text: &str) -> Expected {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn codes_and_classes() {
        for (text, status, holds) in [
            ("200", 200, true),
            ("200", 201, false),
            ("\"2xx\"", 299, true),
            ("\"2xx\"", 300, false),
            ("[200, \"4xx\"]", 404, true),
            ("[200, \"4xx\"]", 201, false),
            ("[]", 200, false),
        ] {
            assert_eq!(expected(text).holds(status), holds, "{text} {status}");
        }
        assert!(Expected::default().holds(204) && !Expected::default().holds(302));
        assert_eq!(expected("[200, \"4xx\"]").words(), "200, 4xx");
    }

    #[test]
    fn what_is_neither_is_named() {
        for text in ["\"200\"", "\"xx\"", "\"6xx\"", "[200, \"ok\"]", "99"] {
            assert!(expected(text).unknown().is_some(), "{text}");
        }
        assert_eq!(expected("[200, \"5xx\"]").unknown(), None);
    }
}
