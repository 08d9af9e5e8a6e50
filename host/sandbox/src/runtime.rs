//! The wasmtime engine of this process: configured once, shared by every plugin.
//!
//! Never: a setting that differs between two plugins; a feature of WebAssembly that no supported
//! toolchain needs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
};

use crate::cache::Cache;

/// How often running plugins give the runtime a chance to look at deadlines. Ten milliseconds is
/// the granularity at which a plugin in an endless loop is stopped.
const TICK: Duration = Duration::from_millis(10);

/// Largest linear memory that any plugin can have, and so what one slot of the pool reserves in
/// address space. A manifest may ask for less.
pub const MAX_MEMORY: u64 = 1 << 30;

/// Components that can be instantiated at the same time in a process that serves many.
pub const MANY_INSTANCES: u32 = 256;

/// The same in a process that carries out one run: the attempt's instance, and room for one that
/// is asked something beside it. Each place has a stack with a guard page, so it costs a system call
/// at the start and two areas to unmap at the end; with hundreds that is felt in a short run.
const FEW_INSTANCES: u32 = 4;

/// Memories, tables and core instances of one component. Toolchains that bring an interpreter
/// along use several of each.
const MAX_MEMORIES: u32 = 4;
/// See [`MAX_MEMORIES`].
const MAX_TABLES: u32 = 16;
/// See [`MAX_MEMORIES`].
const MAX_CORE_INSTANCES: u32 = 64;

/// What is left of a slot's memory for the next instance without giving it back to the kernel:
/// enough for an ordinary plugin's data and stack.
const KEEP_RESIDENT: usize = 1 << 20;

/// Stack of a guest. Deeper recursion is a fault of the plugin.
const WASM_STACK: usize = 512 << 10;
/// Stack on which guest and host functions run: the guest's and room for the host's.
const ASYNC_STACK: usize = 2 << 20;

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// wasmtime refused the configuration.
    #[error("wasmtime does not start on this machine: {0}")]
    Engine(String),
    /// The operating system gave no thread for the deadline clock.
    #[error("no thread for the deadline clock: {0}")]
    Ticker(#[source] std::io::Error),
}

/// The engine of this process. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    cache: Arc<Cache>,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

impl Runtime {
    /// Starts the engine, with room for 256 instances at once. Compiled components are kept in
    /// `cache`; `None` compiles each time.
    ///
    /// # Errors
    /// The machine cannot run the engine.
    pub fn new(cache: Option<PathBuf>) -> Result<Self, RuntimeError> {
        Self::start(cache, MANY_INSTANCES)
    }

    /// The same with room for 4 instances at once, which starts and ends faster: for a process
    /// that carries out one run.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn for_one_run(cache: Option<PathBuf>) -> Result<Self, RuntimeError> {
        Self::start(cache, FEW_INSTANCES)
    }

    fn start(cache: Option<PathBuf>, instances: u32) -> Result<Self, RuntimeError> {
        let engine = Engine::new(&config(instances))
            .map_err(|error| RuntimeError::Engine(format!("{error:#}")))?;
        start_ticker(&engine)?;
        Ok(Self {
            cache: Arc::new(Cache::new(&engine, cache)),
            engine,
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }
}

/// The configuration. Each line that is not wasmtime's default says why.
fn config(instances: u32) -> Config {
    let mut config = Config::new();
    config
        // Component-model async is young and triples the cost of a call; the contract does
        // without. A component that needs it is refused when it is validated.
        .concurrency_support(false)
        // Deadlines by epochs: cheaper than fuel, and the guest yields to the runtime.
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(ASYNC_STACK)
        .memory_init_cow(true)
        .cranelift_opt_level(OptLevel::Speed)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances)));
    config
}

/// One pool for all instances: a fresh instance is then a reset of memory that is there already.
fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        // Few instances may each have all that one component may have; of many, most have less.
        .total_core_instances((instances * 8).max(FEW_INSTANCES * MAX_CORE_INSTANCES))
        .total_memories((instances * 2).max(FEW_INSTANCES * MAX_MEMORIES))
        .total_tables((instances * 4).max(FEW_INSTANCES * MAX_TABLES))
        .total_stacks(instances)
        .max_memory_size(usize::try_from(MAX_MEMORY).unwrap_or(usize::MAX))
        .max_memories_per_component(MAX_MEMORIES)
        .max_tables_per_component(MAX_TABLES)
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .table_elements(20_000)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        // Linux 6.7 can say which pages were touched; resetting only those halves the cost.
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Moves the epoch on while the engine lives.
fn start_ticker(engine: &Engine) -> Result<(), RuntimeError> {
    let weak = engine.weak();
    std::thread::Builder::new()
        .name("remit-epoch".into())
        .spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })
        .map(drop)
        .map_err(RuntimeError::Ticker)
}
