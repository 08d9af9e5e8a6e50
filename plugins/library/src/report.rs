//! What a pattern says of itself: the events of its life, in one fixed order, and the record of
//! its result.
//!
//! A pattern that succeeds says, in this order: `pattern.selection.started`,
//! `pattern.selection.resolved`, `pattern.template.expanded`, `pattern.validation.started`,
//! `pattern.validation.completed`, `pattern.execution.started`, `pattern.execution.completed`. One
//! that fails says the same up to the step that failed, and then `pattern.….failed` of that step,
//! which is the last. A faulty template is found by validation, for which the source of these words
//! has the only name that fits.
//!
//! Never: an event out of order, or two ends.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Tells the time.
pub trait Clock {
    /// Unix time in milliseconds.
    fn now_ms(&self) -> u64;
}

/// Takes events.
pub trait Events {
    /// One event: its name, whether it says that something failed, and an object with the rest.
    fn emit(&self, name: &str, failed: bool, fields: &Value);
}

/// How a pattern ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything was done.
    Success,
    /// Nothing is left of it.
    Failure,
    /// A part was done and stays.
    Partial,
}

/// The record of a result: `pattern_execution_result.v1.json` of the origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatternResult {
    /// The pattern, `PAT-…`.
    pub pattern_id: String,
    /// The document that it was made from, `DOC-…`.
    pub doc_id: String,
    /// How it ended.
    pub status: Status,
    /// When it ended: RFC 3339 in UTC, with milliseconds.
    pub timestamp: String,
    /// Files that were created or written anew, relative to the workspace.
    pub files_generated: Vec<String>,
    /// Seconds from the start to the end.
    pub duration_seconds: f64,
    /// What went wrong, one sentence each.
    pub errors: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Selection,
    Template,
    Validation,
    Execution,
    Ended,
}

/// The life of one pattern.
pub struct Lifecycle<'a> {
    events: &'a dyn Events,
    clock: &'a dyn Clock,
    pattern: String,
    document: String,
    began_ms: u64,
    phase: Phase,
}

impl<'a> Lifecycle<'a> {
    /// Begins with the selection. `document` is the `doc_id` of an instance, if there was one; an
    /// identifier of another form is replaced by one made of the pattern's.
    pub fn begin(
        pattern: &str,
        document: Option<&str>,
        events: &'a dyn Events,
        clock: &'a dyn Clock,
    ) -> Self {
        let made = format!("DOC-{}-RESULT", identifier(pattern));
        let document = match document {
            Some(document) if is_document(document) => document.to_owned(),
            Some(_) | None => made,
        };
        let life = Self {
            events,
            clock,
            pattern: pattern.to_owned(),
            document,
            began_ms: clock.now_ms(),
            phase: Phase::Selection,
        };
        life.say("selection.started", &json!({}));
        life
    }

    /// The inputs are understood; `fields` says what was chosen.
    pub fn resolved(&mut self, fields: &Value) {
        self.advance(
            Phase::Selection,
            Phase::Template,
            "selection.resolved",
            fields,
        );
    }

    /// Everything that will be written is there, in memory.
    pub fn expanded(&mut self, files: usize) {
        let fields = json!({ "files": files });
        self.advance(
            Phase::Template,
            Phase::Validation,
            "template.expanded",
            &fields,
        );
        self.say("validation.started", &json!({}));
    }

    /// It can be carried out.
    pub fn validated(&mut self) {
        let nothing = json!({});
        self.advance(
            Phase::Validation,
            Phase::Execution,
            "validation.completed",
            &nothing,
        );
        self.say("execution.started", &nothing);
    }

    /// It was carried out.
    pub fn completed(mut self, files: Vec<String>) -> PatternResult {
        if self.phase < Phase::Execution {
            // A pattern that skips steps is at fault; its readers still get all events in order.
            self.catch_up();
        }
        let result = self.result(Status::Success, files, Vec::new());
        self.advance(
            Phase::Execution,
            Phase::Ended,
            "execution.completed",
            &fields(&result),
        );
        result
    }

    /// It failed where it is now. `files` is what stays all the same.
    pub fn failed(mut self, errors: Vec<String>, files: Vec<String>) -> PatternResult {
        let status = if files.is_empty() {
            Status::Failure
        } else {
            Status::Partial
        };
        let result = self.result(status, files, errors);
        let name = match self.phase {
            Phase::Selection => "selection.failed",
            Phase::Template => {
                self.say("validation.started", &json!({}));
                "validation.failed"
            }
            Phase::Validation => "validation.failed",
            Phase::Execution | Phase::Ended => "execution.failed",
        };
        self.phase = Phase::Ended;
        let name = format!("pattern.{name}");
        self.events
            .emit(&name, true, &self.with_pattern(&fields(&result)));
        result
    }

    fn catch_up(&mut self) {
        if self.phase == Phase::Selection {
            self.resolved(&json!({}));
        }
        if self.phase == Phase::Template {
            self.expanded(0);
        }
        self.validated();
    }

    fn advance(&mut self, from: Phase, to: Phase, name: &str, fields: &Value) {
        if self.phase == from {
            self.phase = to;
            self.say(name, fields);
        }
    }

    fn say(&self, name: &str, fields: &Value) {
        self.events.emit(
            &format!("pattern.{name}"),
            false,
            &self.with_pattern(fields),
        );
    }

    fn with_pattern(&self, fields: &Value) -> Value {
        let mut all = fields.clone();
        if let Value::Object(map) = &mut all {
            map.insert("pattern_id".to_owned(), Value::from(self.pattern.as_str()));
        }
        all
    }

    fn result(&self, status: Status, files: Vec<String>, errors: Vec<String>) -> PatternResult {
        /// Most that a JSON number of whole milliseconds holds exactly is far beyond any run.
        const MILLISECONDS: f64 = 1000.0;
        let now = self.clock.now_ms();
        let passed = u32::try_from(now.saturating_sub(self.began_ms)).unwrap_or(u32::MAX);
        PatternResult {
            pattern_id: self.pattern.clone(),
            doc_id: self.document.clone(),
            status,
            timestamp: timestamp(now),
            files_generated: files,
            duration_seconds: f64::from(passed) / MILLISECONDS,
            errors,
        }
    }
}

fn fields(result: &PatternResult) -> Value {
    serde_json::to_value(result).map_or_else(|_| json!({}), |result| json!({ "result": result }))
}

/// Whether a text has the form of the origin's document identifiers.
pub fn is_document(text: &str) -> bool {
    text.strip_prefix("DOC-").is_some_and(|rest| {
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        !rest.is_empty() && rest.bytes().all(allowed)
    })
}

/// A text in the letters of the origin's identifiers.
fn identifier(text: &str) -> String {
    let allowed = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_uppercase()
        } else {
            '-'
        }
    };
    text.chars().map(allowed).collect()
}

/// Unix time in milliseconds as RFC 3339 in UTC.
pub fn timestamp(ms: u64) -> String {
    const MS_PER_DAY: u64 = 86_400_000;
    let (days, rest) = (ms / MS_PER_DAY, ms % MS_PER_DAY);
    let (year, month, day) = date(days);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, ms) = (rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Days since 1970-01-01 as a date, by the algorithm `civil_from_days` of Howard Hinnant
/// (<https://howardhinnant.github.io/date_algorithms.html>), without the years before.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_PER_ERA: u64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[derive(Default)]
    struct Heard(RefCell<Vec<(String, bool, Value)>>);

    impl Events for Heard {
        fn emit(&self, name: &str, failed: bool, fields: &Value) {
            self.0
                .borrow_mut()
                .push((name.to_owned(), failed, fields.clone()));
        }
    }

    struct Ticking(Cell<u64>);

    impl Clock for Ticking {
        fn now_ms(&self) -> u64 {
            self.0.set(self.0.get() + 250);
            self.0.get()
        }
    }

    const ORDER: [&str; 7] = [
        "pattern.selection.started",
        "pattern.selection.resolved",
        "pattern.template.expanded",
        "pattern.validation.started",
        "pattern.validation.completed",
        "pattern.execution.started",
        "pattern.execution.completed",
    ];

    /// Lives up to a step and then ends, well or not; returns the events' names and the record.
    fn live(steps: usize, well: bool) -> (Vec<String>, PatternResult) {
        let (heard, clock) = (Heard::default(), Ticking(Cell::new(1_700_000_000_000)));
        let mut life = Lifecycle::begin("PAT-DEMO-001", Some("DOC-DEMO-1"), &heard, &clock);
        if steps > 0 {
            life.resolved(&json!({"language": "python"}));
        }
        if steps > 1 {
            life.expanded(3);
        }
        if steps > 2 {
            life.validated();
        }
        let result = if well {
            life.completed(vec!["a".into()])
        } else {
            life.failed(vec!["no".into()], Vec::new())
        };
        let heard = heard.0.into_inner();
        assert!(
            heard
                .iter()
                .all(|(_, _, fields)| fields["pattern_id"] == "PAT-DEMO-001")
        );
        let failures = heard.iter().filter(|(_, failed, _)| *failed).count();
        assert_eq!(failures, usize::from(!well));
        (heard.into_iter().map(|(name, _, _)| name).collect(), result)
    }

    #[test]
    fn the_events_of_a_success_are_complete_and_in_order_even_if_steps_were_skipped() {
        for steps in 0..=3 {
            let (names, result) = live(steps, true);
            assert_eq!(names, ORDER);
            assert_eq!(result.status, Status::Success);
        }
    }

    #[test]
    fn a_failure_ends_with_the_step_that_failed() {
        for (steps, last, before) in [
            (0, "pattern.selection.failed", 1),
            (1, "pattern.validation.failed", 2),
            (2, "pattern.validation.failed", 4),
            (3, "pattern.execution.failed", 6),
        ] {
            let (mut names, result) = live(steps, false);
            assert_eq!(names.pop().unwrap(), last);
            if steps == 1 {
                assert_eq!(names.pop().unwrap(), "pattern.validation.started");
            }
            assert_eq!(names, ORDER[..before]);
            assert_eq!((result.status, result.errors.len()), (Status::Failure, 1));
        }
    }

    #[test]
    fn the_record_has_the_members_of_the_origins_schema() {
        let (_, result) = live(3, true);
        let value = serde_json::to_value(&result).unwrap();
        assert_eq!(value["status"], "success");
        assert_eq!(value["doc_id"], "DOC-DEMO-1");
        assert_eq!(value["duration_seconds"], 0.25);
        assert_eq!(value["timestamp"], "2023-11-14T22:13:20.500Z");
        assert_eq!(value.as_object().unwrap().len(), 7);
    }

    #[test]
    fn an_identifier_of_another_form_is_not_taken_over() {
        let (heard, clock) = (Heard::default(), Ticking(Cell::new(0)));
        for (given, expected) in [
            (Some("DOC-X-1"), "DOC-X-1"),
            (Some("doc 1"), "DOC-PAT-A-B-RESULT"),
            (None, "DOC-PAT-A-B-RESULT"),
        ] {
            let life = Lifecycle::begin("PAT-A_B", given, &heard, &clock);
            assert_eq!(life.failed(Vec::new(), Vec::new()).doc_id, expected);
        }
    }

    #[test]
    fn times_are_dates() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(timestamp(ms), text);
        }
    }
}
