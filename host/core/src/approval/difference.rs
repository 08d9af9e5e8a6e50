//! What is not as it was approved, for people and programs.
//!
//! Never: a difference without the words for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FileIdentity, Limits, Requested, ToolIdentity};
use crate::digest::Digest;
use crate::tool::ToolId;

/// A value that was and a value that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced<T> {
    /// What was approved.
    pub was: T,
    /// What is there now.
    pub is: T,
}

impl<T> Replaced<T> {
    /// A value that was, and one that is.
    pub fn new(was: T, is: T) -> Self {
        Self { was, is }
    }
}

/// A tool whose program is not the approved one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolChange {
    /// The tool.
    pub tool: ToolId,
    /// What was approved; absent if the tool was not on the machine then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub was: Option<ToolIdentity>,
    /// What is there now. Nobody has asked it for its version.
    pub is: ToolIdentity,
}

/// Everything that is not as it was approved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Difference {
    /// The component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Replaced<Digest>>,
    /// The manifest in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Replaced<Digest>>,
    /// The plugin's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Replaced<String>>,
    /// What it requests now and did not request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Requested>,
    /// What it requested and does not request now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Requested>,
    /// What it says about limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Replaced<Limits>>,
    /// The tools whose programs are others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolChange>,
}

impl Difference {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the plugin itself is another, not only a tool of it.
    #[must_use]
    pub fn is_other_code(&self) -> bool {
        self.component.is_some() || self.manifest.is_some()
    }
}

/// One line for each thing: what was with a `-`, what is with a `+`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        if let Some(component) = &self.component {
            lines.push(format!("- component {}", component.was));
            lines.push(format!("+ component {}", component.is));
        }
        if let Some(version) = &self.version {
            lines.push(format!("- version {}", version.was));
            lines.push(format!("+ version {}", version.is));
        }
        lines.extend(self.removed.iter().map(|request| line('-', request)));
        lines.extend(self.added.iter().map(|request| line('+', request)));
        if let Some(Replaced { was, is }) = &self.limits {
            limit_lines(was, is, &mut lines);
        }
        for change in &self.tools {
            match &change.was {
                Some(was) => lines.push(format!("- tool {}", tool(was))),
                None => lines.push(format!("- tool {} was not on this machine", change.tool)),
            }
            lines.push(format!("+ tool {}", tool(&change.is)));
        }
        // The manifest's digest says nothing that the lines above do not, unless they say nothing.
        if let (true, Some(manifest)) = (lines.is_empty(), &self.manifest) {
            lines.push(format!("- manifest {}", manifest.was));
            lines.push(format!("+ manifest {}", manifest.is));
        }
        f.write_str(&lines.join("\n"))
    }
}

fn line(sign: char, request: &Requested) -> String {
    let optional = if request.optional { " (optional)" } else { "" };
    format!(
        "{sign} {} {}{optional}: {}",
        request.capability, request.scope, request.reason
    )
}

fn limit_lines(was: &Limits, is: &Limits, lines: &mut Vec<String>) {
    let text = |limits: &Limits| {
        let confinement = limits.confinement.map_or("none".into(), |c| c.to_string());
        [
            ("memory", limits.memory.to_string()),
            ("time", limits.time.to_string()),
            ("confinement", confinement),
        ]
    };
    for ((name, was), (_, is)) in text(was).into_iter().zip(text(is)) {
        if was != is {
            lines.push(format!("- limit {name} {was}"));
            lines.push(format!("+ limit {name} {is}"));
        }
    }
}

fn tool(identity: &ToolIdentity) -> String {
    let file = |file: &FileIdentity| format!("{} {}", file.path, file.digest);
    let version = match &identity.version {
        Some(version) => format!(" ({version})"),
        None => String::new(),
    };
    let interpreter = match &identity.interpreter {
        Some(interpreter) => format!(", run by {}", file(interpreter)),
        None => String::new(),
    };
    format!(
        "{} {}{version}{interpreter}",
        identity.tool,
        file(&identity.file)
    )
}
