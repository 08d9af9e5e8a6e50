//! The toolchains for JavaScript, Python and C: installed once into cargo's target directory, by
//! `remit plugin build --install-toolchain` itself, in the versions that it names.
//!
//! Where they cannot be installed, what needs them is left out, and says so loudly.
//! Never: a toolchain of the machine, whose version nobody knows.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use crate::place::Place;

/// Languages whose toolchain is not part of what builds this repository, and a file that is there
/// once it is installed.
const INSTALLED: &[(&str, &str)] = &[
    ("javascript", "node_modules/.bin/componentize-qjs"),
    ("python", "venv/bin/componentize-py"),
    ("c", "venv/bin/python-zig"),
];

/// Where they are: beside the temporary directory that cargo gives to tests.
pub(crate) fn home() -> PathBuf {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary.parent().unwrap().join("toolchains")
}

/// The project in which the toolchain of a language is installed.
fn project_of(language: &str) -> PathBuf {
    home().join(language)
}

/// The search path on which the toolchain of a language is found; nothing if it cannot be had.
pub(crate) fn path_for(language: &str) -> Option<OsString> {
    let toolchain = project_of(language).join(".remit/toolchain");
    let own = ["node_modules/.bin", "venv/bin"].map(|folder| toolchain.join(folder));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&path))).unwrap();
    is_there(language).then_some(path)
}

/// Whether the toolchain of a language is there, after it was tried to install it.
fn is_there(language: &str) -> bool {
    static TRIED: Mutex<Vec<(String, bool)>> = Mutex::new(Vec::new());
    let Some((_, file)) = INSTALLED.iter().find(|(known, _)| *known == language) else {
        return true;
    };
    let mut tried = TRIED.lock().unwrap();
    if let Some((_, known)) = tried.iter().find(|(known, _)| known == language) {
        return *known;
    }
    let toolchain = project_of(language).join(".remit/toolchain");
    let there = install(language, &toolchain.join(file));
    tried.push((language.to_owned(), there));
    there
}

fn install(language: &str, file: &Path) -> bool {
    fs::create_dir_all(home()).unwrap();
    // Another test program may do the same.
    let lock = File::create(home().join("lock")).unwrap();
    lock.lock().unwrap();
    if file.is_file() {
        return true;
    }
    let project = project_of(language);
    if project.exists() {
        // An installation that was cut off.
        fs::remove_dir_all(&project).unwrap();
    }
    let place = Place::new();
    let project = project.to_str().unwrap();
    let new = ["plugin", "new", "first-one", "--lang", language];
    place
        .remit(&[&new[..], &["--dir", project]].concat())
        .ends_with(0);
    let built = place.remit(&["plugin", "build", project, "--install-toolchain"]);
    if file.is_file() {
        built.ends_with(0);
        return true;
    }
    let skipped = format!(
        "\nSKIPPED: the toolchain for {language} cannot be installed here, and what needs it is not \
         tested:\n{built}\n\n"
    );
    // A macro would write where the test runner keeps it.
    std::io::stderr().write_all(skipped.as_bytes()).unwrap();
    false
}

/// The examples in every language whose toolchain is there: language and component.
pub(crate) fn hellos() -> &'static [(&'static str, PathBuf)] {
    static BUILT: OnceLock<Vec<(&'static str, PathBuf)>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let place = Place::new();
        let projects = [
            ("rust", "rust-hello"),
            ("javascript", "javascript-hello"),
            ("python", "python-hello"),
            ("c", "c-hello"),
        ];
        projects
            .iter()
            .filter_map(|(language, id)| {
                let path = path_for(language)?;
                let project = crate::examples().join("plugins").join(id);
                let output = home().join(format!("{id}.wasm"));
                let (project, to) = (project.to_str().unwrap(), output.to_str().unwrap());
                fs::create_dir_all(home()).unwrap();
                place
                    .remit_on(&path, &["plugin", "build", project, "--output", to])
                    .ends_with(0);
                Some((*language, output))
            })
            .collect()
    })
}
