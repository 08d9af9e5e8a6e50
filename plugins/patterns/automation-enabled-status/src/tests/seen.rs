//! One thing at a time.

use serde_json::{Value, json};

use super::*;
use crate::request::{INPUT_SCHEMA, OUTPUT_SCHEMA};
use crate::status::Answer;

/// The origin's configuration in its own words, and its place.
const CONFIG: &str = "\
# Pattern Automation Configuration
version: \"1.0.0\"

automation_enabled: true
auto_approve_high_confidence: true
detection:
  min_similar_executions: 3
  similarity_threshold: 0.75
  lookback_days: 30
  auto_approval_confidence: 0.75
database:
  path: \"patterns/metrics/pattern_automation.db\"
anti_patterns:
  enabled: true
file_patterns:
  enabled: false
  min_similar_files: 3
";
const PLACE: &str = "patterns/automation/config/detection_config.yaml";
const MODULE: &str = "patterns/automation/integration/orchestrator_hooks.py";

/// A project in which everything is on.
fn working(root: &Path) {
    write(root, PLACE, CONFIG);
    write(root, MODULE, "class Hooks: pass\n");
    write(
        root,
        "patterns/cli/run.py",
        "import sys\n\nfrom patterns.automation.integration.orchestrator_hooks import Hooks\n",
    );
    sqlite(
        &root.join("patterns/metrics/pattern_automation.db"),
        "CREATE TABLE execution_logs (id INTEGER PRIMARY KEY); \
         INSERT INTO execution_logs VALUES (1), (2), (3);",
    );
}

#[test]
fn a_project_in_which_all_is_on_is_active() {
    let place = tempfile::tempdir().unwrap();
    working(place.path());
    let status = of(place.path(), "{}");
    assert_eq!(status.automation_enabled.answer, Answer::Yes);
    assert_eq!(status.automation_enabled.places, [format!("{PLACE}:4")]);
    assert_eq!(status.hooks.called.places, ["patterns/cli/run.py:3"]);
    assert_eq!(status.database.rows, Some(3));
    assert_eq!(status.active.answer, Answer::Yes, "{:?}", status.active);
}

#[test]
fn the_answer_flips_with_the_switch() {
    let place = tempfile::tempdir().unwrap();
    working(place.path());
    let flipped = CONFIG.replace("automation_enabled: true", "automation_enabled: false");
    write(place.path(), PLACE, &flipped);
    let status = of(place.path(), "{}");
    assert_eq!(status.automation_enabled.answer, Answer::No);
    assert_eq!(status.automation_enabled.places, [format!("{PLACE}:4")]);
    assert_eq!(status.active.answer, Answer::No);
}

#[test]
fn the_switch_of_the_corpus_flips_too() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/corpus/pattern/detection_config.yaml");
    // Elsewhere the file above, which has the same switches, does.
    let text = fs::read_to_string(corpus).unwrap_or_else(|_| CONFIG.to_owned());
    for (value, answer) in [("true", Answer::Yes), ("false", Answer::No)] {
        let place = tempfile::tempdir().unwrap();
        let said = text.replace(
            "automation_enabled: true",
            &format!("automation_enabled: {value}"),
        );
        write(place.path(), "detection_config.yaml", &said);
        let status = of(place.path(), "{}");
        assert_eq!(status.automation_enabled.answer, answer);
        let of_name = |name: &str| {
            let switch = status.switches.iter().find(|one| one.name == name).unwrap();
            switch.value.clone()
        };
        assert_eq!(of_name("detection.min_similar_executions"), json!(3));
        assert_eq!(of_name("detection.similarity_threshold"), json!(0.75));
        assert_eq!(of_name("detection.lookback_days"), json!(30));
        assert_eq!(of_name("auto_approve_high_confidence"), json!(true));
        // The data base that it names is not there, and that is known.
        assert_eq!(status.database.present.answer, Answer::No);
        assert_eq!(status.database.rows, None);
    }
}

#[test]
fn without_a_configuration_all_is_unknown_and_nothing_is_false() {
    let place = tempfile::tempdir().unwrap();
    for inputs in ["{}", r#"{"config": "conf/my.yaml"}"#] {
        let status = of(place.path(), inputs);
        assert_eq!(status.automation_enabled.answer, Answer::Unknown);
        assert_eq!(status.config.read.answer, Answer::Unknown);
        assert_eq!(status.switches.len(), 9);
        assert!(
            status
                .switches
                .iter()
                .all(|switch| !switch.known && switch.value == Value::Null)
        );
    }
}

#[test]
fn a_switch_that_is_not_there_or_is_no_truth_value_is_unknown() {
    for (text, want) in [
        ("version: 1\n", "does not have it"),
        ("automation_enabled: yes\n", "neither true nor false"),
        ("automation_enabled: \"true\"\n", "neither true nor false"),
        ("automation_enabled:\n", "neither true nor false"),
        ("- 1\n", "not a mapping"),
        ("a: [\n", "line 1"),
    ] {
        let place = tempfile::tempdir().unwrap();
        write(place.path(), PLACE, text);
        let fact = of(place.path(), "{}").automation_enabled;
        assert_eq!(fact.answer, Answer::Unknown, "{text}");
        let reason = fact.reason.unwrap();
        assert!(reason.contains(want), "{text}: {reason}");
    }
}

#[test]
fn every_switch_says_where_it_stands() {
    let place = tempfile::tempdir().unwrap();
    write(place.path(), PLACE, CONFIG);
    let status = of(place.path(), "{}");
    let line = |name: &str| {
        let switch = status.switches.iter().find(|one| one.name == name).unwrap();
        (switch.value.clone(), switch.line)
    };
    assert_eq!(line("detection.lookback_days"), (json!(30), Some(9)));
    assert_eq!(line("anti_patterns.enabled"), (json!(true), Some(14)));
    assert_eq!(line("file_patterns.enabled"), (json!(false), Some(16)));
    assert_eq!(
        line("file_patterns.min_similar_files"),
        (json!(3), Some(17))
    );
}

#[test]
fn hooks_that_only_tests_and_archives_call_are_not_called() {
    let place = tempfile::tempdir().unwrap();
    working(place.path());
    fs::remove_file(place.path().join("patterns/cli/run.py")).unwrap();
    let call = "from x.orchestrator_hooks import Hooks\n";
    write(place.path(), "tests/test_x.py", call);
    write(place.path(), "src/test_y.py", call);
    write(place.path(), "_ARCHIVE/old.py", call);
    write(place.path(), ".venv/x.py", call);
    write(
        place.path(),
        "src/told.py",
        "# import orchestrator_hooks\nx = 'orchestrator_hooks'\n",
    );
    write(
        place.path(),
        "src/other.py",
        "import orchestrator_hooks_old\n",
    );
    let status = of(place.path(), "{}");
    assert_eq!(
        status.hooks.called.answer,
        Answer::No,
        "{:?}",
        status.hooks.called
    );
    assert_eq!(status.active.answer, Answer::No);
}

#[test]
fn a_search_that_did_not_see_everything_does_not_say_no() {
    let place = tempfile::tempdir().unwrap();
    working(place.path());
    fs::remove_file(place.path().join("patterns/cli/run.py")).unwrap();
    use std::os::unix::ffi::OsStrExt as _;
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.py");
    fs::write(place.path().join(odd), "").unwrap();
    assert_eq!(of(place.path(), "{}").hooks.called.answer, Answer::Unknown);
}

#[test]
fn a_shipped_hook_counts_when_it_is_the_one_that_git_runs() {
    let place = tempfile::tempdir().unwrap();
    let hook = "patterns/automation/hooks/pre-commit";
    let answer = |place: &Path| of(place, "{}").hooks.git_hook.answer;
    assert_eq!(answer(place.path()), Answer::No);
    write(place.path(), hook, "#!/bin/sh\n");
    assert_eq!(answer(place.path()), Answer::Unknown);
    fs::create_dir_all(place.path().join(".git/hooks")).unwrap();
    assert_eq!(answer(place.path()), Answer::No);
    write(place.path(), ".git/hooks/pre-commit", "#!/bin/sh\n");
    assert_eq!(answer(place.path()), Answer::Yes);
    write(place.path(), ".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n");
    assert_eq!(answer(place.path()), Answer::No);
}

#[test]
fn a_data_base_that_cannot_be_read_is_unknown_and_one_without_the_table_is_not() {
    let place = tempfile::tempdir().unwrap();
    working(place.path());
    let file = "patterns/metrics/pattern_automation.db";
    let status = of(place.path(), r#"{"table": "other"}"#);
    assert_eq!(status.database.table.answer, Answer::No);
    assert_eq!(status.database.rows, None);
    write(place.path(), &format!("{file}-wal"), "not empty");
    let status = of(place.path(), "{}");
    assert_eq!(status.database.rows, Some(3));
    assert!(
        status
            .database
            .rows_reason
            .unwrap()
            .contains("write-ahead log")
    );
    write(place.path(), file, "this is text");
    let status = of(place.path(), "{}");
    assert_eq!(status.database.present.answer, Answer::Yes);
    assert_eq!(status.database.table.answer, Answer::Unknown);
    assert_eq!(status.active.answer, Answer::Unknown);
    write(
        place.path(),
        PLACE,
        &CONFIG.replace("patterns/metrics", "../x"),
    );
    let status = of(place.path(), "{}");
    assert_eq!(status.database.present.answer, Answer::Unknown);
}

#[test]
fn nothing_is_written() {
    let place = tempfile::tempdir().unwrap();
    working(place.path());
    let before = names(place.path());
    of(place.path(), "{}");
    assert_eq!(names(place.path()), before);
}

fn names(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(names(&path));
        }
        all.push(path);
    }
    all.sort();
    all
}

#[test]
fn the_schemas_are_json_and_the_status_has_what_its_schema_promises() {
    let _inputs: Value = serde_json::from_str(INPUT_SCHEMA).unwrap();
    let schema: Value = serde_json::from_str(OUTPUT_SCHEMA).unwrap();
    let place = tempfile::tempdir().unwrap();
    let status = serde_json::to_value(of(place.path(), "{}")).unwrap();
    let mut promised: Vec<&str> = schema["required"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    promised.sort_unstable();
    let given: Vec<&String> = status.as_object().unwrap().keys().collect();
    assert_eq!(promised, given);
}

#[test]
fn every_wrong_input_is_named() {
    let wrong = Request::check(r#"{"root": "/x", "config": "..", "database": "a\\b"}"#);
    let paths: Vec<String> = wrong.unwrap_err().into_iter().map(|one| one.0).collect();
    assert_eq!(paths, ["/root", "/config", "/database"]);
}
