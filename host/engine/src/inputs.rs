//! Inputs on their way to a plugin: text from a command line becomes typed values, values are
//! held against the plugin's schema, and everything that is wrong is said at once.
//!
//! Never: a guess that hides a mistake, a schema that reaches out to the network.

use remit_core::outcome::InputProblem;
use serde_json::{Map, Value};

/// Largest input document in bytes; the contract's limit on `json`.
pub const MAX_INPUT: usize = 16 << 20;

/// Problems that are listed. A longer list helps nobody.
const MAX_PROBLEMS: usize = 200;

/// A plugin's schema, ready to check with.
#[derive(Debug)]
pub struct Schema {
    source: Value,
    // `None`: `{}` or `true`, which accept everything; not worth compiling.
    validator: Option<jsonschema::Validator>,
}

/// The plugin's schema is itself wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Not JSON.
    #[error("the plugin's schema is not JSON: {0}")]
    Json(String),
    /// JSON, but not a schema.
    #[error("the plugin's schema is not a valid JSON Schema: {0}")]
    Schema(String),
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// The text is not a JSON Schema.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        let source: Value =
            serde_json::from_str(text).map_err(|error| SchemaError::Json(error.to_string()))?;
        let open = source == Value::Bool(true)
            || source.as_object().is_some_and(serde_json::Map::is_empty);
        let validator = if open {
            None
        } else {
            Some(
                jsonschema::validator_for(&source)
                    .map_err(|error| SchemaError::Schema(error.to_string()))?,
            )
        };
        Ok(Self { source, validator })
    }

    /// The schema itself.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// Everything that is wrong with a value.
    #[must_use]
    pub fn problems(&self, value: &Value) -> Vec<InputProblem> {
        let Some(validator) = &self.validator else {
            return Vec::new();
        };
        validator
            .iter_errors(value)
            .take(MAX_PROBLEMS)
            .map(|error| InputProblem {
                path: error.instance_path().to_string(),
                code: code(&error.schema_path().to_string()),
                message: error.to_string(),
            })
            .collect()
    }

    /// Gives the value that a `NAME=VALUE` on the command line means.
    ///
    /// The schema's `type` for that name decides: a string stays as it is, everything else is
    /// read as JSON. Where the schema says nothing, text that is JSON counts as JSON.
    #[must_use]
    pub fn value_of(&self, name: &str, text: &str) -> Value {
        let types = self
            .source
            .get("properties")
            .and_then(|properties| properties.get(name))
            .and_then(|property| property.get("type"));
        let is_string = match types {
            Some(Value::String(one)) => one == "string",
            Some(Value::Array(many)) => many.iter().any(|one| one == "string"),
            Some(_) | None => false,
        };
        if is_string {
            return Value::String(text.to_owned());
        }
        serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
    }

    /// Names that the schema knows, for a hint at a misspelt one.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.source
            .get("properties")
            .and_then(Value::as_object)
            .map(|properties| properties.keys().cloned().collect())
            .unwrap_or_default()
    }
}

/// The keyword that failed, as a code: the last part of the schema path that is a word.
fn code(schema_path: &str) -> String {
    let keyword = schema_path
        .rsplit('/')
        .find(|part| !part.is_empty() && part.parse::<usize>().is_err())
        .unwrap_or("schema");
    let mut code = String::with_capacity(keyword.len() + 4);
    for character in keyword.chars() {
        if character.is_ascii_uppercase() {
            code.push('-');
        }
        code.push(character.to_ascii_lowercase());
    }
    code
}

/// What was said about inputs, before the schema is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawInputs {
    /// A whole document, from a file or standard input.
    pub document: Option<Map<String, Value>>,
    /// `NAME=VALUE` pairs, in order; they replace what the document says.
    pub pairs: Vec<(String, String)>,
}

impl RawInputs {
    /// The inputs as one object.
    #[must_use]
    pub fn resolve(&self, schema: &Schema) -> Value {
        let mut object = self.document.clone().unwrap_or_default();
        for (name, text) in &self.pairs {
            object.insert(name.clone(), schema.value_of(name, text));
        }
        Value::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::parse(
            r#"{"type":"object","required":["name"],"additionalProperties":false,
                "properties":{"name":{"type":"string","pattern":"^[a-z]+$"},
                              "count":{"type":"integer","minimum":0},
                              "flag":{"type":"boolean"},
                              "either":{"type":["string","integer"]}}}"#,
        )
        .unwrap()
    }

    #[test]
    fn text_becomes_what_the_schema_says() {
        let schema = schema();
        for (name, text, want) in [
            ("name", "12", json!("12")),
            ("count", "12", json!(12)),
            ("count", "twelve", json!("twelve")),
            ("flag", "true", json!(true)),
            ("either", "12", json!("12")),
            ("unknown", "[1]", json!([1])),
            ("unknown", "a b", json!("a b")),
        ] {
            assert_eq!(schema.value_of(name, text), want, "{name}={text}");
        }
    }

    #[test]
    fn every_problem_is_reported_with_pointer_and_code() {
        let problems = schema().problems(&json!({"count": -1, "extra": 1, "flag": "no"}));
        let mut found: Vec<_> = problems
            .iter()
            .map(|problem| (problem.path.as_str(), problem.code.as_str()))
            .collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("", "additional-properties"),
                ("", "required"),
                ("/count", "minimum"),
                ("/flag", "type")
            ]
        );
    }

    #[test]
    fn an_open_schema_accepts_everything() {
        for text in ["{}", "true"] {
            let schema = Schema::parse(text).unwrap();
            assert!(schema.problems(&json!({"anything": [1, 2]})).is_empty());
        }
    }

    #[test]
    fn a_wrong_schema_is_an_error_not_a_panic() {
        for text in [
            "",
            "{",
            r#"{"properties":{"a":{"required":true}}}"#,
            r#"{"type":"float"}"#,
        ] {
            assert!(Schema::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pairs_replace_what_the_document_says() {
        let raw = RawInputs {
            document: json!({"name": "a", "count": 1}).as_object().cloned(),
            pairs: vec![("count".into(), "2".into())],
        };
        assert_eq!(raw.resolve(&schema()), json!({"name": "a", "count": 2}));
    }
}
