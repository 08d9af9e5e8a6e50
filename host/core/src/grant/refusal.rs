//! Why a call or an access was refused while a plugin runs.
//!
//! Never: the first problem only.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Grants;
use crate::decide::{Verdict, judge, refuse};
use crate::denial::{Denial, Fix, MissingKey};
use crate::scope::Scope;

/// One field of a call that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallProblem {
    /// JSON pointer into the call, for example `/slots/count` or `/cwd`.
    pub field: String,
    /// Stable kebab-case word for programs.
    pub code: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for CallProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.field, self.message, self.code)
    }
}

/// Why a tool call does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallRefused {
    /// It is outside the grants.
    #[error("{0}")]
    Denied(Box<Denial>),
    /// It does not fit the tool's declaration; every problem at once, never empty.
    #[error("the call does not fit the tool's declaration: {}", list(.0))]
    Invalid(Vec<CallProblem>),
}

fn list(problems: &[CallProblem]) -> String {
    let problems: Vec<String> = problems.iter().map(CallProblem::to_string).collect();
    problems.join("; ")
}

impl Grants {
    /// Explains why something that was not granted was not.
    pub(super) fn denial(&self, scope: &Scope) -> Denial {
        let request = self
            .manifest
            .requests()
            .iter()
            .find(|request| request.scope().covers(scope));
        let verdict = judge(&self.allowance, scope);
        match (request, verdict) {
            (None, Verdict::Granted | Verdict::NotAllowed) => Denial {
                capability: scope.capability(),
                scope: scope.to_string(),
                missing: MissingKey::Declared,
                note: None,
                reason: None,
                fix: Fix {
                    flag: None,
                    line: manifest_line(scope),
                },
            },
            (None, Verdict::Forbidden(_)) | (Some(_), _) => {
                // The request that was decided is the door: to allow less would not open it.
                let wanted = request.map_or(scope, |request| match request.scope() {
                    Scope::RunAny => scope,
                    whole => whole,
                });
                let verdict = match verdict {
                    Verdict::Forbidden(_) => verdict,
                    Verdict::Granted | Verdict::NotAllowed => judge(&self.allowance, wanted),
                };
                let denial = refuse(
                    self.manifest.id(),
                    &self.allowance,
                    wanted,
                    request,
                    &verdict,
                );
                Denial {
                    scope: scope.to_string(),
                    ..denial
                }
            }
        }
    }
}

/// The line of a manifest that requests a scope.
fn manifest_line(scope: &Scope) -> String {
    let quoted = |text: &str| toml_edit::Value::from(text).to_string();
    let reason = "reason = \"..\"";
    let line = match scope {
        Scope::Read(path) => format!("[[read]] path = {}", quoted(path.as_str())),
        Scope::Write(path) => format!("[[write]] path = {}", quoted(path.as_str())),
        Scope::Env(name) => format!("[[env]] name = {}", quoted(name.as_str())),
        Scope::Net(origin) => format!("[[net]] origin = {}", quoted(&origin.to_string())),
        Scope::RunAny => "[[run]] tool = \"*\"".to_owned(),
        Scope::Run(tool) => match &tool.template {
            Some(template) => {
                format!(
                    "[[run]] tool = \"{}\", templates = [\"{template}\"]",
                    tool.tool
                )
            }
            None => format!("[[run]] tool = \"{}\"", tool.tool),
        },
    };
    format!("{line}, {reason}   in the plugin's manifest")
}
