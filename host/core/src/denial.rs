//! A request that was refused: what, which key is missing, and the smallest line that would
//! change it.
//!
//! Never: a denial without a fix, a value of a variable, the content of a file.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::approval::{Approval, ApprovalId, Difference};
use crate::policy::Origin;
use crate::scope::Capability;

/// Whose key is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "key", rename_all = "kebab-case")]
pub enum MissingKey {
    /// The plugin's own manifest does not request it.
    Declared,
    /// The manifest requests it; the owner's policy does not allow it.
    Allowed,
    /// The owner's policy forbids it.
    Forbidden {
        /// The rule as it is written, for example `deny-write = [".git/**"]`.
        rule: String,
        /// Where the rule comes from.
        origin: Origin,
        /// The rule's line, from 1.
        line: usize,
    },
    /// The owner approved other code, or other programs, under this name.
    Changed {
        /// The approval.
        approval: ApprovalId,
        /// What is not as it was approved.
        difference: Box<Difference>,
    },
}

/// What would open the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// The command-line flag, if one would do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flag: Option<String>,
    /// The line to add to, change in or remove from a file.
    pub line: String,
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.flag {
            Some(flag) => write!(f, "{flag}   or in a policy:   {}", self.line),
            None => f.write_str(&self.line),
        }
    }
}

/// A request that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// The kind of effect.
    pub capability: Capability,
    /// What exactly was asked for: a path, a variable name, `tool:template`, an origin.
    pub scope: String,
    /// Which key is missing.
    pub missing: MissingKey,
    /// What the owner allows that comes near, or what else explains the refusal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// The plugin's reason for the request, from its manifest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// What would open the door.
    pub fix: Fix,
}

impl Denial {
    /// The stop that a difference from an approval is. `accept` is the command that would approve
    /// what is there now.
    #[must_use]
    pub fn changed(approval: &Approval, difference: Difference, accept: String) -> Self {
        let other_tool = difference.tools.first().map(|change| &change.tool);
        let (capability, scope) = match (&difference.component, other_tool) {
            (Some(component), _) => (Capability::Load, component.is.to_string()),
            (None, Some(tool)) => (Capability::Run, tool.to_string()),
            (None, None) => (Capability::Load, approval.component.to_string()),
        };
        Self {
            capability,
            scope,
            missing: MissingKey::Changed {
                approval: approval.id.clone(),
                difference: Box::new(difference),
            },
            note: None,
            reason: None,
            fix: Fix {
                flag: None,
                line: accept,
            },
        }
    }
}

/// A text as a POSIX shell reads it back, so that a fix can be pasted.
#[must_use]
pub fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            capability, scope, ..
        } = self;
        match &self.missing {
            MissingKey::Declared => {
                write!(
                    f,
                    "{capability} `{scope}` is not requested by the plugin's manifest"
                )?;
            }
            MissingKey::Allowed => write!(f, "{capability} `{scope}` is not allowed")?,
            MissingKey::Forbidden { rule, origin, line } => {
                write!(f, "{capability} `{scope}` is forbidden by {rule}")?;
                // A flag is its own origin.
                if origin.to_string() != *rule {
                    write!(f, " ({origin}:{line})")?;
                }
            }
            MissingKey::Changed {
                approval,
                difference,
            } => {
                write!(
                    f,
                    "{capability} `{scope}` is not what you approved (approval {approval})"
                )?;
                for line in difference.to_string().lines() {
                    write!(f, "\n  {line}")?;
                }
            }
        }
        if let Some(note) = &self.note {
            write!(f, ": {note}")?;
        }
        if let Some(reason) = &self.reason {
            write!(f, "\n  why the plugin asks: {reason}")?;
        }
        write!(f, "\n  fix: {}", self.fix)
    }
}

/// Every request that stood in the way; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denials(Vec<Denial>);

impl Denials {
    /// What was refused, in the manifest's order. Nothing refused gives `None`.
    #[must_use]
    pub fn of(denials: Vec<Denial>) -> Option<Self> {
        (!denials.is_empty()).then_some(Self(denials))
    }

    /// The denials.
    #[must_use]
    pub fn list(&self) -> &[Denial] {
        &self.0
    }
}

impl IntoIterator for Denials {
    type Item = Denial;
    type IntoIter = std::vec::IntoIter<Denial>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Denials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, denial) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{denial}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Denials {}
