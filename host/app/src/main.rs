//! `remit`: runs other people's executors strictly within their remit.
//!
//! This file only starts: it reads the command line, calls one command, and turns what comes back
//! into an exit code. Never: logic that belongs to a command or to a crate below.

mod adapters;
mod approvals;
mod asking;
mod cli;
mod conformance;
mod contract_facts;
mod derived;
mod diff;
mod drill;
mod execution;
mod exit;
mod facts;
mod files;
mod fixture;
mod hardening;
mod host_identity;
mod interview;
mod ledger_file;
mod lint;
mod loading;
mod owner;
mod past;
mod permission;
mod person;
mod pinning;
mod places;
mod plan_files;
mod printable;
mod prompt;
mod recording;
mod rehearsal;
mod render;
mod revocation;
mod run_plan;
mod stdout;
mod timeline;
mod trial;
mod trust;
mod watch;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // Before anything else, so that nothing is held yet while others could look.
    if let Err(stop) = hardening::close_off() {
        stop.print();
        return ExitCode::from(stop.exit_code().number());
    }
    install_panic_report();
    let args = match cli::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::usage(&error),
    };
    init_log(args.verbose());
    match cli::dispatch(args) {
        Ok(code) => ExitCode::from(code.number()),
        Err(stop) => {
            stop.print();
            ExitCode::from(stop.exit_code().number())
        }
    }
}

/// A panic is a fault of the host: say so, and end with the code that means it.
fn install_panic_report() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        anstream::eprintln!("remit: internal error: this is a fault of remit; please report it");
        std::process::exit(remit_core::outcome::ExitCode::Internal.number().into());
    }));
}

/// The program's own log, for whoever looks for a fault in it: standard error, off by default.
fn init_log(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("REMIT_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .without_time()
        .with_target(false)
        .init();
}
