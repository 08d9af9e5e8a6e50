//! `remit run`: one attempt at a plugin's work, from the rules to the exit code.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anstream::eprintln;
use remit_core::event::{Event, RECORD_FORMAT, Record};
use remit_core::outcome::{ExitCode, Outcome};
use remit_core::quantity::TimeSpan;
use remit_engine::attempt;
use remit_engine::cancel::Cancel;
use remit_engine::inputs::RawInputs;
use remit_engine::journal::{Journal, Watcher, system_clock};
use remit_engine::plugin::Role;
use remit_engine::seam::Person;
use remit_ledger::Trouble;
use remit_process::AttemptDirectory;

use super::target::{Inputs, Rules, Target};
use crate::approvals::Store;
use crate::exit::Stop;
use crate::interview::AtTerminal;
use crate::loading::{self, Loaded};
use crate::owner::Owner;
use crate::permission::{Permission, Question};
use crate::places::Places;
use crate::recording::Recording;
use crate::revocation;
use crate::watch::{Human, JsonLines, audit};
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

    /// Keeps the attempt's scratch directory, in which plugin and tools hand each other files
    #[arg(long)]
    keep_scratch: bool,

    /// Which interface to use, if the plugin has both
    #[arg(long, value_enum)]
    role: Option<RoleArg>,

    /// Writes what tools do as a scenario for `remit plugin test`: a new .toml file
    #[arg(long, value_name = "FILE")]
    record_io: Option<PathBuf>,
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
    let json = args.json;
    let result = runtime.block_on(carry_out(args));
    // Reading a closed terminal or a slow disk must not keep the program from ending.
    runtime.shutdown_timeout(SHUTDOWN);
    if let Err(stop) = &result
        && json
    {
        print_end(stop);
    }
    result
}

/// How a kept scratch directory is called, before the run's name.
const KEPT: &str = "remit-scratch-";

/// How long the end waits for threads that are stuck in the operating system.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// Everything that was said, read and found. Nothing has been decided yet.
struct Prepared {
    args: Args,
    places: Places,
    owner: Owner,
    loaded: Loaded,
    inputs: RawInputs,
    recording: Option<Arc<Recording>>,
}

fn prepare(args: Args) -> Result<Prepared, Stop> {
    let places = Places::find()?;
    let inputs = args.inputs.read()?;
    let recording = args.record_io.as_deref().map(Recording::new).transpose()?;
    let owner = Owner::read(&places, &args.target.directory, &args.rules)?;
    let loaded = loading::find(&args.target.plugin, &owner)?;
    Ok(Prepared {
        args,
        places,
        owner,
        loaded,
        inputs,
        recording,
    })
}

async fn carry_out(args: Args) -> Result<ExitCode, Stop> {
    let prepared = prepare(args)?;
    let run_id = wiring::new_run_id();
    let (journal, trouble) = start_journal(&prepared, &run_id)?;
    let code = follow(prepared, run_id, &journal).await;
    audit::tell(&trouble);
    Ok(code)
}

/// From here on whoever watches sees how it ends, whatever goes wrong.
async fn follow(prepared: Prepared, run_id: String, journal: &Journal) -> ExitCode {
    let outcome = match attempt(prepared, run_id, journal).await {
        Ok(outcome) => return outcome.exit_code(),
        Err(stop) => stop.outcome(),
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

/// Decides, wires and runs. An error means that nothing of the plugin ran and that the end is not
/// on record yet.
async fn attempt(prepared: Prepared, run_id: String, journal: &Journal) -> Result<Outcome, Stop> {
    let Prepared {
        args,
        places,
        owner,
        loaded,
        inputs,
        recording,
    } = prepared;
    let ask = !args.json && !args.no_prompt && crate::prompt::can_ask();
    let store = Store::at(places.approvals());
    let tools = Arc::new(wiring::tool_box(&owner)?);
    let question = Question {
        owner: &owner,
        loaded: &loaded,
        tools: &tools,
        store: &store,
        ask,
    };
    let (grants, rests_on) = match question.decide().await? {
        Permission::Granted { grants, rests_on } => (*grants, rests_on),
        Permission::Denied(denials) => {
            for denial in &denials {
                let denial = denial.clone();
                journal.emit(Event::Denied { denial }).await;
            }
            return Err(Stop::Denied(denials));
        }
    };
    let cancel = Cancel::new();
    wiring::cancel_on_signals(&cancel)?;
    let name = run_id.clone();
    let mut summary = wiring::summary(&grants);
    summary.approvals.extend(rests_on.clone());
    let request = wiring::request(&loaded, summary, inputs, run_id, args.role.map(Role::from));
    let _watch = rests_on.map(|approval| revocation::watch(store, approval, cancel.clone()));
    let surroundings = wiring::Surroundings {
        journal: journal.clone(),
        cancel,
        timeout: args.timeout.map(TimeSpan::get),
        person: ask.then(|| Arc::new(AtTerminal::default()) as Arc<dyn Person>),
        rehearsal: None,
        recording: recording.clone(),
    };
    let starts = Arc::clone(&tools);
    let wired = wiring::wire(&places, &owner, &loaded, grants, starts, surroundings).await?;
    let outcome = attempt::run(&wired.plugin, &wired.host, request).await;
    tools.close().await;
    if let Some(recording) = recording
        && let Err(stop) = recording.finish(wired.host.grants(), &outcome)
    {
        // The run is over and stays what it was.
        stop.print();
    }
    if args.keep_scratch {
        keep(&wired.scratch, &name);
    }
    Ok(outcome)
}

/// Moves the scratch directory to where it stays, and says where that is.
fn keep(scratch: &AttemptDirectory, run_id: &str) {
    let base = wiring::scratch_base();
    match scratch.keep(&base, &format!("{KEPT}{run_id}")) {
        Ok(Some(path)) => eprintln!("scratch directory kept: {}", path.display()),
        Ok(None) => eprintln!("no scratch directory to keep: nobody used it"),
        Err(error) => eprintln!(
            "the scratch directory cannot be kept in {}: {error}",
            base.display()
        ),
    }
}

/// The end of a run that never began, for programs that read events.
fn print_end(stop: &Stop) {
    let outcome = stop.outcome();
    JsonLines::default().record(&Record {
        v: RECORD_FORMAT,
        seq: 1,
        time: system_clock()(),
        run: wiring::new_run_id(),
        event: Event::RunFinished {
            outcome,
            wall_ms: 0,
        },
    });
}

fn start_journal(prepared: &Prepared, run_id: &str) -> Result<(Journal, Trouble), Stop> {
    // First, so that nobody sees what the audit does not have.
    let audit = audit::begin(&prepared.places, &prepared.owner, &prepared.loaded, run_id)?;
    let trouble = audit.trouble();
    let mut watchers: Vec<Box<dyn Watcher>> = vec![Box::new(audit)];
    if prepared.args.json {
        watchers.push(Box::<JsonLines>::default());
    } else {
        watchers.push(Box::<Human>::default());
    }
    if let Some(recording) = &prepared.recording {
        watchers.push(Box::new(recording.watcher()));
    }
    match remit_ledger::RunRecord::create(&prepared.places.runs(), run_id) {
        Ok(record) => watchers.push(Box::new(record)),
        Err(error) => tracing::warn!(%error, "this run leaves no record on disk"),
    }
    let journal = Journal::start(run_id.to_owned(), system_clock(), watchers)
        .map_err(|error| Stop::Internal(error.into()))?;
    Ok((journal, trouble))
}
