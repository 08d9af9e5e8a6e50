//! The audit of many runs at the same time: one thread adds what waits, with one call for all of it,
//! and another brings it to the disk, so that no run waits for a disk that others wait for.
//!
//! Never: an entry that is acknowledged before it is in the log; a failure that nobody hears of.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use remit_core::audit::Entry;
use remit_engine::journal::Clock;
use tokio::sync::{mpsc, oneshot};

use super::write::{Added, Reached, Waiting};
use super::{AuditError, AuditWriter, Trouble};

/// Entries that may wait for the writer before whoever has one waits too: some milliseconds of the
/// busiest host.
const BACKLOG: usize = 1024;

/// Entries that are added with one call. An ordinary one has less than 1 KiB.
const MOST_AT_ONCE: usize = BACKLOG;

/// How long the disk is left alone after entries were brought to it: each time costs other
/// writers of the same disk a turn, and nobody waits for it.
const PAUSE: Duration = Duration::from_millis(20);

/// An entry could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot be used: {0}")]
pub struct NotWritten(pub String);

enum Message {
    Entry(Waiting, Option<oneshot::Sender<Result<(), NotWritten>>>),
    Sync(oneshot::Sender<()>),
}

/// Adds entries of many runs to the audit log of this user. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AuditGroup {
    sender: mpsc::Sender<Message>,
    trouble: Trouble,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl AuditGroup {
    /// Starts the two threads. They end after the last clone is dropped, when everything is on
    /// the disk.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(directory: PathBuf, clock: Clock) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let trouble = Trouble::default();
        let disk = Arc::new(Disk::default());
        let syncing = Syncing {
            writer: AuditWriter::in_directory(directory.clone()),
            disk: Arc::clone(&disk),
            trouble: trouble.clone(),
        };
        let adding = Adding {
            writer: AuditWriter::in_directory(directory),
            clock,
            disk,
            trouble: trouble.clone(),
            lost: 0,
        };
        let spawn = |name: &str| std::thread::Builder::new().name(name.into());
        spawn("remit-audit-sync").spawn(move || syncing.run())?;
        spawn("remit-audit").spawn(move || adding.run(receiver))?;
        Ok(Self { sender, trouble })
    }

    /// Adds an entry soon. Waits while too many wait. Safe to cancel.
    pub async fn add(&self, time: String, run: String, entry: Entry) {
        let waiting = Waiting {
            time,
            run: Some(run),
            entry,
        };
        // The thread ends only after every sender is gone.
        drop(self.sender.send(Message::Entry(waiting, None)).await);
    }

    /// Adds an entry and waits until it is in the log, where it survives the end of this process
    /// by any signal.
    ///
    /// # Errors
    /// It is not there.
    pub async fn add_now(&self, time: String, run: String, entry: Entry) -> Result<(), NotWritten> {
        let (done, written) = oneshot::channel();
        let waiting = Waiting {
            time,
            run: Some(run),
            entry,
        };
        let gone = || NotWritten("its writer has ended".to_owned());
        let message = Message::Entry(waiting, Some(done));
        self.sender.send(message).await.map_err(|_| gone())?;
        written.await.map_err(|_| gone())?
    }

    /// Waits until everything that was added before is on the disk.
    pub async fn sync(&self) {
        let (done, synced) = oneshot::channel();
        if self.sender.send(Message::Sync(done)).await.is_ok() {
            drop(synced.await);
        }
    }

    /// What to ask at the end.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }
}

/// What has to go to the disk.
#[derive(Debug, Default)]
struct Disk {
    state: Mutex<DiskState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct DiskState {
    wanted: Option<Reached>,
    over: bool,
}

impl Disk {
    fn change(&self, change: impl FnOnce(&mut DiskState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Waits for something to do; none when nothing more will come.
    fn next(&self) -> Option<Reached> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(wanted) = state.wanted.take() {
                return Some(wanted);
            }
            if state.over {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The thread that brings entries to the disk.
struct Syncing {
    writer: AuditWriter,
    disk: Arc<Disk>,
    trouble: Trouble,
}

impl Syncing {
    fn run(self) {
        while let Some(wanted) = self.disk.next() {
            if let Err(error) = self.writer.sync(wanted) {
                self.trouble.keep(&error);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// The thread that adds entries.
struct Adding {
    writer: AuditWriter,
    clock: Clock,
    disk: Arc<Disk>,
    trouble: Trouble,
    lost: u64,
}

fn is_lost(waiting: &Waiting) -> bool {
    matches!(waiting.entry, Entry::Lost { .. })
}

type Acknowledge = Option<oneshot::Sender<Result<(), NotWritten>>>;

impl Adding {
    fn run(mut self, mut receiver: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(MOST_AT_ONCE);
        while receiver.blocking_recv_many(&mut messages, MOST_AT_ONCE) > 0 {
            let (mut entries, mut acknowledge) = (Vec::new(), Vec::new());
            let mut syncs = Vec::new();
            for message in messages.drain(..) {
                match message {
                    Message::Entry(waiting, done) => {
                        entries.push(waiting);
                        acknowledge.push(done);
                    }
                    Message::Sync(done) => syncs.push(done),
                }
            }
            let reached = self.add(entries, acknowledge);
            if !syncs.is_empty() {
                self.sync_now(reached);
                for done in syncs {
                    // Whoever asked may have given up waiting.
                    let _unheard = done.send(());
                }
            }
        }
        self.disk.change(|state| state.over = true);
    }

    /// Adds what waits; where it ends now, if anything was added.
    fn add(&mut self, mut entries: Vec<Waiting>, mut done: Vec<Acknowledge>) -> Option<Reached> {
        if entries.is_empty() {
            return None;
        }
        let now = (self.clock)();
        if self.lost > 0 {
            let entry = Entry::Lost {
                entries: self.lost,
                reason: self.trouble.said().unwrap_or_default(),
            };
            let waiting = Waiting {
                time: now.clone(),
                run: None,
                entry,
            };
            entries.insert(0, waiting);
            done.insert(0, None);
        }
        let mut reached = None;
        while !entries.is_empty() {
            match self.writer.append_all(&entries, &now) {
                Ok(added) => {
                    self.added(&added, &entries, done.drain(..added.taken));
                    entries.drain(..added.taken);
                    reached = Some(added.reached);
                }
                Err(error) => {
                    // What was lost before is counted already.
                    let told = entries.iter().filter(|waiting| is_lost(waiting)).count();
                    for done in done.drain(..) {
                        self.refuse(done, &error);
                    }
                    self.lost = self.lost.saturating_sub(told as u64);
                    break;
                }
            }
        }
        reached
    }

    /// Entries are in the log, but for those that were left out.
    fn added(
        &mut self,
        added: &Added,
        entries: &[Waiting],
        done: impl Iterator<Item = Acknowledge>,
    ) {
        let mut left_out = added.left_out.iter().peekable();
        for (index, (done, waiting)) in done.zip(entries).enumerate() {
            if is_lost(waiting) {
                self.lost = 0;
            }
            if let Some((_, error)) = left_out.next_if(|(left, _)| *left == index) {
                self.refuse(done, error);
            } else if let Some(done) = done {
                let _unheard = done.send(Ok(()));
            }
        }
        let mut taken = entries.iter().take(added.taken);
        if taken.any(|waiting| waiting.entry.must_last()) {
            self.disk.change(|state| state.wanted = Some(added.reached));
        }
    }

    fn refuse(&mut self, done: Acknowledge, error: &AuditError) {
        self.lost += 1;
        self.trouble.keep(error);
        if let Some(done) = done {
            let _unheard = done.send(Err(NotWritten(error.to_string())));
        }
    }

    /// Brings everything to the disk: what was added just now, or what still waits for it.
    fn sync_now(&self, reached: Option<Reached>) {
        let reached = reached.or(self.writer.reached());
        if let Some(reached) = reached
            && let Err(error) = self.writer.sync(reached)
        {
            self.trouble.keep(&error);
        }
    }
}
