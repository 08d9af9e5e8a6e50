//! EXEC-015.

use super::*;

const CONFIG: &str = "\
patterns:
  EXEC-015:
    whitelist_files: ['keep/**/*', '*.schema.json']
";
const DAY: u64 = 86_400_000;

fn place() -> Place {
    let place = Place::of(&[
        ("src/forgotten_thing.py", "x = 1\n"),
        ("src/used.py", "y = 1\n"),
        ("src/user.py", "import used\nimport user\n"),
        ("keep/a/precious_thing.py", "x = 1\n"),
        ("x.schema.json", "{}"),
    ]);
    // The same tree, seen two years later.
    let made = fs::metadata(place.base().join("src/used.py"))
        .unwrap()
        .modified()
        .unwrap();
    let made = made
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    place.now_ms.set(u64::try_from(made).unwrap() + 730 * DAY);
    place
}

#[test]
fn what_nobody_touched_names_or_tests_goes_into_the_archive() {
    let place = place();
    // 30 for age, 20 for the commit, 20 for mentions, 10 each for size and tests.
    let config = format!("{CONFIG}    staleness_threshold_score: 85\n");
    let report = place.clean(&config, r#"{"tests": "none"}"#).unwrap();
    let moved: Vec<&str> = report.results[0].findings["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        moved,
        ["src/forgotten_thing.py", "src/used.py", "src/user.py"]
    );
    let files = place.work();
    assert_eq!(files["archive/stale/src/forgotten_thing.py"], b"x = 1\n");
    assert!(!files.contains_key("src/forgotten_thing.py"));
    assert!(files.contains_key("keep/a/precious_thing.py"));
    let (_, index) = files
        .iter()
        .find(|(path, _)| path.starts_with("archive/stale/INDEX-"))
        .unwrap();
    let index: serde_json::Value = serde_json::from_slice(index).unwrap();
    assert_eq!(index["files"].as_array().unwrap().len(), 3);
}

#[test]
fn a_mention_a_test_and_a_young_commit_keep_a_file() {
    let place = place();
    place.write("tests/test_forgotten_thing.py", "x = 1\n");
    place.commit();
    let config = format!("{CONFIG}    staleness_threshold_score: 89\n");
    let report = place.clean(&config, r#"{"dry_run": true}"#).unwrap();
    let found = report.results[0].findings["candidates"].to_string();
    // It has a test now, so it lacks those ten points.
    assert!(!found.contains("src/forgotten_thing"), "{found}");
    // `used` is mentioned in two files: its own name does not stand in it.
    assert!(!found.contains("src/used"), "{found}");
    place.now_ms.set(place.now_ms.get() - 730 * DAY);
    let report = place.clean(CONFIG, r#"{"dry_run": true}"#).unwrap();
    assert_eq!(report.results[0].changes_planned, 0);
}
