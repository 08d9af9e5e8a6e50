//! Plugin state in one SQLite file, owned by one thread.
//!
//! The thread is the only one that touches the connection, so nothing of SQLite ever blocks the
//! runtime and no transaction outlives an operation. A caller that goes away before its answer
//! changes nothing: the operation was either taken by the thread, and then it is carried out, or
//! it was not. Never: an answer before the data is synced.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use async_trait::async_trait;
use remit_engine::seam::{StateError, StateScope, StateStore};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{schema, table};

/// Operations that may wait for the thread before callers wait too. A few for each plugin that
/// runs at the same time; each can hold a value of 1 MiB.
const BACKLOG: usize = 32;

type Job = Box<dyn FnOnce(Result<&mut Connection, StateError>) + Send>;

/// The engine's `StateStore`, in a file. The file is made when it is first needed.
#[derive(Debug)]
pub struct SqliteState {
    path: PathBuf,
    thread: OnceLock<Result<mpsc::Sender<Job>, StateError>>,
}

impl SqliteState {
    /// A store in this file, which need not be there yet, nor the directories above it. Touches
    /// nothing: the file is opened by the first operation, which also reports what is wrong
    /// with it.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            thread: OnceLock::new(),
        }
    }

    /// Where the store is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has the thread do something with the connection, and waits for the answer.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let sender = self.thread.get_or_init(|| start(self.path.clone()));
        let sender = sender.as_ref().map_err(Clone::clone)?;
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Whoever asked may have gone; the work is done all the same.
            drop(answer.send(connection.and_then(work)));
        });
        sender.send(job).await.map_err(|_| ended())?;
        wait.await.map_err(|_| ended())?
    }
}

fn ended() -> StateError {
    StateError::Unavailable("the thread of the store has ended".into())
}

/// Starts the thread. It ends when the store is dropped and its last operation is done.
fn start(path: PathBuf) -> Result<mpsc::Sender<Job>, StateError> {
    let (sender, mut jobs) = mpsc::channel::<Job>(BACKLOG);
    std::thread::Builder::new()
        .name("remit-state".into())
        .spawn(move || {
            let mut connection = None;
            while let Some(job) = jobs.blocking_recv() {
                // Tried again for each operation: a full disk or a busy file may have passed.
                job(opened(&mut connection, &path));
            }
        })
        .map_err(|e| StateError::Unavailable(format!("no thread for the store: {e}")))?;
    Ok(sender)
}

/// The connection, opened if it is not yet.
fn opened<'a>(
    connection: &'a mut Option<Connection>,
    path: &Path,
) -> Result<&'a mut Connection, StateError> {
    match connection {
        Some(open) => Ok(open),
        closed @ None => {
            let open = schema::open(path).map_err(|e| StateError::Unavailable(e.to_string()))?;
            Ok(closed.insert(open))
        }
    }
}

#[async_trait]
impl StateStore for SqliteState {
    async fn get(&self, scope: &StateScope, key: &str) -> Result<Option<String>, StateError> {
        let (scope, key) = (scope.clone(), key.to_owned());
        self.ask(move |c| table::get(c, &scope, &key)).await
    }

    async fn set(&self, scope: &StateScope, key: &str, value: &str) -> Result<(), StateError> {
        let (scope, key, value) = (scope.clone(), key.to_owned(), value.to_owned());
        self.ask(move |c| table::set(c, &scope, &key, &value)).await
    }

    async fn merge(
        &self,
        scope: &StateScope,
        key: &str,
        patch: &str,
    ) -> Result<String, StateError> {
        let (scope, key, patch) = (scope.clone(), key.to_owned(), patch.to_owned());
        self.ask(move |c| table::merge(c, &scope, &key, &patch))
            .await
    }

    async fn remove(&self, scope: &StateScope, key: &str) -> Result<(), StateError> {
        let (scope, key) = (scope.clone(), key.to_owned());
        self.ask(move |c| table::remove(c, &scope, &key)).await
    }

    async fn keys(&self, scope: &StateScope, prefix: &str) -> Result<Vec<String>, StateError> {
        let (scope, prefix) = (scope.clone(), prefix.to_owned());
        self.ask(move |c| table::keys(c, &scope, &prefix)).await
    }
}
