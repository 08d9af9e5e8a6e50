//! What a plugin keeps between attempts: whose values, in which store.
//!
//! Never: another plugin's values.

use std::sync::Arc;

use super::{MAX_STATE_KEY, PluginHost, StateReach, StateRequestError};
use crate::seam::{StateScope, StateStore};

impl PluginHost {
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
