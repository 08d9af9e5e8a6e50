//! `remit plan`: reads plans, shows what other programs' files become, prints the format.
//!
//! Never: anything that runs.

use std::path::PathBuf;

use anstream::println;
use clap::Subcommand;
use remit_core::outcome::ExitCode;
use remit_core::plan::import::{Adaptation, Mode};
use serde_json::json;

use super::target::Look;
use crate::exit::Stop;
use crate::plan_files::{self, Loaded};
use crate::printable::printable;
use crate::render::{BOLD, DIM, NOTE};

/// The JSON Schema of plans, as it is documented.
const SCHEMA: &str = include_str!("../../../../docs/plan.schema.json");

/// Checks plans and shows what files of other programs become
///
/// A plan is a JSON file in remit's own format, or files of other programs: a task queue with its
/// routing decisions, workstreams, jobs, execution requests. What they are follows from their
/// content. Nothing is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(CheckArgs),
    Show(ShowArgs),
    Schema(SchemaArgs),
}

/// What is read.
#[derive(Debug, clap::Args)]
struct Read {
    /// Files that belong together, or a directory whose .state/task_queue.json is meant; - for
    /// standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Counts every adaptation as a mistake
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    look: Look,
}

/// Reads a plan and says what is wrong with it, and what was adapted
///
/// Ends with 2 if there is a mistake: all of them are listed, each with file, line and pointer.
#[derive(Debug, clap::Args)]
struct CheckArgs {
    #[command(flatten)]
    read: Read,
}

/// Prints a plan in remit's own format
///
/// What was adapted is said on standard error, so that the output can be kept as a plan.
#[derive(Debug, clap::Args)]
struct ShowArgs {
    #[command(flatten)]
    read: Read,
}

/// Prints the JSON Schema of plans
///
/// An editor that knows it helps while a plan is written. docs/plan.md explains the format.
#[derive(Debug, clap::Args)]
struct SchemaArgs {}

impl Read {
    fn load(&self) -> Result<Loaded, Stop> {
        let mode = if self.strict {
            Mode::Strict
        } else {
            Mode::Lenient
        };
        plan_files::load(&self.files, &self.look.owner()?, mode)
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    match &args.command {
        Command::Check(args) => check(&args.read),
        Command::Show(args) => show(&args.read),
        Command::Schema(SchemaArgs {}) => {
            anstream::print!("{SCHEMA}");
            Ok(ExitCode::Ok)
        }
    }
}

fn check(read: &Read) -> Result<ExitCode, Stop> {
    let loaded = match read.load() {
        Ok(loaded) => loaded,
        Err(Stop::Files(found)) if read.look.json => {
            let mistakes: Vec<_> = found.list().iter().map(mistake_row).collect();
            super::print_json(&json!({"valid": false, "mistakes": mistakes}))?;
            return Ok(ExitCode::Usage);
        }
        Err(stop) => return Err(stop),
    };
    if read.look.json {
        let adaptations: Vec<_> = loaded.adaptations.iter().map(adaptation_row).collect();
        super::print_json(&json!({
            "valid": true,
            "formats": loaded.formats,
            "digest": loaded.digest.to_string(),
            "adaptations": adaptations,
            "plan": loaded.plan.plan(),
        }))?;
        return Ok(ExitCode::Ok);
    }
    for (source, format) in loaded.sources.iter().zip(&loaded.formats) {
        println!("{BOLD}{}{BOLD:#}  {format}", printable(source.name()));
    }
    explain(&loaded.adaptations, &mut anstream::stdout())?;
    let plan = loaded.plan.plan();
    let waves = loaded
        .plan
        .graph()
        .levels()
        .iter()
        .max()
        .map_or(0, |last| last + 1);
    println!(
        "the plan is valid: {} in {}, {}",
        counted(plan.tasks.len(), "task"),
        counted(waves, "wave"),
        counted(loaded.adaptations.len(), "adaptation"),
    );
    Ok(ExitCode::Ok)
}

fn show(read: &Read) -> Result<ExitCode, Stop> {
    let loaded = read.load()?;
    explain(&loaded.adaptations, &mut anstream::stderr())?;
    super::print_json(loaded.plan.plan())?;
    Ok(ExitCode::Ok)
}

/// Says what was adapted.
fn explain(adaptations: &[Adaptation], out: &mut impl std::io::Write) -> Result<(), Stop> {
    for Adaptation {
        file,
        pointer,
        line,
        what,
        why,
    } in adaptations
    {
        let (file, pointer) = (printable(file), printable(pointer));
        let (what, why) = (printable(what), printable(why));
        let written = writeln!(
            out,
            "{NOTE}adapted:{NOTE:#} {what}\n  {DIM}{file}:{line} {pointer}{DIM:#}\n  why: {why}"
        );
        // A reader that went away wants no more.
        if written.is_err() {
            break;
        }
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn adaptation_row(adaptation: &Adaptation) -> serde_json::Value {
    json!({
        "file": adaptation.file,
        "pointer": adaptation.pointer,
        "line": adaptation.line,
        "what": adaptation.what,
        "why": adaptation.why,
    })
}

fn mistake_row(found: &remit_core::diagnostic::Diagnostic) -> serde_json::Value {
    json!({
        "file": found.source.name(),
        "line": found.line,
        "column": found.column,
        "pointer": found.pointer,
        "code": found.code,
        "message": found.message,
        "fix": found.help,
    })
}
