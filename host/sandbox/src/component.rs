//! A plugin's code on its way to running: bytes, compiled component, linked and pre-instantiated.
//!
//! Never: compiled code from anywhere but this program's own compiler and cache; a component that
//! is accepted although it cannot be run.

use std::sync::Arc;

use async_trait::async_trait;
use cap_std::fs::Dir;
use remit_core::digest::Digest;
use remit_core::outcome::FaultKind;
use remit_engine::host::PluginHost;
use remit_engine::plugin::{Instance, Plugin, PluginFault, Role};
use wasmtime::component::Component;

use crate::bindings::adapter::ToolAdapterPre;
use crate::bindings::pattern::PatternExecutorPre;
use crate::instance::PluginInstance;
use crate::linker;
use crate::runtime::{MAX_MEMORY, Runtime};
use crate::store::StoreData;

/// Largest binary that is compiled. The largest interpreter in use is a third of it.
pub const MAX_COMPONENT: usize = 64 << 20;

/// How a core module begins: the magic number, then version 1 of the module layer.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// Why a binary is not a plugin that this host can run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// More bytes than are compiled.
    #[error("the component is {size} bytes; the limit is {MAX_COMPONENT}")]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// Not a component, or one with features that this host does not have.
    #[error("not a component that this host can run: {0}")]
    Invalid(String),
    /// A core module: the form that came before components.
    #[error(
        "it is a core module, not a component; make one of it, for example with `wasm-tools component new`"
    )]
    CoreModule,
    /// It imports something that does not exist here.
    #[error("the component cannot be linked: {0}")]
    Link(String),
    /// It exports neither role of the contract.
    #[error(
        "the component is no plugin: it exports neither remit:plugin/pattern@0.1.0 nor remit:plugin/adapter@0.1.0"
    )]
    NoRole,
    /// Its manifest asks for more memory than an instance can have.
    #[error("the manifest asks for {wanted} bytes of memory; this host gives at most {MAX_MEMORY}")]
    Memory {
        /// What it asks for.
        wanted: u64,
    },
    /// Compiling was interrupted.
    #[error("compiling the component did not finish: {0}")]
    Interrupted(String),
}

/// A plugin whose code is compiled and linked. Cheap to clone.
#[derive(Clone)]
pub struct LoadedPlugin {
    runtime: Runtime,
    workspace: Option<Arc<Dir>>,
    environment: Arc<[(String, String)]>,
    memory: u64,
    pattern: Option<PatternExecutorPre<StoreData>>,
    adapter: Option<ToolAdapterPre<StoreData>>,
}

impl std::fmt::Debug for LoadedPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedPlugin")
            .field("pattern", &self.pattern.is_some())
            .field("adapter", &self.adapter.is_some())
            .finish_non_exhaustive()
    }
}

impl LoadedPlugin {
    /// Compiles (or finds in the cache) and links a component.
    ///
    /// # Errors
    /// The bytes are not a plugin that this host can run; the error says why.
    pub async fn load(runtime: &Runtime, bytes: Arc<[u8]>) -> Result<Self, LoadError> {
        if bytes.len() > MAX_COMPONENT {
            return Err(LoadError::TooLarge { size: bytes.len() });
        }
        if bytes.starts_with(CORE_MODULE) {
            return Err(LoadError::CoreModule);
        }
        let worker = runtime.clone();
        // Compiling takes up to seconds of pure computing: not on the runtime's own threads.
        let component = tokio::task::spawn_blocking(move || compile(&worker, &bytes))
            .await
            .map_err(|error| LoadError::Interrupted(error.to_string()))??;
        Self::link(runtime, &component)
    }

    fn link(runtime: &Runtime, component: &Component) -> Result<Self, LoadError> {
        let engine = runtime.engine();
        let linker = linker::link(engine, component).map_err(LoadError::Link)?;
        let pre = linker
            .instantiate_pre(component)
            .map_err(|error| LoadError::Link(format!("{error:#}")))?;
        let pattern = PatternExecutorPre::new(pre.clone());
        let adapter = ToolAdapterPre::new(pre);
        if let (Err(pattern), Err(adapter)) = (&pattern, &adapter) {
            return Err(no_role(engine, component, pattern, adapter));
        }
        Ok(Self {
            runtime: runtime.clone(),
            workspace: None,
            environment: Arc::default(),
            memory: MAX_MEMORY,
            pattern: pattern.ok(),
            adapter: adapter.ok(),
        })
    }

    /// The roles that the component has.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        let mut roles = Vec::with_capacity(2);
        if self.pattern.is_some() {
            roles.push(Role::Pattern);
        }
        if self.adapter.is_some() {
            roles.push(Role::Adapter);
        }
        roles
    }

    /// Sets what instances may see and use: the workspace (visible only if a directory is
    /// granted), the host's environment (visible only by granted names), and memory in bytes.
    ///
    /// # Errors
    /// More memory than an instance can have.
    pub fn with_surroundings(
        mut self,
        workspace: Option<Arc<Dir>>,
        environment: Vec<(String, String)>,
        memory: u64,
    ) -> Result<Self, LoadError> {
        if memory > MAX_MEMORY {
            return Err(LoadError::Memory { wanted: memory });
        }
        self.workspace = workspace;
        self.environment = environment.into();
        self.memory = memory;
        Ok(self)
    }

    pub(crate) fn workspace(&self) -> Option<&Dir> {
        self.workspace.as_deref()
    }
    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.environment
    }
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

/// Says which role was meant and what is wrong with it, where that can be told.
fn no_role(
    engine: &wasmtime::Engine,
    component: &Component,
    pattern: &wasmtime::Error,
    adapter: &wasmtime::Error,
) -> LoadError {
    for (name, _) in component.component_type().exports(engine) {
        if name.starts_with("remit:plugin/pattern@") {
            return LoadError::Link(format!(
                "its pattern does not fit the contract: {pattern:#}"
            ));
        }
        if name.starts_with("remit:plugin/adapter@") {
            return LoadError::Link(format!(
                "its adapter does not fit the contract: {adapter:#}"
            ));
        }
    }
    LoadError::NoRole
}

fn compile(runtime: &Runtime, bytes: &[u8]) -> Result<Component, LoadError> {
    let digest = Digest::of(bytes);
    if let Some(component) = runtime.cache().load(runtime.engine(), &digest) {
        return Ok(component);
    }
    let component = Component::from_binary(runtime.engine(), bytes)
        .map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
    runtime.cache().store(&digest, &component);
    Ok(component)
}

#[async_trait]
impl Plugin for LoadedPlugin {
    async fn instantiate(
        &self,
        host: Arc<PluginHost>,
        role: Option<Role>,
    ) -> Result<Box<dyn Instance>, PluginFault> {
        let pattern = self
            .pattern
            .as_ref()
            .filter(|_| role != Some(Role::Adapter));
        let adapter = self
            .adapter
            .as_ref()
            .filter(|_| role != Some(Role::Pattern));
        let instance = match (pattern, adapter) {
            (Some(pattern), _) => PluginInstance::pattern(self, pattern, host).await?,
            (None, Some(adapter)) => PluginInstance::adapter(self, adapter, host).await?,
            (None, None) => {
                let role = role.map_or("any role", Role::word);
                return Err(PluginFault::new(
                    FaultKind::Load,
                    format!("the plugin does not export the role `{role}`"),
                ));
            }
        };
        Ok(Box::new(instance))
    }
}
