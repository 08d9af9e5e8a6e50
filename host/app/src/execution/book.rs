//! What the owner says about one workspace, as long as nothing that it was read from changes.
//!
//! Never: a page that is used after a policy, the approvals or a component were changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use remit_core::contract::ALWAYS_PROTECTED;
use remit_core::policy::PathPattern;
use remit_process::ToolBox;
use tokio::sync::OnceCell;

use super::kit::Kit;
use crate::cli::target::Rules;
use crate::exit::Stop;
use crate::files::{self, Stamp};
use crate::owner::Owner;
use crate::places::Places;
use crate::trust::WORKSPACE_POLICY;
use crate::wiring;

/// Plugins whose kits are kept at the same time. A compiled component has some MiB.
const MOST_KITS: usize = 256;

/// The place of a kit: made by the first who needs it, waited for by the others.
pub(super) type KitPlace = Arc<OnceCell<Arc<Kit>>>;

/// What a page was read from.
#[derive(PartialEq, Eq)]
struct Stamps {
    files: Vec<Option<Stamp>>,
    /// Whether the directories above what is protected are there.
    above: Vec<bool>,
}

/// Everything that is known of the owner's word at one moment.
pub(super) struct Page {
    stamps: Stamps,
    pub(super) owner: Owner,
    pub(super) tools: Arc<ToolBox>,
    kits: Mutex<HashMap<String, KitPlace>>,
}

impl Page {
    /// The place for the kit of a plugin with this name.
    pub(super) fn place(&self, plugin: &str) -> KitPlace {
        let mut kits = self.kits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kits.get(plugin) {
            return Arc::clone(place);
        }
        if kits.len() >= MOST_KITS {
            kits.clear();
        }
        Arc::clone(kits.entry(plugin.to_owned()).or_default())
    }

    /// Forgets a kit whose component is another one now.
    pub(super) fn forget(&self, plugin: &str) {
        let mut kits = self.kits.lock().unwrap_or_else(PoisonError::into_inner);
        kits.remove(plugin);
    }
}

/// Reads pages.
pub(super) struct Book {
    places: Places,
    directory: PathBuf,
    rules: Rules,
    files: Vec<PathBuf>,
    above: Vec<PathBuf>,
    now: Mutex<Option<Arc<Page>>>,
    /// Every tool box that was used, to be closed at the end.
    boxes: Mutex<Vec<Arc<ToolBox>>>,
}

impl Book {
    pub(super) fn open(places: Places, directory: PathBuf, rules: Rules) -> Result<Self, Stop> {
        let workspace = files::real_dir(&directory)?;
        let mut files = vec![
            places.policy(),
            places.approvals(),
            places.trust(),
            workspace.join(WORKSPACE_POLICY),
        ];
        files.extend(rules.policy.clone());
        let above = protected_directories(&workspace).map(|(_, above)| above);
        Ok(Self {
            places,
            directory,
            rules,
            files,
            above: above.collect(),
            now: Mutex::default(),
            boxes: Mutex::default(),
        })
    }

    fn stamps(&self) -> Stamps {
        Stamps {
            files: self.files.iter().map(|file| files::stamp(file)).collect(),
            above: self.above.iter().map(|path| is_there(path)).collect(),
        }
    }

    /// The page that holds now.
    ///
    /// # Errors
    /// What the owner wrote has mistakes.
    pub(super) fn page(&self) -> Result<Arc<Page>, Stop> {
        let stamps = self.stamps();
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = now.as_ref().filter(|page| page.stamps == stamps) {
            return Ok(Arc::clone(page));
        }
        let owner = Owner::read(&self.places, &self.directory, &self.rules)?;
        let protected = protected_patterns(owner.workspace());
        let owner = owner.protecting(protected);
        let tools = match now.as_ref().filter(|page| same_tools(&page.owner, &owner)) {
            Some(page) => Arc::clone(&page.tools),
            None => {
                let tools = Arc::new(wiring::tool_box(&owner)?);
                let mut boxes = self.boxes.lock().unwrap_or_else(PoisonError::into_inner);
                boxes.push(Arc::clone(&tools));
                tools
            }
        };
        let page = Arc::new(Page {
            stamps,
            owner,
            tools,
            kits: Mutex::default(),
        });
        *now = Some(Arc::clone(&page));
        Ok(page)
    }

    /// Whether a page still holds.
    pub(super) fn holds(&self, page: &Page) -> bool {
        page.stamps == self.stamps()
    }

    pub(super) async fn close(&self) {
        let boxes = std::mem::take(&mut *self.boxes.lock().unwrap_or_else(PoisonError::into_inner));
        for tools in boxes {
            tools.close().await;
        }
    }
}

fn is_there(path: &Path) -> bool {
    files::stamp(path).is_some()
}

/// Whether the same tool box serves both: then programs stay pinned.
fn same_tools(one: &Owner, other: &Owner) -> bool {
    one.search() == other.search() && one.policy().as_root() == other.policy().as_root()
}

/// What is always protected, each with the directory above it.
fn protected_directories(workspace: &Path) -> impl Iterator<Item = (&'static str, PathBuf)> {
    ALWAYS_PROTECTED.iter().map(move |pattern| {
        let directory = workspace.join(pattern.trim_end_matches("/**"));
        let above = directory.parent().unwrap_or(workspace).to_owned();
        (*pattern, above)
    })
}

/// What plugins and tools must not write here.
///
/// From a tool a directory is kept by covering it, and one that is not there by an empty directory
/// in its place while the tool runs. Where even the directory above is missing, that would keep
/// the tool from all of it (`logs/`, for `logs/execution/`): there the rule is one that the
/// plugin meets at once, and a tool's file shows among the changed files.
fn protected_patterns(workspace: &Path) -> Vec<PathPattern> {
    protected_directories(workspace)
        .filter_map(|(pattern, above)| {
            let shorter = pattern.strip_suffix('*').filter(|_| !is_there(&above));
            shorter.unwrap_or(pattern).parse().ok()
        })
        .collect()
}
