//! Everything that can happen during a run, and the numbered record of it.
//!
//! The JSON form of a [`Record`] is what `--json` prints, one per line, and what a run's record on
//! disk holds. Never: an event that carries a secret or an environment *value* of the host.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::approval::ApprovalId;
use crate::change::Change;
use crate::claim::Mismatch;
use crate::denial::Denial;
use crate::manifest::Confinement;
use crate::outcome::{Artifact, Outcome};
use crate::tool::{Exit, OriginPort, ProgramIdentity, Usage};

/// Version of the record format. A reader refuses a newer one.
pub const RECORD_FORMAT: u32 = 1;

/// Which of a tool's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// For someone who looks for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}

/// Who wrote a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogSource {
    /// The plugin, by `progress.log`.
    Plugin,
    /// The plugin's standard output.
    Stdout,
    /// The plugin's standard error.
    Stderr,
    /// The host.
    Host,
}

/// Bytes in a JSON text: as a string where they are UTF-8, else base64, so that nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Payload {
    /// Valid UTF-8, as it is.
    Text(String),
    /// Anything else, base64 (RFC 4648, with padding).
    Base64(String),
}

/// What a plugin may do in this run, for people and programs that watch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantSummary {
    /// Directories it may read.
    pub read: Vec<String>,
    /// Directories it may write.
    pub write: Vec<String>,
    /// Environment names it may see.
    pub env: Vec<String>,
    /// Tools it may have run, as `tool:template`.
    pub run: Vec<String>,
    /// Origins it may reach.
    pub net: Vec<String>,
    /// The approvals without which it could not do all of this.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub approvals: Vec<ApprovalId>,
    /// Optional requests that were not allowed, with the line that would allow each.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub withheld: Vec<Denial>,
}

/// Something that happened. Past tense: already true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[serde(rename_all_fields = "kebab-case")]
pub enum Event {
    /// The run began.
    RunStarted {
        /// The plugin's id.
        plugin: String,
        /// The plugin's version.
        version: String,
        /// Digest of the component that runs.
        component: String,
        /// Digest of its manifest.
        manifest: String,
        /// The working directory on the host.
        workspace: String,
        /// What it may do.
        grants: Box<GrantSummary>,
    },
    /// The inputs passed every check. Work begins.
    InputsAccepted {
        /// What the plugin gets.
        inputs: Value,
    },
    /// Something was refused.
    Denied {
        /// What, by whom, and what would change it.
        denial: Denial,
    },
    /// A step began.
    Step {
        /// Its name.
        name: String,
    },
    /// The work advanced.
    Percent {
        /// 0 to 100, never less than before.
        value: u8,
    },
    /// A line for the log.
    Log {
        /// How much it matters.
        level: Level,
        /// Who wrote it.
        source: LogSource,
        /// The line.
        message: String,
        /// Further facts; absent if there are none.
        #[serde(skip_serializing_if = "Value::is_null", default)]
        fields: Value,
    },
    /// A file was announced as finished.
    Produced {
        /// The file.
        artifact: Artifact,
    },
    /// The plugin saved a checkpoint.
    CheckpointSaved {
        /// Its size.
        bytes: u64,
    },
    /// A tool started.
    ToolStarted {
        /// Numbers the tool runs of this run, from 1.
        call: u32,
        /// The owner's name for the tool.
        tool: String,
        /// The owner's name for the argument shape.
        template: String,
        /// The arguments after the program.
        arguments: Vec<String>,
        /// Where it runs, relative to the workspace, or absolute if the owner fixed it.
        directory: String,
        /// The environment names that its declaration adds; never a value.
        env: Vec<String>,
        /// How tightly it is confined.
        confinement: Confinement,
        /// The origins that it can reach, by port of its own loopback interface.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        origins: Vec<OriginPort>,
        /// The file that was executed; absent in records of versions that did not say.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        program: Option<Box<ProgramIdentity>>,
    },
    /// A tool wrote something.
    ToolOutput {
        /// Which run of a tool.
        call: u32,
        /// Which stream.
        stream: Stream,
        /// What.
        #[serde(flatten)]
        payload: Payload,
    },
    /// A tool ended.
    ToolFinished {
        /// Which run of a tool.
        call: u32,
        /// The owner's name for the tool.
        tool: String,
        /// How.
        exit: Exit,
        /// Whether the declaration counts that as success.
        success: bool,
        /// What it cost.
        usage: Usage,
    },
    /// A tool could not be started.
    ToolRefused {
        /// The owner's name for the tool.
        tool: String,
        /// The owner's name for the argument shape.
        template: String,
        /// Stable kebab-case word.
        code: String,
        /// Why.
        message: String,
    },
    /// The plugin's request is about to go to an origin; again for each redirect that is followed.
    HttpRequested {
        /// Numbers the requests of this run, from 1.
        call: u32,
        /// How many redirects came before.
        hop: u32,
        /// The method.
        method: String,
        /// Where it goes.
        origin: String,
        /// The path; a query is never on record.
        path: String,
    },
    /// A request came to its end.
    HttpFinished {
        /// Which request.
        call: u32,
        /// The last origin.
        origin: String,
        /// How many redirects were followed.
        hops: u32,
        /// The status of the answer; absent if there is none.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        status: Option<u16>,
        /// Bytes of bodies that were sent.
        sent: u64,
        /// Bytes of bodies that were kept.
        received: u64,
        /// Whether more was left out.
        truncated: bool,
        /// Why there is no answer: a stable kebab-case word.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        code: Option<String>,
        /// The same in words.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        message: Option<String>,
        /// How long it took, in milliseconds.
        wall_ms: u64,
    },
    /// The owner took back an approval on which the grants of this run rest. The run ends.
    ApprovalRevoked {
        /// The approval.
        approval: ApprovalId,
    },
    /// The host compared the working tree with its state at the start.
    FilesChanged {
        /// What is not as it was, sorted by path.
        changes: Vec<Change>,
        /// Set if there are more than the list shows.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        more: bool,
    },
    /// What the plugin says it changed and produced is not what the host saw.
    ClaimsDiffer {
        /// Where they differ.
        #[serde(flatten)]
        mismatch: Mismatch,
    },
    /// The run ended. Always the last event.
    RunFinished {
        /// How.
        outcome: Outcome,
        /// How long it took, in milliseconds.
        wall_ms: u64,
    },
}

impl Event {
    /// The words of all events, as they stand in `type`.
    pub const WORDS: [&'static str; 18] = [
        "run-started",
        "inputs-accepted",
        "denied",
        "step",
        "percent",
        "log",
        "produced",
        "checkpoint-saved",
        "tool-started",
        "tool-output",
        "tool-finished",
        "tool-refused",
        "http-requested",
        "http-finished",
        "approval-revoked",
        "files-changed",
        "claims-differ",
        "run-finished",
    ];

    /// The event's word, as in the JSON form.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run-started",
            Self::InputsAccepted { .. } => "inputs-accepted",
            Self::Denied { .. } => "denied",
            Self::Step { .. } => "step",
            Self::Percent { .. } => "percent",
            Self::Log { .. } => "log",
            Self::Produced { .. } => "produced",
            Self::CheckpointSaved { .. } => "checkpoint-saved",
            Self::ToolStarted { .. } => "tool-started",
            Self::ToolOutput { .. } => "tool-output",
            Self::ToolFinished { .. } => "tool-finished",
            Self::ToolRefused { .. } => "tool-refused",
            Self::HttpRequested { .. } => "http-requested",
            Self::HttpFinished { .. } => "http-finished",
            Self::ApprovalRevoked { .. } => "approval-revoked",
            Self::FilesChanged { .. } => "files-changed",
            Self::ClaimsDiffer { .. } => "claims-differ",
            Self::RunFinished { .. } => "run-finished",
        }
    }
}

/// An event with its place in the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`RECORD_FORMAT`].
    pub v: u32,
    /// From 1, without gaps.
    pub seq: u64,
    /// When, by the host's clock: RFC 3339 in UTC with milliseconds.
    pub time: String,
    /// The run: a ULID.
    pub run: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_that_can_be_read_has_its_word_in_the_list() {
        let error = serde_json::from_str::<Event>(r#"{"type": "?"}"#).unwrap_err();
        let message = error.to_string();
        let named: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        assert_eq!(named, Event::WORDS);
    }
}
