//! The configuration in YAML, JSON and TOML, with the defaults as values.
//!
//! Keys with dots become levels in all three. Never: a comment in JSON, which has none.

use serde_json::Value;

use crate::literal::{Language, one_line, quote, value};
use crate::request::{Format, Request};
use crate::setting::Setting;

/// The version of the form of new files.
pub(crate) const FIRST_VERSION: &str = "1.0.0";

/// Words that YAML 1.1 takes for something else than a text.
const YAML_WORDS: [&str; 10] = [
    "y", "n", "yes", "no", "true", "false", "on", "off", "null", "nan",
];

/// A level of the file: settings and further levels, in the order in which they were said.
pub(crate) struct Level<'a> {
    pub(crate) name: &'a str,
    pub(crate) content: Content<'a>,
}

/// What has a name in the file.
pub(crate) enum Content<'a> {
    Setting(&'a Setting),
    Levels(Vec<Level<'a>>),
}

/// The levels of the file.
pub(crate) fn levels(settings: &[Setting]) -> Vec<Level<'_>> {
    let mut top = Vec::new();
    for setting in settings {
        add(&mut top, setting, 0);
    }
    top
}

fn add<'a>(levels: &mut Vec<Level<'a>>, setting: &'a Setting, depth: usize) {
    let Some(name) = setting.parts.get(depth) else {
        return;
    };
    if depth + 1 == setting.parts.len() {
        let content = Content::Setting(setting);
        levels.push(Level { name, content });
        return;
    }
    let known = levels.iter_mut().find(|level| level.name == name);
    if let Some(Level {
        content: Content::Levels(inner),
        ..
    }) = known
    {
        add(inner, setting, depth + 1);
        return;
    }
    let mut inner = Vec::new();
    add(&mut inner, setting, depth + 1);
    let content = Content::Levels(inner);
    levels.push(Level { name, content });
}

/// The file's text. `head` is lines that a format with comments begins with.
pub(crate) fn text(request: &Request, head: &[String]) -> String {
    let levels = levels(&request.settings);
    let mut text = String::new();
    let comments = match request.format {
        Format::Json => &[][..],
        Format::Yaml | Format::Toml => head,
    };
    for line in comments {
        text.push_str(&format!("# {}\n", one_line(line)));
    }
    if !comments.is_empty() {
        text.push('\n');
    }
    match request.format {
        Format::Json => json(request, &levels, &mut text),
        Format::Yaml => {
            if request.has_version() {
                text.push_str(&format!("version: \"{FIRST_VERSION}\"\n"));
            }
            yaml(&levels, 0, &mut text);
            if request.settings.is_empty() && !request.has_version() {
                text.push_str("{}\n");
            }
        }
        Format::Toml => {
            if request.has_version() {
                text.push_str(&format!("version = \"{FIRST_VERSION}\"\n"));
            }
            toml(&levels, "", &mut text);
        }
    }
    text
}

/// What is said of a setting above it.
fn comments(setting: &Setting, indent: &str, text: &mut String) {
    let description = one_line(&setting.description);
    if !description.is_empty() {
        text.push_str(&format!("{indent}# {description}\n"));
    }
    let need = if setting.required { ", required" } else { "" };
    let mut rules = setting.rules();
    rules.insert(0, format!("{}{need}", setting.kind.word()));
    text.push_str(&format!(
        "{indent}# Type: {}\n",
        one_line(&rules.join("; "))
    ));
}

fn yaml(levels: &[Level<'_>], depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    for level in levels {
        let name = if YAML_WORDS.contains(&level.name.to_ascii_lowercase().as_str()) {
            quote(level.name, false)
        } else {
            level.name.to_owned()
        };
        if depth == 0 {
            text.push('\n');
        }
        match &level.content {
            Content::Setting(setting) => {
                comments(setting, &indent, text);
                let value = value(&setting.default, Language::Json);
                text.push_str(&format!("{indent}{name}: {value}\n"));
            }
            Content::Levels(inner) => {
                text.push_str(&format!("{indent}{name}:\n"));
                yaml(inner, depth + 1, text);
            }
        }
    }
}

/// Settings come before tables: what follows a table's head belongs to it.
fn toml(levels: &[Level<'_>], table: &str, text: &mut String) {
    for level in levels {
        if let Content::Setting(setting) = &level.content {
            if table.is_empty() {
                text.push('\n');
            }
            comments(setting, "", text);
            let value = value(&setting.default, Language::Toml);
            text.push_str(&format!("{} = {value}\n", level.name));
        }
    }
    for level in levels {
        if let Content::Levels(inner) = &level.content {
            let name = if table.is_empty() {
                level.name.to_owned()
            } else {
                format!("{table}.{}", level.name)
            };
            let settings = inner
                .iter()
                .any(|one| matches!(one.content, Content::Setting(_)));
            if settings {
                text.push_str(&format!("\n[{name}]\n"));
            }
            toml(inner, &name, text);
        }
    }
}

fn json(request: &Request, levels: &[Level<'_>], text: &mut String) {
    let mut members = Vec::new();
    if request.has_version() {
        members.push(format!("  \"version\": \"{FIRST_VERSION}\""));
    }
    members.extend(levels.iter().map(|level| json_level(level, 1)));
    if members.is_empty() {
        text.push_str("{}\n");
    } else {
        text.push_str(&format!("{{\n{}\n}}\n", members.join(",\n")));
    }
}

fn json_level(level: &Level<'_>, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let name = quote(level.name, false);
    match &level.content {
        Content::Setting(setting) => {
            format!(
                "{indent}{name}: {}",
                value(&setting.default, Language::Json)
            )
        }
        Content::Levels(inner) => {
            let members: Vec<String> = inner
                .iter()
                .map(|level| json_level(level, depth + 1))
                .collect();
            format!("{indent}{name}: {{\n{}\n{indent}}}", members.join(",\n"))
        }
    }
}

/// The configuration as a value, with the defaults.
pub(crate) fn defaults(request: &Request) -> Value {
    let mut map = object(&levels(&request.settings));
    if request.has_version() {
        map.insert("version".to_owned(), Value::from(FIRST_VERSION));
    }
    Value::Object(map)
}

fn object(levels: &[Level<'_>]) -> serde_json::Map<String, Value> {
    levels
        .iter()
        .map(|level| {
            let value = match &level.content {
                Content::Setting(setting) => setting.default.clone(),
                Content::Levels(inner) => Value::Object(object(inner)),
            };
            (level.name.to_owned(), value)
        })
        .collect()
}
