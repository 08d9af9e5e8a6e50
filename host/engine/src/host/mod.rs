//! What a running plugin can ask for. Every request comes through here and is decided against the
//! grants before anything happens; every refusal is an error to the plugin, an event, and a line
//! that shows the owner what would allow it.
//!
//! Never: a way to an effect that does not pass the grants; a grant that changes during a run.

mod ask;
mod effects;
mod http;
mod keep;
mod report;
mod tools;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use remit_core::change::Change;
use remit_core::claim::Claims;
use remit_core::denial::Denial;
use remit_core::event::Event;
use remit_core::grant::{Access, CallProblem, Grants};
use remit_core::outcome::CancelReason;
use remit_core::path::RelPath;
use remit_core::tool::{StartError, TaskMark};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use ask::AskError;
pub(crate) use effects::EndedTool;
pub use http::{HttpAnswer, HttpError};

use crate::cancel::Cancel;
use crate::durable::attempts::AttemptRecord;
use crate::journal::Journal;
use crate::seam::{
    Http, Observer, Person, Scratch, StateError, StateStore, Tools, WorkingTree, WorkspaceError,
};

/// Events that one plugin may cause. Far more than people read; few enough to keep.
pub const MAX_EVENTS: u64 = 100_000;
/// Bytes of log text and names that one plugin may cause.
pub const MAX_EVENT_BYTES: u64 = 16 << 20;
/// Longest log message or step name that is kept whole.
pub const MAX_MESSAGE: usize = 64 << 10;
/// Largest checkpoint: what a task may carry from one attempt to the next.
pub const MAX_CHECKPOINT: u64 = 1 << 20;
/// Tools that one plugin may have running at once.
pub const MAX_RUNNING_TOOLS: u32 = 64;
/// Longest state key. The stores' own limit is the same.
pub const MAX_STATE_KEY: usize = 255;
/// Denials that are kept for the outcome. The events hold them all.
const MAX_DENIALS: usize = 100;

/// A plugin passed a limit of the host; it ends with a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plugin passed a limit of the host: {0}")]
pub struct LimitHit(pub String);

/// Why a tool call did not lead to a running tool.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// Outside the grants.
    #[error("{0}")]
    Denied(Box<Denial>),
    /// The declaration does not take these values.
    #[error("the call does not fit the tool's declaration ({} problems)", .0.len())]
    Invalid(Vec<CallProblem>),
    /// The program could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It was refused once too often: the plugin may cause no more events.
    #[error(transparent)]
    Limit(#[from] LimitHit),
}

/// Why a state request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateRequestError {
    /// The key is empty or too long.
    #[error("a state key has 1 to {MAX_STATE_KEY} bytes")]
    InvalidKey,
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StateError),
}

/// Whose values a plugin means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateReach {
    /// Of this task.
    Task,
    /// Of this plugin in this workspace.
    Project,
}

/// The world as one attempt may touch it.
pub struct World {
    /// Starts tools.
    pub tools: Arc<dyn Tools>,
    /// Keeps values.
    pub state: Arc<dyn StateStore>,
    /// Looks at the working tree.
    pub tree: Arc<dyn WorkingTree>,
    /// Sends requests; absent in a run without a network.
    pub http: Option<Arc<dyn Http>>,
    /// Where plugin and tools hand each other files; none where a plugin is only asked something.
    pub scratch: Option<Arc<dyn Scratch>>,
    /// Who is asked, if the attempt is none of a durable task; none where nobody is there.
    pub person: Option<Arc<dyn Person>>,
    /// What makes the attempt one of a durable task; nothing is kept for a next one without.
    pub durable: Option<Durable>,
}

/// What makes an attempt one of a durable task.
#[derive(Clone)]
pub struct Durable {
    /// Where it writes what it is about to do and has done.
    pub record: Arc<dyn AttemptRecord>,
    /// What tools are told about the task.
    pub mark: TaskMark,
    /// How many effects had been asked for when the checkpoint was saved from which it goes on.
    pub effects_before: u32,
}

/// Who runs, where, and for how long.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The plugin's id.
    pub plugin: String,
    /// The task's id.
    pub task: String,
    /// The workspace's real path on the host.
    pub workspace: PathBuf,
    /// How long the attempt may take.
    pub time: Duration,
}

/// What a running plugin can ask for.
pub struct PluginHost {
    grants: Grants,
    world: World,
    identity: Identity,
    journal: Journal,
    cancel: Cancel,
    started: Instant,
    pauses: ask::Pauses,
    questions: AtomicU32,
    calls: AtomicU32,
    effects: AtomicU32,
    requests: AtomicU32,
    running: AtomicU32,
    events: AtomicU64,
    event_bytes: AtomicU64,
    percent: AtomicU8,
    watched_output: bool,
    ended: AtomicBool,
    denials: Mutex<Vec<Denial>>,
    asked: Mutex<Vec<Denial>>,
    reported: Mutex<HashSet<String>>,
    claims: Mutex<Claims>,
    checkpoint: Mutex<Option<Vec<u8>>>,
    handles: Mutex<JoinSet<()>>,
    observer: OnceLock<Arc<dyn Observer>>,
}

impl std::fmt::Debug for PluginHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginHost")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl PluginHost {
    /// The host side of one attempt. Its clock starts now.
    ///
    /// `watched_output`: whether anyone wants the bytes that tools write as events.
    #[must_use]
    pub fn new(
        grants: Grants,
        world: World,
        identity: Identity,
        journal: Journal,
        cancel: Cancel,
        watched_output: bool,
    ) -> Arc<Self> {
        let effects = world.durable.as_ref().map_or(0, |it| it.effects_before);
        Arc::new(Self {
            grants,
            world,
            identity,
            journal,
            cancel,
            started: Instant::now(),
            pauses: ask::Pauses::new(),
            questions: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            effects: AtomicU32::new(effects),
            requests: AtomicU32::new(0),
            running: AtomicU32::new(0),
            events: AtomicU64::new(0),
            event_bytes: AtomicU64::new(0),
            percent: AtomicU8::new(0),
            watched_output,
            ended: AtomicBool::new(false),
            denials: Mutex::default(),
            asked: Mutex::default(),
            reported: Mutex::default(),
            claims: Mutex::default(),
            checkpoint: Mutex::default(),
            handles: Mutex::default(),
            observer: OnceLock::new(),
        })
    }

    /// What the plugin may do.
    #[must_use]
    pub fn grants(&self) -> &Grants {
        &self.grants
    }
    /// Who runs, where, and for how long.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
    /// The attempt's scratch directory, if it has one.
    #[must_use]
    pub fn scratch(&self) -> Option<&Arc<dyn Scratch>> {
        self.world.scratch.as_ref()
    }
    /// Where events go.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
    /// How the run is asked to end.
    #[must_use]
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }
    /// Whether the plugin may do nothing more, not even end in peace: its approval is gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.cancel.reason().is_some_and(CancelReason::is_final)
    }
    /// Whether anyone wants the bytes that tools write.
    #[must_use]
    pub fn output_is_watched(&self) -> bool {
        self.watched_output
    }
    /// How long the attempt has run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
    /// How long it may still run. Stands still while a person is asked.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        let run = self.elapsed().saturating_sub(self.pauses.so_far());
        self.identity.time.saturating_sub(run)
    }

    /// Has someone see which files the plugin uses, from now on. The first one stays.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        // Whoever comes second sees nothing; there is one for each attempt.
        drop(self.observer.set(observer));
    }

    /// The plugin was let through to a path. Without an observer this costs one load.
    pub fn used(&self, access: Access, path: &RelPath) {
        if let Some(observer) = self.observer.get() {
            observer.used(access, path);
        }
    }

    /// Puts a denial on record: as an event the first time, for the outcome in any case.
    ///
    /// # Errors
    /// The plugin has caused too many events.
    pub async fn deny(&self, denial: Denial) -> Result<(), LimitHit> {
        let text = denial.to_string();
        let size = text.len();
        let first = lock(&self.reported).insert(text);
        if first {
            self.charge(size)?;
            self.keep_denial(&denial);
            self.journal.emit(Event::Denied { denial }).await;
        }
        Ok(())
    }

    fn keep_denial(&self, denial: &Denial) {
        let mut denials = lock(&self.denials);
        if denials.len() < MAX_DENIALS {
            denials.push(denial.clone());
        }
    }

    /// The denials of this attempt, in order, each once.
    #[must_use]
    pub fn denials(&self) -> Vec<Denial> {
        lock(&self.denials).clone()
    }

    /// What the plugin asked about and would have been denied, each once.
    #[must_use]
    pub fn asked(&self) -> Vec<Denial> {
        lock(&self.asked).clone()
    }

    /// What changed in the working tree, as far as the plugin may read it.
    ///
    /// # Errors
    /// The tree cannot be looked at.
    pub async fn readable_changes(&self) -> Result<Vec<Change>, WorkspaceError> {
        let mut changes = self.world.tree.changes().await?;
        changes.retain(|change| self.grants.may_read(&change.path));
        Ok(changes)
    }

    /// What changed in the working tree.
    ///
    /// # Errors
    /// The tree cannot be looked at.
    pub async fn changes(&self) -> Result<Vec<Change>, WorkspaceError> {
        self.world.tree.changes().await
    }
}

/// The longest beginning that is at most [`MAX_MESSAGE`] bytes.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_MESSAGE))
        .unwrap_or(text)
}

/// A poisoned lock only means that another thread panicked while it held plain data.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
