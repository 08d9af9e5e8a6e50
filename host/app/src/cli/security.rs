//! `remit doctor security`: what of the confinement holds on this machine, tried by attacks.

use std::path::Path;

use anstream::println;
use remit_attacker::{Attempt, Level, ROWS, Row, Verdict};
use remit_core::outcome::ExitCode;
use remit_core::tool::Exit;
use serde::Serialize;

use super::target::Rules;
use crate::drill::{self, NotRehearsed, Rehearsed};
use crate::exit::Stop;
use crate::owner::Owner;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD, WARN};
use crate::wiring;

/// Attacks a scratch directory as a tool would, and shows what holds
///
/// A small program that comes with remit runs as a tool that may use a scratch workspace and
/// nothing else; everything that it tries is harmless. Ends with 0 if everything held that the
/// level of this machine promises, 1 if not.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

/// How a row came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    /// Everything that was tried failed.
    Held,
    /// Something worked.
    Breached,
    /// There was nothing to try here.
    NotApplicable,
    /// The attacker said nothing of it.
    Missing,
}

#[derive(Debug, Serialize)]
struct Tried {
    what: String,
    verdict: String,
}

#[derive(Debug, Serialize)]
struct Shown {
    row: &'static str,
    ids: &'static [&'static str],
    tries: &'static str,
    promised: bool,
    outcome: Outcome,
    attempts: Vec<Tried>,
}

#[derive(Debug, Serialize)]
struct Report {
    /// None if no tool can be started here.
    level: Option<&'static str>,
    holds: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    rows: Vec<Shown>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let owner = Owner::read(&places, Path::new("."), &Rules::default())?;
    let runtime = wiring::runtime()?;
    let base = wiring::scratch_base();
    let rehearsal = drill::rehearse(&base, owner.policy().as_root());
    let report = match runtime.block_on(rehearsal) {
        Ok(rehearsed) => judge(&rehearsed),
        Err(NotRehearsed::Start(error)) => Report {
            level: None,
            holds: false,
            error: Some(error.to_string()),
            rows: Vec::new(),
        },
        Err(NotRehearsed::Other(error)) => return Err(error.into()),
    };
    if args.json {
        super::print_json(&report)?;
    } else {
        print(&report);
    }
    Ok(if report.holds {
        ExitCode::Ok
    } else {
        ExitCode::Failed
    })
}

/// Holds what happened against what the level promises.
fn judge(rehearsed: &Rehearsed) -> Report {
    let portable = ROWS.iter().filter(|row| row.portable);
    let rows: Vec<Shown> = portable
        .map(|row| shown(row, rehearsed.level, &rehearsed.attempts))
        .collect();
    let broken = |row: &Shown| match row.outcome {
        Outcome::Held | Outcome::NotApplicable => false,
        Outcome::Breached | Outcome::Missing => row.promised,
    };
    Report {
        error: None,
        level: Some(rehearsed.level.name()),
        holds: rehearsed.exit == Exit::Code(0) && !rows.iter().any(broken),
        rows,
    }
}

fn shown(row: &Row, level: Level, attempts: &[Attempt]) -> Shown {
    let own: Vec<&Attempt> = attempts
        .iter()
        .filter(|attempt| attempt.row == row.name)
        .collect();
    let applies = |attempt: &&Attempt| !matches!(attempt.verdict, Verdict::NotApplicable(_));
    let outcome = if own.is_empty() {
        Outcome::Missing
    } else if own.iter().any(|attempt| !attempt.verdict.holds()) {
        Outcome::Breached
    } else if own.iter().any(applies) {
        Outcome::Held
    } else {
        Outcome::NotApplicable
    };
    Shown {
        row: row.name,
        ids: row.ids,
        tries: row.tries,
        promised: row.promised.contains(&level),
        outcome,
        attempts: own
            .into_iter()
            .map(|attempt| Tried {
                what: attempt.what.clone(),
                verdict: attempt.verdict.to_string(),
            })
            .collect(),
    }
}

fn print(report: &Report) {
    let Some(level) = report.level else {
        let why = report.error.as_deref().unwrap_or_default();
        println!(
            "{BAD}no tool can be started here{BAD:#}: {}",
            printable(why)
        );
        return;
    };
    println!("{BOLD}confinement level {level}{BOLD:#}");
    for row in &report.rows {
        let mark = match (row.outcome, row.promised) {
            (Outcome::Held, _) => format!("{GOOD}held     {GOOD:#}"),
            (Outcome::NotApplicable, _) => format!("{DIM}nothing  {DIM:#}"),
            (Outcome::Breached | Outcome::Missing, true) => format!("{BAD}BREACHED {BAD:#}"),
            (Outcome::Breached | Outcome::Missing, false) => format!("{WARN}open     {WARN:#}"),
        };
        println!(
            "{mark} {BOLD}{}{BOLD:#}  {DIM}{}{DIM:#}",
            row.row, row.tries
        );
        if row.outcome == Outcome::Breached {
            print_breaches(row);
        }
    }
    if report.holds {
        println!("everything that level {level} promises held");
    } else {
        println!(
            "{BAD}a promise of level {level} did not hold{BAD:#}: please report it as docs/security.md says"
        );
    }
}

/// The most attempts of one row that are shown; `--json` has all of them.
const SHOWN: usize = 3;

fn print_breaches(row: &Shown) {
    let open = |tried: &&Tried| tried.verdict.starts_with("BR");
    for tried in row.attempts.iter().filter(open).take(SHOWN) {
        println!(
            "          {}: {}",
            printable(&tried.what),
            printable(&tried.verdict)
        );
    }
    let more = row
        .attempts
        .iter()
        .filter(open)
        .count()
        .saturating_sub(SHOWN);
    if more > 0 {
        println!("          and {more} more");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rehearsed(level: Level, verdict: &Verdict) -> Rehearsed {
        let portable = ROWS.iter().filter(|row| row.portable);
        Rehearsed {
            level,
            exit: Exit::Code(0),
            attempts: portable
                .map(|row| Attempt {
                    row: row.name.to_owned(),
                    what: "x".to_owned(),
                    verdict: verdict.clone(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_promise_is_held_broken_or_not_made() {
        let denied = Verdict::Denied("EPERM".to_owned());
        let breached = Verdict::Breached("all".to_owned());
        assert!(judge(&rehearsed(Level::A, &denied)).holds);
        for level in Level::ALL {
            assert!(!judge(&rehearsed(level, &breached)).holds, "{level}");
        }
    }

    #[test]
    fn an_attacker_that_says_nothing_proves_nothing() {
        let mut silent = rehearsed(Level::A, &Verdict::Denied("EPERM".to_owned()));
        silent.attempts.retain(|attempt| attempt.row != "mounts");
        assert!(!judge(&silent).holds);
        let mut ended = rehearsed(Level::A, &Verdict::Denied("EPERM".to_owned()));
        ended.exit = Exit::Signal(9);
        assert!(!judge(&ended).holds);
    }
}
