//! In-memory doubles of the seams, for tests: a world in which nothing happens but what the test
//! says.
//!
//! Never: used by the product.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "doubles for tests; a test may panic"
)]

pub mod attempts;
mod record;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use remit_core::change::Change;
use remit_core::decide::decide;
use remit_core::digest::Digest;
use remit_core::event::{Event, Record};
use remit_core::grant::Grants;
use remit_core::manifest::Manifest;
use remit_core::outcome::InputProblem;
use remit_core::path::RelPath;
use remit_core::person::{PersonAnswer, PersonQuestion};
use remit_core::policy::{Origin, Policy};
use remit_core::tool::{Exit, FileIdentity, KillCause, Launch, ProgramIdentity, StartError, Usage};
use tokio::sync::Notify;

use crate::cancel::Cancel;
use crate::durable::attempts::AttemptRecord;
use crate::durable::journal::{AttemptJournal, EventAudit};
use crate::host::{Durable, Identity, PluginHost, World};
use crate::journal::{Journal, Watcher};
use crate::plugin::{Context, Descriptor, Finished, Instance, Plugin, PluginFault, Role};
use crate::seam::{
    Person, Reply, RunningTool, Scratch, ScratchError, Started, StateError, StateScope, StateStore,
    StdinClosed, ToolEvent, Tools, WorkingTree, WorkspaceError,
};

pub use record::{FakeAudit, FakeRecord, Told};

/// Grants for a plugin called `fake`, from the rest of its manifest and of its policy.
#[must_use]
pub fn grants(manifest: &str, policy: &str) -> Grants {
    let head = "format = 1\nid = \"fake\"\nversion = \"0.1.0\"\nwit = \"remit:plugin@0.1.0\"\ntitle = \"fake\"\n";
    let manifest = Manifest::parse("fake", &format!("{head}{manifest}")).unwrap();
    let policy = format!("format = 1\n{policy}");
    let policy = Policy::parse(Origin::File("policy".into()), &policy).unwrap();
    decide(&manifest, &policy, &Digest::of(b"fake")).unwrap()
}

/// Tools that play a script.
#[derive(Debug, Default)]
pub struct FakeTools {
    /// What each next tool does; without a script a tool waits until it is killed.
    pub scripts: Mutex<VecDeque<Vec<ToolEvent>>>,
    /// What was started.
    pub started: Mutex<Vec<Launch>>,
    /// What `start` and `check` answer instead, if set.
    pub refuse: Mutex<Option<StartError>>,
}

#[async_trait]
impl Tools for FakeTools {
    async fn check(&self, _launch: &Launch) -> Result<(), StartError> {
        self.refuse.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    async fn start(&self, launch: &Launch) -> Result<Started, StartError> {
        self.check(launch).await?;
        self.started.lock().unwrap().push(launch.clone());
        let script = self.scripts.lock().unwrap().pop_front();
        Ok(Started {
            tool: Box::new(FakeRunning {
                waits: script.is_none(),
                script: script.unwrap_or_default().into(),
                killed: Arc::default(),
            }),
            program: program(),
        })
    }
}

/// The program of every tool in a fake world.
#[must_use]
pub fn program() -> ProgramIdentity {
    ProgramIdentity {
        executable: FileIdentity {
            path: "/fake/tool".into(),
            digest: Some(Digest::of(b"tool")),
            device: 1,
            inode: 2,
        },
        script: None,
    }
}

/// A tool that plays a script.
#[derive(Debug)]
struct FakeRunning {
    script: VecDeque<ToolEvent>,
    waits: bool,
    killed: Arc<Notify>,
}

#[async_trait]
impl RunningTool for FakeRunning {
    async fn next_event(&mut self, _max: usize) -> ToolEvent {
        if self.waits {
            self.killed.notified().await;
            self.waits = false;
            self.script = [ToolEvent::Exited(Exit::Killed(KillCause::Requested))].into();
        }
        if self.script.len() > 1 {
            return self.script.pop_front().unwrap();
        }
        self.script
            .front()
            .cloned()
            .unwrap_or(ToolEvent::Exited(Exit::Code(0)))
    }
    async fn write_stdin(&mut self, bytes: &[u8]) -> Result<usize, StdinClosed> {
        Ok(bytes.len())
    }
    fn close_stdin(&mut self) {}
    fn kill(&mut self, _grace: Duration) {
        self.killed.notify_one();
    }
    fn usage(&self) -> Usage {
        Usage::default()
    }
}

/// Values in memory.
#[derive(Debug, Default)]
pub struct FakeState(Mutex<BTreeMap<(String, String), String>>);

#[async_trait]
impl StateStore for FakeState {
    async fn get(&self, scope: &StateScope, key: &str) -> Result<Option<String>, StateError> {
        let values = self.0.lock().unwrap();
        Ok(values.get(&(format!("{scope:?}"), key.into())).cloned())
    }
    async fn set(&self, scope: &StateScope, key: &str, value: &str) -> Result<(), StateError> {
        let mut values = self.0.lock().unwrap();
        values.insert((format!("{scope:?}"), key.into()), value.into());
        Ok(())
    }
    async fn merge(
        &self,
        _scope: &StateScope,
        _key: &str,
        patch: &str,
    ) -> Result<String, StateError> {
        Ok(patch.into())
    }
    async fn remove(&self, scope: &StateScope, key: &str) -> Result<(), StateError> {
        let mut values = self.0.lock().unwrap();
        values.remove(&(format!("{scope:?}"), key.into()));
        Ok(())
    }
    async fn keys(&self, _scope: &StateScope, _prefix: &str) -> Result<Vec<String>, StateError> {
        Ok(Vec::new())
    }
}

/// A working tree that has what the test says.
#[derive(Debug, Default)]
pub struct FakeTree {
    /// What changed.
    pub changes: Vec<Change>,
    /// Files that are there, with their sizes.
    pub files: BTreeMap<RelPath, u64>,
}

#[async_trait]
impl WorkingTree for FakeTree {
    async fn changes(&self) -> Result<Vec<Change>, WorkspaceError> {
        Ok(self.changes.clone())
    }
    async fn file_size(&self, path: &RelPath) -> Option<u64> {
        self.files.get(path).copied()
    }
}

/// Records, as a watcher saw them.
#[derive(Debug, Clone, Default)]
pub struct Seen(pub Arc<Mutex<Vec<Record>>>);

impl Watcher for Seen {
    fn record(&mut self, record: &Record) {
        self.0.lock().unwrap().push(record.clone());
    }
}

impl Seen {
    /// The events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let records = self.0.lock().unwrap();
        records.iter().map(|record| record.event.clone()).collect()
    }

    /// The names of the events so far, as in JSON.
    #[must_use]
    pub fn types(&self) -> Vec<String> {
        self.events()
            .iter()
            .map(|event| {
                let value = serde_json::to_value(event).unwrap();
                value["type"].as_str().unwrap().to_owned()
            })
            .collect()
    }
}

/// The host side of an attempt in a fake world.
#[must_use]
pub fn host(grants: Grants, tools: Arc<FakeTools>, tree: FakeTree, seen: &Seen) -> Arc<PluginHost> {
    let clock: crate::journal::Clock = Arc::new(|| "2026-01-01T00:00:00.000Z".into());
    let journal = Journal::start("run".into(), clock, vec![Box::new(seen.clone())]).unwrap();
    in_world(grants, tools, tree, None, None, (journal, Cancel::new()))
}

/// The same for an attempt with this scratch directory, which the test keeps.
#[must_use]
pub fn host_with_scratch(grants: Grants, seen: &Seen, scratch: &str) -> Arc<PluginHost> {
    let clock: crate::journal::Clock = Arc::new(|| "2026-01-01T00:00:00.000Z".into());
    let journal = Journal::start("run".into(), clock, vec![Box::new(seen.clone())]).unwrap();
    let (tools, tree) = (Arc::new(FakeTools::default()), FakeTree::default());
    let scratch = Arc::new(FakeScratch(scratch.to_owned()));
    in_world(
        grants,
        tools,
        tree,
        Some(scratch),
        None,
        (journal, Cancel::new()),
    )
}

/// A person who says yes to everything.
#[derive(Debug)]
struct Agreeing;

#[async_trait]
impl Person for Agreeing {
    async fn ask(&self, _plugin: &str, _question: &PersonQuestion) -> Reply {
        Reply::Answered(PersonAnswer {
            yes: true,
            note: None,
            by: "fake".into(),
        })
    }
}

/// A scratch directory that is there already.
#[derive(Debug)]
pub struct FakeScratch(pub String);

impl Scratch for FakeScratch {
    fn path(&self) -> Result<&str, ScratchError> {
        Ok(&self.0)
    }
}

/// The host side of an attempt at a durable task in a fake world.
#[must_use]
pub fn durable_host(
    grants: Grants,
    tools: Arc<FakeTools>,
    record: &Arc<FakeRecord>,
    audit: &Arc<FakeAudit>,
    attempt: u32,
) -> Arc<PluginHost> {
    let cancel = Cancel::new();
    let journal = AttemptJournal::start(
        Arc::clone(record) as Arc<dyn AttemptRecord>,
        Arc::clone(audit) as Arc<dyn EventAudit>,
        cancel.clone(),
        serde_json::Map::new(),
    );
    let durable = record.durable(attempt);
    let tree = FakeTree::default();
    in_world(grants, tools, tree, None, Some(durable), (journal, cancel))
}

fn in_world(
    grants: Grants,
    tools: Arc<FakeTools>,
    tree: FakeTree,
    scratch: Option<Arc<dyn Scratch>>,
    durable: Option<Durable>,
    (journal, cancel): (Journal, Cancel),
) -> Arc<PluginHost> {
    PluginHost::new(
        grants,
        World {
            tools,
            state: Arc::new(FakeState::default()),
            tree: Arc::new(tree),
            http: None,
            scratch,
            person: Some(Arc::new(Agreeing)),
            durable,
        },
        Identity {
            plugin: "fake".into(),
            task: "task".into(),
            workspace: PathBuf::from("/fake"),
            time: Duration::from_secs(60),
        },
        journal,
        cancel,
        true,
    )
}

/// A boxed future that a fake plugin returns.
pub type Work = std::pin::Pin<Box<dyn Future<Output = Result<Finished, PluginFault>> + Send>>;

/// A plugin whose work is a function.
pub struct FakePlugin {
    /// Its input schema.
    pub schema: String,
    /// What `validate-inputs` says.
    pub problems: Vec<InputProblem>,
    /// What `validate-config` says.
    pub missing: Vec<InputProblem>,
    /// What `execute` does.
    pub work: Arc<dyn Fn(Arc<PluginHost>, Context) -> Work + Send + Sync>,
}

impl std::fmt::Debug for FakePlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakePlugin").finish_non_exhaustive()
    }
}

impl FakePlugin {
    /// A plugin that accepts everything and does this.
    pub fn doing(work: impl Fn(Arc<PluginHost>, Context) -> Work + Send + Sync + 'static) -> Self {
        Self {
            schema: "{}".into(),
            problems: Vec::new(),
            missing: Vec::new(),
            work: Arc::new(work),
        }
    }
}

struct FakeInstance {
    host: Arc<PluginHost>,
    schema: String,
    problems: Vec<InputProblem>,
    missing: Vec<InputProblem>,
    work: Arc<dyn Fn(Arc<PluginHost>, Context) -> Work + Send + Sync>,
}

#[async_trait]
impl Plugin for FakePlugin {
    async fn instantiate(
        &self,
        host: Arc<PluginHost>,
        _role: Option<Role>,
    ) -> Result<Box<dyn Instance>, PluginFault> {
        Ok(Box::new(FakeInstance {
            host,
            schema: self.schema.clone(),
            problems: self.problems.clone(),
            missing: self.missing.clone(),
            work: Arc::clone(&self.work),
        }))
    }
}

#[async_trait]
impl Instance for FakeInstance {
    fn role(&self) -> Role {
        Role::Pattern
    }
    async fn describe(&mut self) -> Result<Descriptor, PluginFault> {
        Ok(Descriptor {
            id: "fake".into(),
            version: "0.1.0".into(),
            title: "fake".into(),
            input_schema: self.schema.clone(),
            output_schema: "{}".into(),
            adapter: None,
        })
    }
    async fn validate_inputs(&mut self, _inputs: &str) -> Result<Vec<InputProblem>, PluginFault> {
        Ok(self.problems.clone())
    }
    async fn validate_config(&mut self) -> Result<Vec<InputProblem>, PluginFault> {
        Ok(self.missing.clone())
    }
    async fn execute(&mut self, context: Context) -> Result<Finished, PluginFault> {
        (self.work)(Arc::clone(&self.host), context).await
    }
}

/// Bytes for a script.
#[must_use]
pub fn out(text: &str) -> ToolEvent {
    ToolEvent::Stdout(Bytes::copy_from_slice(text.as_bytes()))
}
