//! Attempts that ask a person and wait: answered while they wait, between two hosts, never, or
//! cancelled.

use std::time::Duration;

use remit_core::durable::{Answer, LedgerEvent, Phase};
use remit_core::outcome::{CancelReason, Outcome};
use remit_core::person::PersonQuestion;
use remit_engine::durable::Control;
use remit_engine::fake::attempts::{FakeAttempts, succeeded};
use remit_engine::seam::Reply;
use serde_json::{Value, json};

use crate::people::answer;
use crate::world::{World, plan, task};

/// Work that asks, and succeeds if the answer is yes.
fn asking(text: &'static str, deadline: Option<Duration>) -> FakeAttempts {
    FakeAttempts::playing(move |_, record, cancel| {
        Box::pin(async move {
            let question = PersonQuestion::new(
                remit_core::durable::Question::Approval,
                text.to_owned(),
                None,
                deadline,
            );
            let question = question.unwrap();
            let reply = tokio::select! {
                reply = record.ask(1, &question) => reply,
                reason = cancel.cancelled() => return Outcome::Cancelled { reason },
            };
            match reply {
                Ok(Reply::Answered(answer)) if answer.yes => succeeded(),
                Ok(Reply::Answered(_)) => Outcome::Rejected {
                    reason: "a person said no".into(),
                },
                Ok(Reply::Expired) => Outcome::Rejected {
                    reason: "nobody answered".into(),
                },
                Ok(Reply::Nobody(what)) => Outcome::Unavailable { what },
                Err(_) => Outcome::Cancelled {
                    reason: CancelReason::Lost,
                },
            }
        })
    })
}

/// Waits until the attempt at `a` asks.
async fn until_asked(world: &World) {
    while !world.words(Some("a")).await.contains(&"TASK_WAITING") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn once() -> Value {
    json!({"retry": {"max-attempts": 1}})
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_asks_goes_on_with_the_answer() {
    for (said, phase) in [(Answer::Yes, Phase::Completed), (Answer::No, Phase::Failed)] {
        let world = World::with(plan(once(), json!([task("a", &[])]))).await;
        let running = world.begin(&asking("ship it?", None), &Control::new());
        until_asked(&world).await;
        assert_eq!(world.phase("a").await, Phase::InProgress);
        world.say_of("a", answer(said)).await;
        running.await.unwrap().unwrap();
        assert_eq!(world.phase("a").await, phase);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_attempt_stands_still_while_it_asks() {
    let settings = json!({"timeout": "1m", "retry": {"max-attempts": 1}});
    let world = World::with(plan(settings, json!([task("a", &[])]))).await;
    let running = world.begin(&asking("ship it?", None), &Control::new());
    until_asked(&world).await;
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    world.say_of("a", answer(Answer::Yes)).await;
    running.await.unwrap().unwrap();
    assert_eq!(world.phase("a").await, Phase::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_question_of_an_attempt_expires_once() {
    let world = World::with(plan(once(), json!([task("a", &[])]))).await;
    let deadline = Some(Duration::from_secs(3_600));
    world.execute(&asking("ship it?", deadline)).await;
    assert_eq!(world.phase("a").await, Phase::Failed);
    let words = world.words(Some("a")).await;
    let ends = words.iter().filter(|word| **word == "TASK_EXPIRED");
    assert_eq!(ends.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_waits_from_host_to_host_and_is_asked_once() {
    for answered_between in [true, false] {
        let world = World::with(plan(once(), json!([task("a", &[])]))).await;
        let control = Control::new();
        let running = world.begin(&asking("ship it?", None), &control);
        until_asked(&world).await;
        control.shutdown();
        running.await.unwrap().unwrap();
        assert_eq!(world.phase("a").await, Phase::Ready);
        if answered_between {
            world.say_of("a", answer(Answer::Yes)).await;
        }
        let running = world.begin(&asking("ship it?", None), &Control::new());
        if !answered_between {
            world.until("a", Phase::InProgress).await;
            world.say_of("a", answer(Answer::Yes)).await;
        }
        running.await.unwrap().unwrap();
        assert_eq!(world.phase("a").await, Phase::Completed);
        let words = world.words(Some("a")).await;
        let asked = words.iter().filter(|word| **word == "TASK_WAITING");
        assert_eq!(asked.count(), 1, "{words:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_question_in_the_next_attempt_does_not_get_the_old_answer() {
    let world = World::with(plan(once(), json!([task("a", &[])]))).await;
    let control = Control::new();
    let running = world.begin(&asking("ship it?", None), &control);
    until_asked(&world).await;
    control.shutdown();
    running.await.unwrap().unwrap();
    world.say_of("a", answer(Answer::Yes)).await;
    let running = world.begin(&asking("delete it?", None), &Control::new());
    loop {
        let words = world.words(Some("a")).await;
        if words.iter().filter(|word| **word == "TASK_WAITING").count() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.say_of("a", answer(Answer::No)).await;
    running.await.unwrap().unwrap();
    assert_eq!(world.phase("a").await, Phase::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_asks_can_be_cancelled() {
    let world = World::with(plan(once(), json!([task("a", &[])]))).await;
    let running = world.begin(&asking("ship it?", None), &Control::new());
    until_asked(&world).await;
    let (reason, by) = (CancelReason::Requested, "me".to_owned());
    world
        .say_of("a", LedgerEvent::TaskCancelRequested { reason, by })
        .await;
    running.await.unwrap().unwrap();
    assert_eq!(world.phase("a").await, Phase::Canceled);
}
