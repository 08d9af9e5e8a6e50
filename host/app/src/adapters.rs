//! What the adapters of a workspace say of themselves, and how that stands to this machine: what
//! they miss under the owner's rules, which tools are there, and in which versions.
//!
//! Never: a tool that an adapter starts while it is only asked; a value of a variable.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use remit_core::denial::Denial;
use remit_core::grant::Grants;
use remit_core::outcome::InputProblem;
use remit_core::scope::Scope;
use remit_core::tool::{Drift, Launch, StartError, ToolId, drift};
use remit_engine::cancel::Cancel;
use remit_engine::host::{Identity, PluginHost, World};
use remit_engine::journal::Journal;
use remit_engine::plugin::{AdapterCapabilities, Descriptor, Instance, Plugin as _, Role};
use remit_engine::seam::{Scratch, Started, Tools};
use remit_ledger::MemoryState;
use remit_process::ToolBox;
use remit_sandbox::{LoadedPlugin, Runtime};
use serde::Serialize;

use crate::approvals::Store;
use crate::asking::{self, PATIENCE};
use crate::exit::Stop;
use crate::loading::{self, Loaded};
use crate::owner::Owner;
use crate::permission::{Permission, Question};
use crate::pinning;
use crate::places::Places;
use crate::wiring;

/// Where adapters are asked.
pub(crate) struct Survey {
    pub(crate) places: Places,
    pub(crate) owner: Owner,
    pub(crate) tools: Arc<ToolBox>,
    runtime: Runtime,
}

/// An adapter that can be asked.
pub(crate) struct Found {
    pub(crate) loaded: Loaded,
    pub(crate) descriptor: Descriptor,
    pub(crate) capabilities: AdapterCapabilities,
    plugin: LoadedPlugin,
}

/// What an adapter may do here.
pub(crate) enum Allowed {
    /// What policies and approvals grant.
    Granted(Box<Grants>),
    /// It cannot do its work; every denial.
    Denied(Vec<Denial>),
}

/// How a tool that an adapter asks for stands on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// It is there; in a tested version, if its versions matter.
    Ok,
    /// It is there in a version with which the adapter was not tried.
    OutsideTestedRange,
    /// It is there and says no version that could be read.
    VersionUnknown,
    /// No policy declares it.
    Undeclared,
    /// It is not there.
    Missing,
}

/// A tool that an adapter asks for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Tool {
    pub(crate) tool: ToolId,
    pub(crate) standing: Standing,
    /// Whether the adapter does its work without it, too.
    pub(crate) optional: bool,
    /// What it says of its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// The versions with which the adapter was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tested: Option<String>,
    /// Why it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Survey {
    /// To be called inside the runtime.
    pub(crate) fn of(places: Places, owner: Owner) -> Result<Self, Stop> {
        let runtime =
            Runtime::new(Some(places.compiled())).map_err(|error| Stop::Internal(error.into()))?;
        Ok(Self {
            tools: Arc::new(wiring::tool_box(&owner)?),
            places,
            owner,
            runtime,
        })
    }

    /// The plugins that are there, built in or by a policy, in the order of their names.
    pub(crate) fn names(&self) -> Vec<String> {
        let policy = self.owner.policy();
        let named = policy
            .plugins()
            .into_iter()
            .filter(|id| policy.plugin_file(id).is_some())
            .map(ToString::to_string);
        let built_in = remit_builtin::ALL.iter().map(|plugin| plugin.id.to_owned());
        let mut names: Vec<String> = built_in.chain(named).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Asks a plugin what it is; nothing if it is no adapter.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Found>, Stop> {
        let loaded = loading::find(name, &self.owner)?;
        let memory = loaded.manifest.needs().memory().get();
        let plugin = wiring::link_plugin(&self.runtime, &self.owner, &loaded, memory).await?;
        let tools = Arc::clone(&self.tools) as Arc<dyn Tools>;
        let host = asking::powerless(self.owner.workspace(), &loaded, tools)?;
        let asked = in_time(async {
            let Ok(mut instance) = plugin.instantiate(host, Some(Role::Adapter)).await else {
                return Ok(None);
            };
            let descriptor = instance.describe().await;
            descriptor
                .map(Some)
                .map_err(|fault| Stop::Plugin(fault.to_string()))
        });
        let Some(descriptor) = asked.await? else {
            return Ok(None);
        };
        Ok(descriptor.adapter.clone().map(|capabilities| Found {
            loaded,
            descriptor,
            capabilities,
            plugin,
        }))
    }

    /// What policies and approvals let it do.
    pub(crate) async fn allowed(&self, found: &Found) -> Result<Allowed, Stop> {
        let store = Store::at(self.places.approvals());
        let question = Question {
            owner: &self.owner,
            loaded: &found.loaded,
            tools: &self.tools,
            store: &store,
            ask: false,
        };
        Ok(match question.decide().await? {
            Permission::Granted { grants, .. } => Allowed::Granted(grants),
            Permission::Denied(denials) => Allowed::Denied(denials),
        })
    }

    /// What it misses, in its own words.
    pub(crate) async fn missing(
        &self,
        found: &Found,
        grants: Grants,
    ) -> Result<Vec<InputProblem>, Stop> {
        let recorder = Arc::new(Recorder::new(Arc::clone(&self.tools)));
        let host = self.host(found, grants, recorder, None);
        in_time(async {
            let mut instance = self.instance(found, host).await?;
            let missing = instance.validate_config().await;
            missing.map_err(|fault| Stop::Plugin(fault.to_string()))
        })
        .await
    }

    /// An instance of it with the host side of an attempt.
    pub(crate) async fn instance(
        &self,
        found: &Found,
        host: Arc<PluginHost>,
    ) -> Result<Box<dyn Instance>, Stop> {
        let instance = found.plugin.instantiate(host, Some(Role::Adapter)).await;
        instance.map_err(|fault| Stop::Plugin(fault.to_string()))
    }

    /// The host side of an attempt that starts nothing and leaves nothing.
    pub(crate) fn host(
        &self,
        found: &Found,
        grants: Grants,
        tools: Arc<Recorder>,
        scratch: Option<Arc<dyn Scratch>>,
    ) -> Arc<PluginHost> {
        let world = World {
            tools,
            state: Arc::new(MemoryState::new()),
            tree: wiring::untouched_tree(),
            scratch,
            http: None,
            person: None,
            durable: None,
        };
        let id = found.loaded.manifest.id().to_string();
        let identity = Identity {
            plugin: id.clone(),
            task: id,
            workspace: self.owner.workspace().to_owned(),
            time: PATIENCE,
        };
        let journal = Journal::direct(Arc::new(asking::Unwatched));
        PluginHost::new(grants, world, identity, journal, Cancel::new(), false)
    }

    /// The tools that it names, as they are on this machine.
    pub(crate) async fn tools_of(&self, found: &Found) -> Result<Vec<Tool>, Stop> {
        let main = main_tool(found);
        let mut tools: Vec<Tool> = Vec::new();
        for request in found.loaded.manifest.requests() {
            let Scope::Run(asked) = request.scope() else {
                continue;
            };
            if tools.iter().any(|known| known.tool == asked.tool) {
                continue;
            }
            let tested = (main.as_ref() == Some(&asked.tool))
                .then(|| found.capabilities.tool_versions.clone())
                .flatten();
            let optional = request.is_optional();
            tools.push(self.tool(&asked.tool, optional, tested).await?);
        }
        Ok(tools)
    }

    async fn tool(
        &self,
        id: &ToolId,
        optional: bool,
        tested: Option<String>,
    ) -> Result<Tool, Stop> {
        let mut tool = Tool {
            tool: id.clone(),
            standing: Standing::Ok,
            optional,
            version: None,
            tested,
            reason: None,
        };
        let Some(declared) = self.owner.policy().tool(id) else {
            tool.standing = Standing::Undeclared;
            tool.reason = Some("no policy declares it".to_owned());
            return Ok(tool);
        };
        if let Err(error) = self.tools.pin(id, declared.program(), &[]).await {
            tool.standing = Standing::Missing;
            tool.reason = Some(error.to_string());
            return Ok(tool);
        }
        tool.version = pinning::version(&self.owner, &self.tools, declared).await?;
        if let Some(range) = &tool.tested {
            let said = tool.version.as_deref().unwrap_or("");
            tool.standing = match drift(range, said) {
                Drift::Within(_) => Standing::Ok,
                Drift::Outside(_) => Standing::OutsideTestedRange,
                Drift::Unknown => Standing::VersionUnknown,
                Drift::BadRange => {
                    return Err(Stop::Plugin(format!(
                        "{}: `tool-versions` is no range of versions: {range}",
                        found_name(id)
                    )));
                }
            };
        }
        Ok(tool)
    }
}

fn found_name(tool: &ToolId) -> String {
    format!("the adapter of `{tool}`")
}

/// The tool whose versions an adapter speaks of: the one with its own name, else the first that it
/// asks for.
fn main_tool(found: &Found) -> Option<ToolId> {
    let manifest = &found.loaded.manifest;
    let mut tools = manifest.requests().iter().filter_map(|request| {
        if let Scope::Run(asked) = request.scope() {
            Some(&asked.tool)
        } else {
            None
        }
    });
    let id = manifest.id().to_string();
    let named = tools.clone().find(|tool| tool.as_str() == id);
    named.or_else(|| tools.next()).cloned()
}

/// A plugin that is asked something answers soon or not at all.
pub(crate) async fn in_time<T>(asking: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| {
            Err(Stop::Plugin(format!(
                "the plugin did not answer within {} s",
                PATIENCE.as_secs()
            )))
        })
}

/// Notes what would be started, and starts nothing.
pub(crate) struct Recorder {
    tools: Arc<ToolBox>,
    launches: Mutex<Vec<Launch>>,
}

impl Recorder {
    pub(crate) fn new(tools: Arc<ToolBox>) -> Self {
        Self {
            tools,
            launches: Mutex::default(),
        }
    }

    /// The first thing that would have been started.
    pub(crate) fn first(&self) -> Option<Launch> {
        let launches = self.launches.lock();
        let launches = launches.unwrap_or_else(PoisonError::into_inner);
        launches.first().cloned()
    }
}

#[async_trait]
impl Tools for Recorder {
    async fn check(&self, launch: &Launch) -> Result<(), StartError> {
        self.tools.check(launch).await
    }

    async fn start(&self, launch: &Launch) -> Result<Started, StartError> {
        let mut launches = self.launches.lock().unwrap_or_else(PoisonError::into_inner);
        if launches.is_empty() {
            launches.push(launch.clone());
        }
        Err(StartError::RunEnded {
            tool: launch.tool().clone(),
        })
    }
}
