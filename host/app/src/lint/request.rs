//! What a manifest requests, held against what the component could use and what it is seen to use.
//!
//! Never: a request that is called needless because nobody looked.

use std::collections::BTreeSet;

use remit_component::Report;
use remit_core::event::Event;
use remit_core::manifest::Request;
use remit_core::path::RelPath;
use remit_core::scope::{Capability, Scope};

use super::{Findings, text};
use crate::exit::Stop;
use crate::loading::Loaded;
use crate::trial::uses::Used;
use crate::trial::{Bench, Placed};

/// Interfaces of WASI that this host never grants: the contract has its own way, or there is none.
const NEVER_GRANTED: [&str; 2] = ["wasi:http/", "wasi:sockets/"];

/// Rules that need only the bytes.
pub(super) fn check(findings: &mut Findings, loaded: &Loaded, report: &Report) {
    if loaded.has_manifest && text::is_empty_talk(loaded.manifest.title()) {
        findings.error(
            "no-title",
            format!(
                "the manifest's title {:?} says nothing",
                loaded.manifest.title()
            ),
            "say in one line what the plugin does",
        );
    }
    let offers = Offers::of(report);
    for request in loaded.manifest.requests() {
        let asked = shown(request);
        if text::is_empty_talk(request.reason()) {
            findings.error(
                "weak-reason",
                format!(
                    "the reason for {asked} is {:?}, which says nothing",
                    request.reason()
                ),
                "say what the plugin does with it: its owner decides by this sentence",
            );
        }
        if let Some(import) = offers.lacks(request.scope().capability()) {
            findings.error(
                "unused-request",
                format!(
                    "it requests {asked}, and imports nothing with which it could use it ({import})"
                ),
                "remove the request from the manifest",
            );
        }
    }
    let needless: BTreeSet<&str> = report
        .wasi_imports()
        .map(|item| item.name.as_str())
        .filter(|name| NEVER_GRANTED.iter().any(|start| name.starts_with(start)))
        .collect();
    if !needless.is_empty() {
        let names: Vec<&str> = needless.into_iter().collect();
        findings.warning(
            "never-granted",
            format!(
                "it imports what this host never grants: {}",
                names.join(", ")
            ),
            "build it without these parts of its language's library, if it can be",
        );
    }
}

fn shown(request: &Request) -> String {
    format!("`{} {}`", request.scope().capability(), request.scope())
}

/// What a component could use, by its imports.
struct Offers {
    tools: bool,
    files: bool,
    environment: bool,
    http: bool,
}

impl Offers {
    fn of(report: &Report) -> Self {
        let has = |start: &str| {
            report
                .imports
                .iter()
                .any(|item| item.name.starts_with(start))
        };
        Self {
            tools: has("remit:plugin/process@"),
            files: has("wasi:filesystem/"),
            environment: has("wasi:cli/environment@"),
            http: has("remit:plugin/http@"),
        }
    }

    /// The import without which a capability is of no use, if it is not there.
    fn lacks(&self, capability: Capability) -> Option<&'static str> {
        let (is_there, import) = match capability {
            // Tools work in the plugin's directories, too.
            Capability::Read | Capability::Write => (
                self.files || self.tools,
                "wasi:filesystem, remit:plugin/process",
            ),
            Capability::Env => (self.environment, "wasi:cli/environment"),
            Capability::Run => (self.tools, "remit:plugin/process"),
            Capability::Net => (self.http, "remit:plugin/http"),
            Capability::Load => (true, ""),
        };
        (!is_there).then_some(import)
    }
}

/// Runs the scenarios, and looks for requests that none of them needs.
pub(super) async fn check_scenarios(
    findings: &mut Findings,
    bench: &Bench,
    scenarios: &[Placed],
) -> Result<(), Stop> {
    if scenarios.is_empty() {
        return Ok(());
    }
    let mut seen = Seen::default();
    for placed in scenarios {
        let tried = bench.run(placed).await?;
        seen.take(&tried.used);
        let used = tried.report.used.into_keys();
        seen.tools.extend(used);
        for event in &tried.events {
            // What a tool changes it changes with the plugin's grants.
            if let Event::FilesChanged { changes, .. } = event {
                seen.written
                    .extend(changes.iter().map(|change| change.path.clone()));
            }
        }
    }
    for request in bench.loaded().manifest.requests() {
        if !seen.uses(request.scope()) {
            findings.warning(
                "unused-in-scenarios",
                format!("no scenario uses {}", shown(request)),
                "remove the request, or write a scenario that needs it",
            );
        }
    }
    Ok(())
}

#[derive(Default)]
struct Seen {
    read: BTreeSet<RelPath>,
    written: BTreeSet<RelPath>,
    tools: BTreeSet<(String, String)>,
}

impl Seen {
    fn take(&mut self, used: &Used) {
        self.read.extend(used.read.iter().cloned());
        self.written.extend(used.written.iter().cloned());
        self.tools.extend(used.asked.iter().cloned());
    }

    fn uses(&self, scope: &Scope) -> bool {
        match scope {
            // A tool reads in the plugin's directories without anybody seeing it.
            Scope::Read(root) => {
                !self.tools.is_empty() || self.read.iter().any(|path| root.covers(path))
            }
            Scope::Write(root) => self.written.iter().any(|path| root.covers(path)),
            Scope::Run(run) => self.tools.iter().any(|(tool, template)| {
                run.tool.as_str() == tool
                    && run
                        .template
                        .as_ref()
                        .is_none_or(|wanted| wanted.as_str() == template)
            }),
            Scope::RunAny => !self.tools.is_empty(),
            // Nobody sees who looks at a variable or an origin.
            Scope::Env(_) | Scope::Net(_) | Scope::NetAny => true,
        }
    }
}
