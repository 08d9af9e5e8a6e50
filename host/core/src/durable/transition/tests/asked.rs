//! Questions of attempts: how long they stay open, and for whom their answers are.
//! Never: an answer that another question could get.

use super::*;
use crate::person::MAX_QUESTIONS;

#[test]
fn a_question_of_an_attempt_outlives_its_host_and_so_does_the_answer() {
    let lost = |fence| LedgerEvent::AttemptLost {
        fence,
        reason: "x".into(),
        orderly: false,
    };
    let mut state = at(Phase::InProgress);
    state.apply(&asks(1, 2, "ship?")).unwrap();
    let open = state.open_question().unwrap();
    assert_eq!(
        (open.question, open.text),
        (Question::Approval, Some("ship?"))
    );
    state.apply(&lost(1)).unwrap();
    assert!(state.open_question().is_some());
    // Between two attempts, too.
    state.apply(&answered()).unwrap();
    assert!(state.open_question().is_none());
    assert!(state.apply(&answered()).is_err());
    state.apply(&started(2, 2)).unwrap();
    let found = &state.answered[&2];
    assert_eq!(found.answer, Some(Answer::Yes));
    assert_eq!(found.call, Digest::of(b"ship?"));
    assert_eq!(state.newest_answer(), Some(found));
    // Another question under this number is another question.
    state.apply(&asks(2, 2, "really?")).unwrap();
    assert!(state.answered.is_empty());
    state.apply(&LedgerEvent::TaskExpired).unwrap();
    assert_eq!(state.answered[&2].answer, None);
}

#[test]
fn an_attempt_that_ends_by_itself_asks_nobody_any_more() {
    let mut state = at(Phase::InProgress);
    state.apply(&asks(1, 1, "a")).unwrap();
    state.apply(&answered()).unwrap();
    state.apply(&asks(1, 2, "b")).unwrap();
    state.apply(&ended()).unwrap();
    assert!(state.open_question().is_none());
    let again = LedgerEvent::TaskRetry {
        attempt: 1,
        not_before_ms: 0,
        candidate: 0,
        reason: "x".into(),
    };
    state.apply(&again).unwrap();
    // The next try does everything anew.
    assert!(state.answered.is_empty());
    assert!(state.apply(&answered()).is_err());
}

#[test]
fn an_attempt_can_ask_only_so_often() {
    let mut state = at(Phase::InProgress);
    for number in 1..=u32::try_from(MAX_QUESTIONS).unwrap() {
        state.apply(&asks(1, number, "a")).unwrap();
        state.apply(&answered()).unwrap();
    }
    assert!(state.apply(&asks(1, 99, "a")).is_err());
    assert!(state.apply(&asks(0, 99, "a")).is_err());
}
