//! The pattern as the host sees it: looks, adds, compiles, reports.
//!
//! Never: a decision about content; that is in [`crate::plan`].

use std::path::Path;

use remit_plugin_library::files;
use remit_plugin_library::import::Resolved;
use remit_plugin_library::report::{Lifecycle, PatternResult};
use remit_plugin_library::session::{self, HostClock, HostEvents};
use remit_plugin_library::transaction::{Existing, Fate};
use remit_plugin_sdk::{
    Artifact, Call, Context, Descriptor, Failure, Outcome, Pattern, Problem, json, progress,
    workspace,
};
use serde::Serialize;

use crate::plan::{Plan, missing};
use crate::request::{INPUT_SCHEMA, KNOWN, OUTPUT_SCHEMA, PATTERN_ID, Request};

/// Most bytes of an instance, a schema or a file of requirements that is read.
const MAX_READ: u64 = 1024 * 1024;

/// The plugin.
pub(crate) struct Convergence;

#[derive(Serialize)]
struct Outputs {
    module_path: String,
    files_created: Vec<String>,
    files_kept: Vec<String>,
    dependencies_missing: Vec<String>,
    converged: bool,
    notes: Vec<String>,
    result: PatternResult,
}

impl Pattern for Convergence {
    fn describe() -> Descriptor {
        Descriptor {
            id: "module-creation-convergence".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Add what a small Python module lacks".into(),
            input_schema: INPUT_SCHEMA.into(),
            output_schema: OUTPUT_SCHEMA.into(),
        }
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        session::validate(&inputs, &KNOWN, Request::check)
    }

    fn execute(context: Context) -> Result<Outcome, Failure> {
        let root = workspace::root()?;
        let resolved = session::resolve(&context.inputs, &KNOWN, &root, MAX_READ);
        let document = resolved.as_ref().ok().and_then(|one| one.document.clone());
        let mut life = Lifecycle::begin(PATTERN_ID, document.as_deref(), &HostEvents, &HostClock);
        let resolved = resolved.map_err(|wrong| Failure::from(session::problems(wrong)));
        match resolved.and_then(|resolved| carry_out(&context, &root, &resolved, &mut life)) {
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
    name: String,
    module_path: String,
    created: Vec<String>,
    kept: Vec<String>,
    artifacts: Vec<Artifact>,
    dependencies_missing: Vec<String>,
    notes: Vec<String>,
}

fn carry_out(
    context: &Context,
    root: &Path,
    resolved: &Resolved,
    life: &mut Lifecycle<'_>,
) -> Result<Done, Failure> {
    let notes = session::explain(&resolved.notes);
    let request = Request::check(resolved).map_err(session::problems)?;
    life.resolved(&serde_json::json!({ "module": request.name }));
    let plan = Plan::of(&request)
        .map_err(|error| Failure::failed("faulty-template", error.to_string()))?;
    life.expanded(plan.files.len());
    let mut transaction = session::begin(context, root, &request.root)?;
    let compile = Call::new("python3", "compile").slots("files", plan.code());
    if request.verify {
        compile.check()?;
    }
    life.validated();

    progress::step("add what is missing");
    let mut done = Done {
        name: request.name.clone(),
        module_path: plan.module_path.clone(),
        created: Vec::new(),
        kept: Vec::new(),
        artifacts: Vec::new(),
        dependencies_missing: Vec::new(),
        notes,
    };
    for file in &plan.files {
        let fate = transaction.write(&file.path, file.content.as_bytes(), Existing::Keep)?;
        match fate {
            Fate::Created => {
                done.created.push(file.path.clone());
                done.artifacts.push(Artifact {
                    path: file.path.clone(),
                    media_type: file.media_type.into(),
                    description: None,
                });
            }
            Fate::Kept | Fate::Replaced => done.kept.push(file.path.clone()),
        }
    }
    look_at_requirements(root, &request, &mut done)?;
    if request.verify {
        progress::step("compile the module");
        session::run(&mut transaction, &compile)?.into_success("python3:compile")?;
    }
    transaction.commit()?;
    for artifact in &done.artifacts {
        progress::produced(artifact);
    }
    progress::percent(100);
    Ok(done)
}

/// A file of requirements that was there stays as it is; what it does not name is said.
fn look_at_requirements(root: &Path, request: &Request, done: &mut Done) -> Result<(), Failure> {
    let path = format!("{}/requirements.txt", done.module_path);
    if !done.kept.contains(&path) {
        return Ok(());
    }
    let text = files::read_text(&root.join(&path), MAX_READ)
        .map_err(|error| Failure::failed("cannot-read", error.to_string()))?;
    done.dependencies_missing = missing(&request.dependencies, &text);
    for one in &done.dependencies_missing {
        progress::warn(format!(
            "{path} was there and is not touched; it does not name {one}"
        ));
    }
    Ok(())
}

fn finish(done: Done, life: Lifecycle<'_>) -> Result<Outcome, Failure> {
    let result = life.completed(done.created.clone());
    let summary = if done.created.is_empty() {
        format!("{}: nothing was missing", done.name)
    } else {
        format!(
            "{}: files added: {}, kept: {}",
            done.name,
            done.created.len(),
            done.kept.len()
        )
    };
    let outputs = Outputs {
        module_path: done.module_path,
        converged: done.created.is_empty(),
        files_created: done.created,
        files_kept: done.kept,
        dependencies_missing: done.dependencies_missing,
        notes: done.notes,
        result,
    };
    Ok(Outcome {
        summary,
        outputs: json::text(&outputs)?,
        artifacts: done.artifacts,
    })
}
