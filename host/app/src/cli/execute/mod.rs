//! `remit execute`: carries out a plan's tasks durably, from submitting it to the exit code.
//!
//! - `submit`: from the command line to runs in the ledger
//! - `intake`: what routers leave in the workspace while an executor watches
//! - `files`: keeps the derived files of every run
//! - `ready`: what has to hold before anything begins
//! - `beside`: what goes on beside the execution: the view, `files`, `spans`, `hooks`, each of which
//!   `follow`s the ledger
//!
//! Never: a second executor on one ledger; an end that takes away what could be resumed.

mod beside;
mod files;
mod follow;
mod hooks;
mod intake;
mod ready;
mod spans;
mod submit;

use std::path::PathBuf;
use std::sync::Arc;

use anstream::{eprintln, println};
use remit_core::durable::{Phase, RunId, RunPhase};
use remit_core::outcome::ExitCode;
use remit_engine::durable::clock::machine_clock;
use remit_engine::durable::dispatcher::Limits;
use remit_engine::durable::ledger::{Ledger, LedgerError};
use remit_engine::durable::{Control, ExecuteError, ExecutorConfig, Which, run_executor_loop};
use remit_telemetry::Exporter;
use tokio::sync::watch;

use super::target::Rules;
use crate::execution::Workshop;
use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::owner::Owner;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{DIM, NOTE, WARN, entry};
use crate::watch::audit;
use crate::watch::execution::{Look, Screen, summary};
use crate::{host_identity, wiring};
use beside::Beside;

/// Executes a plan's tasks durably
///
/// Submits a plan, or takes up a run that is there, and carries out its tasks: dependencies,
/// attempts, retries, circuit breakers, gates. What happens is in the workspace's ledger before it
/// counts, so the host may be killed at any moment: the same command goes on where it ended.
///
///   remit execute plan.json -C DIR --policy policy.toml -j 8
///   remit execute --run RUN            goes on with it
///   remit execute --watch              and with whatever is submitted later
///
/// The first Ctrl-C lets running attempts end for a moment and leaves the rest for the next time;
/// the second ends at once.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A plan file, or files of other programs that belong together; `remit plan check` says what
    /// they become. Without any: the workspace's .state/task_queue.json
    #[arg(value_name = "PLAN")]
    plans: Vec<PathBuf>,

    /// The run: one that is there, or the name of the new one
    #[arg(long, value_name = "RUN")]
    run: Option<RunId>,

    #[command(flatten)]
    ledger: Choice,

    /// Attempts at the same time, whatever the plan says
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(remit_core::plan::MAX_PARALLEL)))]
    jobs: Option<u32>,

    /// Goes on with every run that is open, and with nothing else
    #[arg(long, conflicts_with_all = ["plans", "watch"])]
    resume: bool,

    /// Goes on until Ctrl-C: with every open run, with what is submitted later, and with each fresh
    /// routing file in the workspace's .state
    #[arg(long)]
    watch: bool,

    /// Executes a finished run's plan once more, as a new run
    #[arg(long)]
    again: bool,

    /// Submits the plan and ends; an executor that watches takes it up
    #[arg(long, conflicts_with_all = ["watch", "resume"])]
    submit_only: bool,

    /// Counts every adaptation of another program's file as a mistake
    #[arg(long)]
    strict: bool,

    /// Completes a task only if at least one of its gates passed
    #[arg(long)]
    require_evidence: bool,

    /// Refuses to begin while the phase contract's production gate is not open
    #[arg(long)]
    production: bool,

    /// Begins although some task has nobody who could do it now
    #[arg(long)]
    no_preflight: bool,

    /// Prints one ledger entry per line as JSON on standard output, and nothing else there
    #[arg(long)]
    json: bool,

    /// Shows the summary alone
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,

    #[command(flatten)]
    rules: Rules,
}

impl Args {
    /// What goes on with a run, as it is typed.
    fn go_on(&self, run: &RunId) -> String {
        let policy = self.rules.policy.as_ref();
        let policy = policy.map(|policy| format!(" --policy {}", policy.display()));
        format!(
            "remit execute --run {run}{}{}",
            self.ledger.flags(),
            policy.unwrap_or_default()
        )
    }

    fn look(&self) -> Look {
        if self.json {
            Look::Json
        } else if self.quiet {
            Look::Quiet
        } else {
            Look::Human
        }
    }
}

/// How long the end waits for threads that are stuck in the operating system.
const SHUTDOWN: std::time::Duration = std::time::Duration::from_millis(200);

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let runtime = wiring::runtime()?;
    let result = runtime.block_on(carry_out(args));
    runtime.shutdown_timeout(SHUTDOWN);
    result
}

async fn carry_out(args: &Args) -> Result<ExitCode, Stop> {
    let spans = if args.submit_only {
        None
    } else {
        spans::configured()?
    };
    let places = Places::find()?;
    let owner = Owner::read(&places, args.ledger.workspace(), &args.rules)?;
    if args.production {
        ready::production(owner.workspace())?;
    }
    let ledger = args.ledger.open()?;
    let since = *ledger.newest().borrow();
    let workshop = Workshop::open(
        places,
        args.ledger.workspace().to_owned(),
        args.rules.clone(),
    )
    .await?;
    let workshop = Arc::new(workshop);
    let which = submit::which(args, &owner, &ledger).await?;
    if let Which::One(run) = &which {
        if args.submit_only {
            return submit_only(args, run);
        }
        if !args.no_preflight
            && let Err(unfit) = ready::somebody(&*ledger, run, &*workshop).await
        {
            unfit.print();
            eprintln!(
                "{DIM}nothing was started; run {run} is submitted, to go on: {}{DIM:#}",
                args.go_on(run)
            );
            return Ok(unfit.exit_code());
        }
    }
    let execution = Execution {
        screen: Screen::new(args.look()),
        ledger,
        workshop: Arc::clone(&workshop),
        workspace: owner.workspace().to_owned(),
        which,
        since,
        spans,
    };
    let result = execution.carry_out(args, owner).await;
    workshop.close().await;
    audit::tell(&workshop.trouble());
    result
}

/// Says which run it became.
fn submit_only(args: &Args, run: &RunId) -> Result<ExitCode, Stop> {
    if args.json {
        super::print_json(&serde_json::json!({ "run": run }))?;
    } else {
        println!("{run}");
    }
    if args.look() == Look::Human {
        eprintln!(
            "{DIM}who watches takes it up; or: {}{DIM:#}",
            args.go_on(run)
        );
    }
    Ok(ExitCode::Ok)
}

/// What is executed, with what.
struct Execution {
    ledger: Arc<dyn Ledger>,
    workshop: Arc<Workshop>,
    workspace: PathBuf,
    which: Which,
    /// The newest entry before anything was done.
    since: u64,
    spans: Option<Arc<Exporter>>,
    screen: Screen,
}

impl Execution {
    async fn carry_out(&self, args: &Args, owner: Owner) -> Result<ExitCode, Stop> {
        let control = Control::new();
        let (hurry, hurried) = watch::channel(false);
        shutdown_on_signals(&control, hurry, self.screen.clone())?;
        if args.look() == Look::Human {
            self.greet(args).await?;
        }
        let (stopped, stop_seen) = watch::channel(false);
        let beside = Beside::start(self, args, &owner, &control, &stop_seen, hurried);
        let intake = (self.which == Which::Watch).then(|| {
            let (ledger, screen) = (Arc::clone(&self.ledger), self.screen.clone());
            tokio::spawn(intake::follow(ledger, owner, args.strict, screen))
        });
        let mut config =
            ExecutorConfig::new(self.which.clone(), host_identity::own(), machine_clock());
        config.limits = Limits {
            parallel: args.jobs,
            ..Limits::default()
        };
        let attempts = Arc::clone(&self.workshop) as _;
        let done = run_executor_loop(config, Arc::clone(&self.ledger), attempts, control).await;
        if let Some(intake) = intake {
            intake.abort();
        }
        stopped.send_replace(true);
        let shown = beside.finish(self.spans.clone()).await;
        let done = done.map_err(refused)?;
        shown?;
        let mut runs: Vec<RunId> = done.finished.into_iter().map(|end| end.run).collect();
        runs.extend(done.open);
        self.conclude(args, &runs).await
    }

    /// Says what begins, and why nothing does.
    async fn greet(&self, args: &Args) -> Result<(), Stop> {
        match &self.which {
            Which::One(run) => {
                if let Some(view) = self.ledger.run(run).await.map_err(stop)? {
                    let (total, from) = (view.counts.total(), printable(&view.source));
                    eprintln!("{NOTE}>{NOTE:#} run {run}, {total} tasks from {from}");
                }
            }
            Which::Open => {}
            Which::Watch => {
                let place = self.workspace.display().to_string();
                eprintln!(
                    "{NOTE}>{NOTE:#} watching {}; Ctrl-C ends it",
                    printable(&place)
                );
            }
        }
        if let Some(cause) = self.ledger.safe_mode().await.map_err(stop)? {
            eprintln!(
                "{WARN}safe mode{WARN:#}: {}; nothing starts until: remit safe-mode leave{}",
                printable(&entry::cause(&cause)),
                args.ledger.flags()
            );
        }
        Ok(())
    }

    /// The end: what each run came to, and the worst of it as exit code.
    async fn conclude(&self, args: &Args, runs: &[RunId]) -> Result<ExitCode, Stop> {
        let mut code = ExitCode::Ok;
        if runs.is_empty() && args.look() == Look::Human {
            eprintln!("{DIM}nothing is open; remit runs --all lists what has finished{DIM:#}");
        }
        for run in runs {
            let Some(view) = self.ledger.run(run).await.map_err(stop)? else {
                continue;
            };
            if !args.json {
                let flags = args.ledger.flags();
                summary(&*self.ledger, &view, &flags).await.map_err(stop)?;
            }
            let open = view.state.phase != RunPhase::Finished;
            if open {
                let go_on = args.go_on(run);
                eprintln!("{DIM}{run} is not finished; to go on: {go_on}{DIM:#}");
            }
            let completed = view.counts.of(Phase::Completed) == view.counts.total();
            code = code.max(if open || view.state.cancel.is_some() {
                ExitCode::Cancelled
            } else if completed {
                ExitCode::Ok
            } else {
                ExitCode::Failed
            });
        }
        Ok(code)
    }
}

/// Why nothing was executed, or not to the end.
fn refused(error: ExecuteError) -> Stop {
    match error {
        ExecuteError::NoRun { .. } | ExecuteError::Finished { .. } => {
            Stop::usage(error.to_string(), "`remit runs --all` lists all runs")
        }
        ExecuteError::Ledger(error @ LedgerError::Held { .. }) => Stop::usage(
            error.to_string(),
            "one host executes in a workspace; hand it a plan with --submit-only if it has --watch, \
             or begin when it has ended",
        ),
        ExecuteError::Ledger(error) => stop(error),
    }
}

/// The first signal lets what runs end, the second does not wait for it.
fn shutdown_on_signals(
    control: &Control,
    hurry: watch::Sender<bool>,
    screen: Screen,
) -> Result<(), Stop> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Stop::Internal(error.into()));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let control = control.clone();
    tokio::spawn(async move {
        for urgent in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if urgent {
                control.shutdown_now();
                hurry.send_replace(true);
            } else {
                screen.beside(|| eprintln!("{DIM}ending; once more to end at once{DIM:#}"));
                control.shutdown();
            }
        }
    });
    Ok(())
}
