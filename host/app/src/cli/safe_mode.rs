//! `remit safe-mode`: whether attempts may start, and a person's word on it.
//!
//! Never: safe mode that a host leaves by itself.

use anstream::println;
use clap::ValueEnum;
use remit_core::durable::{LedgerEvent, SafeModeCause, Stream};
use remit_core::outcome::ExitCode;
use serde_json::json;

use super::{append, host_history};
use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::printable::printable;
use crate::render::{BAD, GOOD, entry};
use crate::timeline::rfc3339;
use crate::{person, wiring};

/// Shows, enters or leaves safe mode, in which no attempt starts
///
/// A host enters it when every adapter is unhealthy, a circuit stays open for too long, or tools
/// cannot run here. It is left by a person, who has looked: remit safe-mode leave
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to do; without it, it is shown
    #[arg(value_enum)]
    action: Option<Action>,

    #[command(flatten)]
    ledger: Choice,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// No new attempt starts, in any run of this ledger
    Enter,
    /// Attempts start again
    Leave,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        let ledger = ledger.as_ref();
        let mode = host_history::safe_mode(ledger).await?;
        let event = match args.action {
            Some(Action::Enter) if mode.is_none() => Some(LedgerEvent::SafeModeEntered {
                cause: SafeModeCause::Requested,
            }),
            Some(Action::Leave) if mode.is_some() => {
                Some(LedgerEvent::SafeModeLeft { by: person::name() })
            }
            // It is so already: saying it twice is no mistake.
            Some(Action::Enter | Action::Leave) | None => None,
        };
        let changed = event.is_some();
        if let Some(event) = event {
            let said = append::one(ledger, Stream::Host, event).await;
            said.map_err(stop)?;
        }
        let mode = if changed {
            host_history::safe_mode(ledger).await?
        } else {
            mode
        };
        if args.json {
            let since = mode.as_ref().map(|(_, since)| rfc3339(*since));
            super::print_json(&json!({
                "safe-mode": mode.is_some(),
                "why": mode.as_ref().map(|(cause, _)| cause),
                "since": since,
                "changed": changed,
            }))?;
            return Ok(ExitCode::Ok);
        }
        match mode {
            None => println!("{GOOD}no safe mode{GOOD:#}: attempts may start"),
            Some((cause, since)) => println!(
                "{BAD}safe mode{BAD:#} since {}: {}; no attempt starts until `remit safe-mode leave`",
                rfc3339(since),
                printable(&entry::cause(&cause))
            ),
        }
        Ok(ExitCode::Ok)
    })
}
