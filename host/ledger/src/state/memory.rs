//! Plugin state in memory: gone when the host ends.
//!
//! For tests, and for runs that shall leave nothing behind. Never: another behaviour than the
//! store on disk, except that nothing is durable.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use remit_engine::seam::{StateError, StateScope, StateStore};

use super::patch::merged;
use super::rules::{self, Holding};

type Values = BTreeMap<String, String>;

/// The engine's `StateStore`, in memory.
#[derive(Debug, Default)]
pub struct MemoryState {
    scopes: Mutex<HashMap<StateScope, Values>>,
}

impl MemoryState {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The values. A panic elsewhere cannot leave them half changed: each change is one insert.
    fn scopes(&self) -> MutexGuard<'_, HashMap<StateScope, Values>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a value into a scope, if there is room.
fn put(values: &mut Values, key: &str, value: &str) -> Result<(), StateError> {
    let holding = Holding {
        bytes: values.values().map(|v| v.len() as u64).sum(),
        keys: values.len() as u64,
    };
    let old = values.get(key).map(|v| v.len() as u64);
    holding.with(old, rules::check_size("a value", value)?)?;
    values.insert(key.to_owned(), value.to_owned());
    Ok(())
}

#[async_trait]
impl StateStore for MemoryState {
    async fn get(&self, scope: &StateScope, key: &str) -> Result<Option<String>, StateError> {
        rules::check_key(key)?;
        let scopes = self.scopes();
        Ok(scopes
            .get(scope)
            .and_then(|values| values.get(key))
            .cloned())
    }

    async fn set(&self, scope: &StateScope, key: &str, value: &str) -> Result<(), StateError> {
        rules::check_key(key)?;
        rules::check_value(value)?;
        put(self.scopes().entry(scope.clone()).or_default(), key, value)
    }

    async fn merge(
        &self,
        scope: &StateScope,
        key: &str,
        patch: &str,
    ) -> Result<String, StateError> {
        rules::check_key(key)?;
        let mut scopes = self.scopes();
        let values = scopes.entry(scope.clone()).or_default();
        let value = merged(values.get(key).map(String::as_str), patch)?;
        put(values, key, &value)?;
        Ok(value)
    }

    async fn remove(&self, scope: &StateScope, key: &str) -> Result<(), StateError> {
        rules::check_key(key)?;
        if let Some(values) = self.scopes().get_mut(scope) {
            values.remove(key);
        }
        Ok(())
    }

    async fn keys(&self, scope: &StateScope, prefix: &str) -> Result<Vec<String>, StateError> {
        let scopes = self.scopes();
        let Some(values) = scopes.get(scope) else {
            return Ok(Vec::new());
        };
        Ok(values
            .range(prefix.to_owned()..)
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(prefix))
            .cloned()
            .collect())
    }
}
