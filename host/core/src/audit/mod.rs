//! The audit log as data: what goes into it, how its lines hang together, and how a change to
//! them is found.
//!
//! An [`Entry`] says one thing that a run was given, was refused, started or changed. A [`Line`]
//! is an entry with its number and its place in the chain: each line holds the hash of the one
//! before it. The [`Verifier`] reads lines and finds the first that is not what it should be. The
//! ledger keeps the lines; `docs/audit.md` and `docs/audit.schema.json` are what others read.
//!
//! Never: the value of a variable, what a tool wrote or read, a plugin's inputs or outputs.

mod line;
mod verify;

use serde::{Deserialize, Serialize};

use crate::approval::{Approval, ApprovalId, ToolIdentity};
use crate::change::Change;
use crate::claim::Mismatch;
use crate::denial::Denial;
use crate::event::{Event, GrantSummary};
use crate::manifest::Confinement;
use crate::scope::Scope;
use crate::tool::{Exit, OriginPort, ProgramIdentity, Usage};

pub use line::{Line, LineError, Link, SealError, Sealed};
pub use verify::{Finding, HeadFound, Place, Tampering, Verdict, Verifier};

/// Version of the log's format. A reader refuses a newer one; where `hash` stands in a line and
/// how it is made stays the same in every version.
pub const AUDIT_FORMAT: u32 = 1;

/// One thing worth an audit. Past tense: already true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[serde(rename_all_fields = "kebab-case")]
pub enum Entry {
    /// A run was asked for. Written before anything is decided, so that a run that is denied is
    /// on record too; if it cannot be written, there is no run.
    RunStarted {
        /// The plugin's id.
        plugin: String,
        /// The plugin's version.
        version: String,
        /// Digest of the component.
        component: String,
        /// Digest of its manifest.
        manifest: String,
        /// The workspace on the host.
        workspace: String,
        /// The attempt at a durable task that the run is; absent for a run of its own.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        attempt: Option<Box<AttemptOf>>,
        /// The hook that the run is; absent for anything else.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        hook: Option<Box<HookOf>>,
    },
    /// What the plugin may do in this run.
    Grant {
        /// What it may do, and what it asked for and may not.
        grants: Box<GrantSummary>,
    },
    /// Something was refused.
    Denial {
        /// What, by whom, and what would change it.
        denial: Denial,
    },
    /// A tool started.
    Spawn {
        /// Numbers the tool runs of this run, from 1.
        call: u32,
        /// The owner's name for the tool.
        tool: String,
        /// The owner's name for the argument shape.
        template: String,
        /// The arguments after the program.
        arguments: Vec<String>,
        /// The environment names that its declaration adds; never a value.
        env: Vec<String>,
        /// Where it runs, relative to the workspace, or absolute if the owner fixed it.
        directory: String,
        /// The file that was executed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        program: Option<Box<ProgramIdentity>>,
        /// The origins that it can reach, by port of its own loopback interface.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        origins: Vec<OriginPort>,
        /// How tightly it was held; absent where that is not known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        level: Option<Confinement>,
    },
    /// A granted tool was not started.
    Refused {
        /// The owner's name for the tool.
        tool: String,
        /// The owner's name for the argument shape.
        template: String,
        /// Stable kebab-case word.
        code: String,
        /// Why.
        message: String,
    },
    /// A tool ended.
    Exit {
        /// Which run of a tool.
        call: u32,
        /// The owner's name for the tool.
        tool: String,
        /// How.
        exit: Exit,
        /// Whether the declaration counts that as success.
        success: bool,
        /// What it cost, and how much it wrote.
        usage: Usage,
    },
    /// A request of the plugin went to an origin.
    Request {
        /// Numbers the requests of this run, from 1.
        call: u32,
        /// How many redirects came before.
        hop: u32,
        /// The method.
        method: String,
        /// Where it went.
        origin: String,
        /// The path, without a query.
        path: String,
    },
    /// A request came to its end.
    Response {
        /// Which request.
        call: u32,
        /// The last origin.
        origin: String,
        /// The status of the answer; absent if there is none.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        status: Option<u16>,
        /// Why there is none: a stable kebab-case word.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        code: Option<String>,
        /// Bytes of bodies that were sent.
        sent: u64,
        /// Bytes of bodies that were kept.
        received: u64,
    },
    /// What is not as it was when the run began.
    FilesChanged {
        /// Sorted by path.
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
    /// The owner approved a plugin exactly as it is.
    Approved {
        /// The approval's name.
        approval: ApprovalId,
        /// The approval that it takes the place of.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        replaces: Option<ApprovalId>,
        /// The plugin's id.
        plugin: String,
        /// Digest of the component.
        component: String,
        /// Digest of its manifest.
        manifest: String,
        /// The workspace in which it holds; any if absent.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        workspace: Option<String>,
        /// What it allows, each as `capability scope`.
        allow: Vec<String>,
        /// The programs that it is for, each as `tool path digest`.
        tools: Vec<String>,
    },
    /// The owner took an approval back.
    Revoked {
        /// The approval's name.
        approval: ApprovalId,
        /// The plugin's id.
        plugin: String,
        /// Digest of the component.
        component: String,
    },
    /// A run noticed that an approval that it rests on was taken back, and ends.
    ApprovalRevoked {
        /// Which.
        approval: ApprovalId,
    },
    /// The run ended. A run without one was ended from outside.
    RunFinished {
        /// The outcome's word.
        status: String,
        /// The exit code of the program.
        exit_code: u8,
        /// How long it took, in milliseconds.
        wall_ms: u64,
    },
    /// A writer ended in the middle of a line, and the next one took the torn piece away: that
    /// entry was never complete.
    Recovered {
        /// How long the piece was.
        bytes: u64,
    },
    /// Entries that could not be written, for example on a full disk. They are not in the log.
    Lost {
        /// How many.
        entries: u64,
        /// What the first attempt said.
        reason: String,
    },
}

/// Which attempt at a durable task a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AttemptOf {
    /// The run of the plan, as `remit show` calls it.
    pub plan_run: String,
    /// The task.
    pub task: String,
    /// The attempt, from 1.
    pub number: u32,
    /// The acceptance gate that was checked; absent for the task's own work.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gate: Option<String>,
}

/// Which hook a run is, and what started it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HookOf {
    /// What it runs: `tool:template`.
    pub tool: String,
    /// The place of the event that started it among all events of the ledger.
    pub seq: u64,
    /// The word of that event.
    pub event: String,
}

impl Entry {
    /// The words of all entries, as they stand in `type`.
    pub const WORDS: [&'static str; 16] = [
        "run-started",
        "grant",
        "denial",
        "spawn",
        "refused",
        "exit",
        "files-changed",
        "claims-differ",
        "request",
        "response",
        "approved",
        "revoked",
        "approval-revoked",
        "run-finished",
        "recovered",
        "lost",
    ];

    /// What the audit keeps of an event, if anything.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            // Plugin and workspace are in the entry with which the run was opened.
            Event::RunStarted { grants, .. } => Some(Self::Grant {
                grants: grants.clone(),
            }),
            Event::Denied { denial } => Some(Self::Denial {
                denial: denial.clone(),
            }),
            Event::ToolStarted { .. } => Self::spawn(event),
            Event::HttpRequested { .. } | Event::HttpFinished { .. } => Self::http(event),
            Event::ToolFinished {
                call,
                tool,
                exit,
                success,
                usage,
            } => Some(Self::Exit {
                call: *call,
                tool: tool.clone(),
                exit: *exit,
                success: *success,
                usage: usage.clone(),
            }),
            Event::ToolRefused {
                tool,
                template,
                code,
                message,
            } => Some(Self::Refused {
                tool: tool.clone(),
                template: template.clone(),
                code: code.clone(),
                message: message.clone(),
            }),
            Event::FilesChanged { changes, more } => Some(Self::FilesChanged {
                changes: changes.clone(),
                more: *more,
            }),
            Event::ClaimsDiffer { mismatch } => Some(Self::ClaimsDiffer {
                mismatch: mismatch.clone(),
            }),
            Event::ApprovalRevoked { approval } => Some(Self::ApprovalRevoked {
                approval: approval.clone(),
            }),
            // What a plugin says of its end is its own; the word for it is the host's.
            Event::RunFinished { outcome, wall_ms } => Some(Self::RunFinished {
                status: outcome.status().to_owned(),
                exit_code: outcome.exit_code().number(),
                wall_ms: *wall_ms,
            }),
            // What was said, read, written or claimed, not what was allowed or done.
            Event::InputsAccepted { .. }
            | Event::Step { .. }
            | Event::Percent { .. }
            | Event::Log { .. }
            | Event::Produced { .. }
            | Event::CheckpointSaved { .. }
            | Event::ToolOutput { .. } => None,
        }
    }

    /// What it keeps of a request of a plugin.
    fn http(event: &Event) -> Option<Self> {
        if let Event::HttpRequested {
            call,
            hop,
            method,
            origin,
            path,
        } = event
        {
            return Some(Self::Request {
                call: *call,
                hop: *hop,
                method: method.clone(),
                origin: origin.clone(),
                path: path.clone(),
            });
        }
        let Event::HttpFinished {
            call,
            origin,
            status,
            code,
            sent,
            received,
            ..
        } = event
        else {
            return None;
        };
        Some(Self::Response {
            call: *call,
            origin: origin.clone(),
            status: *status,
            code: code.clone(),
            sent: *sent,
            received: *received,
        })
    }

    /// What it keeps of the start of a tool.
    fn spawn(event: &Event) -> Option<Self> {
        let Event::ToolStarted {
            call,
            tool,
            template,
            arguments,
            directory,
            env,
            program,
            confinement,
            origins,
        } = event
        else {
            return None;
        };
        Some(Self::Spawn {
            call: *call,
            tool: tool.clone(),
            template: template.clone(),
            arguments: arguments.clone(),
            env: env.clone(),
            directory: directory.clone(),
            program: program.clone(),
            origins: origins.clone(),
            level: Some(*confinement),
        })
    }

    /// What the audit keeps of an approval.
    #[must_use]
    pub fn approved(approval: &Approval, replaces: Option<ApprovalId>) -> Self {
        let scope = |scope: &Scope| format!("{} {scope}", scope.capability());
        let tool =
            |tool: &ToolIdentity| format!("{} {} {}", tool.tool, tool.file.path, tool.file.digest);
        Self::Approved {
            approval: approval.id.clone(),
            replaces,
            plugin: approval.plugin.to_string(),
            component: approval.component.to_string(),
            manifest: approval.manifest.to_string(),
            workspace: approval.workspace.clone(),
            allow: approval.allow.scopes().iter().map(scope).collect(),
            tools: approval.tools.iter().map(tool).collect(),
        }
    }

    /// What it keeps of one that was taken back.
    #[must_use]
    pub fn revoked(approval: &Approval) -> Self {
        Self::Revoked {
            approval: approval.id.clone(),
            plugin: approval.plugin.to_string(),
            component: approval.component.to_string(),
        }
    }

    /// Its word, as it stands in `type`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run-started",
            Self::Grant { .. } => "grant",
            Self::Denial { .. } => "denial",
            Self::Spawn { .. } => "spawn",
            Self::Refused { .. } => "refused",
            Self::Exit { .. } => "exit",
            Self::Request { .. } => "request",
            Self::Response { .. } => "response",
            Self::FilesChanged { .. } => "files-changed",
            Self::ClaimsDiffer { .. } => "claims-differ",
            Self::Approved { .. } => "approved",
            Self::Revoked { .. } => "revoked",
            Self::ApprovalRevoked { .. } => "approval-revoked",
            Self::RunFinished { .. } => "run-finished",
            Self::Recovered { .. } => "recovered",
            Self::Lost { .. } => "lost",
        }
    }

    /// Whether it must be on the disk, and the head must name it, before anything else is
    /// written. The others ride along with the next of these: a wait for the disk costs more than
    /// a small run.
    #[must_use]
    pub fn must_last(&self) -> bool {
        match self {
            Self::Spawn { .. }
            | Self::Request { .. }
            | Self::Approved { .. }
            | Self::Revoked { .. }
            | Self::RunFinished { .. }
            | Self::Recovered { .. }
            | Self::Lost { .. } => true,
            Self::RunStarted { .. }
            | Self::Grant { .. }
            | Self::Denial { .. }
            | Self::Refused { .. }
            | Self::Exit { .. }
            | Self::Response { .. }
            | Self::ApprovalRevoked { .. }
            | Self::FilesChanged { .. }
            | Self::ClaimsDiffer { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
