//! The pattern as the host sees it: asks, writes, runs, reports.
//!
//! Never: a decision about content; that is in [`crate::plan`].

use std::path::Path;

use remit_plugin_sdk::{
    Artifact, Call, Context, Descriptor, Exit, Failure, Outcome, Output, Pattern, Problem, json,
    progress, workspace,
};
use serde::Serialize;

use crate::plan::{Plan, TestRun};
use crate::request::{INPUT_SCHEMA, OUTPUT_SCHEMA, Request};
use crate::write::{Fate, write};

/// How many lines of the tests' output a failure shows: enough for one failed test.
const SHOWN_LINES: usize = 20;

/// The plugin.
pub(crate) struct ModuleCreation;

#[derive(Serialize)]
struct Outputs {
    module_path: String,
    package_name: String,
    files_created: Vec<String>,
    files_replaced: Vec<String>,
    files_kept: Vec<String>,
    ready_to_publish: bool,
    tests: Tests,
}

#[derive(Serialize)]
struct Tests {
    passed: bool,
    command: String,
    duration_ms: u64,
}

impl Pattern for ModuleCreation {
    fn describe() -> Descriptor {
        Descriptor {
            id: "module-creation".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Create a module with tests, and run them".into(),
            input_schema: INPUT_SCHEMA.into(),
            output_schema: OUTPUT_SCHEMA.into(),
        }
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        check(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<Outcome, Failure> {
        let request = check(&context.inputs)?;
        let plan = Plan::of(&request)
            .map_err(|error| Failure::failed("faulty-template", error.to_string()))?;
        let workspace = workspace::root()?;

        // A module whose tests nobody may run is not what was asked for: refused before the first
        // file, not after the last.
        progress::step("ask for the tool that runs the tests");
        let call = test_call(&request, &plan.tests);
        call.check()?;

        progress::step("write the files");
        let mut files = write_all(&workspace, &request, &plan)?;

        progress::step("run the module's tests");
        let tests = run_tests(&call, &plan.tests, !files.kept.is_empty())?;
        progress::percent(100);

        let outputs = Outputs {
            module_path: request.root.join(&plan.module_path),
            package_name: request.distribution(),
            files_created: std::mem::take(&mut files.created),
            files_replaced: std::mem::take(&mut files.replaced),
            files_kept: std::mem::take(&mut files.kept),
            ready_to_publish: tests.passed,
            tests,
        };
        Ok(Outcome {
            summary: summary(&request.name, &outputs),
            outputs: json::text(&outputs)?,
            artifacts: files.artifacts,
        })
    }
}

fn check(inputs: &str) -> Result<Request, Vec<Problem>> {
    Request::check(inputs).map_err(|wrong| {
        wrong
            .into_iter()
            .map(|one| Problem::new(one.path, one.code, one.message))
            .collect()
    })
}

fn test_call(request: &Request, tests: &TestRun) -> Call {
    Call::new(tests.tool, tests.template)
        .slot(tests.slot, &tests.value)
        .cwd(request.root.as_str())
}

/// What was written, as paths relative to the workspace.
#[derive(Default)]
struct Written {
    created: Vec<String>,
    replaced: Vec<String>,
    kept: Vec<String>,
    artifacts: Vec<Artifact>,
}

fn write_all(workspace: &Path, request: &Request, plan: &Plan) -> Result<Written, Failure> {
    /// Share of the whole work that writing counts as; the tests are the rest.
    const PERCENT: usize = 50;
    let root = workspace.join(request.root.as_str());
    let mut written = Written::default();
    for (index, file) in plan.files.iter().enumerate() {
        let fate = write(&root, file, request.force)
            .map_err(|error| Failure::failed("cannot-write", error.to_string()))?;
        let path = request.root.join(&file.path);
        if matches!(fate, Fate::Created | Fate::Replaced) {
            let artifact = Artifact {
                path: path.clone(),
                media_type: file.media_type.into(),
                description: None,
            };
            progress::produced(&artifact);
            written.artifacts.push(artifact);
        }
        match fate {
            Fate::Created => written.created.push(path),
            Fate::Replaced => written.replaced.push(path),
            Fate::Kept => written.kept.push(path),
        }
        let done = (index + 1) * PERCENT / plan.files.len();
        progress::percent(u32::try_from(done).unwrap_or(u32::MAX));
    }
    Ok(written)
}

fn run_tests(call: &Call, run: &TestRun, kept: bool) -> Result<Tests, Failure> {
    let output = call.run()?;
    if output.success {
        return Ok(Tests {
            passed: true,
            command: run.describe(),
            duration_ms: output.usage.wall_ms,
        });
    }
    match output.exit {
        // A limit or an ended run says nothing of the tests.
        Exit::Killed(_) => Err(output.failure(&run.describe())),
        Exit::Code(_) | Exit::Signal(_) => Err(failed(&output, run, kept)),
    }
}

fn failed(output: &Output, run: &TestRun, kept: bool) -> Failure {
    let mut said = output.stdout_tail(SHOWN_LINES);
    if !said.is_empty() {
        said.push('\n');
    }
    said.push_str(&output.stderr_tail(SHOWN_LINES));
    let hint = if kept {
        "Files that were there before were kept; the tests may have met changed code. Look at the \
         output, or run again with force=true to replace what differs."
    } else {
        "The files stay where they are. Check that the tool is a current version, and look at the \
         output."
    };
    let message = format!("{} {}:\n{}", run.describe(), output.exit, said.trim_end());
    Failure::failed_with_hint("tests-failed", message, hint)
}

fn summary(name: &str, outputs: &Outputs) -> String {
    format!(
        "{name}: files created: {}, replaced: {}, kept: {}; tests passed in {} ms",
        outputs.files_created.len(),
        outputs.files_replaced.len(),
        outputs.files_kept.len(),
        outputs.tests.duration_ms,
    )
}
