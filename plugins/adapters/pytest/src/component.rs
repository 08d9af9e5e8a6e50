//! The adapter as the host sees it: runs the tool, reads its report, says what came of it.
//!
//! Never: a second run of the tool. Whether to try again is the host's decision.

use remit_plugin_reports::check::{self, Request, Run};
use remit_plugin_reports::junit;
use remit_plugin_reports::verdict::Verdict;
use remit_plugin_sdk::{
    Adapter, AdapterReport, Call, Capabilities, Context, Failure, Problem, SafetyTier, progress,
    workspace,
};
use serde_json::Map;

use crate::rule::verdict;

/// How long one run usually may take, in milliseconds.
const USUAL_TIME_MS: u64 = 900_000;
/// How many runs at once a machine takes: each uses several processors.
const MOST_AT_ONCE: u32 = 4;

/// The plugin.
pub(crate) struct Pytest;

impl Adapter for Pytest {
    fn describe() -> Capabilities {
        Capabilities {
            id: "pytest".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Run the tests of a Python project with pytest".into(),
            task_kinds: vec!["test".into()],
            domains: vec!["python".into()],
            max_parallel: MOST_AT_ONCE,
            timeout_ms: USUAL_TIME_MS,
            // Tests are code of the workspace.
            safety_tier: SafetyTier::RunsCode,
            tool_versions: Some(">=7".into()),
            input_schema: include_str!("../schema/inputs.json").into(),
        }
    }

    fn validate_config() -> Vec<Problem> {
        check::missing("pytest", "junit")
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        Request::check(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<AdapterReport, Failure> {
        let request = Request::check(&context.inputs)?;
        progress::step("run pytest");
        let call = Call::new("pytest", "junit").slots("paths", request.paths.clone());
        let output = request.call(call).run()?;
        let report = std::fs::read(workspace::scratch()?.join("junit.xml"))
            .map_err(|error| format!("pytest wrote no report: {error}"))
            .and_then(|bytes| junit::read(&bytes).map_err(|error| format!("the report: {error}")));
        let (tests, trouble) = match report {
            Ok(tests) => (Some(tests), None),
            Err(trouble) => (None, Some(trouble)),
        };
        let verdict = check::ended(output.exit)
            .or_else(|| check::code(output.exit).map(|code| verdict(code, tests.as_ref())))
            .unwrap_or(Verdict::Internal);
        let run = Run {
            request: &request,
            output: &output,
            verdict,
            report_on_stdout: false,
            trouble: trouble.filter(|_| verdict == Verdict::Internal),
            more: Map::new(),
        };
        run.tests("pytest", tests.unwrap_or_default())
    }
}
