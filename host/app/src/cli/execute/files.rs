//! Keeps the derived files of every run that is executed, each by a task of its own.
//!
//! Never: an execution that waits for its files.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use remit_core::durable::RunId;
use remit_engine::durable::ledger::Ledger;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::derived::Deriver;
use crate::exit::Stop;
use crate::ledger_file::stop;

/// How often is looked for runs that were submitted meanwhile.
const LOOK: Duration = Duration::from_millis(500);
/// Runs whose files are kept at the same time; the files of further ones are made by
/// `remit ledger rebuild`.
const MOST: usize = 64;

/// Keeps the files of one run, or of all that are open now and later, until `end` is true and they
/// are up to date. Begins when this executor has the ledger for itself: one that is refused writes
/// nothing into the files of the one that works.
pub(super) async fn keep(
    ledger: Arc<dyn Ledger>,
    workspace: PathBuf,
    one: Option<RunId>,
    mut began: watch::Receiver<bool>,
    mut end: watch::Receiver<bool>,
) -> Result<(), Stop> {
    tokio::select! {
        biased;
        began = began.wait_for(|began| *began) => {
            if began.is_err() {
                return Ok(());
            }
        }
        _ = end.wait_for(|end| *end) => return Ok(()),
    }
    let mut known: HashSet<RunId> = HashSet::new();
    let mut keepers = JoinSet::new();
    loop {
        let last_round = *end.borrow();
        let open = match &one {
            Some(run) => vec![run.clone()],
            None => {
                let views = ledger.runs(true, MOST).await.map_err(stop)?;
                views.into_iter().map(|view| view.run).collect()
            }
        };
        for run in open {
            if keepers.len() < MOST && known.insert(run.clone()) {
                let mut deriver = Deriver::begin(Arc::clone(&ledger), run, &workspace).await?;
                let mut end = end.clone();
                keepers.spawn(async move {
                    let ended = async {
                        // The sender is there as long as anyone waits.
                        drop(end.wait_for(|end| *end).await);
                    };
                    deriver.follow(ended).await
                });
            }
        }
        if last_round {
            break;
        }
        tokio::select! {
            _ = end.changed() => {}
            () = tokio::time::sleep(LOOK), if one.is_none() => {}
        }
    }
    while let Some(kept) = keepers.join_next().await {
        kept.map_err(|error| Stop::Internal(error.into()))??;
    }
    Ok(())
}
