//! What a transaction does, refuses and takes back, case by case.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::tree::{begin, nothing_is_unfinished, owner, plant, read};
use crate::path::SafePath;
use crate::transaction::{
    Existing, Fate, MAX_CHANGES, MAX_FILE_BYTES, MemoryRegister, Transaction, TransactionError,
};

#[test]
fn files_are_created_replaced_and_kept_as_told() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let root = directory.path();
    let mut transaction = begin(root, &register);
    let mut write = |path: &str, text: &str, existing| {
        transaction.write(path, text.as_bytes(), existing).unwrap()
    };
    assert_eq!(write("new/x", "1", Existing::Keep), Fate::Created);
    assert_eq!(write("a", "1", Existing::Keep), Fate::Kept);
    assert_eq!(write("a", "original a", Existing::Replace), Fate::Kept);
    assert_eq!(write("a", "1", Existing::Replace), Fate::Replaced);
    transaction.commit().unwrap();
    assert_eq!(fs::read(root.join("a")).unwrap(), b"1");
    assert_eq!(fs::read(root.join("new/x")).unwrap(), b"1");
    nothing_is_unfinished(&register);
}

#[test]
fn a_script_that_can_be_run_can_still_be_run_when_it_was_written_anew() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let mut transaction = begin(directory.path(), &register);
    transaction.write("run", b"new", Existing::Replace).unwrap();
    transaction.commit().unwrap();
    let mode = fs::metadata(directory.path().join("run"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn a_link_is_never_written_through() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let root = directory.path();
    let mut transaction = begin(root, &register);
    assert_eq!(
        transaction.write("link", b"x", Existing::Keep).unwrap(),
        Fate::Kept
    );
    assert_eq!(
        transaction.write("link", b"x", Existing::Replace).unwrap(),
        Fate::Replaced
    );
    assert_eq!(fs::read(root.join("a")).unwrap(), b"original a");
    assert!(fs::symlink_metadata(root.join("link")).unwrap().is_file());
    drop(transaction);
    assert!(
        fs::symlink_metadata(root.join("link"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn what_is_dropped_without_a_commit_is_taken_back() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let before = read(directory.path());
    let mut transaction = begin(directory.path(), &register);
    transaction.write("x/y/z", b"new", Existing::Keep).unwrap();
    transaction.delete("d").unwrap();
    drop(transaction);
    assert_eq!(read(directory.path()), before);
    nothing_is_unfinished(&register);
}

#[test]
fn a_run_that_changes_nothing_writes_nothing() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let before = read(directory.path());
    let mut transaction = begin(directory.path(), &register);
    transaction.write("a", b"x", Existing::Keep).unwrap();
    assert_eq!(read(directory.path()), before);
    nothing_is_unfinished(&register);
    transaction.commit().unwrap();
}

#[test]
fn originals_are_where_git_does_not_see_them() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let mut transaction = begin(directory.path(), &register);
    transaction.delete("a").unwrap();
    let undo = directory.path().join(".remit-undo-task-1");
    assert_eq!(fs::read_to_string(undo.join(".gitignore")).unwrap(), "*\n");
    assert_eq!(
        fs::read_to_string(undo.join("1.old")).unwrap(),
        "original a"
    );
    assert!(
        fs::read_to_string(undo.join("README"))
            .unwrap()
            .contains("remit")
    );
}

#[test]
fn the_originals_lie_in_the_directory_that_may_be_written_and_it_goes_with_them() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let before = read(directory.path());
    let home = SafePath::parse("pack/ages").unwrap();
    for commit in [false, true] {
        let root = directory.path();
        let mut transaction = Transaction::begin(root, &home, owner("task"), &register).unwrap();
        transaction
            .write("pack/ages/demo/x", b"1", Existing::Keep)
            .unwrap();
        assert!(root.join("pack/ages/.remit-undo-task-1").is_dir());
        if commit {
            transaction.commit().unwrap();
        } else {
            assert_eq!(transaction.rollback().left, []);
            assert_eq!(read(root), before);
        }
    }
    let after = read(directory.path());
    assert_eq!(after.len(), before.len() + 4);
}

#[test]
fn what_others_made_in_a_new_directory_stays_and_is_named() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let mut transaction = begin(directory.path(), &register);
    transaction.write("new/x", b"1", Existing::Keep).unwrap();
    fs::write(directory.path().join("new/other"), "of a tool").unwrap();
    let undone = transaction.rollback();
    assert_eq!(undone.left.len(), 1);
    assert_eq!(undone.left[0].path, "new");
    assert!(!undone.holds_original);
    assert!(directory.path().join("new/other").is_file());
    assert!(!directory.path().join("new/x").exists());
    assert!(!directory.path().join(".remit-undo-task-1").exists());
}

#[test]
fn an_original_whose_place_is_taken_is_put_beside_it() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let root = directory.path();
    let mut transaction = begin(root, &register);
    transaction.delete("a").unwrap();
    fs::create_dir(root.join("a")).unwrap();
    let undone = transaction.rollback();
    assert!(
        undone.left[0].why.contains("a.remit-original"),
        "{undone:?}"
    );
    assert_eq!(
        fs::read(root.join("a.remit-original")).unwrap(),
        b"original a"
    );
}

#[test]
fn what_cannot_be_done_is_refused_with_its_path() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let mut transaction = begin(directory.path(), &register);
    let codes = [
        transaction.write("../x", b"", Existing::Keep).map(drop),
        transaction.write("d", b"", Existing::Replace).map(drop),
        transaction.write("a/x", b"", Existing::Replace).map(drop),
        transaction
            .write(".remit-undo-task-1/x", b"", Existing::Keep)
            .map(drop),
        transaction.delete("nothing"),
        transaction.rename("nothing", "x"),
        transaction.rename("a", "run"),
        transaction.rename("d", "d/x"),
        transaction.make_directory("a"),
        transaction
            .write("x", &vec![0; MAX_FILE_BYTES as usize + 1], Existing::Keep)
            .map(drop),
    ]
    .map(|result| result.unwrap_err().code());
    assert_eq!(
        codes,
        [
            "relative-path",
            "in-the-way",
            "in-the-way",
            "in-the-way",
            "missing-file",
            "missing-file",
            "exists",
            "in-the-way",
            "in-the-way",
            "limit",
        ]
    );
    assert_eq!(transaction.changes(), 0);
}

#[test]
fn the_number_of_changes_has_a_limit_and_all_of_them_are_taken_back() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let before = read(directory.path());
    let mut transaction = begin(directory.path(), &register);
    let mut refused = None;
    for number in 0..=MAX_CHANGES {
        let to = if number % 2 == 0 {
            ("a", "b")
        } else {
            ("b", "a")
        };
        if let Err(error) = transaction.rename(to.0, to.1) {
            refused = Some((number, error));
            break;
        }
    }
    let (number, error) = refused.unwrap();
    assert_eq!(number, MAX_CHANGES);
    assert!(matches!(error, TransactionError::Limit { .. }));
    drop(transaction);
    assert_eq!(read(directory.path()), before);
}

#[test]
fn a_file_for_a_tool_is_there_until_the_end_and_never_after_it() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let root = directory.path();
    let before = read(root);
    for commit in [false, true] {
        let mut transaction = begin(root, &register);
        let path = transaction.aside("check.py", b"print()").unwrap();
        assert_eq!(fs::read(root.join(&path)).unwrap(), b"print()");
        for name in ["../x", "a/b", "journal", ""] {
            assert!(transaction.aside(name, b"").is_err(), "{name}");
        }
        if commit {
            transaction.commit().unwrap();
        } else {
            transaction.rollback();
        }
        assert_eq!(read(root), before);
    }
}
