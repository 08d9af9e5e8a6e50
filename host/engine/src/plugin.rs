//! What the engine needs from a sandbox: an instance of a plugin, to be asked and to be run.
//!
//! Never: a type of wasmtime; a way to reach into the guest other than the contract's functions.

use std::sync::Arc;

use async_trait::async_trait;
use remit_core::outcome::{Artifact, FaultKind, InputProblem};

use crate::host::PluginHost;

/// Which interface of the contract a plugin exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `remit:plugin/pattern`.
    Pattern,
    /// `remit:plugin/adapter`.
    Adapter,
}

impl Role {
    /// The word in output and documentation.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Adapter => "adapter",
        }
    }
}

/// What a plugin says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its identifier.
    pub id: String,
    /// Its version.
    pub version: String,
    /// One line for people.
    pub title: String,
    /// JSON Schema of the inputs, as text.
    pub input_schema: String,
    /// JSON Schema of the outputs, as text; `{}` for an adapter.
    pub output_schema: String,
    /// What only an adapter says.
    pub adapter: Option<AdapterCapabilities>,
}

/// What an adapter says it can do, for whoever chooses one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterCapabilities {
    /// Kinds of task that it takes; empty for any.
    pub task_kinds: Vec<String>,
    /// Fields that it knows; empty for any.
    pub domains: Vec<String>,
    /// How many requests may run at once.
    pub max_parallel: u32,
    /// How long one request usually may take, in milliseconds.
    pub timeout_ms: u64,
    /// `read-only`, `writes-workspace` or `runs-code`.
    pub safety_tier: String,
    /// Versions of the outside tool that it works with.
    pub tool_versions: Option<String>,
}

/// What a plugin is told about the attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The run's ULID.
    pub run_id: String,
    /// The task within the run.
    pub task_id: String,
    /// From 1.
    pub attempt: u32,
    /// Grows with each attempt that was ever leased.
    pub fence: u64,
    /// Equal for every attempt at the same task.
    pub effect_key: String,
    /// The inputs, a JSON object.
    pub inputs: String,
    /// Milliseconds that are left.
    pub time_left_ms: u64,
    /// What the previous attempt saved.
    pub checkpoint: Option<Vec<u8>>,
}

/// Work that came to an end by itself, well or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    /// A pattern's outcome.
    Pattern {
        /// One line for people.
        summary: String,
        /// A JSON object.
        outputs: String,
        /// What it says it produced.
        artifacts: Vec<Artifact>,
    },
    /// An adapter's report.
    Adapter {
        /// Whether the tool did what was asked.
        success: bool,
        /// What people would want to read.
        output: String,
        /// What went wrong.
        error: Option<String>,
        /// How long the tool ran, in milliseconds.
        duration_ms: f64,
        /// What it says it produced.
        artifacts: Vec<Artifact>,
        /// Files it says the tool changed.
        claimed_changes: Vec<String>,
        /// Input tokens, output tokens, millionths of a US dollar.
        cost: Option<(u64, u64, u64)>,
        /// A JSON object.
        details: String,
    },
    /// The contract's `failure`.
    Failure(Failure),
}

/// Why a plugin's work has no outcome, in the plugin's words.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The inputs are wrong.
    InvalidInput(Vec<InputProblem>),
    /// The work needs something that was refused; what the plugin said was refused.
    Denied(Box<Refused>),
    /// A tool or service is missing.
    Unavailable(String),
    /// Done, and judged not good enough.
    Rejected(String),
    /// The host asked for an end.
    Cancelled,
    /// A time limit passed.
    TimedOut,
    /// Tried and failed.
    Failed {
        /// The plugin's word.
        code: String,
        /// What happened.
        message: String,
        /// What could be done.
        hint: Option<String>,
        /// Whether another try could help.
        retryable: bool,
    },
}

/// What a plugin says was refused. A claim: the host knows its own denials better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The kind of effect, as in a policy: `run`, `read`.
    pub capability: String,
    /// What exactly.
    pub scope: String,
    /// The line that would change it, in words.
    pub fix: String,
}

/// A plugin that could not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PluginFault {
    /// What kind of fault.
    pub kind: FaultKind,
    /// What happened, and what could be done.
    pub message: String,
}

impl PluginFault {
    /// A fault with its message.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

/// A plugin whose code is ready to be instantiated.
#[async_trait]
pub trait Plugin: Send + Sync {
    /// Makes a fresh instance for one attempt. Nothing of the guest has run when this fails with
    /// [`FaultKind::Load`].
    ///
    /// # Errors
    /// The component does not fit the contract, or its start function faulted.
    async fn instantiate(
        &self,
        host: Arc<PluginHost>,
        role: Option<Role>,
    ) -> Result<Box<dyn Instance>, PluginFault>;
}

/// One plugin in one store, for one attempt.
///
/// After a fault, or after the future of a call was dropped, the instance is of no further use:
/// drop it. Dropping it ends every tool that it started.
#[async_trait]
pub trait Instance: Send {
    /// The interface through which this instance is used.
    fn role(&self) -> Role;

    /// The contract's `describe`.
    ///
    /// # Errors
    /// The plugin faulted.
    async fn describe(&mut self) -> Result<Descriptor, PluginFault>;

    /// The contract's `validate-inputs`, after the schema was checked.
    ///
    /// # Errors
    /// The plugin faulted.
    async fn validate_inputs(&mut self, inputs: &str) -> Result<Vec<InputProblem>, PluginFault>;

    /// The contract's `validate-config`; empty for a pattern.
    ///
    /// # Errors
    /// The plugin faulted.
    async fn validate_config(&mut self) -> Result<Vec<InputProblem>, PluginFault>;

    /// The contract's `execute`.
    ///
    /// # Errors
    /// The plugin faulted.
    async fn execute(&mut self, context: Context) -> Result<Finished, PluginFault>;
}
