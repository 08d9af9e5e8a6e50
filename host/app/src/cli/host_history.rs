//! What the host's own stream says: whether nothing new starts, and which circuits moved.
//!
//! Never: a state that is not from the entries.

use remit_core::durable::{Entry, LedgerEvent, SafeModeCause};
use remit_engine::durable::ledger::{EntryQuery, Ledger, MAX_ENTRIES};

use crate::exit::Stop;
use crate::ledger_file::stop;

/// Goes through the entries of the ledger but what attempts did, in their order.
pub(super) async fn each(ledger: &dyn Ledger, mut take: impl FnMut(&Entry)) -> Result<(), Stop> {
    let mut after = 0;
    loop {
        let query = EntryQuery {
            run: None,
            task: None,
            after,
            activity: false,
            limit: MAX_ENTRIES,
        };
        let page = ledger.entries(query).await.map_err(stop)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.seq;
        page.iter().for_each(&mut take);
    }
}

/// Why nothing new starts, and since when in milliseconds since 1970; absent if it does.
pub(super) async fn safe_mode(ledger: &dyn Ledger) -> Result<Option<(SafeModeCause, u64)>, Stop> {
    let mut mode = None;
    each(ledger, |entry| {
        if let LedgerEvent::SafeModeEntered { cause } = &entry.event {
            mode = Some((cause.clone(), entry.at_ms));
        } else if let LedgerEvent::SafeModeLeft { .. } = &entry.event {
            mode = None;
        }
    })
    .await?;
    Ok(mode)
}
