//! Real plugins, real tools and a real audit log, with a record in memory in place of the ledger.
//! Never: an attempt in the user's own places.

#![expect(clippy::disallowed_methods, reason = "a test makes its own files")]

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use remit_core::approval::Allowed;
use remit_core::audit::{Entry, Line};
use remit_core::event::{Event, Payload};
use remit_core::gate::Criteria;
use remit_core::outcome::CancelReason;
use remit_core::plan::{GateSpec, RunSettings, Work};
use remit_core::scope::Scope;
use remit_core::tool::Exit;
use remit_engine::durable::attempts::EffectDecision;
use remit_engine::fake::{FakeRecord, Told};
use remit_ledger::AuditLog;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::*;
use crate::loading;
use crate::owner::Owner;
use crate::pinning;
use crate::wiring;

const TOOLS: &str = "format = 1\n\
    [tools.show-env]\nprogram = \"/usr/bin/printenv\"\ntemplates = { go = [] }\n\
    [tools.nap]\nprogram = \"/bin/sleep\"\ntemplates = { long = [\"600\"] }\n\
    [tools.touch]\nprogram = \"/usr/bin/touch\"\ntemplates = { file = [\"--\", \"{file:relpath}\"] }\n\
    [tools.gone]\nprogram = \"/usr/bin/there-is-no-such-program\"\ntemplates = { go = [] }\n\
    [tools.no]\nprogram = \"/bin/false\"\ntemplates = { go = [] }\n";

const ALLOW: &str = "[plugins.command]\nread = [\".\"]\nwrite = [\".\"]\n\
    run = [\"show-env\", \"nap\", \"touch\", \"gone\", \"no\"]\n";

/// A workspace and places of its own. Gone when it is dropped.
struct Site {
    root: TempDir,
}

impl Site {
    fn new(policy: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["work", "config", "state", "cache"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        let noop = remit_builtin::find_testing("noop").unwrap();
        fs::write(root.path().join("noop.wasm"), noop.bytes).unwrap();
        let site = Self { root };
        site.write_policy(policy);
        site
    }

    fn write_policy(&self, rules: &str) {
        let place = self.places().policy();
        let text = format!("{TOOLS}{rules}");
        fs::write(place.with_extension("new"), text).unwrap();
        fs::rename(place.with_extension("new"), place).unwrap();
    }

    fn places(&self) -> Places {
        Places::below(self.root.path())
    }

    fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    fn noop(&self) -> String {
        self.root.path().join("noop.wasm").display().to_string()
    }

    async fn workshop(&self) -> Workshop {
        Workshop::open(self.places(), self.work(), Rules::default())
            .await
            .unwrap()
    }

    /// The audit log, which must be whole.
    fn audit(&self) -> Vec<Line> {
        let log = AuditLog::in_directory(self.places().audit());
        let mut lines = Vec::new();
        let verdict = log.verify(None).unwrap();
        assert_eq!(verdict.finding, None);
        log.read(&mut |_, _, line| {
            lines.extend(line);
            ControlFlow::Continue(())
        })
        .unwrap();
        lines
    }

    fn words(&self) -> Vec<&'static str> {
        self.audit().iter().map(|line| line.entry.word()).collect()
    }
}

fn task(plugin: &str, inputs: Value) -> TaskSpec {
    let Value::Object(inputs) = inputs else {
        panic!("inputs are an object");
    };
    serde_json::from_value(json!({
        "id": "task", "kind": "plugin",
        "candidates": [{"plugin": plugin}], "inputs": inputs,
    }))
    .unwrap()
}

fn tool(tool: &str, template: &str) -> TaskSpec {
    task("command", json!({"tool": tool, "template": template}))
}

fn touch(file: &str) -> TaskSpec {
    let inputs = json!({"tool": "touch", "template": "file", "slots": {"file": file}});
    task("command", inputs)
}

fn assignment(task: TaskSpec, attempt: u32) -> Assignment {
    Assignment {
        run: "run-1".parse().unwrap(),
        settings: Arc::new(RunSettings::default()),
        task: Arc::new(task),
        candidate: 0,
        attempt,
        fence: 7,
        time: None,
        checkpoint: None,
        effects_before: 0,
    }
}

async fn attempt(shop: &Workshop, task: TaskSpec, record: &Arc<FakeRecord>) -> Outcome {
    let record = Arc::clone(record) as Arc<dyn AttemptRecord>;
    shop.attempt(assignment(task, 1), record, Cancel::new())
        .await
}

fn first(task: &TaskSpec) -> &Candidate {
    match &task.work {
        Work::Plugin { candidates, .. } => &candidates[0],
        other @ (Work::Manual { .. } | Work::Approval { .. }) => panic!("{other:?}"),
    }
}

async fn check(shop: &Workshop, task: &TaskSpec) -> Result<AdapterFacts, Box<Unfit>> {
    shop.check(task, first(task)).await
}

/// What a tool wrote, as the record has it.
fn output(record: &FakeRecord) -> String {
    let text = |told: Told| {
        if let Told::Activity(Event::ToolOutput {
            payload: Payload::Text(text),
            ..
        }) = told
        {
            Some(text)
        } else {
            None
        }
    };
    record.told().into_iter().filter_map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_at_the_same_time_share_one_component_and_one_audit() {
    let site = Site::new("");
    let shop = Arc::new(site.workshop().await);
    let task = task(&site.noop(), json!({}));
    let attempts = (0..40).map(|number| {
        let (shop, task) = (Arc::clone(&shop), task.clone());
        tokio::spawn(async move {
            let record = Arc::new(FakeRecord::default());
            let given = Arc::clone(&record) as Arc<dyn AttemptRecord>;
            let outcome = shop
                .attempt(assignment(task, number + 1), given, Cancel::new())
                .await;
            (outcome, record.words())
        })
    });
    for attempt in attempts.collect::<Vec<_>>() {
        let (outcome, words) = attempt.await.unwrap();
        assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
        // Everything that there is to say, the ledger says itself.
        assert!(words.is_empty(), "{words:?}");
    }
    shop.close().await;
    assert_eq!(shop.trouble().said(), None);
    let mut runs: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in site.audit() {
        runs.entry(line.run.clone().unwrap())
            .or_default()
            .push(line);
    }
    assert_eq!(runs.len(), 40);
    let mut numbers = Vec::new();
    for lines in runs.values() {
        let words: Vec<&str> = lines.iter().map(|line| line.entry.word()).collect();
        assert_eq!(
            words,
            ["run-started", "grant", "files-changed", "run-finished"]
        );
        let Entry::RunStarted { attempt, .. } = &lines[0].entry else {
            panic!("{lines:?}");
        };
        let attempt = attempt.as_ref().unwrap();
        assert_eq!(
            (attempt.plan_run.as_str(), attempt.task.as_str()),
            ("run-1", "task")
        );
        numbers.push(attempt.number);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<u32>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_of_a_durable_task_knows_its_task_and_is_not_run_again_after_its_end() {
    let site = Site::new(ALLOW);
    let shop = site.workshop().await;
    let before = Arc::new(FakeRecord::default());
    let outcome = attempt(&shop, tool("show-env", "go"), &before).await;
    assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
    let words: Vec<String> = before.words();
    assert_eq!(words[..3], ["step", "effect 1", "tool-started"]);
    assert_eq!(words.last().unwrap(), "finished 1 by 1: true");
    let told = output(&before);
    for line in [
        "REMIT_RUN=run-1",
        "REMIT_TASK=task",
        "REMIT_ATTEMPT=1",
        "REMIT_FENCE=7",
        "REMIT_EFFECT_KEY=run-1/task/1",
    ] {
        assert!(told.lines().any(|found| found == line), "{line} in {told}");
    }

    // The host died after the effect's end was on record.
    let after = Arc::new(FakeRecord::default());
    let known = EffectDecision::Replay(before.tool_run(1));
    after.decisions.lock().unwrap().insert(1, known);
    let again = attempt(&shop, tool("show-env", "go"), &after).await;
    assert_eq!(again, outcome);
    assert_eq!(after.words(), ["step", "effect 1", "log"]);
    shop.close().await;
    let spawned = site.words().into_iter().filter(|word| *word == "spawn");
    assert_eq!(spawned.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_held_against_what_the_owner_says_now() {
    let site = Site::new("");
    let shop = site.workshop().await;
    let task = tool("show-env", "go");
    let unfit = check(&shop, &task).await.unwrap_err();
    assert_eq!(unfit.adapter.as_str(), "command");
    let text = serde_json::to_string(&unfit.outcome).unwrap();
    assert!(text.contains("--allow-run=show-env:go"), "{text}");

    site.write_policy(ALLOW);
    let facts = check(&shop, &task).await.unwrap();
    assert_eq!(facts.adapter.as_str(), "command");
    assert_eq!(facts.max_parallel, None);

    site.write_policy("");
    assert!(check(&shop, &task).await.is_err());
    let record = Arc::new(FakeRecord::default());
    let outcome = attempt(&shop, task, &record).await;
    assert!(matches!(outcome, Outcome::Denied { .. }), "{outcome:?}");
    assert!(!output(&record).contains("REMIT"), "nothing ran");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_without_its_plugin_or_its_tool_is_unfit() {
    let site = Site::new(ALLOW);
    let shop = site.workshop().await;
    let unfit = check(&shop, &task("no-such-plugin", json!({})))
        .await
        .unwrap_err();
    assert_eq!(unfit.adapter.as_str(), "no-such-plugin");
    let text = serde_json::to_string(&unfit.outcome).unwrap();
    assert!(text.contains("there is no plugin"), "{text}");
    let unfit = check(&shop, &tool("gone", "go")).await.unwrap_err();
    assert!(
        matches!(unfit.outcome, Outcome::Unavailable { .. }),
        "{unfit:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_was_replaced_is_loaded_again() {
    let site = Site::new("");
    let shop = site.workshop().await;
    let task = task(&site.noop(), json!({}));
    assert_eq!(check(&shop, &task).await.unwrap().adapter.as_str(), "noop");
    let other = remit_builtin::find("command").unwrap();
    fs::write(site.noop(), other.bytes).unwrap();
    assert_eq!(
        check(&shop, &task).await.unwrap().adapter.as_str(),
        "command"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_derives_is_kept_from_tools_unless_the_owner_names_it() {
    let site = Site::new(ALLOW);
    for directory in [".state", "logs", "logs/execution"] {
        fs::create_dir(site.work().join(directory)).unwrap();
    }
    let shop = site.workshop().await;
    for file in [".state/x", "logs/execution/x", "schema", ".ledger"] {
        let record = Arc::new(FakeRecord::default());
        let outcome = attempt(&shop, touch(file), &record).await;
        assert!(
            matches!(outcome, Outcome::Failed { .. }),
            "{file}: {outcome:?}"
        );
        assert!(!site.work().join(file).is_file(), "{file}");
    }
    let record = Arc::new(FakeRecord::default());
    let outcome = attempt(&shop, touch("logs/other"), &record).await;
    assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");

    site.write_policy(&ALLOW.replace("write = [\".\"]", "write = [\".\", \".state\"]"));
    let outcome = attempt(&shop, touch(".state/x"), &record).await;
    assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
    assert!(site.work().join(".state/x").is_file());
    shop.close().await;
}

fn gate(tool: &str) -> GateSpec {
    GateSpec {
        name: Some("the gate".to_owned()),
        kind: "lint".parse().unwrap(),
        tool: tool.to_owned(),
        slots: Map::new(),
        directory: None,
        required: true,
        criteria: Criteria::default(),
    }
}

async fn check_gate(shop: &Workshop, gate: GateSpec) -> Result<Observed, Box<Outcome>> {
    let record: Arc<dyn AttemptRecord> = Arc::new(FakeRecord::default());
    let task = task("command", json!({}));
    shop.gate(assignment(task, 3), gate, record, Cancel::new())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_is_what_the_host_saw_of_its_tool() {
    let site = Site::new(ALLOW);
    let shop = site.workshop().await;
    let seen = check_gate(&shop, gate("show-env:go")).await.unwrap();
    assert_eq!(seen.exit, Exit::Code(0));
    assert!(seen.output.contains("PATH="), "{seen:?}");
    // A check may be made again, so it is no effect of the task.
    let of_task = seen
        .output
        .lines()
        .find(|line| line.starts_with("REMIT_") && !line.starts_with("REMIT_SCRATCH="));
    assert_eq!(of_task, None, "{seen:?}");
    assert!(!seen.truncated);
    let seen = check_gate(&shop, gate("no:go")).await.unwrap();
    assert_eq!(seen.exit, Exit::Code(1));
    shop.close().await;
    let lines = site.audit();
    let Entry::RunStarted { attempt, .. } = &lines[0].entry else {
        panic!("{lines:?}");
    };
    assert_eq!(attempt.as_ref().unwrap().gate.as_deref(), Some("the gate"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_cannot_be_checked_says_what_would_allow_it() {
    let site = Site::new("");
    let shop = site.workshop().await;
    let outcome = check_gate(&shop, gate("show-env:go")).await.unwrap_err();
    let text = serde_json::to_string(&outcome).unwrap();
    assert!(text.contains("--allow-run=show-env:go"), "{text}");
    let outcome = check_gate(&shop, gate("show-env")).await.unwrap_err();
    let text = serde_json::to_string(&outcome).unwrap();
    assert!(text.contains("write `tool:template`"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_ends_with_its_tool_when_it_is_cancelled() {
    let site = Site::new(ALLOW);
    let shop = Arc::new(site.workshop().await);
    let record = Arc::new(FakeRecord::default());
    let cancel = Cancel::new();
    let given = Arc::clone(&record) as Arc<dyn AttemptRecord>;
    let (working, stop) = (Arc::clone(&shop), cancel.clone());
    let work = tokio::spawn(async move {
        let assignment = assignment(tool("nap", "long"), 1);
        working.attempt(assignment, given, stop).await
    });
    while !record.words().contains(&"tool-started".to_owned()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cancel.cancel(CancelReason::Shutdown);
    let reason = CancelReason::Shutdown;
    assert_eq!(work.await.unwrap(), Outcome::Cancelled { reason });
    let words = record.words();
    assert!(words.contains(&"tool-finished".to_owned()), "{words:?}");
    assert!(
        !words.iter().any(|word| word.starts_with("finished")),
        "the effect has no end of its own: {words:?}"
    );
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_ends_when_the_approval_on_which_it_rests_is_taken_back() {
    let site = Site::new("");
    let places = site.places();
    let owner = Owner::read(&places, &site.work(), &Rules::default()).unwrap();
    let loaded = loading::find("command", &owner).unwrap();
    let tools = wiring::tool_box(&owner).unwrap();
    let mut allow = Allowed::default();
    allow.add(Scope::Run("nap:long".parse().unwrap()));
    let workspace = Some(site.work().canonicalize().unwrap().display().to_string());
    let draft = pinning::draft(&owner, &loaded, &tools, allow, workspace)
        .await
        .unwrap();
    let store = Store::at(places.approvals());
    store.keep(draft.approval).unwrap();

    let shop = Arc::new(site.workshop().await);
    let record = Arc::new(FakeRecord::default());
    let given = Arc::clone(&record) as Arc<dyn AttemptRecord>;
    let working = Arc::clone(&shop);
    let work = tokio::spawn(async move {
        let assignment = assignment(tool("nap", "long"), 1);
        working.attempt(assignment, given, Cancel::new()).await
    });
    while !record.words().contains(&"tool-started".to_owned()) {
        assert!(!work.is_finished(), "{:?}", record.words());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store
        .change(|all| {
            all.clear();
            Ok(())
        })
        .unwrap();
    let reason = CancelReason::Revoked;
    assert_eq!(work.await.unwrap(), Outcome::Cancelled { reason });
    shop.close().await;
    let words = site.words();
    assert!(words.contains(&"approval-revoked"), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_audit_nothing_begins() {
    let site = Site::new(ALLOW);
    let shop = site.workshop().await;
    fs::write(site.places().audit(), "in the way").unwrap();
    let record = Arc::new(FakeRecord::default());
    let outcome = attempt(&shop, touch("made"), &record).await;
    let Outcome::Internal { message } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        message.contains("nothing runs without its audit"),
        "{message}"
    );
    assert!(!site.work().join("made").exists());
    assert!(shop.trouble().said().is_some());
}
