//! Which workspace policies the owner trusts: by the real path of the file and the digest of its
//! content. A repository that someone cloned must not grant itself anything, and a trusted file
//! that changed is not trusted any more.
//!
//! Never: trust by name, by place alone, or for a file that was not read in full.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use remit_core::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::exit::Stop;

/// Name of the policy file in a workspace.
pub(crate) const WORKSPACE_POLICY: &str = "remit.toml";

/// What stands between a workspace policy and its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Trusted as it is.
    Trusted,
    /// Never trusted.
    Unknown,
    /// Trusted with other content.
    Changed,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Pins {
    format: u32,
    /// Real path of the file, digest of its content.
    files: BTreeMap<PathBuf, String>,
}

const FORMAT: u32 = 1;

/// The owner's trust, as a file in the state directory.
#[derive(Debug)]
pub(crate) struct Trust {
    place: PathBuf,
    pins: Pins,
}

impl Trust {
    /// Reads what was trusted.
    ///
    /// # Errors
    /// The file is there but cannot be read or understood: better to stop than to forget.
    pub(crate) fn open(place: PathBuf) -> Result<Self, Stop> {
        let pins = match crate::files::read_text_if_there(&place)? {
            None => Pins {
                format: FORMAT,
                files: BTreeMap::new(),
            },
            Some(text) => serde_json::from_str::<Pins>(&text)
                .ok()
                .filter(|pins| pins.format == FORMAT)
                .ok_or_else(|| {
                    Stop::usage(
                        format!("{} is not a trust file of this version", place.display()),
                        "remove it and run `remit trust` again where you want it",
                    )
                })?,
        };
        Ok(Self { place, pins })
    }

    /// What stands between this file and its use.
    pub(crate) fn standing(&self, file: &Path, text: &str) -> Standing {
        match self.pins.files.get(file) {
            None => Standing::Unknown,
            Some(pinned) if *pinned == Digest::of(text.as_bytes()).to_string() => Standing::Trusted,
            Some(_) => Standing::Changed,
        }
    }

    /// Trusts a file as it is.
    pub(crate) fn pin(&mut self, file: &Path, text: &str) -> Result<(), Stop> {
        let digest = Digest::of(text.as_bytes()).to_string();
        self.pins.files.insert(file.to_owned(), digest);
        self.save()
    }

    /// Takes trust back. False if there was none.
    pub(crate) fn forget(&mut self, file: &Path) -> Result<bool, Stop> {
        let known = self.pins.files.remove(file).is_some();
        self.save()?;
        Ok(known)
    }

    /// Every trusted file with its digest.
    pub(crate) fn list(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.pins
            .files
            .iter()
            .map(|(file, digest)| (file.as_path(), digest.as_str()))
    }

    fn save(&self) -> Result<(), Stop> {
        let text = serde_json::to_string_pretty(&self.pins).context("trust file")?;
        crate::files::write_private(&self.place, text.as_bytes())
    }
}
