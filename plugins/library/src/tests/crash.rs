//! What the next attempt makes of one that was ended.

use std::fs;
use std::path::Path;

use super::tree::{begin, crash, nothing_is_unfinished, owner, plant, read};
use crate::path::SafePath;
use crate::transaction::{Existing, MemoryRegister, Register, Transaction, recover};

/// A workspace in which an attempt was ended after it had changed a lot.
fn ended(register: &MemoryRegister) -> tempfile::TempDir {
    let directory = plant();
    let mut transaction = begin(directory.path(), register);
    transaction
        .write("new/x", b"created", Existing::Keep)
        .unwrap();
    transaction
        .write("run", b"written anew", Existing::Replace)
        .unwrap();
    transaction.delete("d/a").unwrap();
    transaction.rename("d/b", "d/moved").unwrap();
    crash(transaction);
    directory
}

fn text(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn another_run_waits_until_the_time_of_the_ended_one_has_passed() {
    let register = MemoryRegister::default();
    let directory = ended(&register);
    let root = directory.path();
    let left = read(root);
    assert_eq!(
        recover(root, "other", 1000 - 1, &register).unwrap().changes,
        0
    );
    assert_eq!(read(root), left);
    // What the ended run has changed, nobody may change or rely on until then.
    let here = SafePath::here();
    let mut other = Transaction::begin(root, &here, owner("other"), &register).unwrap();
    for path in ["new/x", "run", "d/a", "d/moved"] {
        let error = other.write(path, b"", Existing::Keep).unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(error.code(), "busy");
    }
    assert_eq!(other.delete("d").unwrap_err().code(), "busy");
    other.write("free", b"", Existing::Keep).unwrap();
    drop(other);
    let undone = recover(root, "other", 1000, &register).unwrap();
    assert_eq!(undone.left, []);
    assert_eq!(text(root, "run"), "original run");
    nothing_is_unfinished(&register);
}

#[test]
fn what_somebody_edited_since_stays_and_originals_are_put_beside_it() {
    let register = MemoryRegister::default();
    let directory = ended(&register);
    let root = directory.path();
    for path in ["new/x", "run", "d/a", "d/b"] {
        fs::write(root.join(path), "mine").unwrap();
    }
    let undone = recover(root, "task", 0, &register).unwrap();
    for path in ["new/x", "run", "d/a", "d/b"] {
        assert_eq!(text(root, path), "mine", "{path}");
    }
    assert_eq!(text(root, "run.remit-original"), "original run");
    assert_eq!(text(root, "d/a.remit-original"), "original d/a");
    assert_eq!(text(root, "d/moved"), "original d/b");
    let named: Vec<&str> = undone.left.iter().map(|left| left.path.as_str()).collect();
    assert_eq!(named, ["d/moved", "d/a", "run", "new/x", "new"]);
    nothing_is_unfinished(&register);
}

#[test]
fn a_file_that_was_written_half_is_written_back() {
    let register = MemoryRegister::default();
    let directory = ended(&register);
    fs::write(directory.path().join("run"), "written").unwrap();
    assert_eq!(
        recover(directory.path(), "task", 0, &register)
            .unwrap()
            .left,
        []
    );
    assert_eq!(text(directory.path(), "run"), "original run");
}

#[test]
fn a_journal_line_that_is_not_whole_does_not_count() {
    let register = MemoryRegister::default();
    let directory = ended(&register);
    let journal = directory.path().join(".remit-undo-task-1/journal");
    let mut torn = fs::read(&journal).unwrap();
    torn.extend_from_slice(br#"{"removed":{"path":"a","num"#);
    fs::write(&journal, torn).unwrap();
    assert_eq!(
        recover(directory.path(), "task", 0, &register)
            .unwrap()
            .left,
        []
    );
    assert_eq!(read(directory.path()), {
        let fresh = read(directory.path());
        assert!(fresh.contains_key("d/b") && !fresh.contains_key("new"));
        fresh
    });
}

#[test]
fn a_journal_of_a_stranger_moves_nothing() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let undo = directory.path().join(".remit-undo-evil");
    fs::create_dir(&undo).unwrap();
    fs::write(
        undo.join("journal"),
        "{\"moved\":{\"from\":\"gone\",\"to\":\"a\"}}\n",
    )
    .unwrap();
    let before = read(directory.path());
    recover(directory.path(), "task", u64::MAX, &register).unwrap();
    assert_eq!(read(directory.path()), before);
}

#[test]
fn an_undoing_that_was_ended_itself_is_not_done_twice() {
    let register = MemoryRegister::default();
    let directory = plant();
    let root = directory.path();
    let mut transaction = begin(root, &register);
    // The new file is like the old one: only the journal tells them apart.
    transaction.delete("a").unwrap();
    transaction
        .write("a", b"original a", Existing::Keep)
        .unwrap();
    let entry = register.entries().unwrap().remove(0);
    crash(transaction);
    // The undoing has put everything back and was ended before it could tidy up.
    let undo = root.join(".remit-undo-task-1");
    let journal = fs::read_to_string(undo.join("journal")).unwrap();
    recover(root, "task", 0, &register).unwrap();
    assert_eq!(text(root, "a"), "original a");
    fs::create_dir(&undo).unwrap();
    let taken = "{\"taken-back\":{\"line\":1}}\n{\"taken-back\":{\"line\":0}}\n";
    fs::write(undo.join("journal"), journal + taken).unwrap();
    register.put(&entry).unwrap();
    recover(root, "task", 0, &register).unwrap();
    assert_eq!(text(root, "a"), "original a");
}

#[test]
fn what_was_committed_is_not_taken_back_if_its_originals_are_still_there() {
    let register = MemoryRegister::default();
    let directory = ended(&register);
    let undo = directory.path().join(".remit-undo-task-1");
    let journal = fs::read_to_string(undo.join("journal")).unwrap();
    fs::write(undo.join("journal"), journal + "\"committed\"\n").unwrap();
    let undone = recover(directory.path(), "task", 0, &register).unwrap();
    assert_eq!(undone.changes, 0);
    assert_eq!(text(directory.path(), "run"), "written anew");
    assert!(!undo.exists());
    nothing_is_unfinished(&register);
}

#[test]
fn an_entry_without_a_directory_is_dropped() {
    let register = MemoryRegister::default();
    let directory = ended(&register);
    fs::remove_dir_all(directory.path().join(".remit-undo-task-1")).unwrap();
    recover(directory.path(), "task", 0, &register).unwrap();
    nothing_is_unfinished(&register);
}

/// A clock that a test sets.
struct Set(std::cell::Cell<u64>);

impl crate::report::Clock for Set {
    fn now_ms(&self) -> u64 {
        self.0.get()
    }
}

#[test]
fn a_leased_transaction_is_at_work_as_long_as_it_says_so_and_not_longer() {
    let (directory, register) = (plant(), MemoryRegister::default());
    let (root, clock) = (directory.path(), Set(std::cell::Cell::new(5000)));
    let ends = || register.entries().unwrap()[0].ends_at_ms;
    let mut transaction = begin(root, &register).leased(&clock, 300);
    transaction.write("x", b"", Existing::Keep).unwrap();
    assert_eq!(ends(), 5300);
    clock.0.set(5099);
    transaction.renew().unwrap();
    assert_eq!(ends(), 5300, "not yet due");
    clock.0.set(5100);
    transaction.renew().unwrap();
    assert_eq!(ends(), 5400);
    clock.0.set(5200);
    transaction.write("y", b"", Existing::Keep).unwrap();
    assert_eq!(ends(), 5500);
    assert_eq!(recover(root, "other", 5499, &register).unwrap().changes, 0);
    // Silent for too long: another run takes it back, and it must not go on as if nothing was.
    assert!(recover(root, "other", 5500, &register).unwrap().changes > 0);
    clock.0.set(9000);
    assert_eq!(transaction.renew().unwrap_err().code(), "taken-back");
    fs::write(root.join("x"), "of the other run").unwrap();
    assert_eq!(transaction.commit().unwrap_err().code(), "taken-back");
    assert_eq!(text(root, "x"), "of the other run");
    assert!(!root.join("y").exists());
    nothing_is_unfinished(&register);
}
