//! EXEC-016.

use super::*;
use crate::run::Status;

const MAP: &str = "\
migrations:
- {old_pattern: 'from core\\.orchestrator import', new_pattern: 'from core.engine import'}
- {old_pattern: '^import core\\.executor as (\\w+)', new_pattern: 'import core.engine as $1'}
- {old_pattern: 'from src\\.pipeline', action: block, message: 'use core'}
";
const CONFIG: &str = "\
patterns: {EXEC-016: {migration_map_file: map.yaml, dependency_order: ['tests/', 'core/']}}
";

#[test]
fn old_imports_become_new_ones_and_nothing_else_changes() {
    let place = Place::of(&[
        ("map.yaml", MAP),
        (
            "core/a.py",
            "  from core.orchestrator import x  # why\r\nimport core.executor as e\nprint('from core.orchestrator import y')\n",
        ),
        ("core/b.py", "from src.pipeline import z\n"),
        ("core/shim.py", "# kept\nfrom core.orchestrator import *\n"),
        ("tests/c.py", "from core.orchestrator import x"),
        ("notes.txt", "from core.orchestrator import x\n"),
    ]);
    let before = place.work();
    let report = place.clean(CONFIG, r#"{"tests": "none"}"#).unwrap();
    let result = &report.results[0];
    assert_eq!((result.status, result.changes_made), (Status::Success, 2));
    let mut wanted = before.clone();
    wanted.insert(
        "core/a.py".into(),
        b"  from core.engine import x  # why\r\nimport core.engine as e\nprint('from core.orchestrator import y')\n".to_vec(),
    );
    wanted.insert("tests/c.py".into(), b"from core.engine import x".to_vec());
    assert_eq!(place.work(), wanted);
    assert!(result.notes[0].contains("only a person"));
    let found = &result.findings["imports"];
    assert_eq!(found[0]["path"], "tests/c.py");
    let backup = report.backup.unwrap();
    assert_eq!(
        place.files()[&format!("{backup}/core/a.py")],
        before["core/a.py"]
    );
}

#[test]
fn a_map_that_is_not_there_is_a_reason_and_one_that_is_wrong_an_error() {
    let place = Place::of(&[("core/a.py", "import x\n")]);
    let report = place.clean(CONFIG, r#"{"dry_run": true}"#).unwrap();
    assert_eq!(report.results[0].status, Status::Skipped);
    for (map, said) in [
        (
            "migrations: [{old_pattern: '(', new_pattern: x}]",
            "migrations.0.old_pattern",
        ),
        ("migrations: [{old_pattern: 'a'}]", "has no new_pattern"),
        (
            "migrations: [{old_pattern: 'a', action: burn, new_pattern: b}]",
            "burn",
        ),
        ("x: 1", "migrations"),
    ] {
        place.write("map.yaml", map);
        let (code, message, _) = place.clean(CONFIG, r#"{"dry_run": true}"#).unwrap_err();
        assert_eq!(code, "bad-config");
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn batches_are_tested_one_by_one() {
    let place = Place::of(&[
        ("map.yaml", MAP),
        ("core/__init__.py", ""),
        ("core/tool.py", "def seven():\n    return 7\n"),
        (
            "core/a.py",
            "def f():\n    from core.orchestrator import x\n",
        ),
        (
            "core/b.py",
            "def f():\n    from core.orchestrator import x\n",
        ),
        ("tests/__init__.py", ""),
        ("tests/test_tool.py", TEST),
    ]);
    let config = "\
patterns: {EXEC-016: {migration_map_file: map.yaml, batch_size: 1}}
validation: {test_command: 'python -m unittest'}
";
    place.clean(config, "{}").unwrap();
    let tests = place
        .steps
        .borrow()
        .iter()
        .filter(|step| step.contains("run the tests"))
        .count();
    assert_eq!(tests, 3);
}
