//! One attempt in a fake world: which outcome, which events, in which order.

use std::sync::Arc;
use std::time::Duration;

use remit_core::event::{Event, GrantSummary};
use remit_core::outcome::{CancelReason, ExitCode, FaultKind, InputProblem, Outcome};
use remit_core::tool::{CallStdin, Exit, KillCause, StartError, ToolCall};
use remit_engine::attempt::{self, Described, Request};
use remit_engine::fake::{FakePlugin, FakeTools, FakeTree, Seen, grants, host, out};
use remit_engine::host::{CallError, MAX_EVENTS, PluginHost};
use remit_engine::inputs::RawInputs;
use remit_engine::plugin::{Failure, Finished, PluginFault, Refused};
use remit_engine::seam::ToolEvent;

const RUN_PYTHON: &str = "[[run]]\ntool = \"python3\"\ntemplates = [\"version\"]\nreason = \"r\"\n";
const ALLOW_PYTHON: &str = "[plugins.fake]\nrun = [\"python3:version\"]\n";

fn request() -> Request {
    Request {
        run_id: "run".into(),
        attempt: 1,
        fence: 1,
        inputs: RawInputs::default(),
        role: None,
        version: "0.1.0".into(),
        component_digest: "c".into(),
        manifest_digest: "m".into(),
        grants: GrantSummary::default(),
        checkpoint: None,
        described: Described::default(),
    }
}

fn call(tool: &str, template: &str) -> ToolCall {
    ToolCall {
        tool: tool.into(),
        template: template.into(),
        slots: Vec::new(),
        env: Vec::new(),
        cwd: None,
        stdin: CallStdin::Empty,
        timeout: None,
        idle: None,
    }
}

fn done() -> Finished {
    Finished::Pattern {
        summary: "done".into(),
        outputs: "{}".into(),
        artifacts: Vec::new(),
    }
}

async fn run(plugin: FakePlugin, tools: &Arc<FakeTools>) -> (Outcome, Seen, Arc<PluginHost>) {
    let seen = Seen::default();
    let host = host(
        grants(RUN_PYTHON, ALLOW_PYTHON),
        Arc::clone(tools),
        FakeTree::default(),
        &seen,
    );
    let outcome = attempt::run(&plugin, &host, request()).await;
    (outcome, seen, host)
}

#[tokio::test]
async fn a_tool_run_is_on_record_from_start_to_end() {
    let tools = Arc::new(FakeTools::default());
    tools
        .scripts
        .lock()
        .unwrap()
        .push_back(vec![out("Python 3\n"), ToolEvent::Exited(Exit::Code(0))]);
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            let mut tool = host.start_tool(&call("python3", "version")).await.unwrap();
            assert_eq!(tool.next_event(6).await, out("Python"));
            assert_eq!(tool.next_event(100).await, out(" 3\n"));
            assert_eq!(tool.next_event(100).await, ToolEvent::Exited(Exit::Code(0)));
            assert_eq!(tool.next_event(100).await, ToolEvent::Exited(Exit::Code(0)));
            Ok(done())
        })
    });
    let (outcome, seen, _) = run(plugin, &tools).await;
    assert_eq!(outcome.exit_code(), ExitCode::Ok);
    assert_eq!(
        seen.types(),
        [
            "run-started",
            "inputs-accepted",
            "tool-started",
            "tool-output",
            "tool-finished",
            "files-changed",
            "run-finished"
        ]
    );
}

#[tokio::test]
async fn an_undeclared_tool_is_denied_and_a_failure_after_it_is_a_denial() {
    let tools = Arc::new(FakeTools::default());
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            let error = host.start_tool(&call("git", "status")).await.unwrap_err();
            assert!(matches!(error, CallError::Denied(_)), "{error}");
            // The same again is one denial.
            host.start_tool(&call("git", "status")).await.unwrap_err();
            Ok(Finished::Failure(Failure::Failed {
                code: "no-git".into(),
                message: "cannot go on".into(),
                hint: None,
                retryable: false,
            }))
        })
    });
    let (outcome, seen, _) = run(plugin, &tools).await;
    let Outcome::Denied { denials, message } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(denials.len(), 1);
    assert_eq!(denials[0].scope, "git:status");
    assert_eq!(message.as_deref(), Some("cannot go on"));
    let denied = seen.types().iter().filter(|name| *name == "denied").count();
    assert_eq!(denied, 1);
    assert!(tools.started.lock().unwrap().is_empty());
}

#[tokio::test]
async fn asking_is_no_denial_unless_the_plugin_gives_up_over_it() {
    let tools = Arc::new(FakeTools::default());
    let gives_up = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            host.check_tool(&call("git", "status")).await.unwrap_err();
            Ok(Finished::Failure(Failure::Denied(Box::new(Refused {
                capability: "run".into(),
                scope: "git:status".into(),
                fix: "…".into(),
            }))))
        })
    });
    let (outcome, seen, _) = run(gives_up, &tools).await;
    assert!(matches!(&outcome, Outcome::Denied { denials, .. } if denials.len() == 1));
    assert!(!seen.types().contains(&"denied".to_owned()));

    let goes_on = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            host.check_tool(&call("git", "status")).await.unwrap_err();
            Ok(done())
        })
    });
    let (outcome, _, _) = run(goes_on, &tools).await;
    assert_eq!(outcome.exit_code(), ExitCode::Ok);
}

#[tokio::test]
async fn wrong_inputs_stop_before_any_work() {
    let tools = Arc::new(FakeTools::default());
    let mut plugin = FakePlugin::doing(|_, _| panic!("must not work"));
    plugin.schema = r#"{"required": ["name"]}"#.into();
    plugin.problems = vec![InputProblem {
        path: "/other".into(),
        code: "odd".into(),
        message: "is odd".into(),
    }];
    let (outcome, seen, _) = run(plugin, &tools).await;
    let Outcome::InvalidInput { problems } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(!seen.types().contains(&"inputs-accepted".to_owned()));
}

#[tokio::test]
async fn what_an_adapter_misses_is_named_before_any_work() {
    let tools = Arc::new(FakeTools::default());
    let mut plugin = FakePlugin::doing(|_, _| panic!("must not work"));
    plugin.missing = vec![InputProblem {
        path: String::new(),
        code: "missing".into(),
        message: "the variable KEY is not set".into(),
    }];
    let (outcome, _, _) = run(plugin, &tools).await;
    assert_eq!(outcome.exit_code(), ExitCode::ToolMissing);
}

#[tokio::test]
async fn a_missing_program_is_on_record() {
    let tools = Arc::new(FakeTools::default());
    *tools.refuse.lock().unwrap() = Some(StartError::Missing {
        tool: "python3".parse().unwrap(),
        reason: "nowhere".into(),
    });
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            let error = host
                .start_tool(&call("python3", "version"))
                .await
                .unwrap_err();
            Ok(Finished::Failure(Failure::Unavailable(error.to_string())))
        })
    });
    let (outcome, seen, _) = run(plugin, &tools).await;
    assert_eq!(outcome.exit_code(), ExitCode::ToolMissing);
    assert!(seen.types().contains(&"tool-refused".to_owned()));
}

fn tool_end(event: &Event) -> Option<Exit> {
    if let Event::ToolFinished { exit, .. } = event {
        Some(*exit)
    } else {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn time_ends_the_attempt_and_every_tool_of_it() {
    let tools = Arc::new(FakeTools::default());
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            let mut tool = host.start_tool(&call("python3", "version")).await.unwrap();
            // No script: it runs until it is killed.
            tool.next_event(1).await;
            Ok(done())
        })
    });
    let (outcome, seen, _) = run(plugin, &tools).await;
    assert_eq!(outcome, Outcome::TimedOut { limit_ms: 60_000 });
    let ends: Vec<Exit> = seen.events().iter().filter_map(tool_end).collect();
    assert_eq!(ends, [Exit::Killed(KillCause::RunEnded)]);
    assert_eq!(seen.types().last().unwrap(), "run-finished");
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_attempt_with_its_reason() {
    let tools = Arc::new(FakeTools::default());
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            let cancel = host.cancel().clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                cancel.cancel(CancelReason::Requested);
            });
            std::future::pending().await
        })
    });
    let (outcome, _, _) = run(plugin, &tools).await;
    let reason = CancelReason::Requested;
    assert_eq!(outcome, Outcome::Cancelled { reason });
}

#[tokio::test]
async fn what_a_plugin_says_after_its_approval_is_gone_counts_no_more() {
    let tools = Arc::new(FakeTools::default());
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            host.cancel().cancel(CancelReason::Requested);
            host.cancel().cancel(CancelReason::Revoked);
            let refused = host.start_tool(&call("python3", "version")).await;
            assert!(matches!(
                refused,
                Err(CallError::Start(StartError::RunEnded { .. }))
            ));
            Ok(done())
        })
    });
    let (outcome, _, _) = run(plugin, &tools).await;
    let reason = CancelReason::Revoked;
    assert_eq!(outcome, Outcome::Cancelled { reason });
    assert_eq!(outcome.exit_code(), ExitCode::Cancelled);
    assert!(tools.started.lock().unwrap().is_empty());
}

#[tokio::test]
async fn outputs_that_are_no_object_break_the_contract() {
    let tools = Arc::new(FakeTools::default());
    for outputs in ["", "nonsense", "[]", "1"] {
        let plugin = FakePlugin::doing(move |_, _| {
            Box::pin(async move {
                Ok(Finished::Pattern {
                    summary: String::new(),
                    outputs: outputs.into(),
                    artifacts: Vec::new(),
                })
            })
        });
        let (outcome, _, _) = run(plugin, &tools).await;
        assert_eq!(outcome.exit_code(), ExitCode::Plugin, "{outputs:?}");
    }
}

#[tokio::test]
async fn a_plugin_that_never_stops_talking_hits_a_limit() {
    let tools = Arc::new(FakeTools::default());
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            for value in 0..=MAX_EVENTS {
                if let Err(hit) = host.step("again").await {
                    assert_eq!(value, MAX_EVENTS);
                    return Err(PluginFault::new(FaultKind::Limit, hit.to_string()));
                }
            }
            Ok(done())
        })
    });
    let (outcome, _, _) = run(plugin, &tools).await;
    assert_eq!(outcome.exit_code(), ExitCode::Plugin);
}

/// Calls a tool until the host ends the plugin, but not for ever.
async fn calls_without_end(host: &Arc<PluginHost>, name: impl Fn(u64) -> String) -> PluginFault {
    for number in 0..=2 * MAX_EVENTS {
        let refused = host.start_tool(&call(&name(number), "version")).await;
        if let Err(CallError::Limit(hit)) = refused {
            return PluginFault::new(FaultKind::Limit, hit.to_string());
        }
    }
    panic!("a plugin may be refused without end")
}

/// Refusals and denials are in the record and in the audit: a plugin must not fill the disk with them.
#[tokio::test]
async fn a_plugin_that_never_stops_being_refused_hits_a_limit() {
    for (what, event) in [("python3", "tool-refused"), ("absent-", "denied")] {
        let tools = Arc::new(FakeTools::default());
        *tools.refuse.lock().unwrap() = Some(StartError::Missing {
            tool: "python3".parse().unwrap(),
            reason: "nowhere".into(),
        });
        let plugin = FakePlugin::doing(move |host, _| {
            Box::pin(async move {
                let name = |number| match event {
                    // The same denial again is no event, so each is another.
                    "denied" => format!("{what}{number}"),
                    _ => what.to_owned(),
                };
                Err(calls_without_end(&host, name).await)
            })
        });
        let (outcome, seen, _) = run(plugin, &tools).await;
        assert_eq!(outcome.exit_code(), ExitCode::Plugin, "{what}");
        let types = seen.types();
        let count = types.iter().filter(|name| *name == event).count() as u64;
        assert!(count > 1 && count <= MAX_EVENTS, "{what}: {count}");
    }
}

/// Only the last checkpoint is kept, but each is in the record.
#[tokio::test]
async fn a_plugin_that_saves_without_end_hits_a_limit() {
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            for _ in 0..=2 * MAX_EVENTS {
                if let Err(hit) = host.save_checkpoint(Vec::new()).await {
                    return Err(PluginFault::new(FaultKind::Limit, hit.to_string()));
                }
            }
            panic!("a plugin may save without end")
        })
    });
    let (outcome, seen, _) = run(plugin, &Arc::new(FakeTools::default())).await;
    assert_eq!(outcome.exit_code(), ExitCode::Plugin);
    let types = seen.types();
    let saved = types.iter().filter(|name| *name == "checkpoint-saved");
    assert!(saved.count() as u64 <= MAX_EVENTS);
}

#[tokio::test]
async fn percent_only_grows_and_artifacts_are_looked_at() {
    let tools = Arc::new(FakeTools::default());
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            for value in [10, 5, 10, 400, 50] {
                host.percent(value).await.unwrap();
            }
            for path in ["../../etc/passwd", "/etc/passwd", "not-there"] {
                let artifact = remit_core::outcome::Artifact {
                    path: path.into(),
                    media_type: "text/plain".into(),
                    description: None,
                    size: Some(1),
                };
                host.produced(artifact).await.unwrap();
            }
            Ok(done())
        })
    });
    let (_, seen, _) = run(plugin, &tools).await;
    let mut percents = Vec::new();
    for event in seen.events() {
        if let Event::Percent { value } = event {
            percents.push(value);
        } else if let Event::Produced { artifact } = event {
            assert_eq!(artifact.size, None, "{}", artifact.path);
        }
    }
    assert_eq!(percents, [10, 100]);
}

/// A caller that stops waiting, again and again, loses no byte and no end, and neither does the
/// record.
#[tokio::test(start_paused = true)]
async fn a_caller_that_stops_waiting_loses_nothing() {
    let tools = Arc::new(FakeTools::default());
    let mut script: Vec<ToolEvent> = (0..2000).map(|i| out(&format!("{i}\n"))).collect();
    script.push(ToolEvent::Exited(Exit::Code(0)));
    tools.scripts.lock().unwrap().push_back(script);
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            let mut tool = host.start_tool(&call("python3", "version")).await.unwrap();
            let mut got = Vec::new();
            loop {
                // Zero: the deadline has passed when the work is first polled a second time.
                let next = tool.next_event(3);
                match tokio::time::timeout(Duration::ZERO, next).await {
                    Ok(ToolEvent::Stdout(bytes)) => got.extend_from_slice(&bytes),
                    Ok(ToolEvent::Stderr(_)) => panic!("nothing was written there"),
                    Ok(ToolEvent::Exited(_)) => break,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
            let want: String = (0..2000).map(|i| format!("{i}\n")).collect();
            assert_eq!(String::from_utf8(got).unwrap(), want);
            Ok(done())
        })
    });
    let (outcome, seen, _) = run(plugin, &tools).await;
    assert_eq!(outcome.exit_code(), ExitCode::Ok);
    let types = seen.types();
    let count = |name: &str| types.iter().filter(|one| *one == name).count();
    assert_eq!(count("tool-output"), 2000);
    assert_eq!(count("tool-finished"), 1);
}

#[tokio::test]
async fn a_failure_of_its_own_stays_a_failure_although_something_optional_was_refused() {
    let seen = Seen::default();
    let ask = "[[run]]\ntool = \"git\"\noptional = true\nreason = \"r\"\n";
    let host = host(
        grants(ask, ""),
        Arc::new(FakeTools::default()),
        FakeTree::default(),
        &seen,
    );
    let plugin = FakePlugin::doing(|host, _| {
        Box::pin(async move {
            host.start_tool(&call("git", "status")).await.unwrap_err();
            Ok(Finished::Failure(Failure::Failed {
                code: "file-exists".into(),
                message: "the file is there already".into(),
                hint: None,
                retryable: false,
            }))
        })
    });
    let outcome = attempt::run(&plugin, &host, request()).await;
    assert_eq!(outcome.exit_code(), ExitCode::Failed, "{outcome:?}");
    assert!(seen.types().contains(&"denied".to_owned()));
}
