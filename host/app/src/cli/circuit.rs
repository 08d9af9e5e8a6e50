//! `remit circuit`: the circuit breakers of adapters, and a person's word that one works again.
//!
//! Never: a circuit that is closed without an event that says by whom.

use anstream::println;
use clap::ValueEnum;
use remit_core::breaker::BreakerState;
use remit_core::durable::{AdapterId, LedgerEvent, Stream};
use remit_core::outcome::ExitCode;
use remit_engine::durable::ledger::Ledger;
use serde_json::json;

use super::{append, reference};
use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::render::entry;
use crate::wiring;

/// Lists circuit breakers that are not closed and without failures, or closes one
///
/// For example: remit circuit reset ruff
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to do; without it, circuits are listed
    #[arg(value_enum, requires = "adapter")]
    action: Option<Action>,

    /// The adapter's name
    adapter: Option<String>,

    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Closes the circuit of an adapter, whatever it is
    Reset,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        if let (Some(Action::Reset), Some(adapter)) = (args.action, &args.adapter) {
            return reset(args, adapter, ledger.as_ref()).await;
        }
        let breakers = ledger.breakers().await.map_err(stop)?;
        if args.json {
            let rows: Vec<_> = breakers
                .iter()
                .map(|(adapter, state)| json!({"adapter": adapter, "circuit": state}))
                .collect();
            super::print_json(&rows)?;
            return Ok(ExitCode::Ok);
        }
        for (adapter, state) in &breakers {
            println!("{}", entry::circuit(adapter, state));
        }
        if breakers.is_empty() {
            println!("every circuit is closed");
        }
        Ok(ExitCode::Ok)
    })
}

async fn reset(args: &Args, adapter: &str, ledger: &dyn Ledger) -> Result<ExitCode, Stop> {
    let breakers = ledger.breakers().await.map_err(stop)?;
    let known: Vec<AdapterId> = breakers
        .iter()
        .map(|(adapter, _)| adapter.clone())
        .collect();
    let adapter = reference::adapter(adapter, &known)?;
    let event = LedgerEvent::CircuitClosed {
        adapter: adapter.clone(),
        by_hand: true,
    };
    let closed = BreakerState::Closed { failures: 0 };
    let breakers = vec![(adapter.clone(), closed)];
    append::with_breaker(ledger, Stream::Host, event, breakers)
        .await
        .map_err(stop)?;
    if args.json {
        super::print_json(&json!({"adapter": adapter, "closed": true}))?;
    } else {
        println!("the circuit of {adapter} is closed");
    }
    Ok(ExitCode::Ok)
}
