//! The pattern as the host sees it: reads, looks, reports.
//!
//! Never: a judgement; that is in [`crate::report`].

use std::path::Path;

use remit_plugin_sdk::{
    Context, Descriptor, Failure, Outcome, Pattern, Problem, json, progress, workspace,
};
use remit_plugin_survey::{Kind, MOST_YAML_BYTES, kind, read};

use crate::phases::{self, Phase};
use crate::registry::Registry;
use crate::report::{Report, report};
use crate::request::{INPUT_SCHEMA, OUTPUT_SCHEMA, Request};
use crate::tree::{Programs, Tree};

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
        let request = check(&context.inputs)?;
        let workspace = workspace::root()?;
        progress::step("read the registry");
        let text = read(&request.registry.within(&workspace), MOST_YAML_BYTES)
            .map_err(|error| cannot_read("registry", &error.to_string()))?;
        let registry = Registry::parse(&text).map_err(|error| {
            Failure::failed("bad-registry", format!("{}: {error}", request.registry))
        })?;
        let phases = read_phases(&request, &workspace)?;
        progress::step("look for what it names");
        let mut tree = Tree::new(&request.root.within(&workspace));
        let report = report(request.registry.as_str(), &registry, &phases, &mut tree);
        progress::percent(100);
        Ok(Outcome {
            summary: summary(&report),
            outputs: json::text(&report)?,
            artifacts: Vec::new(),
        })
    }
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
