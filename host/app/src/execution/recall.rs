//! One watch over all approvals on which attempts rest: ends those whose approval is taken back.
//!
//! Never: an attempt that goes on because the file of approvals cannot be read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use remit_core::approval::ApprovalId;
use remit_core::outcome::CancelReason;
use remit_engine::cancel::Cancel;

use crate::approvals::Store;
use crate::files::Stamp;
use crate::revocation::LOOK;

type Resting = HashMap<u64, (ApprovalId, Cancel)>;

/// Watches; stops when it is dropped.
pub(super) struct Recall {
    resting: Arc<Mutex<(u64, Resting)>>,
    watch: tokio::task::JoinHandle<()>,
}

impl Drop for Recall {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// An attempt that rests on an approval, as long as this lives.
pub(super) struct Rest {
    resting: Arc<Mutex<(u64, Resting)>>,
    number: u64,
}

impl Drop for Rest {
    fn drop(&mut self) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.1.remove(&self.number);
    }
}

impl Recall {
    /// Begins to watch. To be called inside the runtime.
    pub(super) fn start(store: Store) -> Self {
        let resting: Arc<Mutex<(u64, Resting)>> = Arc::default();
        let watched = Arc::clone(&resting);
        let watch = tokio::spawn(async move {
            let mut seen = None;
            loop {
                tokio::time::sleep(LOOK).await;
                let (store, watched) = (store.clone(), Arc::clone(&watched));
                // Files are looked at where that may block.
                let look = tokio::task::spawn_blocking(move || look(&store, &watched, seen));
                seen = look.await.unwrap_or_default();
            }
        });
        Self { resting, watch }
    }

    /// Has an attempt end when its approval is taken back after the decision that it rests on.
    /// Whoever calls this looks once more whether that decision still holds.
    pub(super) fn rest(&self, approval: ApprovalId, cancel: Cancel) -> Rest {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.0 += 1;
        let number = resting.0;
        resting.1.insert(number, (approval, cancel));
        Rest {
            resting: Arc::clone(&self.resting),
            number,
        }
    }
}

/// One look at the file, which is read only if someone rests on it and it is another than the last
/// time. What it was known by is the answer.
fn look(store: &Store, resting: &Mutex<(u64, Resting)>, seen: Option<Stamp>) -> Option<Stamp> {
    let mut resting = resting.lock().unwrap_or_else(PoisonError::into_inner);
    if resting.1.is_empty() {
        return None;
    }
    let stamp = store.stamp();
    if stamp.is_some() && stamp == seen {
        return seen;
    }
    let known = match (stamp, store.read()) {
        (Some(_), Ok(all)) => all.into_iter().map(|kept| kept.id).collect(),
        (None, _) => Vec::new(),
        (Some(_), Err(error)) => {
            tracing::warn!(?error, "the approvals cannot be read any more");
            Vec::new()
        }
    };
    resting.1.retain(|_, (approval, cancel)| {
        let stands = known.contains(approval);
        if !stands {
            cancel.cancel(CancelReason::Revoked);
        }
        stands
    });
    stamp
}
