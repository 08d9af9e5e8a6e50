//! The command line. One command is one file: its arguments and the function that carries it out;
//! the doc comments are the help.
//!
//! Never: I/O while arguments are read; a command that prints on standard output in `--json` mode
//! what is not JSON.

mod adapter;
mod answer;
mod append;
mod audit;
mod cancel;
mod circuit;
mod completions;
mod contract;
mod doctor;
mod events;
mod execute;
mod fixture;
mod gc;
mod grant;
mod grants;
mod health;
mod host_history;
mod inspect;
mod ledger;
mod metrics;
mod pack;
mod plan;
mod plugin;
mod plugin_build;
mod plugin_conformance;
mod plugin_docs;
mod plugin_lint;
mod plugin_new;
mod plugin_test;
mod policy;
mod reference;
mod request;
mod retry;
mod revoke;
pub(crate) mod run;
mod runs;
mod safe_mode;
mod schema;
mod security;
mod show;
pub(crate) mod target;
mod task;
mod tool;
mod trust;
mod validate;

use clap::{Parser, Subcommand};
use remit_core::durable::{Answer, Question};
use remit_core::outcome::ExitCode;

use crate::exit::Stop;

/// Runs other people's executors strictly within their remit.
///
/// A plugin is a WebAssembly component. It sees only what its manifest requests AND your policy
/// allows: directories, environment names, tools, hosts. Real programs are run by remit on the
/// plugin's behalf, never by the plugin. `run` does one thing once; `execute` carries out a plan of
/// many tasks durably.
#[derive(Debug, Parser)]
#[command(name = "remit", version, max_term_width = 100, after_long_help = exit_codes())]
#[command(
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Args {
    /// Says more about what remit itself does, on standard error; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    #[command(subcommand)]
    command: Command,
}

impl Args {
    pub(crate) fn verbose(&self) -> u8 {
        self.verbose
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Args>),
    Execute(Box<execute::Args>),
    Runs(runs::Args),
    Show(show::Args),
    Events(events::Args),
    Cancel(cancel::Args),
    Retry(retry::Args),
    /// Says yes to what a task asks
    ///
    /// An answer stands: a second one is refused. `remit task list --waiting` shows what is asked.
    Approve(answer::Args),
    /// Says no to what a task asks
    ///
    /// The task fails. An answer stands: a second one is refused.
    Reject(answer::Args),
    Task(task::Args),
    SafeMode(safe_mode::Args),
    Circuit(circuit::Args),
    Health(health::Args),
    Metrics(metrics::Args),
    Ledger(ledger::Args),
    Gc(gc::Args),
    Inspect(inspect::Args),
    Validate(validate::Args),
    Schema(schema::Args),
    Plan(plan::Args),
    Request(request::Args),
    Plugin(plugin::Args),
    Adapter(adapter::Args),
    Fixture(fixture::Args),
    Tool(tool::Args),
    Policy(policy::Args),
    Trust(trust::Args),
    Audit(audit::Args),
    Contract(contract::Args),
    Grant(grant::Args),
    Grants(grants::Args),
    Revoke(revoke::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
}

/// Carries out the command.
pub(crate) fn dispatch(args: Args) -> Result<ExitCode, Stop> {
    match args.command {
        Command::Run(args) => run::run(*args),
        Command::Execute(args) => execute::run(&args),
        Command::Runs(args) => runs::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Cancel(args) => cancel::run(&args),
        Command::Retry(args) => retry::run(&args),
        Command::Approve(args) => answer::run(&args, Question::Approval, Answer::Yes),
        Command::Reject(args) => answer::run(&args, Question::Approval, Answer::No),
        Command::Task(args) => task::run(&args),
        Command::SafeMode(args) => safe_mode::run(&args),
        Command::Circuit(args) => circuit::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Metrics(args) => metrics::run(&args),
        Command::Ledger(args) => ledger::run(&args),
        Command::Gc(args) => gc::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Validate(args) => validate::run(args),
        Command::Schema(args) => schema::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Request(args) => request::run(&args),
        Command::Plugin(args) => plugin::run(args),
        Command::Adapter(args) => adapter::run(args),
        Command::Fixture(args) => fixture::run(&args),
        Command::Tool(args) => tool::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Trust(args) => trust::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Contract(args) => contract::run(&args),
        Command::Grant(args) => grant::run(&args),
        Command::Grants(args) => grants::run(&args),
        Command::Revoke(args) => revoke::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

/// The table of exit codes for `--help`, from the constants themselves.
fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n");
    for code in ExitCode::ALL {
        text.push_str(&format!("  {:>2}  {}\n", code.number(), code.meaning()));
    }
    text
}

/// Prints a value as JSON on standard output.
fn print_json(value: &impl serde::Serialize) -> Result<(), Stop> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Stop::Internal(error.into()))?;
    anstream::println!("{text}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn help_lists_every_exit_code() {
        let help = Args::command().render_long_help().to_string();
        for code in ExitCode::ALL {
            assert!(
                help.contains(&format!("{:>2}  {}", code.number(), code.meaning())),
                "{help}"
            );
        }
    }
}
