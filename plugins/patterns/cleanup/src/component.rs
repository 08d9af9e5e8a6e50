//! The pattern as the host sees it: reads the configuration, asks tools, reports.
//!
//! Never: a decision about files; those are in the modules of the patterns.

use std::path::{Path, PathBuf};

use remit_plugin_library::files::{self, Kind};
use remit_plugin_library::path::SafePath;
use remit_plugin_library::report::Lifecycle;
use remit_plugin_library::session::{self, HostClock, HostEvents};
use remit_plugin_library::transaction::Transaction;
use remit_plugin_sdk::{
    Call, Context, Descriptor, Exit, Failure, Outcome, Pattern, Problem, clock, json, progress,
    workspace,
};
use remit_plugin_survey::MOST_YAML_BYTES;

use crate::config::Config;
use crate::date;
use crate::request::{INPUT_SCHEMA, OUTPUT_SCHEMA, Request};
use crate::run::{Report, Stop, World, clean};
use crate::stale::LastCommit;
use crate::status;
use crate::testing::{Runner, TestRun, Tests};

/// The pattern in result records: the origin's program has no identifier in its registry.
const PATTERN_ID: &str = "PAT-CLEANUP-EXECUTOR-001";
/// Where a configuration usually is.
const USUAL_CONFIG: &str = "config/cleanup_automation_config.yaml";
/// How many lines of the tests' output a failure shows.
const SHOWN_LINES: usize = 15;

/// The plugin.
pub(crate) struct Cleanup;

impl Pattern for Cleanup {
    fn describe() -> Descriptor {
        Descriptor {
            id: "cleanup".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Tidy a tree: duplicates, stale files, old imports, old archives".into(),
            input_schema: INPUT_SCHEMA.into(),
            output_schema: OUTPUT_SCHEMA.into(),
        }
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        Request::check(&inputs)
            .err()
            .map(session::problems)
            .unwrap_or_default()
    }

    fn execute(context: Context) -> Result<Outcome, Failure> {
        let mut life = Lifecycle::begin(PATTERN_ID, None, &HostEvents, &HostClock);
        let mut stays = Vec::new();
        match carry_out(&context, &mut life, &mut stays) {
            Ok(done) => {
                progress::percent(100);
                Ok(Outcome {
                    summary: summary(&done),
                    outputs: with_record(&done, done.made(), life)?,
                    artifacts: Vec::new(),
                })
            }
            Err(failure) => {
                life.failed(vec![session::sentence(&failure)], stays);
                Err(failure)
            }
        }
    }
}

/// Does all of it. `stays` are the files that stay although it failed.
fn carry_out(
    context: &Context,
    life: &mut Lifecycle<'_>,
    stays: &mut Vec<String>,
) -> Result<Report, Failure> {
    let request = Request::check(&context.inputs).map_err(session::problems)?;
    let base = workspace::root()?;
    let config = read_config(&base, request.config.as_ref())?;
    life.resolved(&serde_json::json!({ "patterns": request.patterns }));
    life.expanded(0);
    life.validated();
    let world = Host {
        context,
        base: base.clone(),
    };
    clean(&world, &base, &config, &request).map_err(|stop| match stop {
        Stop::Outside(failure) => failure,
        Stop::Failed {
            code,
            message,
            hint,
            report,
        } => {
            *stays = report.made();
            for result in &report.results {
                // A result has a JSON form.
                drop(progress::log(
                    progress::Level::Error,
                    "cleanup.result",
                    result,
                ));
            }
            Failure::failed_with_hint(code, message, hint)
        }
    })
}

/// The outputs, with the record of the result.
fn with_record(
    outputs: impl serde::Serialize,
    files: Vec<String>,
    life: Lifecycle<'_>,
) -> Result<String, Failure> {
    let failed = |error: serde_json::Error| Failure::failed("invalid-json", error.to_string());
    let mut outputs = serde_json::to_value(outputs).map_err(failed)?;
    let record = serde_json::to_value(life.completed(files)).map_err(failed)?;
    if let Some(outputs) = outputs.as_object_mut() {
        outputs.insert("result".to_owned(), record);
    }
    json::text(&outputs)
}

fn read_config(base: &Path, named: Option<&SafePath>) -> Result<Config, Failure> {
    let path = match named {
        Some(path) => path.to_string(),
        None if matches!(files::kind(&base.join(USUAL_CONFIG)), Ok(Some(Kind::File))) => {
            USUAL_CONFIG.to_owned()
        }
        None => {
            progress::info("no configuration: defaults, and nothing is changed");
            return Ok(Config::unwritten());
        }
    };
    let limit = u64::try_from(MOST_YAML_BYTES).unwrap_or(u64::MAX);
    let text = files::read_text(&base.join(&path), limit)
        .map_err(|error| Failure::failed("cannot-read", error.to_string()))?;
    Config::parse(&text).map_err(|error| Failure::failed("bad-config", format!("{path}: {error}")))
}

fn summary(report: &Report) -> String {
    let each: Vec<String> = report
        .results
        .iter()
        .map(|result| match (&result.error_message, report.dry_run) {
            (Some(reason), _) => format!("{} skipped ({reason})", result.pattern_id),
            (None, true) => format!(
                "{} would change {}",
                result.pattern_id, result.changes_planned
            ),
            (None, false) => format!("{} changed {}", result.pattern_id, result.changes_made),
        })
        .collect();
    if each.is_empty() {
        "nothing is configured".to_owned()
    } else {
        each.join("; ")
    }
}

struct Host<'a> {
    context: &'a Context,
    base: PathBuf,
}

impl World for Host<'_> {
    type Error = Failure;

    fn begin(&self) -> Result<Transaction<'_>, Failure> {
        session::begin(self.context, &self.base, &SafePath::here())
    }

    fn dirty(&self) -> Result<Result<Vec<String>, String>, Failure> {
        let output = Call::new("git", "status").run()?;
        if let Exit::Killed(_) = output.exit {
            return Err(output.failure("git status"));
        }
        if !output.success {
            return Ok(Err(format!("git status: {}", output.stderr_tail(1))));
        }
        Ok(Ok(status::dirty(&output.stdout_text())))
    }

    fn test(&self, tests: &Tests, open: Option<&mut Transaction<'_>>) -> Result<TestRun, Failure> {
        let call = call(tests);
        let (tool, template) = tests.runner.tool();
        let output = match open {
            Some(transaction) => session::run(transaction, &call)?,
            None => call.run()?,
        };
        if let Exit::Killed(_) = output.exit {
            return Err(output.failure(tool));
        }
        let said = format!("{}\n{}", output.stdout_text(), output.stderr_text());
        let lines: Vec<&str> = said.trim_end().lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(SHOWN_LINES)..)
            .unwrap_or_default();
        Ok(TestRun {
            command: format!("{tool}:{template}"),
            passed: output.success,
            count: tests.runner.passed(&said),
            tail: tail.join("\n"),
        })
    }

    fn last_commit(&self, path: &SafePath) -> LastCommit {
        let call = Call::new("git", "log")
            .slot("count", "1")
            .slots("paths", [path.as_str()]);
        let Ok(output) = call.run() else {
            return LastCommit::Unknown;
        };
        if !output.success {
            return LastCommit::Unknown;
        }
        let text = output.stdout_text();
        if text.trim().is_empty() {
            return LastCommit::Never;
        }
        text.split('\t')
            .find_map(date::parse)
            .map_or(LastCommit::Unknown, LastCommit::At)
    }

    fn now_ms(&self) -> u64 {
        clock::now_ms()
    }

    fn run_id(&self) -> String {
        format!("{}-{}", self.context.run_id, self.context.attempt)
    }

    fn step(&self, text: &str) {
        progress::step(text);
    }
}

fn call(tests: &Tests) -> Call {
    let (tool, template) = tests.runner.tool();
    let call = Call::new(tool, template);
    match tests.runner {
        Runner::Pytest => call.slots("paths", tests.paths.clone()),
        Runner::Unittest => match tests.paths.first() {
            Some(directory) => call.slot("dir", directory),
            None => call,
        },
        Runner::Node => match tests.paths.first() {
            Some(file) => call.slot("file", file),
            None => call,
        },
        Runner::Cargo | Runner::Go => call,
    }
}
