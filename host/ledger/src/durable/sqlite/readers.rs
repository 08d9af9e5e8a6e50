//! A few threads that read, each with a connection of its own.
//!
//! They see what is committed and nothing else, and hold no snapshot longer than one answer: a
//! long one would keep the log from being emptied. Never: a write.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use remit_engine::durable::ledger::LedgerError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::schema;

/// How many threads. Queries take milliseconds; more would only compete with the writer.
const THREADS: usize = 3;

/// Questions that may wait before those who ask wait, too.
const BACKLOG: usize = 256;

type Question = Box<dyn FnOnce(Result<&Connection, LedgerError>) -> bool + Send>;

/// The threads.
#[derive(Debug)]
pub(super) struct Readers {
    questions: mpsc::Sender<Question>,
}

impl Readers {
    /// Starts them. Each opens the file when it is first asked.
    pub(super) fn start(path: &Path) -> std::io::Result<Self> {
        let (questions, waiting) = mpsc::channel::<Question>(BACKLOG);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..THREADS {
            let waiting = Arc::clone(&waiting);
            let path = path.to_path_buf();
            std::thread::Builder::new()
                .name("remit-ledger-read".into())
                .spawn(move || answer(&path, &waiting))?;
        }
        Ok(Self { questions })
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (answer, wait) = oneshot::channel();
        let question: Question = Box::new(move |connection| {
            let found = connection.and_then(work);
            let good = found.is_ok();
            // Whoever asked may have gone.
            drop(answer.send(found));
            good
        });
        let ended = || LedgerError::Unavailable("the reader has ended".to_owned());
        self.questions.send(question).await.map_err(|_| ended())?;
        wait.await.map_err(|_| ended())?
    }
}

/// Answers questions until nobody can ask any more.
fn answer(path: &Path, waiting: &Mutex<mpsc::Receiver<Question>>) {
    let mut connection: Option<Connection> = None;
    loop {
        // One of the threads waits for the next question, the others for their turn to wait.
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        let Some(question) = next else {
            return;
        };
        if connection.is_none() {
            match schema::open_to_read(path) {
                Ok(open) => connection = Some(open),
                Err(error) => {
                    question(Err(error.into()));
                    continue;
                }
            }
        }
        let good = match &connection {
            Some(open) => question(Ok(open)),
            None => false,
        };
        if !good {
            // What was wrong may have been the connection.
            connection = None;
        }
    }
}
