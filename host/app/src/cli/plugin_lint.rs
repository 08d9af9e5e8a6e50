//! `remit plugin lint`: what is wrong with a component although it loads.
//!
//! Never: a real tool, a change of anything.

use std::path::PathBuf;

use anstream::println;
use remit_core::outcome::ExitCode;
use serde_json::{Value, json};

use crate::exit::Stop;
use crate::lint::{self, Finding, Severity};
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD, NOTE, WARN};
use crate::trial::subject::Subject;
use crate::wiring;

/// Finds what is wrong with a plugin that loads: stubs, needless requests, weak reasons
///
/// The component is looked at, and tried with inputs of its own schema on a host whose tools only
/// play. Its scenarios show which requests it needs. Ends with 1 if there is an error.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The plugin's directory, a `.wasm` file, or a built-in id
    #[arg(default_value = ".")]
    plugin: String,

    /// Scenarios that show what it uses; those of its directory if absent
    scenarios: Vec<PathBuf>,

    /// Counts warnings as errors
    #[arg(long)]
    strict: bool,

    /// Prints JSON on standard output
    #[arg(long, conflicts_with = "sarif")]
    json: bool,

    /// Prints SARIF 2.1.0 on standard output, for tools that show findings
    #[arg(long)]
    sarif: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let (name, findings) = match Subject::find(&args.plugin) {
        Ok(subject) => {
            let scenarios = subject.scenarios(&args.scenarios)?;
            let name = subject.loaded.place.clone();
            let runtime = wiring::runtime()?;
            let linted = lint::lint(&places, &subject.loaded, &scenarios);
            (name, runtime.block_on(linted)?)
        }
        // Mistakes in the manifest are what this command is for.
        Err(Stop::Files(mistakes)) => (args.plugin.clone(), lint::of_manifest(&mistakes)),
        Err(stop) => return Err(stop),
    };
    if args.json {
        super::print_json(&json!({"plugin": name, "findings": findings}))?;
    } else if args.sarif {
        super::print_json(&sarif(&name, &findings))?;
    } else {
        print(&name, &findings);
    }
    let is_bad = |finding: &Finding| args.strict || finding.severity == Severity::Error;
    Ok(if findings.iter().any(is_bad) {
        ExitCode::Failed
    } else {
        ExitCode::Ok
    })
}

fn print(name: &str, findings: &[Finding]) {
    println!("{BOLD}{}{BOLD:#}", printable(name));
    for finding in findings {
        let (style, word) = match finding.severity {
            Severity::Error => (BAD, "error"),
            Severity::Warning => (WARN, "warning"),
        };
        println!(
            "  {style}{word}{style:#} {}  {DIM}{}{DIM:#}",
            printable(&finding.message),
            finding.code
        );
        println!("    {NOTE}fix:{NOTE:#} {}", printable(&finding.fix));
    }
    if findings.is_empty() {
        println!("  {GOOD}ok{GOOD:#} nothing was found");
    }
}

/// SARIF 2.1.0 (OASIS): one run, one result for each finding.
fn sarif(name: &str, findings: &[Finding]) -> Value {
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| json!({"id": code})).collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "ruleId": finding.code,
                "level": match finding.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                },
                "message": {"text": format!("{}. Fix: {}", finding.message, finding.fix)},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": name}}}],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "remit plugin lint",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
        }],
    })
}
