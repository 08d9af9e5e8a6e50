//! What a plugin tells the people who watch it: log, steps, progress, files, checkpoints.
//!
//! Never: an event that was not counted against the plugin's budget; a claim passed on as a fact.

use std::sync::atomic::Ordering;

use remit_core::claim::Claims;
use remit_core::event::{Event, Level, LogSource};
use remit_core::outcome::Artifact;
use remit_core::path::RelPath;
use serde_json::Value;

use super::{LimitHit, MAX_CHECKPOINT, MAX_EVENT_BYTES, MAX_EVENTS, PluginHost, cut, lock};

impl PluginHost {
    /// Counts an event that the plugin caused.
    pub(super) fn charge(&self, bytes: usize) -> Result<(), LimitHit> {
        let events = self.events.fetch_add(1, Ordering::Relaxed) + 1;
        let size = self
            .event_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed)
            .saturating_add(bytes as u64);
        if events > MAX_EVENTS {
            return Err(LimitHit(format!("more than {MAX_EVENTS} events")));
        }
        if size > MAX_EVENT_BYTES {
            return Err(LimitHit(format!(
                "more than {} MiB of log output",
                MAX_EVENT_BYTES >> 20
            )));
        }
        Ok(())
    }

    /// A line for the log, cut at [`MAX_MESSAGE`].
    ///
    /// # Errors
    /// The plugin has caused too many events.
    pub async fn log(
        &self,
        source: LogSource,
        level: Level,
        message: &str,
        fields: Value,
    ) -> Result<(), LimitHit> {
        self.charge(message.len())?;
        let event = Event::Log {
            level,
            source,
            message: cut(message).to_owned(),
            fields,
        };
        self.journal.emit(event).await;
        Ok(())
    }

    /// A step begins.
    ///
    /// # Errors
    /// The plugin has caused too many events.
    pub async fn step(&self, name: &str) -> Result<(), LimitHit> {
        self.charge(name.len())?;
        let name = cut(name).to_owned();
        self.journal.emit(Event::Step { name }).await;
        Ok(())
    }

    /// The work advanced. What is not more than before is not worth an event.
    ///
    /// # Errors
    /// The plugin has caused too many events.
    pub async fn percent(&self, value: u32) -> Result<(), LimitHit> {
        self.charge(0)?;
        let value = u8::try_from(value.min(100)).unwrap_or(100);
        if self.percent.fetch_max(value, Ordering::Relaxed) < value {
            self.journal.emit(Event::Percent { value }).await;
        }
        Ok(())
    }

    /// A file is finished, says the plugin; the host looks.
    ///
    /// # Errors
    /// The plugin has caused too many events.
    pub async fn produced(&self, artifact: Artifact) -> Result<(), LimitHit> {
        self.charge(artifact.path.len())?;
        let artifact = self.see(artifact).await;
        self.journal.emit(Event::Produced { artifact }).await;
        Ok(())
    }

    /// What the host sees of a file that a plugin names.
    pub async fn see(&self, mut artifact: Artifact) -> Artifact {
        artifact.size = match RelPath::parse(&artifact.path) {
            Ok(path) => self.world.tree.file_size(&path).await,
            Err(_) => None,
        };
        artifact
    }

    /// Keeps what the plugin says of its work, to hold it against what the host sees.
    pub(crate) fn keep_claims(&self, claims: Claims) {
        *lock(&self.claims) = claims;
    }

    /// What the plugin said of its work when it ended; nothing if it did not get that far.
    pub(crate) fn take_claims(&self) -> Claims {
        std::mem::take(&mut *lock(&self.claims))
    }

    /// Keeps bytes for the next attempt; on record when this returns, if the task is durable.
    /// False if they are too many, or the attempt does not hold its task any more.
    ///
    /// # Errors
    /// The plugin has caused more events than it may.
    pub async fn save_checkpoint(&self, bytes: Vec<u8>) -> Result<bool, LimitHit> {
        if bytes.len() as u64 > MAX_CHECKPOINT {
            return Ok(false);
        }
        self.charge(0)?;
        let size = bytes.len() as u64;
        if let Some(durable) = &self.world.durable {
            let asked = self.effects.load(Ordering::Relaxed);
            if let Err(lost) = durable.record.checkpoint(bytes, asked).await {
                self.lost(&lost);
                return Ok(false);
            }
        } else {
            *lock(&self.checkpoint) = Some(bytes);
        }
        self.journal
            .emit(Event::CheckpointSaved { bytes: size })
            .await;
        Ok(true)
    }

    /// What the plugin saved last, for the next attempt. A durable task has it in its record.
    #[must_use]
    pub fn take_checkpoint(&self) -> Option<Vec<u8>> {
        lock(&self.checkpoint).take()
    }
}
