//! Every event of a run: numbered, dated, and handed in order to everyone who watches.
//!
//! Of a run that people watch, one thread owns the numbering and the watchers, so that a slow terminal or file blocks neither
//! the runtime nor a lock; the channel to it is bounded, so a slow watcher slows the run instead
//! of filling memory. Attempts at durable tasks are too many for a thread each, and the ledger
//! numbers what happens: their events go to a [`Sink`] at once. Never: an event that is dropped
//! silently, or written twice.

use std::sync::Arc;

use async_trait::async_trait;
use remit_core::event::{Event, RECORD_FORMAT, Record};
use tokio::sync::{mpsc, oneshot};

/// Events that may wait for the watchers before whoever causes them waits too. Enough to ride out
/// a terminal's redraw; small enough that a stuck reader is felt at once.
const BACKLOG: usize = 1024;

/// Someone who watches a run. Called on the journal's own thread, in order; may block.
pub trait Watcher: Send {
    /// One more thing that happened.
    fn record(&mut self, record: &Record);
    /// Nothing more will come.
    fn finish(&mut self) {}
}

/// Takes the events of one attempt in order, without a thread of its own.
#[async_trait]
pub trait Sink: Send + Sync {
    /// One more thing that happened. Waits while too much waits to be written. When the future of
    /// a tool's output is dropped before its end, that output was not taken.
    async fn take(&self, event: Event);
    /// Waits until everything that was taken is where it belongs.
    async fn settle(&self);
}

/// Says what time it is: RFC 3339 in UTC with milliseconds.
pub type Clock = Arc<dyn Fn() -> String + Send + Sync>;

/// The host's clock.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let now = jiff::Timestamp::now();
        format!("{now:.3}")
    })
}

enum Message {
    Event(Box<Event>),
    Flush(oneshot::Sender<()>),
}

#[derive(Clone)]
enum Way {
    Thread(mpsc::Sender<Message>),
    Direct(Arc<dyn Sink>),
}

/// The writing side. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    way: Way,
}

impl Journal {
    /// Starts the journal of one run.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        run: String,
        clock: Clock,
        mut watchers: Vec<Box<dyn Watcher>>,
    ) -> std::io::Result<Self> {
        let (sender, mut receiver) = mpsc::channel(BACKLOG);
        std::thread::Builder::new()
            .name("remit-journal".into())
            .spawn(move || {
                let mut seq = 0;
                while let Some(message) = receiver.blocking_recv() {
                    match message {
                        Message::Event(event) => {
                            seq += 1;
                            let record = Record {
                                v: RECORD_FORMAT,
                                seq,
                                time: clock(),
                                run: run.clone(),
                                event: *event,
                            };
                            for watcher in &mut watchers {
                                watcher.record(&record);
                            }
                        }
                        Message::Flush(done) => {
                            for watcher in &mut watchers {
                                watcher.finish();
                            }
                            // Whoever asked may have given up waiting; that harms nothing.
                            let _unheard = done.send(());
                        }
                    }
                }
            })?;
        Ok(Self {
            way: Way::Thread(sender),
        })
    }

    /// A journal that hands each event to `sink` itself.
    #[must_use]
    pub fn direct(sink: Arc<dyn Sink>) -> Self {
        Self {
            way: Way::Direct(sink),
        }
    }

    /// Adds an event. Waits while the watchers are behind.
    pub async fn emit(&self, event: Event) {
        match &self.way {
            // The thread ends only after every sender is gone, so this cannot fail while `self`
            // lives.
            Way::Thread(sender) => drop(sender.send(Message::Event(Box::new(event))).await),
            Way::Direct(sink) => sink.take(event).await,
        }
    }

    /// Waits until every watcher has seen everything that was emitted before.
    pub async fn flush(&self) {
        match &self.way {
            Way::Thread(sender) => {
                let (done, seen) = oneshot::channel();
                if sender.send(Message::Flush(done)).await.is_ok() {
                    drop(seen.await);
                }
            }
            Way::Direct(sink) => sink.settle().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Keep(Arc<Mutex<Vec<Record>>>);
    impl Watcher for Keep {
        fn record(&mut self, record: &Record) {
            self.0.lock().unwrap().push(record.clone());
        }
    }

    #[tokio::test]
    async fn numbers_without_gaps_and_in_order_for_every_watcher() {
        let first = Arc::new(Mutex::new(Vec::new()));
        let second = Arc::new(Mutex::new(Vec::new()));
        let clock: Clock = Arc::new(|| "2026-01-01T00:00:00.000Z".into());
        let watchers: Vec<Box<dyn Watcher>> = vec![
            Box::new(Keep(Arc::clone(&first))),
            Box::new(Keep(Arc::clone(&second))),
        ];
        let journal = Journal::start("run".into(), clock, watchers).unwrap();
        for i in 0..3000 {
            journal
                .emit(Event::Step {
                    name: i.to_string(),
                })
                .await;
        }
        journal.flush().await;
        let first = first.lock().unwrap();
        assert_eq!(first.len(), 3000);
        for (i, record) in first.iter().enumerate() {
            assert_eq!(record.seq, i as u64 + 1);
            assert_eq!(
                record.event,
                Event::Step {
                    name: i.to_string()
                }
            );
        }
        assert_eq!(*first, *second.lock().unwrap());
    }

    #[test]
    fn the_clock_is_utc_with_milliseconds() {
        let now = system_clock()();
        assert_eq!(now.len(), "2026-01-01T00:00:00.000Z".len(), "{now}");
        assert!(now.ends_with('Z'), "{now}");
    }
}
