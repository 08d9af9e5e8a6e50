//! Effects of durable tasks in a fake world: on record before they start, not done twice.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use remit_core::event::{Event, GrantSummary};
use remit_core::outcome::{CancelReason, Outcome};
use remit_core::tool::{CallStdin, Exit, StartError, ToolCall};
use remit_engine::attempt::{self, Described, Request};
use remit_engine::durable::attempts::EffectDecision;
use remit_engine::fake::{
    FakeAudit, FakePlugin, FakeRecord, FakeTools, Told, durable_host, grants, out,
};
use remit_engine::host::{CallError, PluginHost};
use remit_engine::inputs::RawInputs;
use remit_engine::plugin::Finished;
use remit_engine::seam::{StdinClosed, ToolEvent};
use remit_engine::tool_run::ToolRun;

const RUN_PYTHON: &str = "[[run]]\ntool = \"python3\"\ntemplates = [\"version\"]\nreason = \"r\"\n";
const ALLOW_PYTHON: &str = "[plugins.fake]\nrun = [\"python3:version\"]\n";

/// What one attempt leaves behind.
struct Left {
    outcome: Outcome,
    tools: Arc<FakeTools>,
    audit: Vec<Event>,
}

/// Makes an attempt with this record; each tool plays the next script.
async fn attempt(record: &Arc<FakeRecord>, scripts: &[&[ToolEvent]], plugin: FakePlugin) -> Left {
    let tools = Arc::new(FakeTools::default());
    tools
        .scripts
        .lock()
        .unwrap()
        .extend(scripts.iter().map(|script| script.to_vec()));
    let audit = Arc::new(FakeAudit::default());
    let grants = grants(RUN_PYTHON, ALLOW_PYTHON);
    let host = durable_host(grants, Arc::clone(&tools), record, &audit, 1);
    let request = Request {
        run_id: "run".into(),
        attempt: 1,
        fence: 7,
        inputs: RawInputs::default(),
        role: None,
        version: "0.1.0".into(),
        component_digest: "c".into(),
        manifest_digest: "m".into(),
        grants: GrantSummary::default(),
        checkpoint: None,
        described: Described::default(),
    };
    let outcome = attempt::run(&plugin, &host, request).await;
    let audit = audit.0.lock().unwrap().clone();
    Left {
        outcome,
        tools,
        audit,
    }
}

fn version() -> ToolCall {
    ToolCall {
        tool: "python3".into(),
        template: "version".into(),
        slots: Vec::new(),
        env: Vec::new(),
        cwd: None,
        stdin: CallStdin::Piped,
        timeout: None,
        idle: None,
    }
}

fn succeeded(said: impl Into<String>) -> Finished {
    Finished::Pattern {
        summary: said.into(),
        outputs: "{}".into(),
        artifacts: Vec::new(),
    }
}

async fn start(host: &Arc<PluginHost>) -> Result<ToolRun, CallError> {
    host.start_tool(&version()).await
}

/// Runs the tool to its end; everything that it gave.
async fn drain(mut tool: ToolRun) -> Vec<ToolEvent> {
    let mut got = Vec::new();
    loop {
        let event = tool.next_event(4).await;
        let end = matches!(event, ToolEvent::Exited(_));
        got.push(event);
        if end {
            return got;
        }
    }
}

/// A plugin that runs the tool twice and says what it got.
fn twice() -> FakePlugin {
    FakePlugin::doing(|host, _| {
        Box::pin(async move {
            let mut said = String::new();
            for _ in 0..2 {
                let got = drain(start(&host).await.unwrap()).await;
                said.push_str(&format!("{got:?};"));
            }
            Ok(succeeded(said))
        })
    })
}

fn said(outcome: &Outcome) -> &str {
    let Outcome::Succeeded { summary, .. } = outcome else {
        panic!("{outcome:?}");
    };
    summary
}

const END: ToolEvent = ToolEvent::Exited(Exit::Code(0));

#[tokio::test]
async fn an_effect_is_on_record_before_its_tool_starts_and_after_its_last_output() {
    let record = Arc::new(FakeRecord::default());
    let left = attempt(&record, &[&[out("a"), END], &[END]], twice()).await;
    assert!(matches!(left.outcome, Outcome::Succeeded { .. }));
    assert_eq!(
        record.words(),
        [
            "effect 1",
            "tool-started",
            "tool-output",
            "tool-finished",
            "finished 1 by 1: true",
            "effect 2",
            "tool-started",
            "tool-finished",
            "finished 2 by 2: true"
        ]
    );
}

#[tokio::test]
async fn tools_of_a_durable_task_are_told_which_one() {
    let record = Arc::new(FakeRecord::default());
    let left = attempt(&record, &[&[END], &[END]], twice()).await;
    let started = left.tools.started.lock().unwrap();
    let key = |launch: &remit_core::tool::Launch| {
        let find = |(name, value): &(remit_core::tool::EnvName, String)| {
            (name.as_str() == "REMIT_EFFECT_KEY").then(|| value.clone())
        };
        launch.set_env().iter().find_map(find).unwrap()
    };
    let keys: Vec<String> = started.iter().map(key).collect();
    assert_eq!(keys, ["run/task/1", "run/task/2"]);
}

#[tokio::test]
async fn an_effect_that_ended_before_the_host_died_is_played_from_the_record() {
    let first = Arc::new(FakeRecord::default());
    let whole = attempt(&first, &[&[out("one two"), END], &[out("b"), END]], twice()).await;

    let second = Arc::new(FakeRecord::default());
    let known = EffectDecision::Replay(first.tool_run(1));
    second.decisions.lock().unwrap().insert(1, known);
    let left = attempt(&second, &[&[out("b"), END]], twice()).await;

    assert_eq!(said(&left.outcome), said(&whole.outcome));
    assert_eq!(left.tools.started.lock().unwrap().len(), 1);
    let words = second.words();
    assert_eq!(&words[..3], ["effect 1", "log", "effect 2"]);
    assert_eq!(words.last().unwrap(), "finished 2 by 1: true");
    let name = |told: &Told| {
        if let Told::Effect(1, call) = told {
            Some(*call)
        } else {
            None
        }
    };
    let names = |record: &FakeRecord| record.told().iter().find_map(name);
    assert_eq!(names(&first), names(&second));
    let spawned = |event: &&Event| matches!(event, Event::ToolStarted { .. });
    assert_eq!(left.audit.iter().filter(spawned).count(), 1);
}

#[tokio::test]
async fn a_tool_from_the_record_takes_input_until_that_is_closed_and_cannot_be_killed() {
    let first = Arc::new(FakeRecord::default());
    attempt(&first, &[&[out("a"), END], &[END]], twice()).await;
    let second = Arc::new(FakeRecord::default());
    let known = EffectDecision::Replay(first.tool_run(1));
    second.decisions.lock().unwrap().insert(1, known);
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            let mut tool = start(&host).await.unwrap();
            assert_eq!(tool.write_stdin(b"abc").await, Ok(3));
            tool.close_stdin();
            assert_eq!(tool.write_stdin(b"abc").await, Err(StdinClosed));
            tool.kill(std::time::Duration::ZERO);
            assert_eq!(drain(tool).await, [out("a"), END]);
            drop(start(&host).await);
            Ok(succeeded(""))
        })
    });
    let left = attempt(&second, &[], plugin).await;
    assert_eq!(said(&left.outcome), "");
}

#[tokio::test]
async fn a_record_without_an_end_is_not_taken_for_one() {
    let first = Arc::new(FakeRecord::default());
    attempt(&first, &[&[out("a"), END], &[END]], twice()).await;
    let mut events = first.tool_run(1);
    events.pop();
    let second = Arc::new(FakeRecord::default());
    let known = EffectDecision::Replay(events);
    second.decisions.lock().unwrap().insert(1, known);
    let left = attempt(&second, &[], expecting_refusal()).await;
    assert!(said(&left.outcome).contains("the record has no end of it"));
    assert!(left.tools.started.lock().unwrap().is_empty());
}

fn expecting_refusal() -> FakePlugin {
    FakePlugin::doing(|host, _| {
        Box::pin(async move {
            match start(&host).await {
                Err(CallError::Start(error @ StartError::NotRepeated { .. })) => {
                    Ok(succeeded(error.to_string()))
                }
                other => panic!("{other:?}"),
            }
        })
    })
}

#[tokio::test]
async fn an_effect_that_must_not_be_repeated_is_refused_with_the_reason() {
    let record = Arc::new(FakeRecord::default());
    let refused = EffectDecision::Refuse("it may have happened".into());
    record.decisions.lock().unwrap().insert(1, refused);
    let left = attempt(&record, &[], expecting_refusal()).await;
    assert!(said(&left.outcome).contains("it may have happened"));
    assert!(left.tools.started.lock().unwrap().is_empty());
    assert_eq!(record.words(), ["effect 1", "tool-refused"]);
}

#[tokio::test]
async fn a_tool_that_does_not_start_is_on_record_as_refused() {
    let record = Arc::new(FakeRecord::default());
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            assert!(start(&host).await.is_err());
            Ok(succeeded(""))
        })
    });
    let tools = Arc::new(FakeTools::default());
    *tools.refuse.lock().unwrap() = Some(StartError::Missing {
        tool: "python3".parse().unwrap(),
        reason: "gone".into(),
    });
    let audit = Arc::new(FakeAudit::default());
    let grants = grants(RUN_PYTHON, ALLOW_PYTHON);
    let host = durable_host(grants, tools, &record, &audit, 1);
    let mut instance = remit_engine::plugin::Plugin::instantiate(&plugin, Arc::clone(&host), None)
        .await
        .unwrap();
    let context = remit_engine::plugin::Context {
        run_id: "run".into(),
        task_id: "task".into(),
        attempt: 1,
        fence: 7,
        effect_key: "run/task".into(),
        inputs: "{}".into(),
        time_left_ms: 1,
        checkpoint: None,
    };
    instance.execute(context).await.unwrap();
    assert_eq!(record.words(), ["effect 1", "refused 1", "tool-refused"]);
}

#[tokio::test]
async fn requests_are_counted_also_where_they_are_denied() {
    let record = Arc::new(FakeRecord::default());
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            let mut other = version();
            other.template = "other".into();
            assert!(host.start_tool(&other).await.is_err());
            drain(start(&host).await.unwrap()).await;
            Ok(succeeded(""))
        })
    });
    attempt(&record, &[&[END]], plugin).await;
    assert!(record.words().contains(&"finished 2 by 1: true".to_owned()));
}

/// Whatever write it is with which the attempt loses its task.
#[tokio::test]
async fn an_attempt_that_lost_its_task_ends_and_its_answer_does_not_count() {
    let record = Arc::new(FakeRecord::default());
    attempt(&record, &[&[out("a"), END], &[END]], twice()).await;
    let all = u32::try_from(record.told().len()).unwrap();
    for left in 0..all {
        let record = Arc::new(FakeRecord::default());
        *record.writes_left.lock().unwrap() = Some(left);
        let plugin = FakePlugin::doing(|host, _| {
            Box::pin(async move {
                for _ in 0..2 {
                    if let Ok(tool) = start(&host).await {
                        drain(tool).await;
                    }
                }
                Ok(succeeded("done"))
            })
        });
        let left_over = attempt(&record, &[&[out("a"), END], &[END]], plugin).await;
        let reason = CancelReason::Lost;
        assert_eq!(left_over.outcome, Outcome::Cancelled { reason }, "{left}");
        if left < 6 {
            let started = left_over.tools.started.lock().unwrap().len();
            assert!(started <= 1, "{left}: a second tool after the loss");
        }
    }
}

#[tokio::test]
async fn a_tool_that_ended_with_its_attempt_has_no_end_on_record() {
    let record = Arc::new(FakeRecord::default());
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            // No script: it runs until it is killed.
            let mut tool = start(&host).await.unwrap();
            host.cancel().cancel(CancelReason::Shutdown);
            tool.next_event(1).await;
            Ok(succeeded(""))
        })
    });
    let left = attempt(&record, &[], plugin).await;
    let reason = CancelReason::Shutdown;
    assert_eq!(left.outcome, Outcome::Cancelled { reason });
    assert_eq!(
        record.words(),
        ["effect 1", "tool-started", "tool-finished"]
    );
}

#[tokio::test]
async fn output_and_end_are_on_record_once_however_often_the_plugin_stops_waiting() {
    let record = Arc::new(FakeRecord::default());
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            let mut tool = start(&host).await.unwrap();
            for _ in 0..3 {
                for _ in 0..3 {
                    // Polled once, then dropped.
                    tokio::select! {
                        biased;
                        () = tool.ready() => {}
                        () = std::future::ready(()) => {}
                    }
                }
                tokio::select! {
                    biased;
                    _ = tool.next_event(100) => {}
                    () = std::future::ready(()) => {}
                }
            }
            drop(tool);
            Ok(succeeded(""))
        })
    });
    attempt(&record, &[&[out("a"), END]], plugin).await;
    assert_eq!(
        record.words(),
        [
            "effect 1",
            "tool-started",
            "tool-output",
            "tool-finished",
            "finished 1 by 1: true"
        ]
    );
}

#[tokio::test]
async fn a_checkpoint_goes_to_the_record_and_comes_back_with_the_request() {
    let record = Arc::new(FakeRecord::default());
    let plugin = FakePlugin::doing(|host, context| {
        Box::pin(async move {
            assert_eq!(context.checkpoint, None);
            assert!(host.save_checkpoint(b"half".to_vec()).await.unwrap());
            let large = vec![0; (1 << 20) + 1];
            assert!(!host.save_checkpoint(large).await.unwrap());
            Ok(succeeded(""))
        })
    });
    let left = attempt(&record, &[], plugin).await;
    assert_eq!(record.words(), ["checkpoint of 4 after 0"]);
    // What the ledger says by itself is still told to the audit.
    let saved = |event: &Event| matches!(event, Event::CheckpointSaved { bytes: 4 });
    assert!(left.audit.iter().any(saved));
    assert!(matches!(left.audit.last(), Some(Event::RunFinished { .. })));
}

/// Else the second tool would take the place of the first: one that had ended would run again, and
/// one that must not be repeated would be.
#[tokio::test]
async fn an_attempt_that_goes_on_from_a_checkpoint_counts_its_effects_on_from_there() {
    let plugin = || {
        FakePlugin::doing(|host, _| {
            Box::pin(async move {
                drain(start(&host).await.unwrap()).await;
                assert!(host.save_checkpoint(b"one".to_vec()).await.unwrap());
                Ok(succeeded(""))
            })
        })
    };
    let calls = |record: &FakeRecord| -> Vec<String> {
        let told = |word: &String| word.starts_with("effect") || word.starts_with("checkpoint");
        record.words().into_iter().filter(told).collect()
    };
    let first = Arc::new(FakeRecord::default());
    attempt(&first, &[&[END]], plugin()).await;
    assert_eq!(calls(&first), ["effect 1", "checkpoint of 3 after 1"]);
    let next = Arc::new(FakeRecord {
        effects_before: 1,
        ..FakeRecord::default()
    });
    attempt(&next, &[&[END]], plugin()).await;
    assert_eq!(calls(&next), ["effect 2", "checkpoint of 3 after 2"]);
}
