//! The durable examples: one plan runs to its end, the other asks people, who answer.
//!
//! Never: a plan that is only read.

use crate::examples;
use crate::place::Place;

/// A file of the example.
fn file(name: &str) -> String {
    let path = examples().join("durable").join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_plan_makes_a_module_and_tests_it() {
    let place = Place::new();
    let (plan, policy) = (file("plan.json"), file("policy.toml"));
    let arguments = ["execute", &plan, "--policy", &policy, "--run", "demo"];
    let ran = place.remit(&[&arguments[..], &["-C", place.workspace()]].concat());
    ran.ends_with(0);
    assert!(place.read("greeting/core.py").is_some());
    let results = place.read(".state/execution_results.json").unwrap();
    assert_eq!(results.matches("\"completed\"").count(), 3, "{results}");
}

#[test]
fn the_release_waits_for_people_and_ends_with_their_answers() {
    let place = Place::new();
    place.copy(&examples().join("demo-repo"), ".");
    let (plan, policy) = (file("release.json"), file("policy.toml"));
    let here = ["-C", place.workspace()];
    let arguments = ["execute", &plan, "--policy", &policy, "--run", "release"];
    std::thread::scope(|scope| {
        let host = scope.spawn(|| place.remit(&[&arguments[..], &here].concat()));
        for answer in [
            ["task", "done", "release/read"].as_slice(),
            &["approve", "release/publish"],
        ] {
            // Nobody is asked before what the task needs has completed.
            while place.remit(&[answer, &here].concat()).code != Some(0) {
                assert!(!host.is_finished(), "{answer:?}");
            }
        }
        host.join().unwrap().ends_with(0);
    });
}
