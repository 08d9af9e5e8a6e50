//! One JSON Schema of draft 7, as other systems wrote it.
//!
//! Two of six schemas of the origin are no valid JSON Schema (`"required": true` inside of a
//! property), and those of wrapped instances demand the schema's own `doc_id` of every instance,
//! so that none can be valid. What they mean is plain, and is what comes out.
//!
//! Never: a demand dropped that can be kept.

use serde_json::{Map, Value};

use crate::validation::{Wrong, pointer};

/// Deepest schema that is read: the origin's are 6 deep.
const MAX_DEPTH: usize = 64;

/// A schema that is valid.
#[derive(Debug, Clone)]
pub struct ImportedSchema {
    /// The schema.
    pub schema: Value,
    /// What had to be adapted, with pointers into the schema as it was.
    pub repairs: Vec<Wrong>,
}

impl ImportedSchema {
    /// Whether the schema was valid JSON Schema as it was: what was adapted is only what it meant.
    pub fn was_valid(&self) -> bool {
        self.repairs
            .iter()
            .all(|repair| !matches!(repair.code, "required" | "type"))
    }
}

/// Imports a schema.
pub fn schema(value: &Value) -> ImportedSchema {
    let mut repairs = Vec::new();
    let own = value.get("doc_id").and_then(Value::as_str);
    let schema = one(value, "", own, 0, &mut repairs);
    ImportedSchema { schema, repairs }
}

fn note(repairs: &mut Vec<Wrong>, path: String, code: &'static str, message: String) {
    repairs.push(Wrong {
        path,
        code,
        message,
    });
}

fn one(
    value: &Value,
    at: &str,
    own: Option<&str>,
    depth: usize,
    repairs: &mut Vec<Wrong>,
) -> Value {
    let Value::Object(map) = value else {
        return value.clone();
    };
    if depth > MAX_DEPTH {
        note(
            repairs,
            at.to_owned(),
            "depth",
            "too deep; anything is allowed below".to_owned(),
        );
        return Value::Bool(true);
    }
    let mut result = Map::new();
    let mut needed: Vec<Value> = Vec::new();
    for (name, member) in map {
        let place = pointer(at, name);
        match (name.as_str(), member) {
            ("properties", Value::Object(properties)) => {
                let mut all = Map::new();
                for (property, member) in properties {
                    let place = pointer(&place, property);
                    if let Some(Value::Bool(required)) = member.get("required") {
                        let message = format!(
                            "`required` is a list of names at the object; `{property}` is taken as {}",
                            if *required { "required" } else { "optional" }
                        );
                        note(repairs, pointer(&place, "required"), "required", message);
                        if *required {
                            needed.push(Value::from(property.as_str()));
                        }
                    }
                    all.insert(
                        property.clone(),
                        one(member, &place, own, depth + 1, repairs),
                    );
                }
                result.insert(name.clone(), Value::Object(all));
            }
            ("items" | "additionalProperties" | "not", member) => {
                let member = one(member, &place, own, depth + 1, repairs);
                result.insert(name.clone(), member);
            }
            // Noted at the property's object, where its name is known.
            ("required", Value::Bool(_)) => {}
            ("type", Value::String(kind)) if kind == "float" => {
                let message = "`float` is no type of JSON Schema; `number` is meant".to_owned();
                note(repairs, place, "type", message);
                result.insert(name.clone(), Value::from("number"));
            }
            ("const", Value::String(text)) if own == Some(text) && at.ends_with("/doc_id") => {
                let message = "the schema demands its own `doc_id` of every instance; left out";
                note(repairs, place, "doc-id", message.to_owned());
            }
            ("condition" | "doc_id", Value::String(_)) => {
                let message = format!("`{name}` is no keyword of JSON Schema; left out");
                note(repairs, place, "keyword", message);
            }
            ("example", member) => {
                let message = "`example` is no keyword of JSON Schema; `examples` is meant";
                note(repairs, place, "keyword", message.to_owned());
                result.insert("examples".to_owned(), Value::Array(vec![member.clone()]));
            }
            (_, member) => {
                result.insert(name.clone(), member.clone());
            }
        }
    }
    add_needed(&mut result, needed);
    Value::Object(result)
}

fn add_needed(schema: &mut Map<String, Value>, needed: Vec<Value>) {
    if needed.is_empty() {
        return;
    }
    let all = schema
        .entry("required")
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(all) = all {
        for name in needed {
            if !all.contains(&name) {
                all.push(name);
            }
        }
    }
}
