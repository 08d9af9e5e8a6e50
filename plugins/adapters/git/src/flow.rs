//! The verbs that change something, step by step.
//!
//! Git is behind a trait: the component asks the host for it, the tests start the real one with the very
//! arguments of the owner's declaration. Never: a subcommand that could start a program because of what
//! lies in the workspace; `git add` is one, which looks into repositories inside of the repository.

use std::path::PathBuf;
use std::time::SystemTime;

use remit_plugin_sdk::Failure;
use serde_json::{Value, json};

use crate::patch::{self, Before, MOST_PATCH};
use crate::publish::{self, Move, Places, Watch};
use crate::read;
use crate::refs;
use crate::refusal::Refusal;
use crate::request::{Author, Request, Verb};
use crate::sealed::seal_as;
use crate::selection::{self, Entry};

/// Why a verb ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The change was not made.
    Refused(Refusal),
    /// The host did not let git run, or ends the run.
    Host(Failure),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// How a run of git ended.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) text: String,
    pub(crate) said: String,
}

impl Ran {
    /// What it wrote, if it succeeded.
    fn good(self, what: &'static str) -> Result<String, Refusal> {
        if self.code == 0 {
            return Ok(self.text);
        }
        let message = format!("git {what} ended with {}: {}", self.code, self.said);
        // What the kernel says where the tool may not read or write; the host runs git in English.
        if ["Permission denied", "Read-only file system"]
            .iter()
            .any(|words| self.said.contains(words))
        {
            return Err(Refusal::permission(message));
        }
        Err(Refusal::internal(what, message))
    }
}

/// Runs git by a template of `git-sealed`.
pub(crate) trait Git {
    /// Runs it to its end.
    ///
    /// # Errors
    /// It could not be started or did not end by itself.
    fn run(
        &mut self,
        template: &'static str,
        slots: &[(&str, &str)],
        input: &[u8],
    ) -> Result<Ran, Stop>;
}

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// What the report says more.
    pub(crate) details: Value,
    /// Each file that is different now, below the workspace.
    pub(crate) written: Vec<String>,
}

/// Where things are.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) root: PathBuf,
    pub(crate) scratch: PathBuf,
}

impl Work {
    fn places(&self) -> Places {
        Places {
            ours: self.scratch.join("git"),
            theirs: self.root.join(".git"),
        }
    }
}

/// Carries out a verb that writes.
///
/// # Errors
/// The change was not made; nothing is different.
pub(crate) fn write(
    git: &mut dyn Git,
    work: &Work,
    request: &Request,
    watch: Watch<'_>,
) -> Result<Done, Stop> {
    let author = request.author.clone().unwrap_or_default();
    let places = work.places();
    seal_as(&work.root, &places.ours, &author)
        .map_err(|error| Refusal::usage("seal", error.to_string()))?;
    match request.verb {
        Verb::Commit => commit(git, work, request, &author, watch),
        Verb::BranchCreate => branch(git, &places, request, watch),
        Verb::Apply => apply(git, work, request, watch),
        Verb::Status | Verb::Diff | Verb::Log | Verb::Show | Verb::LsFiles | Verb::BranchList => {
            Ok(Done::default())
        }
    }
}

fn commit(
    git: &mut dyn Git,
    work: &Work,
    request: &Request,
    author: &Author,
    watch: Watch<'_>,
) -> Result<Done, Stop> {
    let places = work.places();
    let branch = refs::checked_out(&places.ours)?;
    refs::nothing_in_progress(&places.theirs)?;
    let old = refs::current(&places.ours, &branch)?;
    publish::probe(&places.theirs)?;
    publish::keep_index(&places)?;

    let entries = status(git)?;
    let chosen = selection::select(&work.root, &entries, &request.paths)?;
    if chosen.paths.is_empty() && !request.allow_empty {
        return Err(Refusal::no_effect("nothing changed that could be committed").into());
    }
    let list = |paths: &[String]| {
        paths
            .iter()
            .map(|path| format!("{path}\0"))
            .collect::<String>()
    };
    if !chosen.paths.is_empty() {
        let list = list(&chosen.paths);
        git.run("update-index", &[], list.as_bytes())?
            .good("update-index")?;
    }
    let staged: Vec<Entry> = status(git)?
        .into_iter()
        .filter(|entry| entry.staged.is_some())
        .collect();
    if staged.is_empty() && !request.allow_empty {
        return Err(Refusal::no_effect("what is named is as it was committed").into());
    }
    let kept: Vec<String> = staged
        .iter()
        .filter(|entry| entry.staged != Some('D'))
        .map(|entry| entry.path.clone())
        .collect();
    if !request.unfiltered {
        let said = git.run("check-attr", &[], list(&kept).as_bytes())?;
        no_filter(&said.good("check-attr")?)?;
    }
    let tree = id(&git.run("write-tree", &[], b"")?.good("write-tree")?)?;
    let new = commit_tree(git, request, &tree, old.as_deref())?;
    let moved = Move {
        name: &branch,
        old: old.as_deref(),
        new: &new,
        log: &log_line(request, author, old.is_none()),
    };
    let written = publish::commit(&places, &moved, watch)?;
    let files: Vec<Value> = staged
        .iter()
        .map(|entry| json!({ "path": entry.path, "change": entry.staged }))
        .collect();
    Ok(Done {
        details: json!({
            "commit": new, "tree": tree, "parent": old, "branch": branch, "files": files,
            "skipped": chosen.skipped, "author": format!("{} <{}>", author.name, author.email),
        }),
        written,
    })
}

fn commit_tree(
    git: &mut dyn Git,
    request: &Request,
    tree: &str,
    parent: Option<&str>,
) -> Result<String, Stop> {
    let message = format!(
        "{}\n",
        request.message.as_deref().unwrap_or_default().trim_end()
    );
    let ran = match parent {
        Some(parent) => {
            let slots = [("tree", tree), ("parent", parent)];
            git.run("commit-tree", &slots, message.as_bytes())?
        }
        None => git.run("commit-root", &[("tree", tree)], message.as_bytes())?,
    };
    Ok(id(&ran.good("commit-tree")?)?)
}

/// The end of a line of the ref's log, as git writes it.
fn log_line(request: &Request, author: &Author, first: bool) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = now.map_or(0, |now| now.as_secs());
    let message = request.message.as_deref().unwrap_or_default().trim();
    let subject = message.lines().next().unwrap_or_default();
    let word = if first { "commit (initial)" } else { "commit" };
    format!(
        "{} <{}> {seconds} +0000\t{word}: {subject}",
        author.name, author.email
    )
}

fn status(git: &mut dyn Git) -> Result<Vec<Entry>, Stop> {
    let text = git.run("status", &[], b"")?.good("status")?;
    Ok(selection::entries(&read::status(&text))?)
}

/// Refuses files that the repository wants filtered: `check-attr -z` says path, attribute, value.
fn no_filter(text: &str) -> Result<(), Refusal> {
    let fields: Vec<&str> = text.split('\0').collect();
    for record in fields.chunks_exact(3) {
        if let [path, _, value] = record
            && !matches!(*value, "unspecified" | "unset")
        {
            let message = format!(
                "`{path}` has the filter `{value}` in `.gitattributes`, which is not run here: it would be \
                 committed as it is. Commit it yourself, or say `unfiltered`"
            );
            return Err(Refusal::usage("filtered", message));
        }
    }
    Ok(())
}

fn id(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if refs::is_id(text) {
        Ok(text.to_owned())
    } else {
        Err(Refusal::internal(
            "id",
            format!("git said `{text}` for an id"),
        ))
    }
}

fn branch(
    git: &mut dyn Git,
    places: &Places,
    request: &Request,
    watch: Watch<'_>,
) -> Result<Done, Stop> {
    let at = request.at.as_deref().unwrap_or("HEAD");
    let ran = git.run("log", &[("count", "1"), ("rev", at)], b"")?;
    if ran.code != 0 {
        let message = format!("there is no commit `{at}`: {}", ran.said);
        return Err(Refusal::usage("no-commit", message).into());
    }
    let log = read::log(&ran.text);
    let found = log.pointer("/commits/0/commit").and_then(Value::as_str);
    let new = id(found.unwrap_or_default())?;
    let name = refs::full_name(request.name.as_deref().unwrap_or_default());
    let moved = Move {
        name: &name,
        old: None,
        new: &new,
        log: "",
    };
    let written = publish::branch(&places.theirs, &moved, watch)?;
    Ok(Done {
        details: json!({ "branch": name, "commit": new }),
        written,
    })
}

fn apply(
    git: &mut dyn Git,
    work: &Work,
    request: &Request,
    watch: Watch<'_>,
) -> Result<Done, Stop> {
    let places = work.places();
    let text = patch_text(work, request)?;
    let taken = patch::check(&text)?;
    if request.index {
        publish::probe(&places.theirs)?;
        publish::keep_index(&places)?;
    }
    let not_a_patch = |ran: Ran| {
        let message = format!("the patch does not apply: {}", ran.said);
        Stop::from(Refusal::usage("does-not-apply", message))
    };
    let ran = git.run("apply-names", &[], text.as_bytes())?;
    if ran.code != 0 {
        return Err(not_a_patch(ran));
    }
    let mut names = patch::names(&ran.text)?;
    names.extend(taken);
    names.sort();
    names.dedup();
    let (check, real) = if request.index {
        ("apply-check-index", "apply-index")
    } else {
        ("apply-check", "apply")
    };
    let before = Before::keep(&work.root, &work.scratch.join("before"), &names)?;
    let ran = git.run(check, &[], text.as_bytes())?;
    if ran.code != 0 {
        return Err(not_a_patch(ran));
    }
    let outcome = git
        .run(real, &[], text.as_bytes())
        .and_then(|ran| Ok(ran.good("apply")?))
        .and_then(|_| match request.index {
            true => Ok(publish::index(&places, watch)?),
            false => Ok(Vec::new()),
        });
    let mut written = match outcome {
        Ok(written) => written,
        Err(stop) => return Err(taken_back(stop, &before)),
    };
    written.extend(names.iter().cloned());
    Ok(Done {
        details: json!({ "files": names, "staged": request.index }),
        written,
    })
}

/// Puts the files back, and says so where that was not possible.
fn taken_back(stop: Stop, before: &Before) -> Stop {
    let left = before.restore();
    match stop {
        Stop::Refused(mut refusal) if !left.is_empty() => {
            refusal.message += &format!("; could not be put back: {}", left.join(", "));
            Stop::Refused(refusal)
        }
        other @ (Stop::Refused(_) | Stop::Host(_)) => other,
    }
}

fn patch_text(work: &Work, request: &Request) -> Result<String, Refusal> {
    let too_large = || Refusal::limit("the patch is larger than 8 MiB");
    let long = |length: usize| u64::try_from(length).unwrap_or(u64::MAX) > MOST_PATCH;
    let bytes = match (&request.patch, &request.patch_file) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(path)) => {
            let file = work.root.join(path);
            let found = std::fs::metadata(&file).map_err(|error| Refusal::unread(path, &error))?;
            if found.len() > MOST_PATCH {
                return Err(too_large());
            }
            std::fs::read(&file).map_err(|error| Refusal::unread(path, &error))?
        }
        (None, None) => Vec::new(),
    };
    if long(bytes.len()) {
        return Err(too_large());
    }
    String::from_utf8(bytes)
        .map_err(|_| Refusal::usage("patch", "the patch is not UTF-8; make it with `--binary`"))
}
