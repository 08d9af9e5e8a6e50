//! `remit request build`: an execution request, ready for a queue or for `remit execute` (R0.04).
//!
//! The shape is the flat one of the source documents' builder, which `remit plan check` reads. Never:
//! a request without a tool: remit does not route; a value that was read from the environment.

use std::ops::RangeInclusive;

use clap::Subcommand;
use remit_core::outcome::ExitCode;
use remit_core::retry::MAX_ATTEMPTS;
use serde_json::{Map, Value, json};

use crate::exit::Stop;
use crate::timeline::{now_ms, rfc3339};
use crate::wiring;

/// Retries of a request that says none: the builder's own default in the source documents.
const DEFAULT_RETRIES: u32 = 3;
/// How long an attempt may take, in seconds: what the reader of requests takes, at most a year.
const SECONDS: RangeInclusive<i64> = 1..=366 * 24 * 60 * 60;

/// Builds requests for one piece of work
///
/// A request names the kind of work and the tool that does it; remit does not route. Other programs
/// leave such requests, too, and `remit execute` carries both out. For example:
///
///   remit request build --task-kind lint --tool-id ruff
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(Box<BuildArgs>),
}

/// Prints an execution request as JSON
///
/// It gets a name of its own, a ULID, and the present time. `remit plan check` says what becomes of
/// it, `remit execute` carries it out:
///
///   remit request build --task-kind lint --tool-id ruff > request.json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct BuildArgs {
    /// What kind of work it is, such as code_edit; must be there
    #[arg(long, value_name = "KIND")]
    task_kind: Option<String>,

    /// The tool or plugin that does it; must be there
    #[arg(long, value_name = "TOOL")]
    tool_id: Option<String>,

    /// One line for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// What the tool is asked to do
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,

    /// Words that a template of the tool gives exactly; never run as they are
    #[arg(long, value_name = "TEXT")]
    command: Option<String>,

    /// What is worth knowing; a VALUE that is JSON is kept as such
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    context: Vec<(String, Value)>,

    /// What has to hold, such as max_lines_changed=100
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    constraint: Vec<(String, Value)>,

    /// Longest time of one attempt, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(SECONDS))]
    timeout_seconds: Option<u32>,

    /// How often a failed attempt is made again
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_RETRIES,
          value_parser = clap::value_parser!(u32).range(0..i64::from(MAX_ATTEMPTS)))]
    max_retries: u32,

    /// Facts that are only kept
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    metadata: Vec<(String, Value)>,
}

/// A name and a value; JSON if it is, else text.
fn pair(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            Ok((name.to_owned(), value))
        }
        Some(_) | None => Err("write NAME=VALUE".to_owned()),
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    match &args.command {
        Command::Build(args) => {
            let request = build(args, wiring::new_run_id(), now_ms())?;
            super::print_json(&request)?;
            Ok(ExitCode::Ok)
        }
    }
}

/// The request under this name and time.
fn build(args: &BuildArgs, id: String, now_ms: u64) -> Result<Value, Stop> {
    let required = [
        ("task_kind", "--task-kind", &args.task_kind),
        ("tool_id", "--tool-id", &args.tool_id),
    ];
    let missing: Vec<_> = required
        .iter()
        .filter(|(_, _, value)| value.as_ref().is_none_or(String::is_empty))
        .collect();
    if !missing.is_empty() {
        let names: Vec<String> = missing
            .iter()
            .map(|(name, ..)| format!("`{name}`"))
            .collect();
        let flags: Vec<&str> = missing.iter().map(|(_, flag, _)| *flag).collect();
        return Err(Stop::usage(
            format!("missing required field {}", names.join(" and ")),
            format!("say it: {}", flags.join(", ")),
        ));
    }
    let mut request = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            request.insert(name.to_owned(), value);
        }
    };
    put("request_id", json!(id));
    put("task_kind", json!(args.task_kind));
    put("tool_id", json!(args.tool_id));
    put("description", json!(args.description));
    put("prompt", json!(args.prompt));
    put("command", json!(args.command));
    put("context", object("context", &args.context)?);
    put("constraints", object("constraint", &args.constraint)?);
    put("timeout_seconds", json!(args.timeout_seconds));
    put("max_retries", json!(args.max_retries));
    put("metadata", object("metadata", &args.metadata)?);
    put("created_at", json!(rfc3339(now_ms)));
    Ok(Value::Object(request))
}

/// The pairs as an object; null if there are none.
fn object(flag: &str, pairs: &[(String, Value)]) -> Result<Value, Stop> {
    let mut object = Map::new();
    for (name, value) in pairs {
        if object.insert(name.clone(), value.clone()).is_some() {
            return Err(Stop::usage(
                format!("--{flag} says `{name}` twice"),
                "say it once",
            ));
        }
    }
    Ok(if object.is_empty() {
        Value::Null
    } else {
        Value::Object(object)
    })
}
