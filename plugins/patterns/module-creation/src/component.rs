//! The pattern as the host sees it: asks, writes, runs, reports.
//!
//! Never: a decision about content; that is in [`crate::plan`].

use std::path::Path;

use remit_plugin_library::import::Resolved;
use remit_plugin_library::report::{Lifecycle, PatternResult};
use remit_plugin_library::session::{self, HostClock, HostEvents};
use remit_plugin_library::transaction::{Fate, Transaction};
use remit_plugin_sdk::{
    Artifact, Call, Context, Descriptor, Exit, Failure, Outcome, Output, Pattern, Problem, json,
    progress, workspace,
};
use serde::Serialize;

use crate::plan::{Plan, TestRun};
use crate::request::{INPUT_SCHEMA, KNOWN, OUTPUT_SCHEMA, PATTERN_ID, Request};
use crate::write::write;

/// Most bytes of an instance or a schema that is read.
const MAX_INSTANCE: u64 = 1024 * 1024;
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
    notes: Vec<String>,
    result: PatternResult,
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
        session::validate(&inputs, &KNOWN, Request::check)
    }

    fn execute(context: Context) -> Result<Outcome, Failure> {
        let root = workspace::root()?;
        let resolved = session::resolve(&context.inputs, &KNOWN, &root, MAX_INSTANCE);
        let document = resolved.as_ref().ok().and_then(|one| one.document.clone());
        let mut life = Lifecycle::begin(PATTERN_ID, document.as_deref(), &HostEvents, &HostClock);
        let resolved = resolved.map_err(|wrong| Failure::from(session::problems(wrong)));
        let mut stays = Vec::new();
        let done = resolved
            .and_then(|resolved| carry_out(&context, &root, &resolved, &mut life, &mut stays));
        match done {
            Ok(done) => finish(done, life),
            Err(failure) => {
                life.failed(vec![session::sentence(&failure)], stays);
                Err(failure)
            }
        }
    }
}

/// What was done, before its record is made.
struct Done {
    request: Request,
    plan: Plan,
    written: Written,
    tests: Tests,
    notes: Vec<String>,
}

/// Does all of it. `stays` are the files that stay although it failed.
fn carry_out(
    context: &Context,
    root: &Path,
    resolved: &Resolved,
    life: &mut Lifecycle<'_>,
    stays: &mut Vec<String>,
) -> Result<Done, Failure> {
    let notes = session::explain(&resolved.notes);
    let request = Request::check(resolved).map_err(session::problems)?;
    life.resolved(&serde_json::json!({ "module": request.name }));
    let plan = Plan::of(&request)
        .map_err(|error| Failure::failed("faulty-template", error.to_string()))?;
    life.expanded(plan.files.len());
    let mut transaction = session::begin(context, root, &request.root)?;

    // A module whose tests nobody may run is not what was asked for: refused before the first
    // file, not after the last.
    progress::step("ask for the tool that runs the tests");
    let call = test_call(&request, &plan.tests);
    call.check()?;
    life.validated();

    progress::step("write the files");
    let written = write_all(&mut transaction, &request, &plan)?;

    progress::step("run the module's tests");
    let tests = run_tests(
        &mut transaction,
        &call,
        &plan.tests,
        &request,
        !written.kept.is_empty(),
    );
    if tests.is_ok() || request.keep_on_failure {
        transaction.commit()?;
        for artifact in &written.artifacts {
            progress::produced(artifact);
        }
    }
    let tests = match tests {
        Ok(tests) => tests,
        Err(failure) => {
            if request.keep_on_failure {
                stays.extend(written.created.into_iter().chain(written.replaced));
            }
            return Err(failure);
        }
    };
    progress::percent(100);
    Ok(Done {
        request,
        plan,
        written,
        tests,
        notes,
    })
}

fn finish(done: Done, life: Lifecycle<'_>) -> Result<Outcome, Failure> {
    let Done {
        request,
        plan,
        written,
        tests,
        notes,
    } = done;
    let changed = written.created.iter().chain(&written.replaced).cloned();
    let result = life.completed(changed.collect());
    let outputs = Outputs {
        module_path: request.root.join(&plan.module_path),
        package_name: request.distribution(),
        files_created: written.created,
        files_replaced: written.replaced,
        files_kept: written.kept,
        ready_to_publish: tests.passed,
        tests,
        notes,
        result,
    };
    Ok(Outcome {
        summary: summary(&request.name, &outputs),
        outputs: json::text(&outputs)?,
        artifacts: written.artifacts,
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

fn write_all(
    transaction: &mut Transaction<'_>,
    request: &Request,
    plan: &Plan,
) -> Result<Written, Failure> {
    /// Share of the whole work that writing counts as; the tests are the rest.
    const PERCENT: usize = 50;
    let mut written = Written::default();
    for (index, file) in plan.files.iter().enumerate() {
        let fate = write(transaction, &request.root, file, request.force)?;
        let path = request.root.join(&file.path);
        if matches!(fate, Fate::Created | Fate::Replaced) {
            written.artifacts.push(Artifact {
                path: path.clone(),
                media_type: file.media_type.into(),
                description: None,
            });
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

fn run_tests(
    transaction: &mut Transaction<'_>,
    call: &Call,
    run: &TestRun,
    request: &Request,
    kept: bool,
) -> Result<Tests, Failure> {
    let output = session::run(transaction, call)?;
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
        Exit::Code(_) | Exit::Signal(_) => Err(failed(&output, run, request, kept)),
    }
}

fn failed(output: &Output, run: &TestRun, request: &Request, kept: bool) -> Failure {
    let mut said = output.stdout_tail(SHOWN_LINES);
    if !said.is_empty() {
        said.push('\n');
    }
    said.push_str(&output.stderr_tail(SHOWN_LINES));
    let files = if request.keep_on_failure {
        "The new files stay where they are."
    } else {
        "Everything was taken back; run again with keep_on_failure=true to look at the files."
    };
    let hint = if kept {
        format!(
            "{files} Files that were there before were kept; the tests may have met changed code. \
             Look at the output, or run again with force=true to replace what differs."
        )
    } else {
        format!("{files} Check that the tool is a current version, and look at the output.")
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
