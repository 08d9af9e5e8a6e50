//! Phase contracts that nobody here wrote: read whole, checked without a failure, and obeyed when
//! one line of them is another.
//!
//! They are looked for beside the repository, in `../shared/corpus/contract`; where that is absent,
//! small files of the same shapes are used, and the test says so. Never: a count that is not of an
//! item in the file.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::home::{Home, wait};

/// The lists that are counted, in this order.
const LISTS: [&str; 14] = [
    "upstream_phases",
    "hard_blockers",
    "soft_dependencies",
    "required_files",
    "required_db_tables",
    "required_state_flags",
    "produced_files",
    "updated_db_tables",
    "emitted_events",
    "do_not_edit_directly",
    "ai_may_modify",
    "ai_must_not_modify",
    "ai_escalation_triggers",
    "ai_safe_mode_conditions",
];

/// File, phase, items of each list, maturity, gate, and whether production is open.
type Row = (
    &'static str,
    &'static str,
    [usize; 14],
    &'static str,
    &'static str,
    bool,
);

const TABLE: [Row; 4] = [
    (
        "phase0_bootstrap.README.md",
        "phase0",
        [0, 2, 0, 1, 0, 0, 3, 1, 1, 3, 2, 4, 3, 3],
        "PRODUCTION_READY",
        "ALLOWED",
        true,
    ),
    (
        "phase1_planning.README.md",
        "phase1",
        [1, 3, 2, 2, 1, 1, 3, 2, 2, 3, 2, 4, 4, 3],
        "OPERATIONAL_BETA",
        "DISALLOWED",
        false,
    ),
    (
        "phase4_routing.README.md",
        "phase4",
        [1, 3, 2, 3, 2, 1, 2, 2, 2, 2, 4, 3, 4, 3],
        "OPERATIONAL_BETA",
        "ALLOWED_WITH_MONITORING",
        true,
    ),
    (
        "phase5_execution.README.md",
        "phase5",
        [1, 3, 2, 2, 2, 1, 3, 3, 4, 3, 4, 4, 5, 3],
        "DESIGN_ONLY",
        "DISALLOWED",
        false,
    ),
];

/// The corpus, or our own small copies of its shapes; and whether it is the corpus.
fn corpus() -> (PathBuf, bool) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = here.join("../../../shared/corpus/contract");
    if shared.is_dir() {
        return (shared, true);
    }
    eprintln!(
        "{} is not there: own small copies are used",
        shared.display()
    );
    (here.join("../../tests/journey/corpus/contract"), false)
}

fn contract(home: &Home, arguments: &[&str]) -> (i32, Value) {
    let mut command = home.remit(&[&["contract"], arguments, &["--json"]].concat());
    command.stdout(std::process::Stdio::piped());
    let output = wait(command.spawn().unwrap());
    let value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), value)
}

/// Reads every row of the table whose file is there.
fn hold(folder: &Path) -> usize {
    let home = Home::new();
    let rows = TABLE.iter().filter(|row| folder.join(row.0).is_file());
    rows.map(|(file, phase, counts, maturity, gate, open)| {
        let path = folder.join(file);
        let path = path.to_str().unwrap();
        let (code, shown) = contract(&home, &["show", path]);
        assert_eq!(code, 0, "{file}: {shown}");
        assert_eq!(shown["phase"], *phase, "{file}");
        let found = LISTS.map(|key| shown["lists"][key].as_array().unwrap().len());
        assert_eq!(found, *counts, "{file}: {LISTS:?}");
        assert_eq!(shown["readiness"]["maturity-level"], *maturity, "{file}");
        assert_eq!(shown["readiness"]["production-gate"], *gate, "{file}");
        assert_eq!(shown["readiness"]["production"], *open, "{file}");
        for side in ["entry", "exit"] {
            let (code, report) = contract(&home, &["check", side, "--phase", path]);
            assert_eq!(code, 1, "{file}: an empty workspace meets no {side}");
            assert_eq!(report["met"], false, "{file}");
        }
    })
    .count()
}

#[test]
fn contracts_of_the_origin_are_read_whole() {
    let (folder, is_corpus) = corpus();
    let count = hold(&folder);
    if is_corpus {
        assert_eq!(count, TABLE.len(), "files of {}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(
                TABLE.iter().any(|row| row.0 == name),
                "{name} is not in the table"
            );
        }
    }
}

#[test]
fn our_small_copies_are_of_the_same_shapes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/journey/corpus/contract");
    assert_eq!(hold(&folder), 2);
}

#[test]
fn another_item_in_the_readme_is_another_check() {
    let home = Home::new();
    let text = std::fs::read_to_string(corpus().0.join("phase5_execution.README.md")).unwrap();
    let file = home.workspace().join("phase5_execution.README.md");
    let missing = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let (code, report) = contract(&home, &["check", "entry"]);
        assert_eq!((code, &report["met"]), (1, &Value::Bool(false)));
        assert_eq!(report["contract"], "phase5_execution.README.md");
        let items = report["items"].as_array().unwrap();
        let unmet = items.iter().filter(|item| item["standing"] == "unmet");
        unmet
            .map(|item| item["item"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let before = missing(&text);
    assert!(
        before.contains(&".state/task_queue.json".to_owned()),
        "{before:?}"
    );
    let after = missing(&text.replacen("- .state/task_queue.json", "- plan/other.json", 1));
    let changed: Vec<&String> = after.iter().filter(|item| !before.contains(item)).collect();
    assert_eq!(changed, ["plan/other.json"]);
}
