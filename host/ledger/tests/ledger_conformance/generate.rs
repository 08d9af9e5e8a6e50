//! Commits by chance: most of their events could have happened, and some could not.
//!
//! Never: only what is legal; each kind has to be refused, too.

use proptest::prelude::*;
use remit_core::breaker::BreakerState;
use remit_core::digest::Digest;
use remit_core::durable::{
    Answer, GateWord, LedgerEvent, Phase, Question, SafeModeCause, Severity, Stream, TaskState,
    Trigger,
};
use remit_core::outcome::CancelReason;
use remit_core::retry::FailureClass;
use remit_engine::durable::ledger::{Append, Commit, Expect, Lane, Ledger};

use crate::build::*;

/// How many kinds of event there are.
pub(crate) const KINDS: u8 = 38;

/// One event to be, before it is known what it meets.
#[derive(Debug, Clone)]
pub(crate) struct Pick {
    kind: u8,
    run: u8,
    task: u8,
    /// Chooses among arguments; above 240 they are wrong.
    x: u8,
    expect: u8,
    /// Whether the stream is of another kind than the event's.
    astray: bool,
}

/// One thing that is done to both ledgers.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Commit {
        picks: Vec<Pick>,
        now_ms: u64,
        activity: bool,
        breaker: Option<u8>,
    },
    Begin,
    Beat {
        epoch: u64,
        ended: bool,
    },
    Reopen,
}

fn pick() -> impl Strategy<Value = Pick> {
    let kind = prop_oneof![6 => 0..KINDS, 1 => Just(11_u8), 1 => Just(7_u8)];
    let astray = prop::bool::weighted(0.04);
    (kind, 0..2_u8, 0..3_u8, any::<u8>(), any::<u8>(), astray).prop_map(
        |(kind, run, task, x, expect, astray)| Pick {
            kind,
            run,
            task,
            x,
            expect,
            astray,
        },
    )
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let commit = (
        prop_oneof![3 => prop::collection::vec(pick(), 1), 1 => prop::collection::vec(pick(), 2..4)],
        900..2_000_u64,
        // Each waits for company, which does not come.
        prop::bool::weighted(0.04),
        prop::option::weighted(0.1, 0..4_u8),
    )
        .prop_map(|(picks, now_ms, activity, breaker)| Step::Commit {
            picks,
            now_ms,
            activity,
            breaker,
        });
    prop_oneof![
        40 => commit,
        1 => Just(Step::Begin),
        1 => (0..4_u64, any::<bool>()).prop_map(|(epoch, ended)| Step::Beat { epoch, ended }),
        1 => Just(Step::Reopen),
    ]
}

/// The commit that the picks come to, as things stand.
pub(crate) async fn made(
    ledger: &dyn Ledger,
    picks: &[Pick],
    now_ms: u64,
    activity: bool,
    breaker: Option<u8>,
) -> Commit {
    let mut appends: Vec<Append> = Vec::new();
    for pick in picks {
        let stream = stream(pick);
        let event = event(ledger, pick).await;
        match appends.last_mut() {
            Some(last) if last.stream == stream && pick.expect < 120 => last.events.push(event),
            _ => appends.push(append(stream, expect(ledger, pick).await, vec![event])),
        }
    }
    Commit {
        now_ms,
        lane: if activity {
            Lane::Activity
        } else {
            Lane::State
        },
        appends,
        breakers: breaker
            .map(|kind| ("command".parse().unwrap(), state_of(kind)))
            .into_iter()
            .collect(),
    }
}

fn state_of(kind: u8) -> BreakerState {
    match kind {
        0 => BreakerState::Closed { failures: 0 },
        1 => BreakerState::Closed { failures: 3 },
        2 => BreakerState::Open { since: 1, until: 2 },
        _ => BreakerState::HalfOpen {
            probes: std::collections::BTreeSet::new(),
        },
    }
}

fn names(pick: &Pick) -> (&'static str, &'static str) {
    let run = if pick.run == 0 { "R" } else { "S" };
    let task = match pick.task {
        0 => "a",
        1 => "b",
        _ => "c",
    };
    (run, task)
}

fn stream(pick: &Pick) -> Stream {
    let (run_name, task_name) = names(pick);
    let level = match pick.kind {
        0..6 => 0,
        6..11 => 1,
        _ => 2,
    };
    match (level + u8::from(pick.astray)) % 3 {
        0 => Stream::Host,
        1 => run(run_name),
        _ => task(run_name, task_name),
    }
}

async fn state(ledger: &dyn Ledger, pick: &Pick) -> Option<TaskState> {
    let (run, task) = names(pick);
    let view = ledger.task(&run_id(run), &task_id(task)).await.unwrap();
    view.map(|view| view.state)
}

async fn expect(ledger: &dyn Ledger, pick: &Pick) -> Expect {
    let (run, task) = names(pick);
    let seq = match stream(pick) {
        Stream::Host => 1,
        Stream::Run(_) => ledger
            .run(&run_id(run))
            .await
            .unwrap()
            .map_or(0, |view| view.seq),
        Stream::Task(..) => ledger
            .task(&run_id(run), &task_id(task))
            .await
            .unwrap()
            .map_or(0, |view| view.seq),
    };
    let fence = state(ledger, pick).await.map_or(0, |state| state.fence);
    match pick.expect {
        0..8 => Expect::New,
        8..16 => Expect::Fence(fence + 1),
        16..24 => Expect::Seq(seq + 1),
        _ if seq == 0 => Expect::New,
        24..80 if fence > 0 => Expect::Fence(fence),
        80..140 if seq > 0 => Expect::Seq(seq),
        _ => Expect::Exists,
    }
}

/// The picked event; or, three times in four, the next kind that the task's state would take.
async fn event(ledger: &dyn Ledger, pick: &Pick) -> LedgerEvent {
    let state = state(ledger, pick).await;
    let Some(state) = state.filter(|_| pick.kind >= 11 && !pick.x.is_multiple_of(4)) else {
        return picked(pick, None);
    };
    // What leads to gates, and what happens there, is too rare otherwise.
    let rare = match state.phase {
        Phase::InProgress if state.succeeded() => Some(24),
        Phase::InProgress if !state.effects.is_empty() => Some(18 + pick.task),
        Phase::InProgress => Some(if pick.x.is_multiple_of(3) { 17 } else { 23 }),
        Phase::Validating => Some(if pick.x.is_multiple_of(3) { 27 } else { 25 }),
        Phase::Pending
        | Phase::Ready
        | Phase::Waiting
        | Phase::Completed
        | Phase::Failed
        | Phase::Timeout
        | Phase::Canceled
        | Phase::Skipped
        | Phase::Blocked => None,
    };
    if let Some(kind) = rare.filter(|_| pick.expect.is_multiple_of(2)) {
        let pick = Pick {
            kind,
            ..pick.clone()
        };
        return picked(&pick, Some(&state));
    }
    for step in 0..KINDS - 11 {
        let kind = 11 + (pick.kind - 11 + step) % (KINDS - 11);
        // Ends come often enough by themselves.
        if (30..36).contains(&kind) && pick.x < 225 {
            continue;
        }
        let other = Pick {
            kind,
            ..pick.clone()
        };
        let event = picked(&other, Some(&state));
        if state.clone().apply(&event).is_ok() {
            return event;
        }
    }
    picked(pick, Some(&state))
}

fn picked(pick: &Pick, state: Option<&TaskState>) -> LedgerEvent {
    let off = u64::from(pick.x > 240);
    let fence = state.map_or(1, |state| state.fence) + off;
    let attempt = state.map_or(0, |state| state.attempt);
    let (_, task) = names(pick);
    match pick.kind {
        0..6 => host_event(pick),
        6..11 => run_event(pick),
        11..23 => task_event(pick, task, fence, attempt),
        _ => later_event(pick, fence, attempt),
    }
}

fn adapter() -> remit_core::durable::AdapterId {
    "command".parse().unwrap()
}

fn host_event(pick: &Pick) -> LedgerEvent {
    match pick.kind {
        0 => LedgerEvent::HostStarted {
            epoch: 9,
            pid: 1,
            version: "0".into(),
        },
        1 => LedgerEvent::CircuitOpened {
            adapter: adapter(),
            until_ms: 7,
        },
        2 => LedgerEvent::CircuitHalfOpen { adapter: adapter() },
        3 => LedgerEvent::CircuitClosed {
            adapter: adapter(),
            by_hand: true,
        },
        4 => LedgerEvent::SafeModeEntered {
            cause: SafeModeCause::CircuitOpenTooLong { adapter: adapter() },
        },
        _ => LedgerEvent::SafeModeLeft { by: "me".into() },
    }
}

fn run_event(pick: &Pick) -> LedgerEvent {
    match pick.kind {
        6 => submitted(u64::from(pick.x)),
        7 => started(1),
        8 => LedgerEvent::RunCancelRequested {
            reason: CancelReason::Requested,
            by: "me".into(),
        },
        9 => LedgerEvent::Escalation {
            trigger: Trigger::Timeout,
            severity: Severity::High,
            about: None,
            message: "look".into(),
        },
        _ => finished(),
    }
}

fn task_event(pick: &Pick, task: &str, fence: u64, attempt: u32) -> LedgerEvent {
    match pick.kind {
        11 => LedgerEvent::TaskQueued {
            // Sometimes a place that another task has.
            index: u32::from(if pick.x > 200 { 0 } else { pick.task }),
            spec: Box::new(spec(task)),
            ready: !pick.x.is_multiple_of(4),
        },
        12 => LedgerEvent::TaskReady,
        13 => began(attempt + 1, fence + 1),
        14 => LedgerEvent::TaskWaiting {
            question: Question::Approval,
            text: "go on?".into(),
            expires_ms: Some(5),
            asked_by: None,
        },
        15 => LedgerEvent::TaskAnswered {
            answer: if pick.x.is_multiple_of(2) {
                Answer::Yes
            } else {
                Answer::No
            },
            by: "me".into(),
            note: None,
        },
        16 => LedgerEvent::TaskExpired,
        17 => effect(fence, u32::from(pick.x % 3)),
        18 => LedgerEvent::EffectFinished {
            fence,
            effect: u32::from(pick.x % 3),
            tool_call: 1,
            success: true,
        },
        19 => LedgerEvent::EffectRefused {
            fence,
            effect: u32::from(pick.x % 3),
            message: "no".into(),
        },
        20 => LedgerEvent::EffectUnknown {
            effect: u32::from(pick.x % 3),
            tool: "git".into(),
            repeat: pick.x.is_multiple_of(2),
        },
        21 => LedgerEvent::EffectReplayed {
            fence,
            effect: u32::from(pick.x % 3),
        },
        _ => LedgerEvent::CheckpointCreated {
            fence,
            digest: Digest::of(&[pick.x]),
            bytes: 1,
            effects: 0,
        },
    }
}

fn later_event(pick: &Pick, fence: u64, attempt: u32) -> LedgerEvent {
    let failed = pick.x.is_multiple_of(3).then_some(FailureClass::Work);
    match pick.kind {
        23 => ended(fence, failed),
        24 => LedgerEvent::TaskValidating { fence, gates: 1 },
        25 => verdict(fence, 0, GateWord::Passed),
        26 => LedgerEvent::TaskRetry {
            attempt,
            not_before_ms: u64::MAX,
            candidate: 0,
            reason: "again".into(),
        },
        27 => LedgerEvent::ValidationResumed {
            fence: fence + 1,
            epoch: 2,
        },
        28 => LedgerEvent::AttemptLost {
            fence,
            reason: "gone".into(),
            orderly: false,
        },
        29 => cancel(),
        30 => LedgerEvent::TaskCompleted,
        31 => LedgerEvent::TaskFailed {
            code: "x".into(),
            reasons: vec![],
        },
        32 => LedgerEvent::TaskTimeout { limit_ms: 1 },
        33 => LedgerEvent::TaskCanceled {
            reason: CancelReason::Requested,
        },
        34 => LedgerEvent::TaskSkipped { reason: "x".into() },
        35 => LedgerEvent::TaskBlocked { by: task_id("z") },
        36 => LedgerEvent::TaskHurried { by: "me".into() },
        _ => output(fence, attempt, "a line"),
    }
}
