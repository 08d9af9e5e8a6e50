//! `remit grant`: approves a plugin exactly as it is now, with the programs of its tools.
//!
//! Never: an approval that was not shown before; a yes that nobody gave.

use std::path::PathBuf;
use std::sync::Arc;

use anstream::println;
use remit_core::approval::{
    Allowed, Approval, ApprovalChange, Difference, FileIdentity, Standing, applying,
};
use remit_core::audit::Entry;
use remit_core::denial::Denial;
use remit_core::outcome::ExitCode;
use remit_core::policy::FlagRules;
use remit_process::ToolBox;

use super::target::{Allows, Rules, Target};
use crate::approvals::Store;
use crate::exit::Stop;
use crate::loading::{self, Loaded};
use crate::owner::{Decided, Owner};
use crate::permission::workspace_name;
use crate::pinning::{self, Draft};
use crate::places::Places;
use crate::printable::printable;
use crate::prompt;
use crate::render::{BAD, BOLD, DIM, GOOD, NOTE, WARN};
use crate::watch::audit;
use crate::wiring;

/// Approves a plugin exactly as it is now
///
/// Records the component, its manifest and the programs of the tools that are allowed. From then
/// on runs need no flags for it, and a component or program that is another is a stop. Allows
/// what the plugin cannot do without, unless --allow-… or --all say otherwise. For example:
///
///   remit grant module-creation --all
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    allow: Allows,

    /// Allows everything that the plugin asks for, also what it can do without
    #[arg(long)]
    all: bool,

    /// Approves what is there now in place of what was approved, with the same scopes and what
    /// the plugin now cannot do without
    #[arg(long)]
    update: bool,

    /// Approves for every workspace, not only for this one
    #[arg(long)]
    anywhere: bool,

    /// A policy file, above the user's own and the workspace's; it may declare tools
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Does not ask; needed where there is no terminal
    #[arg(long)]
    yes: bool,

    /// Prints JSON on standard output; does not ask, so that it needs --yes
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    if !args.yes && (args.json || !prompt::can_ask()) {
        return Err(Stop::usage(
            "there is no terminal on which to ask whether this is what you want",
            "look at it with `remit inspect`, then add --yes",
        ));
    }
    wiring::runtime()?.block_on(async {
        let places = Places::find()?;
        let rules = Rules {
            policy: args.policy.clone(),
            allow: args.allow.clone(),
            ..Rules::default()
        };
        let owner = Owner::read(&places, &args.target.directory, &rules)?;
        let loaded = loading::find(&args.target.plugin, &owner)?;
        let tools = Arc::new(wiring::tool_box(&owner)?);
        let store = Store::at(places.approvals());
        let result = approve(args, &owner, &loaded, &tools, &store).await;
        tools.close().await;
        result
    })
}

async fn approve(
    args: &Args,
    owner: &Owner,
    loaded: &Loaded,
    tools: &ToolBox,
    store: &Store,
) -> Result<ExitCode, Stop> {
    let known = known(owner, loaded, store)?;
    let mut difference = None;
    if let Some(known) = &known {
        let standing = pinning::standing(known, owner, loaded, tools).await?;
        if let Standing::Changed(found) = standing {
            difference = Some(found);
        }
    }
    if let (Some(known), Some(difference), false) = (&known, &difference, args.update) {
        let accept = owner.command(&["grant", loaded.named.as_str(), "--update"]);
        let denial = Denial::changed(known, difference.as_ref().clone(), accept);
        return Err(Stop::Denied(vec![denial]));
    }
    if args.update && known.is_none() {
        return Err(Stop::usage(
            format!("{} is not approved here", loaded.manifest.id()),
            "leave out --update",
        ));
    }
    let workspace = match (&known, args.anywhere) {
        (_, true) => None,
        (Some(known), false) if args.update => known.workspace.clone(),
        (Some(_) | None, false) => Some(workspace_name(owner)?),
    };
    let before = known.filter(|known| args.update || known.workspace == workspace);
    let allow = allowed(args, owner, loaded, before.as_ref())?;
    // A box of its own: what was barred for the comparison is what is to be approved now.
    let fresh = wiring::tool_box(owner)?;
    let draft = pinning::draft(owner, loaded, &fresh, allow, workspace).await;
    fresh.close().await;
    let draft = draft?;
    if !args.json {
        show(loaded, &draft, difference.as_deref());
    }
    if !args.yes && !prompt::confirm("approve exactly this?") {
        println!("not approved");
        return Ok(ExitCode::Denied);
    }
    let kept = store.keep(draft.approval)?;
    let entry = Entry::approved(&kept.approval, kept.replaces.clone());
    audit::owner_did(&Places::find()?, &[entry]);
    let remaining = remaining(owner, loaded, &kept.approval)?;
    if args.json {
        super::print_json(&ApprovalChange::Granted {
            approval: Box::new(kept.approval),
            replaces: kept.replaces,
        })?;
        return Ok(ExitCode::Ok);
    }
    println!("{GOOD}approved{GOOD:#} {}", kept.approval.id);
    for denial in &remaining {
        println!(
            "{WARN}still denied:{WARN:#} {}",
            printable(&denial.to_string())
        );
    }
    Ok(ExitCode::Ok)
}

/// The approval that counts here now.
fn known(owner: &Owner, loaded: &Loaded, store: &Store) -> Result<Option<Approval>, Stop> {
    let all = store.read()?;
    let workspace = owner.workspace().to_str().unwrap_or_default();
    Ok(applying(&all, loaded.manifest.id(), workspace).cloned())
}

/// What is to be allowed: what was, as far as the plugin still asks for it, and what is said now.
fn allowed(
    args: &Args,
    owner: &Owner,
    loaded: &Loaded,
    before: Option<&Approval>,
) -> Result<Allowed, Stop> {
    let mut allow = owner.flags_allow()?;
    let said = !allow.is_empty();
    let requests = loaded.manifest.requests();
    for scope in before
        .map(|before| before.allow.scopes())
        .unwrap_or_default()
    {
        let asked = |wanted| scope.covers(wanted) || wanted.covers(&scope);
        if requests.iter().any(|request| asked(request.scope())) {
            allow.add(scope);
        }
    }
    for request in requests {
        if args.all || (!said && !request.is_optional()) {
            allow.add(request.scope().clone());
        }
    }
    Ok(allow)
}

/// What the plugin cannot do without and still would not get.
fn remaining(owner: &Owner, loaded: &Loaded, approval: &Approval) -> Result<Vec<Denial>, Stop> {
    let Loaded {
        manifest, digest, ..
    } = loaded;
    let further = FlagRules::default();
    Ok(
        match owner.decide(manifest, digest, Some(approval), &further)? {
            Decided::Granted(_) => Vec::new(),
            Decided::Denied(denials) => denials,
        },
    )
}

fn show(loaded: &Loaded, draft: &Draft, difference: Option<&Difference>) {
    let approval = &draft.approval;
    println!(
        "{BOLD}{} {}{BOLD:#} {}  {DIM}{}{DIM:#}",
        approval.plugin,
        approval.version,
        printable(loaded.manifest.title()),
        printable(&loaded.place)
    );
    println!("  component {}", approval.component);
    println!("  manifest  {}", approval.manifest);
    let workspace = approval.workspace.as_deref().unwrap_or("any");
    println!("  workspace {}", printable(workspace));
    if let Some(difference) = difference {
        println!("{BOLD}differs from what was approved{BOLD:#}");
        for line in difference.to_string().lines() {
            println!("  {}", printable(line));
        }
    }
    println!("{BOLD}asks for{BOLD:#}");
    let scopes = approval.allow.scopes();
    for request in loaded.manifest.requests() {
        let mark = if scopes.iter().any(|scope| scope.covers(request.scope())) {
            format!("{GOOD}allow{GOOD:#}")
        } else {
            format!("{DIM}-    {DIM:#}")
        };
        println!(
            "  {mark} {NOTE}{} {}{NOTE:#}  {}",
            request.scope().capability(),
            printable(&request.scope().to_string()),
            printable(request.reason())
        );
    }
    println!("{BOLD}allows{BOLD:#}");
    if scopes.is_empty() {
        println!("  nothing by itself; what a policy allows holds for exactly this code");
    }
    for scope in &scopes {
        println!("  {} {}", scope.capability(), printable(&scope.to_string()));
    }
    show_tools(draft);
}

fn show_tools(draft: &Draft) {
    if draft.approval.tools.is_empty() && draft.missing.is_empty() {
        return;
    }
    println!("{BOLD}programs{BOLD:#}");
    let file = |file: &FileIdentity| format!("{}  {}", printable(&file.path), file.digest);
    for tool in &draft.approval.tools {
        let version = tool.version.as_deref().unwrap_or("");
        println!(
            "  {BOLD}{}{BOLD:#} {}  {DIM}{}{DIM:#}",
            tool.tool,
            printable(version),
            file(&tool.file)
        );
        if let Some(interpreter) = &tool.interpreter {
            println!("    run by {DIM}{}{DIM:#}", file(interpreter));
        }
    }
    for missing in &draft.missing {
        println!(
            "  {BAD}--{BAD:#} {BOLD}{}{BOLD:#}  {}",
            missing.tool,
            printable(&missing.reason)
        );
    }
}
