//! Effects of durable tasks: a tool is on record before it starts, and what has ended is not done
//! again.
//!
//! Never: a start that the record does not know; the end of a tool on record before the last of
//! its output.

use std::sync::Arc;

use remit_core::event::{Event, Level, LogSource};
use remit_core::outcome::CancelReason;
use remit_core::tool::{Exit, KillCause, Launch, StartError, ToolId, Usage};
use serde_json::json;
use tokio::sync::oneshot;

use super::{CallError, Durable, PluginHost};
use crate::durable::attempts::{EffectDecision, Lost};
use crate::replay::Replay;
use crate::seam::Started;
use crate::tool_run::{Recording, ToolRun};

impl PluginHost {
    /// The attempt does not hold its task any more: it ends as fast as it can.
    pub(super) fn lost(&self, _lost: &Lost) {
        self.cancel.cancel(CancelReason::Lost);
    }

    /// Starts a tool, or gives back what it did before the host died.
    pub(super) async fn start_once(
        self: &Arc<Self>,
        durable: &Durable,
        launch: Launch,
        effect: u32,
    ) -> Result<ToolRun, CallError> {
        let call = launch.call_digest();
        match durable.record.effect(effect, call, &launch).await {
            Ok(EffectDecision::Start) => self.start_recorded(durable, launch, effect).await,
            Ok(EffectDecision::Replay(events)) => self.replay(&launch, effect, events).await,
            Ok(EffectDecision::Refuse(reason)) => {
                let tool = launch.tool().clone();
                Err(StartError::NotRepeated { tool, reason }.into())
            }
            Err(lost) => {
                self.lost(&lost);
                Err(ended(&launch))
            }
        }
    }

    /// It is on record that the tool starts now.
    async fn start_recorded(
        self: &Arc<Self>,
        durable: &Durable,
        launch: Launch,
        effect: u32,
    ) -> Result<ToolRun, CallError> {
        let launch = launch.for_task(&durable.mark, effect);
        // Writing it down took time, in which the run may have ended.
        let started = if self.is_over() {
            Err(StartError::RunEnded {
                tool: launch.tool().clone(),
            })
        } else {
            self.start_in_scratch(launch).await
        };
        match started {
            Ok((launch, started)) => {
                let recording = Recording::Effect(effect);
                Ok(self.began(&launch, started, recording).await)
            }
            Err(error) => {
                let message = error.to_string();
                if let Err(lost) = durable.record.effect_refused(effect, message).await {
                    self.lost(&lost);
                }
                Err(error.into())
            }
        }
    }

    async fn start_in_scratch(&self, launch: Launch) -> Result<(Launch, Started), StartError> {
        let launch = self.in_scratch(launch)?;
        let started = self.world.tools.start(&launch).await?;
        Ok((launch, started))
    }

    /// The tool is not started: its recorded run takes its place.
    async fn replay(
        self: &Arc<Self>,
        launch: &Launch,
        effect: u32,
        events: Vec<Event>,
    ) -> Result<ToolRun, CallError> {
        let replay = Replay::new(launch, events).map_err(|error| StartError::NotRepeated {
            tool: launch.tool().clone(),
            reason: format!("it ran before, and its recorded output cannot be used: {error}"),
        })?;
        let (tool, template) = (launch.tool(), launch.template());
        self.journal
            .emit(Event::Log {
                level: Level::Info,
                source: LogSource::Host,
                message: format!(
                    "{tool}:{template} was not started again: it had ended before, and the plugin \
                     gets what was recorded"
                ),
                fields: json!({"effect": effect, "replayed": true}),
            })
            .await;
        let host = Arc::clone(self);
        Ok(ToolRun::new(
            replay.call(),
            Recording::Replayed,
            launch,
            host,
            Box::new(replay),
        ))
    }

    /// Puts the end of an effect on record, whoever still waits for it.
    pub(crate) fn effect_ended(self: &Arc<Self>, ended: EndedTool) -> oneshot::Receiver<()> {
        let (done, seen) = oneshot::channel();
        let host = Arc::clone(self);
        self.after_handle(async move {
            host.record_end(ended).await;
            // The plugin may have dropped the handle.
            let _unheard = done.send(());
        });
        seen
    }

    /// The tool's end, and after it the effect's, if the tool is a durable task's.
    pub(crate) async fn record_end(&self, ended: EndedTool) {
        let EndedTool {
            call,
            tool,
            exit,
            success,
            usage,
            effect,
        } = ended;
        self.tool_finished(call, &tool, exit, success, usage).await;
        let (Some(effect), Some(durable)) = (effect, &self.world.durable) else {
            return;
        };
        // What ended because the attempt had to end did not come to its own end: the record keeps
        // it open, and the next attempt does not get half an output for the whole.
        if self.was_cut_off(exit) {
            return;
        }
        let finished = durable.record.effect_finished(effect, call, success).await;
        if let Err(lost) = finished {
            self.lost(&lost);
        }
    }

    fn was_cut_off(&self, exit: Exit) -> bool {
        match exit {
            Exit::Killed(KillCause::RunEnded) => true,
            Exit::Killed(KillCause::Requested) | Exit::Signal(_) => self.cancel.reason().is_some(),
            Exit::Code(_)
            | Exit::Killed(
                KillCause::WallTimeout
                | KillCause::IdleTimeout
                | KillCause::OutputLimit
                | KillCause::SupervisorLost,
            ) => false,
        }
    }
}

/// A tool that is gone, as it goes on record.
pub(crate) struct EndedTool {
    pub(crate) call: u32,
    pub(crate) tool: ToolId,
    pub(crate) exit: Exit,
    pub(crate) success: bool,
    pub(crate) usage: Usage,
    pub(crate) effect: Option<u32>,
}

fn ended(launch: &Launch) -> CallError {
    CallError::Start(StartError::RunEnded {
        tool: launch.tool().clone(),
    })
}
