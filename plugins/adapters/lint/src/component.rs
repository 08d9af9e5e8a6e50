//! The adapter as the host sees it: runs the tool, reads its report, says what came of it.
//!
//! Never: a second run of the tool. Whether to try again is the host's decision.

use remit_plugin_reports::check::{self, Request, Run};
use remit_plugin_reports::verdict::Verdict;
use remit_plugin_reports::{clippy, sarif};
use remit_plugin_sdk::{
    Adapter, AdapterReport, Call, Capabilities, Context, Failure, Problem, SafetyTier, progress,
};
use serde_json::{Map, json};

use crate::rule;

/// How long one run usually may take, in milliseconds.
const USUAL_TIME_MS: u64 = 900_000;
/// How many runs at once a machine takes: each uses several processors.
const MOST_AT_ONCE: u32 = 4;

/// The plugin.
pub(crate) struct Lint;

impl Adapter for Lint {
    fn describe() -> Capabilities {
        Capabilities {
            id: "lint".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Run a linter and report its findings".into(),
            task_kinds: vec!["lint".into()],
            domains: vec!["python".into(), "rust".into()],
            max_parallel: MOST_AT_ONCE,
            timeout_ms: USUAL_TIME_MS,
            // Clippy runs build scripts of the workspace.
            safety_tier: SafetyTier::RunsCode,
            tool_versions: None,
            input_schema: include_str!("../schema/inputs.json").into(),
        }
    }

    /// Which linter is needed is said by each request.
    fn validate_config() -> Vec<Problem> {
        Vec::new()
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        Request::check(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<AdapterReport, Failure> {
        let request = Request::check(&context.inputs)?;
        let linter = request.linter.as_deref().unwrap_or_default();
        progress::step(&format!("run {linter}"));
        if linter == "clippy" {
            clippy(&request)
        } else {
            ruff(&request)
        }
    }
}

fn ruff(request: &Request) -> Result<AdapterReport, Failure> {
    let call = Call::new("ruff", "sarif").slots("paths", request.paths.clone());
    let output = request.call(call).run_keeping(check::MOST_OUTPUT)?;
    let (findings, trouble) = match sarif::read(&output.stdout) {
        Ok(findings) => (Some(findings), None),
        Err(error) => (None, Some(format!("the report: {error}"))),
    };
    let verdict = check::ended(output.exit)
        .or_else(|| check::code(output.exit).map(|code| rule::ruff(code, findings.as_ref())))
        .unwrap_or(Verdict::Internal);
    let run = Run {
        request,
        output: &output,
        verdict,
        report_on_stdout: true,
        trouble: trouble.filter(|_| verdict == Verdict::Internal),
        more: Map::new(),
    };
    run.findings(findings.unwrap_or_default())
}

fn clippy(request: &Request) -> Result<AdapterReport, Failure> {
    let call = Call::new("cargo", "clippy-json");
    let output = request.call(call).run_keeping(check::MOST_OUTPUT)?;
    let report = clippy::read(&output.stdout_text());
    let verdict = check::ended(output.exit)
        .or_else(|| check::code(output.exit).map(|code| rule::clippy(code, &report)))
        .unwrap_or(Verdict::Internal);
    let run = Run {
        request,
        output: &output,
        verdict,
        report_on_stdout: true,
        trouble: None,
        more: check::facts([("unknown_lines", json!(report.other_lines))]),
    };
    run.findings(report.findings)
}
