//! `remit plugin docs`: a reference page for a plugin, out of what it says of itself.
//!
//! Never: a sentence that only the author of this program could know.

use std::fmt::Write as _;

use remit_component::{Report, inspect, unpack};
use remit_core::manifest::{Manifest, Request};
use remit_core::outcome::ExitCode;
use remit_core::scope::Capability;
use remit_engine::inputs::Schema;
use remit_engine::plugin::{Descriptor, Plugin as _};
use serde_json::Value;

use crate::exit::Stop;
use crate::places::Places;
use crate::trial::Bench;
use crate::trial::subject::Subject;
use crate::wiring;

/// Deepest part of a schema that gets a row of its own.
const MAX_DEPTH: usize = 6;
/// Rows of one table. A longer one is not read.
const MAX_ROWS: usize = 500;

/// Prints a reference page for a plugin: what it asks for, takes, gives, and needs in a policy
///
/// Markdown on standard output, out of the manifest, the schemas and the component itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The plugin's directory, a `.wasm` file, or a built-in id
    #[arg(default_value = ".")]
    plugin: String,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let subject = Subject::find(&args.plugin)?;
    let loaded = &subject.loaded;
    let broken = |error: &dyn std::fmt::Display| Stop::Plugin(format!("{}: {error}", loaded.place));
    let report = inspect(&loaded.bytes).map_err(|error| broken(&error))?;
    let package = unpack(&loaded.bytes).map_err(|error| broken(&error))?;
    let runtime = wiring::runtime()?;
    let described = runtime.block_on(async {
        let bench = Bench::new(&places, loaded).await?;
        let mut instance = bench
            .plugin()
            .instantiate(bench.silent_host()?, None)
            .await
            .map_err(|fault| broken(&fault))?;
        instance.describe().await.map_err(|fault| broken(&fault))
    })?;
    let inputs = Schema::parse(&described.input_schema).map_err(|error| broken(&error))?;
    let outputs = Schema::parse(&described.output_schema).map_err(|error| broken(&error))?;
    let mut page = Page::default();
    page.head(&loaded.manifest, &described, &loaded.digest.to_string());
    page.requests(&loaded.manifest);
    page.policy(&loaded.manifest);
    page.inputs(&inputs);
    page.outputs(&outputs, &described);
    page.ends(&described);
    page.surface(&report);
    if let Some(licence) = &package.licence {
        let first = licence.lines().find(|line| !line.trim().is_empty());
        page.line(&format!(
            "\n## Licence\n\n{}",
            cell(first.unwrap_or_default())
        ));
    }
    anstream::print!("{}", page.0);
    Ok(ExitCode::Ok)
}

/// A page of Markdown.
#[derive(Default)]
struct Page(String);

/// A text on one line that is no markup of a table.
fn cell(text: &str) -> String {
    let text = crate::printable::printable(text);
    text.replace('|', "\\|").replace(['\n', '\t'], " ")
}

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn head(&mut self, manifest: &Manifest, described: &Descriptor, digest: &str) {
        self.line(&format!("# {}\n", manifest.id()));
        self.line(&format!(
            "{}.\n",
            cell(described.title.trim_end_matches('.'))
        ));
        let kind = match &described.adapter {
            None => "pattern executor",
            Some(_) => "tool adapter",
        };
        self.line("| | |\n|---|---|");
        self.line(&format!("| version | {} |", manifest.version()));
        self.line(&format!("| kind | {kind} |"));
        self.line(&format!("| contract | {} |", manifest.wit()));
        self.line(&format!("| component | `{digest}` |"));
        self.line(&format!("| memory | {} |", manifest.needs().memory()));
        self.line(&format!(
            "| time of an attempt | {} |",
            manifest.needs().time()
        ));
        if let Some(adapter) = &described.adapter {
            let words = |list: &[String]| match list.is_empty() {
                true => "any".to_owned(),
                false => list
                    .iter()
                    .map(|word| cell(word))
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            self.line(&format!(
                "| kinds of task | {} |",
                words(&adapter.task_kinds)
            ));
            self.line(&format!("| domains | {} |", words(&adapter.domains)));
            self.line(&format!(
                "| harm that it can do | {} |",
                cell(&adapter.safety_tier)
            ));
            if let Some(versions) = &adapter.tool_versions {
                self.line(&format!("| versions of the tool | `{}` |", cell(versions)));
            }
        }
    }

    fn requests(&mut self, manifest: &Manifest) {
        self.line("\n## What it asks for\n");
        if manifest.requests().is_empty() {
            self.line("Nothing.");
            return;
        }
        self.line("| Request | Needed | Why |\n|---|---|---|");
        for request in manifest.requests() {
            let needed = if request.is_optional() {
                "can do without"
            } else {
                "yes"
            };
            self.line(&format!(
                "| `{} {}` | {needed} | {} |",
                request.scope().capability(),
                cell(&request.scope().to_string()),
                cell(request.reason())
            ));
        }
    }

    /// The lines of a policy that allow everything, and the flags for one run.
    fn policy(&mut self, manifest: &Manifest) {
        if manifest.requests().is_empty() {
            return;
        }
        self.line("\n## The policy that allows it\n\n```toml\nformat = 1\n");
        self.line(&format!("[plugins.{}]", manifest.id()));
        let mut flags = format!("remit run {}", manifest.id());
        for capability in [
            Capability::Read,
            Capability::Write,
            Capability::Env,
            Capability::Run,
            Capability::Net,
        ] {
            let of = |request: &&Request| request.scope().capability() == capability;
            let values: Vec<String> = manifest
                .requests()
                .iter()
                .filter(of)
                .map(|request| request.scope().to_string())
                // Which tools `*` means, only the owner knows.
                .map(|scope| {
                    if scope == "*" {
                        "TOOL:TEMPLATE".to_owned()
                    } else {
                        scope
                    }
                })
                .collect();
            if values.is_empty() {
                continue;
            }
            let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
            self.line(&format!("{capability} = [{}]", quoted.join(", ")));
            for value in &values {
                let _ = write!(flags, " --allow-{capability}={value}");
            }
        }
        self.line(&format!("```\n\nOr for one run: `{}`", cell(&flags)));
    }

    fn inputs(&mut self, schema: &Schema) {
        self.line("\n## Inputs\n");
        self.members(schema.source(), "It takes none.");
    }

    fn outputs(&mut self, schema: &Schema, described: &Descriptor) {
        self.line("\n## Outputs\n");
        if described.adapter.is_some() {
            self.line(
                "The report of an adapter: `success`, `output`, `error`, `duration-ms`, `artifacts`, \
                 `claimed-changes`, `cost`, and `details`, which belong to this adapter.",
            );
            return;
        }
        self.members(schema.source(), "It promises none in particular.");
    }

    fn members(&mut self, schema: &Value, nothing: &str) {
        let mut rows = Vec::new();
        collect(schema, schema, "", 0, &mut rows);
        if rows.is_empty() {
            self.line(nothing);
            return;
        }
        self.line("| Name | Type | Needed | Meaning |\n|---|---|---|---|");
        for row in rows.iter().take(MAX_ROWS) {
            self.line(row);
        }
        if rows.len() > MAX_ROWS {
            self.line(&format!(
                "\n{} more are in `remit schema`.",
                rows.len() - MAX_ROWS
            ));
        }
    }

    fn ends(&mut self, described: &Descriptor) {
        self.line("\n## How it ends\n\n| Exit code | When |\n|---|---|");
        for code in ExitCode::ALL {
            let when = match code {
                ExitCode::Ok if described.adapter.is_some() => "the tool did what was asked",
                ExitCode::Ok => "the work was done",
                ExitCode::Failed => "the work was tried and failed, or judged not good enough",
                ExitCode::Usage => "inputs do not fit; nothing was done",
                ExitCode::Denied => "something that it needs is not allowed",
                ExitCode::ToolMissing => "a tool that it needs is not there",
                ExitCode::Timeout => "its time was over",
                ExitCode::Cancelled => "somebody asked it to end",
                ExitCode::Plugin => "a fault of the plugin",
                ExitCode::Internal => "a fault of the host",
            };
            self.line(&format!(
                "| {} ({}) | {when} |",
                code.number(),
                code.meaning()
            ));
        }
    }

    fn surface(&mut self, report: &Report) {
        self.line("\n## What it imports\n");
        if report.imports.is_empty() {
            self.line("Nothing.");
        }
        for item in &report.imports {
            let functions: Vec<String> = item
                .functions
                .iter()
                .map(|name| format!("`{}`", cell(name)))
                .collect();
            let functions = if functions.is_empty() {
                String::new()
            } else {
                format!(": {}", functions.join(", "))
            };
            self.line(&format!("- `{}`{functions}", cell(&item.name)));
        }
    }
}

/// A row for each member of an object, those inside of others behind them.
fn collect(root: &Value, schema: &Value, above: &str, depth: usize, rows: &mut Vec<String>) {
    let schema = resolved(root, schema);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    let required = schema.get("required").and_then(Value::as_array);
    for (name, part) in properties {
        if depth >= MAX_DEPTH || rows.len() > MAX_ROWS {
            return;
        }
        let part = resolved(root, part);
        let needed = required.is_some_and(|names| names.iter().any(|one| one == name));
        let path = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}.{name}")
        };
        let mut meaning = part
            .get("description")
            .or_else(|| part.get("title"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if let Some(default) = part.get("default") {
            let _ = write!(meaning, " Default: `{default}`.");
        }
        rows.push(format!(
            "| `{}` | {} | {} | {} |",
            cell(&path),
            cell(&type_of(root, part)),
            if needed { "yes" } else { "" },
            cell(meaning.trim())
        ));
        collect(root, part, &path, depth + 1, rows);
        if let Some(items) = part.get("items") {
            collect(root, items, &format!("{path}[]"), depth + 1, rows);
        }
    }
}

/// What a reference within the schema means; one step, which is what people write.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|target| root.pointer(target.strip_prefix('#')?))
        .unwrap_or(schema)
}

/// The type of a member, in a few words.
fn type_of(root: &Value, schema: &Value) -> String {
    let words = |values: &[Value]| -> String {
        let each: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        each.join(", ")
    };
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return format!("one of {}", words(values));
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(options) = schema.get(key).and_then(Value::as_array) {
            let mut each: Vec<String> = options
                .iter()
                .map(|option| type_of(root, resolved(root, option)))
                .collect();
            each.dedup();
            return each.join(" or ");
        }
    }
    match schema.get("type") {
        Some(Value::String(one)) if one == "array" => match schema.get("items") {
            Some(items) => format!("list of {}", type_of(root, resolved(root, items))),
            None => "list".to_owned(),
        },
        Some(Value::String(one)) => one.clone(),
        Some(Value::Array(many)) => {
            let each: Vec<&str> = many.iter().filter_map(Value::as_str).collect();
            each.join(" or ")
        }
        Some(_) | None => "anything".to_owned(),
    }
}
