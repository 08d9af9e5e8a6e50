//! What connects the library to the host: time, the plugin's own store, the granted directories.
//!
//! Never: a decision that could be tested without a host.

use std::path::Path;
use std::time::Duration;

use remit_plugin_sdk::workspace::Mode;
use remit_plugin_sdk::{
    Call, Context, DEFAULT_OUTPUT_LIMIT, Event, Exit, Failure, Output, Problem, clock, progress,
    state, workspace,
};

use crate::files;
use crate::import::{Asked, Known, Note, Resolved};
use crate::path::SafePath;
use crate::report::{Clock, Events};
use crate::transaction::{Entry, Owner, Register, Transaction, TransactionError, recover};
use crate::validation::Wrong;

/// How the keys of unfinished transactions begin in the plugin's store.
const KEYS: &str = "unfinished/";
/// How long a transaction counts as at work after its last sign of life: longer than anything
/// that a pattern does between two of them, and not longer than people wait.
const LEASE_MS: u64 = 30_000;
/// How long a tool is waited for before the next sign of life.
const SIGN_MS: u32 = 5_000;
/// What is kept of an attempt's time to take everything back if a tool uses up the rest.
const RESERVE_MS: u64 = 5_000;
/// Most bytes that are taken from a tool at once.
const PIECE: u32 = 64 * 1024;

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
        ends_at_ms: now.saturating_add(context.time_left_ms),
    };
    let transaction = Transaction::begin(base, &home(near), owner, &REGISTER)?;
    Ok(transaction.leased(&HostClock, LEASE_MS))
}

/// Runs a tool to its end while a transaction is open. The tool is ended early enough for
/// everything to be taken back within the attempt; a tool that exits with 0 has succeeded.
///
/// # Errors
/// The call was refused, the tool did not start, or the transaction is not ours any more.
pub fn run(transaction: &mut Transaction<'_>, call: &Call) -> Result<Output, Failure> {
    let left = clock::time_left_ms();
    // Of a short attempt, half.
    let time = left.saturating_sub(RESERVE_MS).max(left / 2);
    let child = call.clone().timeout(Duration::from_millis(time)).spawn()?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut cut = false;
    let exit = loop {
        match child.next_event(PIECE, Some(SIGN_MS))? {
            Event::Stdout(bytes) => cut |= keep(&mut stdout, bytes),
            Event::Stderr(bytes) => cut |= keep(&mut stderr, bytes),
            Event::Exited(exit) => break exit,
            Event::NothingYet => {}
        }
        transaction.renew()?;
    };
    let usage = child.usage();
    Ok(Output {
        success: exit == Exit::Code(0),
        exit,
        stdout,
        stderr,
        truncated: cut || usage.truncated,
        usage,
    })
}

/// Keeps the beginning of a tool's output; says whether something was left out.
fn keep(all: &mut Vec<u8>, bytes: Vec<u8>) -> bool {
    let limit = usize::try_from(DEFAULT_OUTPUT_LIMIT).unwrap_or(usize::MAX);
    let room = limit.saturating_sub(all.len());
    all.extend(bytes.iter().take(room));
    bytes.len() > room
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
        let partly = asked.needs_files();
        let resolved = asked.resolve(known, |_| Err("not read".to_owned()));
        if !partly {
            return check(&resolved?).map(drop);
        }
        let mut wrong = resolved.err().unwrap_or_default();
        // What a file says is seen in the run, which may read it.
        wrong.retain(|one| one.code != "not-there");
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
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
