//! A registry of patterns, as somebody wrote it.
//!
//! It is read leniently: an entry without an identifier, or with a value of the wrong kind, is an
//! entry with a fault, not the end of the report. Never: a value made up for one that is not there.

use remit_plugin_survey::{YamlError, read_yaml};
use serde_json::Value;

/// Most patterns of a registry: each is a line of the report.
const MOST_PATTERNS: usize = 10_000;

/// What a pattern is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Spec,
    Schema,
    Executor,
    Test,
}

impl Part {
    pub(crate) const ALL: [Self; 4] = [Self::Spec, Self::Schema, Self::Executor, Self::Test];

    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Schema => "schema",
            Self::Executor => "executor",
            Self::Test => "test",
        }
    }

    /// The key under which an entry names its file.
    fn key(self) -> &'static str {
        match self {
            Self::Spec => "spec_path",
            Self::Schema => "schema_path",
            Self::Executor => "executor_path",
            Self::Test => "test_path",
        }
    }
}

/// One entry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    /// Its place in the list, from 0.
    pub(crate) position: usize,
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) category: Option<String>,
    /// The paths of its parts, in the order of [`Part::ALL`], as they are written.
    paths: [Option<String>; 4],
}

impl Entry {
    /// The path of a part, as it is written.
    pub(crate) fn path(&self, part: Part) -> Option<&str> {
        let index = Part::ALL.iter().position(|one| *one == part)?;
        self.paths.get(index)?.as_deref()
    }

    /// How people find it: its identifier, or its place.
    pub(crate) fn label(&self) -> String {
        self.id
            .clone()
            .unwrap_or_else(|| format!("entry {}", self.position + 1))
    }
}

/// A whole registry.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) claimed_patterns: Option<u64>,
    pub(crate) claimed_categories: Option<u64>,
    pub(crate) entries: Vec<Entry>,
}

/// Why a text is no registry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    #[error("not YAML: {0}")]
    Yaml(#[from] YamlError),
    #[error("has no list `patterns`")]
    NoPatterns,
    #[error("lists {0} patterns; at most {MOST_PATTERNS} are read")]
    TooMany(usize),
}

impl Registry {
    /// Reads a registry.
    ///
    /// # Errors
    /// It is not YAML, or has no list of patterns.
    pub(crate) fn parse(text: &str) -> Result<Self, RegistryError> {
        let document = read_yaml(text)?;
        let listed = document
            .get("patterns")
            .and_then(Value::as_array)
            .ok_or(RegistryError::NoPatterns)?;
        if listed.len() > MOST_PATTERNS {
            return Err(RegistryError::TooMany(listed.len()));
        }
        let claim = |name: &str| document.get("metadata")?.get(name)?.as_u64();
        Ok(Self {
            claimed_patterns: claim("total_patterns"),
            claimed_categories: claim("total_categories"),
            entries: listed.iter().enumerate().map(entry).collect(),
        })
    }

    /// How many different categories its entries have.
    pub(crate) fn categories(&self) -> usize {
        let mut all: Vec<&String> = self
            .entries
            .iter()
            .filter_map(|entry| entry.category.as_ref())
            .collect();
        all.sort();
        all.dedup();
        all.len()
    }
}

fn entry((position, value): (usize, &Value)) -> Entry {
    let text = |key: &str| {
        let text = value.get(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Entry {
        position,
        id: text("pattern_id"),
        name: text("name"),
        status: text("status"),
        category: text("category"),
        paths: Part::ALL.map(|part| text(part.key())),
    }
}

/// What is wrong with an identifier, if anything is: results must carry `^PAT-[A-Z0-9-]+$`.
pub(crate) fn fault_of(id: &str) -> Option<String> {
    let Some(rest) = id.strip_prefix("PAT-") else {
        return Some("does not begin with `PAT-`".to_owned());
    };
    if rest.is_empty() {
        return Some("nothing comes after `PAT-`".to_owned());
    }
    let odd = rest
        .chars()
        .find(|one| !(one.is_ascii_uppercase() || one.is_ascii_digit() || *one == '-'))?;
    Some(match odd {
        '_' => "has `_`; only capital letters, digits and `-` may follow `PAT-`".to_owned(),
        letter if letter.is_ascii_lowercase() => {
            format!(
                "has the small letter `{letter}`; only capital letters, digits and `-` may follow `PAT-`"
            )
        }
        other => format!(
            "has `{}`; only capital letters, digits and `-` may follow `PAT-`",
            other.escape_default()
        ),
    })
}
