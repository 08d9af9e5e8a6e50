//! `remit audit`: what was granted, denied and started, and whether the log of it is whole.

mod row;
mod schema;
mod show;
mod tail;
mod verify;

use clap::Subcommand;
use remit_core::outcome::ExitCode;

use crate::exit::Stop;

/// Shows and verifies the log of what was granted, denied and started
///
/// One log for all runs of this user, in ~/.local/state/remit/audit. Each entry holds the hash of
/// the one before it. For example: remit audit show --since 24h --type spawn
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(show::Args),
    Verify(verify::Args),
    Tail(tail::Args),
    Schema(schema::Args),
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Stop> {
    match args.command {
        Command::Show(args) => show::run(args),
        Command::Verify(args) => verify::run(&args),
        Command::Tail(args) => tail::run(&args),
        Command::Schema(args) => schema::run(&args),
    }
}
