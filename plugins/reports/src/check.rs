//! What all adapters of checks do with the host: ask, run, report.
//!
//! Never: a verdict; each adapter has its own rule for it.

use std::path::Path;
use std::time::Duration;

use remit_plugin_sdk::{
    AdapterReport, Artifact, Call, Exit, Failure, KillCause, Output, Problem, ProcessError,
    progress, workspace,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::findings::Findings;
use crate::place;
use crate::tests::Tests;
use crate::verdict::Verdict;
use crate::{junit, sarif};

/// Most bytes of each stream that are kept: reports on standard output are large.
pub const MOST_OUTPUT: u32 = 16 << 20;
/// How many lines of a stream a report quotes.
const TAIL_LINES: usize = 20;
/// How many tests or findings the one line for people names.
const NAMED: usize = 3;
/// Longest path that Linux takes in one piece, in bytes.
const PATH_LIMIT: usize = 4096;

/// What somebody wants checked. Each adapter's schema lets through what it knows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// What is checked: files and directories, relative to `cwd`.
    pub paths: Vec<String>,
    /// Which tests are run, by a part of their names.
    pub filter: Option<String>,
    /// Which package is checked.
    pub package: Option<String>,
    /// Which linter is used.
    pub linter: Option<String>,
    /// The directory in which the tool runs, relative to the workspace.
    pub cwd: Option<String>,
    /// Where a report is written, relative to the workspace.
    pub report: Option<String>,
    /// Limits on time and silence, in milliseconds.
    pub timeout_ms: Option<u32>,
    /// See `timeout_ms`.
    pub idle_ms: Option<u32>,
}

impl Request {
    /// Reads inputs and finds every problem that a schema cannot say.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn check(inputs: &str) -> Result<Self, Vec<Problem>> {
        let request: Self = serde_json::from_str(inputs)
            .map_err(|error| vec![Problem::new("", "type", error.to_string())])?;
        let mut problems = Vec::new();
        let mut look = |at: String, path: &str| {
            if let Some(message) = fault(path) {
                problems.push(Problem::new(at, "relative-path", message));
            }
        };
        for (index, path) in request.paths.iter().enumerate() {
            look(format!("/paths/{index}"), path);
        }
        for (at, path) in [("/cwd", &request.cwd), ("/report", &request.report)] {
            if let Some(path) = path {
                look(at.to_owned(), path);
            }
        }
        if problems.is_empty() {
            Ok(request)
        } else {
            Err(problems)
        }
    }

    /// The directory in which the tool runs.
    #[must_use]
    pub fn directory(&self) -> &str {
        self.cwd.as_deref().unwrap_or(".")
    }

    /// Adds directory and limits to a call.
    pub fn call(&self, mut call: Call) -> Call {
        if let Some(directory) = &self.cwd {
            call = call.cwd(directory);
        }
        if let Some(time) = self.timeout_ms {
            call = call.timeout(Duration::from_millis(time.into()));
        }
        if let Some(time) = self.idle_ms {
            call = call.idle(Duration::from_millis(time.into()));
        }
        call
    }
}

fn fault(path: &str) -> Option<&'static str> {
    if path.is_empty() || path.len() > PATH_LIMIT {
        return Some("a path has 1 to 4096 bytes; `.` is the directory itself");
    }
    if path.starts_with('/') || path.contains(['\\', '\0']) {
        return Some("must be relative and use `/`, for example `tests`");
    }
    path.split('/')
        .any(|part| part == "..")
        .then_some("must not contain `..`")
}

/// What is missing for a tool to run. That it is not allowed is not missing: the run says so, with
/// the line that would allow it.
#[must_use]
pub fn missing(tool: &str, template: &str) -> Vec<Problem> {
    match Call::new(tool, template).check() {
        Err(ProcessError::ToolMissing(message)) => {
            vec![Problem::new(format!("/tools/{tool}"), "missing", message)]
        }
        Ok(()) | Err(_) => Vec::new(),
    }
}

/// The verdict of a tool that did not end by itself; nothing if it did.
#[must_use]
pub fn ended(exit: Exit) -> Option<Verdict> {
    match exit {
        Exit::Code(_) => None,
        // Somebody, or the machine, ended it.
        Exit::Signal(_) => Some(Verdict::Interrupted),
        Exit::Killed(cause) => Some(match cause {
            KillCause::WallTimeout | KillCause::IdleTimeout => Verdict::Timeout,
            KillCause::OutputLimit => Verdict::Limit,
            KillCause::RunEnded => Verdict::Cancelled,
            KillCause::Requested | KillCause::SupervisorLost => Verdict::Interrupted,
        }),
    }
}

/// The exit code of a tool that ended by itself.
#[must_use]
pub fn code(exit: Exit) -> Option<u8> {
    match exit {
        Exit::Code(code) => Some(code),
        Exit::Signal(_) | Exit::Killed(_) => None,
    }
}

/// What there is to say of a run.
pub struct Run<'a> {
    /// What somebody wanted.
    pub request: &'a Request,
    /// What the tool did.
    pub output: &'a Output,
    /// What came of it.
    pub verdict: Verdict,
    /// Whether standard output is the report, and not for people.
    pub report_on_stdout: bool,
    /// What could not be read, and why.
    pub trouble: Option<String>,
    /// Further facts.
    pub more: Map<String, Value>,
}

impl Run<'_> {
    /// The report of a run of tests; writes JUnit XML where that was asked for.
    ///
    /// # Errors
    /// The run ended, or a report that was asked for could not be written.
    pub fn tests(mut self, suite: &str, mut tests: Tests) -> Result<AdapterReport, Failure> {
        let root = workspace::root().ok();
        if let Some(root) = &root {
            place::find_all(root, self.request.directory(), &mut tests);
        }
        let artifact = match (&self.request.report, &root) {
            (Some(path), Some(root)) => {
                let text = junit::write(suite, &tests);
                Some(save(root, path, text.as_bytes(), "application/xml")?)
            }
            (None, _) | (_, None) => None,
        };
        let line = tests_line(&tests);
        for case in tests.failed.iter().take(NAMED) {
            progress::error(named(case));
        }
        self.more.insert("counts".to_owned(), json!(tests.counts));
        self.more.insert("failed".to_owned(), json!(tests.failed));
        self.more
            .insert("left_out".to_owned(), json!(tests.left_out));
        self.finish(line, artifact)
    }

    /// The report of a linter; writes SARIF where that was asked for.
    ///
    /// # Errors
    /// The run ended, or a report that was asked for could not be written.
    pub fn findings(mut self, mut findings: Findings) -> Result<AdapterReport, Failure> {
        let root = workspace::root().ok();
        if let Some(root) = &root {
            for finding in &mut findings.findings {
                if let Some(file) = &mut finding.file
                    && let Some(path) = place::find(root, self.request.directory(), file)
                {
                    *file = path;
                }
            }
        }
        let artifact = match (&self.request.report, &root) {
            (Some(path), Some(root)) => {
                let text = serde_json::to_string_pretty(&sarif::write(&findings))
                    .map_err(|error| Failure::failed("invalid-json", error.to_string()))?;
                Some(save(root, path, text.as_bytes(), "application/sarif+json")?)
            }
            (None, _) | (_, None) => None,
        };
        let line = findings_line(&findings);
        let details = serde_json::to_value(&findings)
            .map_err(|error| Failure::failed("invalid-json", error.to_string()))?;
        if let Value::Object(details) = details {
            self.more.extend(details);
        }
        self.finish(line, artifact)
    }

    fn finish(
        mut self,
        line: String,
        artifact: Option<Artifact>,
    ) -> Result<AdapterReport, Failure> {
        if self.verdict == Verdict::Cancelled {
            return Err(Failure::Cancelled);
        }
        let success = self.verdict == Verdict::Success;
        let exit = match self.output.exit {
            Exit::Code(code) => json!({ "code": code }),
            Exit::Signal(number) => json!({ "signal": number }),
            Exit::Killed(_) => json!({ "killed": self.output.exit.to_string() }),
        };
        let quoted = quote(self.output, self.report_on_stdout);
        self.more.insert("verdict".to_owned(), json!(self.verdict));
        self.more.insert("exit".to_owned(), exit);
        // The tool's word, and what its report shows: where they differ, somebody should look.
        self.more
            .insert("mismatch".to_owned(), json!(self.output.success != success));
        self.more.insert("trouble".to_owned(), json!(self.trouble));
        self.more.insert(
            "truncated".to_owned(),
            json!(self.output.truncated || self.output.usage.truncated),
        );
        self.more.insert("said".to_owned(), json!(quoted));
        let error = (!success).then(|| {
            let mut error = format!("{}: {line}", self.verdict.word());
            for text in [self.trouble.as_deref(), last(&quoted)]
                .into_iter()
                .flatten()
            {
                error += "; ";
                error += text;
            }
            error
        });
        Ok(AdapterReport {
            success,
            output: line,
            error,
            duration_ms: duration(self.output.usage.wall_ms),
            artifacts: artifact.into_iter().collect(),
            // The tool claims nothing; the host looks for itself.
            claimed_changes: Vec::new(),
            cost: None,
            details: Value::Object(self.more).to_string(),
        })
    }
}

/// The ends of the streams that are for people, standard error last.
fn quote(output: &Output, report_on_stdout: bool) -> String {
    let mut said = if report_on_stdout {
        String::new()
    } else {
        output.stdout_tail(TAIL_LINES)
    };
    let errors = output.stderr_tail(TAIL_LINES);
    if !said.is_empty() && !errors.is_empty() {
        said.push('\n');
    }
    said += &errors;
    crate::tests::cut(&mut said, crate::tests::MOST_MESSAGE);
    said
}

fn last(text: &str) -> Option<&str> {
    text.lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
}

fn tests_line(tests: &Tests) -> String {
    let counts = &tests.counts;
    let mut line = format!(
        "tests: {} passed, {} failed, {} errors, {} skipped",
        counts.passed, counts.failed, counts.errors, counts.skipped
    );
    for (index, case) in tests.failed.iter().take(NAMED).enumerate() {
        line += if index == 0 { ": " } else { "; " };
        line += &named(case);
    }
    line
}

fn findings_line(findings: &Findings) -> String {
    let mut line = format!("findings: {}", findings.total);
    for (index, found) in findings.findings.iter().take(NAMED).enumerate() {
        line += if index == 0 { ": " } else { "; " };
        if let Some(rule) = &found.rule {
            line += rule;
            line.push(' ');
        }
        line += &found.message;
        match (&found.file, found.line) {
            (Some(file), Some(number)) => line += &format!(" ({file}:{number})"),
            (Some(file), None) => line += &format!(" ({file})"),
            (None, _) => {}
        }
    }
    line
}

fn named(case: &crate::tests::Case) -> String {
    match &case.location {
        Some(location) => match location.line {
            Some(line) => format!("{} ({}:{line})", case.name, location.file),
            None => format!("{} ({})", case.name, location.file),
        },
        None => case.name.clone(),
    }
}

/// Writes a report, with the directories that it is in.
fn save(root: &Path, path: &str, bytes: &[u8], media_type: &str) -> Result<Artifact, Failure> {
    let place = root.join(path);
    let failed = |error: std::io::Error| {
        Failure::failed("cannot-write", format!("the report {path}: {error}"))
    };
    if let Some(parent) = place.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(&place, bytes).map_err(failed)?;
    let artifact = Artifact {
        path: path.to_owned(),
        media_type: media_type.to_owned(),
        description: Some("the report of the check".to_owned()),
    };
    progress::produced(&artifact);
    Ok(artifact)
}

/// Milliseconds as the report wants them; whole ones are exact up to 285 000 years.
#[expect(clippy::cast_precision_loss, reason = "no run lasts 2^53 milliseconds")]
fn duration(milliseconds: u64) -> f64 {
    milliseconds as f64
}

/// The object of further facts.
#[must_use]
pub fn facts<const N: usize>(facts: [(&str, Value); N]) -> Map<String, Value> {
    facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
