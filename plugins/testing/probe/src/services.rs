//! The host's services beside tools: progress, state, time, randomness, the workspace.
//!
//! They are called through the generated bindings, without the SDK's conveniences, so that a test
//! can send what the SDK would not. Never: a value checked before it is sent.

use remit_plugin_sdk::bindings::imports::remit::plugin::{
    person::{self, Kind, ask},
    progress as raw, state as store,
};
use remit_plugin_sdk::progress::{self, Level};
use remit_plugin_sdk::state::Scope;
use remit_plugin_sdk::workspace::{self, ChangeKind, Mode};
use remit_plugin_sdk::{Context, clock, random};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::action::artifact;
use crate::trouble::Trouble;

/// Whose values are meant.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ScopeName {
    Task,
    Project,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Task => Self::Task,
            ScopeName::Project => Self::Project,
        }
    }
}

/// A use of a service.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub(crate) enum ServiceDeed {
    /// The context, without the inputs.
    Context,
    /// One message at every level, a step, a percentage.
    Progress { message: String },
    /// Says these percentages, one after the other.
    Percent { values: Vec<u32> },
    /// A log message with these fields as they are.
    Log { message: String, fields: String },
    /// Announces a file.
    Produced { path: String },
    /// Saves a checkpoint of this many bytes.
    Checkpoint { bytes: usize },
    /// Root and grants of the workspace.
    Grants,
    /// Files that changed since the run began.
    Changed,
    /// The clocks of the host.
    Clock,
    /// Sleeps by the host's clock.
    Sleep { ms: u64 },
    /// How many random bytes came, and whether two draws differ.
    Random { count: u32 },
    /// The text of a value, or null.
    StateGet { scope: ScopeName, key: String },
    /// Stores a value, given as JSON text.
    StateSet {
        scope: ScopeName,
        key: String,
        json: String,
    },
    /// Stores a string of this many bytes under `count` keys `<key>0`, `<key>1`, ….
    StateFill {
        scope: ScopeName,
        key: String,
        bytes: usize,
        count: usize,
    },
    /// Merges a patch, given as JSON text; the text of the result.
    StateMerge {
        scope: ScopeName,
        key: String,
        json: String,
    },
    /// Asks a person to approve; what was answered.
    Ask {
        text: String,
        done: Option<bool>,
        default: Option<bool>,
        deadline_ms: Option<u64>,
    },
    /// Removes a key.
    StateRemove { scope: ScopeName, key: String },
    /// Lists keys.
    StateKeys { scope: ScopeName, prefix: String },
}

impl ServiceDeed {
    /// Does it.
    pub(crate) fn perform(self, context: &Context) -> Result<Value, Trouble> {
        match self {
            Self::Context => Ok(describe(context)),
            Self::Progress { message } => {
                progress::step(&message);
                progress::percent(50);
                progress::debug(&message);
                progress::info(&message);
                progress::warn(&message);
                progress::error(&message);
                Ok(Value::Null)
            }
            Self::Percent { values } => {
                values.into_iter().for_each(progress::percent);
                Ok(Value::Null)
            }
            Self::Log { message, fields } => {
                raw::log(Level::Info, &message, &fields);
                Ok(Value::Null)
            }
            Self::Produced { path } => {
                progress::produced(&artifact(path));
                Ok(Value::Null)
            }
            Self::Checkpoint { bytes } => Ok(json!(progress::checkpoint(&vec![7; bytes])?)),
            Self::Grants => Ok(grants()),
            Self::Ask {
                text,
                done,
                default,
                deadline_ms,
            } => asked(text, done == Some(true), default, deadline_ms),
            Self::Changed => changed(),
            Self::Clock => Ok(json!({
                "now_ms": clock::now_ms(),
                "forward": clock::monotonic_ns() <= clock::monotonic_ns(),
                "time_left_ms": clock::time_left_ms(),
            })),
            Self::Sleep { ms } => {
                clock::sleep_ms(ms);
                Ok(Value::Null)
            }
            Self::Random { count } => {
                let (one, other) = (random::bytes(count), random::bytes(count));
                Ok(json!({ "length": one.len(), "differ": one != other }))
            }
            Self::StateGet { scope, key } => Ok(json!(store::get(scope.into(), &key)?)),
            Self::StateSet { scope, key, json } => {
                Ok(json!(store::set(scope.into(), &key, &json)?))
            }
            Self::StateFill {
                scope,
                key,
                bytes,
                count,
            } => {
                let value = format!("\"{}\"", "x".repeat(bytes));
                for number in 0..count {
                    store::set(scope.into(), &format!("{key}{number}"), &value)?;
                }
                Ok(json!(count))
            }
            Self::StateMerge { scope, key, json } => {
                Ok(json!(store::merge(scope.into(), &key, &json)?))
            }
            Self::StateRemove { scope, key } => Ok(json!(store::remove(scope.into(), &key)?)),
            Self::StateKeys { scope, prefix } => Ok(json!(store::keys(scope.into(), &prefix)?)),
        }
    }
}

fn describe(context: &Context) -> Value {
    json!({
        "run_id": context.run_id,
        "task_id": context.task_id,
        "attempt": context.attempt,
        "fence": context.fence,
        "effect_key": context.effect_key,
        "workspace": context.workspace,
        "time_left_ms": context.time_left_ms,
        "checkpoint_bytes": context.checkpoint.as_ref().map(Vec::len),
    })
}

fn grants() -> Value {
    let granted: Vec<Value> = workspace::grants()
        .into_iter()
        .map(|grant| {
            let mode = match grant.mode {
                Mode::Read => "read",
                Mode::Write => "write",
                Mode::ReadWrite => "read-write",
            };
            json!({ "path": grant.path, "mode": mode })
        })
        .collect();
    let scratch = workspace::scratch().ok();
    json!({ "root": workspace::root().ok(), "scratch": scratch, "grants": granted })
}

fn asked(
    text: String,
    done: bool,
    default: Option<bool>,
    deadline_ms: Option<u64>,
) -> Result<Value, Trouble> {
    let kind = if done { Kind::Done } else { Kind::Approve };
    let answer = ask(&person::Question {
        kind,
        text,
        default,
        deadline_ms,
    })?;
    Ok(json!({ "yes": answer.yes, "note": answer.note, "by": answer.by }))
}

fn changed() -> Result<Value, Trouble> {
    let all = workspace::changed_files()?;
    let all = all.into_iter().map(|change| {
        let kind = match change.kind {
            ChangeKind::Created => "created",
            ChangeKind::Modified => "modified",
            ChangeKind::Deleted => "deleted",
        };
        json!({ "path": change.path, "kind": kind })
    });
    Ok(all.collect())
}
