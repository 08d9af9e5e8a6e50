//! What happens to files that are there, and to those that are not.
//!
//! Never: a file outside the temporary directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::inputs;
use crate::plan::{Plan, PlannedFile};
use crate::request::Request;
use crate::write::{Fate, WriteError, write};

fn plan() -> Plan {
    Plan::of(&Request::check(&inputs("")).unwrap()).unwrap()
}

/// Writes a plan and returns what happened, by path.
fn write_all(root: &Path, plan: &Plan, force: bool) -> BTreeMap<String, Fate> {
    let fates = plan
        .files
        .iter()
        .map(|file| (file.path.clone(), write(root, file, force).unwrap()));
    fates.collect()
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
    let root = directory.path().join("not/yet/there");
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
    let left = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        left.into_iter()
            .all(|name| !name.to_string_lossy().ends_with(".remit-part"))
    );
}

#[test]
fn a_directory_in_the_way_is_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("LICENSE")).unwrap();
    let license = plan()
        .files
        .into_iter()
        .find(|file| file.path == "LICENSE")
        .unwrap();
    for force in [false, true] {
        let error = write(directory.path(), &license, force).unwrap_err();
        assert!(matches!(error, WriteError::NotAFile { .. }), "{error}");
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
    std::os::unix::fs::symlink(&outside, root.join("file")).unwrap();
    let file = PlannedFile {
        path: "file".into(),
        content: "untouched".into(),
        media_type: "text/plain",
    };
    assert_eq!(write(&root, &file, false).unwrap(), Fate::Kept);
    assert_eq!(write(&root, &file, true).unwrap(), Fate::Replaced);
    assert!(fs::symlink_metadata(root.join("file")).unwrap().is_file());
    assert_eq!(fs::read_to_string(&outside).unwrap(), "untouched");
}

#[test]
#[cfg(unix)]
fn what_an_interrupted_run_left_is_no_obstacle_and_no_trap() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other");
    fs::write(&other, "untouched").unwrap();
    fs::write(directory.path().join("half.remit-part"), "ha").unwrap();
    std::os::unix::fs::symlink(&other, directory.path().join("trap.remit-part")).unwrap();
    for name in ["half", "trap"] {
        let file = PlannedFile {
            path: name.into(),
            content: "whole".into(),
            media_type: "text/plain",
        };
        assert_eq!(
            write(directory.path(), &file, false).unwrap(),
            Fate::Created
        );
        let place = directory.path().join(name);
        assert!(fs::symlink_metadata(&place).unwrap().is_file());
        assert_eq!(fs::read_to_string(&place).unwrap(), "whole");
    }
    assert_eq!(fs::read_to_string(&other).unwrap(), "untouched");
}
