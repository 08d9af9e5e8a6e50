//! Every phase against every event: which moves are legal is a table, and the code is held to it.

mod asked;

use serde_json::json;

use super::super::{
    Answer, AskedBy, AttemptResult, GateWord, LedgerEvent, Phase, Question, TaskState,
};
use crate::digest::Digest;
use crate::event::{Event, Level, LogSource};
use crate::outcome::CancelReason;

fn queued(ready: bool) -> LedgerEvent {
    let spec = json!({"id": "a", "kind": "plugin", "candidates": [{"plugin": "work"}]});
    LedgerEvent::TaskQueued {
        index: 0,
        spec: Box::new(serde_json::from_value(spec).unwrap()),
        ready,
    }
}

fn started(attempt: u32, fence: u64) -> LedgerEvent {
    LedgerEvent::TaskStarted {
        attempt,
        fence,
        epoch: 1,
        adapter: "work".parse().unwrap(),
        candidate: 0,
    }
}

fn ended() -> LedgerEvent {
    LedgerEvent::AttemptEnded {
        fence: 1,
        result: Box::new(AttemptResult {
            status: "succeeded".into(),
            exit_code: 0,
            class: None,
            message: String::new(),
            outcome_digest: None,
            outcome: json!(null),
            wall_ms: 0,
        }),
    }
}

fn waiting() -> LedgerEvent {
    LedgerEvent::TaskWaiting {
        question: Question::Manual,
        text: String::new(),
        expires_ms: None,
        asked_by: None,
    }
}

fn asks(fence: u64, number: u32, text: &str) -> LedgerEvent {
    LedgerEvent::TaskWaiting {
        question: Question::Approval,
        text: text.into(),
        expires_ms: None,
        asked_by: Some(AskedBy {
            fence,
            number,
            call: Digest::of(text.as_bytes()),
        }),
    }
}

fn gate() -> LedgerEvent {
    LedgerEvent::GateFinished {
        fence: 1,
        gate: 0,
        name: "g".into(),
        kind: "lint".into(),
        verdict: GateWord::Passed,
        required: true,
        reasons: Vec::new(),
        wall_ms: 0,
    }
}

fn answered() -> LedgerEvent {
    LedgerEvent::TaskAnswered {
        answer: Answer::Yes,
        by: "me".into(),
        note: None,
    }
}

/// A history that leads to a phase. An attempt that is going on has not ended its work.
fn to(phase: Phase) -> Vec<LedgerEvent> {
    let fence = 1;
    let end = |event| vec![queued(true), event];
    match phase {
        Phase::Pending => vec![queued(false)],
        Phase::Ready => vec![queued(true)],
        Phase::Waiting => vec![queued(true), waiting()],
        Phase::InProgress => vec![queued(true), started(1, 1)],
        Phase::Validating => {
            let validating = LedgerEvent::TaskValidating { fence, gates: 1 };
            vec![queued(true), started(1, 1), ended(), validating]
        }
        Phase::Completed => vec![
            queued(true),
            started(1, 1),
            ended(),
            LedgerEvent::TaskCompleted,
        ],
        Phase::Failed => end(LedgerEvent::TaskFailed {
            code: "x".into(),
            reasons: Vec::new(),
        }),
        Phase::Timeout => end(LedgerEvent::TaskTimeout { limit_ms: 1 }),
        Phase::Canceled => end(LedgerEvent::TaskCanceled {
            reason: CancelReason::Requested,
        }),
        Phase::Skipped => end(LedgerEvent::TaskSkipped { reason: "x".into() }),
        Phase::Blocked => vec![
            queued(false),
            LedgerEvent::TaskBlocked {
                by: "b".parse().unwrap(),
            },
        ],
    }
}

fn at(phase: Phase) -> TaskState {
    let history = to(phase);
    let mut state = TaskState::begin(&history[0]).unwrap();
    for event in &history[1..] {
        state.apply(event).unwrap();
    }
    assert_eq!(state.phase, phase);
    state
}

/// What an event may follow, and where it leads; `None` where it changes no phase.
type Move = (LedgerEvent, Vec<Phase>, Option<Phase>);

fn table() -> Vec<Move> {
    [begins(), holds(), ends(), fits_nowhere()].concat()
}

/// What begins something.
fn begins() -> Vec<Move> {
    use Phase::{InProgress, Pending, Ready, Waiting};
    let (fence, effect, call) = (1, 1, Digest::of(b"call"));
    vec![
        (queued(true), vec![], None),
        (LedgerEvent::TaskReady, vec![Pending], Some(Ready)),
        (started(1, 1), vec![Ready], Some(InProgress)),
        (started(2, 2), vec![], None),
        (started(1, 0), vec![], None),
        (waiting(), vec![Ready], Some(Waiting)),
        (answered(), vec![Waiting], None),
        (asks(1, 1, "a"), vec![InProgress], None),
        (LedgerEvent::TaskExpired, vec![Waiting], None),
        (
            LedgerEvent::EffectStarted {
                fence,
                effect,
                call,
                tool: "t".into(),
                template: "t".into(),
            },
            vec![InProgress],
            None,
        ),
        (
            LedgerEvent::CheckpointCreated {
                fence,
                digest: call,
                bytes: 1,
                effects: 0,
            },
            vec![InProgress],
            None,
        ),
    ]
}

/// What an attempt's end leads to, and what says something of it.
fn holds() -> Vec<Move> {
    use Phase::{InProgress, Ready, Validating};
    let fence = 1;
    let log = Box::new(Event::Log {
        level: Level::Info,
        source: LogSource::Host,
        message: String::new(),
        fields: json!(null),
    });
    vec![
        (ended(), vec![InProgress], None),
        (gate(), vec![Validating], None),
        (
            LedgerEvent::TaskRetry {
                attempt: 1,
                not_before_ms: 9,
                candidate: 0,
                reason: "x".into(),
            },
            vec![Validating],
            Some(Ready),
        ),
        (
            LedgerEvent::ValidationResumed { fence: 2, epoch: 2 },
            vec![Validating],
            None,
        ),
        (
            LedgerEvent::AttemptLost {
                fence,
                reason: "x".into(),
                orderly: false,
            },
            vec![InProgress],
            Some(Ready),
        ),
        (
            LedgerEvent::Activity {
                attempt: 1,
                fence,
                activity: log,
            },
            vec![InProgress, Validating],
            None,
        ),
    ]
}

/// What ends a task, and what people ask for.
fn ends() -> Vec<Move> {
    use Phase::{
        Blocked, Canceled, Failed, InProgress, Pending, Ready, Skipped, Timeout, Validating,
        Waiting,
    };
    let (open, worked_on) = (
        vec![Pending, Ready, Waiting, InProgress, Validating],
        vec![Ready, Waiting, InProgress, Validating],
    );
    let reason = CancelReason::Requested;
    vec![
        (
            LedgerEvent::TaskCancelRequested {
                reason,
                by: "me".into(),
            },
            open.clone(),
            None,
        ),
        (
            LedgerEvent::TaskHurried { by: "me".into() },
            vec![Ready],
            None,
        ),
        (
            LedgerEvent::TaskFailed {
                code: "x".into(),
                reasons: Vec::new(),
            },
            worked_on.clone(),
            Some(Failed),
        ),
        (
            LedgerEvent::TaskTimeout { limit_ms: 1 },
            worked_on,
            Some(Timeout),
        ),
        (LedgerEvent::TaskCanceled { reason }, open, Some(Canceled)),
        (
            LedgerEvent::TaskSkipped { reason: "x".into() },
            vec![Pending, Ready],
            Some(Skipped),
        ),
        (
            LedgerEvent::TaskBlocked {
                by: "b".parse().unwrap(),
            },
            vec![Pending],
            Some(Blocked),
        ),
    ]
}

/// What fits no state of [`to`].
fn fits_nowhere() -> Vec<Move> {
    let (fence, effect) = (1, 1);
    vec![
        // Only work that has succeeded completes: none of these has, or has every verdict.
        (LedgerEvent::TaskCompleted, vec![], None),
        // What belongs to effects that were not started.
        (LedgerEvent::EffectReplayed { fence, effect }, vec![], None),
        (
            LedgerEvent::EffectFinished {
                fence,
                effect,
                tool_call: 1,
                success: true,
            },
            vec![],
            None,
        ),
        (
            LedgerEvent::EffectRefused {
                fence,
                effect,
                message: "x".into(),
            },
            vec![],
            None,
        ),
        (
            LedgerEvent::EffectUnknown {
                effect,
                tool: "t".into(),
                repeat: true,
            },
            vec![],
            None,
        ),
        // An attempt whose work has not ended is not validated.
        (
            LedgerEvent::TaskValidating { fence, gates: 1 },
            vec![],
            None,
        ),
    ]
}

#[test]
fn each_event_follows_where_the_table_says_and_nowhere_else() {
    for (event, from, leads_to) in table() {
        for phase in Phase::ALL {
            let before = at(phase);
            let mut state = before.clone();
            let legal = state.apply(&event);
            let word = event.word();
            assert_eq!(legal.is_ok(), from.contains(&phase), "{word} at {phase}");
            if legal.is_ok() {
                assert_eq!(state.phase, leads_to.unwrap_or(phase), "{word} at {phase}");
            } else {
                assert_eq!(state, before, "{word} at {phase} was refused");
            }
        }
    }
}

#[test]
fn nothing_leaves_a_terminal_phase() {
    for phase in Phase::ALL.into_iter().filter(|phase| phase.end().is_some()) {
        for (event, ..) in table() {
            assert!(
                at(phase).apply(&event).is_err(),
                "{} at {phase}",
                event.word()
            );
        }
    }
}

#[test]
fn work_that_succeeded_completes_or_is_judged_and_judged_work_completes() {
    let fence = 1;
    let mut state = at(Phase::InProgress);
    state.apply(&ended()).unwrap();
    let mut other = state.clone();
    state.apply(&LedgerEvent::TaskCompleted).unwrap();
    other
        .apply(&LedgerEvent::TaskValidating { fence, gates: 1 })
        .unwrap();
    assert!(other.apply(&LedgerEvent::TaskCompleted).is_err());
    other.apply(&gate()).unwrap();
    other.apply(&LedgerEvent::TaskCompleted).unwrap();
    let mut asked = at(Phase::Waiting);
    asked.apply(&answered()).unwrap();
    asked.apply(&LedgerEvent::TaskCompleted).unwrap();
}

#[test]
fn an_older_fence_writes_nothing() {
    let mut state = at(Phase::InProgress);
    let lost = LedgerEvent::AttemptLost {
        fence: 1,
        reason: "x".into(),
        orderly: true,
    };
    state.apply(&lost).unwrap();
    assert_eq!((state.crashes, state.returned, state.tries()), (0, 1, 0));
    state.apply(&started(2, 2)).unwrap();
    assert!(state.apply(&ended()).is_err());
    assert!(state.apply(&lost).is_err());
}

#[test]
fn an_effect_that_must_not_be_repeated_is_not_in_a_later_try_either() {
    let call = Digest::of(b"call");
    let begun = |fence| LedgerEvent::EffectStarted {
        fence,
        effect: 1,
        call,
        tool: "t".into(),
        template: "t".into(),
    };
    let retry = |attempt| LedgerEvent::TaskRetry {
        attempt,
        not_before_ms: 0,
        candidate: 0,
        reason: String::new(),
    };
    let lost = LedgerEvent::AttemptLost {
        fence: 1,
        reason: "x".into(),
        orderly: false,
    };
    let end = |fence: u64| {
        let mut event = ended();
        if let LedgerEvent::AttemptEnded { fence: of, .. } = &mut event {
            *of = fence;
        }
        event
    };
    for repeat in [true, false] {
        let unknown = LedgerEvent::EffectUnknown {
            effect: 1,
            tool: "t".into(),
            repeat,
        };
        let mut state = at(Phase::InProgress);
        for event in [
            begun(1),
            unknown,
            lost.clone(),
            started(2, 2),
            end(2),
            retry(2),
        ] {
            state.apply(&event).unwrap();
        }
        state.apply(&started(3, 3)).unwrap();
        assert_eq!(state.apply(&begun(3)).is_ok(), repeat);
    }
}
