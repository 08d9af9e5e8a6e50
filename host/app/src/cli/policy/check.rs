//! `remit policy check`: where the rules work against themselves or against this machine.

use anstream::println;
use remit_core::outcome::ExitCode;
use remit_core::policy::{Finding, Severity, conflicts};
use serde_json::{Value, json};

use super::super::target::Look;
use crate::exit::Stop;
use crate::facts;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, NOTE, WARN};

/// Finds rules that work against each other or against this machine
///
/// A policy with mistakes is refused by every command. This finds what is no mistake by itself: a
/// directory that a plugin may write and in which a program lies that you allow, files that such a
/// program obeys, rules that no plugin has a use for, rules that another layer makes pointless.
/// Ends with 1 if there is an error; with --strict also if there is a warning. For example:
///
///   remit policy check --policy policy.toml --strict
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    look: Look,

    /// Counts warnings as errors
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let owner = args.look.owner()?;
    let facts = facts::gather(&owner)?;
    let found = conflicts(owner.policy(), &facts);
    if args.look.json {
        let rows: Vec<Value> = found.iter().map(row).collect();
        crate::cli::print_json(&rows)?;
    } else {
        for finding in &found {
            print(finding);
        }
        println!("{}", summary(&found));
    }
    let worst = if args.strict {
        Severity::Warning
    } else {
        Severity::Error
    };
    Ok(if found.iter().any(|finding| finding.severity <= worst) {
        ExitCode::Failed
    } else {
        ExitCode::Ok
    })
}

fn print(finding: &Finding) {
    let style = match finding.severity {
        Severity::Error => BAD,
        Severity::Warning => WARN,
        Severity::Note => NOTE,
    };
    let word = finding.severity.word();
    match finding.rules.first() {
        Some(line) => {
            let plugin = line.plugin.as_ref().map(ToString::to_string);
            println!(
                "{style}{word}:{style:#} {BOLD}{}{BOLD:#} {} {DIM}({}){DIM:#}",
                plugin.as_deref().unwrap_or("the plugin that runs"),
                printable(&line.rule),
                printable(&line.place())
            );
            println!("  {}", printable(&finding.message));
        }
        None => println!("{style}{word}:{style:#} {}", printable(&finding.message)),
    }
    println!("  why: {}", printable(&finding.why));
    println!("  {NOTE}fix:{NOTE:#} {}", printable(&finding.fix));
}

fn summary(found: &[Finding]) -> String {
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter_map(|severity| {
            let here = found.iter().filter(|finding| finding.severity == severity);
            let count = here.count();
            let s = if count == 1 { "" } else { "s" };
            (count > 0).then(|| format!("{count} {}{s}", severity.word()))
        })
        .collect();
    if parts.is_empty() {
        "nothing to say against these rules".to_owned()
    } else {
        parts.join(", ")
    }
}

fn row(finding: &Finding) -> Value {
    let rules: Vec<Value> = finding.rules.iter().map(super::row).collect();
    json!({
        "code": finding.code,
        "severity": finding.severity,
        "rules": rules,
        "message": finding.message,
        "why": finding.why,
        "fix": finding.fix,
    })
}
