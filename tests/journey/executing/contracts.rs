//! The contract of execution around a run: red, green, and red again when something is taken away.

use serde_json::json;

use super::Stage;

/// What the planner and the router leave.
fn routed(stage: &Stage) {
    let state = stage.home.workspace().join(".state");
    std::fs::create_dir(&state).unwrap();
    let queue = json!([{"id": "a", "action": "hello"}]);
    std::fs::write(state.join("task_queue.json"), queue.to_string()).unwrap();
    let decisions = json!({"run_id": "r", "decisions": [{"task_id": "a", "selected_tool": "say"}]});
    std::fs::write(state.join("routing_decisions.json"), decisions.to_string()).unwrap();
}

#[test]
fn what_a_run_leaves_behind_meets_its_contract_until_something_is_deleted() {
    let stage = Stage::set("");
    routed(&stage);
    let (code, shown, said) = stage.ask("contract check entry");
    assert_eq!(code, 0, "{shown}{said}");
    let (code, shown, _) = stage.ask("contract check exit");
    assert_eq!(code, 1, "{shown}");
    assert!(!stage.home.path("home/state/remit/ledgers").exists());

    let (code, _, said) = stage.ask("execute");
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("warning: Monitoring hooks (phase7)"),
        "{said}"
    );
    let (code, shown, _) = stage.ask("contract check exit");
    assert_eq!(code, 0, "{shown}");
    let (code, shown, _) = stage.ask("contract check entry");
    assert_eq!(code, 0, "{shown}");

    for artifact in [
        ".state/execution_results.json",
        ".state/patch_ledger.jsonl",
        "logs/execution/a.jsonl",
    ] {
        let path = stage.home.workspace().join(artifact);
        let kept = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let (code, shown, _) = stage.ask("contract check exit");
        assert_eq!(code, 1, "{artifact}: {shown}");
        assert!(shown.contains("1 of "), "{artifact}: {shown}");
        std::fs::write(&path, kept).unwrap();
    }
    assert_eq!(stage.ask("contract check exit").0, 0);
}

#[test]
fn a_hard_blocker_of_the_contract_stops_before_a_run_is_there() {
    let stage = Stage::set("");
    routed(&stage);
    let decisions = stage.home.workspace().join(".state/routing_decisions.json");
    std::fs::write(decisions, json!({"decisions": []}).to_string()).unwrap();
    let readme = "# Phase 5\nhard_blockers:\n  - Tasks must be routed with adapter assignments\n  \
        - profile.yaml must exist\nentry_requirements:\n  required_files: None\n\
        exit_artifacts:\n  produced_files: None\n";
    std::fs::write(stage.home.workspace().join("phase5.README.md"), readme).unwrap();
    let (code, _, said) = stage.ask("execute");
    assert_eq!(code, 2, "{said}");
    for blocker in ["Tasks must be routed", "there is no file `profile.yaml`"] {
        assert!(said.contains(blocker), "{said}");
    }
    assert_eq!(stage.ask("runs --all --json").1.trim(), "[]");
}

#[test]
fn production_needs_a_contract_that_opens_the_gate() {
    let stage = Stage::set("");
    stage.plan(&json!([{"id": "a", "tool": "say:hello"}]));
    let (code, _, said) = stage.ask("execute plan.json --production");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("production_gate: DISALLOWED"), "{said}");
    assert_eq!(stage.ask("runs --all --json").1.trim(), "[]");
    let readme = "# Phase 5\nentry_requirements:\n  required_files: None\n\
        exit_artifacts:\n  produced_files: None\nproduction_gate: ALLOWED\n";
    std::fs::write(stage.home.workspace().join("phase5.README.md"), readme).unwrap();
    let (code, _, said) = stage.ask("execute plan.json --production");
    assert_eq!(code, 0, "{said}");
}
