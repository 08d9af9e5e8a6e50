//! Write rules against this machine: programs, and the directories in which programs are found.
//!
//! Never: a path compared as text. What lies below is decided by components.

use std::path::{Path, PathBuf};

use super::{Facts, Finding, Part, Rules, Severity};
use crate::path::RelPath;
use crate::policy::Policy;
use crate::tool::ToolId;

/// Write rules that cover a program that is allowed to someone, its interpreter, its script or a
/// directory on the way to it.
pub(super) fn programs(policy: &Policy, facts: &Facts) -> Vec<Finding> {
    let all = Rules::of(policy);
    let mut found = Vec::new();
    for writer in &all {
        for (rule, root) in writer.writes() {
            let roots = places(facts, root);
            for program in &facts.programs {
                let own = writer.runs(&program.tool);
                let of_others = all
                    .iter()
                    .find(|rules| rules.subject != writer.subject && rules.runs(&program.tool));
                let covered = program.parts.iter().find(|(_, path)| {
                    let below = roots.iter().any(|root| path.starts_with(root));
                    // A tool whose program the plugin may write does not start, whatever a deny
                    // says; for others a deny keeps the program as it is.
                    below && (own || (of_others.is_some() && !kept(writer, facts, path)))
                });
                let Some((part, path)) = covered else {
                    continue;
                };
                let user = match of_others {
                    Some(other) if !own => Some(other.who()),
                    Some(_) | None => None,
                };
                found.push(Finding {
                    code: "writable-program",
                    severity: Severity::Error,
                    rules: vec![writer.allow_line(rule)],
                    ..writable(&program.tool, *part, path, &writer.who(), user)
                });
            }
        }
    }
    found
}

fn writable(tool: &ToolId, part: Part, path: &Path, who: &str, user: Option<String>) -> Finding {
    let why = match user {
        None => format!(
            "a program that the plugin may write is never started, so `{tool}` does not run for {who}"
        ),
        Some(user) => format!("{who} could put anything there, and it would run for {user}"),
    };
    Finding {
        code: "writable-program",
        severity: Severity::Error,
        rules: Vec::new(),
        message: format!("it covers {}, {} of `{tool}`", path.display(), part.words()),
        why,
        fix: format!(
            "tools.{tool}.program = \"/usr/local/bin/{tool}\"   after moving it out of the workspace"
        ),
    }
}

/// Write rules that cover a directory in which programs are looked up.
pub(super) fn search_path(policy: &Policy, facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut directories: Vec<(&PathBuf, &str)> = Vec::new();
    let tools = facts
        .tool_path
        .iter()
        .map(|path| (path, "the PATH of every tool"));
    let search = facts
        .search
        .iter()
        .map(|path| (path, "the search path of programs"));
    for (path, list) in tools.chain(search) {
        if !directories.iter().any(|(known, _)| *known == path) {
            directories.push((path, list));
        }
    }
    for writer in &Rules::of(policy) {
        for (rule, root) in writer.writes() {
            let roots = places(facts, root);
            for (directory, list) in &directories {
                let below = roots.iter().any(|root| directory.starts_with(root));
                if !below || kept(writer, facts, directory) {
                    continue;
                }
                found.push(Finding {
                    code: "writable-search-path",
                    severity: Severity::Error,
                    rules: vec![writer.allow_line(rule)],
                    message: format!("it covers {}, a directory of {list}", directory.display()),
                    why: format!(
                        "a program that {} puts there can be started in place of another one",
                        writer.who()
                    ),
                    fix: keep(writer, facts, directory),
                });
            }
        }
    }
    found
}

/// The directories that a write rule means: as written, and where a link leads.
fn places(facts: &Facts, root: &RelPath) -> Vec<PathBuf> {
    let mut places = vec![absolute(&facts.workspace, root)];
    let real = facts.roots.iter().filter(|(path, _)| path == root);
    places.extend(real.map(|(_, place)| place.clone()));
    places
}

fn absolute(workspace: &Path, path: &RelPath) -> PathBuf {
    if path.is_root() {
        workspace.to_owned()
    } else {
        workspace.join(path.as_str())
    }
}

/// A path as rules name it, if it lies in the workspace.
fn relative(facts: &Facts, path: &Path) -> Option<RelPath> {
    let below = path.strip_prefix(&facts.workspace).ok()?.to_str()?;
    if below.is_empty() {
        return Some(RelPath::root());
    }
    RelPath::parse(below).ok()
}

/// Whether a deny rule keeps the plugin from writing this path.
fn kept(writer: &Rules<'_>, facts: &Facts, path: &Path) -> bool {
    relative(facts, path).is_some_and(|path| writer.forbids_writing(&path))
}

/// What would keep it.
fn keep(writer: &Rules<'_>, facts: &Facts, directory: &Path) -> String {
    match relative(facts, directory) {
        Some(path) if !path.is_root() => writer.deny_fix("deny-write", &[&format!("{path}/**")]),
        Some(_) | None => "work in another directory: -C DIR".to_owned(),
    }
}
