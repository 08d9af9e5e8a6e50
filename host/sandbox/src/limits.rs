//! What one instance may use of the host's memory, and which limit it hit.
//!
//! Never: a refusal that the guest sees as an ordinary "no more memory", which it might survive in
//! a state nobody tested. A limit ends the plugin with the limit's name.

use wasmtime::ResourceLimiter;

/// Elements of one table: function pointers of the largest interpreters stay well below.
const MAX_TABLE_ELEMENTS: usize = 20_000;
/// Core instances inside one component.
const MAX_CORE_INSTANCES: usize = 64;
/// Memories inside one component.
const MAX_MEMORIES: usize = 4;
/// Tables inside one component.
const MAX_TABLES: usize = 16;

/// The memory limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the plugin needs more than its {} MiB of memory; a larger [limits] memory in its manifest \
     allows more",
    .limit >> 20
)]
pub(crate) struct MemoryHit {
    pub(crate) limit: usize,
}

/// Another limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the plugin needs a table of {wanted} elements; the limit is {MAX_TABLE_ELEMENTS}")]
pub(crate) struct TableHit {
    wanted: usize,
}

/// Watches one store. All memories of the instance share one budget.
#[derive(Debug)]
pub(crate) struct Limits {
    memory: usize,
    used: usize,
}

impl Limits {
    pub(crate) fn new(memory: u64) -> Self {
        Self {
            memory: usize::try_from(memory).unwrap_or(usize::MAX),
            used: 0,
        }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The module's own maximum is its own affair: it gets -1 and knows how to live with it.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let used = self.used.saturating_sub(current).saturating_add(desired);
        if used > self.memory {
            return Err(MemoryHit { limit: self.memory }.into());
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > MAX_TABLE_ELEMENTS {
            return Err(TableHit { wanted: desired }.into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}
