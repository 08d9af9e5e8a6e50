//! Holds approvals against this machine: the programs of the approved tools as they are now, and
//! what is to be written down when an owner approves.
//!
//! Never: a program that is started to find out whether it may be. Only who approves one asks it
//! for its version, and only through the template that its declaration has for that.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use remit_core::approval::{
    Allowed, Approval, ApprovalId, Standing, ToolIdentity, compare, limits, requested,
};
use remit_core::digest::Digest;
use remit_core::manifest::Manifest;
use remit_core::policy::FlagRules;
use remit_core::scope::Capability;
use remit_core::tool::{CallStdin, Exit, Program, ToolCall, ToolDeclaration, ToolId};
use remit_engine::journal::system_clock;
use remit_engine::seam::{RunningTool, ToolEvent, Tools as _};
use remit_process::{Pinned, ToolBox};

use crate::exit::Stop;
use crate::loading::Loaded;
use crate::owner::{Decided, Owner};
use crate::wiring;

/// The template by which a declaration lets one ask for a version.
const VERSION_TEMPLATE: &str = "version";
/// How long a program may take to say its version; what needs longer does not know it.
const VERSION_TIME: Duration = Duration::from_secs(10);
/// Bytes of output among which the version is; it is in the first line.
const VERSION_BYTES: usize = 4 << 10;
/// Characters of a version that are kept: one line for people.
const VERSION_LENGTH: usize = 100;

/// The programs of some tools.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    /// Those that are here.
    pub(crate) found: Vec<ToolIdentity>,
    /// Those that are not.
    pub(crate) missing: Vec<Missing>,
}

/// A tool without a program.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(crate) tool: ToolId,
    /// The name under which it would be found, if a policy declares the tool.
    program: Option<Program>,
    /// Why there is none.
    pub(crate) reason: String,
}

/// Finds and pins the programs of everything that is allowed.
pub(crate) async fn programs(
    owner: &Owner,
    tools: &ToolBox,
    allow: &Allowed,
    known: &[ToolIdentity],
) -> Result<Programs, Stop> {
    let mut programs = Programs::default();
    for tool in allow.tools() {
        let mut missing = |program: Option<&Program>, reason: String| {
            programs.missing.push(Missing {
                tool: tool.clone(),
                program: program.cloned(),
                reason,
            });
        };
        let Some(declared) = owner.policy().tool(tool) else {
            missing(None, "no policy declares it".to_owned());
            continue;
        };
        match tools.pin(tool, declared.program(), &allow.write).await {
            Ok(pinned) => {
                let known = known.iter().find(|known| known.tool == *tool).cloned();
                programs.found.push(record(tool, pinned, known).await?);
            }
            Err(error) => missing(Some(declared.program()), error.to_string()),
        }
    }
    Ok(programs)
}

/// Reads a program where that may block.
async fn record(
    tool: &ToolId,
    pinned: Arc<Pinned>,
    known: Option<ToolIdentity>,
) -> Result<ToolIdentity, Stop> {
    let place = pinned.found().to_owned();
    let id = tool.clone();
    let read = tokio::task::spawn_blocking(move || pinned.record(&id, known.as_ref()));
    let unreadable = |why: &dyn std::fmt::Display| unreadable(tool, &place, why);
    match read.await {
        Ok(identity) => identity.map_err(|error| unreadable(&error)),
        Err(error) => Err(unreadable(&error)),
    }
}

fn unreadable(tool: &ToolId, place: &Path, why: &dyn std::fmt::Display) -> Stop {
    Stop::usage(
        format!("tool `{tool}` cannot be pinned: {}: {why}", place.display()),
        "an approved program must be readable; change its permissions, or allow the tool by a policy instead",
    )
}

/// Holds an approval against a component and this machine. Tools of the approval that are not
/// here do not start from now on, whatever appears under their names.
pub(crate) async fn standing(
    approval: &Approval,
    owner: &Owner,
    loaded: &Loaded,
    tools: &ToolBox,
) -> Result<Standing, Stop> {
    let now = programs(owner, tools, &approval.allow, &approval.tools).await?;
    for missing in &now.missing {
        if let Some(program) = &missing.program {
            tools.bar(program, missing.reason.clone());
        }
    }
    Ok(compare(
        approval,
        &loaded.manifest,
        &loaded.digest,
        &now.found,
    ))
}

/// An approval that is to be written down, and what could not be pinned for it.
pub(crate) struct Draft {
    pub(crate) approval: Approval,
    pub(crate) missing: Vec<Missing>,
}

/// Writes down what is approved: this component, these scopes, and the programs as they are now.
pub(crate) async fn draft(
    owner: &Owner,
    loaded: &Loaded,
    tools: &ToolBox,
    allow: Allowed,
    workspace: Option<String>,
) -> Result<Draft, Stop> {
    let Programs { mut found, missing } = programs(owner, tools, &allow, &[]).await?;
    for identity in &mut found {
        if let Some(declared) = owner.policy().tool(&identity.tool) {
            identity.version = version(owner, tools, declared).await?;
        }
    }
    let manifest = &loaded.manifest;
    Ok(Draft {
        approval: Approval {
            id: new_id()?,
            plugin: manifest.id().clone(),
            version: manifest.version().to_string(),
            component: loaded.digest,
            manifest: *manifest.digest(),
            source: loaded.source.clone(),
            workspace,
            allow,
            requests: requested(manifest),
            limits: limits(manifest),
            tools: found,
            time: system_clock()(),
        },
        missing,
    })
}

fn new_id() -> Result<ApprovalId, Stop> {
    wiring::new_run_id()
        .parse()
        .map_err(|error| Stop::Internal(anyhow::Error::new(error)))
}

/// What a tool says about its version, if its declaration lets one ask and no rule forbids it. The
/// question is decided and carried out like a plugin's call.
pub(crate) async fn version(
    owner: &Owner,
    tools: &ToolBox,
    tool: &ToolDeclaration,
) -> Result<Option<String>, Stop> {
    if !tool
        .templates()
        .keys()
        .any(|template| template.as_str() == VERSION_TEMPLATE)
    {
        return Ok(None);
    }
    let id = tool.id();
    let text = format!(
        "format = 1\nid = \"remit-grant\"\nversion = \"1.0.0\"\nwit = \"remit:plugin@0.1.0\"\n\
         title = \"remit grant\"\n[[run]]\ntool = \"{id}\"\ntemplates = [\"{VERSION_TEMPLATE}\"]\n\
         reason = \"records the version\"\n"
    );
    let manifest = Manifest::parse("remit grant", &text)?;
    let mut rules = FlagRules::default();
    rules.allow(Capability::Run, &format!("{id}:{VERSION_TEMPLATE}"));
    let component = Digest::of(text.as_bytes());
    let Decided::Granted(grants) = owner.decide(&manifest, &component, None, &rules)? else {
        return Ok(None);
    };
    let call = ToolCall {
        tool: id.to_string(),
        template: VERSION_TEMPLATE.to_owned(),
        slots: Vec::new(),
        env: Vec::new(),
        cwd: None,
        stdin: CallStdin::Empty,
        timeout: Some(VERSION_TIME),
        idle: None,
    };
    let Ok(launch) = grants.launch(&call) else {
        return Ok(None);
    };
    match tools.start(&launch).await {
        Ok(mut running) => Ok(said(running.tool.as_mut()).await),
        Err(error) => {
            tracing::info!(%error, "a program does not say its version");
            Ok(None)
        }
    }
}

/// The first line that a tool writes before it ends well; of its output, else of its errors.
async fn said(running: &mut dyn RunningTool) -> Option<String> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = loop {
        match running.next_event(VERSION_BYTES).await {
            ToolEvent::Stdout(bytes) if out.len() < VERSION_BYTES => out.extend(bytes),
            ToolEvent::Stderr(bytes) if err.len() < VERSION_BYTES => err.extend(bytes),
            ToolEvent::Stdout(_) | ToolEvent::Stderr(_) => {}
            ToolEvent::Exited(exit) => break exit,
        }
    };
    if exit != Exit::Code(0) {
        return None;
    }
    first_line(&out).or_else(|| first_line(&err))
}

fn first_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let plain = line.chars().filter(|character| !character.is_control());
    Some(plain.take(VERSION_LENGTH).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_short_line() {
        for (text, expected) in [
            ("git version 2.43\n", Some("git version 2.43")),
            ("\n\n v22.1\r\nmore\n", Some("v22.1")),
            ("\u{1b}[1m3.1\u{1b}[0m", Some("[1m3.1[0m")),
            ("", None),
            (" \n", None),
        ] {
            assert_eq!(first_line(text.as_bytes()).as_deref(), expected, "{text:?}");
        }
        let long = first_line("x".repeat(1000).as_bytes()).unwrap();
        assert_eq!(long.len(), VERSION_LENGTH);
    }
}
