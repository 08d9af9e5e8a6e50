//! EXEC-017: old archive directories, each packed into one file with an index.
//!
//! A packed file is read back and compared before its source may go. Never: a link or a special
//! file packed, because it could not be compared.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use remit_plugin_library::files::{self, Entry, Kind, Limits};
use remit_plugin_library::path::SafePath;
use remit_plugin_library::report::timestamp;
use remit_plugin_library::transaction::MAX_FILE_BYTES;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::config::{Archives, Config, ConfigError};
use crate::duplicates::hex;
use crate::plan::{Action, Plan};

/// Most bytes of one source, unpacked: it is held in memory while it is packed.
const MOST_BYTES: u64 = 64 << 20;

#[derive(Debug, Serialize)]
struct Packed {
    source: String,
    archive: String,
    files: BTreeMap<String, String>,
}

/// Plans the packing of every source that is there.
///
/// # Errors
/// The configuration asks for another format, or names no paths.
pub(crate) fn plan(base: &Path, settings: &Archives, now_ms: u64) -> Result<Plan, ConfigError> {
    if settings.compress_old_archives && settings.compression_format != "tar.gz" {
        let message = "patterns.EXEC-017.compression_format: only tar.gz is made".to_owned();
        return Err(ConfigError(message));
    }
    let target = Config::directory(
        "patterns.EXEC-017.target_archive_dir",
        &settings.target_archive_dir,
    )?;
    let mut plan = Plan::default();
    let mut packed = Vec::new();
    for text in &settings.source_archives {
        let source = Config::directory("patterns.EXEC-017.source_archives", text)?;
        if source.is_here() || target.is_below(&source) || source.is_below(&target) {
            let message = format!(
                "patterns.EXEC-017.source_archives: {source} and the target are inside each other"
            );
            return Err(ConfigError(message));
        }
        if !matches!(
            files::kind(&base.join(source.as_str())),
            Ok(Some(Kind::Directory))
        ) {
            plan.notes.push(format!("there is no directory {source}"));
            continue;
        }
        let name = source.as_str().replace('/', "__");
        let ending = if settings.compress_old_archives {
            ".tar.gz"
        } else {
            ""
        };
        let Ok(archive) = SafePath::parse(&target.join(&format!("{name}{ending}"))) else {
            continue;
        };
        if !matches!(files::kind(&base.join(archive.as_str())), Ok(None)) {
            plan.notes
                .push(format!("{source} stays: {archive} is there already"));
            continue;
        }
        match pack(base, &source) {
            Err(reason) => plan.notes.push(format!("{source} stays: {reason}")),
            Ok(contents) => packed.push(put_away(&mut plan, settings, source, archive, contents)),
        }
    }
    if settings.generate_index {
        index(&mut plan, &target, &packed, now_ms);
    }
    plan.findings = json!({ "archives": packed });
    Ok(plan)
}

/// Adds what puts one directory into its archive.
fn put_away(
    plan: &mut Plan,
    settings: &Archives,
    source: SafePath,
    archive: SafePath,
    (bytes, members): (Vec<u8>, BTreeMap<String, String>),
) -> Packed {
    let why = format!("{} files of {source}", members.len());
    let packed = Packed {
        source: source.to_string(),
        archive: archive.to_string(),
        files: members,
    };
    if settings.compress_old_archives {
        let removed = format!("packed into {archive}");
        plan.with(Action::Write(archive, bytes), why);
        plan.change(Action::Remove(source), removed);
    } else {
        plan.change(Action::Move(source, archive), why);
    }
    packed
}

/// Adds what says what was packed, if anything was.
fn index(plan: &mut Plan, target: &SafePath, packed: &[Packed], now_ms: u64) {
    if packed.is_empty() {
        return;
    }
    let index = json!({ "packed_at": timestamp(now_ms), "archives": packed });
    let text = serde_json::to_vec_pretty(&index).unwrap_or_default();
    if let Ok(path) = SafePath::parse(&target.join(&format!("INDEX-{now_ms}.json"))) {
        plan.with(Action::Write(path, text), "says what was packed");
    }
}

/// A directory as a packed file, and the SHA-256 of each of its files.
fn pack(base: &Path, source: &SafePath) -> Result<(Vec<u8>, BTreeMap<String, String>), String> {
    let place = base.join(source.as_str());
    let found =
        files::walk(&place, Limits::default(), |_| true).map_err(|error| error.to_string())?;
    if let Some(odd) = found
        .iter()
        .find(|entry| matches!(entry.kind, Kind::Link | Kind::Other))
    {
        return Err(format!("{} is neither file nor directory", odd.path));
    }
    let size: u64 = found.iter().map(|entry| entry.size).sum();
    if size > MOST_BYTES {
        return Err(format!(
            "it has {size} bytes; at most {MOST_BYTES} are packed"
        ));
    }
    let (bytes, members) = write(&place, &found).map_err(|error| error.to_string())?;
    let limit = MAX_FILE_BYTES;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(format!("packed, it has more than {limit} bytes"));
    }
    let back = read_back(&bytes).map_err(|error| error.to_string())?;
    if back != members {
        return Err("what was packed is not what was there".to_owned());
    }
    Ok((bytes, members))
}

fn write(place: &Path, found: &[Entry]) -> std::io::Result<(Vec<u8>, BTreeMap<String, String>)> {
    let mut members = BTreeMap::new();
    let mut packer = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for entry in found {
        let mut header = tar::Header::new_gnu();
        // Modes and owners cannot be seen from here; times can.
        let from = place.join(entry.path.as_str());
        let modified = fs::symlink_metadata(&from)?.modified().ok();
        let seconds = modified
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .map_or(0, |age| age.as_secs());
        header.set_mtime(seconds);
        if entry.kind == Kind::Directory {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
            packer.append_data(&mut header, format!("{}/", entry.path), std::io::empty())?;
            continue;
        }
        let content = fs::read(&from)?;
        header.set_mode(0o644);
        header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
        packer.append_data(&mut header, entry.path.as_str(), content.as_slice())?;
        members.insert(entry.path.to_string(), hex(&Sha256::digest(&content)));
    }
    let mut bytes = packer.into_inner()?.finish()?;
    bytes.flush()?;
    Ok((bytes, members))
}

fn read_back(bytes: &[u8]) -> std::io::Result<BTreeMap<String, String>> {
    let mut members = BTreeMap::new();
    let mut reader = tar::Archive::new(GzDecoder::new(bytes));
    for entry in reader.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type() != tar::EntryType::Regular {
            continue;
        }
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.by_ref().take(MOST_BYTES).read_to_end(&mut content)?;
        members.insert(path, hex(&Sha256::digest(&content)));
    }
    Ok(members)
}
