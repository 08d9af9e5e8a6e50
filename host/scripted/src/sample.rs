//! Inputs that fit a schema: what its author gives as examples, the least that it demands, and
//! everything that it names.
//!
//! Never: a claim that they make sense. A plugin has to do something sensible with them all the
//! same.

use remit_engine::inputs::Schema;
use serde_json::{Map, Value, json};

/// Samples of one schema at most.
pub const MAX_SAMPLES: usize = 8;
/// Deepest nesting of a sample, and of references that are followed.
const MAX_DEPTH: usize = 16;
/// Shortest and longest text and list that are made to fit a limit.
const MAX_FILL: u64 = 256;
/// Texts that are tried where a pattern is asked for.
const TEXTS: [&str; 14] = [
    "sample",
    "a",
    "sample-1",
    "sample_1",
    "Sample",
    "A",
    "1",
    "0.1.0",
    "a.txt",
    "src/a.txt",
    "https://example.org",
    "2026-01-01",
    "main",
    "a:b",
];

/// Inputs that fit a schema, without repetition. None if none could be made.
#[must_use]
pub fn samples(schema: &Schema) -> Vec<Value> {
    let source = schema.source();
    let mut found: Vec<Value> = Vec::new();
    let given = source.get("examples").and_then(Value::as_array);
    let mut candidates: Vec<Value> = given.cloned().unwrap_or_default();
    let maker = Maker { root: source };
    for wish in [Wish::Least, Wish::Most] {
        candidates.extend(maker.value(source, wish, 0));
    }
    for candidate in candidates {
        let fits = candidate.is_object() && schema.problems(&candidate).is_empty();
        if fits && !found.contains(&candidate) && found.len() < MAX_SAMPLES {
            found.push(candidate);
        }
    }
    found
}

/// How much a sample has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// What is required.
    Least,
    /// Everything that is named.
    Most,
}

struct Maker<'a> {
    root: &'a Value,
}

impl Maker<'_> {
    /// A value that fits, if one is found.
    fn value(&self, schema: &Value, wish: Wish, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let Some(object) = schema.as_object() else {
            return (schema == &Value::Bool(true)).then(|| json!({}));
        };
        if let Some(target) = object.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(target.strip_prefix('#')?)?;
            return self.value(target, wish, depth + 1);
        }
        // Examples of the whole are candidates by themselves.
        if let Some(value) = given(object).filter(|_| depth > 0) {
            return Some(value);
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(options) = object.get(choice).and_then(Value::as_array) {
                let mut made = options
                    .iter()
                    .filter_map(|option| self.value(&merged(object, option), wish, depth + 1));
                return made.next();
            }
        }
        if let Some(parts) = object.get("allOf").and_then(Value::as_array) {
            let mut all = without(object, "allOf");
            for part in parts {
                all = merged(&all, part).as_object().cloned().unwrap_or_default();
            }
            return self.value(&Value::Object(all), wish, depth + 1);
        }
        self.of_type(object, wish, depth)
    }

    fn of_type(&self, schema: &Map<String, Value>, wish: Wish, depth: usize) -> Option<Value> {
        let word = match schema.get("type") {
            Some(Value::String(one)) => one.as_str(),
            Some(Value::Array(many)) => many.first()?.as_str()?,
            Some(_) => return None,
            None if schema.contains_key("properties") => "object",
            None if schema.contains_key("items") => "array",
            None if schema.contains_key("pattern") || schema.contains_key("minLength") => "string",
            None => "object",
        };
        match word {
            "object" => self.object(schema, wish, depth),
            "array" => self.array(schema, wish, depth),
            "string" => text(schema),
            "integer" | "number" => Some(number(schema)),
            "boolean" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => None,
        }
    }

    fn object(&self, schema: &Map<String, Value>, wish: Wish, depth: usize) -> Option<Value> {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let nothing = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&nothing);
        let mut made = Map::new();
        for (name, part) in properties {
            let needed = required.contains(&name.as_str());
            if !needed && wish == Wish::Least {
                continue;
            }
            match self.value(part, wish, depth + 1) {
                Some(value) => {
                    made.insert(name.clone(), value);
                }
                None if needed => return None,
                None => {}
            }
        }
        for name in required {
            // Required and not described: anything will do.
            made.entry(name).or_insert_with(|| json!("sample"));
        }
        Some(Value::Object(made))
    }

    fn array(&self, schema: &Map<String, Value>, wish: Wish, depth: usize) -> Option<Value> {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let wanted = if wish == Wish::Most {
            least.max(1)
        } else {
            least
        };
        let most = schema.get("maxItems").and_then(Value::as_u64);
        let count = wanted.min(most.unwrap_or(MAX_FILL)).min(MAX_FILL);
        let open = json!({"type": "string"});
        let item = schema.get("items").unwrap_or(&open);
        let mut made = Vec::new();
        for _ in 0..count {
            made.push(self.value(item, wish, depth + 1)?);
        }
        Some(Value::Array(made))
    }
}

/// What the author of a schema gives.
fn given(schema: &Map<String, Value>) -> Option<Value> {
    if let Some(value) = schema.get("const") {
        return Some(value.clone());
    }
    for list in ["examples", "enum"] {
        if let Some(first) = schema
            .get(list)
            .and_then(Value::as_array)
            .and_then(|all| all.first())
        {
            return Some(first.clone());
        }
    }
    schema.get("default").cloned()
}

fn without(schema: &Map<String, Value>, key: &str) -> Map<String, Value> {
    let mut rest = schema.clone();
    rest.remove(key);
    rest
}

/// A schema with one of its choices.
fn merged(schema: &Map<String, Value>, option: &Value) -> Value {
    let mut all = schema.clone();
    all.remove("anyOf");
    all.remove("oneOf");
    for (key, value) in option.as_object().into_iter().flatten() {
        match (all.get_mut(key), value) {
            (Some(Value::Array(known)), Value::Array(more)) if key == "required" => {
                known.extend(more.iter().cloned());
            }
            (Some(Value::Object(known)), Value::Object(more)) if key == "properties" => {
                known.extend(more.clone());
            }
            _ => {
                all.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(all)
}

fn text(schema: &Map<String, Value>) -> Option<Value> {
    let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    let most = schema.get("maxLength").and_then(Value::as_u64);
    let fits = |text: &str| {
        let length = text.chars().count() as u64;
        length >= least && most.is_none_or(|most| length <= most)
    };
    let Some(pattern) = schema.get("pattern") else {
        let found = TEXTS.iter().find(|text| fits(text));
        let filled = || "s".repeat(usize::try_from(least.min(MAX_FILL)).unwrap_or(0));
        return Some(found.map_or_else(|| json!(filled()), |text| json!(text)));
    };
    let checker = Schema::parse(&json!({"pattern": pattern}).to_string()).ok()?;
    TEXTS
        .iter()
        .map(|text| json!(text))
        .find(|text| text.as_str().is_some_and(fits) && checker.problems(text).is_empty())
}

fn number(schema: &Map<String, Value>) -> Value {
    let at = |key: &str| schema.get(key).and_then(Value::as_i64);
    let least =
        at("minimum").or_else(|| at("exclusiveMinimum").map(|least| least.saturating_add(1)));
    let most = at("maximum").or_else(|| at("exclusiveMaximum").map(|most| most.saturating_sub(1)));
    let step = at("multipleOf").unwrap_or(1);
    let value = least.unwrap_or_else(|| most.map_or(1, |most| most.min(1)));
    // A multiple that is not below the least; what does not fit all the same is left out.
    let rest = value.checked_rem_euclid(step).unwrap_or(0);
    json!(if rest == 0 {
        value
    } else {
        value.saturating_add(step - rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(schema: &Value) -> Vec<Value> {
        samples(&Schema::parse(&schema.to_string()).unwrap())
    }

    #[test]
    fn least_and_most_fit_the_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "pattern": "^[a-z-]+$", "minLength": 2},
                "kind": {"enum": ["x", "y"]},
                "count": {"type": "integer", "minimum": 3, "multipleOf": 2},
                "list": {"type": "array", "items": {"$ref": "#/$defs/entry"}, "minItems": 1},
                "either": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
                "deep": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
            },
            "required": ["name", "list"],
            "additionalProperties": false,
            "$defs": {"entry": {"type": "object", "properties": {"id": {"const": 7}}}},
        });
        assert_eq!(
            of(&schema),
            [
                json!({"name": "sample", "list": [{}]}),
                json!({"name": "sample", "kind": "x", "count": 4, "list": [{"id": 7}],
                       "either": false, "deep": {"a": 1}}),
            ]
        );
    }

    #[test]
    fn examples_come_first_and_only_if_they_fit() {
        let schema = json!({
            "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
            "examples": [{"a": 5}, {"a": "no"}],
        });
        assert_eq!(of(&schema), [json!({"a": 5}), json!({"a": 1})]);
    }

    #[test]
    fn what_cannot_be_met_gives_nothing() {
        let schema = json!({
            "type": "object", "properties": {"a": {"pattern": "^ü{300}$", "type": "string"}},
            "required": ["a"],
        });
        assert_eq!(of(&schema), Vec::<Value>::new());
        assert_eq!(of(&json!({"$ref": "#"})), Vec::<Value>::new());
    }
}
