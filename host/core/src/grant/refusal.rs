//! Why a call or an access was refused while a plugin runs.
//!
//! Never: the first problem only.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Grants;
use crate::decide::{Verdict, is_declared, judge, refuse};
use crate::denial::{Denial, Fix, MissingKey};
use crate::manifest::Manifest;
use crate::policy::Allowance;
use crate::scope::{Scope, ToolScope};

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
        refusal(&self.manifest, &self.allowance, scope)
    }
}

/// Explains why a plugin is not granted something that it is not.
pub(crate) fn refusal(manifest: &Manifest, allowance: &Allowance, scope: &Scope) -> Denial {
    let covering = manifest
        .requests()
        .iter()
        .filter(|one| one.scope().covers(scope));
    // Of several requests the narrowest is the one to allow.
    let request = covering.reduce(|best, one| {
        if best.scope().covers(one.scope()) {
            one
        } else {
            best
        }
    });
    let Some(request) = request else {
        return Denial {
            capability: scope.capability(),
            scope: scope.to_string(),
            missing: MissingKey::Declared,
            note: None,
            reason: None,
            fix: Fix {
                flag: None,
                line: manifest_line(scope),
            },
        };
    };
    let verdict = judge(allowance, scope);
    let own = matches!(verdict, Verdict::Forbidden(_)) || !is_declared(allowance, scope);
    // A request is granted as a whole: to allow less than it asks for would change nothing.
    let whole = if request.scope().is_any() {
        scope
    } else {
        request.scope()
    };
    let (wanted, verdict) = if own {
        (scope, verdict)
    } else {
        (whole, judge(allowance, whole))
    };
    let denial = refuse(manifest.id(), allowance, wanted, Some(request), &verdict);
    Denial {
        scope: scope.to_string(),
        ..denial
    }
}

/// The line of a manifest that requests a scope.
fn manifest_line(scope: &Scope) -> String {
    let quoted = |text: &str| toml_edit::Value::from(text).to_string();
    let (list, what) = match scope {
        Scope::Read(path) => ("read", format!("path = {}", quoted(path.as_str()))),
        Scope::Write(path) => ("write", format!("path = {}", quoted(path.as_str()))),
        Scope::Env(name) => ("env", format!("name = {}", quoted(name.as_str()))),
        Scope::Net(origin) => ("net", format!("origin = {}", quoted(&origin.to_string()))),
        Scope::NetAny => ("net", "origin = \"*\"".to_owned()),
        Scope::RunAny => ("run", "tool = \"*\"".to_owned()),
        Scope::Run(ToolScope {
            tool,
            template: None,
        }) => ("run", format!("tool = \"{tool}\"")),
        Scope::Run(ToolScope {
            tool,
            template: Some(template),
        }) => (
            "run",
            format!("tool = \"{tool}\", templates = [\"{template}\"]"),
        ),
    };
    format!("{list} = [{{ {what}, reason = \"..\" }}]   in the plugin's manifest")
}
