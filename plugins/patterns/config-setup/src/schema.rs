//! The JSON Schema of a configuration, draft 7.
//!
//! Never: a type that JSON Schema does not have, or a bound of 0 taken for none.

use serde_json::{Map, Value, json};

use crate::formats::{Content, Level, levels};
use crate::request::Request;
use crate::setting::Setting;

/// The schema's text.
pub(crate) fn text(request: &Request) -> String {
    let mut text = pretty(&schema(request), 0);
    text.push('\n');
    text
}

/// The schema.
pub(crate) fn schema(request: &Request) -> Value {
    let mut properties = Vec::new();
    if request.has_version() {
        let version = json!({"type": "string", "description": "Version of the form of this file."});
        properties.push(("version".to_owned(), version));
    }
    let mut schema = object(&levels(&request.settings), properties);
    let mut whole = Map::new();
    whole.insert(
        "$schema".into(),
        "http://json-schema.org/draft-07/schema#".into(),
    );
    whole.insert("title".into(), request.title().into());
    whole.insert(
        "description".into(),
        format!("Schema for {}", request.path).into(),
    );
    whole.append(&mut schema);
    Value::Object(whole)
}

fn object(levels: &[Level<'_>], first: Vec<(String, Value)>) -> Map<String, Value> {
    let mut properties: Map<String, Value> = first.into_iter().collect();
    let mut required = Vec::new();
    for level in levels {
        let member = match &level.content {
            Content::Setting(setting) => {
                if setting.required {
                    required.push(Value::from(level.name));
                }
                one(setting)
            }
            Content::Levels(inner) => {
                let inner = object(inner, Vec::new());
                // A level is needed as soon as something in it is.
                if inner.contains_key("required") {
                    required.push(Value::from(level.name));
                }
                Value::Object(inner)
            }
        };
        properties.insert(level.name.to_owned(), member);
    }
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    if !required.is_empty() {
        schema.insert("required".into(), Value::Array(required));
    }
    schema.insert("properties".into(), Value::Object(properties));
    schema.insert("additionalProperties".into(), Value::Bool(false));
    schema
}

fn one(setting: &Setting) -> Value {
    let mut schema = Map::new();
    schema.insert("type".into(), setting.kind.schema_word().into());
    if !setting.description.is_empty() {
        schema.insert("description".into(), setting.description.as_str().into());
    }
    schema.insert("default".into(), setting.default.clone());
    for (name, bound) in [("minimum", &setting.min), ("maximum", &setting.max)] {
        if let Some(bound) = bound {
            schema.insert(name.into(), Value::Number(bound.clone()));
        }
    }
    if let Some(pattern) = &setting.pattern {
        schema.insert("pattern".into(), pattern.as_str().into());
    }
    if !setting.choices.is_empty() {
        schema.insert("enum".into(), Value::Array(setting.choices.clone()));
    }
    Value::Object(schema)
}

/// JSON as people write it: what is short in one line.
fn pretty(value: &Value, depth: usize) -> String {
    /// A short line, with room for its name.
    const SHORT: usize = 60;
    let line = crate::literal::value(value, crate::literal::Language::Json);
    let indent = "  ".repeat(depth + 1);
    let members: Vec<String> = match value {
        Value::Object(map) if depth == 0 || line.len() > SHORT => map
            .iter()
            .map(|(name, value)| {
                let name = crate::literal::quote(name, false);
                format!("{indent}{name}: {}", pretty(value, depth + 1))
            })
            .collect(),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => return line,
    };
    format!("{{\n{}\n{}}}", members.join(",\n"), "  ".repeat(depth))
}
