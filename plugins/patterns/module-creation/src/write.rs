//! Adds the files of a plan that are missing.
//!
//! Never: a file replaced without `force`, or replaced by the same content.

use remit_plugin_library::path::SafePath;
use remit_plugin_library::transaction::{Existing, Fate, Transaction, TransactionError};

use crate::plan::PlannedFile;

/// Brings one file below `root` into being.
///
/// # Errors
/// Something that is no file has its place, or the file system refused a step.
pub(crate) fn write(
    transaction: &mut Transaction<'_>,
    root: &SafePath,
    file: &PlannedFile,
    force: bool,
) -> Result<Fate, TransactionError> {
    let existing = if force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    transaction.write(&root.join(&file.path), file.content.as_bytes(), existing)
}
