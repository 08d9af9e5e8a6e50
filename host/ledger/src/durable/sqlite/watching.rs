//! Tells of what other processes write: a thread that asks the file whether it has changed, as
//! long as somebody wants to know.
//!
//! Never: a poll that nobody waits for; a place that goes back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use super::schema;

/// How often to ask. The question costs a microsecond.
const PAUSE: Duration = Duration::from_millis(15);

/// The thread, once somebody has asked.
#[derive(Debug)]
pub(super) struct Watching {
    thread: Thread,
    ended: Arc<AtomicBool>,
}

impl Watching {
    /// Starts it. It sleeps until it is woken for somebody.
    pub(super) fn start(path: PathBuf, newest: watch::Sender<u64>) -> std::io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ended);
        let thread: JoinHandle<()> = std::thread::Builder::new()
            .name("remit-ledger-watch".into())
            .spawn(move || watch(&path, &newest, &stop))?;
        Ok(Self {
            thread: thread.thread().clone(),
            ended,
        })
    }

    /// Somebody wants to know.
    pub(super) fn wake(&self) {
        self.thread.unpark();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

fn watch(path: &Path, newest: &watch::Sender<u64>, ended: &AtomicBool) {
    let mut connection: Option<Connection> = None;
    let mut seen = None;
    while !ended.load(Ordering::Relaxed) {
        if newest.receiver_count() == 0 {
            connection = None;
            seen = None;
            std::thread::park();
            continue;
        }
        if connection.is_none() {
            // A file that cannot be opened now may be there again in a moment; those who read or
            // write it are told what is wrong with it.
            connection = schema::open_to_read(path).ok();
        }
        if let Some(open) = &connection
            && look(open, &mut seen, newest).is_err()
        {
            connection = None;
            seen = None;
        }
        std::thread::park_timeout(PAUSE);
    }
}

fn look(
    db: &Connection,
    seen: &mut Option<i64>,
    newest: &watch::Sender<u64>,
) -> rusqlite::Result<()> {
    let version: i64 = db
        .prepare_cached("PRAGMA data_version")?
        .query_row((), |row| row.get(0))?;
    if *seen == Some(version) {
        return Ok(());
    }
    let found: u64 = db
        .prepare_cached("SELECT newest FROM meta")?
        .query_row((), |row| row.get(0))?;
    newest.send_if_modified(|newest| {
        let changed = *newest < found;
        *newest = (*newest).max(found);
        changed
    });
    *seen = Some(version);
    Ok(())
}
