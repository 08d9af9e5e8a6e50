//! Stands before real tools and writes down what they are asked and what they do.
//!
//! Never: a decision, a call that is changed on its way, an output that the plugin does not get.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_core::change::ChangeKind;
use remit_core::event::Stream;
use remit_core::path::RelPath;
use remit_core::tool::{
    Bounds, Directory, Exit, Launch, MAX_STDIN_BYTES, StartError, Stdin, Usage,
};
use remit_engine::seam::{RunningTool, Started, StdinClosed, ToolEvent, Tools, WorkingTree};
use tokio::time::Instant;

use crate::material::MAX_MATERIAL;
use crate::script::in_place;

/// Silence that is worth a step of its own.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes of output that are kept of one tool; more is a flood and says nothing new.
const MAX_OUTPUT: usize = 32 << 20;
/// Changed files of one tool that are kept.
const MAX_WRITTEN: usize = 1_000;

/// One thing that a tool did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedStep {
    /// It wrote.
    Output(Stream, Vec<u8>),
    /// It was silent for this long.
    Pause(Duration),
    /// This file has this content since.
    Wrote(RelPath, Vec<u8>),
    /// This file is gone since.
    Deleted(RelPath),
    /// This file of the scratch directory has this content since.
    Left(RelPath, Vec<u8>),
}

/// One use of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The owner's name for the tool.
    pub tool: String,
    /// The owner's name for the shape of the arguments.
    pub template: String,
    /// The arguments after the program.
    pub arguments: Vec<String>,
    /// Where it ran, relative to the workspace; absent if the owner fixed a directory.
    pub directory: Option<RelPath>,
    /// What the plugin gave it to read in one piece.
    pub stdin: Option<Vec<u8>>,
    /// Why it did not start: a word of `StartError::code`.
    pub refused: Option<String>,
    /// What it did.
    pub steps: Vec<RecordedStep>,
    /// How it ended, if it did before the run.
    pub exit: Option<Exit>,
    /// Whether something of it was too much to be kept.
    pub cut: bool,
}

/// Looks at the workspace as it is now, to compare with later.
#[async_trait]
pub trait Looks: Send + Sync {
    /// The workspace from now on; nothing if it cannot be looked at.
    async fn begin(&self) -> Option<Arc<dyn WorkingTree>>;
}

/// Real tools, and what they did.
pub struct Recorder {
    tools: Arc<dyn Tools>,
    looks: Arc<dyn Looks>,
    workspace: Arc<Dir>,
    log: Arc<Mutex<Vec<Recorded>>>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    /// Records what these tools do in this workspace.
    #[must_use]
    pub fn new(tools: Arc<dyn Tools>, looks: Arc<dyn Looks>, workspace: Dir) -> Self {
        Self {
            tools,
            looks,
            workspace: Arc::new(workspace),
            log: Arc::default(),
        }
    }

    /// What was recorded, in the order of the starts.
    #[must_use]
    pub fn taken(&self) -> Vec<Recorded> {
        lock(&self.log).clone()
    }

    /// What the plugin gives the tool to read, as far as it is known before it starts.
    fn stdin(&self, launch: &Launch) -> Option<Vec<u8>> {
        match launch.stdin() {
            Stdin::Empty | Stdin::Piped => None,
            Stdin::Bytes(bytes) => Some(bytes.clone()),
            Stdin::File(path) => {
                let file = self.workspace.open(path.as_str()).ok()?;
                let mut bytes = Vec::new();
                let read = file.take(MAX_STDIN_BYTES as u64).read_to_end(&mut bytes);
                read.ok().map(|_| bytes)
            }
        }
    }
}

#[async_trait]
impl Tools for Recorder {
    async fn check(&self, launch: &Launch) -> Result<(), StartError> {
        self.tools.check(launch).await
    }

    async fn start(&self, launch: &Launch) -> Result<Started, StartError> {
        let entry = Recorded {
            tool: launch.tool().to_string(),
            template: launch.template().to_string(),
            arguments: in_place(launch),
            directory: match launch.directory() {
                Directory::Workspace(path) => Some(path.clone()),
                Directory::Fixed(_) => None,
            },
            stdin: self.stdin(launch),
            refused: None,
            steps: Vec::new(),
            exit: None,
            cut: false,
        };
        let before = self.looks.begin().await;
        let scratch = launch.scratch().and_then(Scratched::at);
        let started = self.tools.start(launch).await;
        let mut log = lock(&self.log);
        let place = log.len();
        log.push(entry);
        let started = match started {
            Ok(started) => started,
            Err(error) => {
                if let Some(entry) = log.get_mut(place) {
                    entry.refused = Some(error.code().to_owned());
                }
                return Err(error);
            }
        };
        drop(log);
        Ok(Started {
            tool: Box::new(Recording {
                tool: started.tool,
                log: Arc::clone(&self.log),
                place,
                workspace: Arc::clone(&self.workspace),
                bounds: launch.bounds().clone(),
                before,
                scratch,
                kept: 0,
                last: Instant::now(),
            }),
            program: started.program,
        })
    }
}

/// A tool of which everything is written down.
struct Recording {
    tool: Box<dyn RunningTool>,
    log: Arc<Mutex<Vec<Recorded>>>,
    place: usize,
    workspace: Arc<Dir>,
    bounds: Bounds,
    before: Option<Arc<dyn WorkingTree>>,
    scratch: Option<Scratched>,
    kept: usize,
    last: Instant,
}

impl Recording {
    fn note(&self, change: impl FnOnce(&mut Recorded)) {
        if let Some(entry) = lock(&self.log).get_mut(self.place) {
            change(entry);
        }
    }

    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        let silent = self.last.elapsed();
        self.last = Instant::now();
        self.kept += bytes.len();
        let fits = self.kept <= MAX_OUTPUT;
        self.note(|entry| {
            if silent >= PAUSE {
                entry.steps.push(RecordedStep::Pause(silent));
            }
            match entry.steps.last_mut() {
                _ if !fits => entry.cut = true,
                Some(RecordedStep::Output(known, text)) if *known == stream => {
                    text.extend_from_slice(bytes);
                }
                _ => entry
                    .steps
                    .push(RecordedStep::Output(stream, bytes.to_vec())),
            }
        });
    }

    /// What the tool left behind.
    async fn ended(&mut self, exit: Exit) {
        if let Some(scratch) = self.scratch.take() {
            let left = scratch.left();
            self.note(|entry| entry.steps.extend(left));
        }
        let Some(before) = self.before.take() else {
            self.note(|entry| {
                entry.exit.get_or_insert(exit);
            });
            return;
        };
        let mut changes = before.changes().await.unwrap_or_default();
        // What no tool of this plugin may change was somebody else, for example the host.
        changes.retain(|change| {
            let allowed = self
                .bounds
                .write()
                .iter()
                .any(|root| root.covers(&change.path));
            let denied = self.bounds.deny_write().iter();
            allowed && denied.filter(|rule| rule.denies(&change.path)).count() == 0
        });
        let mut cut = changes.len() > MAX_WRITTEN;
        let mut steps = Vec::new();
        for change in changes.into_iter().take(MAX_WRITTEN) {
            match change.kind {
                ChangeKind::Deleted => steps.push(RecordedStep::Deleted(change.path)),
                ChangeKind::Created | ChangeKind::Modified => match self.read(&change.path) {
                    Some(bytes) => steps.push(RecordedStep::Wrote(change.path, bytes)),
                    None => cut = true,
                },
            }
        }
        self.note(|entry| {
            entry.steps.extend(steps);
            entry.exit = Some(exit);
            entry.cut |= cut;
        });
    }

    fn read(&self, path: &RelPath) -> Option<Vec<u8>> {
        let metadata = self.workspace.symlink_metadata(path.as_str()).ok()?;
        if !metadata.is_file() || metadata.len() > MAX_MATERIAL {
            return None;
        }
        self.workspace.read(path.as_str()).ok()
    }
}

#[async_trait]
impl RunningTool for Recording {
    async fn next_event(&mut self, max: usize) -> ToolEvent {
        let event = self.tool.next_event(max).await;
        match &event {
            ToolEvent::Stdout(bytes) => self.output(Stream::Stdout, bytes),
            ToolEvent::Stderr(bytes) => self.output(Stream::Stderr, bytes),
            // The end repeats if it is asked for again: whoever stops waiting here loses nothing.
            ToolEvent::Exited(exit) => self.ended(*exit).await,
        }
        event
    }

    async fn write_stdin(&mut self, bytes: &[u8]) -> Result<usize, StdinClosed> {
        self.tool.write_stdin(bytes).await
    }

    fn close_stdin(&mut self) {
        self.tool.close_stdin();
    }

    fn kill(&mut self, grace: Duration) {
        self.tool.kill(grace);
    }

    fn usage(&self) -> Usage {
        self.tool.usage()
    }
}

/// Files of a scratch directory that are looked at, and how deep: prompts, reports and logs are few.
const MAX_SCRATCHED: usize = 200;
const MAX_DEPTH: usize = 3;

/// The scratch directory of an attempt, and what was in it when a tool started.
struct Scratched {
    directory: Dir,
    before: BTreeMap<String, Vec<u8>>,
}

impl Scratched {
    fn at(path: &str) -> Option<Self> {
        let directory = Dir::open_ambient_dir(path, ambient_authority()).ok()?;
        let before = files(&directory);
        Some(Self { directory, before })
    }

    /// What is there now and was not so before.
    fn left(&self) -> Vec<RecordedStep> {
        let mut steps = Vec::new();
        for (path, bytes) in files(&self.directory) {
            if self.before.get(&path) == Some(&bytes) {
                continue;
            }
            if let Ok(path) = RelPath::parse(&path) {
                steps.push(RecordedStep::Left(path, bytes));
            }
        }
        steps
    }
}

/// The files below a directory with their content; what is too much is left out.
fn files(directory: &Dir) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), 0)];
    while let Some((below, depth)) = open.pop() {
        let here = if below.is_empty() { "." } else { &below };
        let Ok(entries) = directory.read_dir(here) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = match below.as_str() {
                "" => name,
                below => format!("{below}/{name}"),
            };
            let Ok(metadata) = directory.symlink_metadata(&path) else {
                continue;
            };
            if metadata.is_dir() && depth < MAX_DEPTH {
                open.push((path, depth + 1));
            } else if metadata.is_file()
                && metadata.len() <= MAX_MATERIAL
                && found.len() < MAX_SCRATCHED
                && let Ok(bytes) = directory.read(&path)
            {
                found.insert(path, bytes);
            }
        }
    }
    found
}

/// A poisoned lock only means that another thread panicked while it held plain data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
