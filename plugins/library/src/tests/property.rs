//! Whatever a transaction did, taking it back gives the tree that was there.

use std::path::Path;

use proptest::prelude::*;

use super::tree::{begin, crash, nothing_is_unfinished, plant, read};
use crate::transaction::{Existing, MemoryRegister, Transaction, recover};

/// Something that a pattern does. Much of it is refused, for example because nothing is there.
#[derive(Debug, Clone)]
enum Step {
    Write(String, Vec<u8>, bool),
    Delete(String),
    Rename(String, String),
    Make(String),
}

/// Few names, so that steps meet.
fn path() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "d", "e", "run", "link", "empty"]);
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

fn step() -> impl Strategy<Value = Step> {
    let content = prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        3 => (path(), content, any::<bool>()).prop_map(|(at, text, force)| Step::Write(at, text, force)),
        2 => path().prop_map(Step::Delete),
        2 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => path().prop_map(Step::Make),
    ]
}

/// Carries steps out, and returns how many were not refused.
fn carry_out(transaction: &mut Transaction<'_>, steps: &[Step]) -> usize {
    let mut done = 0;
    for step in steps {
        let result = match step {
            Step::Write(path, content, force) => {
                let existing = if *force {
                    Existing::Replace
                } else {
                    Existing::Keep
                };
                transaction.write(path, content, existing).map(drop)
            }
            Step::Delete(path) => transaction.delete(path),
            Step::Rename(from, to) => transaction.rename(from, to),
            Step::Make(path) => transaction.make_directory(path),
        };
        done += usize::from(result.is_ok());
    }
    done
}

/// Carries steps out in a tree of its own, ends as told, and compares.
fn comes_back(steps: &[Step], end: impl Fn(&Path, &MemoryRegister, Transaction<'_>)) {
    let directory = plant();
    let register = MemoryRegister::default();
    let before = read(directory.path());
    let mut transaction = begin(directory.path(), &register);
    carry_out(&mut transaction, steps);
    end(directory.path(), &register, transaction);
    assert_eq!(read(directory.path()), before, "{steps:?}");
    nothing_is_unfinished(&register);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rollback_gives_the_identical_tree(steps in prop::collection::vec(step(), 1..12)) {
        comes_back(&steps, |_, _, transaction| {
            let undone = transaction.rollback();
            assert_eq!(undone.left, []);
        });
    }

    #[test]
    fn what_a_crash_left_is_taken_back_by_the_next_attempt(steps in prop::collection::vec(step(), 1..12)) {
        comes_back(&steps, |root, register, transaction| {
            crash(transaction);
            let undone = recover(root, "task", 0, register).unwrap();
            assert_eq!(undone.left, []);
            // Once more changes nothing.
            assert_eq!(recover(root, "task", 0, register).unwrap().changes, 0);
        });
    }

    #[test]
    fn what_was_committed_stays_and_leaves_nothing_beside_it(steps in prop::collection::vec(step(), 1..12)) {
        let directory = plant();
        let register = MemoryRegister::default();
        let mut transaction = begin(directory.path(), &register);
        carry_out(&mut transaction, &steps);
        let strip = |mut tree: std::collections::BTreeMap<_, _>| {
            tree.retain(|path: &String, _| !path.starts_with(".remit-undo-"));
            tree
        };
        let changed = strip(read(directory.path()));
        transaction.commit().unwrap();
        prop_assert_eq!(read(directory.path()), changed);
        nothing_is_unfinished(&register);
    }
}

#[test]
fn the_steps_of_the_properties_are_not_all_refused() {
    let directory = plant();
    let register = MemoryRegister::default();
    let mut transaction = begin(directory.path(), &register);
    let steps = [
        Step::Write("b/e/a".into(), b"new".into(), false),
        Step::Write("run".into(), b"new".into(), true),
        Step::Write("link".into(), b"new".into(), true),
        Step::Rename("d".into(), "e/d".into()),
        Step::Delete("e/d/e".into()),
        Step::Make("d/x".into()),
    ];
    assert_eq!(carry_out(&mut transaction, &steps), steps.len());
}
