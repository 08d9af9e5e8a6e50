//! `remit adapter` and `remit doctor adapters`: what adapters say of themselves, what they miss
//! here, and what they would start.
//!
//! Never: a started tool, but for its version.

use std::sync::Arc;

use anstream::println;
use clap::Subcommand;
use remit_core::outcome::{ExitCode, InputProblem};
use remit_core::tool::Launch;
use remit_engine::attempt::{Described, check_inputs, new_run_id};
use remit_engine::inputs::RawInputs;
use remit_engine::plugin::Context;
use remit_engine::seam::Scratch;
use serde_json::{Value, json};

use super::target::{Inputs, Look, Rules, Target};
use crate::adapters::{Allowed, Found, Recorder, Standing, Survey, Tool, in_time};
use crate::asking::PATIENCE;
use crate::exit::Stop;
use crate::owner::Owner;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD, WARN};
use crate::wiring;

/// Shows adapters as who chooses one sees them; checks what they miss
///
/// An adapter is a plugin that wraps one outside tool. For example: remit adapter show command
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the adapters that are built in and those that a policy names
    ///
    /// For example: remit adapter list --json
    List(ListArgs),
    /// Shows what an adapter can do
    ///
    /// With --json also the schema of its inputs. For example: remit adapter show command
    Show(OneArgs),
    /// Asks an adapter what it misses under the rules of the workspace
    ///
    /// Ends with 3 if it is denied what it needs, with 2 if it says that something is missing.
    /// Names of what is missing are printed, never values. For example: remit adapter check command
    Check(OneArgs),
    Argv(Box<ArgvArgs>),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    look: Look,
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// A built-in id, a `.wasm` file, or an id whose `file` the policy names
    adapter: String,

    #[command(flatten)]
    look: Look,
}

/// Prints what an adapter would start for these inputs, and starts nothing
///
/// One argument per line, each as a JSON string. Grants are decided as in a run. What the adapter
/// itself writes before its first call is written. For example:
///
///   remit adapter argv command -i tool=python3 -i template=version --allow-run=python3:version
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct ArgvArgs {
    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    rules: Rules,

    /// Prints one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Asks every adapter what it misses, and looks for its tools and their versions
///
/// Without names nothing is required, and it ends with 0. With names it ends with 3 if one is denied
/// what it needs, with 6 if a tool that it cannot do without is missing, with 2 if it says that
/// something else is. For example: remit doctor adapters command
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Adapters that must be able to work
    adapters: Vec<String>,

    #[command(flatten)]
    look: Look,
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Stop> {
    match args.command {
        Command::List(args) => list(&args),
        Command::Show(args) => show(&args),
        Command::Check(args) => check(&args),
        Command::Argv(args) => argv(*args),
    }
}

/// Carries out something with a survey of the workspace.
fn with_survey<T>(
    look: &Look,
    work: impl AsyncFnOnce(&Survey) -> Result<T, Stop>,
) -> Result<T, Stop> {
    wiring::runtime()?.block_on(async {
        let survey = Survey::of(Places::find()?, look.owner()?)?;
        let done = work(&survey).await;
        survey.tools.close().await;
        done
    })
}

/// The adapter that was named.
async fn named(survey: &Survey, name: &str) -> Result<Found, Stop> {
    let found = survey.find(name).await?;
    found.ok_or_else(|| {
        Stop::usage(
            format!("`{name}` is no adapter"),
            "`remit adapter list` shows them",
        )
    })
}

fn list(args: &ListArgs) -> Result<ExitCode, Stop> {
    with_survey(&args.look, async |survey| {
        let mut rows = Vec::new();
        for name in survey.names() {
            match survey.find(&name).await {
                Ok(Some(found)) if args.look.json => rows.push(described(&found)?),
                Ok(Some(found)) => println!(
                    "{BOLD}{name}{BOLD:#} {}  {}  {DIM}{}{DIM:#}",
                    printable(&found.descriptor.version),
                    printable(&found.descriptor.title),
                    printable(&found.loaded.place)
                ),
                Ok(None) => {}
                Err(stop) if args.look.json => {
                    rows.push(json!({"id": name, "error": super::plugin::brief(&stop)}));
                }
                Err(stop) => println!(
                    "{BOLD}{name}{BOLD:#}  {BAD}cannot be asked{BAD:#}: {}",
                    super::plugin::brief(&stop)
                ),
            }
        }
        if args.look.json {
            super::print_json(&rows)?;
        }
        Ok(ExitCode::Ok)
    })
}

/// An adapter as who chooses one sees it.
fn described(found: &Found) -> Result<Value, Stop> {
    let it = &found.capabilities;
    let schema: Value = serde_json::from_str(&found.descriptor.input_schema)
        .map_err(|error| Stop::Plugin(format!("the adapter's schema is not JSON: {error}")))?;
    Ok(json!({
        "id": found.descriptor.id,
        "version": found.descriptor.version,
        "title": found.descriptor.title,
        "place": found.loaded.place,
        "task-kinds": it.task_kinds,
        "domains": it.domains,
        "max-parallel": it.max_parallel,
        "timeout-ms": it.timeout_ms,
        "safety-tier": it.safety_tier,
        "tool-versions": it.tool_versions,
        "input-schema": schema,
    }))
}

fn show(args: &OneArgs) -> Result<ExitCode, Stop> {
    with_survey(&args.look, async |survey| {
        let found = named(survey, &args.adapter).await?;
        if args.look.json {
            super::print_json(&described(&found)?)?;
            return Ok(ExitCode::Ok);
        }
        let it = &found.capabilities;
        let any = |words: &[String]| match words.is_empty() {
            true => "any".to_owned(),
            false => printable(&words.join(", ")).into_owned(),
        };
        println!(
            "{BOLD}{}{BOLD:#} {}  {}",
            printable(&found.descriptor.id),
            printable(&found.descriptor.version),
            printable(&found.descriptor.title)
        );
        let most = match it.max_parallel {
            u32::MAX => "any number".to_owned(),
            most => most.to_string(),
        };
        let versions = it.tool_versions.as_deref().unwrap_or("it does not matter");
        for (name, value) in [
            ("kinds of task", any(&it.task_kinds)),
            ("domains", any(&it.domains)),
            ("at the same time", most),
            ("usual time", format!("{} s", it.timeout_ms / 1_000)),
            ("safety tier", printable(&it.safety_tier).into_owned()),
            ("tool versions", printable(versions).into_owned()),
        ] {
            println!("  {DIM}{name}{DIM:#} {value}");
        }
        println!(
            "  {DIM}remit schema {} shows the inputs{DIM:#}",
            args.adapter
        );
        Ok(ExitCode::Ok)
    })
}

fn check(args: &OneArgs) -> Result<ExitCode, Stop> {
    with_survey(&args.look, async |survey| {
        let found = named(survey, &args.adapter).await?;
        let grants = match survey.allowed(&found).await? {
            Allowed::Granted(grants) => grants,
            Allowed::Denied(denials) => return Err(Stop::Denied(denials)),
        };
        let missing = survey.missing(&found, *grants).await?;
        if args.look.json {
            super::print_json(&json!({
                "id": found.descriptor.id, "ready": missing.is_empty(), "missing": missing,
            }))?;
        } else if missing.is_empty() {
            println!("{GOOD}ok{GOOD:#} {} misses nothing", args.adapter);
        } else {
            print_missing(&missing);
        }
        Ok(match missing.is_empty() {
            true => ExitCode::Ok,
            false => ExitCode::Usage,
        })
    })
}

fn print_missing(missing: &[InputProblem]) {
    for problem in missing {
        println!(
            "   {BAD}missing{BAD:#} {}  {DIM}{}{DIM:#}",
            printable(&problem.message),
            printable(&problem.code)
        );
    }
}

/// How an adapter stands, for the exit code: the first of these that holds counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lack {
    Nothing,
    Config,
    Tool,
    Grant,
}

pub(crate) fn doctor(args: &DoctorArgs) -> Result<ExitCode, Stop> {
    with_survey(&args.look, async |survey| {
        let required = !args.adapters.is_empty();
        let names = match required {
            true => args.adapters.clone(),
            false => survey.names(),
        };
        let mut rows = Vec::new();
        let mut worst = Lack::Nothing;
        for name in &names {
            let found = if required {
                named(survey, name).await?
            } else {
                match survey.find(name).await? {
                    Some(found) => found,
                    None => continue,
                }
            };
            let (lack, row) = examine(survey, name, &found, args.look.json).await?;
            worst = worst.max(lack);
            rows.push(row);
        }
        if args.look.json {
            super::print_json(&rows)?;
        }
        Ok(match worst {
            _ if !required => ExitCode::Ok,
            Lack::Nothing => ExitCode::Ok,
            Lack::Config => ExitCode::Usage,
            Lack::Tool => ExitCode::ToolMissing,
            Lack::Grant => ExitCode::Denied,
        })
    })
}

/// Looks at one adapter; what it lacks, and the row for programs.
async fn examine(
    survey: &Survey,
    name: &str,
    found: &Found,
    json: bool,
) -> Result<(Lack, Value), Stop> {
    let tools = survey.tools_of(found).await?;
    let gone = |tool: &Tool| matches!(tool.standing, Standing::Missing | Standing::Undeclared);
    let lacks_tool = tools.iter().any(|tool| gone(tool) && !tool.optional);
    let (denials, missing) = match survey.allowed(found).await? {
        Allowed::Granted(grants) => (Vec::new(), survey.missing(found, *grants).await?),
        Allowed::Denied(denials) => (denials, Vec::new()),
    };
    let lack = if !denials.is_empty() {
        Lack::Grant
    } else if lacks_tool {
        Lack::Tool
    } else if !missing.is_empty() {
        Lack::Config
    } else {
        Lack::Nothing
    };
    if !json {
        let mark = match lack {
            Lack::Nothing => format!("{GOOD}ok{GOOD:#}"),
            Lack::Grant => format!("{WARN}--{WARN:#}"),
            Lack::Config | Lack::Tool => format!("{BAD}no{BAD:#}"),
        };
        println!(
            "{mark} {BOLD}{name}{BOLD:#} {}",
            printable(&found.descriptor.version)
        );
        for tool in &tools {
            print_tool(tool);
        }
        print_missing(&missing);
        for denial in &denials {
            println!(
                "   {WARN}not allowed{WARN:#} {}",
                printable(denial.to_string().lines().next().unwrap_or(""))
            );
        }
    }
    let row = json!({
        "id": found.descriptor.id,
        "version": found.descriptor.version,
        "ready": lack == Lack::Nothing,
        "tools": tools,
        "missing": missing,
        "denied": denials,
    });
    Ok((lack, row))
}

fn print_tool(tool: &Tool) {
    let said = tool.version.as_deref().unwrap_or("says no version");
    let tested = tool.tested.as_deref().unwrap_or("any version");
    let (mark, what) = match tool.standing {
        Standing::Ok => (format!("{GOOD}found{GOOD:#}"), said.to_owned()),
        Standing::OutsideTestedRange => (
            format!("{WARN}outside tested range{WARN:#}"),
            format!("{said}; tested with {tested}"),
        ),
        Standing::VersionUnknown => (
            format!("{WARN}version unknown{WARN:#}"),
            format!("{said}; tested with {tested}"),
        ),
        Standing::Undeclared | Standing::Missing => (
            format!("{BAD}missing{BAD:#}"),
            tool.reason.clone().unwrap_or_default(),
        ),
    };
    println!("   {mark} {}  {DIM}{}{DIM:#}", tool.tool, printable(&what));
}

fn argv(args: ArgvArgs) -> Result<ExitCode, Stop> {
    let inputs = args.inputs.read()?;
    wiring::runtime()?.block_on(async {
        let places = Places::find()?;
        let owner = Owner::read(&places, &args.target.directory, &args.rules)?;
        let survey = Survey::of(places, owner)?;
        let found = named(&survey, &args.target.plugin).await?;
        let launch = first_call(&survey, &found, &inputs).await?;
        print_launch(&launch, args.json)?;
        Ok(ExitCode::Ok)
    })
}

/// What the adapter would start first.
async fn first_call(survey: &Survey, found: &Found, inputs: &RawInputs) -> Result<Launch, Stop> {
    let grants = match survey.allowed(found).await? {
        Allowed::Granted(grants) => *grants,
        Allowed::Denied(denials) => return Err(Stop::Denied(denials)),
    };
    let recorder = Arc::new(Recorder::new(Arc::clone(&survey.tools)));
    let scratch = Arc::new(survey.tools.scratch()) as Arc<dyn Scratch>;
    let host = survey.host(found, grants, Arc::clone(&recorder), Some(scratch));
    let ended = in_time(async {
        let mut instance = survey.instance(found, Arc::clone(&host)).await?;
        let fault = |fault: remit_engine::plugin::PluginFault| Stop::Plugin(fault.to_string());
        let (value, problems) = check_inputs(instance.as_mut(), inputs, &Described::default())
            .await
            .map_err(fault)?;
        if !problems.is_empty() {
            return Err(Stop::Inputs(problems));
        }
        let context = Context {
            run_id: new_run_id(),
            task_id: host.identity().task.clone(),
            attempt: 1,
            fence: 1,
            effect_key: "argv".to_owned(),
            inputs: value.to_string(),
            time_left_ms: u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX),
            checkpoint: None,
        };
        instance.execute(context).await.map_err(fault)
    });
    let ended = ended.await;
    if let Some(launch) = recorder.first() {
        return Ok(launch);
    }
    let ended = ended?;
    let denials = host.denials();
    if !denials.is_empty() {
        return Err(Stop::Denied(denials));
    }
    Err(Stop::Plugin(format!(
        "the adapter asked for no tool: {ended:?}"
    )))
}

fn print_launch(launch: &Launch, json: bool) -> Result<(), Stop> {
    if json {
        let env: Vec<String> = launch.env_names().map(ToString::to_string).collect();
        return super::print_json(&json!({
            "tool": launch.tool(),
            "template": launch.template().to_string(),
            "program": launch.program().to_string(),
            "argv": launch.arguments(),
            "env": env,
        }));
    }
    for argument in launch.arguments() {
        println!("{}", Value::from(argument.as_str()));
    }
    Ok(())
}
