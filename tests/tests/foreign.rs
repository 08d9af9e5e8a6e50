//! Components and modules that nobody here wrote: each loads, or is refused with a reason that
//! says something. None panics the host.
//!
//! The files are looked for where they are on this machine: the directories in
//! `REMIT_FOREIGN_WASM` (separated by `:`), and the sources of the crates that this workspace is
//! built from, some of which carry WebAssembly. Never: a file of ours.

#![expect(
    clippy::disallowed_methods,
    reason = "looks for files wherever they are"
)]

use std::collections::BTreeMap;
use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use remit_component::{extract_manifest, inspect, pack};
use remit_sandbox::{LoadError, LoadedPlugin, Runtime};

/// Directories deep enough for every layout, shallow enough not to follow a loop.
const MAX_DEPTH: usize = 12;

/// How a file came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// It is a plugin.
    Loads,
    /// The loader says why not.
    RefusedByLoader,
}

fn places() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = std::env::var_os("REMIT_FOREIGN_WASM")
        .map(|list| std::env::split_paths(&list).collect())
        .unwrap_or_default();
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    places.extend(home.map(|home| home.join("registry/src")));
    places
}

fn collect(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && depth < MAX_DEPTH {
            collect(&path, depth + 1, found);
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "wasm") {
            found.push(path);
        }
    }
}

fn check_inspection(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let looked = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let manifest = extract_manifest(bytes).map(|_| ());
        let packed = pack(bytes, "format = 1\n").map(|_| ());
        (inspect(bytes), manifest, packed)
    }));
    let Ok((report, _, _)) = looked else {
        return Err(format!("{}: the look into it panicked", path.display()));
    };
    match report {
        Ok(report) if report.target.verdict().len() < 10 => {
            Err(format!("{}: a verdict without words", path.display()))
        }
        Ok(_) => Ok(()),
        Err(error) if error.to_string().len() < 10 => {
            Err(format!("{}: an error without words", path.display()))
        }
        Err(_) => Ok(()),
    }
}

async fn check_load(runtime: &Runtime, path: &Path, bytes: Vec<u8>) -> Result<Verdict, String> {
    let runtime = runtime.clone();
    let loading = tokio::spawn(async move { LoadedPlugin::load(&runtime, bytes.into()).await });
    match loading.await {
        Err(_) => Err(format!("{}: loading it panicked", path.display())),
        Ok(Err(LoadError::Interrupted(why))) => {
            Err(format!("{}: compiling it panicked: {why}", path.display()))
        }
        Ok(Ok(_)) => Ok(Verdict::Loads),
        Ok(Err(error)) if error.to_string().len() < 10 => {
            Err(format!("{}: a refusal without words", path.display()))
        }
        Ok(Err(_)) => Ok(Verdict::RefusedByLoader),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_file_loads_or_is_refused_with_a_reason() {
    let mut files = Vec::new();
    for place in places() {
        collect(&place, 0, &mut files);
    }
    files.sort();
    assert!(
        !files.is_empty(),
        "the sources of wit-parser and wit-bindgen carry WebAssembly; is the registry elsewhere?"
    );
    let runtime = Runtime::new(None).expect("the engine starts");
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for path in &files {
        let Ok(bytes) = fs::read(path) else { continue };
        let verdict = match check_inspection(path, &bytes) {
            Err(error) => Err(error),
            // `remit run` asks the loader, whatever the look says: so does this, for every file.
            Ok(()) => check_load(&runtime, path, bytes).await,
        };
        match verdict {
            Ok(verdict) => *counts.entry(verdict).or_default() += 1,
            Err(error) => wrong.push(error),
        }
    }
    println!("{} foreign files: {counts:?}", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
