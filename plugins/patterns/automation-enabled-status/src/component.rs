//! The pattern as the host sees it: looks, reports.
//!
//! Never: a judgement; that is in [`crate::status`].

use remit_plugin_library::report::Lifecycle;
use remit_plugin_library::session::{self, HostClock, HostEvents};
use remit_plugin_sdk::{
    Context, Descriptor, Failure, Outcome, Pattern, Problem, json, progress, workspace,
};

use crate::request::{INPUT_SCHEMA, OUTPUT_SCHEMA, Request};
use crate::status::{Answer, Fact, Status, look};

/// The pattern in the registries of other systems.
const PATTERN_ID: &str = "PAT-AUTOMATION-ENABLED-STATUS-741";

/// The plugin.
pub(crate) struct AutomationEnabledStatus;

impl Pattern for AutomationEnabledStatus {
    fn describe() -> Descriptor {
        Descriptor {
            id: "automation-enabled-status".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Say whether a project's automation is on".into(),
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

fn carry_out(context: &Context, life: &mut Lifecycle<'_>) -> Result<Status, Failure> {
    let request = check(&context.inputs)?;
    life.resolved(&serde_json::json!({ "root": request.root.as_str() }));
    let workspace = workspace::root()?;
    // Nothing is written.
    life.expanded(0);
    life.validated();
    progress::step("look at configuration, hooks and data base");
    Ok(look(&workspace, &request))
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

fn summary(status: &Status) -> String {
    let said = |fact: &Fact, words: [&str; 3]| match fact.answer {
        Answer::Yes => words[0].to_owned(),
        Answer::No => words[1].to_owned(),
        Answer::Unknown => words[2].to_owned(),
    };
    let enabled = said(&status.automation_enabled, ["on", "off", "unknown"]);
    let called = said(&status.hooks.called, ["called", "not called", "unknown"]);
    let rows = match (status.database.rows, &status.database.table.answer) {
        (Some(rows), _) => format!("{rows} rows"),
        (None, Answer::No) => "not there".to_owned(),
        (None, Answer::Yes | Answer::Unknown) => "unknown".to_owned(),
    };
    format!("automation: {enabled}; hooks: {called}; data base: {rows}")
}
