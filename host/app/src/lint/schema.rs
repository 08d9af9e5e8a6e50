//! Whether the schemas of a plugin say what it takes and gives.
//!
//! Never: a schema from anywhere but the plugin.

use remit_engine::inputs::Schema;
use serde_json::Value;

use super::Findings;

/// Deepest part of a schema that is looked at.
const MAX_DEPTH: usize = 16;

/// Looks at the schema of the inputs; gives it if it is one.
pub(super) fn inputs(findings: &mut Findings, text: &str) -> Option<Schema> {
    let schema = match Schema::parse(text) {
        Ok(schema) => schema,
        Err(error) => {
            findings.error(
                "schema-invalid",
                format!("of the inputs: {error}"),
                "write JSON Schema, draft 2020-12 unless it names another",
            );
            return None;
        }
    };
    if accepts_everything(schema.source()) {
        findings.error(
            "schema-missing",
            "its input schema accepts anything, so that a misspelt input is silently ignored",
            "describe the inputs; for none: {\"type\": \"object\", \"additionalProperties\": false}",
        );
        return Some(schema);
    }
    closed(findings, schema.source(), "", 0);
    Some(schema)
}

/// Looks at the schema of the outputs.
pub(super) fn outputs(findings: &mut Findings, text: &str, is_pattern: bool) {
    match Schema::parse(text) {
        Err(error) => findings.error(
            "schema-invalid",
            format!("of the outputs: {error}"),
            "write JSON Schema, draft 2020-12 unless it names another",
        ),
        Ok(schema) if is_pattern && accepts_everything(schema.source()) => findings.warning(
            "outputs-undescribed",
            "its output schema promises nothing",
            "describe what `outcome.outputs` holds",
        ),
        Ok(_) => {}
    }
}

fn accepts_everything(schema: &Value) -> bool {
    match schema {
        Value::Bool(accepts) => *accepts,
        Value::Object(object) => object.keys().all(|key| {
            let says_nothing = ["$schema", "$id", "title", "description", "$comment"];
            says_nothing.contains(&key.as_str()) || (key == "type" && object["type"] == "object")
        }),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => false,
    }
}

/// Every object that names its members takes no others, and every member is explained.
fn closed(findings: &mut Findings, schema: &Value, pointer: &str, depth: usize) {
    let Some(object) = schema.as_object().filter(|_| depth < MAX_DEPTH) else {
        return;
    };
    let place = if pointer.is_empty() { "/" } else { pointer };
    let names_members = object.get("properties").is_some();
    let says_more = ["additionalProperties", "unevaluatedProperties"]
        .iter()
        .any(|key| object.contains_key(*key));
    if names_members && !says_more {
        findings.error(
            "schema-open",
            format!("the input schema takes members that it does not name, at {place}"),
            "add \"additionalProperties\": false",
        );
    }
    let properties = object.get("properties").and_then(Value::as_object);
    for (name, part) in properties.into_iter().flatten() {
        let pointer = format!("{pointer}/properties/{name}");
        let is_explained = ["description", "title", "$ref", "const"]
            .iter()
            .any(|key| part.get(key).is_some());
        if !is_explained {
            findings.warning(
                "schema-unexplained",
                format!("the input at {pointer} has no description"),
                "add \"description\": \"…\"",
            );
        }
        closed(findings, part, &pointer, depth + 1);
    }
    if let Some(items) = object.get("items") {
        closed(findings, items, &format!("{pointer}/items"), depth + 1);
    }
    // The parts of a choice need not repeat what the whole says.
}
