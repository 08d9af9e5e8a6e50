//! `remit ledger`: the ledger itself, and the files that are made from it.
//!
//! Never: a change of what is in the ledger.

mod export;
mod rebuild;
mod verify;

use clap::Subcommand;
use remit_core::outcome::ExitCode;

use crate::exit::Stop;

/// Works with the ledger of durable runs itself
///
/// Each workspace has its own, in ~/.local/state/remit/ledgers, or where --ledger or REMIT_LEDGER
/// says.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Args),
    Export(export::Args),
    Rebuild(rebuild::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    match &args.command {
        Command::Verify(args) => verify::run(args),
        Command::Export(args) => export::run(args),
        Command::Rebuild(args) => rebuild::run(args),
    }
}
