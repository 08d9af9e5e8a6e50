//! `remit ledger`: the ledger itself, and the files that are made from it.
//!
//! Never: a change of what is in the ledger.

mod rebuild;

use clap::Subcommand;
use remit_core::outcome::ExitCode;

use crate::exit::Stop;

/// Works with the ledger of durable runs itself
///
/// It lies in ~/.local/state/remit/ledger, or where --ledger or REMIT_LEDGER says.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Rebuild(rebuild::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    match &args.command {
        Command::Rebuild(args) => rebuild::run(args),
    }
}
