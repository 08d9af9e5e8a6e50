//! What a plugin uses of its grants while it is tried.
//!
//! Never: more paths than a trial is worth; which ones hardly matters, that there are some does.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use remit_core::grant::Access;
use remit_core::path::RelPath;
use remit_core::tool::Launch;
use remit_engine::seam::Observer;

/// Paths of one kind that are remembered.
const MAX_PATHS: usize = 10_000;

/// What was used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Used {
    /// Paths that were read, or only looked at.
    pub(crate) read: BTreeSet<RelPath>,
    /// Paths that were written.
    pub(crate) written: BTreeSet<RelPath>,
    /// Tools about which it asked, with their templates.
    pub(crate) asked: BTreeSet<(String, String)>,
}

impl Used {
    /// Whether it used anything at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.read.is_empty() && self.written.is_empty() && self.asked.is_empty()
    }
}

/// Sees what is used.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<Used>);

impl Uses {
    /// What was used so far.
    pub(crate) fn taken(&self) -> Used {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.clone()
    }
}

impl Observer for Uses {
    fn used(&self, access: Access, path: &RelPath) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let paths = match access {
            Access::Read => &mut used.read,
            Access::Write => &mut used.written,
        };
        if paths.len() < MAX_PATHS {
            paths.insert(path.clone());
        }
    }

    fn asked(&self, launch: &Launch) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.asked.len() < MAX_PATHS {
            let (tool, template) = (launch.tool().to_string(), launch.template().to_string());
            used.asked.insert((tool, template));
        }
    }
}
