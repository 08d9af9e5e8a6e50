//! EXEC-016: import lines of Python programs, brought to where modules are now.
//!
//! Which lines become which is a map that the project keeps. Never: a line that is changed by
//! anything but the first rule that fits it, or a program whose other lines change.

use std::path::Path;

use regex_lite::{Regex, RegexBuilder};
use remit_plugin_library::files;
use remit_plugin_library::path::SafePath;
use remit_plugin_survey::read_yaml;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::{Config, ConfigError, Imports};
use crate::plan::{Action, Plan};
use crate::scan::Tree;

/// Largest program that is rewritten, and largest map.
const MOST_BYTES: u64 = 1 << 20;
/// Most rules of a map, and largest compiled rule in bytes: each line is held against each rule.
const MOST_RULES: usize = 1_000;
const MOST_OF_A_RULE: usize = 1 << 20;

#[derive(Debug, Deserialize)]
struct Said {
    old_pattern: String,
    #[serde(default)]
    new_pattern: Option<String>,
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

enum Verdict {
    Replace(String),
    Block(String),
}

struct Rule {
    old: Regex,
    verdict: Verdict,
}

#[derive(Debug, Serialize)]
struct Violation {
    path: String,
    line: usize,
    old: String,
    new: Option<String>,
    message: Option<String>,
}

/// Plans the change of every program that has old imports.
///
/// # Errors
/// The map is there and cannot be used; says which rule.
pub(crate) fn plan(base: &Path, tree: &Tree, settings: &Imports) -> Result<Plan, ConfigError> {
    const KEY: &str = "patterns.EXEC-016.migration_map_file";
    let Some(name) = &settings.migration_map_file else {
        return Ok(Plan::skipped(format!("{KEY} names no map of imports")));
    };
    let map = Config::directory(KEY, name)?;
    if !matches!(
        files::kind(&base.join(map.as_str())),
        Ok(Some(files::Kind::File))
    ) {
        return Ok(Plan::skipped(format!("{KEY}: there is no file {map}")));
    }
    let text = files::read_text(&base.join(map.as_str()), MOST_BYTES)
        .map_err(|error| ConfigError(error.to_string()))?;
    let rules = rules(&text).map_err(|error| ConfigError(format!("{map}: {error}")))?;
    let mut plan = Plan::default();
    let mut violations = Vec::new();
    let mut programs: Vec<&SafePath> = tree
        .files
        .iter()
        .map(|file| &file.path)
        .filter(|path| path.name().ends_with(".py"))
        .collect();
    programs.sort_by_key(|path| order(path, &settings.dependency_order));
    for path in programs {
        let Ok(text) = files::read_text(&base.join(path.as_str()), MOST_BYTES) else {
            plan.notes
                .push(format!("{path} was not looked at: too large, or no text"));
            continue;
        };
        if settings.preserve_shims && is_shim(&text) {
            continue;
        }
        let before = violations.len();
        let new = rewrite(&text, &rules, path, &mut violations);
        let changed = violations.len() - before;
        if new != text {
            let why = format!("old imports: {changed}");
            plan.change(Action::Write(path.clone(), new.into_bytes()), why);
        }
    }
    let blocked = violations.iter().filter(|one| one.new.is_none()).count();
    if blocked > 0 {
        plan.notes
            .push(format!("imports that only a person can change: {blocked}"));
    }
    plan.findings = json!({ "imports": violations });
    Ok(plan)
}

fn rules(text: &str) -> Result<Vec<Rule>, String> {
    let document = read_yaml(text).map_err(|error| error.to_string())?;
    let listed = document
        .get("migrations")
        .and_then(Value::as_array)
        .ok_or("has no list `migrations`")?;
    if listed.len() > MOST_RULES {
        return Err(format!("more than {MOST_RULES} migrations"));
    }
    listed.iter().enumerate().map(rule).collect()
}

fn rule((index, value): (usize, &Value)) -> Result<Rule, String> {
    let at = format!("migrations.{index}");
    let said = Said::deserialize(value).map_err(|error| format!("{at}: {error}"))?;
    let old = RegexBuilder::new(&format!("^(?:{})", said.old_pattern))
        .size_limit(MOST_OF_A_RULE)
        .build()
        .map_err(|error| format!("{at}.old_pattern: {error}"))?;
    let verdict = match (said.action.as_deref(), said.new_pattern) {
        (Some("block"), _) => Verdict::Block(
            said.message
                .unwrap_or_else(|| "this import is not allowed any more".to_owned()),
        ),
        (None | Some("migrate"), Some(new)) => Verdict::Replace(new),
        (None | Some("migrate"), None) => return Err(format!("{at} has no new_pattern")),
        (Some(other), _) => {
            return Err(format!(
                "{at}.action: `{other}` is not `migrate` or `block`"
            ));
        }
    };
    Ok(Rule { old, verdict })
}

/// The program with its import lines as the rules want them; line ends stay as they are.
fn rewrite(text: &str, rules: &[Rule], path: &SafePath, violations: &mut Vec<Violation>) -> String {
    let mut new = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let inside = line.trim();
        let fits = rules.iter().find(|rule| rule.old.is_match(inside));
        let Some(rule) =
            fits.filter(|_| inside.starts_with("from ") || inside.starts_with("import "))
        else {
            new.push_str(line);
            continue;
        };
        let (replaced, message) = match &rule.verdict {
            Verdict::Replace(by) => (
                Some(rule.old.replace(inside, by.as_str()).into_owned()),
                None,
            ),
            Verdict::Block(message) => (None, Some(message.clone())),
        };
        match &replaced {
            Some(replaced) => new.push_str(&line.replacen(inside, replaced, 1)),
            None => new.push_str(line),
        }
        violations.push(Violation {
            path: path.to_string(),
            line: index + 1,
            old: inside.to_owned(),
            new: replaced,
            message,
        });
    }
    new
}

/// Whether a program only hands on what another module has: it is there for old imports.
fn is_shim(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next();
    let only = lines.next().is_none();
    only && first.is_some_and(|line| line.starts_with("from ") && line.ends_with(" import *"))
}

/// Where a program comes: by the first directory of the order that it is in, else last.
fn order(path: &SafePath, order: &[String]) -> usize {
    order
        .iter()
        .position(|directory| path.as_str().starts_with(directory.as_str()))
        .unwrap_or(order.len())
}
