//! Values of a TOML file that belong to someone else's schema, as JSON; and where things stand.
//!
//! Never: a value that changes its meaning on the way. A date has no JSON form, so it is a mistake.

use serde_json::{Map, Number, Value};
use toml_edit::{Item, TableLike};

use super::{Section, Spanned};

/// Deepest nesting of a value. People write three or four levels; the reader must not run out of
/// stack.
const MAX_JSON_DEPTH: usize = 64;

impl<'a> Section<'a> {
    /// Whether the key is there. It still has to be asked for.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether the value is a table. It still has to be asked for.
    pub(crate) fn is_table(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Item::is_table_like)
    }

    /// The line on which the section begins, from 1.
    pub(crate) fn line(&self) -> usize {
        self.problems.source.position(self.span.start).0
    }

    /// `true` or `false`; absent is `None`.
    pub(crate) fn answer(&mut self, key: &str) -> Option<bool> {
        let is_there = self.has(key);
        let value = self.flag(key);
        is_there.then_some(value)
    }

    /// Any value, as JSON.
    pub(crate) fn json(&mut self, key: &str) -> Option<Spanned<Value>> {
        let item = self.item(key)?;
        match of_item(item.value, 0) {
            Ok(value) => Some(Spanned {
                value,
                span: item.span,
            }),
            Err(why) => {
                let message = format!("`{key}`{} has no JSON form: {why}", self.place());
                self.problems.report(
                    &item.span,
                    "no-json",
                    message,
                    "write texts, numbers, true and false, lists and tables",
                );
                None
            }
        }
    }

    /// A table of any values, as a JSON object: from `key`, or as JSON text from `key-json`, which
    /// can say `null`.
    pub(crate) fn object(&mut self, key: &str) -> Option<Map<String, Value>> {
        let as_text = format!("{key}-json");
        let written = self.has(key).then(|| self.section(key)).flatten();
        let text = self.text(&as_text);
        if let (Some(table), Some(text)) = (&written, &text) {
            let message = format!(
                "`{key}` and `{as_text}` are both there, on line {}",
                table.line()
            );
            self.problems
                .report(&text.span, "said-twice", message, "write one of them");
            return None;
        }
        if let Some(mut table) = written {
            let keys = table.keys();
            return Some(
                keys.into_iter()
                    .filter_map(|name| Some((name.value.to_owned(), table.json(name.value)?.value)))
                    .collect(),
            );
        }
        let text = text?;
        match serde_json::from_str::<Value>(text.value) {
            Ok(Value::Object(object)) => Some(object),
            Ok(_) => {
                let message = format!("`{as_text}` is JSON, but not an object");
                self.problems
                    .report(&text.span, "bad-json", message, "write {\"name\": value}");
                None
            }
            Err(error) => {
                let message = format!("`{as_text}` is not JSON: {error}");
                self.problems
                    .report(&text.span, "bad-json", message, "write a JSON object");
                None
            }
        }
    }

    /// A list of any values, as JSON; absent is `None`.
    pub(crate) fn jsons(&mut self, key: &str) -> Option<Vec<Value>> {
        let value = self.json(key)?;
        match value.value {
            Value::Array(values) => Some(values),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => {
                let message = format!("`{key}`{} must be a list", self.place());
                self.problems
                    .report(&value.span, "wrong-type", message, "write a list: [ … ]");
                None
            }
        }
    }
}

fn of_item(item: &Item, depth: usize) -> Result<Value, &'static str> {
    if depth > MAX_JSON_DEPTH {
        return Err("it is nested too deep");
    }
    match item {
        Item::None => Ok(Value::Null),
        Item::Value(value) => of_value(value, depth),
        Item::Table(table) => of_table(table, depth),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| of_table(table, depth)).collect(),
    }
}

fn of_table(table: &dyn TableLike, depth: usize) -> Result<Value, &'static str> {
    let entries = table.iter();
    entries
        .map(|(key, item)| Ok((key.to_owned(), of_item(item, depth + 1)?)))
        .collect::<Result<Map<String, Value>, _>>()
        .map(Value::Object)
}

fn of_value(value: &toml_edit::Value, depth: usize) -> Result<Value, &'static str> {
    use toml_edit::Value as Toml;
    if depth > MAX_JSON_DEPTH {
        return Err("it is nested too deep");
    }
    match value {
        Toml::String(text) => Ok(Value::String(text.value().clone())),
        Toml::Integer(number) => Ok(Value::Number((*number.value()).into())),
        Toml::Float(number) => Number::from_f64(*number.value())
            .map(Value::Number)
            .ok_or("JSON has no infinite numbers"),
        Toml::Boolean(answer) => Ok(Value::Bool(*answer.value())),
        Toml::Datetime(_) => Err("dates are not JSON; write a text"),
        Toml::Array(values) => values.iter().map(|one| of_value(one, depth + 1)).collect(),
        Toml::InlineTable(table) => of_table(table, depth),
    }
}
