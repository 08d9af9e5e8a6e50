//! A plugin that is decided, compiled, linked and described: what all attempts with it share.
//!
//! Never: a kit for a component or a word of the owner that is not the present one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use remit_core::approval::{ApprovalId, Source};
use remit_core::audit::Entry;
use remit_core::denial::Denial;
use remit_core::durable::AdapterId;
use remit_core::event::GrantSummary;
use remit_core::grant::{CallRefused, Grants};
use remit_core::outcome::{FaultKind, Outcome};
use remit_core::plan::{Candidate, TaskSpec, Work};
use remit_core::scope::Scope;
use remit_core::tool::{CallStdin, ToolCall, ToolId};
use remit_engine::attempt::{Described, new_run_id};
use remit_engine::durable::attempts::{AdapterFacts, Unfit};
use remit_engine::plugin::Plugin as _;
use remit_engine::seam::WorkingTree;
use remit_process::ToolBox;
use remit_sandbox::LoadedPlugin;
use serde_json::{Map, Value};

use super::Workshop;
use super::book::Page;
use super::trail::{Begun, Trail};
use crate::approvals::Store;
use crate::asking;
use crate::exit::Stop;
use crate::files::{self, Stamp};
use crate::loading::{self, Loaded};
use crate::permission::{Permission, Question};
use crate::wiring;

/// The adapter that runs whatever declared tool its inputs name.
pub(super) const COMMAND: &str = "command";

/// How often a kit is made again because what it rests on changed meanwhile.
const TRIES: usize = 3;

/// What is known of a plugin under the owner's present word.
pub(super) struct Kit {
    pub(super) about: About,
    file: Option<(PathBuf, Option<Stamp>)>,
    made: Result<Ready, Vec<Denial>>,
}

/// What is on record of a plugin.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) plugin: String,
    pub(super) version: String,
    pub(super) component: String,
    pub(super) manifest: String,
    pub(super) workspace: PathBuf,
}

impl About {
    fn of(page: &Page, loaded: &Loaded) -> Self {
        Self {
            plugin: loaded.manifest.id().to_string(),
            version: loaded.manifest.version().to_string(),
            component: loaded.digest.to_string(),
            manifest: loaded.manifest.digest().to_string(),
            workspace: page.owner.workspace().to_owned(),
        }
    }
}

/// What attempts share.
pub(super) struct Ready {
    pub(super) plugin: LoadedPlugin,
    pub(super) grants: Grants,
    pub(super) summary: GrantSummary,
    pub(super) rests_on: Option<ApprovalId>,
    pub(super) described: Described,
    pub(super) tools: Arc<ToolBox>,
    /// The tree, if nothing that the plugin may do can change it.
    pub(super) still: Option<Arc<dyn WorkingTree>>,
}

/// A kit with the page that it was made from.
pub(super) struct Current {
    pub(super) kit: Arc<Kit>,
    pub(super) page: Arc<Page>,
}

impl Kit {
    fn is_current(&self) -> bool {
        match &self.file {
            Some((path, stamp)) => files::stamp(path) == *stamp,
            None => true,
        }
    }

    /// What is ready for attempts, or why there can be none.
    pub(super) fn ready(&self) -> Result<&Ready, Outcome> {
        self.made.as_ref().map_err(|denials| Outcome::Denied {
            denials: denials.clone(),
            message: None,
        })
    }
}

impl Workshop {
    /// The kit of a plugin as it is now.
    ///
    /// # Errors
    /// There is no such plugin, or it cannot be run here.
    pub(super) async fn kit(&self, plugin: &str) -> Result<Current, Outcome> {
        for _ in 0..TRIES {
            let page = self.book.page().map_err(|stop| stop.outcome())?;
            let place = page.place(plugin);
            let kit = place
                .get_or_try_init(|| self.make_kit(&page, plugin))
                .await?;
            let kit = Arc::clone(kit);
            if kit.is_current() {
                return Ok(Current { kit, page });
            }
            page.forget(plugin);
        }
        Err(Outcome::Unavailable {
            what: format!("the plugin `{plugin}` changes faster than it can be loaded"),
        })
    }

    async fn make_kit(&self, page: &Page, plugin: &str) -> Result<Arc<Kit>, Outcome> {
        let outcome = |stop: Stop| stop.outcome();
        let (loaded, file) = find(page, plugin).map_err(outcome)?;
        let about = About::of(page, &loaded);
        let store = Store::at(self.places.approvals());
        let question = Question {
            owner: &page.owner,
            loaded: &loaded,
            tools: &page.tools,
            store: &store,
            ask: false,
        };
        let made = match question.decide().await.map_err(outcome)? {
            Permission::Granted { grants, rests_on } => {
                Ok(self.make_ready(page, &loaded, *grants, rests_on).await?)
            }
            Permission::Denied(denials) => {
                self.record_denials(&about, &denials).await;
                Err(denials)
            }
        };
        Ok(Arc::new(Kit { about, file, made }))
    }

    async fn make_ready(
        &self,
        page: &Page,
        loaded: &Loaded,
        grants: Grants,
        rests_on: Option<ApprovalId>,
    ) -> Result<Ready, Outcome> {
        let outcome = |stop: Stop| stop.outcome();
        required_tools(page, &grants).await?;
        let found = wiring::confinement(&page.owner, &grants, None)
            .await
            .map_err(outcome)?;
        if let Some(found) = found {
            page.tools.rely_on(found);
        }
        let memory = grants.limits().memory().get();
        let plugin = wiring::link_plugin(&self.runtime, &page.owner, loaded, memory)
            .await
            .map_err(outcome)?;
        let still = match wiring::can_change(&grants, found) {
            true => None,
            false => Some(wiring::still_tree(&page.owner).map_err(outcome)?),
        };
        let mut summary = wiring::summary(&grants);
        summary.approvals.extend(rests_on.clone());
        Ok(Ready {
            described: describe(page, loaded, &plugin).await?,
            plugin,
            grants,
            summary,
            rests_on,
            tools: Arc::clone(&page.tools),
            still,
        })
    }

    /// A plugin that is not let in makes no attempt; the audit has it all the same, once for as
    /// long as neither the plugin nor the owner's word changes.
    async fn record_denials(&self, about: &About, denials: &[Denial]) {
        let trail = Trail::new(&self.audit, new_run_id());
        // A failure is told at the end, like any other.
        if trail.begin(about, Begun::Denied).await.is_err() {
            return;
        }
        for denial in denials {
            let denial = denial.clone();
            trail.add(Entry::Denial { denial }).await;
        }
        let outcome = Outcome::Denied {
            denials: Vec::new(),
            message: None,
        };
        trail.end(&outcome).await;
    }

    /// What is known of a candidate before it is used.
    pub(super) async fn facts(
        &self,
        task: &TaskSpec,
        candidate: &Candidate,
    ) -> Result<AdapterFacts, Box<Unfit>> {
        let named = |plugin: &str| {
            let own = candidate.adapter.clone();
            own.unwrap_or_else(|| adapter_name(plugin))
        };
        let current = self.kit(&candidate.plugin).await.map_err(|outcome| {
            Box::new(Unfit {
                adapter: named(&candidate.plugin),
                outcome,
            })
        })?;
        let adapter = named(&current.kit.about.plugin);
        let unfit = |outcome| {
            let adapter = adapter.clone();
            Box::new(Unfit { adapter, outcome })
        };
        let ready = current.kit.ready().map_err(unfit)?;
        if current.kit.about.plugin == COMMAND {
            let inputs = inputs(task, candidate);
            named_tool(ready, inputs).await.map_err(unfit)?;
        }
        let max_parallel = ready
            .described
            .get()
            .and_then(|descriptor| descriptor.adapter.as_ref())
            .map(|adapter| adapter.max_parallel.max(1))
            // Its way to say that it bears any number.
            .filter(|most| *most != u32::MAX);
        Ok(AdapterFacts {
            adapter,
            max_parallel,
        })
    }
}

/// The inputs of a candidate: its own, else the task's.
pub(super) fn inputs<'a>(
    task: &'a TaskSpec,
    candidate: &'a Candidate,
) -> Option<&'a Map<String, Value>> {
    let of_task = match &task.work {
        Work::Plugin { inputs, .. } => Some(inputs),
        Work::Manual { .. } | Work::Approval { .. } => None,
    };
    candidate.inputs.as_ref().or(of_task)
}

/// Finds a plugin, with the stamp of the file in which it lies.
#[expect(clippy::type_complexity, reason = "used once, and each part is named")]
fn find(page: &Page, plugin: &str) -> Result<(Loaded, Option<(PathBuf, Option<Stamp>)>), Stop> {
    let loaded = loading::find(plugin, &page.owner)?;
    match &loaded.source {
        Source::BuiltIn(_) => Ok((loaded, None)),
        Source::File(path) => {
            // The stamp first, so that what is read is not older.
            let path = PathBuf::from(path);
            let stamp = files::stamp(&path);
            Ok((loading::find(plugin, &page.owner)?, Some((path, stamp))))
        }
    }
}

/// Looks for the programs of everything that the plugin cannot do without.
async fn required_tools(page: &Page, grants: &Grants) -> Result<(), Outcome> {
    for request in grants.manifest().requests() {
        if request.is_optional() {
            continue;
        }
        if let Scope::Run(tool) = request.scope() {
            look_for(&page.tools, grants, &tool.tool).await?;
        }
    }
    Ok(())
}

async fn look_for(tools: &ToolBox, grants: &Grants, tool: &ToolId) -> Result<(), Outcome> {
    let Some(granted) = grants.tools().get(tool) else {
        return Ok(());
    };
    let program = granted.declaration().program();
    let pinned = tools.pin(tool, program, grants.write_roots()).await;
    pinned.map(drop).map_err(|error| Outcome::Unavailable {
        what: error.to_string(),
    })
}

/// Whether the tool that the inputs of `command` name is granted and there. What else may be wrong
/// with them the attempt says.
async fn named_tool(ready: &Ready, inputs: Option<&Map<String, Value>>) -> Result<(), Outcome> {
    let text = |name: &str| inputs?.get(name)?.as_str().map(str::to_owned);
    let (Some(tool), Some(template)) = (text("tool"), text("template")) else {
        return Ok(());
    };
    let call = ToolCall {
        tool,
        template,
        slots: Vec::new(),
        env: Vec::new(),
        cwd: None,
        stdin: CallStdin::Empty,
        timeout: None,
        idle: None,
    };
    match ready.grants.launch(&call) {
        Err(CallRefused::Denied(denial)) => Err(Outcome::Denied {
            denials: vec![*denial],
            message: None,
        }),
        Ok(_) | Err(CallRefused::Invalid(_)) => match call.tool.parse::<ToolId>() {
            Ok(tool) => look_for(&ready.tools, &ready.grants, &tool).await,
            Err(_) => Ok(()),
        },
    }
}

/// Asks the plugin what it is, once for all attempts.
async fn describe(
    page: &Page,
    loaded: &Loaded,
    plugin: &LoadedPlugin,
) -> Result<Described, Outcome> {
    let described = Described::default();
    let tools = Arc::clone(&page.tools);
    let host =
        asking::powerless(page.owner.workspace(), loaded, tools).map_err(|stop| stop.outcome())?;
    let asking = async {
        let mut instance = plugin.instantiate(host, None).await?;
        described.ask(instance.as_mut()).await.map(drop)
    };
    let fault = |kind, message| Outcome::PluginFault { kind, message };
    match tokio::time::timeout(asking::PATIENCE, asking).await {
        Ok(Ok(())) => Ok(described),
        Ok(Err(error)) => Err(fault(error.kind, error.message)),
        Err(_) => Err(fault(
            FaultKind::Load,
            format!(
                "the plugin did not say what it is within {} s",
                asking::PATIENCE.as_secs()
            ),
        )),
    }
}

/// What to call an adapter of which only the plugin's name is known: its id, or its file's name
/// with what a name cannot hold replaced.
fn adapter_name(plugin: &str) -> AdapterId {
    /// A plugin whose file has no letter in its name.
    const NAMELESS: &str = "unnamed";
    let stem = Path::new(plugin).file_stem().unwrap_or_default();
    let word: String = stem
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(remit_core::durable::MAX_NAME)
        .collect();
    let word = word.trim_start_matches('-');
    let parsed = [plugin, word, NAMELESS]
        .into_iter()
        .find_map(|name| name.parse().ok());
    // The last one is a name, which a test holds.
    parsed.unwrap_or_else(|| unreachable!("`{NAMELESS}` is a name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plugin_has_an_adapter_name_whatever_its_file_is_called() {
        for (plugin, name) in [
            ("command", "command"),
            ("tools/My Tool.wasm", "My-Tool"),
            ("/x/--.wasm", "unnamed"),
            ("ö", "unnamed"),
        ] {
            assert_eq!(adapter_name(plugin).as_str(), name);
        }
        let long = format!("/{}.wasm", "x".repeat(500));
        assert_eq!(
            adapter_name(&long).as_str().len(),
            remit_core::durable::MAX_NAME
        );
    }
}
