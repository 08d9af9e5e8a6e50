//! `remit health`: whether someone executes, adapters are there, and circuits are closed (R2.21).
//!
//! Looks; starts nothing. Never: a yes that was not looked at.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anstream::println;
use remit_core::breaker::BreakerState;
use remit_core::durable::Phase;
use remit_core::outcome::ExitCode;
use remit_core::plan::Work;
use remit_engine::durable::ledger::{Ledger, MAX_ENTRIES, TaskQuery};
use serde::Serialize;

use super::host_history;
use super::target::Rules;
use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::loading;
use crate::owner::Owner;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, GOOD, entry};
use crate::timeline::{now_ms, rfc3339};
use crate::wiring;

/// Most open runs whose adapters are looked for.
const MAX_RUNS: usize = 1_000;

/// Says whether someone executes, adapters are there, and circuits are closed
///
/// executor_heartbeat: a host that lives uses the ledger. adapter_health_check: every adapter that
/// tasks of open runs still need can be loaded. circuit_breaker_status: no circuit is open.
/// safe_mode: attempts may start. Exit 0 if all is well, 1 if not.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workspace, whose policy says where plugins are
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        default_value = "."
    )]
    directory: PathBuf,

    /// A policy file, above the user's own and the workspace's
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    /// Its name, in the source document's words.
    check: &'static str,
    ok: bool,
    /// What was found.
    found: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        let ledger = ledger.as_ref();
        let checks = [
            heartbeat(ledger).await?,
            adapters(args, ledger).await?,
            circuits(ledger).await?,
            safe_mode(ledger).await?,
        ];
        let ok = checks.iter().all(|check| check.ok);
        if args.json {
            super::print_json(&serde_json::json!({"ok": ok, "checks": checks}))?;
        } else {
            for check in &checks {
                let word = if check.ok {
                    format!("{GOOD}ok{GOOD:#}  ")
                } else {
                    format!("{BAD}bad{BAD:#} ")
                };
                println!("{word} {}", check.check);
                for line in &check.found {
                    println!("      {}", printable(line));
                }
            }
        }
        Ok(if ok { ExitCode::Ok } else { ExitCode::Failed })
    })
}

async fn heartbeat(ledger: &dyn Ledger) -> Result<Check, Stop> {
    let now = now_ms();
    let hosts = ledger.hosts().await.map_err(stop)?;
    let mut ok = false;
    let mut found = Vec::new();
    for host in hosts.iter().filter(|host| !host.ended) {
        let lives = host.until_ms > now;
        ok |= lives;
        let word = if lives { "lives" } else { "was last heard of" };
        let until = rfc3339(host.until_ms);
        found.push(format!(
            "epoch {}, process {} {word}, until {until}",
            host.epoch, host.pid
        ));
    }
    if found.is_empty() {
        found.push("nobody executes; `remit execute` does".to_owned());
    }
    Ok(Check {
        check: "executor_heartbeat",
        ok,
        found,
    })
}

/// The plugins that tasks of open runs still need, with the adapter's name.
async fn needed(ledger: &dyn Ledger) -> Result<BTreeMap<String, String>, Stop> {
    let open: Vec<Phase> = Phase::ALL
        .into_iter()
        .filter(|phase| phase.end().is_none())
        .collect();
    let mut needed = BTreeMap::new();
    for run in ledger.runs(true, MAX_RUNS).await.map_err(stop)? {
        let mut from_index = 0;
        loop {
            let query = TaskQuery {
                run: run.run.clone(),
                phases: open.clone(),
                from_index,
                limit: MAX_ENTRIES,
            };
            let page = ledger.tasks(query).await.map_err(stop)?;
            let Some(last) = page.last() else { break };
            from_index = last.state.index.saturating_add(1);
            for task in page {
                if let Work::Plugin { candidates, .. } = task.spec.work {
                    for one in candidates {
                        let adapter = one.adapter.map(String::from);
                        let name = adapter.unwrap_or_else(|| one.plugin.clone());
                        needed.insert(one.plugin, name);
                    }
                }
            }
        }
    }
    Ok(needed)
}

async fn adapters(args: &Args, ledger: &dyn Ledger) -> Result<Check, Stop> {
    let needed = needed(ledger).await?;
    let mut check = Check {
        check: "adapter_health_check",
        ok: true,
        found: Vec::new(),
    };
    if needed.is_empty() {
        check.found.push("no open run needs one".to_owned());
        return Ok(check);
    }
    let rules = Rules {
        policy: args.policy.clone(),
        ..Rules::default()
    };
    let owner = Owner::read(&Places::find()?, &args.directory, &rules)?;
    for (plugin, adapter) in needed {
        match loading::find(&plugin, &owner) {
            Ok(loaded) => check.found.push(format!("{adapter}: {}", loaded.place)),
            Err(stop) => {
                check.ok = false;
                let why = super::plugin::brief(&stop);
                check.found.push(format!("{adapter} is not usable: {why}"));
            }
        }
    }
    Ok(check)
}

async fn circuits(ledger: &dyn Ledger) -> Result<Check, Stop> {
    let mut check = Check {
        check: "circuit_breaker_status",
        ok: true,
        found: Vec::new(),
    };
    for (adapter, state) in ledger.breakers().await.map_err(stop)? {
        match &state {
            BreakerState::Closed { failures } => {
                check
                    .found
                    .push(format!("{adapter}: CLOSED, {failures} failures"));
            }
            BreakerState::HalfOpen { .. } => {
                check.ok = false;
                check.found.push(format!("{adapter}: HALF_OPEN"));
            }
            BreakerState::Open { until, .. } => {
                check.ok = false;
                check
                    .found
                    .push(format!("{adapter}: OPEN until {}", rfc3339(*until)));
            }
        }
    }
    Ok(check)
}

async fn safe_mode(ledger: &dyn Ledger) -> Result<Check, Stop> {
    let mode = host_history::safe_mode(ledger).await?;
    let found = mode
        .as_ref()
        .map(|(cause, since)| format!("since {}: {}", rfc3339(*since), entry::cause(cause)));
    Ok(Check {
        check: "safe_mode",
        ok: mode.is_none(),
        found: found.into_iter().collect(),
    })
}
