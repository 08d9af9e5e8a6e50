//! `remit tool`: the declared tools, and whether their programs are on this machine.

use std::sync::Arc;

use anstream::println;
use clap::Subcommand;
use remit_core::outcome::ExitCode;
use remit_core::policy::Origin;
use remit_core::tool::{Network, StartError, ToolDeclaration, ToolId};
use remit_process::Pinned;
use serde_json::{Value, json};

use super::target::Look;
use crate::exit::Stop;
use crate::owner::Owner;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD};
use crate::wiring;

/// Lists the declared tools; checks that they are there
///
/// A tool is a program with the only shapes of arguments that it is started with. The catalogue
/// and your policies declare tools, plugins never do.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(ListArgs),
    Check(CheckArgs),
}

/// Lists every declared tool with its templates
///
/// What is declared is not allowed yet: a rule or --allow-run=TOOL:TEMPLATE does that.
#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    look: Look,
}

/// Finds and pins the program of each tool
///
/// Ends with 6 if one of the named tools is missing; without names, all are looked at and none is
/// required.
#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// Tools that must be there
    tools: Vec<String>,

    #[command(flatten)]
    look: Look,
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Stop> {
    match args.command {
        Command::List(args) => list(&args),
        Command::Check(args) => check(&args),
    }
}

fn list(args: &ListArgs) -> Result<ExitCode, Stop> {
    let owner = args.look.owner()?;
    if args.look.json {
        let rows: Vec<Value> = owner
            .policy()
            .tools()
            .map(|(tool, origin)| describe(tool, origin))
            .collect();
        super::print_json(&rows)?;
        return Ok(ExitCode::Ok);
    }
    for (tool, origin) in owner.policy().tools() {
        println!(
            "{BOLD}{}{BOLD:#}  {}  {DIM}{origin}{DIM:#}",
            tool.id(),
            printable(&tool.program().to_string())
        );
        match tool.rules().network() {
            Network::None => {}
            network @ (Network::Loopback | Network::Origins | Network::Full) => {
                println!("  {DIM}network = {network}{DIM:#}");
            }
        }
        for entry in tool.rules().origins() {
            println!("  {DIM}127.0.0.1:{} is {}{DIM:#}", entry.port, entry.origin);
        }
        for (id, template) in tool.templates() {
            println!(
                "  {id}  {DIM}{}{DIM:#}",
                printable(&template.source().join(" "))
            );
        }
    }
    Ok(ExitCode::Ok)
}

fn describe(tool: &ToolDeclaration, origin: &Origin) -> Value {
    let templates: serde_json::Map<String, Value> = tool
        .templates()
        .iter()
        .map(|(id, template)| (id.to_string(), Value::String(template.source().join(" "))))
        .collect();
    json!({
        "id": tool.id().to_string(),
        "program": tool.program().to_string(),
        "declared-in": origin.to_string(),
        "templates": templates,
        "network": tool.rules().network().to_string(),
        "origins": tool.rules().origins(),
    })
}

fn check(args: &CheckArgs) -> Result<ExitCode, Stop> {
    let owner = args.look.owner()?;
    let mut wanted = named(&owner, &args.tools)?;
    let required = !wanted.is_empty();
    if !required {
        wanted = owner
            .policy()
            .tools()
            .map(|(tool, _)| tool.clone())
            .collect();
    }
    let runtime = wiring::runtime()?;
    let mut rows = Vec::with_capacity(wanted.len());
    let mut missing = false;
    runtime.block_on(async {
        let tools = wiring::tool_box(&owner)?;
        for tool in &wanted {
            let found = tools.pin(tool.id(), tool.program(), &[]).await;
            missing |= found.is_err();
            if !args.look.json {
                print_found(tool, &found);
            }
            rows.push(found_row(tool, &found));
        }
        Ok::<(), Stop>(())
    })?;
    if args.look.json {
        super::print_json(&rows)?;
    }
    Ok(if required && missing {
        ExitCode::ToolMissing
    } else {
        ExitCode::Ok
    })
}

/// The declarations of the tools with these names.
fn named(owner: &Owner, names: &[String]) -> Result<Vec<ToolDeclaration>, Stop> {
    let policy = owner.policy();
    let declared = |name: &String| policy.tool(&name.parse::<ToolId>().ok()?).cloned();
    names
        .iter()
        .map(|name| {
            declared(name).ok_or_else(|| {
                let known: Vec<String> = policy
                    .tools()
                    .map(|(tool, _)| tool.id().to_string())
                    .collect();
                Stop::usage(
                    format!("no policy declares a tool `{name}`"),
                    format!("declared are {}", known.join(", ")),
                )
            })
        })
        .collect()
}

type Found = Result<Arc<Pinned>, StartError>;

fn print_found(tool: &ToolDeclaration, found: &Found) {
    let id = tool.id();
    match found {
        Ok(pinned) => println!(
            "{GOOD}ok{GOOD:#} {BOLD}{id}{BOLD:#}  {}  {DIM}{}{DIM:#}",
            printable(&pinned.found().display().to_string()),
            digest(pinned)
        ),
        Err(error) => println!(
            "{BAD}--{BAD:#} {BOLD}{id}{BOLD:#}  {}",
            printable(&error.to_string())
        ),
    }
}

fn found_row(tool: &ToolDeclaration, found: &Found) -> Value {
    let id = tool.id().to_string();
    match found {
        Ok(pinned) => json!({
            "id": id,
            "found": true,
            "program": pinned.found(),
            "runs": pinned.executable(),
            "digest": digest(pinned),
        }),
        Err(error) => json!({
            "id": id,
            "found": false,
            "code": error.code(),
            "message": error.to_string(),
        }),
    }
}

fn digest(pinned: &Pinned) -> String {
    match pinned.digest() {
        Ok(digest) => digest.to_string(),
        Err(error) => format!("unreadable: {error}"),
    }
}
