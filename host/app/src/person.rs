//! Who says something to the ledger, for people who read it later.
//!
//! Never: a ground to trust anyone; whoever can write the ledger can write any name.

use crate::printable::printable;

/// Longest name that is kept, in characters. Login names are shorter everywhere.
const MAX_PERSON: usize = 64;

/// The login name, or the number of the user.
pub(crate) fn name() -> String {
    let told = ["USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty());
    match told {
        Some(name) => printable(&name).chars().take(MAX_PERSON).collect(),
        None => format!("uid {}", rustix::process::getuid().as_raw()),
    }
}
