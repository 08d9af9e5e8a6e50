//! What has to hold before the first change, and after the last.
//!
//! Never: a change that stays.

use remit_plugin_library::path::SafePath;
use remit_plugin_library::transaction::{Existing, Transaction};

use crate::config::{Approval, Config, ConfigError, KNOWN};
use crate::request::Request;
use crate::run::{NAMED, Report, Run, Stop, World, failed};
use crate::testing::{TestRun, Tests};

/// The patterns that were asked for, in the order of their priorities, each with the reason why it
/// is skipped, if it is.
pub(crate) fn choose(
    config: &Config,
    request: &Request,
    dry_run: bool,
) -> Result<Vec<(String, Option<String>)>, ConfigError> {
    let mut chosen = Vec::new();
    let mut ids: Vec<&str> = match &request.patterns {
        Some(named) => named.iter().map(String::as_str).collect(),
        None => config.patterns.keys().map(String::as_str).collect(),
    };
    ids.sort_unstable();
    for id in ids {
        let settings: Option<Approval> = config.pattern(id)?;
        let threshold = config.global.auto_approval_threshold;
        let (priority, skipped) = match settings {
            _ if !KNOWN.iter().any(|(known, _)| *known == id) => (
                i64::MAX,
                Some("this plugin does not carry it out".to_owned()),
            ),
            None => (i64::MAX, Some("it is not configured".to_owned())),
            Some(one) if !one.enabled => (one.priority, Some("it is disabled".to_owned())),
            Some(one) if dry_run || request.auto_approve => (one.priority, None),
            Some(one) if !one.auto_approve => (
                one.priority,
                Some("it wants a review; look at a dry run, then use auto_approve=true".to_owned()),
            ),
            Some(one) if one.confidence < threshold => {
                let confidence = one.confidence;
                let reason = format!(
                    "its confidence of {confidence} is below {threshold}; look at a dry run, then use auto_approve=true"
                );
                (one.priority, Some(reason))
            }
            Some(one) => (one.priority, None),
        };
        chosen.push((priority, id.to_owned(), skipped));
    }
    chosen.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    Ok(chosen
        .into_iter()
        .map(|(_, id, skipped)| (id, skipped))
        .collect())
}

impl<W: World> Run<'_, W> {
    /// Everything that must hold before the first change.
    pub(crate) fn prepare(&mut self, request: &Request) -> Result<(), Stop<W::Error>> {
        let refused =
            |message: String, hint| failed("pre-check-failed", message, hint, Report::default());
        self.world.step("check that everything is committed");
        match self.world.dirty().map_err(Stop::Outside)? {
            Ok(files) if files.is_empty() => {}
            Ok(files) => {
                let shown: Vec<&str> = files.iter().take(NAMED).map(String::as_str).collect();
                let message = format!("not committed: {} files: {}", files.len(), shown.join(", "));
                return Err(refused(
                    message,
                    "Commit or remove what is there. Nothing was changed.",
                ));
            }
            Err(reason) => {
                let hint =
                    "A clean-up needs a repository in which all is committed. Nothing was changed.";
                return Err(refused(reason, hint));
            }
        }
        let global = &self.config.global;
        if global.create_backups {
            let home = Config::directory("global.backup_directory", &global.backup_directory)?;
            let name = format!("{}-{}", self.world.now_ms(), self.world.run_id());
            let place = SafePath::file(&home.join(&name))
                .map_err(|error| ConfigError(format!("global.backup_directory: {error}")))?;
            self.backup = Some(place);
            self.try_backup(&home).map_err(|error| match error {
                Ok(reason) => refused(
                    format!("backups cannot be written: {reason}"),
                    "Nothing was changed.",
                ),
                Err(outside) => Stop::Outside(outside),
            })?;
        }
        if global.test_after_execution {
            self.tests = match &request.tests {
                Some(tests) => tests.clone(),
                None => Some(tests_of(self.config).map_err(|reason| {
                    refused(
                        reason,
                        "Name the input `tests`: what runs them, or `none`. Nothing was changed.",
                    )
                })?),
            };
        }
        if let Some(tests) = &self.tests {
            self.world.step("run the tests before");
            let run = self.world.test(tests, None).map_err(Stop::Outside)?;
            if let Some(reason) = fault(&run, self.config.validation.test_required_pass_count) {
                return Err(refused(
                    format!("the tests are not green before the first change: {reason}"),
                    "Make them pass first. Nothing was changed.",
                ));
            }
            self.before = Some(run);
        }
        Ok(())
    }

    /// Writes below the backup directory and takes it back.
    fn try_backup(&self, home: &SafePath) -> Result<(), Result<String, W::Error>> {
        let mut transaction = self.world.begin().map_err(Err)?;
        let written = transaction.write(&home.join("try"), b"", Existing::Keep);
        transaction.rollback();
        written.map(drop).map_err(|error| Ok(error.to_string()))
    }

    /// Nothing if no tests are run; else nothing wrong, or what is wrong.
    pub(crate) fn tests_after(
        &self,
        transaction: &mut Transaction<'_>,
    ) -> Result<Option<Option<String>>, W::Error> {
        let Some(tests) = &self.tests else {
            return Ok(None);
        };
        self.world.step("run the tests after");
        let run = self.world.test(tests, Some(transaction))?;
        let before = self
            .before
            .as_ref()
            .and_then(|run| run.count)
            .unwrap_or_default();
        let reason = fault(&run, before);
        Ok(Some(reason.map(|reason| {
            format!("the tests failed afterwards: {reason}")
        })))
    }
}

fn tests_of(config: &Config) -> Result<Tests, String> {
    match &config.validation.test_command {
        Some(command) => {
            Tests::of_command(command).map_err(|error| format!("validation.test_command: {error}"))
        }
        None => Err("nothing says how the tests are run".to_owned()),
    }
}

/// What is wrong with a run of the tests, of which at least so many have to pass.
fn fault(run: &TestRun, least: u64) -> Option<String> {
    if !run.passed {
        return Some(format!("{} failed: {}", run.command, run.tail));
    }
    match run.count {
        Some(0) => Some(format!("{} ran no tests", run.command)),
        Some(count) if count < least => Some(format!(
            "{}: {count} passed, at least {least} have to",
            run.command
        )),
        Some(_) | None => None,
    }
}
