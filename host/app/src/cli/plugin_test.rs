//! `remit plugin test`: runs a component against its scenarios.
//!
//! Never: a real tool. What a scenario does not play does not happen.

use std::path::PathBuf;

use anstream::println;
use remit_core::outcome::ExitCode;
use remit_core::scenario::Fault;
use remit_scripted::Difference;
use serde_json::{Value, json};

use crate::exit::Stop;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD};
use crate::trial::subject::Subject;
use crate::trial::{Bench, Placed, Tried};
use crate::{diff, wiring};

/// Runs of one component with faults at most: each takes a few milliseconds, and more calls than
/// this are the same again.
const MAX_FAULTY: usize = 1_000;

/// Runs a plugin against its scenarios; no real tool is started
///
/// A scenario says what the plugin is given, what its tools do, and what must come of it. Without
/// names, those in `tests/*.toml` of the plugin's directory are run. For example:
///
///   remit plugin test . tests/greets.toml
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The plugin's directory, a `.wasm` file, or a built-in id
    #[arg(default_value = ".")]
    plugin: String,

    /// The scenarios to run
    scenarios: Vec<PathBuf>,

    /// Runs each scenario again with each fault at each call: it must end, without a trap
    #[arg(long)]
    faults: bool,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

/// What came of one scenario.
struct Row {
    name: String,
    file: String,
    tried: Tried,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let subject = Subject::find(&args.plugin)?;
    let scenarios = subject.scenarios(&args.scenarios)?;
    if scenarios.is_empty() {
        return Err(Stop::usage(
            format!("{} has no scenarios", args.plugin),
            "write one into tests/ of the plugin's directory, or name one; see docs/testing-plugins.md",
        ));
    }
    let runtime = wiring::runtime()?;
    let rows = runtime.block_on(async {
        let bench = Bench::new(&places, &subject.loaded).await?;
        if !args.json {
            let (id, version) = (
                bench.loaded().manifest.id(),
                bench.loaded().manifest.version(),
            );
            println!(
                "{BOLD}{id} {version}{BOLD:#}  {DIM}{}{DIM:#}",
                printable(&bench.loaded().place)
            );
        }
        let mut rows = Vec::new();
        for placed in &scenarios {
            rows.push(one(&bench, placed, args.json).await?);
        }
        if args.faults {
            for placed in with_faults(&scenarios) {
                rows.push(faulty(&bench, &placed, args.json).await?);
            }
        }
        Ok::<_, Stop>(rows)
    })?;
    let failed = rows
        .iter()
        .filter(|row| !row.tried.differences.is_empty())
        .count();
    if args.json {
        super::print_json(&report(&subject, &rows, failed))?;
    } else {
        println!("{} passed, {failed} failed", rows.len() - failed);
    }
    Ok(if failed == 0 {
        ExitCode::Ok
    } else {
        ExitCode::Failed
    })
}

async fn one(bench: &Bench, placed: &Placed, quiet: bool) -> Result<Row, Stop> {
    let row = Row {
        name: placed.name.clone(),
        file: placed.file.clone(),
        tried: bench.run(placed).await?,
    };
    if !quiet {
        print_row(&row);
    }
    Ok(row)
}

/// Each scenario with each fault at each call.
fn with_faults(scenarios: &[Placed]) -> Vec<Placed> {
    let mut all = Vec::new();
    for placed in scenarios {
        for (place, call) in placed.scenario.calls.iter().enumerate() {
            for (fault, word) in Fault::WORDS {
                if call.refuse.is_some() || call.fault.is_some() || all.len() >= MAX_FAULTY {
                    continue;
                }
                let mut scenario = placed.scenario.clone();
                // What comes after a fault is the plugin's decision.
                for call in &mut scenario.calls {
                    call.optional = true;
                }
                if let Some(call) = scenario.calls.get_mut(place) {
                    call.fault = Some(fault);
                }
                all.push(Placed {
                    scenario,
                    name: format!("{} with {word} at call {}", placed.name, place + 1),
                    file: placed.file.clone(),
                    directory: placed.directory.clone(),
                    otherwise: None,
                });
            }
        }
    }
    all
}

/// With a fault only one thing is expected: an end that is the plugin's own.
async fn faulty(bench: &Bench, placed: &Placed, quiet: bool) -> Result<Row, Stop> {
    let mut tried = bench.run(placed).await?;
    let wrong = tried.fault_or_no_end();
    tried.differences = wrong
        .map(|got| Difference {
            what: "status".to_owned(),
            line: 0,
            wanted: "an end of the plugin's own, without a trap".to_owned(),
            got,
            texts: None,
        })
        .into_iter()
        .collect();
    let row = Row {
        name: placed.name.clone(),
        file: placed.file.clone(),
        tried,
    };
    if !quiet {
        print_row(&row);
    }
    Ok(row)
}

fn print_row(row: &Row) {
    let took = row.tried.took.as_millis();
    if row.tried.differences.is_empty() {
        println!(
            "  {GOOD}ok{GOOD:#}    {}  {DIM}{took} ms{DIM:#}",
            printable(&row.name)
        );
        return;
    }
    println!(
        "  {BAD}FAIL{BAD:#}  {}  {DIM}{}, {took} ms{DIM:#}",
        printable(&row.name),
        printable(&row.file)
    );
    for one in &row.tried.differences {
        let line = match one.line {
            0 => String::new(),
            line => format!("  {DIM}line {line}{DIM:#}"),
        };
        println!("        {BOLD}{}{BOLD:#}{line}", printable(&one.what));
        if let Some((wanted, got)) = &one.texts {
            let text = diff::unified("wanted", "got", wanted, got);
            for line in text.lines() {
                println!("          {}", printable(line));
            }
        } else {
            println!("          wanted  {}", printable(&one.wanted));
            println!("          got     {}", printable(&one.got));
        }
    }
}

fn report(subject: &Subject, rows: &[Row], failed: usize) -> Value {
    let each: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "file": row.file,
                "passed": row.tried.differences.is_empty(),
                "differences": row.tried.differences,
                "outcome": row.tried.outcome,
                "tools": row.tried.report.made,
            })
        })
        .collect();
    json!({
        "plugin": subject.loaded.manifest.id(),
        "version": subject.loaded.manifest.version().to_string(),
        "component": subject.loaded.digest,
        "passed": rows.len() - failed,
        "failed": failed,
        "scenarios": each,
    })
}
