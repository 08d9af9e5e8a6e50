//! `remit plugin conformance`: whether a component keeps the contract, rule by rule.
//!
//! Never: a real tool, a change of anything.

use anstream::println;
use remit_core::outcome::ExitCode;
use serde_json::json;

use crate::conformance::{self, Ruling, Verdict};
use crate::exit::Stop;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD};
use crate::trial::subject::Subject;
use crate::wiring;

/// Tries whether a component keeps the contract, rule by rule
///
/// For components that anybody built, in any language: each rule is numbered and passes, fails, or
/// could not be tried. No real tool is started. Ends with 1 if a rule fails.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The plugin's directory, a `.wasm` file, or a built-in id
    #[arg(default_value = ".")]
    plugin: String,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let subject = Subject::find(&args.plugin)?;
    let runtime = wiring::runtime()?;
    let rulings = runtime.block_on(conformance::judge(&places, &subject.loaded))?;
    let count = |verdict| {
        let same = rulings.iter().filter(|ruling| ruling.verdict == verdict);
        same.count()
    };
    let failed = count(Verdict::Fail);
    if args.json {
        super::print_json(&json!({
            "plugin": subject.loaded.place,
            "component": subject.loaded.digest,
            "conforms": failed == 0,
            "rules": rulings,
        }))?;
    } else {
        println!("{BOLD}{}{BOLD:#}", printable(&subject.loaded.place));
        for ruling in &rulings {
            print(ruling);
        }
        println!(
            "{} passed, {failed} failed, {} could not be tried",
            count(Verdict::Pass),
            count(Verdict::Skip)
        );
    }
    Ok(if failed == 0 {
        ExitCode::Ok
    } else {
        ExitCode::Failed
    })
}

fn print(ruling: &Ruling) {
    let (style, word) = match ruling.verdict {
        Verdict::Pass => (GOOD, "pass"),
        Verdict::Fail => (BAD, "FAIL"),
        Verdict::Skip => (DIM, "skip"),
    };
    println!(
        "  {style}{word}{style:#}  {}  {}",
        ruling.rule, ruling.title
    );
    if !ruling.note.is_empty() {
        println!("              {DIM}{}{DIM:#}", printable(&ruling.note));
    }
}
