//! The contract of the execution against a workspace and a ledger as a finished run leaves them.

use remit_core::contract::{Contract, Side, check};
use tempfile::TempDir;

use super::*;

/// What the ledger of a finished run says.
fn ledger() -> LedgerFacts {
    LedgerFacts {
        tables: remit_ledger::planned_tables().unwrap(),
        events: Some(EventFacts::of([
            "TASK_STARTED",
            "TASK_COMPLETED",
            "EXECUTION_FINISHED",
        ])),
        states: Some([("COMPLETED".to_owned(), 1)].into()),
        adapters: Some(Standing::Met),
    }
}

const FILES: [(&str, &str); 5] = [
    (QUEUE, r#"[{"id": "a"}]"#),
    (
        DECISIONS,
        r#"{"decisions": [{"task_id": "a", "selected_tool": "x"}]}"#,
    ),
    (".state/execution_results.json", "{}"),
    (".state/patch_ledger.jsonl", ""),
    ("logs/execution/a.jsonl", ""),
];

fn workspace() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let root = open(place.path()).unwrap();
    for directory in [".state", "logs/execution"] {
        root.create_dir_all(directory).unwrap();
    }
    for (path, text) in FILES {
        root.write(path, text).unwrap();
    }
    place
}

/// The items that are unmet.
fn unmet(place: &TempDir, ledger: &LedgerFacts, side: Side) -> Vec<String> {
    let facts = WorkspaceFacts::of(place.path(), ledger.clone()).unwrap();
    let report = check(&Contract::built_in().unwrap(), side, &facts);
    report
        .unmet()
        .map(|checked| checked.item.text.clone())
        .collect()
}

#[test]
fn a_finished_run_meets_both_sides_of_the_built_in_contract() {
    let place = workspace();
    for side in [Side::Entry, Side::Exit] {
        assert_eq!(unmet(&place, &ledger(), side), [""; 0], "{side:?}");
    }
}

#[test]
fn each_file_that_is_deleted_is_missed() {
    for (path, side, want) in [
        (
            QUEUE,
            Side::Entry,
            &[
                "Tasks must be routed with adapter assignments",
                QUEUE,
                "ROUTING_COMPLETE",
            ][..],
        ),
        (
            DECISIONS,
            Side::Entry,
            &[
                "Tasks must be routed with adapter assignments",
                DECISIONS,
                "ROUTING_COMPLETE",
            ],
        ),
        (
            ".state/execution_results.json",
            Side::Exit,
            &[".state/execution_results.json"],
        ),
        (
            ".state/patch_ledger.jsonl",
            Side::Exit,
            &[".state/patch_ledger.jsonl"],
        ),
        (
            "logs/execution/a.jsonl",
            Side::Exit,
            &["logs/execution/*.jsonl"],
        ),
    ] {
        let place = workspace();
        open(place.path()).unwrap().remove_file(path).unwrap();
        assert_eq!(unmet(&place, &ledger(), side), want, "{path}");
    }
}

#[test]
fn what_the_ledger_lacks_is_missed() {
    let place = workspace();
    let mut without = ledger();
    without
        .tables
        .get_mut("tasks")
        .unwrap()
        .remove("adapter_id");
    assert_eq!(unmet(&place, &without, Side::Entry), ["tasks"]);
    let mut open = ledger();
    open.states = Some([("RUNNING".to_owned(), 1)].into());
    assert_eq!(unmet(&place, &open, Side::Exit), ["tasks"]);
    for words in [
        &["TASK_STARTED", "TASK_COMPLETED"][..],
        &["EXECUTION_FINISHED", "TASK_COMPLETED"],
        &["EXECUTION_FINISHED", "EXECUTION_FINISHED"],
    ] {
        let mut other = ledger();
        other.events = Some(EventFacts::of(words.iter().copied()));
        assert_eq!(
            unmet(&place, &other, Side::Exit),
            ["EXECUTION_FINISHED"],
            "{words:?}"
        );
    }
}

#[test]
fn strange_files_are_answered() {
    let place = workspace();
    let root = open(place.path()).unwrap();
    root.remove_file(".state/execution_results.json").unwrap();
    root.create_dir(".state/execution_results.json").unwrap();
    assert_eq!(
        unmet(&place, &ledger(), Side::Exit),
        [".state/execution_results.json"]
    );
    // A pipe where the flags should be is not waited for.
    rustix::fs::mkfifoat(&root, FLAGS, rustix::fs::Mode::RWXU).unwrap();
    let facts = WorkspaceFacts::of(place.path(), ledger()).unwrap();
    match facts.flag(ROUTING_COMPLETE) {
        Standing::Unmet { missing, .. } => {
            assert!(missing.contains("no regular file"), "{missing}")
        }
        other @ (Standing::Met | Standing::Warning { .. }) => panic!("{other:?}"),
    }
    root.remove_file(FLAGS).unwrap();
    root.write(FLAGS, b"\xff").unwrap();
    assert_eq!(unmet(&place, &ledger(), Side::Entry).len(), 2);
}
