//! The workshop: carries out attempts at durable tasks in one workspace, with everything that is
//! the same for all of them made once.
//!
//! - `book`: what the owner says, read again when it changes
//! - `kit`: a plugin that is decided, compiled and linked, ready for any number of attempts
//! - `job`: one attempt, from its kit to its outcome
//! - `gate`: one acceptance check
//! - `hook`: one start of a hook
//! - `recall`: the watch over the approvals on which attempts rest
//! - `trail`: the way of attempts into the audit log
//!
//! Never: an attempt that gets more than `remit run` would give it; an answer from what the owner
//! said before.

mod book;
mod gate;
mod hook;
mod job;
mod kit;
mod recall;
mod trail;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use remit_core::gate::Observed;
use remit_core::outcome::Outcome;
use remit_core::plan::{Candidate, GateSpec, TaskSpec};
use remit_engine::cancel::Cancel;
use remit_engine::durable::attempts::{AdapterFacts, Assignment, AttemptRecord, Attempts, Unfit};
use remit_engine::journal::system_clock;
use remit_engine::seam::StateStore;
use remit_ledger::{AuditGroup, SqliteState, Trouble};
use remit_network::HttpClient;
use remit_sandbox::Runtime;
use remit_sandbox::runtime::MANY_INSTANCES;
use tokio::sync::Semaphore;

use crate::approvals::Store;
use crate::cli::target::Rules;
use crate::exit::Stop;
use crate::places::Places;
use book::Book;
pub(crate) use hook::{HookTrouble, Started};
use recall::Recall;

/// Attempts that are made at the same time at most; more wait. The sandbox has room for a few
/// more, for a plugin that is asked something meanwhile.
const AT_ONCE: usize = MANY_INSTANCES as usize - 8;

/// Carries out attempts in one workspace. To be made inside the runtime.
pub(crate) struct Workshop {
    places: Places,
    book: Book,
    runtime: Runtime,
    state: Arc<dyn StateStore>,
    http: HttpClient,
    audit: AuditGroup,
    recall: Recall,
    room: Semaphore,
}

impl Workshop {
    /// Opens the workshop for a workspace and the rules of a command line.
    ///
    /// # Errors
    /// The owner's files have mistakes, or this machine cannot run plugins.
    pub(crate) async fn open(
        places: Places,
        directory: PathBuf,
        rules: Rules,
    ) -> Result<Self, Stop> {
        let internal = |error: anyhow::Error| Stop::Internal(error);
        let runtime =
            Runtime::new(Some(places.compiled())).map_err(|error| internal(error.into()))?;
        let audit = AuditGroup::start(places.audit(), system_clock())
            .map_err(|error| internal(error.into()))?;
        let book = Book::open(places.clone(), directory, rules)?;
        // What is wrong with the owner's files is said before anything begins.
        book.page()?;
        Ok(Self {
            recall: Recall::start(Store::at(places.approvals())),
            state: Arc::new(SqliteState::at(places.plugin_state())),
            http: HttpClient::new(),
            room: Semaphore::new(AT_ONCE),
            places,
            book,
            runtime,
            audit,
        })
    }

    /// Ends every tool that is left, and waits until the audit is on the disk.
    pub(crate) async fn close(&self) {
        self.book.close().await;
        self.audit.sync().await;
    }

    /// Whether the audit is whole. Asked at the end.
    pub(crate) fn trouble(&self) -> Trouble {
        self.audit.trouble()
    }
}

#[async_trait]
impl Attempts for Workshop {
    async fn check(
        &self,
        task: &TaskSpec,
        candidate: &Candidate,
    ) -> Result<AdapterFacts, Box<Unfit>> {
        self.facts(task, candidate).await
    }

    async fn attempt(
        &self,
        assignment: Assignment,
        record: Arc<dyn AttemptRecord>,
        cancel: Cancel,
    ) -> Outcome {
        self.make_attempt(assignment, record, cancel).await
    }

    async fn gate(
        &self,
        assignment: Assignment,
        gate: GateSpec,
        record: Arc<dyn AttemptRecord>,
        cancel: Cancel,
    ) -> Result<Observed, Box<Outcome>> {
        self.check_gate(assignment, gate, record, cancel).await
    }
}

#[cfg(test)]
mod tests;
