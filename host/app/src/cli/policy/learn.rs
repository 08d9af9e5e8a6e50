//! `remit policy learn`: what a plugin uses, seen in a private copy of the workspace, as the
//! smallest change of the policy.

use std::path::PathBuf;

use anstream::{eprintln, println};
use remit_core::denial::{Denial, MissingKey};
use remit_core::manifest::Request;
use remit_core::outcome::{ExitCode, Outcome};
use remit_core::path::RelPath;
use remit_core::policy::{
    Breadth, Origin, Proposal, ProposedRule, cover, proposals, undecided, unobservable, with_rules,
};
use remit_core::quantity::TimeSpan;
use remit_core::scope::{Capability, Scope};
use serde_json::{Value, json};

use super::super::target::{Inputs, Rules, Target};
use crate::exit::Stop;
use crate::files;
use crate::loading::{self, Loaded};
use crate::owner::{Owner, Supposed};
use crate::places::Places;
use crate::printable::printable;
use crate::prompt;
use crate::rehearsal::{Seen, Stage, variables};
use crate::render::{BAD, BOLD, DIM, GOOD, NOTE, WARN};

/// Things that were left out of the copy and are named.
const NAMED: usize = 5;

/// Proposes the smallest policy under which a plugin does its work
///
/// Runs the plugin in a private copy of the workspace, in the same sandbox but without network and
/// without anything that you forbid, and looks at what it uses. Tries the proposal in a second
/// copy, and widens it step by step until the run ends alike. Prints the proposal as a difference
/// to your policy; nothing is written, and nothing is allowed, before you say so. For example:
///
///   remit policy learn module-creation -i module_name=greeting -i language=python
///     -i module_type=library --allow-run=python3:unittest
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    rules: Rules,

    /// Ends a run after this time, for example 90s or 5m; the manifest's limit if absent
    #[arg(long, value_name = "TIME")]
    timeout: Option<TimeSpan>,

    /// Writes the proposal to the policy file (--policy, or your own) after asking
    #[arg(long)]
    write: bool,

    /// The answer to the question of --write
    #[arg(long, requires = "write")]
    yes: bool,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

/// The policy file that the proposal is for.
struct Home {
    path: PathBuf,
    origin: Origin,
    text: Option<String>,
}

impl Home {
    fn find(args: &Args, places: &Places) -> Result<Self, Stop> {
        Ok(match &args.rules.policy {
            Some(path) => Self {
                path: path.clone(),
                origin: Origin::File(path.display().to_string()),
                text: Some(files::read_text(path)?),
            },
            None => Self {
                path: places.policy(),
                origin: Origin::User(places.policy().display().to_string()),
                text: files::read_text_if_there(&places.policy())?,
            },
        })
    }
}

/// What is proposed, and how it was tried.
struct Learned {
    seen: Seen,
    proposal: Proposal,
    text: String,
    /// How many proposals were tried, this one included.
    tried: usize,
    /// Whether the run ended alike under it.
    alike: bool,
    hidden: Vec<Request>,
    diff: String,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    if args.write && !args.yes && (args.json || !prompt::can_ask()) {
        return Err(Stop::usage(
            "nobody can be asked whether to write the proposal",
            "add --yes, or leave out --json and start it on a terminal",
        ));
    }
    let places = Places::find()?;
    let inputs = args.inputs.read()?;
    let wide = Owner::read(&places, &args.target.directory, &args.rules)?;
    let loaded = loading::find(&args.target.plugin, &wide)?;
    let home = Home::find(args, &places)?;
    let mut stage = Stage::new(&places, &wide, &loaded, inputs)?;
    stage.timeout = args.timeout.map(TimeSpan::get);
    let seen = observe(args, &stage, &wide)?;
    if let Some(code) = no_lesson(&seen.outcome)? {
        return Ok(code);
    }
    let learned = learn(args, &stage, &wide.without_allow_flags()?, seen, &home)?;
    if args.json {
        crate::cli::print_json(&row(&learned, &loaded, &home))?;
    } else {
        print(&learned, &loaded);
    }
    write(args, &learned, &home)?;
    Ok(if learned.alike {
        ExitCode::Ok
    } else {
        ExitCode::Failed
    })
}

/// The first rehearsal: everything that is requested and not forbidden.
fn observe(args: &Args, stage: &Stage<'_>, wide: &Owner) -> Result<Seen, Stop> {
    let manifest = &stage.loaded.manifest;
    let allow = undecided(manifest, wide.policy());
    let hidden = variables(&allow);
    if !args.json {
        eprintln!(
            "{NOTE}>{NOTE:#} {} {} in a private copy of {}",
            manifest.id(),
            manifest.version(),
            printable(&wide.workspace().display().to_string())
        );
    }
    stage.run(
        wide,
        Supposed {
            allow,
            hidden,
            ..Supposed::default()
        },
    )
}

/// An end that teaches nothing about a policy.
fn no_lesson(outcome: &Outcome) -> Result<Option<ExitCode>, Stop> {
    let what = match outcome {
        Outcome::Succeeded { .. }
        | Outcome::Failed { .. }
        | Outcome::Rejected { .. }
        | Outcome::Denied { .. } => return Ok(None),
        Outcome::InvalidInput { problems } => return Err(Stop::Inputs(problems.clone())),
        Outcome::PluginFault { message, .. } => return Err(Stop::Plugin(message.clone())),
        Outcome::Unavailable { what } => format!("something is not there: {what}"),
        Outcome::TimedOut { limit_ms } => format!("the limit of {limit_ms} ms passed"),
        Outcome::Cancelled { reason } => format!("it was cancelled, {reason}"),
        Outcome::Internal { message } => format!("internal: {message}"),
    };
    eprintln!("{BAD}nothing learned:{BAD:#} {}", printable(&what));
    Ok(Some(outcome.exit_code()))
}

/// Tries proposals, the narrowest first, until the run ends as the first one did.
fn learn(
    args: &Args,
    stage: &Stage<'_>,
    base: &Owner,
    seen: Seen,
    home: &Home,
) -> Result<Learned, Stop> {
    let manifest = &stage.loaded.manifest;
    let hidden = unobservable(manifest, base.policy());
    let supposed: Vec<Scope> = hidden.iter().map(|one| one.scope().clone()).collect();
    let old = home.text.clone().unwrap_or_default();
    let mut tried = 0;
    let mut last = None;
    for proposal in proposals(manifest, base.policy(), &seen.observed) {
        let text = with_rules(&old, manifest.id(), &proposal.rules)
            .map_err(|error| Stop::usage(error.to_string(), "correct the policy"))?;
        tried += 1;
        if !args.json {
            eprintln!(
                "{NOTE}>{NOTE:#} trying {} rules in a fresh copy",
                proposal.rules.len()
            );
        }
        let again = stage.run(
            base,
            Supposed {
                file: Some((home.origin.clone(), text.clone())),
                allow: supposed.clone(),
                hidden: variables(&supposed),
                ..Supposed::default()
            },
        );
        let alike = match again {
            Ok(again) => seen.is_like(&again),
            // Too narrow to start, or at odds with what the file says already.
            Err(Stop::Denied(_) | Stop::Files(_)) => false,
            Err(other) => return Err(other),
        };
        if stage.is_cancelled() {
            return Err(Stop::usage("cancelled", "nothing was written"));
        }
        last = Some((proposal, text, alike));
        if alike {
            break;
        }
    }
    let Some((proposal, text, alike)) = last else {
        return Err(Stop::Internal(anyhow::anyhow!("no proposal was made")));
    };
    let name = home.path.display().to_string();
    let before = if home.text.is_some() {
        &name
    } else {
        "/dev/null"
    };
    let diff = crate::diff::unified(before, &name, &old, &text);
    Ok(Learned {
        seen,
        proposal,
        text,
        tried,
        alike,
        hidden,
        diff,
    })
}

impl Learned {
    /// The directories that hold everything that was used in this way.
    fn used(&self, capability: Capability) -> Vec<RelPath> {
        let observed = &self.seen.observed;
        match capability {
            Capability::Write => cover(observed.written.iter().chain(&observed.changed)),
            Capability::Read => cover(observed.read.iter()),
            Capability::Load | Capability::Env | Capability::Run | Capability::Net => Vec::new(),
        }
    }

    fn calls(&self) -> Vec<String> {
        let calls = self.seen.observed.calls.iter();
        let mut calls: Vec<String> = calls
            .map(|call| format!("{}:{}", call.tool, call.template))
            .collect();
        calls.dedup();
        calls
    }

    /// Rules that allow more than was used, with what was used of them.
    fn wide(&self) -> Vec<(&ProposedRule, Vec<RelPath>)> {
        let rules = self.proposal.rules.iter();
        rules
            .filter_map(|rule| {
                let ProposedRule::Allow(scope @ (Scope::Read(root) | Scope::Write(root))) = rule
                else {
                    return None;
                };
                let mut used = self.used(scope.capability());
                used.retain(|path| root.covers(path));
                (used.as_slice() != [root.clone()]).then_some((rule, used))
            })
            .collect()
    }

    /// Tools that were asked for and did not run, because no rule allows them.
    fn tools_not_tried(&self) -> Vec<&Denial> {
        let denials = self.seen.denials.iter();
        denials
            .filter(|denial| {
                denial.capability == Capability::Run && denial.missing == MissingKey::Allowed
            })
            .collect()
    }
}

fn joined(paths: &[RelPath]) -> String {
    let paths: Vec<&str> = paths.iter().map(RelPath::as_str).collect();
    paths.join(", ")
}

fn print(learned: &Learned, loaded: &Loaded) {
    ended(&learned.seen);
    let used = [
        ("read", joined(&learned.used(Capability::Read))),
        ("write", joined(&learned.used(Capability::Write))),
        ("run", learned.calls().join(", ")),
    ];
    println!("{BOLD}used{BOLD:#}");
    for (what, paths) in used.iter().filter(|(_, paths)| !paths.is_empty()) {
        println!("  {what:5} {}", printable(paths));
    }
    not_observed(learned, loaded);
    println!("{BOLD}proposed{BOLD:#}");
    for (rule, used) in learned.wide() {
        println!(
            "  {} is as narrow as it can be: the plugin requests that as a whole; it used {}",
            printable(&rule.to_string()),
            if used.is_empty() {
                "none of it".to_owned()
            } else {
                printable(&joined(&used)).into_owned()
            }
        );
    }
    if learned.proposal.breadth != Breadth::Narrow {
        println!(
            "  not narrower, because then the run ended otherwise: {}",
            learned.proposal.breadth.words()
        );
    }
    if learned.alike {
        println!("  {GOOD}tried{GOOD:#} in a fresh copy: the run ended alike");
    } else {
        println!(
            "  {WARN}not confirmed{WARN:#}: in {} fresh copies the run never ended alike; the plugin does not do the same twice, or needs what was not observed",
            learned.tried
        );
    }
    if learned.diff.is_empty() {
        println!("nothing to add: the policy allows what was used");
    } else {
        println!("{}", printable(learned.diff.trim_end()));
    }
}

/// How the observed run ended, and what the copy did not hold.
fn ended(seen: &Seen) {
    match &seen.outcome {
        Outcome::Succeeded { summary, .. } => println!("{GOOD}ok{GOOD:#} {}", printable(summary)),
        Outcome::Failed { message, .. } => unfinished("failed", message),
        Outcome::Rejected { reason } => unfinished("rejected", reason),
        Outcome::Denied { message, .. } => {
            unfinished("denied", message.as_deref().unwrap_or("see below"));
        }
        // These taught nothing and were told before.
        Outcome::InvalidInput { .. }
        | Outcome::Unavailable { .. }
        | Outcome::TimedOut { .. }
        | Outcome::Cancelled { .. }
        | Outcome::PluginFault { .. }
        | Outcome::Internal { .. } => {}
    }
    for denial in seen
        .denials
        .iter()
        .filter(|one| one.missing != MissingKey::Allowed)
    {
        let text = denial.to_string();
        println!(
            "  {BAD}x{BAD:#} {}",
            printable(text.lines().next().unwrap_or_default())
        );
    }
    for left in seen.copied.left_out.iter().take(NAMED) {
        println!(
            "  {DIM}not in the copy: {}: {}{DIM:#}",
            printable(&left.path),
            printable(&left.reason)
        );
    }
    let hidden = seen.copied.left_out_count.saturating_sub(NAMED);
    if hidden > 0 {
        println!("  {DIM}not in the copy: {hidden} more{DIM:#}");
    }
}

fn unfinished(word: &str, why: &str) {
    println!("{BAD}{word}{BAD:#} {}", printable(why));
    println!("  what the plugin would have used afterwards is not in the proposal");
}

fn not_observed(learned: &Learned, loaded: &Loaded) {
    let tools = learned.tools_not_tried();
    if learned.hidden.is_empty() && tools.is_empty() {
        return;
    }
    println!("{BOLD}asked for, not observed{BOLD:#}");
    let id = loaded.manifest.id();
    for request in &learned.hidden {
        let (scope, must) = (request.scope(), !request.is_optional());
        println!(
            "  {} {}: {}{}\n    if it needs that: plugins.{id}.{}",
            scope.capability(),
            printable(&scope.to_string()),
            printable(request.reason()),
            if must {
                "; it does not start without"
            } else {
                ""
            },
            printable(&ProposedRule::Allow(scope.clone()).to_string())
        );
    }
    for denial in tools {
        println!(
            "  run {}: it was not tried\n    to have it run there: {}",
            printable(&denial.scope),
            printable(denial.fix.flag.as_deref().unwrap_or(&denial.fix.line))
        );
    }
}

fn row(learned: &Learned, loaded: &Loaded, home: &Home) -> Value {
    let rules = |rule: &ProposedRule| json!({ "key": rule.key(), "value": rule.value() });
    let hidden = learned.hidden.iter().map(|request| {
        json!({
            "capability": request.scope().capability(),
            "scope": request.scope().to_string(),
            "optional": request.is_optional(),
        })
    });
    let tools = learned.tools_not_tried().into_iter().map(|denial| {
        json!({ "capability": denial.capability, "scope": denial.scope, "optional": true })
    });
    let wide = learned
        .wide()
        .into_iter()
        .map(|(rule, used)| json!({ "rule": rule.to_string(), "used": used }));
    json!({
        "plugin": loaded.manifest.id().to_string(),
        "component": loaded.digest.to_string(),
        "outcome": learned.seen.outcome,
        "used": {
            "read": learned.used(Capability::Read),
            "write": learned.used(Capability::Write),
            "run": learned.calls(),
        },
        "denied": learned.seen.denials,
        "not-observed": hidden.chain(tools).collect::<Vec<_>>(),
        "rules": learned.proposal.rules.iter().map(rules).collect::<Vec<_>>(),
        "widened": (learned.proposal.breadth != Breadth::Narrow)
            .then(|| learned.proposal.breadth.words()),
        "not-narrowed": wide.collect::<Vec<_>>(),
        "alike": learned.alike,
        "tried": learned.tried,
        "file": home.path,
        "diff": learned.diff,
    })
}

/// Writes the proposal, if the owner says so twice.
fn write(args: &Args, learned: &Learned, home: &Home) -> Result<(), Stop> {
    if learned.diff.is_empty() {
        return Ok(());
    }
    let name = home.path.display().to_string();
    if !args.write {
        if !args.json {
            println!("{DIM}nothing was written; --write does, after asking{DIM:#}");
        }
        return Ok(());
    }
    if !args.yes && !prompt::confirm(&format!("write this to {name}?")) {
        println!("nothing was written");
        return Ok(());
    }
    files::replace_text(&home.path, home.text.as_deref(), &learned.text)?;
    if !args.json {
        println!("{GOOD}written{GOOD:#} to {}", printable(&name));
    }
    Ok(())
}
