//! One plugin in one store, for one attempt: the contract's exports as the engine's words.
//!
//! Never: a second call after a fault; a value from the guest that is trusted to be short.

use std::sync::Arc;

use async_trait::async_trait;
use remit_core::event::{Level, LogSource};
use remit_core::outcome::{Artifact, FaultKind, InputProblem};
use remit_engine::host::PluginHost;
use remit_engine::inputs::MAX_INPUT;
use remit_engine::plugin::{
    AdapterCapabilities, Context, Descriptor, Failure, Finished, Instance, PluginFault, Refused,
    Role,
};
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::WasiCtx;

use crate::access::{Access, GUEST_ROOT};
use crate::bindings::adapter::{ToolAdapter, ToolAdapterPre, exports::remit::plugin::adapter};
use crate::bindings::host::remit::plugin::types;
use crate::bindings::pattern::{PatternExecutor, PatternExecutorPre};
use crate::component::LoadedPlugin;
use crate::fault::{self, Revoked};
use crate::limits::Limits;
use crate::stdio::LogLines;
use crate::store::StoreData;

/// Bytes that one call from the guest may make the host copy. Above the contract's largest value.
const HOSTCALL_FUEL: usize = 64 << 20;
/// Handles that one guest may hold. The contract's own limits are far below.
const MAX_HANDLES: usize = 10_000;
/// Random bytes that one call to `wasi:random` may ask for.
const MAX_RANDOM: u64 = 1 << 20;

enum Exports {
    Pattern(PatternExecutor),
    Adapter(ToolAdapter),
}

/// One plugin in one store.
pub(crate) struct PluginInstance {
    store: Store<StoreData>,
    exports: Exports,
}

impl PluginInstance {
    pub(crate) async fn pattern(
        plugin: &LoadedPlugin,
        pre: &PatternExecutorPre<StoreData>,
        host: Arc<PluginHost>,
    ) -> Result<Self, PluginFault> {
        let mut store = new_store(plugin, host)?;
        let exports = pre
            .instantiate_async(&mut store)
            .await
            .map_err(|error| fault::from_wasmtime(&error))?;
        Ok(Self {
            store,
            exports: Exports::Pattern(exports),
        })
    }

    pub(crate) async fn adapter(
        plugin: &LoadedPlugin,
        pre: &ToolAdapterPre<StoreData>,
        host: Arc<PluginHost>,
    ) -> Result<Self, PluginFault> {
        let mut store = new_store(plugin, host)?;
        let exports = pre
            .instantiate_async(&mut store)
            .await
            .map_err(|error| fault::from_wasmtime(&error))?;
        Ok(Self {
            store,
            exports: Exports::Adapter(exports),
        })
    }

    /// What a call left in the output buffers becomes events, whether it succeeded or not.
    async fn settle<T>(&mut self, result: wasmtime::Result<T>) -> Result<T, PluginFault> {
        let (stdout, stderr) = {
            let data = self.store.data();
            (data.stdout.clone(), data.stderr.clone())
        };
        stdout.finish().await;
        stderr.finish().await;
        result.map_err(|error| fault::from_wasmtime(&error))
    }
}

/// A store with what the grants of this host allow, and nothing else.
pub(crate) fn new_store(
    plugin: &LoadedPlugin,
    host: Arc<PluginHost>,
) -> Result<Store<StoreData>, PluginFault> {
    let grants = host.grants();
    let stdout = LogLines::new(LogSource::Stdout, Level::Info, Arc::clone(&host));
    let stderr = LogLines::new(LogSource::Stderr, Level::Warn, Arc::clone(&host));
    let mut wasi = WasiCtx::builder();
    wasi.stdout(stdout.clone()).stderr(stderr.clone());
    wasi.max_random_size(MAX_RANDOM);
    for (name, value) in plugin.environment() {
        if grants
            .env_names()
            .iter()
            .any(|granted| granted.as_str() == name)
        {
            wasi.env(name, value);
        }
    }
    let mut root = None;
    let any_directory = !(grants.read_roots().is_empty() && grants.write_roots().is_empty());
    if any_directory && let Some(workspace) = plugin.workspace() {
        let opened = workspace
            .try_clone()
            .map_err(|error| {
                PluginFault::new(
                    FaultKind::Load,
                    format!("cannot open the workspace: {error}"),
                )
            })?
            .into_std_file();
        root = Some(opened);
        wasi.initial_cwd(GUEST_ROOT);
    }
    let mut table = ResourceTable::new();
    table.set_max_capacity(MAX_HANDLES);
    let data = StoreData {
        wasi: wasi.build(),
        table,
        limits: Limits::new(plugin.memory()),
        access: Arc::new(Access::new(root, Arc::clone(&host))),
        host,
        stdout,
        stderr,
    };
    let mut store = Store::new(plugin.runtime().engine(), data);
    store.limiter(|data| &mut data.limits);
    // Each tick the guest yields, so that deadlines and cancellation are looked at. A guest whose
    // approval is gone goes no further, whatever it is doing and whichever handle it holds.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        Revoked::check(&store.data().host)?;
        Ok(UpdateDeadline::Yield(1))
    });
    store.call_hook(|store, _| Revoked::check(&store.data().host));
    store.set_hostcall_fuel(HOSTCALL_FUEL);
    store.set_max_component_handles(MAX_HANDLES);
    Ok(store)
}

#[async_trait]
impl Instance for PluginInstance {
    fn role(&self) -> Role {
        match self.exports {
            Exports::Pattern(_) => Role::Pattern,
            Exports::Adapter(_) => Role::Adapter,
        }
    }

    async fn describe(&mut self) -> Result<Descriptor, PluginFault> {
        let descriptor = match &self.exports {
            Exports::Pattern(exports) => exports
                .remit_plugin_pattern()
                .call_describe(&mut self.store)
                .await
                .map(|found| Descriptor {
                    id: found.id,
                    version: found.version,
                    title: found.title,
                    input_schema: found.input_schema,
                    output_schema: found.output_schema,
                    adapter: None,
                }),
            Exports::Adapter(exports) => exports
                .remit_plugin_adapter()
                .call_describe(&mut self.store)
                .await
                .map(adapter_descriptor),
        };
        self.settle(descriptor).await
    }

    async fn validate_inputs(&mut self, inputs: &str) -> Result<Vec<InputProblem>, PluginFault> {
        let inputs = inputs.to_owned();
        let problems = match &self.exports {
            Exports::Pattern(exports) => {
                exports
                    .remit_plugin_pattern()
                    .call_validate_inputs(&mut self.store, &inputs)
                    .await
            }
            Exports::Adapter(exports) => {
                exports
                    .remit_plugin_adapter()
                    .call_validate_inputs(&mut self.store, &inputs)
                    .await
            }
        };
        let problems = self.settle(problems).await?;
        Ok(problems.into_iter().map(input_problem).collect())
    }

    async fn validate_config(&mut self) -> Result<Vec<InputProblem>, PluginFault> {
        let Exports::Adapter(exports) = &self.exports else {
            return Ok(Vec::new());
        };
        let problems = exports
            .remit_plugin_adapter()
            .call_validate_config(&mut self.store)
            .await;
        let problems = self.settle(problems).await?;
        Ok(problems.into_iter().map(input_problem).collect())
    }

    async fn execute(&mut self, context: Context) -> Result<Finished, PluginFault> {
        let workspace = self
            .store
            .data()
            .access
            .has_workspace()
            .then(|| GUEST_ROOT.to_owned());
        let context = types::Context {
            run_id: context.run_id,
            task_id: context.task_id,
            attempt: context.attempt,
            fence: context.fence,
            effect_key: context.effect_key,
            inputs: context.inputs,
            workspace,
            time_left_ms: context.time_left_ms,
            checkpoint: context.checkpoint,
        };
        match &self.exports {
            Exports::Pattern(exports) => {
                let result = exports
                    .remit_plugin_pattern()
                    .call_execute(&mut self.store, &context)
                    .await;
                match self.settle(result).await? {
                    Ok(outcome) => {
                        let outputs = bounded(outcome.outputs)?;
                        Ok(Finished::Pattern {
                            summary: outcome.summary,
                            outputs,
                            artifacts: outcome.artifacts.into_iter().map(artifact).collect(),
                        })
                    }
                    Err(failure) => Ok(Finished::Failure(from_failure(failure))),
                }
            }
            Exports::Adapter(exports) => {
                let result = exports
                    .remit_plugin_adapter()
                    .call_execute(&mut self.store, &context)
                    .await;
                match self.settle(result).await? {
                    Ok(report) => finished_adapter(report),
                    Err(failure) => Ok(Finished::Failure(from_failure(failure))),
                }
            }
        }
    }
}

fn adapter_descriptor(found: adapter::Capabilities) -> Descriptor {
    let tier = match found.safety_tier {
        adapter::SafetyTier::ReadOnly => "read-only",
        adapter::SafetyTier::WritesWorkspace => "writes-workspace",
        adapter::SafetyTier::RunsCode => "runs-code",
    };
    Descriptor {
        id: found.id,
        version: found.version,
        title: found.title,
        input_schema: found.input_schema,
        output_schema: "{}".into(),
        adapter: Some(AdapterCapabilities {
            task_kinds: found.task_kinds,
            domains: found.domains,
            max_parallel: found.max_parallel,
            timeout_ms: found.timeout_ms,
            safety_tier: tier.into(),
            tool_versions: found.tool_versions,
        }),
    }
}

fn finished_adapter(report: adapter::Report) -> Result<Finished, PluginFault> {
    let details = bounded(report.details)?;
    Ok(Finished::Adapter {
        success: report.success,
        output: report.output,
        error: report.error,
        duration_ms: report.duration_ms,
        artifacts: report.artifacts.into_iter().map(artifact).collect(),
        claimed_changes: report.claimed_changes,
        cost: report
            .cost
            .map(|cost| (cost.input_tokens, cost.output_tokens, cost.micro_usd)),
        details,
    })
}

/// JSON of the contract is at most [`MAX_INPUT`] bytes, in both directions.
fn bounded(json: String) -> Result<String, PluginFault> {
    if json.len() > MAX_INPUT {
        return Err(PluginFault::new(
            FaultKind::Contract,
            format!(
                "the plugin's outputs are {} bytes; the contract allows {MAX_INPUT}",
                json.len()
            ),
        ));
    }
    Ok(json)
}

pub(crate) fn artifact(found: types::Artifact) -> Artifact {
    Artifact {
        path: found.path,
        media_type: found.media_type,
        description: found.description,
        size: None,
    }
}

fn input_problem(problem: types::Problem) -> InputProblem {
    InputProblem {
        path: problem.path,
        code: problem.code,
        message: problem.message,
    }
}

fn from_failure(failure: types::Failure) -> Failure {
    match failure {
        types::Failure::InvalidInput(problems) => {
            Failure::InvalidInput(problems.into_iter().map(input_problem).collect())
        }
        types::Failure::Denied(denial) => {
            let capability = match denial.capability {
                types::Capability::Read => "read",
                types::Capability::Write => "write",
                types::Capability::Env => "env",
                types::Capability::Run => "run",
                types::Capability::Net => "net",
            };
            Failure::Denied(Box::new(Refused {
                capability: capability.to_owned(),
                scope: denial.scope,
                fix: denial.fix,
            }))
        }
        types::Failure::Unavailable(what) => Failure::Unavailable(what),
        types::Failure::Rejected(reason) => Failure::Rejected(reason),
        types::Failure::Cancelled => Failure::Cancelled,
        types::Failure::TimedOut => Failure::TimedOut,
        types::Failure::Failed(report) => Failure::Failed {
            code: report.code,
            message: report.message,
            hint: report.hint,
            retryable: report.retryable,
        },
    }
}
