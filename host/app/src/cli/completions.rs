//! `remit completions`.

use anstream::print;
use clap::CommandFactory as _;
use remit_core::outcome::ExitCode;

use crate::exit::Stop;

/// Prints a completion script for a shell
///
/// For example: remit completions bash > ~/.local/share/bash-completion/completions/remit
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let mut command = super::Args::command();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "remit", &mut script);
    // Not straight to standard output: the generator panics if nobody reads there any more.
    print!("{}", String::from_utf8_lossy(&script));
    Ok(ExitCode::Ok)
}
