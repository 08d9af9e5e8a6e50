//! The seams: what the engine needs from the world, as traits that a test can fake.
//!
//! Siblings (`process`, `sandbox`, `ledger`, `workspace`) implement these and never see each
//! other; `app` wires them. Never: a type of wasmtime, SQLite or the operating system in a
//! signature.

use std::net::TcpListener;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use remit_core::change::Change;
use remit_core::grant::Access;
use remit_core::http::Hop;
use remit_core::path::RelPath;
use remit_core::person::{PersonAnswer, PersonQuestion};
use remit_core::tool::{
    Exit, Launch, OriginPort, OriginTraffic, ProgramIdentity, StartError, Usage,
};

/// Something that a running tool did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolEvent {
    /// Bytes of standard output, exactly as written.
    Stdout(Bytes),
    /// Bytes of standard error, exactly as written.
    Stderr(Bytes),
    /// The tool and everything that it started is gone. Repeats if asked again.
    Exited(Exit),
}

/// Standard input is closed, by either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("standard input is closed")]
pub struct StdinClosed;

/// A tool that was started, and what it is.
pub struct Started {
    /// The handle to it.
    pub tool: Box<dyn RunningTool>,
    /// The file that was executed.
    pub program: ProgramIdentity,
}

/// Starts real tools.
#[async_trait]
pub trait Tools: Send + Sync {
    /// Finds and pins the program without starting it: the answer that `start` would give as far
    /// as it can be known beforehand.
    ///
    /// # Errors
    /// The program is missing, changed, or can be written by the plugin.
    async fn check(&self, launch: &Launch) -> Result<(), StartError>;

    /// Starts one. When this returns an error nothing is left running.
    ///
    /// # Errors
    /// Each variant of [`StartError`] says which step failed.
    async fn start(&self, launch: &Launch) -> Result<Started, StartError>;
}

/// A tool that runs. Dropping it ends the whole process tree.
///
/// A tool's output waits in a bounded buffer; when that is full the tool blocks, and its idle
/// clock stands still until someone reads.
#[async_trait]
pub trait RunningTool: Send {
    /// Waits for the next event, with at most `max` bytes of output. Safe to cancel: nothing is
    /// lost when the future is dropped.
    async fn next_event(&mut self, max: usize) -> ToolEvent;

    /// Writes to standard input; waits until at least one byte is taken and says how many were.
    ///
    /// # Errors
    /// The tool closed its input or ended, or `close_stdin` was called, or it was never piped.
    async fn write_stdin(&mut self, bytes: &[u8]) -> Result<usize, StdinClosed>;

    /// Closes standard input. Closing twice is no error.
    fn close_stdin(&mut self);

    /// Asks the tool to end, and ends the whole tree after `grace`. Returns at once.
    fn kill(&mut self, grace: Duration);

    /// What it has cost so far; complete after `Exited`.
    fn usage(&self) -> Usage;
}

/// Serves the origins that tools reach through ports of their own loopback interface.
pub trait Relay: Send + Sync {
    /// Takes every connection to this socket, which lies in the tool's own network, and passes its
    /// requests on to exactly this origin, until the handle is dropped. To be called inside the
    /// runtime; returns at once.
    ///
    /// # Errors
    /// The operating system refused to watch the socket.
    fn serve(&self, listener: TcpListener, entry: &OriginPort)
    -> std::io::Result<Box<dyn Relayed>>;
}

/// An origin that is served. Dropping it closes the socket and every connection.
pub trait Relayed: Send + Sync {
    /// What went through so far.
    fn traffic(&self) -> OriginTraffic;
}

/// What an origin answered to one hop of a request.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The status.
    pub status: u16,
    /// Names in lower case and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it is kept.
    pub body: Vec<u8>,
    /// Whether it had more.
    pub truncated: bool,
}

impl std::fmt::Debug for Exchange {
    /// Shows sizes, never a header or a body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("body", &self.body.len())
            .field("truncated", &self.truncated)
            .finish()
    }
}

/// Why an origin gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The name stands for an address that it may not stand for; says which.
    #[error("{0}")]
    ForbiddenAddress(String),
    /// There is no connection; says why.
    #[error("{0}")]
    Unreachable(String),
    /// What came is no answer, or broke off; says how.
    #[error("{0}")]
    Broken(String),
}

/// Sends requests of plugins to origins that were granted.
#[async_trait]
pub trait Http: Send + Sync {
    /// Makes one hop, without following a redirect, at an address that
    /// [`remit_core::http::AddressRule`] lets through, and keeps at most this many bytes of the
    /// answer's body. Dropping the future ends the connection.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    async fn exchange(&self, hop: &Hop, keep: usize) -> Result<Exchange, ExchangeError>;
}

/// Why an attempt has no scratch directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the scratch directory cannot be made: {0}")]
pub struct ScratchError(pub String);

/// The private directory of one attempt, beside the workspace: the plugin and the tools that it
/// starts find the same files there. It is gone when the attempt is.
pub trait Scratch: Send + Sync {
    /// Its absolute path, without links. Made when it is asked for the first time, which takes a
    /// few system calls; after that this costs nothing.
    ///
    /// # Errors
    /// The disk is full, or the place for private directories cannot be written.
    fn path(&self) -> Result<&str, ScratchError>;
}

/// What came of a question to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer.
    Answered(PersonAnswer),
    /// Nobody answered in time.
    Expired,
    /// There is nobody who could be asked; says what to do.
    Nobody(String),
}

/// Whoever is there while a run goes on, for questions of its plugin.
#[async_trait]
pub trait Person: Send + Sync {
    /// Asks, and waits for the answer. Safe to cancel: then nobody waits for it any more.
    async fn ask(&self, plugin: &str, question: &PersonQuestion) -> Reply;
}

/// Whose values are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StateScope {
    /// One task of one plugin.
    Task {
        /// The plugin's id.
        plugin: String,
        /// The task's id.
        task: String,
    },
    /// One plugin in one workspace.
    Project {
        /// The plugin's id.
        plugin: String,
        /// What identifies the workspace: its real path.
        project: String,
    },
}

/// Why a value was not read or stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A limit would be passed.
    #[error("{0}")]
    Quota(String),
    /// The store did not answer.
    #[error("the state store is unavailable: {0}")]
    Unavailable(String),
    /// A stored or merged value is not JSON.
    #[error("not JSON: {0}")]
    InvalidJson(String),
}

/// Values that outlive an attempt. JSON texts under short keys.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The value of a key. A crash changes nothing.
    async fn get(&self, scope: &StateScope, key: &str) -> Result<Option<String>, StateError>;
    /// Stores a value. A crash before the return leaves the old value or the new one; after it,
    /// the new one.
    async fn set(&self, scope: &StateScope, key: &str, value: &str) -> Result<(), StateError>;
    /// Applies a merge patch (RFC 7386) in one step and returns the result. Crash: as `set`.
    async fn merge(&self, scope: &StateScope, key: &str, patch: &str)
    -> Result<String, StateError>;
    /// Removes a key. Crash: as `set`.
    async fn remove(&self, scope: &StateScope, key: &str) -> Result<(), StateError>;
    /// The keys with a prefix, sorted.
    async fn keys(&self, scope: &StateScope, prefix: &str) -> Result<Vec<String>, StateError>;
}

/// Why the working tree could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot look at the workspace: {0}")]
pub struct WorkspaceError(pub String);

/// Sees what a plugin really uses of what it is granted, as far as no event says it. Stands on the
/// plugin's way to a file, so it must be quick and must not block.
pub trait Observer: Send + Sync {
    /// The plugin was let through to this path.
    fn used(&self, access: Access, path: &RelPath);
    /// The plugin asked whether this would be started, and the answer was yes.
    fn asked(&self, launch: &Launch);
}

/// The working tree of one run, seen from the moment at which the run began.
#[async_trait]
pub trait WorkingTree: Send + Sync {
    /// What changed since the run began, whoever changed it, sorted by path.
    async fn changes(&self) -> Result<Vec<Change>, WorkspaceError>;
    /// Whether a path is a regular file inside the workspace, without following any link; its
    /// size in bytes if so.
    async fn file_size(&self, path: &RelPath) -> Option<u64>;
}
