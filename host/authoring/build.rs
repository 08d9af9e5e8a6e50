//! Puts into the program what a plugin project needs: the contract, the SDK of each language, the
//! templates, and the bindings for C, made here from `wit/` so that they cannot be old.
//!
//! Never: a file that is not in this repository.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script reads sources and writes what it made of them"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use toml_edit::{DocumentMut, Item, TableLike, value};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

/// The worlds, and the name of the list of C bindings that each gets.
const WORLDS: &[(&str, &str)] = &[
    ("pattern-executor", "C_PATTERN"),
    ("tool-adapter", "C_ADAPTER"),
];

/// What the C bindings are called, and the prefix of their types.
const C_BINDINGS: &str = "contract";

/// Folders that are carried as they are: the name of the list, and the folder.
const FOLDERS: &[(&str, &str)] = &[
    ("WIT", "wit"),
    ("JAVASCRIPT_SDK", "plugins/sdk-javascript"),
    ("PYTHON_SDK", "plugins/sdk-python"),
    ("C_SDK", "plugins/sdk-c"),
    ("TEMPLATES", "host/authoring/templates"),
];

/// The crates of the Rust SDK, below `plugins`.
const RUST_SDK: &[&str] = &["sdk", "sdk-macros"];

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("no manifest directory")?);
    let root = here.join("../..").canonicalize()?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let mut lists = String::new();
    for (name, folder) in FOLDERS {
        let folder = root.join(folder);
        list(&mut lists, name, &below(&folder)?)?;
    }
    list(&mut lists, "RUST_SDK", &rust_sdk(&root, &out)?)?;
    for (world, name) in WORLDS {
        list(&mut lists, name, &c_bindings(&root, &out, world)?)?;
    }
    fs::write(out.join("embedded.rs"), lists)?;
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}

/// A file to carry: its path in a project, and where it is now.
type Carried = (String, PathBuf);

/// The files below a folder, sorted.
fn below(folder: &Path) -> Result<Vec<Carried>, Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        let entries = fs::read_dir(&next).map_err(|e| format!("{}: {e}", next.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                if entry.file_name() != "__pycache__" {
                    waiting.push(entry.path());
                }
            } else {
                let path = entry.path();
                let name = path.strip_prefix(folder)?.to_str().ok_or("not UTF-8")?;
                found.push((name.to_owned(), path.clone()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a list as a constant.
fn list(into: &mut String, name: &str, files: &[Carried]) -> Result<(), Box<dyn Error>> {
    writeln!(into, "pub(crate) const {name}: &[(&str, &[u8])] = &[")?;
    for (path, from) in files {
        let from = from.to_str().ok_or("a path that is not UTF-8")?;
        writeln!(into, "    ({path:?}, include_bytes!({from:?})),")?;
    }
    writeln!(into, "];")?;
    Ok(())
}

/// The sources of the Rust SDK, with manifests that need no workspace around them.
fn rust_sdk(root: &Path, out: &Path) -> Result<Vec<Carried>, Box<dyn Error>> {
    let plugins = root.join("plugins");
    let workspace_file = plugins.join("Cargo.toml");
    println!("cargo:rerun-if-changed={}", workspace_file.display());
    let workspace: DocumentMut = fs::read_to_string(&workspace_file)?.parse()?;
    let mut files = Vec::new();
    for name in RUST_SDK {
        let package = plugins.join(name);
        let manifest = package.join("Cargo.toml");
        println!("cargo:rerun-if-changed={}", manifest.display());
        let alone = alone(&fs::read_to_string(&manifest)?, &workspace)?;
        let written = out.join(format!("{name}.toml"));
        fs::write(&written, alone)?;
        files.push((format!("{name}/Cargo.toml"), written));
        for (path, from) in below(&package.join("src"))? {
            files.push((format!("{name}/src/{path}"), from));
        }
    }
    Ok(files)
}

/// A package's manifest with what it takes from the workspace written out.
fn alone(manifest: &str, workspace: &DocumentMut) -> Result<String, Box<dyn Error>> {
    let mut manifest: DocumentMut = manifest.parse()?;
    let shared = |table: &str| {
        workspace["workspace"]
            .get(table)
            .and_then(Item::as_table_like)
    };
    let package = shared("package").ok_or("no [workspace.package]")?;
    let known = shared("dependencies").ok_or("no [workspace.dependencies]")?;
    inherit(&mut manifest["package"], package)?;
    inherit(&mut manifest["dependencies"], known)?;
    // Lints are for who works on the SDK.
    manifest.remove("lints");
    manifest["dependencies"]
        .as_table_like_mut()
        .into_iter()
        .flat_map(|table| table.iter_mut())
        .for_each(|(_, dependency)| beside(dependency));
    Ok(manifest.to_string())
}

/// A crate of the same workspace is a sibling in a project, too.
fn beside(dependency: &mut Item) {
    if let Some(path) = dependency.get("path").and_then(Item::as_str) {
        dependency["path"] = value(format!("../{path}"));
    }
}

/// Replaces each `KEY.workspace = true`.
fn inherit(table: &mut Item, shared: &dyn TableLike) -> Result<(), Box<dyn Error>> {
    let table = table.as_table_like_mut().ok_or("not a table")?;
    for (key, item) in table.iter_mut() {
        if item.get("workspace").is_some() {
            let known = shared.get(key.get());
            *item = known
                .ok_or_else(|| format!("`{}` is not in the workspace's table", key.get()))?
                .clone();
        }
    }
    Ok(())
}

/// What the generator makes of a world.
fn c_bindings(root: &Path, out: &Path, world: &str) -> Result<Vec<Carried>, Box<dyn Error>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root.join("wit"))?;
    let id = resolve.select_world(&[package], Some(world))?;
    let mut files = Files::default();
    let options = wit_bindgen_c::Opts {
        rename_world: Some(C_BINDINGS.to_owned()),
        ..wit_bindgen_c::Opts::default()
    };
    options.build().generate(&mut resolve, id, &mut files)?;
    let folder = out.join(world);
    fs::create_dir_all(&folder)?;
    let mut carried = Vec::new();
    for (name, content) in files.iter() {
        let written = folder.join(name);
        fs::write(&written, content)?;
        carried.push((name.to_owned(), written));
    }
    Ok(carried)
}
