//! Whether a run may begin: what the owner approved, what the policies say, and what the owner
//! answers at a terminal.
//!
//! Never: a run of code or programs that are not the approved ones, whoever else allows it.

use remit_core::approval::{Allowed, Approval, ApprovalId, Standing, applying};
use remit_core::audit::Entry;
use remit_core::denial::Denial;
use remit_core::grant::Grants;
use remit_core::policy::FlagRules;
use remit_process::ToolBox;

use crate::approvals::Store;
use crate::exit::Stop;
use crate::loading::Loaded;
use crate::owner::{Decided, Owner};
use crate::pinning;
use crate::places::Places;
use crate::prompt;
use crate::watch::audit;
use crate::wiring;

/// What came of it.
pub(crate) enum Permission {
    /// The run may begin.
    Granted {
        /// What it may do.
        grants: Box<Grants>,
        /// The approval without which it could not do all of this.
        rests_on: Option<ApprovalId>,
    },
    /// It may not; every denial.
    Denied(Vec<Denial>),
}

/// Who decides, about what.
pub(crate) struct Question<'a> {
    pub(crate) owner: &'a Owner,
    pub(crate) loaded: &'a Loaded,
    pub(crate) tools: &'a ToolBox,
    pub(crate) store: &'a Store,
    /// Whether the owner is asked about what is undecided.
    pub(crate) ask: bool,
}

impl Question<'_> {
    /// Decides.
    pub(crate) async fn decide(&self) -> Result<Permission, Stop> {
        let mut approval = match self.approved().await? {
            Ok(approval) => approval,
            Err(denial) => return Ok(Permission::Denied(vec![*denial])),
        };
        let mut once = FlagRules::default();
        let mut decided = self.decide_with(approval.as_ref(), &once)?;
        if let (Decided::Denied(denials), true) = (&decided, self.ask) {
            let answers = prompt::ask(self.loaded.manifest.id().as_str(), denials);
            let mut always = FlagRules::default();
            for yes in &answers {
                let rules = if yes.always { &mut always } else { &mut once };
                rules.allow(yes.capability, &yes.scope);
            }
            if always != FlagRules::default() {
                approval = Some(self.approve(approval, always.allowed()?).await?);
            }
            if !answers.is_empty() {
                decided = self.decide_with(approval.as_ref(), &once)?;
            }
        }
        let grants = match decided {
            Decided::Denied(denials) => return Ok(Permission::Denied(denials)),
            Decided::Granted(grants) => grants,
        };
        let rests_on = match approval {
            Some(approval) if self.rests_on(&grants, &once)? => Some(approval.id),
            Some(_) | None => None,
        };
        Ok(Permission::Granted { grants, rests_on })
    }

    fn decide_with(&self, approval: Option<&Approval>, once: &FlagRules) -> Result<Decided, Stop> {
        let Loaded {
            manifest, digest, ..
        } = self.loaded;
        self.owner.decide(manifest, digest, approval, once)
    }

    /// Whether the policies alone would not grant all of this.
    fn rests_on(&self, grants: &Grants, once: &FlagRules) -> Result<bool, Stop> {
        Ok(match self.decide_with(None, once)? {
            Decided::Granted(alone) => wiring::summary(&alone) != wiring::summary(grants),
            Decided::Denied(_) => true,
        })
    }

    /// The approval for this plugin and workspace, if there is one and it stands.
    async fn approved(&self) -> Result<Result<Option<Approval>, Box<Denial>>, Stop> {
        let all = self.store.read()?;
        let workspace = self.owner.workspace().to_str().unwrap_or_default();
        let Some(approval) = applying(&all, self.loaded.manifest.id(), workspace) else {
            return Ok(Ok(None));
        };
        match pinning::standing(approval, self.owner, self.loaded, self.tools).await? {
            Standing::Same => Ok(Ok(Some(approval.clone()))),
            Standing::Moved(moved) => {
                for tool in &moved {
                    tracing::info!(tool = %tool.tool, "the same program is another file now");
                }
                self.store.change(|all| {
                    if let Some(kept) = all.iter_mut().find(|kept| kept.id == approval.id) {
                        kept.tools
                            .retain(|tool| moved.iter().all(|m| m.tool != tool.tool));
                        kept.tools.extend(moved);
                    }
                    Ok(())
                })?;
                Ok(Ok(Some(approval.clone())))
            }
            Standing::Changed(difference) => {
                let words = ["grant", self.loaded.named.as_str(), "--update"];
                let accept = self.owner.command(&words);
                Ok(Err(Box::new(Denial::changed(
                    approval,
                    *difference,
                    accept,
                ))))
            }
        }
    }

    /// Writes down what was answered with "always": added to the approval that stands, or as a
    /// new one for this workspace.
    async fn approve(&self, known: Option<Approval>, more: Allowed) -> Result<Approval, Stop> {
        // Also where an approval for any workspace stands: it was said here.
        let workspace = Some(workspace_name(self.owner)?);
        let mut allow = known.map(|known| known.allow).unwrap_or_default();
        for scope in more.scopes() {
            allow.add(scope);
        }
        let draft = pinning::draft(self.owner, self.loaded, self.tools, allow, workspace).await?;
        let kept = self.store.keep(draft.approval)?;
        let entry = Entry::approved(&kept.approval, kept.replaces);
        audit::owner_did(&Places::find()?, &[entry]);
        Ok(kept.approval)
    }
}

/// The workspace as an approval names it.
pub(crate) fn workspace_name(owner: &Owner) -> Result<String, Stop> {
    let workspace = owner.workspace();
    workspace.to_str().map(str::to_owned).ok_or_else(|| {
        Stop::usage(
            format!("{} has no name in UTF-8", workspace.display()),
            "rename it; an approval names its workspace",
        )
    })
}
