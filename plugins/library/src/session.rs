//! What connects the library to the host: time, the plugin's own store, the granted directories.
//!
//! Never: a decision that could be tested without a host.

use std::path::Path;

use remit_plugin_sdk::workspace::Mode;
use remit_plugin_sdk::{Context, Failure, Problem, clock, progress, state, workspace};

use crate::files;
use crate::import::{Asked, Known, Note, Resolved};
use crate::path::SafePath;
use crate::report::{Clock, Events};
use crate::transaction::{Entry, Owner, Register, Transaction, TransactionError, recover};
use crate::validation::Wrong;

/// How the keys of unfinished transactions begin in the plugin's store.
const KEYS: &str = "unfinished/";
/// What the host needs at most to end an attempt whose time has passed.
const GRACE_MS: u64 = 30_000;

/// Unfinished transactions in the plugin's own store, per workspace.
pub struct StoredRegister;

impl Register for StoredRegister {
    fn entries(&self) -> Result<Vec<Entry>, String> {
        let keys = state::keys(state::Scope::Project, KEYS).map_err(said)?;
        let mut all = Vec::new();
        for key in keys {
            all.extend(state::get::<Entry>(state::Scope::Project, &key).map_err(said)?);
        }
        Ok(all)
    }

    fn put(&self, entry: &Entry) -> Result<(), String> {
        state::set(state::Scope::Project, &key(&entry.id), entry).map_err(said)
    }

    fn remove(&self, id: &str) -> Result<(), String> {
        state::remove(state::Scope::Project, &key(id)).map_err(said)
    }
}

fn key(id: &str) -> String {
    format!("{KEYS}{id}")
}

fn said(error: state::StateError) -> String {
    match error {
        state::StateError::InvalidKey => "the key is not valid".to_owned(),
        state::StateError::InvalidJson(why)
        | state::StateError::Quota(why)
        | state::StateError::Unavailable(why) => why,
    }
}

/// Takes back what ended attempts have left, says so in the log, and begins a transaction.
///
/// `near` is a path that will be written: of several granted directories, the one that it is in
/// holds the originals.
///
/// # Errors
/// The store does not answer, or what was left cannot be read.
pub fn begin(
    context: &Context,
    base: &Path,
    near: &SafePath,
) -> Result<Transaction<'static>, Failure> {
    static REGISTER: StoredRegister = StoredRegister;
    let now = clock::now_ms();
    let task = format!("{}/{}", context.run_id, context.task_id);
    let undone = recover(base, &task, now, &REGISTER)?;
    if undone.changes > 0 {
        progress::warn(format!(
            "an earlier run was ended before it could finish; changes taken back: {}",
            undone.changes
        ));
    }
    for left in &undone.left {
        progress::warn(format!("not taken back: {}: {}", left.path, left.why));
    }
    let owner = Owner {
        id: format!("{}-{}-{}", context.run_id, context.attempt, context.fence),
        task,
        ends_at_ms: now
            .saturating_add(context.time_left_ms)
            .saturating_add(GRACE_MS),
    };
    Ok(Transaction::begin(base, &home(near), owner, &REGISTER)?)
}

/// The granted directory that holds `near`, the outermost if there are several.
fn home(near: &SafePath) -> SafePath {
    let writable = workspace::grants()
        .into_iter()
        .filter(|grant| match grant.mode {
            Mode::Write | Mode::ReadWrite => true,
            Mode::Read => false,
        });
    writable
        .filter_map(|grant| SafePath::parse(&grant.path).ok())
        .filter(|path| near.is_below(path))
        .min_by_key(|path| path.as_str().len() * usize::from(!path.is_here()))
        // Nothing was granted: the host says so when the first file is written.
        .unwrap_or_default()
}

impl From<TransactionError> for Failure {
    fn from(error: TransactionError) -> Self {
        if error.is_retryable() {
            Self::failed_for_now(error.code(), error.to_string())
        } else {
            Self::failed(error.code(), error.to_string())
        }
    }
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        Self::new(wrong.path, wrong.code, wrong.message)
    }
}

/// Takes inputs apart and puts them together, with files of the workspace.
///
/// # Errors
/// As [`Asked::of`] and [`Asked::resolve`].
pub fn resolve(
    inputs: &str,
    known: &Known,
    root: &Path,
    limit: u64,
) -> Result<Resolved, Vec<Wrong>> {
    Asked::of(inputs)?.resolve(known, |path| {
        files::read_text(&root.join(path.as_str()), limit).map_err(|error| error.to_string())
    })
}

/// Checks inputs as far as that is possible without files of the workspace.
pub fn validate<T>(
    inputs: &str,
    known: &Known,
    check: impl Fn(&Resolved) -> Result<T, Vec<Wrong>>,
) -> Vec<Problem> {
    let checked = Asked::of(inputs).and_then(|asked| {
        if asked.needs_files() {
            return Ok(());
        }
        let resolved = asked.resolve(known, |_| Err("not read".to_owned()))?;
        check(&resolved).map(drop)
    });
    problems(checked.err().unwrap_or_default())
}

/// Puts the adaptations of an instance into the log, and returns them as sentences.
pub fn explain(notes: &[Note]) -> Vec<String> {
    let sentences: Vec<String> = notes
        .iter()
        .map(|note| match note.path.as_str() {
            "" => note.message.clone(),
            path => format!("{path}: {}", note.message),
        })
        .collect();
    for sentence in &sentences {
        progress::info(format!("import: {sentence}"));
    }
    sentences
}

/// A failure in one sentence, for the record of the result.
pub fn sentence(failure: &Failure) -> String {
    match failure {
        Failure::InvalidInput(problems) => {
            let all: Vec<String> = problems
                .iter()
                .map(|problem| format!("{}: {}", problem.path, problem.message))
                .collect();
            format!("invalid input: {}", all.join("; "))
        }
        Failure::Denied(denial) => format!("denied: {}", denial.scope),
        Failure::Unavailable(what) => format!("unavailable: {what}"),
        Failure::Rejected(why) => format!("rejected: {why}"),
        Failure::Cancelled => "cancelled".to_owned(),
        Failure::TimedOut => "a time limit passed".to_owned(),
        Failure::Failed(report) => format!("{}: {}", report.code, report.message),
    }
}

/// The problems as the host wants them.
pub fn problems(wrong: Vec<Wrong>) -> Vec<Problem> {
    wrong.into_iter().map(Problem::from).collect()
}

/// The host's clock.
#[derive(Debug, Clone, Copy)]
pub struct HostClock;

impl Clock for HostClock {
    fn now_ms(&self) -> u64 {
        clock::now_ms()
    }
}

/// Events of a pattern's life as lines of the run's log.
#[derive(Debug, Clone, Copy)]
pub struct HostEvents;

impl Events for HostEvents {
    fn emit(&self, name: &str, failed: bool, fields: &serde_json::Value) {
        let level = if failed {
            progress::Level::Error
        } else {
            progress::Level::Info
        };
        // A JSON value has a JSON form.
        drop(progress::log(level, name, fields));
    }
}
