//! `remit audit schema`: the JSON Schema of a line of the log.

use anstream::print;
use remit_core::outcome::ExitCode;

use crate::exit::Stop;

/// The schema of this version, which is also in the documents.
const SCHEMA: &str = include_str!("../../../../../docs/audit.schema.json");

/// Prints the JSON Schema of an entry
///
/// It describes the entries that this version writes: one line of a file of the log is one entry.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> Result<ExitCode, Stop> {
    print!("{SCHEMA}");
    Ok(ExitCode::Ok)
}
