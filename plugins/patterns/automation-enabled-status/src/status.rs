//! Puts together what was seen.
//!
//! Never: a `no` for what is unknown, a `yes` that nobody saw.

use std::fs::File;
use std::path::Path;

use remit_plugin_library::path::SafePath;
use remit_plugin_survey::{Kind, kind};
use serde::Serialize;

use crate::config::{Config, MAIN, Switch};
use crate::hooks;
use crate::request::Request;
use crate::sqlite::{self, Table};

/// Where the data base is if nobody says.
const USUAL_DATABASE: &str = "patterns/metrics/pattern_automation.db";

/// An answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Yes,
    No,
    Unknown,
}

/// An answer, where it was seen, and why it is not `yes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fact {
    pub(crate) answer: Answer,
    #[serde(rename = "where")]
    pub(crate) places: Vec<String>,
    pub(crate) reason: Option<String>,
}

impl Fact {
    pub(crate) fn yes(places: impl IntoIterator<Item = String>) -> Self {
        Self {
            answer: Answer::Yes,
            places: places.into_iter().collect(),
            reason: None,
        }
    }

    pub(crate) fn no(reason: String) -> Self {
        Self {
            answer: Answer::No,
            places: Vec::new(),
            reason: Some(reason),
        }
    }

    pub(crate) fn unknown(reason: String) -> Self {
        Self {
            answer: Answer::Unknown,
            places: Vec::new(),
            reason: Some(reason),
        }
    }
}

/// The whole status; its form is `schema/outputs.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    pub(crate) automation_enabled: Fact,
    pub(crate) active: Fact,
    pub(crate) config: ConfigStatus,
    pub(crate) switches: Vec<Switch>,
    pub(crate) hooks: HookStatus,
    pub(crate) database: DatabaseStatus,
}

#[derive(Debug, Serialize)]
pub(crate) struct ConfigStatus {
    pub(crate) path: String,
    pub(crate) read: Fact,
}

#[derive(Debug, Serialize)]
pub(crate) struct HookStatus {
    pub(crate) module: Fact,
    pub(crate) called: Fact,
    pub(crate) git_hook: Fact,
}

#[derive(Debug, Serialize)]
pub(crate) struct DatabaseStatus {
    pub(crate) path: String,
    pub(crate) present: Fact,
    pub(crate) table: Fact,
    pub(crate) rows: Option<u64>,
    pub(crate) rows_reason: Option<String>,
}

/// Looks at a project below the workspace.
pub(crate) fn look(workspace: &Path, request: &Request) -> Status {
    let root = request.root.within(workspace);
    let config = Config::look(&root, request.config.as_ref());
    let enabled = main_switch(&config);
    let hooks = HookStatus {
        module: hooks::is_there(&root, &request.hooks_module),
        called: hooks::is_called(&root, &request.hooks_module),
        git_hook: hooks::is_installed(&root, &request.git_hook),
    };
    let database = database(&root, request, &config);
    let active = all_of(&[
        ("automation_enabled", &enabled),
        ("hooks.module", &hooks.module),
        ("hooks.called", &hooks.called),
        ("database.table", &database.table),
    ]);
    Status {
        automation_enabled: enabled,
        active,
        config: ConfigStatus {
            path: config.path.to_string(),
            read: match config.trouble {
                None => Fact::yes([config.path.to_string()]),
                Some(trouble) => Fact::unknown(trouble),
            },
        },
        switches: config.switches,
        hooks,
        database,
    }
}

fn main_switch(config: &Config) -> Fact {
    let Some(switch) = config.switch(MAIN) else {
        return Fact::unknown(format!("{} does not have `{MAIN}`", config.path));
    };
    let places = switch.file.iter().map(|file| match switch.line {
        Some(line) => format!("{file}:{line}"),
        None => file.clone(),
    });
    match switch.value.as_bool() {
        Some(true) => Fact::yes(places),
        Some(false) => Fact {
            places: places.collect(),
            ..Fact::no(format!("`{MAIN}` is false"))
        },
        None => Fact::unknown(
            switch
                .reason
                .clone()
                .unwrap_or_else(|| format!("`{MAIN}` has no value")),
        ),
    }
}

/// `no` if one is `no`, else `unknown` if one is unknown, else `yes`; with all the reasons.
fn all_of(facts: &[(&str, &Fact)]) -> Fact {
    let having = |answer| {
        let reasons: Vec<String> = facts
            .iter()
            .filter(|(_, fact)| fact.answer == answer)
            .map(|(name, fact)| format!("{name}: {}", fact.reason.as_deref().unwrap_or("no")))
            .collect();
        reasons.join("; ")
    };
    let (no, unknown) = (having(Answer::No), having(Answer::Unknown));
    if !no.is_empty() {
        Fact::no(no)
    } else if !unknown.is_empty() {
        Fact::unknown(unknown)
    } else {
        Fact::yes(facts.iter().flat_map(|(_, fact)| fact.places.clone()))
    }
}

/// Where the data base should be, or why nobody can say.
fn database_path(request: &Request, config: &Config) -> Result<SafePath, (String, String)> {
    if let Some(path) = &request.database {
        return Ok(path.clone());
    }
    let said = config
        .switch("database.path")
        .and_then(|switch| switch.value.as_str());
    match said {
        None => Ok(SafePath::here().child(USUAL_DATABASE)),
        Some(text) => SafePath::parse(text)
            .map_err(|problem| (text.to_owned(), format!("`database.path`: {problem}"))),
    }
}

fn database(root: &Path, request: &Request, config: &Config) -> DatabaseStatus {
    let path = match database_path(request, config) {
        Ok(path) => path,
        Err((path, reason)) => {
            return DatabaseStatus {
                path,
                present: Fact::unknown(reason.clone()),
                table: Fact::unknown(reason.clone()),
                rows: None,
                rows_reason: Some(reason),
            };
        }
    };
    let present = hooks::is_there(root, &path);
    if present.answer != Answer::Yes {
        // No data base has no table; one that could not be looked at may have it.
        let reason = present.reason.clone().unwrap_or_default();
        return DatabaseStatus {
            path: path.to_string(),
            table: present.clone(),
            present,
            rows: None,
            rows_reason: Some(reason),
        };
    }
    let counted = File::open(path.within(root))
        .map_err(|error| error.to_string())
        .and_then(|file| sqlite::count(file, &request.table).map_err(|error| error.to_string()));
    let (table, rows, rows_reason) = match counted {
        Ok(found) => rows_of(&found, root, &path, &request.table),
        Err(reason) => {
            let reason = format!("{path}: {reason}");
            (Fact::unknown(reason.clone()), None, Some(reason))
        }
    };
    DatabaseStatus {
        path: path.to_string(),
        present,
        table,
        rows,
        rows_reason,
    }
}

fn rows_of(
    found: &Table,
    root: &Path,
    path: &SafePath,
    table: &str,
) -> (Fact, Option<u64>, Option<String>) {
    // What only the write-ahead log has cannot be seen in the file.
    let wal = root.join(format!("{path}-wal"));
    let behind = match kind(&wal) {
        Ok(Kind::File) => std::fs::metadata(&wal).map_or(true, |file| file.len() > 0),
        Ok(Kind::Directory | Kind::Other | Kind::Missing) => false,
        Err(_) => true,
    };
    let open = format!("{path} is in use: what its write-ahead log has is not counted");
    match found {
        Table::Missing if behind => (Fact::unknown(open.clone()), None, Some(open)),
        Table::Missing => {
            let reason = format!("{path} has no table `{table}`");
            (Fact::no(reason.clone()), None, Some(reason))
        }
        Table::Rows(rows) => (
            Fact::yes([path.to_string()]),
            Some(*rows),
            behind.then_some(open),
        ),
    }
}
