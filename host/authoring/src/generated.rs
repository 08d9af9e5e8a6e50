//! What a project gets below `.remit`, anew with each build: the contract, the SDK of its language,
//! and what its manifest says in that language.
//!
//! Never: a file outside of `.remit`.

use std::collections::BTreeMap;

use remit_core::manifest::Manifest;

use crate::embedded::{self, File};
use crate::language::{Language, Role};
use crate::source::Source;

/// The folder.
pub(crate) const FOLDER: &str = ".remit";

/// What the folder says of itself.
const README: &str = "\
Made by `remit plugin build`, and replaced by it. Change nothing here, and do not commit it.

wit/ is the contract between remit and its plugins; every item there has a comment. Beside it is the
SDK of this project's language. They are part of remit, so that a project needs nothing else.
";

/// The folders of `WIT` packages in JavaScript's own, in the order of the SDK's files.
const WASI_FILES: (&str, &str) = (
    "wit/filesystem.wit",
    "wit/deps/wasi-filesystem/filesystem.wit",
);

/// The files of a project, by path relative to it.
pub(crate) fn files(source: Source, manifest: &Manifest) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    put(&mut files, "README.md", README.as_bytes());
    put_all(&mut files, "wit", embedded::WIT);
    match source {
        Source::Cargo => put_all(&mut files, "rust", embedded::RUST_SDK),
        Source::File(Language::JavaScript, _) => javascript(&mut files, manifest),
        Source::File(Language::Python, _) => {
            put_all(&mut files, "python", embedded::PYTHON_SDK);
            let words = [
                ("ID", id(manifest)),
                ("VERSION", version(manifest)),
                ("TITLE", title(manifest)),
            ];
            let said: String = words
                .iter()
                .map(|(name, value)| format!("{name} = {value}\n"))
                .collect();
            put(&mut files, "python/remit_manifest.py", said.as_bytes());
        }
        Source::File(Language::C, role) => c(&mut files, role, manifest),
        Source::File(Language::Rust, _) => {}
    }
    files
}

fn put(files: &mut BTreeMap<String, Vec<u8>>, path: &str, content: &[u8]) {
    files.insert(format!("{FOLDER}/{path}"), content.to_vec());
}

fn put_all(files: &mut BTreeMap<String, Vec<u8>>, folder: &str, all: &[File]) {
    for (path, content) in all {
        put(files, &format!("{folder}/{path}"), content);
    }
}

fn javascript(files: &mut BTreeMap<String, Vec<u8>>, manifest: &Manifest) {
    for (path, content) in embedded::JAVASCRIPT_SDK {
        let (from, to) = WASI_FILES;
        let path = if *path == from { to } else { path };
        put(files, &format!("javascript/{path}"), content);
    }
    put_all(files, "javascript/wit/deps/remit-plugin", embedded::WIT);
    let said = format!(
        "export const manifest = {{ id: {}, version: {}, title: {} }};\n",
        id(manifest),
        version(manifest),
        title(manifest)
    );
    put(files, "javascript/manifest.js", said.as_bytes());
}

fn c(files: &mut BTreeMap<String, Vec<u8>>, role: Role, manifest: &Manifest) {
    put_all(files, "c", embedded::C_SDK);
    let bindings = match role {
        Role::Pattern => embedded::C_PATTERN,
        Role::Adapter => embedded::C_ADAPTER,
    };
    put_all(files, "c", bindings);
    let words = [
        ("ID", id(manifest)),
        ("VERSION", version(manifest)),
        ("TITLE", title(manifest)),
    ];
    let said: String = words
        .iter()
        .map(|(name, value)| format!("#define REMIT_{name} {value}\n"))
        .collect();
    put(files, "c/manifest.h", said.as_bytes());
}

/// A text in quotes: what JSON makes of it is the same in JavaScript, Python and C.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn id(manifest: &Manifest) -> String {
    quoted(manifest.id().as_str())
}

fn version(manifest: &Manifest) -> String {
    quoted(&manifest.version().to_string())
}

fn title(manifest: &Manifest) -> String {
    quoted(manifest.title())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wit_parser::Resolve;

    use super::*;

    fn manifest() -> Manifest {
        let text = "format = 1\nid = \"say-hello\"\nversion = \"1.2.3\"\nwit = \"remit:plugin@0.1.0\"\n\
                    title = 'Say \"hello\"'\n";
        Manifest::parse("m", text).unwrap()
    }

    fn written(source: Source) -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
        let place = tempfile::tempdir().unwrap();
        let files = files(source, &manifest());
        for (path, content) in &files {
            crate::place::write(place.path(), path, content).unwrap();
        }
        (place, files)
    }

    fn text(files: &BTreeMap<String, Vec<u8>>, path: &str) -> String {
        String::from_utf8(files[path].clone()).unwrap()
    }

    fn resolves(folder: &Path) -> Resolve {
        let mut resolve = Resolve::default();
        resolve.push_dir(folder).unwrap();
        resolve
    }

    #[test]
    fn the_manifest_is_said_in_every_language() {
        let source = |language| Source::File(language, Role::Pattern);
        let (_place, files) = written(source(Language::JavaScript));
        assert_eq!(
            text(&files, ".remit/javascript/manifest.js"),
            "export const manifest = { id: \"say-hello\", version: \"1.2.3\", title: \"Say \\\"hello\\\"\" };\n"
        );
        let (_place, files) = written(source(Language::Python));
        assert!(
            text(&files, ".remit/python/remit_manifest.py")
                .contains("TITLE = \"Say \\\"hello\\\"\"\n")
        );
        let (_place, files) = written(source(Language::C));
        assert!(text(&files, ".remit/c/manifest.h").contains("#define REMIT_ID \"say-hello\"\n"));
    }

    #[test]
    fn the_contract_of_javascript_is_whole() {
        let (place, _files) = written(Source::File(Language::JavaScript, Role::Pattern));
        let resolve = resolves(&place.path().join(".remit/javascript/wit"));
        let worlds: Vec<&str> = resolve
            .worlds
            .iter()
            .map(|(_, world)| world.name.as_str())
            .collect();
        for role in Role::ALL {
            assert!(worlds.contains(&role.world()), "{worlds:?}");
        }
    }

    #[test]
    fn the_sdk_of_rust_needs_no_workspace_around_it() {
        let (place, files) = written(Source::Cargo);
        for name in ["sdk", "sdk-macros"] {
            let manifest = text(&files, &format!(".remit/rust/{name}/Cargo.toml"));
            assert!(!manifest.contains("workspace"), "{manifest}");
        }
        let bindings = text(&files, ".remit/rust/sdk/src/bindings.rs");
        let path = "path: \"../../wit\"";
        assert!(
            bindings.contains(path),
            "the generator's path is another one"
        );
        resolves(&place.path().join(".remit/rust/sdk/../../wit"));
    }

    #[test]
    fn the_bindings_of_c_are_those_of_the_role() {
        let (_place, pattern) = written(Source::File(Language::C, Role::Pattern));
        assert!(
            text(&pattern, ".remit/c/contract.h").contains("exports_remit_plugin_pattern_execute")
        );
        let (_place, adapter) = written(Source::File(Language::C, Role::Adapter));
        assert!(
            text(&adapter, ".remit/c/contract.h").contains("exports_remit_plugin_adapter_execute")
        );
        assert!(adapter.contains_key(".remit/c/contract_component_type.o"));
    }
}
