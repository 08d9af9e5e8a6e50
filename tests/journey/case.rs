//! `case.toml`: a journey as data.
//!
//! What a step does not name must not happen: without `changed` nothing may change, without
//! `exit` it must succeed. Never: a key that nobody reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A journey. Texts may hold the placeholders of `Home::places`, and `$CASE`, the case's folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Case {
    /// What it shows, in a sentence.
    pub(crate) about: String,
    /// Symbolic links of the workspace and their targets.
    #[serde(default)]
    pub(crate) links: BTreeMap<String, String>,
    /// Files beside the workspace, which nothing may reach.
    #[serde(default)]
    pub(crate) outside: BTreeMap<String, String>,
    /// Files of the user's home directory.
    #[serde(default)]
    pub(crate) home: BTreeMap<String, String>,
    /// What is done, one after the other, in the same workspace.
    #[serde(rename = "step")]
    pub(crate) steps: Vec<Step>,
}

/// One start of the program, and what must come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Step {
    /// Files of the workspace that are written before.
    #[serde(default)]
    pub(crate) write: BTreeMap<String, String>,
    /// Files of the workspace that are deleted before.
    #[serde(default)]
    pub(crate) delete: Vec<String>,
    /// The arguments of the program.
    pub(crate) args: Vec<String>,
    /// Its standard input.
    #[serde(default)]
    pub(crate) stdin: String,
    /// Inputs: they go to standard input as JSON, and `--input-file -` to the arguments.
    #[serde(default)]
    pub(crate) inputs: Option<Value>,
    /// Variables of its environment.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// Its exit code.
    #[serde(default)]
    pub(crate) exit: i32,
    /// Texts that its standard output holds, in this order.
    #[serde(default)]
    pub(crate) stdout: Vec<String>,
    /// Texts that its standard error holds, in this order.
    #[serde(default)]
    pub(crate) stderr: Vec<String>,
    /// Texts that neither holds.
    #[serde(default)]
    pub(crate) nowhere: Vec<String>,
    /// Types of events that come in this order, with others between them.
    #[serde(default)]
    pub(crate) events: Vec<String>,
    /// The type of every event; a type that comes several times in a row counts once.
    #[serde(default)]
    pub(crate) all_events: Option<Vec<String>>,
    /// Values at JSON pointers of the output; of the last line, if it is one of events.
    #[serde(default)]
    pub(crate) json: BTreeMap<String, Value>,
    /// Texts inside of strings at JSON pointers of the same.
    #[serde(default)]
    pub(crate) json_holds: BTreeMap<String, String>,
    /// Events that must be there.
    #[serde(default, rename = "event")]
    pub(crate) with_events: Vec<WithEvent>,
    /// What changed in the workspace: `+ new`, `~ changed`, `- gone`, sorted by path.
    #[serde(default)]
    pub(crate) changed: Vec<String>,
    /// Texts inside of files of the workspace, afterwards.
    #[serde(default)]
    pub(crate) holds: BTreeMap<String, String>,
}

/// An event that must be there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WithEvent {
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Values at JSON pointers of it.
    #[serde(default)]
    pub(crate) json: BTreeMap<String, Value>,
    /// Texts inside of strings at JSON pointers of it.
    #[serde(default)]
    pub(crate) json_holds: BTreeMap<String, String>,
}

/// The folder of all cases.
pub(crate) fn folder() -> PathBuf {
    crate::home::repository().join("tests/journey/cases")
}

/// Reads a case.
pub(crate) fn read(folder: &Path) -> Case {
    let file = folder.join("case.toml");
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let case = parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(
        !case.steps.is_empty() && !case.about.is_empty(),
        "{}: a case says what it is about and has a [[step]]",
        file.display()
    );
    case
}

/// Reads the text of a case.
fn parse(text: &str) -> Result<Case, String> {
    let document: toml_edit::DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    serde_json::from_value(table(document.as_table())?).map_err(|error| error.to_string())
}

fn table(table: &dyn toml_edit::TableLike) -> Result<Value, String> {
    let entries = table
        .iter()
        .map(|(key, item)| Ok((key.to_owned(), item_value(item)?)));
    Ok(Value::Object(entries.collect::<Result<_, String>>()?))
}

fn item_value(item: &toml_edit::Item) -> Result<Value, String> {
    if let Some(inside) = item.as_table_like() {
        return table(inside);
    }
    if let Some(tables) = item.as_array_of_tables() {
        return Ok(Value::Array(
            tables
                .iter()
                .map(|one| table(one))
                .collect::<Result<_, _>>()?,
        ));
    }
    item.as_value()
        .map_or_else(|| Err("an empty item".to_owned()), value)
}

fn value(value: &toml_edit::Value) -> Result<Value, String> {
    if let Some(inside) = value.as_inline_table() {
        return table(inside);
    }
    if let Some(list) = value.as_array() {
        return Ok(Value::Array(
            list.iter().map(self::value).collect::<Result<_, _>>()?,
        ));
    }
    let text = value.as_str().map(Value::from);
    let other = || {
        value
            .as_integer()
            .map(Value::from)
            .or_else(|| value.as_bool().map(Value::from))
    };
    text.or_else(other)
        .ok_or_else(|| format!("a case has no use for {value}"))
}

#[test]
fn an_unknown_key_is_an_error() {
    for text in [
        "about = \"x\"\nextra = 1\n[[step]]\nargs = []\n",
        "about = \"x\"\n[[step]]\nargs = []\nexits = 1\n",
        "about = \"x\"\n[[step]]\nargs = []\n[[step.event]]\ntype = \"x\"\njosn = {}\n",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    let text = "about = \"x\"\n[[step]]\nargs = []\n[[step.event]]\ntype = \"x\"\n";
    assert!(parse(text).is_ok());
}
