//! `remit run`: one attempt at a plugin's work, from the rules to the exit code.

use std::sync::Arc;
use std::time::Duration;

use remit_core::event::Event;
use remit_core::outcome::{CancelReason, ExitCode, Outcome};
use remit_core::quantity::TimeSpan;
use remit_engine::attempt;
use remit_engine::cancel::Cancel;
use remit_engine::journal::{Journal, Watcher, system_clock};
use remit_engine::plugin::Role;

use super::target::{Inputs, Rules, Target};
use crate::exit::Stop;
use crate::loading::{self, Loaded};
use crate::owner::{Decided, Owner};
use crate::places::Places;
use crate::watch::{Human, JsonLines};
use crate::wiring;

/// Runs a plugin
///
/// Shows what it does while it goes on, and at its end what it changed, which tools ran and what
/// was denied. For example:
///
///   remit run module-creation -C DIR --input module_name=greeting --input language=python
///     --input module_type=library --allow-read --allow-write --allow-run=python3:unittest
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    rules: Rules,

    /// Prints one JSON event per line on standard output, and nothing else there
    #[arg(long)]
    json: bool,

    /// Ends the run after this time, for example 90s or 5m; the manifest's limit if absent
    #[arg(long, value_name = "TIME")]
    timeout: Option<TimeSpan>,

    /// Never asks, not even on a terminal: what is undecided is denied
    #[arg(long)]
    no_prompt: bool,

    /// Which interface to use, if the plugin has both
    #[arg(long, value_enum)]
    role: Option<RoleArg>,
}

/// The two roles that a plugin can have.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum RoleArg {
    /// Carries out one named piece of work
    Pattern,
    /// Wraps one outside tool
    Adapter,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Pattern => Self::Pattern,
            RoleArg::Adapter => Self::Adapter,
        }
    }
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Stop> {
    let runtime = wiring::runtime()?;
    let code = runtime.block_on(carry_out(args))?;
    // Reading a closed terminal or a slow disk must not keep the program from ending.
    runtime.shutdown_timeout(Duration::from_millis(200));
    Ok(code)
}

async fn carry_out(args: Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let inputs = args.inputs.read()?;
    let owner = Owner::read(&places, &args.target, &args.rules)?;
    let loaded = loading::find(&args.target.plugin, &owner)?;
    let ask = !args.json && !args.no_prompt && crate::prompt::can_ask();
    let run_id = wiring::new_run_id();
    let journal = start_journal(&args, &places, &run_id)?;
    let grants = match owner.decide(&loaded, ask, &places)? {
        Decided::Granted(grants) => grants,
        Decided::Denied(denials) => {
            return Ok(refuse(&journal, denials).await);
        }
    };
    let cancel = Cancel::new();
    wiring::cancel_on_signals(&cancel)?;
    let outcome = execute(
        &args, &places, &owner, &loaded, grants, inputs, run_id, journal, cancel,
    )
    .await?;
    Ok(outcome.exit_code())
}

#[expect(clippy::too_many_arguments, reason = "the parts of one run, used once")]
async fn execute(
    args: &Args,
    places: &Places,
    owner: &Owner,
    loaded: &Loaded,
    grants: remit_core::grant::Grants,
    inputs: remit_engine::inputs::RawInputs,
    run_id: String,
    journal: Journal,
    cancel: Cancel,
) -> Result<Outcome, Stop> {
    let request = wiring::request(loaded, &grants, inputs, run_id, args.role.map(Role::from));
    let wired = wiring::wire(
        places,
        owner,
        loaded,
        grants,
        wiring::Surroundings {
            journal,
            cancel,
            timeout: args.timeout.map(TimeSpan::get),
        },
    )
    .await?;
    let outcome = attempt::run(wired.plugin.as_ref(), &wired.host, request).await;
    wired.tools.close().await;
    Ok(outcome)
}

/// Stops before anything was started: every denial at once.
async fn refuse(journal: &Journal, denials: Vec<remit_core::denial::Denial>) -> ExitCode {
    for denial in &denials {
        let denial = denial.clone();
        journal.emit(Event::Denied { denial }).await;
    }
    let outcome = Outcome::Denied {
        denials,
        message: None,
    };
    let code = outcome.exit_code();
    journal
        .emit(Event::RunFinished {
            outcome,
            wall_ms: 0,
        })
        .await;
    journal.flush().await;
    code
}

fn start_journal(args: &Args, places: &Places, run_id: &str) -> Result<Journal, Stop> {
    let mut watchers: Vec<Box<dyn Watcher>> = Vec::with_capacity(2);
    if args.json {
        watchers.push(Box::<JsonLines>::default());
    } else {
        watchers.push(Box::<Human>::default());
    }
    match remit_ledger::RunRecord::create(&places.runs(), run_id) {
        Ok(record) => watchers.push(Box::new(record)),
        Err(error) => tracing::warn!(%error, "this run leaves no record on disk"),
    }
    Journal::start(run_id.to_owned(), system_clock(), watchers)
        .map_err(|error| Stop::Internal(error.into()))
}

/// What a second signal means, for `wiring`.
pub(crate) const ESCALATION: [CancelReason; 2] = [CancelReason::Requested, CancelReason::Forced];

/// Keeps the type of the plugin in one place.
pub(crate) type SharedPlugin = Arc<dyn remit_engine::plugin::Plugin>;
