//! The audit of a run: opened before anything is decided, and asked at the end whether it is whole.
//!
//! Never: a run that begins without it.

use anstream::eprintln;
use remit_core::audit::Entry;
use remit_engine::journal::system_clock;
use remit_ledger::{AuditError, AuditWatcher, AuditWriter, Trouble};

use crate::exit::Stop;
use crate::loading::Loaded;
use crate::owner::Owner;
use crate::places::Places;
use crate::printable::printable;
use crate::render;

/// Writes that a run was asked for.
///
/// # Errors
/// It cannot be written: then there is no run.
pub(crate) fn begin(
    places: &Places,
    owner: &Owner,
    loaded: &Loaded,
    run_id: &str,
) -> Result<AuditWatcher, Stop> {
    let mut writer = AuditWriter::in_directory(places.audit());
    let entry = Entry::RunStarted {
        plugin: loaded.manifest.id().to_string(),
        version: loaded.manifest.version().to_string(),
        component: loaded.digest.to_string(),
        manifest: loaded.manifest.digest().to_string(),
        workspace: owner.workspace().display().to_string(),
        attempt: None,
        hook: None,
    };
    match writer.append(&system_clock()(), Some(run_id), &entry) {
        Ok(_link) => Ok(AuditWatcher::new(writer)),
        Err(error) => Err(stop(places, &error)),
    }
}

/// Writes what the owner did to approvals. It is done already, so an audit that cannot be written
/// is told and undoes nothing.
pub(crate) fn owner_did(places: &Places, entries: &[Entry]) {
    let mut writer = AuditWriter::in_directory(places.audit());
    for entry in entries {
        if let Err(error) = writer.append(&system_clock()(), None, entry) {
            stop(places, &error).print();
            return;
        }
    }
}

/// Says at the end of a run that its audit is not whole.
pub(crate) fn tell(trouble: &Trouble) {
    if let Some(said) = trouble.said() {
        eprintln!(
            "{} the audit of this run is not complete: {}",
            render::error_word(),
            printable(&said)
        );
    }
}

/// Why a command stops that cannot use the audit log.
pub(crate) fn stop(places: &Places, error: &AuditError) -> Stop {
    let directory = places.audit();
    let directory = directory.display();
    let fix = match error {
        AuditError::Changed { .. } => format!(
            "look at it: remit audit verify; to begin a new log, move {directory} to another place"
        ),
        AuditError::Newer { .. } => "use the newer version of remit".to_owned(),
        AuditError::Seal(_) | AuditError::TooLong(_) | AuditError::Io { .. } => format!(
            "nothing runs without its audit: check the permissions of {directory} and the room on \
             its disk"
        ),
    };
    Stop::usage(format!("the audit log cannot be used: {error}"), fix)
}
