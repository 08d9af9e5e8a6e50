//! The part of an executor that waits: gives the dispatcher what happened, one at a time, and
//! carries out what it wants.
//!
//! Never: a decision about a task; a wait inside of the dispatcher.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use remit_core::durable::{LedgerEvent, RunId};
use remit_core::outcome::{CancelReason, Outcome};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::attempts::Attempts;
use super::dispatcher::{Action, Dispatcher, EndedAttempt, Input, Start, TaskKey};
use super::executor::{Asked, ExecuteError, ExecutorConfig, RunEnd, Summary, Which};
use super::lease::LeaseNews;
use super::ledger::{EntryQuery, Ledger, LedgerError};
use super::outcome::result_of;
use super::work;
use crate::cancel::Cancel;

/// How long entries of others may gather before they are read. Whoever answers or cancels waits
/// that long.
const FOLLOW: Duration = Duration::from_millis(20);
/// Most entries of one read.
const MAX_READ: usize = 2_000;
/// Most results that are taken in one round before what was decided goes out.
const MAX_ROUND: usize = 256;
/// How long an executor that watches waits between two looks, if nothing wakes it.
const IDLE: Duration = Duration::from_secs(3_600);

type Job = Pin<Box<dyn Future<Output = Vec<Input>> + Send>>;

/// See the module.
pub(super) struct Shell {
    config: ExecutorConfig,
    ledger: Arc<dyn Ledger>,
    attempts: Arc<dyn Attempts>,
    dispatcher: Dispatcher,
    inputs: VecDeque<Input>,
    jobs: JoinSet<Vec<Input>>,
    /// Attempts and gates that run, by their job.
    running: HashMap<tokio::task::Id, (TaskKey, u64, Instant)>,
    cancels: HashMap<TaskKey, Cancel>,
    /// The newest entry that was read.
    cursor: u64,
    following: bool,
    /// Whether there are more entries than the last read gave.
    more: bool,
    /// Not before: entries gather.
    follow_at: Instant,
    /// Runs that are being read.
    loading: usize,
    drain_at: Option<Instant>,
    end_at: Option<Instant>,
    finished: Vec<RunId>,
    stop: bool,
    failed: Option<LedgerError>,
}

impl Shell {
    pub(super) fn new(
        config: ExecutorConfig,
        ledger: Arc<dyn Ledger>,
        attempts: Arc<dyn Attempts>,
        dispatcher: Dispatcher,
        cursor: u64,
    ) -> Self {
        Self {
            config,
            ledger,
            attempts,
            dispatcher,
            inputs: VecDeque::new(),
            jobs: JoinSet::new(),
            running: HashMap::new(),
            cancels: HashMap::new(),
            cursor,
            following: false,
            more: false,
            follow_at: Instant::now(),
            loading: 0,
            drain_at: None,
            end_at: None,
            finished: Vec::new(),
            stop: false,
            failed: None,
        }
    }

    pub(super) fn now_ms(&self) -> u64 {
        (self.config.clock)()
    }

    /// Carries out runs until nothing is left to do.
    pub(super) async fn run(
        &mut self,
        inputs: Vec<Input>,
        runs: Vec<RunId>,
        mut news: mpsc::Receiver<LeaseNews>,
        mut asked: watch::Receiver<Asked>,
    ) -> Result<Summary, ExecuteError> {
        self.inputs.extend(inputs);
        for run in runs {
            self.load(run).await;
        }
        asked.mark_changed();
        let mut newest = self.ledger.newest();
        newest.mark_changed();
        loop {
            self.settle().await;
            if let Some(error) = self.failed.take() {
                self.jobs.shutdown().await;
                return Err(error.into());
            }
            if self.is_done() {
                break;
            }
            self.next_input(&mut news, &mut asked, &mut newest).await;
        }
        self.jobs.shutdown().await;
        self.summary().await
    }

    /// Gives the dispatcher everything that waits, until there is nothing more to decide.
    async fn settle(&mut self) {
        loop {
            while let Some(input) = self.inputs.pop_front() {
                let now_ms = self.now_ms();
                let actions = self.dispatcher.handle(input, now_ms);
                self.perform_all(actions).await;
            }
            let now_ms = self.now_ms();
            let actions = self.dispatcher.handle(Input::Quiet, now_ms);
            if actions.is_empty() {
                return;
            }
            self.perform_all(actions).await;
            if self.inputs.is_empty() || self.failed.is_some() {
                return;
            }
        }
    }

    async fn perform_all(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.perform(action).await;
        }
    }

    fn is_done(&self) -> bool {
        let nothing_left = match self.config.which {
            Which::One(_) | Which::Open => {
                self.loading == 0 && self.dispatcher.runs().next().is_none()
            }
            Which::Watch => false,
        };
        nothing_left || self.stop
    }

    async fn summary(&mut self) -> Result<Summary, ExecuteError> {
        let mut summary = Summary {
            finished: Vec::with_capacity(self.finished.len()),
            open: self.dispatcher.runs().cloned().collect(),
        };
        for run in std::mem::take(&mut self.finished) {
            if let Some(view) = self.ledger.run(&run).await? {
                let counts = view.counts;
                summary.finished.push(RunEnd { run, counts });
            }
        }
        Ok(summary)
    }

    /// Waits until something has happened.
    async fn next_input(
        &mut self,
        news: &mut mpsc::Receiver<LeaseNews>,
        asked: &mut watch::Receiver<Asked>,
        newest: &mut watch::Receiver<u64>,
    ) {
        if std::mem::take(&mut self.more) {
            newest.mark_changed();
        }
        let timer = self.timer();
        let may_follow = !self.following;
        let follow_at = self.follow_at;
        let follow = async {
            tokio::time::sleep_until(follow_at).await;
            newest.changed().await
        };
        tokio::select! {
            Some(joined) = self.jobs.join_next_with_id() => self.joined_all(joined),
            // The keeper lives as long as the loop.
            Some(lease) = news.recv() => self.inputs.push_back(match lease {
                LeaseNews::Lost => Input::LeaseLost,
                LeaseNews::Kept => Input::LeaseKept,
                LeaseNews::Hosts(alive) => Input::Hosts(alive),
            }),
            Ok(()) = asked.changed() => {
                let asked = asked.borrow_and_update().clone();
                self.asked(asked);
            }
            Ok(()) = follow, if may_follow => self.follow().await,
            () = tokio::time::sleep_until(timer) => self.time(),
        }
    }

    fn timer(&self) -> Instant {
        let now = Instant::now();
        let now_ms = self.now_ms();
        let wake = self.dispatcher.wake_at().map(|at| {
            // A wait is cut; waking early is harmless.
            let wait = Duration::from_millis(at.saturating_sub(now_ms));
            now + wait.min(IDLE)
        });
        let ends = [wake, self.drain_at, self.end_at];
        ends.into_iter().flatten().min().unwrap_or(now + IDLE)
    }

    fn time(&mut self) {
        let now = Instant::now();
        if self.drain_at.is_some_and(|at| at <= now) {
            self.drain_at = None;
            self.end_at = Some(now + self.config.end);
            self.inputs.push_back(Input::DrainOver);
        }
        if self.end_at.is_some_and(|at| at <= now) {
            // What does not end is dropped, and with it all that it started.
            self.stop = true;
        }
        self.inputs.push_back(Input::Timer);
    }

    fn asked(&mut self, asked: Asked) {
        if let Some((run, reason, by)) = asked.cancel {
            self.inputs
                .push_back(Input::CancelAsked { run, reason, by });
        }
        if asked.shutdown && self.drain_at.is_none() && self.end_at.is_none() {
            self.drain_at = Some(Instant::now() + self.config.drain);
            self.inputs.push_back(Input::ShutdownAsked);
        }
        if asked.at_once && self.end_at.is_none() {
            self.drain_at = Some(Instant::now());
        }
    }

    fn joined_all(&mut self, first: Joined) {
        self.joined(first);
        for _ in 0..MAX_ROUND {
            match self.jobs.try_join_next_with_id() {
                Some(joined) => self.joined(joined),
                None => return,
            }
        }
    }

    fn joined(&mut self, joined: Joined) {
        match joined {
            Ok((id, inputs)) => {
                self.running.remove(&id);
                for input in inputs {
                    self.take(input);
                }
            }
            Err(error) => {
                // A job that panicked: a fault of the host, and its attempt's end.
                let Some((key, fence, since)) = self.running.remove(&error.id()) else {
                    return;
                };
                let message = format!("the attempt broke off: {error}");
                let wall_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                let ended = Box::new(EndedAttempt {
                    result: result_of(&Outcome::Internal { message }, wall_ms),
                    activity: Vec::new(),
                    checkpoint: None,
                    open: std::collections::BTreeMap::new(),
                });
                self.take(Input::AttemptEnded { key, fence, ended });
            }
        }
    }

    fn take(&mut self, input: Input) {
        if let Input::AttemptEnded { key, .. } | Input::GateEnded { key, .. } = &input {
            self.cancels.remove(key);
        }
        if let Input::Run { .. } = &input {
            self.loading = self.loading.saturating_sub(1);
        }
        if let Input::Entries(entries) = &input {
            self.following = false;
            self.more = entries.len() >= MAX_READ;
            if let Some(last) = entries.last() {
                self.cursor = self.cursor.max(last.seq);
            }
            let mut new = Vec::new();
            for entry in entries {
                if let (LedgerEvent::RunSubmitted { .. }, Some(run)) = (&entry.event, &entry.run) {
                    new.push(run.clone());
                }
            }
            if self.config.which == Which::Watch && self.drain_at.is_none() {
                for run in new {
                    self.load_later(run);
                }
            }
        }
        self.inputs.push_back(input);
    }

    async fn perform(&mut self, action: Action) {
        match action {
            Action::Append(id, commit) => {
                let ledger = Arc::clone(&self.ledger);
                self.job(async move {
                    vec![match ledger.commit(*commit).await {
                        Ok(committed) => Input::Committed(id, committed),
                        Err(LedgerError::Refused(refusal)) => Input::Refused(id, refusal),
                        Err(error) => Input::Failed(id, error),
                    }]
                })
                .await;
            }
            Action::Read {
                tasks,
                not_before_ms,
            } => {
                let ledger = Arc::clone(&self.ledger);
                let wait = Duration::from_millis(not_before_ms.saturating_sub(self.now_ms()));
                self.job(work::read(ledger, tasks, wait)).await;
            }
            Action::Check {
                key,
                task,
                candidate,
            } => {
                let attempts = Arc::clone(&self.attempts);
                self.job(work::check(attempts, key, task, candidate)).await;
            }
            Action::Start(start) => self.start(*start),
            Action::Cancel(key, reason) => self.cancel(key, reason),
            Action::Finished(run) => self.finished.push(run),
            Action::Stop => self.stop = true,
            Action::Fail(error) => self.failed = Some(error),
        }
    }

    fn cancel(&self, key: TaskKey, reason: CancelReason) {
        if let Some(cancel) = self.cancels.get(&key) {
            cancel.cancel(reason);
        }
    }

    fn start(&mut self, start: Start) {
        let cancel = Cancel::new();
        self.cancels.insert(start.key, cancel.clone());
        let (key, fence) = (start.key, start.fence);
        let ledger = Arc::clone(&self.ledger);
        let attempts = Arc::clone(&self.attempts);
        let clock = Arc::clone(&self.config.clock);
        let job = work::make(ledger, attempts, clock, start, cancel);
        let handle = self.jobs.spawn(async move { vec![job.await] });
        let since = Instant::now();
        self.running.insert(handle.id(), (key, fence, since));
    }

    /// Begins a job now, so that jobs begin in order; what is not done at once goes on beside.
    async fn job(&mut self, job: impl Future<Output = Vec<Input>> + Send + 'static) {
        let mut job: Job = Box::pin(job);
        let at_once = std::future::poll_fn(|context| {
            Poll::Ready(match job.as_mut().poll(context) {
                Poll::Ready(inputs) => Some(inputs),
                Poll::Pending => None,
            })
        })
        .await;
        match at_once {
            Some(inputs) => {
                for input in inputs {
                    self.take(input);
                }
            }
            None => {
                self.jobs.spawn(job);
            }
        }
    }

    async fn follow(&mut self) {
        self.following = true;
        self.follow_at = Instant::now() + FOLLOW;
        let ledger = Arc::clone(&self.ledger);
        let query = EntryQuery {
            run: None,
            task: None,
            after: self.cursor,
            activity: false,
            limit: MAX_READ,
        };
        self.job(work::follow(ledger, query)).await;
    }

    async fn load(&mut self, run: RunId) {
        self.loading += 1;
        let ledger = Arc::clone(&self.ledger);
        self.job(work::load(ledger, run)).await;
    }

    fn load_later(&mut self, run: RunId) {
        if !self.dispatcher.has_run(&run) {
            self.loading += 1;
            let ledger = Arc::clone(&self.ledger);
            self.jobs.spawn(work::load(ledger, run));
        }
    }
}

type Joined = Result<(tokio::task::Id, Vec<Input>), tokio::task::JoinError>;
