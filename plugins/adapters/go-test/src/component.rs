//! The adapter as the host sees it: runs the tool, reads its report, says what came of it.
//!
//! Never: a second run of the tool. Whether to try again is the host's decision.

use remit_plugin_reports::check::{self, Request, Run};
use remit_plugin_reports::gotest;
use remit_plugin_reports::verdict::Verdict;
use remit_plugin_sdk::{
    Adapter, AdapterReport, Call, Capabilities, Context, Failure, Problem, SafetyTier, progress,
};
use serde_json::json;

use crate::rule::verdict;

/// How long one run usually may take, in milliseconds.
const USUAL_TIME_MS: u64 = 900_000;
/// How many runs at once a machine takes: each uses several processors.
const MOST_AT_ONCE: u32 = 4;

/// The plugin.
pub(crate) struct GoTest;

impl Adapter for GoTest {
    fn describe() -> Capabilities {
        Capabilities {
            id: "go-test".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Run the tests of a Go module with go test".into(),
            task_kinds: vec!["test".into()],
            domains: vec!["go".into()],
            max_parallel: MOST_AT_ONCE,
            timeout_ms: USUAL_TIME_MS,
            // Tests are code of the workspace.
            safety_tier: SafetyTier::RunsCode,
            tool_versions: Some(">=1.10".into()),
            input_schema: include_str!("../schema/inputs.json").into(),
        }
    }

    fn validate_config() -> Vec<Problem> {
        check::missing("go", "test-json")
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        Request::check(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<AdapterReport, Failure> {
        let request = Request::check(&context.inputs)?;
        progress::step("run go test");
        let call = Call::new("go", "test-json");
        let output = request.call(call).run_keeping(check::MOST_OUTPUT)?;
        let report = gotest::read(&output.stdout_text());
        let verdict = check::ended(output.exit)
            .or_else(|| check::code(output.exit).map(|code| verdict(code, &report)))
            .unwrap_or(Verdict::Internal);
        let run = Run {
            request: &request,
            output: &output,
            verdict,
            report_on_stdout: true,
            trouble: None,
            more: check::facts([
                ("packages", json!(report.packages)),
                ("broken_packages", json!(report.broken)),
                ("unknown_lines", json!(report.other_lines)),
            ]),
        };
        run.tests("go", report.tests)
    }
}
