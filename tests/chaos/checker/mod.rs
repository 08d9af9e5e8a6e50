//! Holds what the ledger says and what really happened against each other: every promise of durable
//! execution is a rule here, and every rule has a test with a history that breaks it.
//!
//! Never: a rule that an interrupted and repeated run may break; a look at the clock.

mod effects;
mod histories;
mod order;
mod story;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::{Event, Line};
use crate::plan::Plan;

/// What is known of a run after its end.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    pub(crate) plan: Plan,
    /// All events of the ledger, in its order.
    pub(crate) events: Vec<Event>,
    /// What the tools wrote down.
    pub(crate) log: Vec<Line>,
    /// `execution_results.json`.
    pub(crate) results: Value,
}

/// A promise that was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// Events have one order, and each stream's numbers have no gap.
    Numbers,
    /// Every task has exactly one terminal event, its last.
    OneEnd,
    /// Every task ends as the plan says.
    RightEnd,
    /// Attempts are numbered one after the other, and fences grow.
    Attempts,
    /// No attempt writes after a newer one began.
    Fences,
    /// No host writes after a newer one began.
    Hosts,
    /// `EXECUTION_FINISHED` comes once, last, and counts right.
    Finished,
    /// Nothing begins before what it needs has completed.
    Needs,
    /// Tasks of one conflict group are never worked on at the same time.
    Groups,
    /// A tool of an older attempt does nothing after a newer attempt's has begun.
    Zombies,
    /// Every tool that ran was on record before.
    OnRecord,
    /// A finished effect is not started again in its try.
    NotAgain,
    /// What is on record as finished ran exactly once, to its end.
    ReallyDone,
    /// What a tool printed is on record, all of it, before its end.
    Output,
    /// A gate with a verdict is not checked again.
    Gates,
    /// The results name every task once, as it ended.
    Results,
}

/// Where a promise was not kept.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

/// Collects violations of one rule.
pub(crate) struct Finds<'a> {
    rule: Rule,
    all: &'a mut Vec<Violation>,
}

impl Finds<'_> {
    fn unless(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.all.push(Violation {
                rule: self.rule,
                what: what(),
            });
        }
    }
}

type Check = fn(&Evidence, &mut Finds<'_>);

const CHECKS: [(Rule, Check); 16] = [
    (Rule::Numbers, histories::numbers),
    (Rule::OneEnd, histories::one_end),
    (Rule::RightEnd, histories::right_end),
    (Rule::Attempts, histories::attempts),
    (Rule::Fences, histories::fences),
    (Rule::Hosts, histories::hosts),
    (Rule::Finished, histories::finished),
    (Rule::Results, histories::results),
    (Rule::Needs, order::needs),
    (Rule::Groups, order::groups),
    (Rule::Zombies, order::zombies),
    (Rule::OnRecord, effects::on_record),
    (Rule::NotAgain, effects::not_again),
    (Rule::ReallyDone, effects::really_done),
    (Rule::Output, effects::output),
    (Rule::Gates, effects::gates),
];

/// Everything that does not hold.
pub(crate) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut all = Vec::new();
    for (rule, check) in CHECKS {
        check(
            evidence,
            &mut Finds {
                rule,
                all: &mut all,
            },
        );
    }
    all
}

/// Violations as a test prints them.
pub(crate) fn print(violations: &[Violation]) -> String {
    const SHOWN: usize = 40;
    let mut text = format!("{} promises were not kept\n", violations.len());
    for violation in violations.iter().take(SHOWN) {
        text.push_str(&format!("{:?}: {}\n", violation.rule, violation.what));
    }
    text
}

impl Evidence {
    /// The events of each task of the run, in order.
    fn streams(&self) -> BTreeMap<&str, Vec<&Event>> {
        let mut streams: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        for event in self.of_run() {
            if let Some(task) = &event.task {
                streams.entry(task).or_default().push(event);
            }
        }
        streams
    }

    fn of_run(&self) -> impl Iterator<Item = &Event> {
        let run = self.plan.run.as_str();
        self.events
            .iter()
            .filter(move |event| event.run.as_deref() == Some(run))
    }
}

#[test]
fn every_rule_has_a_check() {
    let mut rules: Vec<Rule> = CHECKS.iter().map(|(rule, _)| *rule).collect();
    rules.sort();
    rules.dedup();
    assert_eq!(rules.len(), CHECKS.len());
}
