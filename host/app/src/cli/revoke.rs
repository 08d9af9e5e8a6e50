//! `remit revoke`: takes approvals back. Runs that rest on one end within a second.
//!
//! Never: an approval that was not meant.

use std::path::Path;

use anstream::println;
use remit_core::approval::{Approval, ApprovalChange, ApprovalId, Source};
use remit_core::audit::Entry;
use remit_core::outcome::ExitCode;
use remit_engine::journal::system_clock;

use crate::approvals::Store;
use crate::exit::Stop;
use crate::files;
use crate::loading::looks_like_file;
use crate::places::Places;
use crate::printable::printable;
use crate::render::BOLD;
use crate::watch::audit;

/// Takes approvals back; ends runs that rest on them
///
/// A run that is going on under the approval ends within a second, with all of its tools and with
/// exit code 8. A run whose policies allow everything that it may do goes on.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What `remit grants` prints first, or a plugin: its id or file
    #[arg(value_name = "ID|PLUGIN", required_unless_present = "all")]
    what: Option<String>,

    /// Takes back every approval; with a plugin, every one of it
    #[arg(long)]
    all: bool,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let store = Store::at(places.approvals());
    let time = system_clock()();
    let revoked = store.change(|all| {
        let meant: Vec<ApprovalId> = all
            .iter()
            .filter(|approval| args.what.as_deref().is_none_or(|what| is(approval, what)))
            .map(|approval| approval.id.clone())
            .collect();
        check(args, &meant)?;
        let (revoked, kept) = std::mem::take(all)
            .into_iter()
            .partition(|approval| meant.contains(&approval.id));
        *all = kept;
        Ok::<Vec<Approval>, Stop>(revoked)
    })?;
    let entries: Vec<Entry> = revoked.iter().map(Entry::revoked).collect();
    audit::owner_did(&places, &entries);
    if args.json {
        let rows: Vec<_> = revoked.into_iter().map(|one| change(one, &time)).collect();
        super::print_json(&rows)?;
        return Ok(ExitCode::Ok);
    }
    for approval in &revoked {
        let workspace = approval.workspace.as_deref().unwrap_or("any");
        println!(
            "revoked {BOLD}{}{BOLD:#}  {} {}  workspace {}",
            approval.id,
            approval.plugin,
            printable(&approval.version),
            printable(workspace)
        );
    }
    Ok(ExitCode::Ok)
}

/// Whether these words mean this approval.
fn is(approval: &Approval, what: &str) -> bool {
    if what == approval.id.to_string() || what == approval.plugin.as_str() {
        return true;
    }
    let Source::File(file) = &approval.source else {
        return false;
    };
    looks_like_file(what) && files::real_or_planned(Path::new(what)) == Path::new(file)
}

/// Nothing, and more than one without `--all`, is not what was meant.
fn check(args: &Args, meant: &[ApprovalId]) -> Result<(), Stop> {
    let Some(what) = &args.what else {
        return Ok(());
    };
    if meant.is_empty() {
        return Err(Stop::usage(
            format!("nothing is approved as `{what}`"),
            "`remit grants` lists what is",
        ));
    }
    if meant.len() > 1 && !args.all {
        let ids: Vec<String> = meant.iter().map(ToString::to_string).collect();
        return Err(Stop::usage(
            format!("`{what}` means {} approvals: {}", ids.len(), ids.join(", ")),
            "name one of them, or add --all",
        ));
    }
    Ok(())
}

fn change(approval: Approval, time: &str) -> ApprovalChange {
    ApprovalChange::Revoked {
        approval: approval.id,
        plugin: approval.plugin,
        component: approval.component,
        workspace: approval.workspace,
        time: time.to_owned(),
    }
}
