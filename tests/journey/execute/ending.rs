//! Runs that are ended from outside: cancelled from another process, or by signals.
//!
//! Never: a tool that outlives the end.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::{Said, Scene, deed, logs, with};
use crate::home::wait;
use crate::machine::{send, until, with_argument};

/// How long a cancelled tool may be there (R2.09): the grace of 5 s and a second for the machine.
const CANCELLED: Duration = Duration::from_secs(6);

#[test]
fn a_cancelled_run_ends_with_its_tools_and_twice_is_no_more() {
    let scene = Scene::new();
    let tag = scene.tag();
    let plan = json!({"run": "r", "tasks": [
        deed("a", "hang", json!({"tag": tag})),
        with(logs("b", "0"), json!({"needs": ["a"]})),
    ]});
    let host = scene.executing(plan, "a", "hanging");
    assert!(!with_argument(&tag).is_empty());
    let said = scene.say(&["cancel", "r"]).ends_with(0);
    scene.say(&["cancel", "r"]).ends_with(0);
    assert!(
        until(CANCELLED, || with_argument(&tag).is_empty()),
        "{said:?}"
    );
    Said::from(wait(host)).ends_with(8).told(&["CANCELED"]);
    assert_eq!(scene.phases("r")["a"], "CANCELED");
    assert_eq!(scene.phases("r")["b"], "CANCELED");
    assert!(scene.log().is_empty());
    let asked = scene.words("r");
    let count = asked
        .iter()
        .filter(|word| *word == "RUN_CANCEL_REQUESTED")
        .count();
    assert_eq!(count, 1);
    scene.say(&["cancel", "r"]).ends_with(0);
}

#[test]
fn one_task_is_cancelled_and_the_others_go_on() {
    let scene = Scene::new();
    let tag = scene.tag();
    let plan = json!({"run": "r", "tasks": [
        deed("a", "hang", json!({"tag": tag})), deed("b", "wait", json!({"file": "go"})),
    ]});
    let host = scene.executing(plan, "a", "hanging");
    scene.say(&["cancel", "r/a"]).ends_with(0);
    scene.until_task("r", "a", "CANCELED");
    scene.touch("go");
    Said::from(wait(host)).ends_with(1);
    scene.is_phase("r/b", "COMPLETED");
}

#[test]
fn every_signal_leaves_a_run_that_can_go_on_and_no_tool() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let scene = Scene::new();
        let tag = scene.tag();
        let plan = json!({"run": "r", "tasks": [deed("a", "hang", json!({"tag": tag}))]});
        let host = scene.executing(plan, "a", "hanging");
        send(host.id(), signal);
        let said = Said::from(wait(host)).ends_with(8);
        assert!(with_argument(&tag).is_empty(), "{signal:?}");
        said.told(&["remit execute --run r", "once more"]);
        scene
            .say(&["cancel", "r"])
            .ends_with(0)
            .told(&["nobody executes it now"]);
        scene.say(&["execute", "--run", "r"]).ends_with(8);
        assert_eq!(scene.phases("r")["a"], "CANCELED", "{signal:?}");
    }
}
