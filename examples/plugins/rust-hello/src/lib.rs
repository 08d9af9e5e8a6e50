//! An example plugin: writes a greeting into a file of the workspace.
//!
//! It shows what most plugins need: typed inputs, files, a tool that it can do without, a value
//! that outlives the run, and an outcome for people and for programs.
//!
//! Never: a file replaced that holds something else.

use std::fs;
use std::io::ErrorKind;

use remit_plugin_sdk::state::Scope;
use remit_plugin_sdk::{
    Artifact, Call, Context, Descriptor, Failure, Outcome, Pattern, Problem, ProcessError, json,
    progress, state, workspace,
};
use serde::{Deserialize, Serialize};

/// The host checks inputs against this before it calls; it also tells the command line how to read
/// `--input NAME=VALUE`.
const INPUT_SCHEMA: &str = r#"{
  "type": "object",
  "properties": {
    "name": { "type": "string", "minLength": 1, "maxLength": 100 },
    "file": { "type": "string", "minLength": 1, "default": "HELLO.md" }
  },
  "required": ["name"],
  "additionalProperties": false
}"#;

const OUTPUT_SCHEMA: &str = r#"{
  "type": "object",
  "properties": {
    "file": { "type": "string" },
    "files_in_git": { "type": ["integer", "null"] },
    "greetings": { "type": "integer" }
  },
  "required": ["file", "files_in_git", "greetings"]
}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    name: String,
    #[serde(default = "default_file")]
    file: String,
}

fn default_file() -> String {
    "HELLO.md".into()
}

#[derive(Serialize)]
struct Outputs {
    file: String,
    files_in_git: Option<usize>,
    greetings: u64,
}

struct RustHello;

impl Pattern for RustHello {
    fn describe() -> Descriptor {
        Descriptor {
            id: "rust-hello".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "Greet someone in a file".into(),
            input_schema: INPUT_SCHEMA.into(),
            output_schema: OUTPUT_SCHEMA.into(),
        }
    }

    fn validate_inputs(inputs: String) -> Vec<Problem> {
        check(&inputs).err().unwrap_or_default()
    }

    fn execute(context: Context) -> Result<Outcome, Failure> {
        let inputs = check(&context.inputs)?;

        progress::step("ask git");
        let files_in_git = files_in_git()?;

        progress::step("write the greeting");
        write(&inputs)?;

        let greetings = state::get::<u64>(Scope::Project, "greetings")?.unwrap_or(0) + 1;
        state::set(Scope::Project, "greetings", &greetings)?;

        let artifact = Artifact {
            path: inputs.file.clone(),
            media_type: "text/markdown".into(),
            description: Some(format!("a greeting for {}", inputs.name)),
        };
        progress::produced(&artifact);
        let summary = match files_in_git {
            Some(files) => format!("{} is greeted, among {files} files", inputs.name),
            None => format!("{} is greeted", inputs.name),
        };
        let outputs = Outputs {
            file: inputs.file,
            files_in_git,
            greetings,
        };
        Ok(Outcome {
            summary,
            outputs: json::text(&outputs)?,
            artifacts: vec![artifact],
        })
    }
}

/// What the schema cannot say: the host calls this before any work, and shows every problem.
fn check(text: &str) -> Result<Inputs, Vec<Problem>> {
    let inputs: Inputs = json::inputs(text)?;
    if inputs.name.contains(char::is_control) {
        let message = "a name is one line of plain text";
        return Err(vec![Problem::new("/name", "control-character", message)]);
    }
    Ok(inputs)
}

/// How many files git knows; nothing where the owner does not grant git, or this is no repository.
fn files_in_git() -> Result<Option<usize>, Failure> {
    let call = Call::new("git", "ls-files");
    match call.run() {
        // The template asks git for names that end with a zero byte.
        Ok(output) if output.success => Ok(Some(
            output.stdout.iter().filter(|byte| **byte == 0).count(),
        )),
        Ok(_) => Ok(None),
        // The host has told its owner already what would allow it.
        Err(ProcessError::Denied(_) | ProcessError::ToolMissing(_)) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Writes the greeting. The host decides whether the file may be touched; its answer is an error
/// of the standard library like any other.
fn write(inputs: &Inputs) -> Result<(), Failure> {
    let path = workspace::root()?.join(&inputs.file);
    let text = format!("# Hello, {}!\n", inputs.name);
    match fs::read_to_string(&path) {
        Ok(old) if old == text => return Ok(()),
        Ok(_) => {
            return Err(Failure::failed_with_hint(
                "file-exists",
                format!("{} holds something else", inputs.file),
                "move it away, or name another file",
            ));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(cannot("read", inputs, &error)),
    }
    fs::write(&path, text).map_err(|error| cannot("write", inputs, &error))
}

fn cannot(what: &str, inputs: &Inputs, error: &std::io::Error) -> Failure {
    Failure::failed(
        format!("cannot-{what}"),
        format!("{}: {error}", inputs.file),
    )
}

remit_plugin_sdk::export_pattern!(RustHello, "remit-plugin.toml");
