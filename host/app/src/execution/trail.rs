//! The way of one attempt into the audit log, which it shares with all others.
//!
//! Never: an attempt that begins without its first entry.

use async_trait::async_trait;
use remit_core::audit::{AttemptOf, Entry, HookOf};
use remit_core::event::Event;
use remit_core::outcome::Outcome;
use remit_engine::durable::journal::EventAudit;
use remit_engine::journal::system_clock;
use remit_ledger::{AuditGroup, NotWritten};

use super::kit::About;

/// What a plugin is used for.
#[derive(Debug, Clone)]
pub(super) enum Begun {
    /// Nothing: it was not let in.
    Denied,
    /// An attempt at a task, or one of its gates.
    Attempt(AttemptOf),
    /// A hook.
    Hook(HookOf),
}

/// The entries of one attempt. Each has a name of its own among the runs of the log.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    group: AuditGroup,
    run: String,
}

impl Trail {
    pub(super) fn new(group: &AuditGroup, run: String) -> Self {
        Self {
            group: group.clone(),
            run,
        }
    }

    /// Writes that a plugin is to be used, before it is. Waits until that is in the log.
    ///
    /// # Errors
    /// It is not, so there is no attempt.
    pub(super) async fn begin(&self, about: &About, what: Begun) -> Result<(), NotWritten> {
        let (attempt, hook) = match what {
            Begun::Denied => (None, None),
            Begun::Attempt(attempt) => (Some(Box::new(attempt)), None),
            Begun::Hook(hook) => (None, Some(Box::new(hook))),
        };
        let entry = Entry::RunStarted {
            plugin: about.plugin.clone(),
            version: about.version.clone(),
            component: about.component.clone(),
            manifest: about.manifest.clone(),
            workspace: about.workspace.display().to_string(),
            attempt,
            hook,
        };
        self.group
            .add_now(system_clock()(), self.run.clone(), entry)
            .await
    }

    /// Writes that nothing came of it.
    pub(super) async fn end(&self, outcome: &Outcome) {
        self.add(Entry::RunFinished {
            status: outcome.status().to_owned(),
            exit_code: outcome.exit_code().number(),
            wall_ms: 0,
        })
        .await;
    }

    /// Writes something more, soon.
    pub(super) async fn add(&self, entry: Entry) {
        self.group
            .add(system_clock()(), self.run.clone(), entry)
            .await;
    }
}

#[async_trait]
impl EventAudit for Trail {
    async fn event(&self, event: &Event) {
        if let Some(entry) = Entry::of(event) {
            self.add(entry).await;
        }
    }
}
