//! `remit plugin`: the plugins that are there, and what their authors need.

use anstream::println;
use clap::Subcommand;
use remit_core::outcome::ExitCode;
use serde_json::json;

use super::target::Look;
use super::{
    pack, plugin_build, plugin_conformance, plugin_docs, plugin_lint, plugin_new, plugin_test,
};
use crate::exit::Stop;
use crate::loading::{self, Loaded};
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM};

/// Makes, builds, lists, tests, checks, documents and packs plugins
///
/// For example: remit plugin new say-hello --lang python && remit plugin build say-hello
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(plugin_new::Args),
    Build(plugin_build::Args),
    List(ListArgs),
    Pack(pack::Args),
    Test(plugin_test::Args),
    Lint(plugin_lint::Args),
    Conformance(plugin_conformance::Args),
    Docs(plugin_docs::Args),
}

/// Lists the built-in plugins and those that a policy names
///
/// A policy names one with `file = "plugin.wasm"` in its section [plugins.ID].
#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    look: Look,
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Stop> {
    match args.command {
        Command::New(args) => plugin_new::run(&args),
        Command::Build(args) => plugin_build::run(&args),
        Command::List(args) => list(&args),
        Command::Pack(args) => pack::run(&args),
        Command::Test(args) => plugin_test::run(&args),
        Command::Lint(args) => plugin_lint::run(&args),
        Command::Conformance(args) => plugin_conformance::run(&args),
        Command::Docs(args) => plugin_docs::run(&args),
    }
}

fn list(args: &ListArgs) -> Result<ExitCode, Stop> {
    let owner = args.look.owner()?;
    let mut ids: Vec<String> = remit_builtin::ALL
        .iter()
        .map(|plugin| plugin.id.to_owned())
        .collect();
    for id in owner.policy().plugins() {
        if owner.policy().plugin_file(id).is_some() && !ids.contains(&id.to_string()) {
            ids.push(id.to_string());
        }
    }
    ids.sort_unstable();
    let found: Vec<(String, Result<Loaded, Stop>)> = ids
        .into_iter()
        .map(|id| {
            let loaded = loading::find(&id, &owner);
            (id, loaded)
        })
        .collect();
    if args.look.json {
        let rows: Vec<_> = found.iter().map(|(id, loaded)| row(id, loaded)).collect();
        super::print_json(&rows)?;
        return Ok(ExitCode::Ok);
    }
    for (id, loaded) in &found {
        match loaded {
            Ok(loaded) => println!(
                "{BOLD}{id}{BOLD:#} {}  {}  {DIM}{}{DIM:#}",
                loaded.manifest.version(),
                printable(loaded.manifest.title()),
                printable(&loaded.place)
            ),
            Err(stop) => println!(
                "{BOLD}{id}{BOLD:#}  {BAD}cannot be read{BAD:#}: {}",
                brief(stop)
            ),
        }
    }
    Ok(ExitCode::Ok)
}

fn row(id: &str, loaded: &Result<Loaded, Stop>) -> serde_json::Value {
    match loaded {
        Ok(loaded) => json!({
            "id": id,
            "version": loaded.manifest.version().to_string(),
            "title": loaded.manifest.title(),
            "place": loaded.place,
            "component": loaded.digest.to_string(),
            "has-manifest": loaded.has_manifest,
        }),
        Err(stop) => json!({"id": id, "error": brief(stop)}),
    }
}

/// An error on one line.
pub(super) fn brief(stop: &Stop) -> String {
    match stop {
        Stop::Usage { message, .. } | Stop::Unavailable { message, .. } | Stop::Plugin(message) => {
            printable(message).into_owned()
        }
        Stop::Files(diagnostics) => printable(&diagnostics.to_string()).replace('\n', "; "),
        Stop::Inputs(_) | Stop::Denied(_) => "denied".to_owned(),
        Stop::Internal(error) => format!("{error:#}"),
    }
}
