//! What a running plugin can ask for. Every request comes through here and is decided against the
//! grants before anything happens; every refusal is an error to the plugin, an event, and a line
//! that shows the owner what would allow it.
//!
//! Never: a way to an effect that does not pass the grants; a grant that changes during a run.

use std::collections::HashSet;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use remit_core::change::Change;
use remit_core::denial::Denial;
use remit_core::event::{Event, Level, LogSource};
use remit_core::grant::{CallProblem, CallRefused, Grants};
use remit_core::outcome::Artifact;
use remit_core::path::RelPath;
use remit_core::tool::{Exit, Launch, StartError, ToolCall, ToolId, Usage};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::cancel::Cancel;
use crate::journal::Journal;
use crate::seam::{StateError, StateScope, StateStore, Tools, WorkingTree, WorkspaceError};
use crate::tool_run::ToolRun;

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
/// How long the end of an attempt waits for tools that were just killed.
const SETTLE: Duration = Duration::from_secs(5);
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
    calls: AtomicU32,
    running: AtomicU32,
    events: AtomicU64,
    event_bytes: AtomicU64,
    percent: AtomicU8,
    watched_output: bool,
    denials: Mutex<Vec<Denial>>,
    asked: Mutex<Vec<Denial>>,
    reported: Mutex<HashSet<String>>,
    checkpoint: Mutex<Option<Vec<u8>>>,
    handles: Mutex<JoinSet<()>>,
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
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where an attempt's clock starts"
    )]
    pub fn new(
        grants: Grants,
        world: World,
        identity: Identity,
        journal: Journal,
        cancel: Cancel,
        watched_output: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            grants,
            world,
            identity,
            journal,
            cancel,
            started: Instant::now(),
            calls: AtomicU32::new(0),
            running: AtomicU32::new(0),
            events: AtomicU64::new(0),
            event_bytes: AtomicU64::new(0),
            percent: AtomicU8::new(0),
            watched_output,
            denials: Mutex::default(),
            asked: Mutex::default(),
            reported: Mutex::default(),
            checkpoint: Mutex::default(),
            handles: Mutex::default(),
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
    /// How long it may still run.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.identity.time.saturating_sub(self.elapsed())
    }

    // ---- what the plugin tells -----------------------------------------------------------

    /// Counts an event that the plugin caused.
    fn charge(&self, bytes: usize) -> Result<(), LimitHit> {
        let events = self.events.fetch_add(1, Ordering::Relaxed) + 1;
        let size = self
            .event_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed)
            .saturating_add(bytes as u64);
        if events > MAX_EVENTS {
            return Err(LimitHit(format!("more than {MAX_EVENTS} events")));
        }
        if size > MAX_EVENT_BYTES {
            return Err(LimitHit(format!(
                "more than {} MiB of log output",
                MAX_EVENT_BYTES >> 20
            )));
        }
        Ok(())
    }

    /// A line for the log, cut at [`MAX_MESSAGE`].
    ///
    /// # Errors
    /// The plugin has caused too many events.
    pub async fn log(
        &self,
        source: LogSource,
        level: Level,
        message: &str,
        fields: Value,
    ) -> Result<(), LimitHit> {
        self.charge(message.len())?;
        let event = Event::Log {
            level,
            source,
            message: cut(message).to_owned(),
            fields,
        };
        self.journal.emit(event).await;
        Ok(())
    }

    /// A step begins.
    ///
    /// # Errors
    /// The plugin has caused too many events.
    pub async fn step(&self, name: &str) -> Result<(), LimitHit> {
        self.charge(name.len())?;
        let name = cut(name).to_owned();
        self.journal.emit(Event::Step { name }).await;
        Ok(())
    }

    /// The work advanced. What is not more than before is not worth an event.
    ///
    /// # Errors
    /// The plugin has caused too many events.
    pub async fn percent(&self, value: u32) -> Result<(), LimitHit> {
        self.charge(0)?;
        let value = u8::try_from(value.min(100)).unwrap_or(100);
        if self.percent.fetch_max(value, Ordering::Relaxed) < value {
            self.journal.emit(Event::Percent { value }).await;
        }
        Ok(())
    }

    /// A file is finished, says the plugin; the host looks.
    ///
    /// # Errors
    /// The plugin has caused too many events.
    pub async fn produced(&self, artifact: Artifact) -> Result<(), LimitHit> {
        self.charge(artifact.path.len())?;
        let artifact = self.see(artifact).await;
        self.journal.emit(Event::Produced { artifact }).await;
        Ok(())
    }

    /// What the host sees of a file that a plugin names.
    pub async fn see(&self, mut artifact: Artifact) -> Artifact {
        artifact.size = match RelPath::parse(&artifact.path) {
            Ok(path) => self.world.tree.file_size(&path).await,
            Err(_) => None,
        };
        artifact
    }

    /// Keeps bytes for the next attempt. False if they are too many.
    pub async fn save_checkpoint(&self, bytes: Vec<u8>) -> bool {
        if bytes.len() as u64 > MAX_CHECKPOINT {
            return false;
        }
        let size = bytes.len() as u64;
        *lock(&self.checkpoint) = Some(bytes);
        self.journal
            .emit(Event::CheckpointSaved { bytes: size })
            .await;
        true
    }

    /// What the plugin saved last, for the next attempt.
    #[must_use]
    pub fn take_checkpoint(&self) -> Option<Vec<u8>> {
        lock(&self.checkpoint).take()
    }

    // ---- what the plugin wants -----------------------------------------------------------

    /// Puts a denial on record: as an event the first time, for the outcome in any case.
    pub async fn deny(&self, denial: Denial) {
        let first = lock(&self.reported).insert(denial.to_string());
        if first {
            self.keep_denial(&denial);
            self.journal.emit(Event::Denied { denial }).await;
        }
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

    /// Decides a tool call without carrying it out.
    ///
    /// # Errors
    /// As [`Self::start_tool`], as far as it can be known beforehand. A plugin that only asks has
    /// not been denied anything yet, so nothing goes on record; the answer is kept for the outcome.
    pub async fn check_tool(&self, call: &ToolCall) -> Result<(), CallError> {
        let launch = self.decide(call).inspect_err(|error| {
            if let CallError::Denied(denial) = error {
                let mut asked = lock(&self.asked);
                if asked.len() < MAX_DENIALS && !asked.contains(denial) {
                    asked.push(denial.as_ref().clone());
                }
            }
        })?;
        self.world.tools.check(&launch).await?;
        Ok(())
    }

    fn decide(&self, call: &ToolCall) -> Result<Launch, CallError> {
        self.grants.launch(call).map_err(|refused| match refused {
            CallRefused::Denied(denial) => CallError::Denied(denial),
            CallRefused::Invalid(problems) => CallError::Invalid(problems),
        })
    }

    /// Starts a tool.
    ///
    /// # Errors
    /// The call is outside the grants, does not fit the declaration, or the program did not start.
    pub async fn start_tool(self: &Arc<Self>, call: &ToolCall) -> Result<ToolRun, CallError> {
        match self.try_start(call).await {
            Ok(run) => Ok(run),
            Err(error) => {
                self.refused(call, &error).await;
                Err(error)
            }
        }
    }

    async fn try_start(self: &Arc<Self>, call: &ToolCall) -> Result<ToolRun, CallError> {
        let launch = self.decide(call)?;
        if self.running.load(Ordering::Relaxed) >= MAX_RUNNING_TOOLS {
            return Err(CallError::Start(StartError::Limit {
                tool: launch.tool().clone(),
                what: format!("the plugin already has {MAX_RUNNING_TOOLS} tools running"),
            }));
        }
        let running = self.world.tools.start(&launch).await?;
        self.running.fetch_add(1, Ordering::Relaxed);
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        self.journal.emit(tool_started(number, &launch)).await;
        Ok(ToolRun::new(
            number,
            launch.tool().clone(),
            launch.success().to_vec(),
            Arc::clone(self),
            running,
        ))
    }

    async fn refused(&self, call: &ToolCall, error: &CallError) {
        let (code, message) = match error {
            CallError::Denied(denial) => {
                self.deny(denial.as_ref().clone()).await;
                return;
            }
            CallError::Invalid(problems) => (
                "invalid-call",
                problems
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("; "),
            ),
            CallError::Start(error) => (error.code(), error.to_string()),
        };
        self.journal
            .emit(Event::ToolRefused {
                tool: cut(&call.tool).to_owned(),
                template: cut(&call.template).to_owned(),
                code: code.to_owned(),
                message,
            })
            .await;
    }

    pub(crate) async fn tool_finished(
        &self,
        call: u32,
        tool: &ToolId,
        exit: Exit,
        success: bool,
        usage: Usage,
    ) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        self.journal
            .emit(Event::ToolFinished {
                call,
                tool: tool.to_string(),
                exit,
                success,
                usage,
            })
            .await;
    }

    /// Work that must still be done after a plugin dropped a handle.
    pub(crate) fn after_handle(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime the process itself is ending, and the supervisors notice that.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            lock(&self.handles).spawn_on(work, &runtime);
        }
    }

    /// Waits until every tool of this attempt is gone, for a bounded time. False if some were
    /// still there.
    pub async fn settle(&self) -> bool {
        let mut handles = std::mem::take(&mut *lock(&self.handles));
        let all = async { while handles.join_next().await.is_some() {} };
        tokio::time::timeout(SETTLE, all).await.is_ok()
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

    // ---- what the plugin keeps -----------------------------------------------------------

    /// The store and the scope for a request with this key.
    ///
    /// # Errors
    /// The key is empty or too long.
    pub fn state(
        &self,
        reach: StateReach,
        key: &str,
    ) -> Result<(Arc<dyn StateStore>, StateScope), StateRequestError> {
        if key.is_empty() || key.len() > MAX_STATE_KEY {
            return Err(StateRequestError::InvalidKey);
        }
        Ok(self.state_scope(reach))
    }

    /// The store and the scope, without a key.
    #[must_use]
    pub fn state_scope(&self, reach: StateReach) -> (Arc<dyn StateStore>, StateScope) {
        let plugin = self.identity.plugin.clone();
        let scope = match reach {
            StateReach::Task => StateScope::Task {
                plugin,
                task: self.identity.task.clone(),
            },
            StateReach::Project => StateScope::Project {
                plugin,
                project: self.identity.workspace.to_string_lossy().into_owned(),
            },
        };
        (Arc::clone(&self.world.state), scope)
    }
}

fn tool_started(call: u32, launch: &Launch) -> Event {
    use remit_core::tool::Directory;
    Event::ToolStarted {
        call,
        tool: launch.tool().to_string(),
        template: launch.template().to_string(),
        arguments: launch.arguments().to_vec(),
        directory: match launch.directory() {
            Directory::Workspace(path) => path.to_string(),
            Directory::Fixed(path) => path.display().to_string(),
        },
        env: launch
            .pass_env()
            .iter()
            .chain(launch.set_env().iter().map(|(name, _)| name))
            .map(ToString::to_string)
            .collect(),
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
