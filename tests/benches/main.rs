//! The benchmarks: what remit costs beside a peer that does the same without it.
//!
//! `cargo bench -p remit-tests` runs all of them, `cargo bench -p remit-tests -- plugin` one. Each
//! runs in a process of its own, so that none finds memory that another has used. What they
//! measure and what came out is in `docs/performance.md`. Never: a failure because of a number.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "benchmarks start programs, write files, print tables, and may panic"
)]

mod command;
mod confinement;
mod execution;
mod languages;
mod measure;
mod memory;
mod peer;
mod plugin;
mod tools;
mod world;

use std::process::{Command, ExitCode};

/// Every benchmark by its name.
const ALL: &[(&str, fn())] = &[
    ("plugin", plugin::run),
    ("memory", memory::run),
    ("tools", tools::run),
    ("confinement", confinement::run),
    ("command", command::run),
    ("execution", execution::run),
    ("languages", languages::run),
];

/// Says that the process is to measure, and not to start one that does.
const INSIDE: &str = "--inside";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, name] = arguments.as_slice()
        && first == INSIDE
    {
        let (_, work) = ALL.iter().find(|(known, _)| known == name).unwrap();
        work();
        return ExitCode::SUCCESS;
    }
    // Cargo adds `--bench`.
    let names: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    for name in &names {
        if !ALL.iter().any(|(known, _)| known == name) {
            let known: Vec<&str> = ALL.iter().map(|(known, _)| *known).collect();
            eprintln!(
                "there is no benchmark `{name}`; there are {}",
                known.join(", ")
            );
            return ExitCode::from(2);
        }
    }
    let own = std::env::current_exe().unwrap();
    for (name, _) in ALL {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            let status = Command::new(&own).args([INSIDE, name]).status().unwrap();
            if !status.success() {
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
