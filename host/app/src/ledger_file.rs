//! Which ledger a command means, and how it is opened.
//!
//! Never: another place that knows where ledgers lie or what is behind the seam.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use remit_core::contract::Tables;
use remit_engine::durable::ledger::{Ledger, LedgerError, Refusal};
use remit_ledger::{LedgerOpenError, SqliteLedger, planned_tables};

use crate::exit::Stop;
use crate::files;
use crate::places::Places;

/// The ledger's name in its directory.
const LEDGER: &str = "ledger.db";

/// The environment variable that names the directory of the ledger.
const LEDGER_VARIABLE: &str = "REMIT_LEDGER";

/// Which ledger.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Choice {
    /// The workspace whose runs are meant
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        default_value = "."
    )]
    workspace: PathBuf,

    /// The directory of the ledger; without it the workspace's own, among the user's state
    #[arg(long = "ledger", value_name = "DIR", env = LEDGER_VARIABLE)]
    directory: Option<PathBuf>,
}

impl Choice {
    /// The workspace as it was named.
    pub(crate) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// The options that make another command mean the same ledger, with a space before each.
    pub(crate) fn flags(&self) -> String {
        let mut flags = String::new();
        if self.workspace != Path::new(".") {
            flags.push_str(&format!(" -C {}", self.workspace.display()));
        }
        // What the environment says is said to the next command, too.
        if let Some(directory) = &self.directory
            && std::env::var_os(LEDGER_VARIABLE).is_none_or(|named| named != **directory)
        {
            flags.push_str(&format!(" --ledger {}", directory.display()));
        }
        flags
    }

    /// Where the ledger is, or will be.
    pub(crate) fn path(&self) -> Result<PathBuf, Stop> {
        match &self.directory {
            Some(directory) => Ok(directory.join(LEDGER)),
            None => Ok(Places::find()?.ledger(&files::real_dir(&self.workspace)?)),
        }
    }

    /// Opens it. Within a runtime.
    ///
    /// # Errors
    /// It cannot be read, or is of a newer version.
    pub(crate) fn open(&self) -> Result<Arc<dyn Ledger>, Stop> {
        open(&self.path()?)
    }
}

/// Opens the ledger in this file. Within a runtime.
///
/// # Errors
/// It cannot be read, or is of a newer version.
pub(crate) fn open(path: &Path) -> Result<Arc<dyn Ledger>, Stop> {
    Ok(Arc::new(open_sqlite(path)?))
}

/// The tables in this file with their columns, and the ledger itself; without a file those that
/// remit makes when it begins. Within a runtime.
///
/// # Errors
/// It cannot be read, or is of a newer version.
pub(crate) async fn look(path: &Path) -> Result<(Tables, Option<Arc<dyn Ledger>>), Stop> {
    if !path.exists() {
        return Ok((planned_tables().map_err(stop)?, None));
    }
    let ledger = open_sqlite(path)?;
    let tables = ledger.tables().await.map_err(stop)?;
    Ok((tables, Some(Arc::new(ledger))))
}

fn open_sqlite(path: &Path) -> Result<SqliteLedger, Stop> {
    match SqliteLedger::open(path) {
        Ok(ledger) => Ok(ledger),
        Err(error) => Err(open_stop(error)),
    }
}

/// Why a command stops when its ledger cannot be opened.
pub(crate) fn open_stop(error: LedgerOpenError) -> Stop {
    if let LedgerOpenError::Refused { error, path } = error {
        let message = format!("{}: {error}", path.display());
        return Stop::usage(message, fix(&error));
    }
    Stop::usage(
        error.to_string(),
        "check the permissions, or name another directory with --ledger",
    )
}

/// Why a command stops when its ledger does not do what it asks.
pub(crate) fn stop(error: LedgerError) -> Stop {
    let fix = fix(&error);
    Stop::usage(error.to_string(), fix)
}

/// What a person can do about it.
fn fix(error: &LedgerError) -> &'static str {
    match error {
        LedgerError::Refused(Refusal::Conflict { .. } | Refusal::Illegal { .. }) => {
            "it changed meanwhile; look with `remit show` and try again"
        }
        LedgerError::Refused(Refusal::Exists(_) | Refusal::Missing(_) | Refusal::Fenced { .. }) => {
            "look with `remit runs`"
        }
        LedgerError::Full(_) => "make room and try again",
        LedgerError::ReadOnly(_) => "check the permissions of its directory",
        LedgerError::Damaged(_) => "run `remit ledger verify`",
        LedgerError::Unknown(_) => "look with `remit show` and decide",
        LedgerError::Held { .. } => "`remit health` shows who it is",
        LedgerError::Unavailable(_) => "try again",
    }
}
