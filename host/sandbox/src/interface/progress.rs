//! `remit:plugin/progress`: what a plugin tells the people who watch it.
//!
//! Never: a claim taken for a fact; the host looks at a file that is said to be finished.

use remit_core::event::{Level, LogSource};
use remit_engine::host::MAX_CHECKPOINT;
use wasmtime::Result;

use crate::bindings::host::remit::plugin::progress::{CheckpointError, Host, Level as GuestLevel};
use crate::bindings::host::remit::plugin::types::Artifact;
use crate::instance::artifact;
use crate::store::StoreData;

impl Host for StoreData {
    async fn step(&mut self, name: String) -> Result<()> {
        Ok(self.host.step(&name).await?)
    }

    async fn percent(&mut self, value: u32) -> Result<()> {
        Ok(self.host.percent(value).await?)
    }

    async fn log(&mut self, level: GuestLevel, message: String, fields: String) -> Result<()> {
        let level = match level {
            GuestLevel::Debug => Level::Debug,
            GuestLevel::Info => Level::Info,
            GuestLevel::Warn => Level::Warn,
            GuestLevel::Error => Level::Error,
        };
        // Fields that are not JSON are still worth keeping: as the text that they are.
        let fields = match fields.as_str() {
            "" => serde_json::Value::Null,
            text => serde_json::from_str(text)
                .unwrap_or_else(|_| serde_json::Value::String(text.to_owned())),
        };
        Ok(self
            .host
            .log(LogSource::Plugin, level, &message, fields)
            .await?)
    }

    async fn produced(&mut self, found: Artifact) -> Result<()> {
        Ok(self.host.produced(artifact(found)).await?)
    }

    async fn checkpoint(
        &mut self,
        bytes: Vec<u8>,
    ) -> Result<std::result::Result<(), CheckpointError>> {
        if self.host.save_checkpoint(bytes).await? {
            Ok(Ok(()))
        } else {
            Ok(Err(CheckpointError::TooLarge(MAX_CHECKPOINT)))
        }
    }
}
