//! What a phase contract asks about: files of the workspace, state flags, and what the ledger knows.
//!
//! The ledger answers once, as [`LedgerFacts`]. Never: a ledger that is made by looking; a judgement, which is [`remit_core::contract::check`]; a path that leads out of
//! the workspace.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use remit_core::breaker::BreakerState;
use remit_core::contract::{
    Condition, EventFacts, Facts, FileNeed, Look, MAX_STATE_FILE, Standing, Tables, is_routed,
};
use remit_core::durable::Phase;
use remit_core::path::RelPath;
use remit_engine::durable::ledger::{EntryQuery, Ledger, LedgerError};
use remit_workspace::{MAX_DEPTH, MAX_ENTRIES};
use rustix::fs::OFlags;
use serde_json::Value;

use crate::exit::Stop;
use crate::ledger_file;
use crate::timeline::{now_ms, rfc3339};

/// Where flags are set by hand: a JSON object of booleans.
const FLAGS: &str = ".state/flags.json";

/// The flag that is computed where nobody set it.
const ROUTING_COMPLETE: &str = "ROUTING_COMPLETE";

const QUEUE: &str = ".state/task_queue.json";
const DECISIONS: &str = ".state/routing_decisions.json";

/// Entries that are read at once.
const PAGE: usize = 1_000;

/// What the ledger of a workspace knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct LedgerFacts {
    /// Its tables with their columns; without a ledger those that remit makes when it begins.
    tables: Tables,
    /// The events of the newest run, by the words of the contract; none without a run.
    events: Option<EventFacts>,
    /// How many tasks of the newest run are in each state; none without a run.
    states: Option<BTreeMap<String, u64>>,
    /// Whether the adapters are healthy.
    adapters: Option<Standing>,
}

impl LedgerFacts {
    /// Asks the ledger in this file, if there is one. Makes none. Within a runtime.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) async fn gather(path: &Path) -> Result<Self, Stop> {
        let (tables, ledger) = ledger_file::look(path).await?;
        let mut facts = Self {
            tables,
            events: None,
            states: None,
            // Nothing has failed here yet.
            adapters: Some(Standing::Met),
        };
        if let Some(ledger) = ledger {
            facts.ask(&*ledger).await.map_err(ledger_file::stop)?;
        }
        Ok(facts)
    }

    async fn ask(&mut self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        self.adapters = Some(healthy(ledger, now_ms()).await?);
        let Some(newest) = ledger.runs(false, 1).await?.pop() else {
            return Ok(());
        };
        let states = Phase::ALL
            .into_iter()
            .map(|phase| (phase.word().to_owned(), newest.counts.of(phase)))
            .filter(|(_, count)| *count > 0);
        self.states = Some(states.collect());
        let mut words = Vec::new();
        let mut query = EntryQuery {
            run: Some(newest.run),
            task: None,
            after: 0,
            activity: false,
            limit: PAGE,
        };
        loop {
            let page = ledger.entries(query.clone()).await?;
            let Some(last) = page.last() else {
                break;
            };
            query.after = last.seq;
            words.extend(page.iter().map(|entry| entry.event.word()));
        }
        self.events = Some(EventFacts::of(words));
        Ok(())
    }
}

/// Whether work may be given to the adapters: no circuit is open now, and no safe mode.
async fn healthy(ledger: &dyn Ledger, now_ms: u64) -> Result<Standing, LedgerError> {
    if ledger.safe_mode().await?.is_some() {
        return Ok(Standing::unmet(
            "safe mode: no attempt starts",
            "see `remit safe-mode`; when all is well: remit safe-mode leave",
        ));
    }
    let mut open = Vec::new();
    for (adapter, state) in ledger.breakers().await? {
        match state {
            BreakerState::Open { until, .. } if until > now_ms => {
                open.push(format!("{adapter} until {}", rfc3339(until)));
            }
            // The next attempt is a probe.
            BreakerState::Open { .. }
            | BreakerState::HalfOpen { .. }
            | BreakerState::Closed { .. } => {}
        }
    }
    if open.is_empty() {
        return Ok(Standing::Met);
    }
    Ok(Standing::unmet(
        format!("circuits are open: {}", open.join(", ")),
        "wait, or after mending what failed: remit circuit reset ADAPTER",
    ))
}

/// The workspace and its ledger, as far as a contract asks.
pub(crate) struct WorkspaceFacts {
    root: Dir,
    ledger: LedgerFacts,
}

/// Opens a workspace for looking.
pub(crate) fn open(workspace: &Path) -> Result<Dir, Stop> {
    Dir::open_ambient_dir(workspace, ambient_authority()).map_err(|error| {
        Stop::usage(
            format!("cannot open {}: {error}", workspace.display()),
            "check its permissions",
        )
    })
}

/// Reads a text of the workspace; none if nothing is there.
///
/// # Errors
/// It is no regular file, leads out of the workspace, is larger than `max` bytes, or not UTF-8.
pub(crate) fn read_text(root: &Dir, path: &str, max: u64) -> Result<Option<String>, String> {
    let mut options = OpenOptions::new();
    // A pipe in place of a file must not be waited for.
    options
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits() as i32);
    let file = match root.open_with(path, &options) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(format!("`{path}` cannot be read: {error}")),
    };
    if !file.metadata().is_ok_and(|data| data.is_file()) {
        return Err(format!("`{path}` is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("`{path}` cannot be read: {error}"))?;
    if bytes.len() as u64 > max {
        return Err(format!("`{path}` has more than {max} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("`{path}` is not UTF-8"))?;
    Ok(Some(text))
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

impl WorkspaceFacts {
    /// A workspace, with what its ledger says.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn of(workspace: &Path, ledger: LedgerFacts) -> Result<Self, Stop> {
        Ok(Self {
            root: open(workspace)?,
            ledger,
        })
    }

    /// Looks at one path.
    fn look(&self, path: &RelPath, wants_directory: bool) -> Look {
        let data = match self.root.metadata(path.as_str()) {
            Ok(data) => data,
            Err(error) if is_absent(&error) => return Look::Missing,
            Err(error) => return Look::Unreadable(error.to_string()),
        };
        match (data.is_dir(), data.is_file()) {
            (true, _) if wants_directory => Look::Found,
            (_, true) if !wants_directory => Look::Found,
            (true, _) => Look::Other("a directory"),
            (_, true) => Look::Other("a file"),
            (false, false) => Look::Other("something that is neither file nor directory"),
        }
    }

    /// Looks for something below a directory that matches. Links to directories are not followed.
    fn search(&self, need: &FileNeed) -> Look {
        let mut open = vec![(need.searched().clone(), 0)];
        let mut seen = 0;
        // A directory that nobody may read matters only if nothing is found elsewhere.
        let mut unread = None;
        while let Some((directory, depth)) = open.pop() {
            let entries = match self
                .root
                .open_dir(directory.as_str())
                .and_then(|d| d.entries())
            {
                Ok(entries) => entries,
                Err(error) if is_absent(&error) => continue,
                Err(error) => {
                    unread = Some(format!("`{directory}`: {error}"));
                    continue;
                }
            };
            for entry in entries {
                seen += 1;
                if seen > MAX_ENTRIES || depth > MAX_DEPTH {
                    return Look::Unreadable(format!(
                        "`{}` has more than {MAX_ENTRIES} entries, or more than {MAX_DEPTH} levels",
                        need.searched()
                    ));
                }
                // What is gone meanwhile, or has a name that no pattern can be, matches nothing.
                let Ok(entry) = entry else { continue };
                let name = entry.file_name();
                let name = name.to_str().and_then(|name| RelPath::parse(name).ok());
                let Some(path) = name.and_then(|name| directory.join(&name).ok()) else {
                    continue;
                };
                if need.matches(&path) && self.look(&path, need.is_directory()) == Look::Found {
                    return Look::Found;
                }
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    open.push((path, depth + 1));
                }
            }
        }
        unread.map_or(Look::Missing, Look::Unreadable)
    }

    /// Whether every task of the queue is routed.
    fn routed(&self) -> Standing {
        let fix = "let phase4 route every task of the queue";
        let text = |path| match read_text(&self.root, path, MAX_STATE_FILE) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(format!("there is no `{path}`")),
            Err(error) => Err(error),
        };
        let routed = text(QUEUE).and_then(|queue| {
            is_routed(&queue, &text(DECISIONS)?).map_err(|error| error.to_string())
        });
        match routed {
            Ok(()) => Standing::Met,
            Err(missing) => Standing::unmet(missing, fix),
        }
    }

    /// What `.state/flags.json` says about a flag.
    fn set_by_hand(&self, name: &str) -> Result<Option<bool>, String> {
        /// Far more than all flags that there are.
        const MAX_FLAGS: u64 = 1 << 20;
        let Some(text) = read_text(&self.root, FLAGS, MAX_FLAGS)? else {
            return Ok(None);
        };
        let value: Value = serde_json::from_str(&text)
            .map_err(|error| format!("`{FLAGS}` is not JSON: {error}"))?;
        let flags = value.as_object().ok_or(format!("`{FLAGS}` is no object"))?;
        match flags.get(name) {
            None => Ok(None),
            Some(Value::Bool(set)) => Ok(Some(*set)),
            Some(other) => Err(format!("`{FLAGS}`: `{name}` is {other}, not true or false")),
        }
    }
}

impl Facts for WorkspaceFacts {
    fn find(&self, need: &FileNeed) -> Look {
        match need.path() {
            Some(path) => self.look(path, need.is_directory()),
            None => self.search(need),
        }
    }

    fn tables(&self) -> Option<&Tables> {
        Some(&self.ledger.tables)
    }

    fn events(&self) -> Option<&EventFacts> {
        self.ledger.events.as_ref()
    }

    fn task_states(&self) -> Option<&BTreeMap<String, u64>> {
        self.ledger.states.as_ref()
    }

    fn flag(&self, name: &str) -> Standing {
        let by_hand = format!("write `{{\"{name}\": true}}` into `{FLAGS}`");
        match self.set_by_hand(name) {
            Ok(Some(true)) => Standing::Met,
            Ok(Some(false)) => {
                Standing::unmet(format!("`{FLAGS}` says that `{name}` is not set"), by_hand)
            }
            Ok(None) if name == ROUTING_COMPLETE => match self.routed() {
                Standing::Unmet { missing, fix } => {
                    Standing::unmet(missing, format!("{fix}, or {by_hand}"))
                }
                other @ (Standing::Met | Standing::Warning { .. }) => other,
            },
            Ok(None) => Standing::unmet(
                format!("`{name}` is not set"),
                format!("let the phase run that sets it, or {by_hand}"),
            ),
            Err(error) => Standing::unmet(
                error,
                format!("correct `{FLAGS}`, an object of true and false"),
            ),
        }
    }

    fn holds(&self, condition: Condition) -> Option<Standing> {
        match condition {
            Condition::TasksRouted => Some(self.flag(ROUTING_COMPLETE)),
            Condition::AdaptersHealthy => self.ledger.adapters.clone(),
            Condition::EnvironmentReady => Some(match self.look(&state_directory(), true) {
                Look::Found => Standing::Met,
                Look::Missing | Look::Other(_) | Look::Unreadable(_) => Standing::unmet(
                    "there is no directory `.state` in the workspace",
                    "let the phases before run here, or name the workspace with -C",
                ),
            }),
            // Both are plugins and hooks of other phases; whether there are any is not known here.
            Condition::ErrorDetection | Condition::Monitoring => None,
        }
    }
}

fn state_directory() -> RelPath {
    RelPath::parse(".state").unwrap_or_else(|_| RelPath::root())
}

#[cfg(test)]
mod tests;
