//! Execution requests that are built here, and carried out.

use serde_json::{Value, json};

use super::Stage;

/// Crockford's digits and letters: no I, L, O, U.
const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[test]
fn a_request_without_its_fields_names_them() {
    let stage = Stage::set("");
    let (code, out, said) = stage.ask("request build --task-kind lint");
    assert_eq!((code, out.as_str()), (2, ""), "{said}");
    assert!(said.contains("missing required field `tool_id`"), "{said}");
    let (code, _, said) = stage.ask("request build --tool-id=");
    assert_eq!(code, 2);
    assert!(
        said.contains("missing required field `task_kind` and `tool_id`"),
        "{said}"
    );
    for wrong in [
        "--max-retries 1000000",
        "--timeout-seconds 0",
        "--context x",
    ] {
        let asked = format!("request build --task-kind a --tool-id b {wrong}");
        assert_eq!(stage.ask(&asked).0, 2, "{wrong}");
    }
}

#[test]
fn two_requests_have_names_of_their_own_and_are_carried_out() {
    let stage = Stage::set("");
    let asked = "request build --task-kind greet --tool-id tell --description Greet --prompt hello \
                 --context depth=2 --context who=world --constraint patch_only=true \
                 --timeout-seconds 30 --max-retries 0 --metadata ticket=T-1";
    let requests = [stage.ask(asked), stage.ask(asked)].map(|(code, out, said)| {
        assert_eq!(code, 0, "{said}");
        serde_json::from_str::<Value>(&out).unwrap()
    });
    let ids = requests
        .each_ref()
        .map(|request| request["request_id"].as_str().unwrap());
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        assert_eq!(id.len(), 26);
        assert!(id.chars().all(|letter| CROCKFORD.contains(letter)), "{id}");
    }
    let request = &requests[0];
    assert_eq!(request["context"], json!({"depth": 2, "who": "world"}));
    assert_eq!(request["constraints"], json!({"patch_only": true}));
    assert!(request["created_at"].as_str().unwrap().ends_with('Z'));
    std::fs::write(
        stage.home.workspace().join("request.json"),
        request.to_string(),
    )
    .unwrap();
    let (code, shown, said) = stage.ask("plan check request.json --json");
    assert_eq!(code, 0, "{said}");
    let checked: Value = serde_json::from_str(&shown).unwrap();
    let task = &checked["plan"]["tasks"][0];
    assert_eq!(task["timeout"], "30s");
    assert_eq!(task["retry"]["max-attempts"], 1);
    let (code, _, said) = stage.ask("execute request.json");
    assert_eq!(code, 0, "{said}");
}
