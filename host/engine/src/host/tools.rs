//! The tools that a plugin wants run: decided, started, and on record to their end.
//!
//! Never: a start without a decision; a tool that outlives the attempt.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use remit_core::event::Event;
use remit_core::grant::CallRefused;
use remit_core::manifest::Confinement;
use remit_core::tool::{
    Directory, Exit, KillCause, Launch, ProgramIdentity, StartError, ToolCall, ToolId, Usage,
};

use super::{CallError, LimitHit, MAX_DENIALS, MAX_RUNNING_TOOLS, PluginHost, cut, lock};
use crate::seam::Started;
use crate::tool_run::{Recording, ToolRun};

/// How long the end of an attempt waits for tools that were just killed.
const SETTLE: Duration = Duration::from_secs(5);

impl PluginHost {
    /// Decides a tool call without carrying it out.
    ///
    /// # Errors
    /// As [`Self::start_tool`], as far as it can be known beforehand. A plugin that only asks has
    /// not been denied anything yet, so nothing goes on record; the answer is kept for the outcome.
    pub async fn check_tool(&self, call: &ToolCall) -> Result<(), CallError> {
        let launch = self.decide(call).inspect_err(|error| {
            if let CallError::Denied(denial) = error {
                let mut asked = lock(&self.asked);
                if asked.len() < MAX_DENIALS && !asked.contains(denial) {
                    asked.push(denial.as_ref().clone());
                }
            }
        })?;
        self.world.tools.check(&launch).await?;
        if let Some(observer) = self.observer.get() {
            observer.asked(&launch);
        }
        Ok(())
    }

    fn decide(&self, call: &ToolCall) -> Result<Launch, CallError> {
        self.grants.launch(call).map_err(|refused| match refused {
            CallRefused::Denied(denial) => CallError::Denied(denial),
            CallRefused::Invalid(problems) => CallError::Invalid(problems),
        })
    }

    /// Starts a tool.
    ///
    /// # Errors
    /// The call is outside the grants, does not fit the declaration, or the program did not start.
    /// Each of these is an event, and a plugin that caused too many of them gets
    /// [`CallError::Limit`] instead.
    pub async fn start_tool(self: &Arc<Self>, call: &ToolCall) -> Result<ToolRun, CallError> {
        match self.try_start(call).await {
            Ok(run) => Ok(run),
            Err(error) => {
                self.refused(call, &error).await?;
                Err(error)
            }
        }
    }

    async fn try_start(self: &Arc<Self>, call: &ToolCall) -> Result<ToolRun, CallError> {
        // Counted before anything is decided: in the next attempt the number then means the same
        // request, whatever the owner has changed in between.
        let effect = self.effects.fetch_add(1, Ordering::Relaxed) + 1;
        let launch = self.decide(call)?;
        if self.is_over() {
            return Err(CallError::Start(StartError::RunEnded {
                tool: launch.tool().clone(),
            }));
        }
        if self.running.load(Ordering::Relaxed) >= MAX_RUNNING_TOOLS {
            return Err(CallError::Start(StartError::Limit {
                tool: launch.tool().clone(),
                what: format!("the plugin already has {MAX_RUNNING_TOOLS} tools running"),
            }));
        }
        if let Some(durable) = &self.world.durable {
            return self.start_once(durable, launch, effect).await;
        }
        let launch = self.in_scratch(launch)?;
        let started = self.world.tools.start(&launch).await?;
        Ok(self.began(&launch, started, Recording::Plain).await)
    }

    /// The launch for this attempt's scratch directory, without which some tools cannot start.
    pub(super) fn in_scratch(&self, launch: Launch) -> Result<Launch, StartError> {
        let refused = |tool: &ToolId, message: String| StartError::Refused {
            tool: tool.clone(),
            step: "scratch".to_owned(),
            errno: 0,
            message,
        };
        match &self.world.scratch {
            Some(scratch) => match scratch.path() {
                Ok(path) => Ok(launch.in_scratch(path)),
                Err(error) => Err(refused(launch.tool(), error.to_string())),
            },
            None if launch.needs_scratch() => Err(refused(
                launch.tool(),
                "this attempt has no scratch directory".to_owned(),
            )),
            None => Ok(launch),
        }
    }

    /// A tool runs: puts that on record.
    pub(super) async fn began(
        self: &Arc<Self>,
        launch: &Launch,
        started: Started,
        recording: Recording,
    ) -> ToolRun {
        self.running.fetch_add(1, Ordering::Relaxed);
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let confinement = started.tool.usage().confinement;
        let event = tool_started(number, launch, started.program, confinement);
        self.journal.emit(event).await;
        ToolRun::new(number, recording, launch, Arc::clone(self), started.tool)
    }

    async fn refused(&self, call: &ToolCall, error: &CallError) -> Result<(), LimitHit> {
        let (code, message) = match error {
            CallError::Denied(denial) => return self.deny(denial.as_ref().clone()).await,
            CallError::Limit(hit) => return Err(hit.clone()),
            CallError::Invalid(problems) => (
                "invalid-call",
                problems
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("; "),
            ),
            CallError::Start(error) => (error.code(), error.to_string()),
        };
        let (tool, template, message) = (cut(&call.tool), cut(&call.template), cut(&message));
        self.charge(tool.len() + template.len() + message.len())?;
        self.journal
            .emit(Event::ToolRefused {
                tool: tool.to_owned(),
                template: template.to_owned(),
                code: code.to_owned(),
                message: message.to_owned(),
            })
            .await;
        Ok(())
    }

    pub(crate) async fn tool_finished(
        &self,
        call: u32,
        tool: &ToolId,
        exit: Exit,
        success: bool,
        usage: Usage,
    ) {
        self.journal
            .emit(Event::ToolFinished {
                call,
                tool: tool.to_string(),
                exit,
                success,
                usage,
            })
            .await;
        // After the only await: whoever stops waiting before it has recorded nothing.
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    /// The attempt is over: what ends from here on ends with it.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// How a tool ended whose handle nobody holds any more: at the plugin's wish, or with the run.
    pub(crate) fn ended_without_handle(&self, exit: Exit) -> Exit {
        match exit {
            Exit::Killed(KillCause::Requested) if self.ended.load(Ordering::Relaxed) => {
                Exit::Killed(KillCause::RunEnded)
            }
            Exit::Code(_) | Exit::Signal(_) | Exit::Killed(_) => exit,
        }
    }

    /// Work that must still be done after a plugin dropped a handle.
    pub(crate) fn after_handle(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime the process itself is ending, and the supervisors notice that.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            lock(&self.handles).spawn_on(work, &runtime);
        }
    }

    /// Waits until every tool of this attempt is gone, for a bounded time. False if some were
    /// still there.
    pub async fn settle(&self) -> bool {
        let mut handles = std::mem::take(&mut *lock(&self.handles));
        let all = async { while handles.join_next().await.is_some() {} };
        tokio::time::timeout(SETTLE, all).await.is_ok()
    }
}

fn tool_started(
    call: u32,
    launch: &Launch,
    program: ProgramIdentity,
    confinement: Confinement,
) -> Event {
    Event::ToolStarted {
        call,
        tool: launch.tool().to_string(),
        template: launch.template().to_string(),
        arguments: launch.arguments().to_vec(),
        directory: match launch.directory() {
            Directory::Workspace(path) => path.to_string(),
            Directory::Fixed(path) => path.display().to_string(),
        },
        env: launch.env_names().map(ToString::to_string).collect(),
        confinement,
        origins: launch.bounds().origins().to_vec(),
        program: Some(Box::new(program)),
    }
}
