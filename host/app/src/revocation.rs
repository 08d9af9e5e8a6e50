//! Ends a run when the approval on which it rests is taken back, by whatever program.
//!
//! The file of approvals is looked at several times a second: that works on every file system, and
//! one look is one system call. Never: a run that goes on because the file cannot be read.

use std::time::Duration;

use remit_core::approval::ApprovalId;
use remit_core::outcome::CancelReason;
use remit_engine::cancel::Cancel;

use crate::approvals::Store;
use crate::files::Stamp;

/// How often the file is looked at: well within the second in which a run has to end, and seldom
/// enough to cost nothing.
pub(crate) const LOOK: Duration = Duration::from_millis(200);

/// Watches over the approvals of a run; stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Watch(tokio::task::JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Watches over an approval. What was taken back before this was called is seen, too.
pub(crate) fn watch(store: Store, approval: ApprovalId, cancel: Cancel) -> Watch {
    Watch(tokio::spawn(async move {
        let mut glance = Glance {
            store,
            approval,
            seen: None,
        };
        loop {
            // Files are looked at where that may block.
            let look = tokio::task::spawn_blocking(move || {
                let stands = glance.stands();
                (glance, stands)
            });
            match look.await {
                Ok((back, true)) => glance = back,
                Ok((_, false)) | Err(_) => {
                    cancel.cancel(CancelReason::Revoked);
                    return;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }))
}

/// One look at the file, which is read only if it is another than the last time.
struct Glance {
    store: Store,
    approval: ApprovalId,
    seen: Option<Stamp>,
}

impl Glance {
    /// Whether the approval is still there.
    fn stands(&mut self) -> bool {
        let Some(stamp) = self.store.stamp() else {
            return false;
        };
        if self.seen == Some(stamp) {
            return true;
        }
        match self.store.read() {
            Ok(all) => {
                self.seen = Some(stamp);
                all.iter().any(|kept| kept.id == self.approval)
            }
            Err(error) => {
                tracing::warn!(?error, "the approvals cannot be read any more");
                false
            }
        }
    }
}
