//! Arguments that several commands share: which plugin, in which directory, under which rules,
//! with which inputs.
//!
//! Never: anything that only one command needs.

use std::path::PathBuf;

use remit_engine::inputs::{MAX_INPUT, RawInputs};
use serde_json::Value;

use crate::exit::Stop;
use crate::files;
use crate::owner::Owner;
use crate::places::Places;

/// Which plugin, and where.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Target {
    /// A built-in id, a `.wasm` file, or an id whose `file` the policy names
    pub(crate) plugin: String,

    /// The workspace: the directory that the work is about
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        default_value = "."
    )]
    pub(crate) directory: PathBuf,
}

/// What the owner allows, beside the policy files.
///
/// Flags add to the policy; a `--deny-…` beats every allow. Without any, nothing is allowed that
/// no policy file allows.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Rules")]
pub(crate) struct Rules {
    /// A policy file, above the user's own and the workspace's
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) allow: Allows,

    /// Forbids reading what these patterns match, for example secrets/**
    #[arg(
        long,
        value_name = "GLOB",
        require_equals = true,
        value_delimiter = ','
    )]
    pub(crate) deny_read: Vec<String>,

    /// Forbids writing what these patterns match, for example .git/**
    #[arg(
        long,
        value_name = "GLOB",
        require_equals = true,
        value_delimiter = ','
    )]
    pub(crate) deny_write: Vec<String>,

    /// Forbids these environment variables
    #[arg(
        long,
        value_name = "NAME",
        require_equals = true,
        value_delimiter = ','
    )]
    pub(crate) deny_env: Vec<String>,

    /// Forbids these tools: TOOL or TOOL:TEMPLATE
    #[arg(
        long,
        value_name = "TOOL",
        require_equals = true,
        value_delimiter = ','
    )]
    pub(crate) deny_run: Vec<String>,

    /// Forbids these origins
    #[arg(
        long,
        value_name = "ORIGIN",
        require_equals = true,
        value_delimiter = ','
    )]
    pub(crate) deny_net: Vec<String>,
}

/// What is allowed to a plugin.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Rules")]
pub(crate) struct Allows {
    /// Lets the plugin read below these workspace directories; alone: the whole workspace
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".", value_delimiter = ',')]
    pub(crate) allow_read: Vec<String>,

    /// Lets the plugin write below these workspace directories; alone: the whole workspace
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".", value_delimiter = ',')]
    pub(crate) allow_write: Vec<String>,

    /// Lets the plugin see these environment variables
    #[arg(
        long,
        value_name = "NAME",
        require_equals = true,
        value_delimiter = ','
    )]
    pub(crate) allow_env: Vec<String>,

    /// Lets the plugin have these tools run: TOOL or TOOL:TEMPLATE
    #[arg(
        long,
        value_name = "TOOL",
        require_equals = true,
        value_delimiter = ','
    )]
    pub(crate) allow_run: Vec<String>,

    /// Lets the plugin reach these origins, for example https://api.example.org
    #[arg(
        long,
        value_name = "ORIGIN",
        require_equals = true,
        value_delimiter = ','
    )]
    pub(crate) allow_net: Vec<String>,
}

/// Whose rules count, for commands that only look.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Look {
    /// The workspace whose policy counts
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        default_value = "."
    )]
    pub(crate) directory: PathBuf,

    /// A policy file, above the user's own and the workspace's
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// Prints JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

impl Look {
    /// Reads the rules.
    pub(crate) fn owner(&self) -> Result<Owner, Stop> {
        let rules = Rules {
            policy: self.policy.clone(),
            ..Rules::default()
        };
        Owner::read(&Places::find()?, &self.directory, &rules)
    }
}

/// What the plugin is given to work with.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Inputs")]
pub(crate) struct Inputs {
    /// One input; the plugin's schema says how the text is read
    #[arg(short = 'i', long = "input", value_name = "NAME=VALUE")]
    pub(crate) pairs: Vec<String>,

    /// A JSON object with inputs, or - for standard input; --input wins over it
    #[arg(long, value_name = "FILE")]
    pub(crate) input_file: Option<PathBuf>,
}

impl Inputs {
    /// Reads what was said, without knowing the schema yet.
    pub(crate) fn read(&self) -> Result<RawInputs, Stop> {
        let mut pairs = Vec::with_capacity(self.pairs.len());
        for pair in &self.pairs {
            let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty())
            else {
                return Err(Stop::usage(
                    format!("--input {pair} is not NAME=VALUE"),
                    format!(
                        "for example --input {}=…",
                        if pair.is_empty() { "name" } else { pair }
                    ),
                ));
            };
            pairs.push((name.to_owned(), value.to_owned()));
        }
        let document = match &self.input_file {
            None => None,
            Some(path) => Some(read_document(path)?),
        };
        Ok(RawInputs { document, pairs })
    }
}

fn read_document(path: &std::path::Path) -> Result<serde_json::Map<String, Value>, Stop> {
    let (name, text) = if path.as_os_str() == "-" {
        (
            "standard input".to_owned(),
            files::read_stdin(MAX_INPUT as u64)?,
        )
    } else {
        let bytes = files::read_bytes(path, MAX_INPUT as u64)?;
        let name = path.display().to_string();
        let text = String::from_utf8(bytes)
            .map_err(|_| Stop::usage(format!("{name} is not UTF-8"), "save it as UTF-8"))?;
        (name, text)
    };
    // Files from other systems often begin with a byte order mark; it means nothing.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Stop::usage(
            format!("{name}: the inputs are JSON but not an object"),
            "write {\"name\": value, …}",
        )),
        Err(error) => Err(Stop::usage(
            format!("{name}:{}:{}: {error}", error.line(), error.column()),
            "write a JSON object",
        )),
    }
}
