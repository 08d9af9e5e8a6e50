//! `remit:plugin/state`: values that outlive an attempt.
//!
//! Never: another plugin's values; the scope is the host's, not the guest's.

use remit_engine::host::{StateReach, StateRequestError};
use remit_engine::seam::StateError as StoreError;
use wasmtime::Result;

use crate::bindings::host::remit::plugin::state::{Host, Scope, StateError};
use crate::store::StoreData;

type Answer<T> = Result<std::result::Result<T, StateError>>;

fn reach(scope: Scope) -> StateReach {
    match scope {
        Scope::Task => StateReach::Task,
        Scope::Project => StateReach::Project,
    }
}

fn from_store(error: StoreError) -> StateError {
    match error {
        StoreError::Quota(which) => StateError::Quota(which),
        StoreError::Unavailable(why) => StateError::Unavailable(why),
        StoreError::InvalidJson(place) => StateError::InvalidJson(place),
    }
}

fn from_request(error: StateRequestError) -> StateError {
    match error {
        StateRequestError::InvalidKey => StateError::InvalidKey,
        StateRequestError::Store(error) => from_store(error),
    }
}

fn check_json(text: &str) -> std::result::Result<(), StateError> {
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map(drop)
        .map_err(|error| StateError::InvalidJson(error.to_string()))
}

impl Host for StoreData {
    async fn get(&mut self, scope: Scope, key: String) -> Answer<Option<String>> {
        Ok(match self.host.state(reach(scope), &key) {
            Ok((store, scope)) => store.get(&scope, &key).await.map_err(from_store),
            Err(error) => Err(from_request(error)),
        })
    }

    async fn set(&mut self, scope: Scope, key: String, value: String) -> Answer<()> {
        if let Err(error) = check_json(&value) {
            return Ok(Err(error));
        }
        Ok(match self.host.state(reach(scope), &key) {
            Ok((store, scope)) => store.set(&scope, &key, &value).await.map_err(from_store),
            Err(error) => Err(from_request(error)),
        })
    }

    async fn merge(&mut self, scope: Scope, key: String, patch: String) -> Answer<String> {
        if let Err(error) = check_json(&patch) {
            return Ok(Err(error));
        }
        Ok(match self.host.state(reach(scope), &key) {
            Ok((store, scope)) => store.merge(&scope, &key, &patch).await.map_err(from_store),
            Err(error) => Err(from_request(error)),
        })
    }

    async fn remove(&mut self, scope: Scope, key: String) -> Answer<()> {
        Ok(match self.host.state(reach(scope), &key) {
            Ok((store, scope)) => store.remove(&scope, &key).await.map_err(from_store),
            Err(error) => Err(from_request(error)),
        })
    }

    async fn keys(&mut self, scope: Scope, prefix: String) -> Answer<Vec<String>> {
        let (store, scope) = self.host.state_scope(reach(scope));
        Ok(store.keys(&scope, &prefix).await.map_err(from_store))
    }
}
