//! Whether what an owner approved is still what is there.
//!
//! Never: a difference that is passed over because a rule elsewhere would allow it.

use super::{
    Approval, Difference, Replaced, Requested, ToolChange, ToolIdentity, limits, requested,
};
use crate::digest::Digest;
use crate::id::PluginId;
use crate::manifest::Manifest;

/// What stands between an approval and its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Everything is as it was.
    Same,
    /// Code and programs are the same, but these programs are other files now, for example after
    /// they were installed again. To be recorded, and no reason to stop.
    Moved(Vec<ToolIdentity>),
    /// Something is not what was approved: a stop.
    Changed(Box<Difference>),
}

/// The approval that counts for a plugin in a workspace: the one for this workspace if there is
/// one, else the one for any.
#[must_use]
pub fn applying<'a>(
    approvals: &'a [Approval],
    plugin: &PluginId,
    workspace: &str,
) -> Option<&'a Approval> {
    let of_plugin = || {
        approvals
            .iter()
            .filter(|approval| approval.plugin == *plugin)
    };
    let here = |approval: &&Approval| approval.workspace.as_deref() == Some(workspace);
    of_plugin()
        .find(here)
        .or_else(|| of_plugin().find(|approval| approval.workspace.is_none()))
}

/// Holds an approval against a component and the programs that the approved tools have now.
/// `tools` has those that are there: one that is gone cannot be started and stops nothing.
#[must_use]
pub fn compare(
    approval: &Approval,
    manifest: &Manifest,
    component: &Digest,
    tools: &[ToolIdentity],
) -> Standing {
    let mut moved = Vec::new();
    let mut difference = Difference::default();
    if approval.component != *component {
        difference.component = Some(Replaced::new(approval.component, *component));
        let version = manifest.version().to_string();
        difference.version = changed(&approval.version, &version);
    }
    difference.manifest = changed(&approval.manifest, manifest.digest());
    let now = requested(manifest);
    difference.added = without(&now, &approval.requests);
    difference.removed = without(&approval.requests, &now);
    difference.limits = changed(&approval.limits, &limits(manifest));
    for is in tools {
        let was = approval.tools.iter().find(|was| was.tool == is.tool);
        let Some(was) = was.filter(|was| was.is_same_program(is)) else {
            difference.tools.push(ToolChange {
                tool: is.tool.clone(),
                was: was.cloned(),
                is: is.clone(),
            });
            continue;
        };
        if (&was.file, &was.interpreter) != (&is.file, &is.interpreter) {
            moved.push(ToolIdentity {
                version: was.version.clone(),
                ..is.clone()
            });
        }
    }
    if !difference.is_empty() {
        Standing::Changed(Box::new(difference))
    } else if moved.is_empty() {
        Standing::Same
    } else {
        Standing::Moved(moved)
    }
}

fn changed<T: PartialEq + Clone>(was: &T, is: &T) -> Option<Replaced<T>> {
    (was != is).then(|| Replaced::new(was.clone(), is.clone()))
}

/// What is in one list of requests and not in the other. A reason is no part of a request.
fn without(these: &[Requested], those: &[Requested]) -> Vec<Requested> {
    let same = |one: &Requested, other: &Requested| {
        (one.capability, &one.scope, one.optional)
            == (other.capability, &other.scope, other.optional)
    };
    these
        .iter()
        .filter(|this| !those.iter().any(|that| same(this, that)))
        .cloned()
        .collect()
}
