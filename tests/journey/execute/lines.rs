//! The order of what many tools print at the same time, and a reader that comes back.
//!
//! Never: a measure of how quickly it comes; a loaded machine would decide.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};

use serde_json::{Value, json};

use super::{Said, Scene, deed, json_lines};
use crate::home::wait;

const TASKS: usize = 100;
const LINES: usize = 1_000;
/// Lines after which the reader leaves and comes back.
const LEAVES: [usize; 4] = [1, 57, 300, 2_000];

/// Reads `remit events --follow` from after `since`, at most `most` lines.
fn follow(scene: &Scene, since: u64, most: usize) -> Vec<Value> {
    let since = since.to_string();
    let arguments = ["events", "r", "--follow", "--json", "--since", &since];
    let mut reader = scene.start(&arguments);
    let out = BufReader::new(reader.stdout.take().unwrap());
    let lines = out.lines().take(most).map(|line| line.unwrap());
    let seen = lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    // Whoever leaves closes the pipe; that is no error.
    let said = Said::from(wait(reader));
    assert_eq!(said.code, 0, "{said:?}");
    seen
}

#[test]
fn a_hundred_tasks_keep_the_order_of_their_lines_and_a_reader_that_comes_back_misses_nothing() {
    let scene = Scene::new();
    let count = LINES.to_string();
    let tasks: Vec<Value> = (0..TASKS)
        .map(|n| deed(&format!("t{n}"), "lines", json!({"count": count})))
        .collect();
    let path = scene.plan(json!({"run": "r", "tasks": tasks}));
    scene.say(&["execute", &path, "--submit-only"]).ends_with(0);
    let host = scene.start(&["execute", "--run", "r", "--quiet", "-j", "16"]);
    let mut seen: Vec<Value> = Vec::new();
    for most in LEAVES {
        let since = seen
            .last()
            .map_or(0, |entry| entry["seq"].as_u64().unwrap());
        seen.extend(follow(&scene, since, most));
    }
    let since = seen.last().unwrap()["seq"].as_u64().unwrap();
    seen.extend(follow(&scene, since, usize::MAX));
    Said::from(wait(host)).ends_with(0);
    assert_eq!(seen.last().unwrap()["event"], "EXECUTION_FINISHED");
    let all = json_lines(&scene.say(&["events", "r", "--json"]).ends_with(0).out);
    assert_eq!(seen.len(), all.len(), "lost or doubled");
    assert!(seen == all, "not the same entries in the same order");

    let mut printed: BTreeMap<&str, String> = BTreeMap::new();
    let mut places: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &seen {
        let Some(task) = entry["task"].as_str() else {
            continue;
        };
        let place = places.entry(task).or_default();
        *place += 1;
        assert_eq!(entry["task-seq"], *place, "{task}");
        if entry["type"] == "tool-output" {
            let text = entry["text"].as_str().unwrap();
            printed.entry(task).or_default().push_str(text);
        }
    }
    let want: String = (0..LINES)
        .map(|number| format!("line {number}\n"))
        .collect();
    assert_eq!(printed.len(), TASKS);
    for (task, text) in printed {
        assert!(text == want, "{task} printed {} bytes", text.len());
    }
}
