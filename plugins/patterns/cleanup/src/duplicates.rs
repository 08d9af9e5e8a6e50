//! EXEC-014: files with the same content, of which the most fitting one stays.
//!
//! A file's score is the sum of four weights: where it lies (tier of its directory), how new it is
//! among its equals, how many other files name it by its path, and how few directories it is in.
//! Never: a file removed because of its hash alone; sizes are equal, too.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::config::{ConfigError, Duplicates, tier};
use crate::plan::{Action, Plan};
use crate::scan::{File, Mentions, Tree};

/// Tier of what is in no named directory.
const USUAL_TIER: f64 = 20.0;
/// The named directories of the origin, where a configuration names none.
const USUAL_TIERS: [(&str, f64); 5] = [
    ("modules/", 70.0),
    ("core/", 50.0),
    ("error/", 50.0),
    ("engine/", 30.0),
    ("archive/", 10.0),
];
/// From this many mentions on, more make no difference.
const MANY_MENTIONS: f64 = 10.0;

#[derive(Debug, Serialize)]
struct Group {
    sha256: String,
    size: u64,
    keep: String,
    score: f64,
    remove: Vec<(String, f64)>,
}

/// Plans the removal of all but one of each group.
///
/// # Errors
/// The configuration asks for something else than SHA-256.
pub(crate) fn plan(
    base: &Path,
    tree: &Tree,
    mentions: &Mentions,
    settings: &Duplicates,
) -> Result<Plan, ConfigError> {
    if !settings.hash_algorithm.eq_ignore_ascii_case("sha256") {
        let message = "patterns.EXEC-014.hash_algorithm: only SHA256 is used".to_owned();
        return Err(ConfigError(message));
    }
    let mut plan = Plan::default();
    let mut by_size: BTreeMap<u64, Vec<&File>> = BTreeMap::new();
    for file in &tree.files {
        if file.size >= settings.min_file_size_bytes.max(1) {
            by_size.entry(file.size).or_default().push(file);
        }
    }
    let mut groups = Vec::new();
    for (size, files) in by_size.into_iter().filter(|(_, files)| files.len() > 1) {
        let mut by_hash: BTreeMap<String, Vec<&File>> = BTreeMap::new();
        for file in files {
            match hash(&base.join(file.path.as_str())) {
                Ok(hash) => by_hash.entry(hash).or_default().push(file),
                Err(error) => plan.notes.push(format!("{}: {error}", file.path)),
            }
        }
        let equal = by_hash.into_iter().filter(|(_, files)| files.len() > 1);
        groups.extend(equal.map(|(sha256, files)| group(sha256, size, &files, mentions, settings)));
    }
    for found in &groups {
        for (path, score) in &found.remove {
            if let Ok(path) = remit_plugin_library::path::SafePath::parse(path) {
                let why = format!(
                    "same as {} (score {:.1} against {score:.1})",
                    found.keep, found.score
                );
                plan.change(Action::Remove(path), why);
            }
        }
    }
    plan.findings = json!({ "groups": groups });
    Ok(plan)
}

fn group(
    sha256: String,
    size: u64,
    files: &[&File],
    mentions: &Mentions,
    settings: &Duplicates,
) -> Group {
    let newest = files
        .iter()
        .map(|file| file.modified_ms)
        .max()
        .unwrap_or_default();
    let oldest = files
        .iter()
        .map(|file| file.modified_ms)
        .min()
        .unwrap_or_default();
    let mut scored: Vec<(String, f64)> = files
        .iter()
        .map(|file| {
            let score = score(file, (oldest, newest), mentions, settings);
            (file.path.to_string(), score)
        })
        .collect();
    // Of equals the first by name stays, so that every run decides alike.
    scored.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let rest = scored.split_off(scored.len().min(1));
    let (keep, score) = scored.pop().unwrap_or_default();
    Group {
        sha256,
        size,
        keep,
        score,
        remove: rest,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of files, and milliseconds whose share alone counts"
)]
fn score(
    file: &File,
    (oldest, newest): (u64, u64),
    mentions: &Mentions,
    settings: &Duplicates,
) -> f64 {
    let usual: BTreeMap<String, f64>;
    let tiers = if settings.location_tiers.is_empty() {
        usual = USUAL_TIERS
            .map(|(name, tier)| (name.to_owned(), tier))
            .into();
        &usual
    } else {
        &settings.location_tiers
    };
    let weights = &settings.scoring;
    let location = tier(tiers, file.path.as_str()).unwrap_or(USUAL_TIER) / 100.0;
    let recency = if newest > oldest {
        (file.modified_ms - oldest) as f64 / (newest - oldest) as f64
    } else {
        1.0
    };
    let imports = (mentions.of_path(&file.path) as f64 / MANY_MENTIONS).min(1.0);
    /// What each directory takes off.
    const STEP: f64 = 0.1;
    let parts = file.path.prefixes().len() as f64;
    let depth = (1.0 - parts * STEP).max(0.0);
    location * weights.location_tier
        + recency * weights.recency
        + imports * weights.import_count
        + depth * weights.path_depth
}

/// The SHA-256 of a file, in hexadecimal.
pub(crate) fn hash(path: &Path) -> std::io::Result<String> {
    /// Read at once: few calls, little memory.
    const CHUNK: usize = 64 * 1024;
    let mut file = fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(chunk.get(..read).unwrap_or_default());
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
