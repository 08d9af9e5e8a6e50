//! What happens to files that are there, and to those that are not.
//!
//! Never: a file outside the temporary directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use remit_plugin_library::path::SafePath;
use remit_plugin_library::transaction::{Fate, MemoryRegister, TransactionError};

use super::{begin, check, inputs};
use crate::plan::Plan;
use crate::write::write;

fn plan() -> Plan {
    Plan::of(&check(&inputs("")).unwrap()).unwrap()
}

/// Writes a plan and returns what happened, by path.
fn write_all(base: &Path, plan: &Plan, force: bool) -> BTreeMap<String, Fate> {
    let register = MemoryRegister::default();
    let mut transaction = begin(base, &register);
    let mut fates = BTreeMap::new();
    for file in &plan.files {
        let fate = write(&mut transaction, &root(), file, force).unwrap();
        fates.insert(file.path.clone(), fate);
    }
    transaction.commit().unwrap();
    fates
}

fn root() -> SafePath {
    SafePath::parse(".").unwrap()
}

fn with(fates: &BTreeMap<String, Fate>, fate: Fate) -> Vec<&str> {
    fates
        .iter()
        .filter(|(_, one)| **one == fate)
        .map(|(path, _)| path.as_str())
        .collect()
}

#[test]
fn a_second_run_changes_nothing() {
    let (directory, plan) = (tempfile::tempdir().unwrap(), plan());
    let root = directory.path().join("there");
    fs::create_dir(&root).unwrap();
    assert!(
        write_all(&root, &plan, false)
            .values()
            .all(|fate| *fate == Fate::Created)
    );
    for force in [false, true] {
        assert!(
            write_all(&root, &plan, force)
                .values()
                .all(|fate| *fate == Fate::Kept)
        );
    }
}

#[test]
fn only_what_is_missing_returns() {
    let (directory, plan) = (tempfile::tempdir().unwrap(), plan());
    write_all(directory.path(), &plan, false);
    fs::remove_file(directory.path().join("demo_kit/core.py")).unwrap();
    fs::write(directory.path().join("README.md"), "mine").unwrap();
    let fates = write_all(directory.path(), &plan, false);
    assert_eq!(with(&fates, Fate::Created), ["demo_kit/core.py"]);
    assert_eq!(with(&fates, Fate::Replaced), [""; 0]);
    assert_eq!(
        fs::read_to_string(directory.path().join("README.md")).unwrap(),
        "mine"
    );
}

#[test]
fn force_replaces_only_what_differs() {
    let (directory, plan) = (tempfile::tempdir().unwrap(), plan());
    write_all(directory.path(), &plan, false);
    fs::write(directory.path().join("README.md"), "mine").unwrap();
    let fates = write_all(directory.path(), &plan, true);
    assert_eq!(with(&fates, Fate::Replaced), ["README.md"]);
    assert_eq!(with(&fates, Fate::Created), [""; 0]);
}

#[test]
fn nothing_is_left_beside_the_files() {
    let (directory, plan) = (tempfile::tempdir().unwrap(), plan());
    write_all(directory.path(), &plan, false);
    let names = fs::read_dir(directory.path()).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        !names.iter().any(|name| name.contains("remit")),
        "{names:?}"
    );
}

#[test]
fn of_a_run_that_fails_nothing_is_left() {
    let (directory, plan) = (tempfile::tempdir().unwrap(), plan());
    fs::write(directory.path().join("README.md"), "mine").unwrap();
    let register = MemoryRegister::default();
    let mut transaction = begin(directory.path(), &register);
    for file in &plan.files {
        write(&mut transaction, &root(), file, true).unwrap();
    }
    assert_eq!(transaction.rollback().left, []);
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1);
    let readme = fs::read_to_string(directory.path().join("README.md"));
    assert_eq!(readme.unwrap(), "mine");
}

#[test]
fn a_directory_in_the_way_is_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("LICENSE")).unwrap();
    let mut files = plan().files.into_iter();
    let license = files.find(|file| file.path == "LICENSE").unwrap();
    let register = MemoryRegister::default();
    for force in [false, true] {
        let mut transaction = begin(directory.path(), &register);
        let error = write(&mut transaction, &root(), &license, force).unwrap_err();
        assert!(
            matches!(error, TransactionError::InTheWay { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("LICENSE"));
    }
}

#[test]
#[cfg(unix)]
fn a_link_is_never_written_through() {
    let directory = tempfile::tempdir().unwrap();
    let outside = directory.path().join("outside");
    fs::write(&outside, "untouched").unwrap();
    let root = directory.path().join("root");
    fs::create_dir(&root).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("LICENSE")).unwrap();
    assert_eq!(write_all(&root, &plan(), false)["LICENSE"], Fate::Kept);
    assert_eq!(write_all(&root, &plan(), true)["LICENSE"], Fate::Replaced);
    let found = fs::symlink_metadata(root.join("LICENSE")).unwrap();
    assert!(found.is_file());
    assert_eq!(fs::read_to_string(&outside).unwrap(), "untouched");
}
