//! `remit policy explain`: for each denial of a run, or for one that is only supposed, whose key is
//! missing and which line would change it.

use std::path::PathBuf;

use anstream::println;
use remit_core::denial::{Denial, MissingKey};
use remit_core::explain::{Explained, explain};
use remit_core::outcome::ExitCode;
use remit_core::scope::{Capability, Scope};
use serde_json::{Value, json};

use super::super::target::Rules;
use crate::exit::Stop;
use crate::loading::{self, Loaded};
use crate::owner::Owner;
use crate::past::Past;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD, NOTE, WARN};

/// Says why something is denied or granted, and which line would change it
///
/// WHAT is a run (its id, the beginning of one, or `last`): every denial of it is held against the
/// policy as it is now. Or it is a request such as `run git:status`, `write src` or
/// `env LANG`, with --plugin: what the policy says to it. For example:
///
///   remit policy explain last
///   remit policy explain run git:status --plugin command
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A run, or a capability and what is asked for
    #[arg(required = true, num_args = 1..=2)]
    what: Vec<String>,

    /// The plugin, if a run does not say which one it was; as for `remit run`
    #[arg(long, value_name = "PLUGIN")]
    plugin: Option<String>,

    /// The workspace whose policy counts; that of the run if absent
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    directory: Option<PathBuf>,

    /// A policy file, above the user's own and the workspace's
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Prints JSON on standard output
    #[arg(long)]
    json: bool,
}

/// What was asked for, what was said then, and what is said now.
struct Answer {
    capability: Capability,
    scope: String,
    then: Option<Denial>,
    now: Now,
}

enum Now {
    /// What the two keys say.
    Keys(Box<Explained>),
    /// Whether the component is the pinned one.
    Component(Option<Denial>),
    /// The kernel or the host refused it; no rule is about it.
    NoRule,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let words: Vec<&str> = args.what.iter().flat_map(|text| text.split(' ')).collect();
    match words.as_slice() {
        [run] => {
            let past = Past::find(&places, run)?;
            explain_run(args, &places, &past)
        }
        [capability, value] => {
            let scope = Scope::parse(capability, value)
                .map_err(|error| Stop::usage(error.to_string(), "for example: run git:status"))?;
            explain_scope(args, &places, &scope)
        }
        _ => Err(Stop::usage(
            format!("`{}` is neither a run nor a request", words.join(" ")),
            "write a run's id, `last`, or two words such as: run git:status",
        )),
    }
}

fn owner(args: &Args, places: &Places, directory: Option<PathBuf>) -> Result<Owner, Stop> {
    let rules = Rules {
        policy: args.policy.clone(),
        ..Rules::default()
    };
    let directory = args.directory.clone().or(directory);
    let directory = directory.unwrap_or_else(|| PathBuf::from("."));
    Owner::read(places, &directory, &rules)
}

/// The file to which a missing line would be added.
fn target(args: &Args, places: &Places) -> String {
    let file = args.policy.clone().unwrap_or_else(|| places.policy());
    file.display().to_string()
}

fn explain_scope(args: &Args, places: &Places, scope: &Scope) -> Result<ExitCode, Stop> {
    let Some(plugin) = &args.plugin else {
        return Err(Stop::usage(
            format!("who asks for {} {scope}?", scope.capability()),
            "name the plugin with --plugin",
        ));
    };
    let owner = owner(args, places, None)?;
    let loaded = loading::find(plugin, &owner)?;
    let now = explain(&loaded.manifest, owner.policy(), &loaded.digest, scope);
    let answer = Answer {
        capability: scope.capability(),
        scope: scope.to_string(),
        then: None,
        now: Now::Keys(Box::new(now)),
    };
    let target = target(args, places);
    if args.json {
        crate::cli::print_json(&json!({
            "plugin": loaded.manifest.id().to_string(),
            "answers": [row(&answer, &target)],
        }))?;
    } else {
        print(&answer, &target);
        started(&[answer]);
    }
    Ok(ExitCode::Ok)
}

fn explain_run(args: &Args, places: &Places, past: &Past) -> Result<ExitCode, Stop> {
    let there = past.workspace.clone().filter(|path| path.is_dir());
    let owner = owner(args, places, there)?;
    let answers = if past.denials.is_empty() {
        Vec::new()
    } else {
        let loaded = plugin_of(args, past, &owner)?;
        past.denials
            .iter()
            .map(|denial| answer(denial, &loaded, &owner))
            .collect()
    };
    let target = target(args, places);
    if args.json {
        let rows: Vec<Value> = answers.iter().map(|answer| row(answer, &target)).collect();
        crate::cli::print_json(&json!({
            "run": past.run, "plugin": past.plugin, "outcome": past.outcome, "answers": rows,
        }))?;
        return Ok(ExitCode::Ok);
    }
    println!(
        "{BOLD}run {}{BOLD:#}  {}  {DIM}{}{DIM:#}",
        past.run,
        printable(past.plugin.as_deref().unwrap_or("it never began")),
        printable(
            &past
                .workspace
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string())
        )
    );
    if answers.is_empty() {
        println!("nothing was denied in it");
    }
    for answer in &answers {
        print(answer, &target);
    }
    started(&answers);
    Ok(ExitCode::Ok)
}

/// What is said now to something that was denied then.
fn answer(denial: &Denial, loaded: &Loaded, owner: &Owner) -> Answer {
    // Only what the host judged by the object, not by a rule, has such a note.
    let by_object = denial.missing == MissingKey::Declared && denial.note.is_some();
    let scope = Scope::parse(denial.capability.word(), &denial.scope);
    let now = match scope {
        _ if denial.capability == Capability::Load => Now::Component(pinned(loaded, owner)),
        Ok(scope) if !by_object => Now::Keys(Box::new(explain(
            &loaded.manifest,
            owner.policy(),
            &loaded.digest,
            &scope,
        ))),
        Ok(_) | Err(_) => Now::NoRule,
    };
    Answer {
        capability: denial.capability,
        scope: denial.scope.clone(),
        then: Some(denial.clone()),
        now,
    }
}

/// The denial of this component, if the policy still pins another one.
fn pinned(loaded: &Loaded, owner: &Owner) -> Option<Denial> {
    let decided = remit_core::decide::decide(&loaded.manifest, owner.policy(), &loaded.digest);
    let mut denials = decided.err()?.into_iter();
    denials.find(|denial| denial.capability == Capability::Load)
}

/// The plugin that ran, as it is now.
fn plugin_of(args: &Args, past: &Past, owner: &Owner) -> Result<Loaded, Stop> {
    let name = args.plugin.as_ref().or(past.plugin.as_ref());
    let Some(name) = name else {
        return Err(Stop::usage(
            format!(
                "the record of {} does not say which plugin it was",
                past.run
            ),
            "name it with --plugin",
        ));
    };
    let loaded = loading::find(name, owner).map_err(|stop| match stop {
        Stop::Usage { message, .. } => Stop::usage(message, "name its file with --plugin"),
        other @ (Stop::Files(_)
        | Stop::Inputs(_)
        | Stop::Denied(_)
        | Stop::Unavailable { .. }
        | Stop::Plugin(_)
        | Stop::Internal(_)) => other,
    })?;
    if past
        .component
        .as_ref()
        .is_some_and(|then| *then != loaded.digest.to_string())
    {
        anstream::eprintln!(
            "{WARN}note:{WARN:#} {} is not the component that ran; its manifest of today counts here",
            printable(&loaded.place)
        );
    }
    Ok(loaded)
}

/// Whether it would be granted now, and if not, the denial.
fn verdict(answer: &Answer) -> Result<(), Option<&Denial>> {
    match &answer.now {
        Now::Keys(explained) => match &explained.refusal {
            Some(denial) => Err(Some(denial)),
            None if explained.before.is_empty() => Ok(()),
            None => Err(explained.before.first()),
        },
        Now::Component(None) => Ok(()),
        Now::Component(Some(denial)) => Err(Some(denial)),
        Now::NoRule => Err(None),
    }
}

/// Whose key is missing, in words, and where the line belongs.
fn key(denial: &Denial, target: &str) -> (&'static str, String) {
    match &denial.missing {
        MissingKey::Declared => ("the manifest's", "the plugin's manifest".to_owned()),
        MissingKey::Allowed => ("yours", target.to_owned()),
        MissingKey::Forbidden { origin, line, .. } => {
            let place = match origin {
                remit_core::policy::Origin::Flag(_) => "the command line".to_owned(),
                file @ (remit_core::policy::Origin::BuiltIn
                | remit_core::policy::Origin::User(_)
                | remit_core::policy::Origin::Workspace(_)
                | remit_core::policy::Origin::File(_)
                | remit_core::policy::Origin::Approval(_)) => format!("{file}:{line}"),
            };
            ("none; a deny rule stands before both", place)
        }
        MissingKey::Changed { approval, .. } => (
            "yours: other code or programs than you approved",
            format!("approval {approval}"),
        ),
    }
}

fn print(answer: &Answer, target: &str) {
    let verdict = verdict(answer);
    let word = match verdict {
        Ok(()) => format!("{GOOD}granted{GOOD:#}"),
        Err(_) => format!("{BAD}denied{BAD:#}"),
    };
    let then = if answer.then.is_some() { " now" } else { "" };
    println!(
        "{BOLD}{} {}{BOLD:#}{then}: {word}",
        answer.capability,
        printable(&answer.scope)
    );
    if let Some(then) = &answer.then {
        let text = then.to_string();
        let first = text.lines().next().unwrap_or_default();
        println!("  then: {}", printable(first));
        if matches!(answer.now, Now::NoRule) {
            println!("  no rule can allow it: {}", printable(&then.fix.line));
        }
    }
    if let Now::Keys(explained) = &answer.now {
        requested(explained);
    }
    if let Err(Some(denial)) = verdict {
        let (key, place) = key(denial, target);
        let text = denial.to_string();
        let first = text.lines().next().unwrap_or_default();
        println!("  {}", printable(first));
        println!("  missing key: {key}");
        println!("  {NOTE}fix:{NOTE:#} {}", printable(&denial.fix.line));
        println!("  where: {}", printable(&place));
    }
}

/// Who asks, and which rules answer.
fn requested(explained: &Explained) {
    match &explained.request {
        Some(request) => println!(
            "  the manifest requests {} `{}`{}: {}",
            request.scope().capability(),
            printable(&request.scope().to_string()),
            if request.is_optional() {
                ", optionally"
            } else {
                ""
            },
            printable(request.reason())
        ),
        None => println!("  the manifest does not request it"),
    }
    for line in &explained.by {
        println!(
            "  granted by {} {DIM}({}){DIM:#}",
            printable(&line.rule),
            printable(&line.place())
        );
    }
}

/// What keeps a run from starting, beside what was explained already.
fn started(answers: &[Answer]) {
    let explained = |denial: &Denial| {
        let mut answers = answers.iter();
        answers.any(|one| one.capability == denial.capability && one.scope == denial.scope)
    };
    let before = answers.iter().find_map(|answer| match &answer.now {
        Now::Keys(explained) => Some(&explained.before),
        Now::Component(_) | Now::NoRule => None,
    });
    let mut others = before.into_iter().flatten().filter(|one| !explained(one));
    let Some(first) = others.next() else {
        return;
    };
    println!("a run does not start at all without:");
    for denial in [first].into_iter().chain(others) {
        println!(
            "  {} {}: {}",
            denial.capability,
            printable(&denial.scope),
            printable(&denial.fix.line)
        );
    }
}

fn row(answer: &Answer, target: &str) -> Value {
    let verdict = verdict(answer);
    let denial = verdict.err().flatten();
    let explained = match &answer.now {
        Now::Keys(explained) => Some(explained),
        Now::Component(_) | Now::NoRule => None,
    };
    let request = explained.and_then(|explained| explained.request.as_ref());
    let by: Vec<Value> = explained.map_or_else(Vec::new, |explained| {
        explained.by.iter().map(super::row).collect()
    });
    json!({
        "capability": answer.capability,
        "scope": answer.scope,
        "granted": verdict.is_ok(),
        "then": answer.then,
        "request": request.map(|request| json!({
            "capability": request.scope().capability(),
            "scope": request.scope().to_string(),
            "reason": request.reason(),
            "optional": request.is_optional(),
        })),
        "by": by,
        "denial": denial,
        "where": denial.map(|denial| key(denial, target).1),
        "before": explained.map(|explained| &explained.before),
    })
}
