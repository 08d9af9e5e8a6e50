//! EXEC-014.

use super::*;
use crate::run::Status;

const CONFIG: &str = "\
patterns:
  EXEC-014:
    enabled: true
    location_tiers: {'modules/': 70, 'core/': 50, 'archive/': 10}
validation:
  test_command: 'python3 -m unittest discover -s tests -q'
";

fn three() -> Place {
    let tool = long("def seven():\n    return 7");
    Place::of(&[
        ("core/__init__.py", ""),
        ("core/tool.py", &tool),
        ("modules/deep/tool.py", &tool),
        ("old/tool.py", &tool),
        ("small/a.py", "x = 1\n"),
        ("small/b.py", "x = 1\n"),
        ("tests/__init__.py", ""),
        ("tests/test_tool.py", TEST),
    ])
}

#[test]
fn a_dry_run_counts_and_changes_nothing() {
    let place = three();
    let before = place.files();
    let report = place.clean(CONFIG, r#"{"dry_run": true}"#).unwrap();
    let result = &report.results[0];
    assert_eq!(
        (result.status, result.changes_planned),
        (Status::Success, 2)
    );
    assert_eq!(result.changes_made, 0);
    assert_eq!(report.tests_before, None);
    assert_eq!(place.files(), before);
}

#[test]
fn the_one_with_the_highest_score_stays_and_the_others_are_kept_as_backups() {
    let place = three();
    // It is named by the test, so tests and score agree that `core/tool.py` is the one.
    let config = CONFIG.replace("'modules/': 70", "'modules/': 20");
    let before = place.files();
    let report = place.clean(&config, "{}").unwrap();
    let result = &report.results[0];
    assert_eq!((result.status, result.changes_made), (Status::Success, 2));
    assert_eq!(result.tests_passed, Some(true));
    let mut wanted = before.clone();
    wanted.remove("modules/deep/tool.py");
    wanted.remove("old/tool.py");
    assert_eq!(place.work(), wanted);
    let backup = report.backup.unwrap();
    let files = place.files();
    for gone in ["modules/deep/tool.py", "old/tool.py"] {
        assert_eq!(files[&format!("{backup}/{gone}")], before[gone]);
    }
    // Backups are not work that has to be committed, so the next clean-up can begin.
    place.commit();
    let again = place.clean(&config, "{}").unwrap();
    assert_eq!(again.results[0].changes_planned, 0);
    assert_eq!(again.backup, None);
}

#[test]
fn a_test_that_breaks_brings_everything_back_byte_for_byte() {
    let place = three();
    // Here the score is for `modules/`, and the tests need `core/`.
    let config = CONFIG.replace("'core/': 50", "'core/': 0");
    let before = place.files();
    let (code, message, report) = place.clean(&config, "{}").unwrap_err();
    assert_eq!(code, "cleanup-failed");
    assert!(message.contains("the tests failed afterwards"), "{message}");
    assert_eq!(place.files(), before);
    let result = &report.results[0];
    assert_eq!(result.status, Status::RolledBack);
    assert_eq!(result.tests_passed, Some(false));
    assert!(result.rollback_performed);
    assert_eq!(result.changes_made, 0);
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_test_that_is_gone_counts_as_a_failure() {
    let twice = long(TEST);
    let place = Place::of(&[
        ("core/__init__.py", ""),
        ("core/tool.py", "def seven():\n    return 7\n"),
        ("tests/__init__.py", ""),
        ("tests/test_a.py", &twice),
        ("tests/test_b.py", &twice),
    ]);
    let before = place.files();
    let (_, message, _) = place.clean(CONFIG, "{}").unwrap_err();
    assert!(
        message.contains("1 passed, at least 2 have to"),
        "{message}"
    );
    assert_eq!(place.files(), before);
}

#[test]
fn without_rollback_the_changes_stay_and_it_is_still_a_failure() {
    let place = three();
    let config = CONFIG.replace("'core/': 50", "'core/': 0")
        + "global: {rollback_on_failure: false, create_backups: false}\n";
    let (code, _, report) = place.clean(&config, "{}").unwrap_err();
    assert_eq!(code, "cleanup-failed");
    assert_eq!(report.results[0].status, Status::Failure);
    assert!(!place.base().join("core/tool.py").exists());
    assert!(!place.base().join(".cleanup_backups").exists());
}

#[test]
fn what_is_excluded_is_no_duplicate() {
    let place = three();
    let config = format!("{CONFIG}exclusions: {{directories: ['old/', 'deep/']}}\n");
    let report = place.clean(&config, r#"{"dry_run": true}"#).unwrap();
    assert_eq!(report.results[0].changes_planned, 0);
    let config = format!("{CONFIG}scan_paths: ['old/', 'modules/', 'nowhere/']\n");
    let report = place.clean(&config, r#"{"dry_run": true}"#).unwrap();
    assert_eq!(report.results[0].changes_planned, 1);
    assert!(report.results[0].notes[0].contains("nowhere"));
}

#[test]
fn backups_go_when_their_time_is_over() {
    let place = three();
    let config = CONFIG.replace("'modules/': 70", "'modules/': 20");
    let day: u64 = 86_400_000;
    let now = place.now_ms.get();
    for age in [89, 91] {
        place.write(&format!(".cleanup_backups/{}-x/a", now - age * day), "old");
    }
    place.write(".cleanup_backups/notes/a", "mine");
    place.write(".cleanup_backups/.gitignore", "*\n");
    place.clean(&config, "{}").unwrap();
    let kept: Vec<String> = place.files().into_keys().collect();
    assert!(
        kept.iter()
            .any(|path| path.contains(&(now - 89 * day).to_string()))
    );
    assert!(
        !kept
            .iter()
            .any(|path| path.contains(&(now - 91 * day).to_string()))
    );
    assert!(kept.iter().any(|path| path == ".cleanup_backups/notes/a"));
}
