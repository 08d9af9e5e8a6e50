//! Checks, carries out, tests, and takes back.
//!
//! Each pattern is one transaction: it is kept if the tests pass afterwards, and taken back if not.
//! Never: a change before all checks have passed, a success whose tests failed.

use std::path::Path;

use remit_plugin_library::files::{self, Kind, Limits};
use remit_plugin_library::path::SafePath;
use remit_plugin_library::report::timestamp;
use remit_plugin_library::transaction::{Existing, MAX_FILE_BYTES, Transaction, TransactionError};
use serde::Serialize;
use serde_json::Value;

use crate::check::choose;
use crate::config::{Archives, Config, ConfigError, Duplicates, Imports, Stale};
use crate::date::DAY_MS;
use crate::plan::{Action, Plan, Shown, Step};
use crate::request::Request;
use crate::scan::{Mentions, Tree};
use crate::stale::LastCommit;
use crate::testing::{TestRun, Tests};
use crate::{archives, duplicates, imports, stale};

/// How many files a message names.
pub(crate) const NAMED: usize = 5;

/// What is outside: tools, time, transactions.
pub(crate) trait World {
    /// Why something outside could not be done at all.
    type Error;

    /// Begins a transaction.
    fn begin(&self) -> Result<Transaction<'_>, Self::Error>;
    /// The files that are not committed, or why git does not know.
    fn dirty(&self) -> Result<Result<Vec<String>, String>, Self::Error>;
    /// Runs the tests; while they run, a transaction that is open shows that it is at work.
    fn test(
        &self,
        tests: &Tests,
        open: Option<&mut Transaction<'_>>,
    ) -> Result<TestRun, Self::Error>;
    /// When a file was committed last.
    fn last_commit(&self, path: &SafePath) -> LastCommit;
    /// Unix time in milliseconds.
    fn now_ms(&self) -> u64;
    /// Something unique for the run, fit for a file's name.
    fn run_id(&self) -> String;
    /// Says what is done now.
    fn step(&self, text: &str);
}

/// How a pattern ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Success,
    Failure,
    RolledBack,
    Skipped,
}

/// The result of one pattern, in the origin's form and with what was planned.
#[derive(Debug, Serialize)]
pub(crate) struct PatternResult {
    pub(crate) pattern_id: String,
    pub(crate) status: Status,
    start: String,
    end: String,
    duration_seconds: f64,
    pub(crate) changes_planned: usize,
    pub(crate) changes_made: usize,
    commits_created: Vec<String>,
    pub(crate) tests_passed: Option<bool>,
    pub(crate) rollback_performed: bool,
    pub(crate) error_message: Option<String>,
    pub(crate) changes: Vec<Shown>,
    pub(crate) notes: Vec<String>,
    pub(crate) findings: Value,
}

/// The result of all.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) dry_run: bool,
    pub(crate) tests_before: Option<TestRun>,
    pub(crate) backup: Option<String>,
    pub(crate) results: Vec<PatternResult>,
}

impl Report {
    /// The files that are there because of what was done and stays.
    pub(crate) fn made(&self) -> Vec<String> {
        let done = self.results.iter().filter(|result| result.changes_made > 0);
        done.flat_map(|result| &result.changes)
            .filter_map(Shown::made)
            .map(str::to_owned)
            .collect()
    }
}

/// Why it did not end well.
#[derive(Debug)]
pub(crate) enum Stop<E> {
    /// Something outside could not be done at all.
    Outside(E),
    /// It was tried, or refused before anything was changed.
    Failed {
        code: &'static str,
        message: String,
        hint: &'static str,
        report: Box<Report>,
    },
}

impl<E> From<ConfigError> for Stop<E> {
    fn from(error: ConfigError) -> Self {
        failed(
            "bad-config",
            error.0,
            "Correct the configuration; nothing was changed.",
            Report::default(),
        )
    }
}

pub(crate) fn failed<E>(
    code: &'static str,
    message: String,
    hint: &'static str,
    report: Report,
) -> Stop<E> {
    Stop::Failed {
        code,
        message,
        hint,
        report: Box::new(report),
    }
}

/// Everything that stays the same during a run.
pub(crate) struct Run<'a, W> {
    pub(crate) world: &'a W,
    base: &'a Path,
    pub(crate) config: &'a Config,
    pub(crate) tests: Option<Tests>,
    pub(crate) before: Option<TestRun>,
    /// Where the originals go, if backups are made.
    pub(crate) backup: Option<SafePath>,
}

/// Carries out what is asked for.
///
/// # Errors
/// The configuration is wrong, a check before the first change failed, or a pattern failed.
pub(crate) fn clean<W: World>(
    world: &W,
    base: &Path,
    config: &Config,
    request: &Request,
) -> Result<Report, Stop<W::Error>> {
    let dry_run = request.dry_run.unwrap_or(config.global.dry_run);
    let chosen = choose(config, request, dry_run)?;
    let mut run = Run {
        world,
        base,
        config,
        tests: None,
        before: None,
        backup: None,
    };
    let mut report = Report {
        dry_run,
        ..Report::default()
    };
    if !dry_run && chosen.iter().any(|(_, skipped)| skipped.is_none()) {
        run.prepare(request)?;
        report.tests_before = run.before.clone();
    }
    let mut broken = None;
    for (id, skipped) in chosen {
        let start = world.now_ms();
        let result = match (skipped, &broken) {
            (Some(reason), _) => run.result(&id, start, Status::Skipped, Some(reason)),
            (None, Some(failed)) => {
                let reason = format!("{failed} failed before");
                run.result(&id, start, Status::Skipped, Some(reason))
            }
            (None, None) => {
                world.step(&format!("look for {id}"));
                let plan = run.plan(&id)?;
                if dry_run || plan.skipped.is_some() || plan.steps.is_empty() {
                    run.only_planned(&id, start, plan)
                } else {
                    run.carry_out(&id, start, plan)?
                }
            }
        };
        if matches!(result.status, Status::Failure | Status::RolledBack) {
            broken = Some(id);
        }
        report.results.push(result);
    }
    report.backup = run
        .backup
        .as_ref()
        .filter(|_| report.results.iter().any(|one| one.changes_made > 0))
        .map(ToString::to_string);
    if let Some(id) = broken {
        let of = report.results.iter().find(|one| one.pattern_id == id);
        let why = of
            .and_then(|one| one.error_message.clone())
            .unwrap_or_default();
        let hint =
            "Read the log's line `cleanup.result`: it says what was tried and what was taken back.";
        return Err(failed(
            "cleanup-failed",
            format!("{id}: {why}"),
            hint,
            report,
        ));
    }
    if !dry_run {
        run.prune();
    }
    Ok(report)
}

impl<W: World> Run<'_, W> {
    fn plan(&self, id: &str) -> Result<Plan, ConfigError> {
        let now = self.world.now_ms();
        let tree = || Tree::scan(self.base, self.config);
        let mut plan = match id {
            "EXEC-014" => {
                let settings: Duplicates = self.config.pattern(id)?.unwrap_or_default();
                let tree = tree()?;
                let mentions = Mentions::read(self.base, &tree);
                with_notes(
                    duplicates::plan(self.base, &tree, &mentions, &settings)?,
                    tree,
                )
            }
            "EXEC-015" => {
                let settings: Stale = self.config.pattern(id)?.unwrap_or_default();
                let tree = tree()?;
                let mentions = Mentions::read(self.base, &tree);
                let last = |path: &SafePath| self.world.last_commit(path);
                with_notes(stale::plan(&tree, &mentions, &settings, now, &last)?, tree)
            }
            "EXEC-016" => {
                let settings: Imports = self.config.pattern(id)?.unwrap_or_default();
                let tree = tree()?;
                with_notes(imports::plan(self.base, &tree, &settings)?, tree)
            }
            "EXEC-017" => {
                let settings: Archives = self.config.pattern(id)?.unwrap_or_default();
                archives::plan(self.base, &settings, now)?
            }
            _ => Plan::skipped("this plugin does not carry it out"),
        };
        if plan.findings.is_null() {
            plan.findings = Value::Object(serde_json::Map::new());
        }
        Ok(plan)
    }

    /// How many steps are tested at once; all, unless the pattern wants batches.
    fn batch(&self, id: &str) -> Result<usize, ConfigError> {
        let settings: Option<Imports> = match id {
            "EXEC-016" => self.config.pattern(id)?,
            _ => None,
        };
        Ok(settings
            .filter(|settings| settings.test_after_batch)
            .map_or(usize::MAX, |settings| settings.batch_size.max(1)))
    }

    fn only_planned(&self, id: &str, start: u64, plan: Plan) -> PatternResult {
        let status = if plan.skipped.is_some() {
            Status::Skipped
        } else {
            Status::Success
        };
        let mut result = self.result(id, start, status, plan.skipped.clone());
        describe(&mut result, plan);
        result
    }

    fn carry_out(&self, id: &str, start: u64, plan: Plan) -> Result<PatternResult, Stop<W::Error>> {
        self.world.step(&format!("carry out {id}"));
        let batch = self.batch(id)?;
        let mut transaction = self.world.begin().map_err(Stop::Outside)?;
        let mut tested = None;
        let mut trouble = None;
        for steps in plan.steps.chunks(batch.min(plan.steps.len()).max(1)) {
            if let Err(error) = self.apply(&mut transaction, steps) {
                trouble = Some((error.to_string(), true));
                break;
            }
            match self.tests_after(&mut transaction).map_err(Stop::Outside)? {
                None => {}
                Some(None) => tested = Some(true),
                Some(Some(reason)) => {
                    tested = Some(false);
                    trouble = Some((reason, self.config.global.rollback_on_failure));
                    break;
                }
            }
        }
        let made = plan.changes();
        let mut result = match trouble {
            None => match transaction.commit() {
                Ok(()) => {
                    let mut result = self.result(id, start, Status::Success, None);
                    result.changes_made = made;
                    result
                }
                Err(error) => {
                    let reason = format!("it could not be kept, and was taken back: {error}");
                    self.result(id, start, Status::RolledBack, Some(reason))
                }
            },
            Some((reason, true)) => {
                let undone = transaction.rollback();
                let mut reason = reason;
                for left in undone.left.iter().take(NAMED) {
                    reason += &format!("; NOT taken back: {}: {}", left.path, left.why);
                }
                self.result(id, start, Status::RolledBack, Some(reason))
            }
            Some((reason, false)) => {
                let kept = transaction.commit();
                let reason = match kept {
                    Ok(()) => format!("{reason}; the changes stay, as the configuration wants"),
                    Err(error) => format!("{reason}; then: {error}"),
                };
                let mut result = self.result(id, start, Status::Failure, Some(reason));
                result.changes_made = made;
                result
            }
        };
        result.rollback_performed = result.status == Status::RolledBack;
        result.tests_passed = tested;
        describe(&mut result, plan);
        Ok(result)
    }

    fn apply(
        &self,
        transaction: &mut Transaction<'_>,
        steps: &[Step],
    ) -> Result<(), TransactionError> {
        if let Some(home) = self.backup.as_ref().and_then(SafePath::parent) {
            // Backups are nobody's change: git is not to see them.
            transaction.write(&home.join(".gitignore"), b"*\n", Existing::Keep)?;
        }
        for step in steps {
            let backup =
                |path: &SafePath| self.backup.as_ref().map(|home| home.join(path.as_str()));
            match &step.action {
                Action::Remove(path) => match backup(path) {
                    Some(place) => transaction.rename(path.as_str(), &place)?,
                    None => transaction.delete(path.as_str())?,
                },
                Action::Move(from, to) => transaction.rename(from.as_str(), to.as_str())?,
                Action::Write(path, content) => {
                    let old = files::read(&self.base.join(path.as_str()), MAX_FILE_BYTES);
                    if let (Ok(old), Some(place)) = (old, backup(path)) {
                        transaction.write(&place, &old, Existing::Replace)?;
                    }
                    transaction.write(path.as_str(), content, Existing::Replace)?;
                }
            }
        }
        Ok(())
    }

    /// Removes backups whose time is over. That it cannot is no reason to fail.
    fn prune(&self) {
        let Some(home) = self.backup.as_ref().and_then(SafePath::parent) else {
            return;
        };
        let keep_ms = self
            .config
            .global
            .backup_retention_days
            .saturating_mul(DAY_MS);
        let limits = Limits {
            entries: 100_000,
            depth: 64,
        };
        // Only the first level: nothing is entered.
        let Ok(found) = files::walk(&self.base.join(home.as_str()), limits, |path| {
            path.prefixes().len() == 1
        }) else {
            return;
        };
        let old = found.iter().filter(|entry| {
            let made = entry
                .path
                .as_str()
                .split_once('-')
                .and_then(|(made, _)| made.parse::<u64>().ok());
            entry.kind == Kind::Directory
                && entry.path.prefixes().len() == 1
                && made.is_some_and(|made| made.saturating_add(keep_ms) < self.world.now_ms())
        });
        let old: Vec<String> = old.map(|entry| home.join(entry.path.as_str())).collect();
        if old.is_empty() {
            return;
        }
        let Ok(mut transaction) = self.world.begin() else {
            return;
        };
        self.world.step("remove backups whose time is over");
        if old.iter().all(|path| transaction.delete(path).is_ok()) {
            drop(transaction.commit());
        }
    }

    fn result(&self, id: &str, start: u64, status: Status, error: Option<String>) -> PatternResult {
        /// Milliseconds of a second.
        const SECOND: f64 = 1000.0;
        let end = self.world.now_ms();
        let passed = u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX);
        PatternResult {
            pattern_id: id.to_owned(),
            status,
            start: timestamp(start),
            end: timestamp(end),
            duration_seconds: f64::from(passed) / SECOND,
            changes_planned: 0,
            changes_made: 0,
            commits_created: Vec::new(),
            tests_passed: None,
            rollback_performed: false,
            error_message: error,
            changes: Vec::new(),
            notes: Vec::new(),
            findings: Value::Object(serde_json::Map::new()),
        }
    }
}

fn with_notes(mut plan: Plan, tree: Tree) -> Plan {
    plan.notes.extend(tree.notes);
    plan
}

fn describe(result: &mut PatternResult, plan: Plan) {
    result.changes_planned = plan.changes();
    result.changes = plan.steps.iter().map(Shown::from).collect();
    result.notes = plan.notes;
    result.findings = plan.findings;
}
