//! What of this machine matters to a policy: where the programs of allowed tools are, where
//! programs are looked up, where links among the granted directories lead, what known plugins
//! request.
//!
//! Never: a judgement. That is [`remit_core::policy::conflicts`].

use std::path::PathBuf;

use remit_core::manifest::Manifest;
use remit_core::policy::{Facts, ProgramFacts};
use remit_process::TOOL_PATH;

use crate::exit::Stop;
use crate::files;
use crate::loading;
use crate::owner::Owner;
use crate::wiring;

/// Looks at the machine. What is not there is left out: `remit tool check` says that.
pub(crate) fn gather(owner: &Owner) -> Result<Facts, Stop> {
    let policy = owner.policy();
    let runtime = wiring::runtime()?;
    let (programs, search) = runtime.block_on(async {
        let tools = wiring::tool_box(owner)?;
        let mut programs = Vec::new();
        for tool in policy.allowed_tools() {
            // Nothing counts as writable here: a program that is must be found all the same.
            if let Ok(pinned) = tools.pin(tool.id(), tool.program(), &[]).await {
                let parts = pinned.parts().into_iter();
                programs.push(ProgramFacts {
                    tool: tool.id().clone(),
                    parts: parts.map(|(part, path)| (part, path.to_owned())).collect(),
                });
            }
        }
        Ok::<_, Stop>((programs, tools.search().directories().to_vec()))
    })?;
    let roots = policy.write_roots().into_iter().map(|root| {
        let place = owner.workspace().join(root.as_str());
        (root.clone(), files::real_or_planned(&place))
    });
    Ok(Facts {
        workspace: owner.workspace().to_owned(),
        roots: roots.collect(),
        programs,
        search: real(search),
        tool_path: real(std::env::split_paths(TOOL_PATH)),
        manifests: manifests(owner),
    })
}

/// Where directories really are; `/bin` is usually a link.
fn real(paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut real: Vec<PathBuf> = Vec::new();
    for path in paths {
        let path = files::real_or_planned(&path);
        if !real.contains(&path) {
            real.push(path);
        }
    }
    real
}

/// The manifests of the built-in plugins, and of those whose file a policy names.
fn manifests(owner: &Owner) -> Vec<Manifest> {
    let built_in = remit_builtin::ALL.iter().map(|plugin| plugin.id.to_owned());
    let named = owner
        .policy()
        .plugins()
        .into_iter()
        .map(ToString::to_string);
    let mut ids: Vec<String> = built_in.chain(named).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.iter()
        // A file that cannot be read is what `remit plugin list` shows.
        .filter_map(|id| loading::find(id, owner).ok())
        .map(|loaded| loaded.manifest)
        .collect()
}
