//! What a pattern would do, and why, before anything is done.
//!
//! Never: an action.

use remit_plugin_library::path::SafePath;
use serde::Serialize;
use serde_json::Value;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// A file or directory goes.
    Remove(SafePath),
    /// A file gets another place.
    Move(SafePath, SafePath),
    /// A file gets this content; it may be new.
    Write(SafePath, Vec<u8>),
}

/// One thing to do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) why: String,
    /// Whether it is one of the changes that the pattern is about, and not what goes with them.
    pub(crate) counts: bool,
}

/// All that a pattern would do.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// What people should know.
    pub(crate) notes: Vec<String>,
    /// What was found, in the pattern's own form.
    pub(crate) findings: Value,
    /// Why nothing was looked at, if it was not.
    pub(crate) skipped: Option<String>,
}

impl Plan {
    /// Nothing is done, for a reason.
    pub(crate) fn skipped(reason: impl Into<String>) -> Self {
        Self {
            skipped: Some(reason.into()),
            ..Self::default()
        }
    }

    /// Adds a change that counts.
    pub(crate) fn change(&mut self, action: Action, why: impl Into<String>) {
        self.steps.push(Step {
            action,
            why: why.into(),
            counts: true,
        });
    }

    /// Adds what goes with the changes: an index, a note for people.
    pub(crate) fn with(&mut self, action: Action, why: impl Into<String>) {
        self.steps.push(Step {
            action,
            why: why.into(),
            counts: false,
        });
    }

    /// How many changes count.
    pub(crate) fn changes(&self) -> usize {
        self.steps.iter().filter(|step| step.counts).count()
    }
}

/// A step as reports show it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    action: &'static str,
    path: String,
    to: Option<String>,
    why: String,
}

impl Shown {
    /// The file that is there because of it, if there is one.
    pub(crate) fn made(&self) -> Option<&str> {
        match self.action {
            "remove" => None,
            _ => self.to.as_deref().or(Some(&self.path)),
        }
    }
}

impl From<&Step> for Shown {
    fn from(step: &Step) -> Self {
        let (action, path, to) = match &step.action {
            Action::Remove(path) => ("remove", path, None),
            Action::Move(path, to) => ("move", path, Some(to.to_string())),
            Action::Write(path, _) => ("write", path, None),
        };
        Self {
            action,
            path: path.to_string(),
            to,
            why: step.why.clone(),
        }
    }
}
