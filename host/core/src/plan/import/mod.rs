//! Other people's files as plans, with every adaptation explained.
//!
//! What a file is follows from its content, never from its name. Nothing is guessed: what remit
//! cannot know is a mistake with its place; what it leaves out or understands in its own way is an
//! [`Adaptation`]. In strict mode an adaptation is a mistake, too.
//!
//! Never: a command line that is run or split by the rules of a shell; a value of an environment
//! variable that is copied; a tool that nobody named.

mod bundle;
mod command;
mod draft;
mod facts;
mod job;
mod kind;
mod notes;
mod queue;
mod spec;
mod splinter;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use draft::Draft;
use kind::Kind;
use notes::Notes;
use queue::Routing;

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

/// The template by which an adapter of a coding agent starts its agent.
const AGENT_TEMPLATE: &str = "edit";

impl Known {
    /// Whether a name in a file of another program means the plugin of that name. Where a tool has
    /// it, too, that is so for agents only: their adapters take words, as such files have them. For
    /// `git` or `pytest` the file means the program.
    fn means_plugin(&self, name: &str) -> bool {
        let of_agent = |templates: &BTreeMap<TemplateId, Template>| {
            templates.keys().any(|id| id.as_str() == AGENT_TEMPLATE)
        };
        let tool = name.parse::<ToolId>().ok();
        let tool = tool.and_then(|tool| self.tools.get(&tool));
        self.plugins.contains(name) && tool.is_none_or(of_agent)
    }
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
    if files.is_empty() || files.len() > MAX_FILES {
        let message = format!("{} files; name 1 to {MAX_FILES}", files.len());
        let source = Source::new("the command line", "");
        let help = "name a plan, or the files that belong together";
        let found = Diagnostic::new(&source, None, "number-of-files", message, help);
        return Err(Diagnostics::one(found));
    }
    let mut texts = Vec::with_capacity(files.len());
    let mut found = Vec::new();
    for source in files {
        match parse(source) {
            Ok(text) => texts.push(text),
            Err(problems) => found.extend(problems),
        }
    }
    let mut kinds = Vec::with_capacity(texts.len());
    for (text, _) in &texts {
        match kind::of(text) {
            Ok(kind) => kinds.push(kind),
            Err(no_plan) => found.push(kind::refuse(text, no_plan)),
        }
    }
    if let Some(found) = Diagnostics::of(found) {
        return Err(found);
    }
    if let Some(plan) = own(&texts, &kinds)? {
        return Ok(plan);
    }
    let notes: Vec<Notes<'_, '_>> = texts
        .iter()
        .map(|(text, _)| Notes::new(text, mode))
        .collect();
    for (notes, (text, relaxed)) in notes.iter().zip(&texts) {
        explain_dialect(notes, text, *relaxed);
    }
    let plan = assemble(&notes, &kinds, known);
    let mut adaptations = Vec::new();
    let mut found = Vec::new();
    for notes in notes {
        let (adapted, problems) = notes.finish();
        adaptations.extend(adapted);
        found.extend(problems);
    }
    match (Diagnostics::of(found), plan) {
        (None, Some(plan)) => Ok(Imported {
            plan,
            formats: kinds.into_iter().map(Kind::word).collect(),
            adaptations,
        }),
        (Some(found), _) => Err(found),
        // Nothing is left out without a mistake; should it be, this says so.
        (None, None) => {
            let (message, help) = ("no plan could be made of it", "see docs/plan.md");
            let source = files
                .first()
                .cloned()
                .unwrap_or_else(|| Source::new("", ""));
            let found = Diagnostic::new(&source, None, "incomplete", message, help);
            Err(Diagnostics::one(found))
        }
    }
}

/// Parses a file; says whether it needed more than JSON.
fn parse(source: &Arc<Source>) -> Result<(Text<'_>, bool), Diagnostics> {
    let strict = match Text::parse(source, Dialect::Json) {
        Ok(text) => return Ok((text, false)),
        Err(found) => found,
    };
    if let Some((message, help)) = kind::not_json(source) {
        let found = Diagnostic::new(source, Some(0..0), "not-a-plan", message, help);
        return Err(Diagnostics::one(found.with_pointer("")));
    }
    let text = Text::parse(source, Dialect::Lenient)?;
    // Our own format is JSON and nothing else.
    match kind::of(&text) {
        Ok(Kind::Plan) => Err(strict),
        Ok(_) | Err(_) => Ok((text, true)),
    }
}

/// Says what a file has beside JSON.
fn explain_dialect(notes: &Notes<'_, '_>, text: &Text<'_>, relaxed: bool) {
    if !relaxed {
        return;
    }
    for key in text.twice() {
        let what = format!("the earlier {} is not used", text.excerpt(key));
        notes.adapt(
            key.clone(),
            what,
            "the key is there twice, and the last one counts",
        );
    }
    if text.twice().is_empty() {
        let what = "comments and trailing commas are ignored";
        notes.adapt(
            notes.start(),
            what,
            "they are no JSON, and say nothing to a program",
        );
    }
}

/// A plan in our own format, which is alone or none.
fn own(texts: &[(Text<'_>, bool)], kinds: &[Kind]) -> Result<Option<Imported>, Diagnostics> {
    let own = texts
        .iter()
        .zip(kinds)
        .find(|(_, kind)| **kind == Kind::Plan);
    let Some(((text, _), kind)) = own else {
        return Ok(None);
    };
    if texts.len() > 1 {
        let message = "a plan of remit stands alone, and there are other files";
        let help = "name one plan, or only files of other programs";
        let start = Some(0..0);
        let found = Diagnostic::new(text.source(), start, "several-plans", message, help);
        return Err(Diagnostics::one(found));
    }
    Ok(Some(Imported {
        plan: read::read_text(text)?,
        formats: vec![kind.word()],
        adaptations: Vec::new(),
    }))
}

/// Reads all files into one plan: what routes first, then what is routed.
fn assemble(notes: &[Notes<'_, '_>], kinds: &[Kind], known: &Known) -> Option<CheckedPlan> {
    let mut draft = Draft::default();
    let mut routing = Routing::default();
    let of_kind = |wanted: Kind| {
        let files = kinds.iter().enumerate().zip(notes);
        files
            .filter(move |((_, kind), _)| **kind == wanted)
            .map(|((file, _), notes)| (file, notes))
    };
    for (file, notes) in of_kind(Kind::Routing) {
        routing.read(&mut draft, file, notes);
    }
    for (file, notes) in of_kind(Kind::Assignments) {
        routing.read_assignments(&mut draft, file, notes);
    }
    let mut alone = true;
    for (file, (kind, own)) in kinds.iter().zip(notes).enumerate() {
        alone &= matches!(kind, Kind::Routing | Kind::Assignments);
        match kind {
            Kind::Plan | Kind::Routing | Kind::Assignments => {}
            Kind::Queue => queue::read(&mut draft, file, notes, known, &routing),
            Kind::Bundle => bundle::read(&mut draft, file, own, known),
            Kind::Spec => spec::read_spec(&mut draft, file, notes, known, &routing),
            Kind::WorkQueue => spec::read_work_queue(&mut draft, file, notes, known, &routing),
            Kind::Splinter => splinter::read(&mut draft, file, own, known),
            Kind::Job => job::read_job(&mut draft, file, own, known),
            Kind::Request => job::read_request(&mut draft, file, own, known),
        }
    }
    if alone {
        for notes in notes {
            queue::alone(notes);
        }
        return None;
    }
    bundle::ask_for_others(&mut draft, notes);
    routing.finish(notes);
    // What was refused is missing in the draft, and would be said again as something else.
    if notes.iter().any(|notes| notes.problems().count() > 0) {
        return None;
    }
    draft.finish(notes)
}

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod tests;
