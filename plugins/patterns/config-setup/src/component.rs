//! The pattern as the host sees it: asks, writes, tries, reports.
//!
//! Never: a decision about content; that is in [`crate::plan`].

use std::path::Path;

use remit_plugin_library::files;
use remit_plugin_library::import::Resolved;
use remit_plugin_library::report::{Lifecycle, PatternResult};
use remit_plugin_library::session::{self, HostClock, HostEvents};
use remit_plugin_library::transaction::{Existing, Fate, Transaction};
use remit_plugin_sdk::{
    Artifact, Call, Context, Descriptor, Exit, Failure, Outcome, Pattern, Problem, json, progress,
    workspace,
};
use serde::Serialize;
use serde_json::json as value;

use crate::plan::{Belongs, Plan, PlannedFile};
use crate::request::{INPUT_SCHEMA, KNOWN, OUTPUT_SCHEMA, PATTERN_ID, Request};
use crate::verify::{Verdict, judge, program};

/// Most bytes of an instance or a schema that is read.
const MAX_INSTANCE: u64 = 1024 * 1024;
/// How many lines of the tool's output a failure shows.
const SHOWN_LINES: usize = 20;

/// The plugin.
pub(crate) struct ConfigSetup;

#[derive(Serialize)]
struct Outputs {
    config_file: String,
    schema_file: String,
    loader_python: Option<String>,
    loader_powershell: Option<String>,
    example_file: String,
    readme: String,
    files_created: Vec<String>,
    files_replaced: Vec<String>,
    files_kept: Vec<String>,
    verified: Option<Verified>,
    notes: Vec<String>,
    result: PatternResult,
}

#[derive(Serialize)]
struct Verified {
    settings: usize,
    refused: Option<usize>,
    duration_ms: u64,
}

impl Pattern for ConfigSetup {
    fn describe() -> Descriptor {
        Descriptor {
            id: "config-setup".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Create a configuration file with schema, loaders and documentation".into(),
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
        let resolved = resolved.map_err(session::problems);
        match resolved
            .map_err(Failure::from)
            .and_then(|resolved| carry_out(&context, &root, &resolved, &mut life))
        {
            Ok(done) => finish(done, life),
            Err(failure) => {
                life.failed(vec![session::sentence(&failure)], Vec::new());
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
    verified: Option<Verified>,
    notes: Vec<String>,
}

/// What was written, as paths relative to the workspace.
#[derive(Default)]
struct Written {
    created: Vec<String>,
    replaced: Vec<String>,
    kept: Vec<String>,
    artifacts: Vec<Artifact>,
}

fn carry_out(
    context: &Context,
    root: &Path,
    resolved: &Resolved,
    life: &mut Lifecycle<'_>,
) -> Result<Done, Failure> {
    let notes = session::explain(&resolved.notes);
    let request = Request::check(resolved).map_err(session::problems)?;
    life.resolved(&value!({ "config": request.name, "format": request.format.title() }));
    let plan = Plan::of(&request)
        .map_err(|error| Failure::failed("faulty-template", error.to_string()))?;
    life.expanded(plan.files.len());
    let mut transaction = session::begin(context, root, &request.path)?;
    if request.verify {
        // Files that nobody may try are not what was asked for: refused before the first one.
        progress::step("ask for the tool that tries the configuration");
        Call::new("python3", "run-file")
            .slot("file", &plan.paths.config)
            .check()?;
    }
    fits(root, &request, &plan)?;
    life.validated();

    progress::step("write the files");
    let written = write(&mut transaction, &request, &plan)?;
    let mut verified = None;
    if request.verify {
        progress::step("try the configuration and its loader");
        let kept = written.kept.contains(&plan.paths.config);
        verified = Some(try_out(&mut transaction, &request, &plan, kept)?);
    }
    transaction.commit()?;
    progress::percent(100);
    Ok(Done {
        request,
        plan,
        written,
        verified,
        notes,
    })
}

fn finish(done: Done, life: Lifecycle<'_>) -> Result<Outcome, Failure> {
    let Done {
        request,
        plan,
        written,
        verified,
        notes,
    } = done;
    let changed = written.created.iter().chain(&written.replaced).cloned();
    let result = life.completed(changed.collect());
    let tried = match &verified {
        Some(Verified {
            refused: Some(refused),
            ..
        }) => format!("the loader prints OK and refused {refused} bad values"),
        Some(_) => "the file is valid".to_owned(),
        None => "not tried".to_owned(),
    };
    let summary = format!(
        "{}: files created: {}, replaced: {}, kept: {}; {tried}",
        request.name,
        written.created.len(),
        written.replaced.len(),
        written.kept.len(),
    );
    for artifact in &written.artifacts {
        progress::produced(artifact);
    }
    let outputs = Outputs {
        loader_python: request.python().then_some(plan.paths.python),
        loader_powershell: request.powershell().then_some(plan.paths.powershell),
        config_file: plan.paths.config,
        schema_file: plan.paths.schema,
        example_file: plan.paths.example,
        readme: plan.paths.readme,
        files_created: written.created,
        files_replaced: written.replaced,
        files_kept: written.kept,
        verified,
        notes,
        result,
    };
    Ok(Outcome {
        summary,
        outputs: json::text(&outputs)?,
        artifacts: written.artifacts,
    })
}

fn existing(request: &Request, file: &PlannedFile) -> Existing {
    let replace = match file.belongs {
        Belongs::Person => request.reset,
        Belongs::Pattern => request.force,
    };
    if replace {
        Existing::Replace
    } else {
        Existing::Keep
    }
}

/// Whether what is there already is what would be written: a loader of another configuration would
/// otherwise be taken for the one of this.
fn fits(root: &Path, request: &Request, plan: &Plan) -> Result<(), Failure> {
    let mut differ = Vec::new();
    for file in &plan.files {
        if file.belongs == Belongs::Person || existing(request, file) == Existing::Replace {
            continue;
        }
        let place = root.join(&file.path);
        let there = files::kind(&place).map_err(unreadable)?;
        if there.is_some() && std::fs::read(&place).ok().as_deref() != Some(file.content.as_bytes())
        {
            differ.push(file.path.as_str());
        }
    }
    if differ.is_empty() {
        return Ok(());
    }
    Err(Failure::failed_with_hint(
        "in-the-way",
        format!("there already, and different: {}", differ.join(", ")),
        "Run again with force=true to replace them, or choose another directory: each has one \
         configuration with a loader. Nothing was written.",
    ))
}

fn unreadable(error: files::FilesError) -> Failure {
    Failure::failed("cannot-read", error.to_string())
}

fn write(
    transaction: &mut Transaction<'_>,
    request: &Request,
    plan: &Plan,
) -> Result<Written, Failure> {
    /// Share of the whole work that writing counts as; trying is the rest.
    const PERCENT: usize = 50;
    let mut written = Written::default();
    for (index, file) in plan.files.iter().enumerate() {
        let content = file.content.as_bytes();
        let fate = transaction.write(&file.path, content, existing(request, file))?;
        let list = match fate {
            Fate::Created => &mut written.created,
            Fate::Replaced => &mut written.replaced,
            Fate::Kept => &mut written.kept,
        };
        list.push(file.path.clone());
        if matches!(fate, Fate::Created | Fate::Replaced) {
            written.artifacts.push(Artifact {
                path: file.path.clone(),
                media_type: file.media_type.into(),
                description: None,
            });
        }
        let done = (index + 1) * PERCENT / plan.files.len();
        progress::percent(u32::try_from(done).unwrap_or(u32::MAX));
    }
    Ok(written)
}

fn try_out(
    transaction: &mut Transaction<'_>,
    request: &Request,
    plan: &Plan,
    kept: bool,
) -> Result<Verified, Failure> {
    let program = program(request, plan)
        .map_err(|error| Failure::failed("faulty-template", error.to_string()))?;
    let file = transaction.aside("check.py", program.as_bytes())?;
    let call = Call::new("python3", "run-file").slot("file", &file);
    let output = session::run(transaction, &call)?;
    if !output.success {
        return Err(match output.exit {
            Exit::Killed(_) => output.failure("python3:run-file"),
            Exit::Code(_) | Exit::Signal(_) => {
                let said = output.stderr_tail(SHOWN_LINES);
                Failure::failed("check-failed", format!("python3 {}:\n{said}", output.exit))
            }
        });
    }
    match judge(request, &output.stdout_text(), kept) {
        Verdict::Good { refused } => Ok(Verified {
            settings: request.settings.len(),
            refused,
            duration_ms: output.usage.wall_ms,
        }),
        Verdict::Missing(what) => Err(Failure::Unavailable(format!(
            "{what} (or run with verify=false, or choose json); everything was taken back"
        ))),
        Verdict::Unfit(why) => Err(Failure::failed_with_hint(
            "config-unfit",
            format!("{} does not fit the settings:\n{why}", plan.paths.config),
            "Correct the file, or run again with reset=true to replace it by the defaults. \
             Everything was taken back.",
        )),
        Verdict::Faulty(why) => Err(Failure::failed("check-failed", why)),
    }
}
