//! `remit contract`: what a phase needs and leaves behind, and whether it is so.

mod check;
mod list;
mod show;

use std::path::Path;

use cap_std::fs::Dir;
use clap::Subcommand;
use remit_core::contract::{Contract, PhaseId};
use remit_core::diagnostic::Diagnostics;
use remit_core::outcome::ExitCode;

use crate::contract_facts::{open, read_text};
use crate::exit::Stop;
use crate::files;

/// Largest README that is looked at; the reader of contracts takes no more either.
const MAX_README: u64 = 1 << 20;

/// Most READMEs of phases in one workspace: ten times what a pipeline has.
const MAX_READMES: usize = 100;

/// Checks what a phase needs before it begins and leaves behind when it is over
///
/// The contract is read out of the README of the phase: phaseN_NAME/README.md or
/// NAME.README.md in the workspace, or any file. For example: remit contract check entry
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    List(list::Args),
    Show(show::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    match &args.command {
        Command::Check(args) => check::run(args),
        Command::List(args) => list::run(args),
        Command::Show(args) => show::run(args),
    }
}

/// A README of the workspace that is about a phase.
struct Readme {
    /// Its path below the workspace.
    path: String,
    phase: PhaseId,
    text: String,
}

impl Readme {
    /// The contract in it; none if there is none.
    fn contract(&self) -> Result<Option<Contract>, Diagnostics> {
        match Contract::parse(&self.path, &self.text) {
            Ok(contract) => Ok(Some(contract)),
            Err(found) if found.list().iter().all(|one| one.code == "no-contract") => Ok(None),
            Err(found) => Err(found),
        }
    }
}

/// The READMEs of phases in a workspace, by phase and path.
fn readmes(root: &Dir) -> Result<Vec<Readme>, Stop> {
    let unreadable = |error: std::io::Error| {
        Stop::usage(
            format!("the workspace cannot be read: {error}"),
            "check its permissions",
        )
    };
    let mut paths: Vec<String> = Vec::new();
    for entry in root.entries().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_directory && name.starts_with("phase") && name.contains('_') {
            paths.push(format!("{name}/README.md"));
        } else if !is_directory && name.ends_with(".README.md") {
            paths.push(name);
        }
    }
    if paths.len() > MAX_READMES {
        return Err(Stop::usage(
            format!("the workspace has more than {MAX_READMES} READMEs of phases"),
            "name the file: --phase FILE",
        ));
    }
    let mut found = Vec::new();
    for path in paths {
        let text = read_text(root, &path, MAX_README)
            .map_err(|error| Stop::usage(error, "save it as a text, or remove it"))?;
        let Some(text) = text else { continue };
        // A README that is about no phase is none of ours.
        if let Some(phase) = Contract::phase_of(&path, &text) {
            found.push(Readme { path, phase, text });
        }
    }
    found.sort_by(|a, b| (a.phase, &a.path).cmp(&(b.phase, &b.path)));
    Ok(found)
}

/// The contract of execution in a workspace, or our own.
///
/// # Errors
/// Several say that they are it, or one has mistakes.
pub(crate) fn of_execution(workspace: &Path) -> Result<Contract, Stop> {
    choose(None, workspace)
}

/// The contract that was meant: a file, or the one of a phase in the workspace, or our own.
fn choose(named: Option<&str>, workspace: &Path) -> Result<Contract, Stop> {
    if let Some(file) = named.filter(|name| name.contains('/') || name.ends_with(".md")) {
        let text = files::read_text(Path::new(file))?;
        return Ok(Contract::parse(file, &text)?);
    }
    let phase = match named {
        Some(name) => name.parse::<PhaseId>().map_err(|error| {
            Stop::usage(
                error.to_string(),
                "or the path of its README, which contains `/`",
            )
        })?,
        None => PhaseId::EXECUTION,
    };
    let mut found = Vec::new();
    let readmes = readmes(&open(workspace)?)?;
    for readme in readmes.iter().filter(|readme| readme.phase == phase) {
        found.extend(readme.contract()?);
    }
    if found.len() > 1 {
        let names: Vec<&str> = found
            .iter()
            .map(|contract| contract.name.as_str())
            .collect();
        return Err(Stop::usage(
            format!(
                "several READMEs are contracts of {phase}: {}",
                names.join(", ")
            ),
            "name the one that counts: --phase FILE",
        ));
    }
    match found.pop() {
        Some(contract) => Ok(contract),
        None if phase == PhaseId::EXECUTION => Ok(Contract::built_in()?),
        None => Err(Stop::usage(
            format!("no README of this workspace is a contract of {phase}"),
            "see `remit contract list`, or name the file: --phase FILE",
        )),
    }
}
