//! What authors of plugins use: tests against a host that plays, lint, conformance, packing, pages,
//! and fixtures.
//!
//! Never: a plugin made for the occasion where one of the program's own will do.

mod fixtures;
mod judging;
mod packing;
mod recording;
mod testing;
mod transcripts;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::home::{Home, finish, repository};

/// What one start of the program said, and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    /// Its standard output, which is JSON.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Starts the program, without a look at how it ends.
fn remit(home: &Home, arguments: &[&str]) -> Said {
    let output = finish(home.remit(arguments), "");
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Starts the program, which must end so.
#[track_caller]
fn ends(home: &Home, code: i32, arguments: &[&str]) -> Said {
    let said = remit(home, arguments);
    assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
    said
}

/// Writes a file, and the directories above it.
fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The ids of all plugins that the program carries.
fn built_in(home: &Home) -> Vec<String> {
    let listed = ends(home, 0, &["plugin", "list", "--json"]).json();
    let rows = listed.as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The scenarios in the source of a plugin that the program carries, sorted.
fn scenarios(id: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for kind in ["patterns", "adapters"] {
        let folder = repository()
            .join("plugins")
            .join(kind)
            .join(id)
            .join("tests");
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    found
}
