//! A scenario: one test of one plugin, as a file. What the plugin is given, what the tools do that
//! it has run, and what must come of it.
//!
//! ```toml
//! format = 1
//!
//! [inputs]
//! name = "world"
//!
//! [[calls]]
//! tool = "greet"
//! template = "say"
//! slots = { name = "world" }
//! play = [{ stdout = "Hello, world\n" }, { exit = 0 }]
//!
//! [expect]
//! outputs = { greeting = "Hello, world" }
//! ```
//!
//! No real tool takes part. `docs/testing-plugins.md` has every key. Never: a file that is opened,
//! a tool that is started; this is what was written, checked.

mod content;
mod expect;
mod play;
mod read;
mod words;

use crate::diagnostic::{Diagnostics, Source};
use crate::manifest::Manifest;
use crate::path::RelPath;
use crate::policy::{FlagRules, Layer, Origin, Policy};
use crate::quantity::TimeSpan;
use crate::scope::Scope;
use crate::tool::{SlotValue, ToolDeclaration};
use crate::{catalogue, manifest::DEFAULT_TIME};
use serde_json::{Map, Value};

pub use content::{Content, MAX_REPEAT};
pub use expect::{Expect, FileExpected};
pub use play::{End, Fault, Place, Refusal, Step, UnknownWord};
pub use words::STATUSES;

/// Version of the format.
pub const SCENARIO_FORMAT: i64 = 1;
/// Calls that a scenario can expect. A plugin that has more tools run is tested in parts.
pub const MAX_CALLS: usize = 1_000;
/// Steps that one tool can play. More come from a file.
pub const MAX_STEPS: usize = 10_000;
/// Longest time for which a tool of a scenario really waits: whoever runs the test waits, too.
pub const MAX_WAIT: TimeSpan = TimeSpan::seconds(10);

/// Which interface of the contract is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// `remit:plugin/pattern`.
    Pattern,
    /// `remit:plugin/adapter`.
    Adapter,
}

/// When someone asks the run to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelAt {
    /// The word of the event that counts; every event counts if absent.
    pub event: Option<String>,
    /// After so many, from 1.
    pub after: u64,
}

/// One use of a tool that is expected, and what the tool then does.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedCall {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// The owner's name for the tool.
    pub tool: String,
    /// The owner's name for the shape of the arguments.
    pub template: String,
    /// Slots that have these values; others are free.
    pub slots: Vec<(String, SlotValue)>,
    /// The whole list of arguments after the program, if it matters.
    pub arguments: Option<Vec<String>>,
    /// Arguments that are there in this order, with others between.
    pub arguments_contain: Vec<String>,
    /// Where the tool runs, relative to the workspace, if it matters.
    pub directory: Option<RelPath>,
    /// What it reads to the end, if it matters.
    pub stdin: Option<Content>,
    /// Texts that are in what it reads.
    pub stdin_contains: Vec<String>,
    /// Variables that the plugin sets.
    pub env: Vec<(String, String)>,
    /// Files that the plugin has put into the scratch directory before.
    pub scratch: Vec<(RelPath, FileExpected)>,
    /// Whether it need not happen.
    pub optional: bool,
    /// How often it happens.
    pub times: u32,
    /// Whether, and why, the tool does not start.
    pub refuse: Option<Refusal>,
    /// What goes wrong while it runs.
    pub fault: Option<Fault>,
    /// Whether a request to end takes all the grace that it gives.
    pub ignores_term: bool,
    /// What the tool does.
    pub play: Vec<Step>,
}

impl ExpectedCall {
    /// Any call of any tool, playing this.
    #[must_use]
    pub fn anything(play: Vec<Step>) -> Self {
        Self {
            line: 0,
            tool: String::new(),
            template: String::new(),
            slots: Vec::new(),
            arguments: None,
            arguments_contain: Vec::new(),
            directory: None,
            stdin: None,
            stdin_contains: Vec::new(),
            env: Vec::new(),
            scratch: Vec::new(),
            optional: true,
            times: 1,
            refuse: None,
            fault: None,
            ignores_term: false,
            play,
        }
    }
}

/// A whole scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// What it is called; the name of its file if absent.
    pub name: Option<String>,
    /// Which interface is used; the component's only one if absent.
    pub role: Option<Interface>,
    /// How long the attempt may take; what the manifest asks for if absent.
    pub time: Option<TimeSpan>,
    /// A policy file, relative to the scenario's own directory.
    pub policy: Option<String>,
    /// A directory with the first content of the workspace, relative to the scenario's own.
    pub workspace: Option<String>,
    /// Whether calls may come in any order.
    pub any_order: bool,
    /// The plugin's inputs.
    pub inputs: Map<String, Value>,
    /// Files of the workspace before the run.
    pub files: Vec<(RelPath, Content)>,
    /// The whole environment of the host.
    pub env: Vec<(String, String)>,
    /// What the owner allows and forbids; absent: see [`Scenario::policy`].
    pub grant: Option<FlagRules>,
    /// Tools that are declared here.
    pub tools: Vec<ToolDeclaration>,
    /// What the plugin stored earlier, for the project.
    pub state: Vec<(String, Value)>,
    /// What it is expected to have run.
    pub calls: Vec<ExpectedCall>,
    /// Whether someone asks the run to end.
    pub cancel: Option<CancelAt>,
    /// What must come of it.
    pub expect: Expect,
}

impl Scenario {
    /// Reads a scenario. `name` is what messages call the text, usually a path.
    ///
    /// # Errors
    /// Every mistake in the text, with line and fix.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        read::scenario(&Source::new(name, text))
    }

    /// The owner's rules in this scenario: the catalogue, the policy file if it names one, its own
    /// tools, and what it grants. Where it says nothing of grants and names no policy, everything
    /// that the manifest requests is allowed, and of `*` every tool that is expected: nothing real
    /// can be reached.
    ///
    /// # Errors
    /// Every mistake in the policy file, and rules that do not fit the tools.
    pub fn rules(
        &self,
        name: &str,
        manifest: &Manifest,
        file: Option<(&str, &str)>,
    ) -> Result<Policy, Diagnostics> {
        let mut layers = vec![catalogue::layer()?];
        if let Some((name, text)) = file {
            layers.push(Layer::parse(Origin::File(name.to_owned()), text)?);
        }
        let origin = Origin::File(name.to_owned());
        layers.push(Layer::of_tools(origin, self.tools.clone()));
        let flags = match &self.grant {
            Some(grant) => grant.clone(),
            None if self.policy.is_some() => FlagRules::default(),
            None => self.everything(manifest),
        };
        layers.push(flags.layer()?);
        Policy::layered(layers)
    }

    /// Everything that a manifest requests.
    fn everything(&self, manifest: &Manifest) -> FlagRules {
        let mut flags = FlagRules::default();
        for request in manifest.requests() {
            let scope = request.scope();
            match scope {
                Scope::RunAny => {
                    for call in &self.calls {
                        if !flags.allow_run.contains(&call.tool) {
                            flags.allow_run.push(call.tool.clone());
                        }
                    }
                }
                // No origin answers in a scenario.
                Scope::NetAny => {}
                Scope::Read(_)
                | Scope::Write(_)
                | Scope::Env(_)
                | Scope::Run(_)
                | Scope::Net(_) => {
                    flags.allow(scope.capability(), &scope.to_string());
                }
            }
        }
        flags
    }

    /// How long the attempt may take.
    #[must_use]
    pub fn time(&self, manifest: &Manifest) -> TimeSpan {
        let asked = manifest.needs().time();
        // Whoever waits for a test has not the patience of whoever waits for the work.
        self.time.unwrap_or_else(|| asked.min(DEFAULT_TIME))
    }
}

#[cfg(test)]
mod tests;
