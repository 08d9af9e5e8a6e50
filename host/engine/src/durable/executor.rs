//! Carries out runs: the entry point of durable execution for users of the library.
//!
//! ```text
//! run_executor_loop ── epoch, lease, recovery ──▶ Shell: next_input ─▶ Dispatcher ─▶ perform
//! ```
//!
//! Never: a decision about a task; that is the dispatcher's.

use std::sync::Arc;
use std::time::Duration;

use remit_core::durable::{Counts, RunId};
use remit_core::outcome::CancelReason;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::attempts::Attempts;
use super::clock::Clock;
use super::dispatcher::{Dispatcher, Input, Limits};
use super::lease::Keeper;
use super::ledger::{HostIdentity, Ledger, LedgerError};
use super::shell::Shell;

/// How long a host's attempts are its own after it last said that it lives. The reference
/// prototype's: long enough for a busy disk, short enough that nobody waits for a dead host.
pub const LEASE: Duration = Duration::from_secs(15);
/// How long attempts may go on after a shutdown was asked for, before they are cancelled.
pub const DRAIN: Duration = Duration::from_secs(5);
/// How long cancelled attempts may take to end, before the host ends without them.
pub const END: Duration = Duration::from_secs(30);
/// Most open runs that one host takes at its start.
pub const MAX_RUNS: usize = 10_000;
/// News of the lease that wait; the keeper waits for the loop if there are more.
const MAX_NEWS: usize = 16;

/// Which runs are carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(RunId),
    /// All that are open now.
    Open,
    /// All that are open, and each that is submitted later, until the shutdown.
    Watch,
}

/// How runs are carried out.
#[derive(Clone)]
pub struct ExecutorConfig {
    /// Which runs.
    pub which: Which,
    /// Who this process is.
    pub host: HostIdentity,
    /// The host's clock.
    pub clock: Clock,
    /// Numbers that no plan says, such as attempts at the same time.
    pub limits: Limits,
    /// See [`LEASE`].
    pub lease: Duration,
    /// See [`DRAIN`].
    pub drain: Duration,
    /// See [`END`].
    pub end: Duration,
}

impl ExecutorConfig {
    /// With everything as it is if nobody says otherwise.
    #[must_use]
    pub fn new(which: Which, host: HostIdentity, clock: Clock) -> Self {
        Self {
            which,
            host,
            clock,
            limits: Limits::default(),
            lease: LEASE,
            drain: DRAIN,
            end: END,
        }
    }
}

impl std::fmt::Debug for ExecutorConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecutorConfig")
            .field("which", &self.which)
            .field("host", &self.host)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What was asked of a loop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) shutdown: bool,
    pub(super) at_once: bool,
    pub(super) cancel: Option<(Option<RunId>, CancelReason, String)>,
}

/// Asks a running loop to end. Cheap to clone; any clone may ask, before the loop begins, too.
#[derive(Debug, Clone, Default)]
pub struct Control {
    asked: Arc<watch::Sender<Asked>>,
    began: Arc<watch::Sender<bool>>,
}

impl Control {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The host shall end: nothing new begins, what runs may go on for a while and goes back into
    /// the queue after it. Runs can be resumed.
    pub fn shutdown(&self) {
        self.asked.send_modify(|asked| asked.shutdown = true);
    }

    /// Likewise, without a while.
    pub fn shutdown_now(&self) {
        self.asked.send_modify(|asked| {
            asked.shutdown = true;
            asked.at_once = true;
        });
    }

    /// Cancels a run for good, or all that the loop has if none is named.
    pub fn cancel(&self, run: Option<RunId>, reason: CancelReason, by: &str) {
        self.asked.send_modify(|asked| {
            asked.cancel = Some((run, reason, by.to_owned()));
        });
    }

    /// Whether the loop has the ledger for itself: only then may anything be written beside it.
    #[must_use]
    pub fn began(&self) -> watch::Receiver<bool> {
        self.began.subscribe()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Asked> {
        self.asked.subscribe()
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// Which.
    pub run: RunId,
    /// Where its tasks are.
    pub counts: Counts,
}

/// What a loop did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The runs that finished, in that order.
    pub finished: Vec<RunEnd>,
    /// The runs that are open still, because of a shutdown.
    pub open: Vec<RunId>,
}

/// Why runs could not be carried out, or not to their end. What is in the ledger stays; the runs
/// can be resumed.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// There is no such run.
    #[error("there is no run {run}; `remit runs` lists those that are there")]
    NoRun {
        /// Its name.
        run: RunId,
    },
    /// Nothing is left to do.
    #[error("run {run} has finished; submit its plan again, without `run`, to have it done again")]
    Finished {
        /// Its name.
        run: RunId,
    },
    /// The ledger does not work.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Carries out runs until they have finished or a shutdown is asked for.
///
/// # Errors
/// The run does not exist or has finished, or the ledger stayed out of order.
pub async fn run_executor_loop(
    config: ExecutorConfig,
    ledger: Arc<dyn Ledger>,
    attempts: Arc<dyn Attempts>,
    control: Control,
) -> Result<Summary, ExecuteError> {
    if let Which::One(run) = &config.which {
        let Some(view) = ledger.run(run).await? else {
            return Err(ExecuteError::NoRun { run: run.clone() });
        };
        if view.finished_ms.is_some() {
            return Err(ExecuteError::Finished { run: run.clone() });
        }
    }
    // What is written from here on comes by as entries, so that nothing is missed.
    let cursor = *ledger.newest().borrow();
    let sent = Instant::now();
    let now_ms = (config.clock)();
    let until_ms = now_ms.saturating_add(u64::try_from(config.lease.as_millis()).unwrap_or(0));
    let host = ledger
        .begin_host(config.host.clone(), now_ms, until_ms)
        .await?;
    control.began.send_replace(true);
    let (news_to, news) = mpsc::channel(MAX_NEWS);
    let clock = Arc::clone(&config.clock);
    let mut keeper = Keeper::new(Arc::clone(&ledger), clock, host.epoch, config.lease);
    let opened = open(&*ledger, &config.which, &mut keeper).await;
    // Ends with this loop, however that ends.
    let mut keeping = JoinSet::new();
    keeping.spawn(keeper.keep(sent, news_to));
    let dispatcher = Dispatcher::new(host.epoch, config.limits.clone());
    let mut shell = Shell::new(config, Arc::clone(&ledger), attempts, dispatcher, cursor);
    let done = match opened {
        Ok((inputs, runs)) => shell.run(inputs, runs, news, control.subscribe()).await,
        Err(error) => Err(error.into()),
    };
    keeping.shutdown().await;
    let now_ms = shell.now_ms();
    // Without this, the next host waits until the lease is over; nothing else.
    ledger
        .beat(host.epoch, now_ms, true)
        .await
        .unwrap_or_default();
    done
}

/// What the dispatcher has to know first, and the runs that are to be carried out.
async fn open(
    ledger: &dyn Ledger,
    which: &Which,
    keeper: &mut Keeper,
) -> Result<(Vec<Input>, Vec<RunId>), LedgerError> {
    let mut inputs = vec![Input::Opened {
        breakers: ledger.breakers().await?,
        safe_mode: ledger.safe_mode().await?,
    }];
    match keeper.alive().await {
        Some(alive) => inputs.push(Input::Hosts(alive)),
        None => {
            let what = "who else uses it is not known".to_owned();
            return Err(LedgerError::Unavailable(what));
        }
    }
    let runs = match which {
        Which::One(run) => vec![run.clone()],
        Which::Open | Which::Watch => {
            let mut views = ledger.runs(true, MAX_RUNS).await?;
            // The oldest first: among equals, what was submitted first is done first.
            views.reverse();
            views.into_iter().map(|view| view.run).collect()
        }
    };
    Ok((inputs, runs))
}
