//! What is not begun, and why.

use super::*;
use crate::run::Status;

const CONFIG: &str = "\
patterns: {EXEC-014: {}}
validation: {test_command: 'python -m unittest'}
";

fn place() -> Place {
    let tool = long("def seven():\n    return 7");
    Place::of(&[
        ("core/__init__.py", ""),
        ("core/tool.py", &tool),
        ("old/tool.py", &tool),
        ("tests/__init__.py", ""),
        ("tests/test_tool.py", TEST),
    ])
}

fn refused(place: &Place, config: &str, inputs: &str) -> String {
    let before = place.files();
    let (code, message, report) = place.clean(config, inputs).unwrap_err();
    assert_eq!(code, "pre-check-failed", "{message}");
    assert!(report.results.is_empty());
    assert_eq!(place.files(), before);
    message
}

#[test]
fn work_that_is_not_committed_is_not_touched() {
    let place = place();
    place.write("new file.txt", "mine");
    assert!(refused(&place, CONFIG, "{}").contains("new file.txt"));
}

#[test]
fn without_a_repository_nothing_is_begun() {
    let place = place();
    fs::remove_dir_all(place.base().join(".git")).unwrap();
    assert!(refused(&place, CONFIG, "{}").contains("not a git repository"));
}

#[test]
fn tests_that_fail_or_are_not_there_before_are_no_start() {
    let place = place();
    place.write("tests/test_tool.py", &TEST.replace("7)", "8)"));
    place.commit();
    assert!(refused(&place, CONFIG, "{}").contains("not green"));
    place.write("tests/test_tool.py", "");
    place.commit();
    refused(&place, CONFIG, "{}");
    place.write("tests/test_tool.py", TEST);
    place.commit();
    let many = CONFIG.replace("'}", "', test_required_pass_count: 196}");
    assert!(refused(&place, &many, "{}").contains("at least 196"));
}

#[test]
fn a_test_command_that_would_need_a_shell_is_refused() {
    let place = place();
    for command in [
        "make test",
        "pytest -q tests/ && rm -rf x",
        "pytest ../x",
        "python -c 1",
        "pytest -p evil",
    ] {
        let config = CONFIG.replace("python -m unittest", command);
        assert!(
            refused(&place, &config, "{}").contains("test_command"),
            "{command}"
        );
    }
    let config = "patterns: {EXEC-014: {}}\n";
    assert!(refused(&place, config, "{}").contains("nothing says how"));
}

#[test]
fn a_backup_directory_that_cannot_be_written_is_no_start() {
    let place = place();
    place.write(".cleanup_backups", "in the way");
    place.commit();
    assert!(refused(&place, CONFIG, "{}").contains("backups cannot be written"));
}

#[test]
fn what_is_disabled_unknown_or_wants_a_review_is_skipped_with_its_reason() {
    let place = place();
    let config = "\
patterns:
  EXEC-014: {enabled: false}
  EXEC-015: {auto_approve: false}
  EXEC-016: {confidence: 74}
  EXEC-020: {}
";
    let before = place.files();
    let report = place.clean(config, r#"{"tests": "none"}"#).unwrap();
    let said: Vec<_> = report
        .results
        .iter()
        .map(|one| {
            (
                one.pattern_id.as_str(),
                one.status,
                one.error_message.clone().unwrap(),
            )
        })
        .collect();
    assert!(said.iter().all(|(_, status, _)| *status == Status::Skipped));
    for (id, reason) in [
        ("EXEC-014", "disabled"),
        ("EXEC-015", "review"),
        ("EXEC-016", "below 75"),
        ("EXEC-020", "does not carry it out"),
    ] {
        let (_, _, why) = said.iter().find(|(one, _, _)| *one == id).unwrap();
        assert!(why.contains(reason), "{id}: {why}");
    }
    assert_eq!(place.files(), before);
    assert!(place.steps.borrow().is_empty());
}

#[test]
fn after_a_failure_the_rest_is_skipped_and_what_went_well_before_stays() {
    let place = place();
    place.write(
        "map.yaml",
        "migrations:\n- {old_pattern: 'from core\\.tool', new_pattern: 'from core.gone'}\n",
    );
    place.commit();
    let config = "\
patterns:
  EXEC-014: {priority: 0, location_tiers: {'core/': 90}}
  EXEC-016: {priority: 1, migration_map_file: map.yaml}
  EXEC-017: {priority: 2}
validation: {test_command: 'python -m unittest'}
";
    let (_, message, report) = place.clean(config, "{}").unwrap_err();
    assert!(message.starts_with("EXEC-016"), "{message}");
    let ends: Vec<Status> = report.results.iter().map(|one| one.status).collect();
    assert_eq!(ends, [Status::Success, Status::RolledBack, Status::Skipped]);
    assert!(!place.base().join("old/tool.py").exists());
    assert_eq!(place.work()["tests/test_tool.py"], TEST.as_bytes());
}

#[test]
fn a_configuration_that_is_wrong_is_an_error_that_names_the_key() {
    let place = place();
    for (config, key) in [
        (
            "patterns: {EXEC-014: {hash_algorithm: MD5}}",
            "hash_algorithm",
        ),
        (
            "patterns: {EXEC-014: {min_file_size_bytes: many}}",
            "EXEC-014",
        ),
        (
            "patterns: {EXEC-014: {}}\nscan_paths: ['../x']",
            "scan_paths",
        ),
        (
            "patterns: {EXEC-017: {compression_format: rar}}",
            "compression_format",
        ),
        (
            "patterns: {EXEC-017: {source_archives: ['.']}}",
            "source_archives",
        ),
    ] {
        let (code, message, _) = place.clean(config, r#"{"dry_run": true}"#).unwrap_err();
        assert_eq!(code, "bad-config");
        assert!(message.contains(key), "{config}: {message}");
    }
    assert!(Config::parse("global: {dry_run: maybe}").is_err());
}

#[test]
fn the_origins_configuration_is_read_and_its_tests_command_understood() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/corpus/pattern/cleanup_automation_config.yaml");
    let Ok(text) = fs::read_to_string(corpus) else {
        return;
    };
    let config = Config::parse(&text).unwrap();
    assert_eq!(config.global.auto_approval_threshold, 75);
    assert_eq!(config.scan_paths.len(), 6);
    assert_eq!(config.patterns.len(), 7);
    assert_eq!(config.validation.test_required_pass_count, 196);
    let place = place();
    let report = place.clean(&text, r#"{"dry_run": true}"#).unwrap();
    let ids: Vec<&str> = report
        .results
        .iter()
        .map(|one| one.pattern_id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "EXEC-014", "EXEC-016", "EXEC-015", "EXEC-017", "EXEC-018", "EXEC-019", "EXEC-020"
        ]
    );
}
