//! Holds a value against a JSON Schema, as far as the schemas of patterns go: `type`, `enum`,
//! `const`, `required`, `properties`, `additionalProperties: false`, `items`, `minimum`, `maximum`,
//! `minLength`, `maxLength`, `pattern`.
//!
//! The host holds inputs against a plugin's own schema with a complete validator; this is for
//! schemas that only a plugin sees. Never: a keyword taken for fulfilled because it is unknown and
//! would have been a demand; see the list above for what is looked at.

use serde_json::{Map, Value};

use crate::validation::{Problems, Wrong, kind, pointer};

/// Deepest value that is looked at.
const MAX_DEPTH: usize = 64;

/// Every place at which a value breaks a schema.
pub fn hold(value: &Value, schema: &Value) -> Vec<Wrong> {
    let mut problems = Problems::new();
    check(value, schema, "", 0, &mut problems);
    problems.check::<()>(Some(())).err().unwrap_or_default()
}

fn check(value: &Value, schema: &Value, at: &str, depth: usize, problems: &mut Problems) {
    let Value::Object(schema) = schema else {
        if schema == &Value::Bool(false) {
            problems.add(at, "not-allowed", "nothing is allowed here");
        }
        return;
    };
    if depth > MAX_DEPTH {
        problems.add(at, "depth", "too deep to be looked at");
        return;
    }
    if let Some(wanted) = schema.get("type")
        && !is_of(value, wanted)
    {
        problems.add(
            at,
            "type",
            format!("{value} is {}, not {wanted}", kind(value)),
        );
        return;
    }
    if let Some(Value::Array(all)) = schema.get("enum")
        && !all.contains(value)
    {
        let all: Vec<String> = all.iter().map(Value::to_string).collect();
        problems.add(
            at,
            "enum",
            format!("{value} is not one of {}", all.join(", ")),
        );
    }
    if let Some(wanted) = schema.get("const")
        && wanted != value
    {
        problems.add(at, "const", format!("{wanted} was expected, not {value}"));
    }
    match value {
        Value::Object(map) => check_object(map, schema, at, depth, problems),
        Value::Array(list) => {
            if let Some(items) = schema.get("items") {
                for (index, one) in list.iter().enumerate() {
                    check(
                        one,
                        items,
                        &pointer(at, &index.to_string()),
                        depth + 1,
                        problems,
                    );
                }
            }
        }
        Value::Number(number) => check_number(number.as_f64(), schema, at, problems),
        Value::String(text) => check_text(text, schema, at, problems),
        Value::Null | Value::Bool(_) => {}
    }
}

fn is_of(value: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Array(any) => any.iter().any(|one| is_of(value, one)),
        Value::String(name) => match name.as_str() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            // 1.0 is an integer in draft 7.
            "integer" => {
                value.is_i64()
                    || value.is_u64()
                    || value.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            // Said by no validator; who wrote the schema has to hear of it.
            _ => false,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    }
}

fn check_object(
    map: &Map<String, Value>,
    schema: &Map<String, Value>,
    at: &str,
    depth: usize,
    problems: &mut Problems,
) {
    if let Some(Value::Array(names)) = schema.get("required") {
        for name in names.iter().filter_map(Value::as_str) {
            if !map.contains_key(name) {
                problems.add(at, "required", format!("`{name}` is needed"));
            }
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, value) in map {
        let place = pointer(at, name);
        match properties.and_then(|properties| properties.get(name)) {
            Some(schema) => check(value, schema, &place, depth + 1, problems),
            None => match schema.get("additionalProperties") {
                Some(Value::Bool(false)) => {
                    problems.add(place, "unknown", format!("`{name}` is not allowed"));
                }
                Some(schema) => check(value, schema, &place, depth + 1, problems),
                None => {}
            },
        }
    }
}

fn check_number(
    number: Option<f64>,
    schema: &Map<String, Value>,
    at: &str,
    problems: &mut Problems,
) {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let Some(number) = number else { return };
    if let Some(least) = bound("minimum").filter(|least| number < *least) {
        problems.add(at, "minimum", format!("{number} is less than {least}"));
    }
    if let Some(most) = bound("maximum").filter(|most| number > *most) {
        problems.add(at, "maximum", format!("{number} is more than {most}"));
    }
}

fn check_text(text: &str, schema: &Map<String, Value>, at: &str, problems: &mut Problems) {
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    if let Some(least) = bound("minLength").filter(|least| length < *least) {
        problems.add(at, "min-length", format!("shorter than {least} characters"));
    }
    if let Some(most) = bound("maxLength").filter(|most| length > *most) {
        problems.add(at, "max-length", format!("longer than {most} characters"));
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        match regex_lite::Regex::new(pattern) {
            Ok(regex) if regex.is_match(text) => {}
            Ok(_) => problems.add(
                at,
                "pattern",
                format!("`{text}` does not match `{pattern}`"),
            ),
            Err(error) => {
                problems.add(
                    at,
                    "pattern",
                    format!("`{pattern}` cannot be read: {error}"),
                );
            }
        }
    }
}
