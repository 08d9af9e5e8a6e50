//! The pattern as the host sees it: reads, looks, reports.
//!
//! Never: a judgement; that is in [`crate::report`].

use std::path::Path;

use remit_plugin_library::report::Lifecycle;
use remit_plugin_library::session::{self, HostClock, HostEvents};
use remit_plugin_sdk::{
    Context, Descriptor, Failure, Outcome, Pattern, Problem, json, progress, workspace,
};
use remit_plugin_survey::{Kind, MOST_YAML_BYTES, kind, read};

use crate::phases::{self, Phase};
use crate::registry::Registry;
use crate::report::{Report, report};
use crate::request::{INPUT_SCHEMA, OUTPUT_SCHEMA, Request};
use crate::tree::{Programs, Tree};

/// The pattern in the registries of other systems, in the form that results need: theirs has a `_`.
const PATTERN_ID: &str = "PAT-IMPLEMENTATION-STATUS-007";
/// How many directories of executors the summary names: usually there is one.
const SHOWN_DIRECTORIES: usize = 3;

/// The plugin.
pub(crate) struct ImplementationStatus;

impl Pattern for ImplementationStatus {
    fn describe() -> Descriptor {
        Descriptor {
            id: "implementation-status".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Compare a registry of patterns with what is there".into(),
            input_schema: INPUT_SCHEMA.into(),
            output_schema: OUTPUT_SCHEMA.into(),
        }
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        check(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<Outcome, Failure> {
        let mut life = Lifecycle::begin(PATTERN_ID, None, &HostEvents, &HostClock);
        match carry_out(&context, &mut life) {
            Ok(done) => {
                progress::percent(100);
                Ok(Outcome {
                    summary: summary(&done),
                    outputs: with_record(&done, life)?,
                    artifacts: Vec::new(),
                })
            }
            Err(failure) => {
                life.failed(vec![session::sentence(&failure)], Vec::new());
                Err(failure)
            }
        }
    }
}

fn carry_out(context: &Context, life: &mut Lifecycle<'_>) -> Result<Report, Failure> {
    let request = check(&context.inputs)?;
    life.resolved(&serde_json::json!({ "registry": request.registry.as_str() }));
    let workspace = workspace::root()?;
    progress::step("read the registry");
    let text = read(&request.registry.within(&workspace), MOST_YAML_BYTES)
        .map_err(|error| cannot_read("registry", &error.to_string()))?;
    let registry = Registry::parse(&text).map_err(|error| {
        Failure::failed("bad-registry", format!("{}: {error}", request.registry))
    })?;
    let phases = read_phases(&request, &workspace)?;
    // Nothing is written.
    life.expanded(0);
    life.validated();
    progress::step("look for what it names");
    let mut tree = Tree::new(&request.root.within(&workspace));
    Ok(report(
        request.registry.as_str(),
        &registry,
        &phases,
        &mut tree,
    ))
}

/// The outputs, with the record of the result.
fn with_record(outputs: impl serde::Serialize, life: Lifecycle<'_>) -> Result<String, Failure> {
    let failed = |error: serde_json::Error| Failure::failed("invalid-json", error.to_string());
    let mut outputs = serde_json::to_value(outputs).map_err(failed)?;
    let record = serde_json::to_value(life.completed(Vec::new())).map_err(failed)?;
    if let Some(outputs) = outputs.as_object_mut() {
        outputs.insert("result".to_owned(), record);
    }
    json::text(&outputs)
}

fn check(inputs: &str) -> Result<Request, Vec<Problem>> {
    Request::check(inputs).map_err(|wrong| {
        wrong
            .into_iter()
            .map(|(path, code, message)| Problem::new(path, code, message))
            .collect()
    })
}

fn cannot_read(input: &str, message: &str) -> Failure {
    Failure::failed_with_hint(
        "cannot-read",
        message,
        format!("Name the file with the input `{input}`, relative to the workspace."),
    )
}

fn read_phases(request: &Request, workspace: &Path) -> Result<Vec<Phase>, Failure> {
    let file = request.status_file.within(workspace);
    // Only a file that was asked for has to be there.
    if !request.status_named && !matches!(kind(&file), Ok(Kind::File)) {
        return Ok(Vec::new());
    }
    let text = read(&file, MOST_YAML_BYTES)
        .map_err(|error| cannot_read("status_file", &error.to_string()))?;
    Ok(phases::parse(&text))
}

fn summary(report: &Report) -> String {
    let listed = report.registry.listed;
    let mut said = match report.registry.claimed {
        Some(claimed) => format!("{listed} patterns listed, {claimed} claimed"),
        None => format!("{listed} patterns listed"),
    };
    if report.tree == "absent" {
        return said + "; no directory that the registry names is there, so the rest is unknown";
    }
    for part in ["spec", "executor"] {
        if let Some(count) = report.parts.get(part) {
            let missing = count.missing.unwrap_or_default();
            said += &format!("; {part} missing: {missing} of {}", count.listed);
        }
    }
    for programs in report.executors.iter().take(SHOWN_DIRECTORIES) {
        let Programs {
            directory,
            files,
            stubs,
        } = programs;
        said += &format!("; stubs in {directory}: {stubs} of {files}");
    }
    said
}
