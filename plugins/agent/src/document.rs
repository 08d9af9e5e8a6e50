//! From lines to JSON documents: one a line, or one that was printed over many lines.
//!
//! Never: a line lost in silence. What is no JSON is handed on as text or counted as broken.

use serde_json::Value;

/// Most bytes of a document that is printed over many lines; a report of one run has a few KiB.
const MAX_PRINTED: usize = 1 << 20;

/// What a line turned out to be.
#[derive(Debug, PartialEq)]
pub(crate) enum Part {
    /// A document, or one element of a list of documents.
    Event(Value),
    /// Words for people.
    Text(String),
    /// It begins like a document and is none: cut off, or overwritten by something else.
    Broken,
}

/// Puts documents together.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    printed: String,
}

impl Documents {
    /// Takes the next line.
    pub(crate) fn line(&mut self, line: &str) -> Vec<Part> {
        let bare = line.trim_end();
        if self.printed.is_empty() {
            if matches!(bare, "{" | "[") {
                self.printed.push_str(bare);
                return Vec::new();
            }
            return whole(bare);
        }
        if self.printed.len() + bare.len() > MAX_PRINTED {
            self.printed.clear();
            return vec![Part::Broken];
        }
        // An event on a line of its own ends what never became a document.
        if bare.starts_with('{') {
            self.printed.clear();
            let mut parts = vec![Part::Broken];
            parts.extend(self.line(line));
            return parts;
        }
        self.printed.push('\n');
        self.printed.push_str(bare);
        if matches!(bare, "}" | "]") {
            return whole(&std::mem::take(&mut self.printed));
        }
        Vec::new()
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self) -> Vec<Part> {
        if std::mem::take(&mut self.printed).is_empty() {
            Vec::new()
        } else {
            vec![Part::Broken]
        }
    }
}

fn whole(text: &str) -> Vec<Part> {
    let text = text.trim_start();
    if text.is_empty() {
        return Vec::new();
    }
    if !text.starts_with(['{', '[']) {
        return vec![Part::Text(text.to_owned())];
    }
    match serde_json::from_str(text) {
        Ok(Value::Array(all)) if all.iter().all(Value::is_object) => {
            all.into_iter().map(Part::Event).collect()
        }
        Ok(value @ Value::Object(_)) => vec![Part::Event(value)],
        Ok(_) => vec![Part::Text(text.to_owned())],
        // `[API Error: …]` and `[1m` are words, `[{"type"` is half a document.
        Err(_) if text.starts_with('{') || text.starts_with("[{") => vec![Part::Broken],
        Err(_) => vec![Part::Text(text.to_owned())],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all(text: &str) -> Vec<Part> {
        let mut documents = Documents::default();
        let mut parts: Vec<Part> = text.lines().flat_map(|line| documents.line(line)).collect();
        parts.extend(documents.finish());
        parts
    }

    #[test]
    fn documents_by_line_by_list_and_printed() {
        let one = Part::Event(json!({"a": 1}));
        assert_eq!(all("{\"a\":1}\n\n"), [one]);
        let two = [Part::Event(json!({"a": 1})), Part::Event(json!({"b": [2]}))];
        assert_eq!(all("[{\"a\":1},{\"b\":[2]}]"), two);
        let printed = "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n";
        assert_eq!(all(printed), [Part::Event(json!({"a": {"b": 1}}))]);
    }

    #[test]
    fn words_are_words_and_half_a_document_is_broken() {
        let text = |text: &str| Part::Text(text.to_owned());
        assert_eq!(all("Fixed it."), [text("Fixed it.")]);
        assert_eq!(all("[API Error: 401]"), [text("[API Error: 401]")]);
        assert_eq!(all("{\"type\":\"resu"), [Part::Broken]);
        assert_eq!(all("{\n  \"a\": 1"), [Part::Broken]);
        assert_eq!(
            all("{\n{\"a\":1}"),
            [Part::Broken, Part::Event(json!({"a": 1}))]
        );
    }
}
