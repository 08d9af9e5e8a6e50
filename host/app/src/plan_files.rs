//! From the files that somebody named to a plan that was held against itself.
//!
//! Never: a file that nobody named, except the two of a workspace's `.state`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use remit_core::diagnostic::Source;
use remit_core::digest::Digest;
use remit_core::plan::import::{Adaptation, Known, Mode, import};
use remit_core::plan::{CheckedPlan, MAX_PLAN_BYTES};

use crate::exit::Stop;
use crate::files;
use crate::owner::Owner;

/// Where the planner and the router of the pipeline leave their work, below a workspace.
pub(crate) const STATE: &str = ".state";
/// The planner's file.
const QUEUE: &str = "task_queue.json";
/// The router's files. The second only says again what the first does, if both are there.
const ROUTING: [&str; 2] = ["routing_decisions.json", "adapter_assignments.json"];

/// A plan with where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// The plan.
    pub(crate) plan: CheckedPlan,
    /// What each file was taken for, in the order of `sources`.
    pub(crate) formats: Vec<&'static str>,
    /// What was adapted.
    pub(crate) adaptations: Vec<Adaptation>,
    /// The files.
    pub(crate) sources: Vec<Arc<Source>>,
    /// Stands for the content of all files in this order; another content has another digest.
    pub(crate) digest: Digest,
}

/// Reads the plan that these files are: one plan in our format, or files of other programs that
/// belong together. A directory means its task queue and routing decisions. `owner` tells which
/// tools and plugins there are.
///
/// # Errors
/// A file cannot be read, or every mistake in all of them.
pub(crate) fn load(paths: &[PathBuf], owner: &Owner, mode: Mode) -> Result<Loaded, Stop> {
    let mut sources = Vec::new();
    for path in paths {
        if path.is_dir() {
            read_state(path, &mut sources)?;
        } else {
            sources.push(read(path)?);
        }
    }
    let imported = import(&sources, &known(owner), mode)?;
    Ok(Loaded {
        plan: imported.plan,
        formats: imported.formats,
        adaptations: imported.adaptations,
        digest: digest(&sources),
        sources,
    })
}

/// Whether a planner has left a task queue in this workspace.
pub(crate) fn has_queue(workspace: &Path) -> bool {
    workspace.join(STATE).join(QUEUE).exists()
}

/// The files of a workspace's `.state`, or of that directory itself.
fn read_state(directory: &Path, sources: &mut Vec<Arc<Source>>) -> Result<(), Stop> {
    let state = if directory.file_name().is_some_and(|name| name == STATE) {
        directory.to_owned()
    } else {
        directory.join(STATE)
    };
    let queue = state.join(QUEUE);
    if !queue.exists() {
        return Err(Stop::usage(
            format!("{} is not there", queue.display()),
            "name a plan file, or a workspace whose planner has left a task queue",
        ));
    }
    sources.push(read(&queue)?);
    for name in ROUTING {
        let path = state.join(name);
        if path.exists() {
            sources.push(read(&path)?);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Arc<Source>, Stop> {
    let (name, text) = if path.as_os_str() == "-" {
        let text = files::read_stdin(MAX_PLAN_BYTES as u64)?;
        ("standard input".to_owned(), text)
    } else {
        let bytes = files::read_bytes(path, MAX_PLAN_BYTES as u64)?;
        let name = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Stop::usage(
                format!("{name} is not UTF-8 at byte {at}"),
                "save it as UTF-8",
            )
        })?;
        (name, text)
    };
    // Files from other systems often begin with a byte order mark; it means nothing.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(Source::new(name, text))
}

/// What the owner has on this machine.
fn known(owner: &Owner) -> Known {
    let built_in = remit_builtin::ALL.iter().map(|plugin| plugin.id.to_owned());
    let declared = owner.policy().plugins().into_iter();
    let declared = declared
        .filter(|id| owner.policy().plugin_file(id).is_some())
        .map(ToString::to_string);
    let tools = owner.policy().tools();
    Known {
        plugins: built_in.chain(declared).collect(),
        tools: tools
            .map(|(tool, _)| {
                let templates = tool.templates().iter();
                let templates = templates.map(|(id, template)| (id.clone(), template.clone()));
                (tool.id().clone(), templates.collect())
            })
            .collect(),
    }
}

/// Each text with its length before it, so that two files are not one long one.
fn digest(sources: &[Arc<Source>]) -> Digest {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    for source in sources {
        hash.update((source.text().len() as u64).to_be_bytes());
        hash.update(source.text());
    }
    Digest::from_bytes(hash.finalize().into())
}
