//! The loop: hosts are killed at random moments, started again, killed again, until the plan is
//! done; then every promise is held against what happened.
//!
//! Never: a moment that is known beforehand; a kill that is not told apart from the others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rustix::process::Signal;

use crate::chance::Chance;
use crate::checker::Evidence;
use crate::history::{Event, Line, Word};
use crate::home::PATIENCE;
use crate::host::{Host, Stage};
use crate::machine::until;
use crate::plan::Plan;

/// Attempts at the same time.
const PARALLEL: u32 = 4;

/// The environment's number of this name, or another one.
fn setting(name: &str, otherwise: u64) -> u64 {
    let Ok(text) = std::env::var(name) else {
        return otherwise;
    };
    text.parse()
        .unwrap_or_else(|error| panic!("{name}={text}: {error}"))
}

/// A seed that nobody chose.
fn any_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::from(now.unwrap().subsec_nanos()) << 16 | u64::from(std::process::id())
}

/// When a host is killed.
#[derive(Debug)]
enum Moment {
    /// So soon after it was started.
    Soon(Duration),
    /// When its tools have written so many lines.
    Lines(usize),
    /// When its tools have written so many lines, and then at the next end of one.
    End(usize),
}

impl Moment {
    /// `per_host` lines are what a host has to reach on average for the plan to take all kills.
    fn random(per_host: u64, chance: &mut Chance) -> Self {
        let lines = chance.within(per_host / 2, 2 * per_host) as usize;
        match chance.within(1, 10) {
            1 | 2 => Self::Soon(Duration::from_micros(chance.within(0, 60_000))),
            3..=5 => Self::End(lines),
            _ => Self::Lines(lines),
        }
    }

    /// Waits for it; false if the host ended before.
    fn wait(&self, stage: &Stage, host: &mut Host, before: usize) -> bool {
        if let Self::Soon(time) = self {
            std::thread::sleep(*time);
            return host.lives();
        }
        let mut ended = false;
        let came = until(PATIENCE, || {
            ended = !host.lives();
            let log = stage.log_lines();
            ended || (self.is_now(&log, before) && !is_worn(&stage.plan, &log))
        });
        assert!(came, "{self:?} of a host that does not work any more");
        !ended
    }

    fn is_now(&self, log: &[Line], before: usize) -> bool {
        let new = log.len().saturating_sub(before);
        match self {
            Self::Soon(_) => true,
            Self::Lines(lines) => new >= *lines,
            Self::End(lines) => {
                new >= *lines && log.last().is_some_and(|line| line.word == Word::End)
            }
        }
    }
}

/// A task over which so many hosts have died already is let through: after ten, remit takes it for
/// what kills them, and rightly so. Not every death of a host shows in the log, so there is room.
const WORN: usize = 4;

/// Whether some task has begun often and has not come to its last tool yet.
fn is_worn(plan: &Plan, log: &[Line]) -> bool {
    plan.tasks.iter().any(|task| {
        let own = log
            .iter()
            .filter(|line| line.task.as_deref() == Some(&task.id));
        let fences: BTreeSet<u64> = own.clone().filter_map(|line| line.fence).collect();
        let last = task.calls().last();
        let mut ends = own.filter(|line| line.word == Word::End);
        fences.len() >= WORN && !ends.any(|line| last.is_some_and(|last| last.label == line.label))
    })
}

/// Where a host was when it was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Where {
    /// Before it was on record.
    Startup,
    /// On record, before its first attempt.
    Recovery,
    /// A tool was at work.
    Tool,
    /// A tool was on record and had not begun.
    BeforeTool,
    /// A tool had ended and was not on record.
    AfterTool,
    /// An attempt was being made, no tool.
    Attempt,
    /// Gates were being checked.
    Gates,
    /// Nothing was at work.
    Between,
}

/// Where each killed host was, by what the next hosts found.
fn places(evidence: &Evidence, killed: &[u32]) -> BTreeMap<Where, usize> {
    let mut found: BTreeMap<Where, usize> = BTreeMap::new();
    for pid in killed {
        let mut places = places_of(evidence, *pid);
        places.sort();
        places.dedup();
        for place in places {
            *found.entry(place).or_default() += 1;
        }
    }
    found
}

fn places_of(evidence: &Evidence, pid: u32) -> Vec<Where> {
    let is_own =
        |event: &&Event| event.is("HOST_STARTED") && event.number("pid") == Some(u64::from(pid));
    let Some(host) = evidence.events.iter().find(is_own) else {
        return vec![Where::Startup];
    };
    let epoch = host.number("epoch");
    let own = |event: &Event, word: &str| event.is(word) && event.number("epoch") == epoch;
    let began = |event: &Event| own(event, "TASK_STARTED") || own(event, "VALIDATION_RESUMED");
    let attempts: Vec<&Event> = evidence
        .events
        .iter()
        .filter(|event| began(event))
        .collect();
    if attempts.is_empty() {
        return vec![Where::Recovery];
    }
    let left: Vec<Where> = attempts
        .into_iter()
        .filter_map(|attempt| left_at(evidence, attempt))
        .collect();
    if left.is_empty() {
        return vec![Where::Between];
    }
    left
}

/// Where an attempt was when its host was killed, if it was being made then.
fn left_at(evidence: &Evidence, attempt: &Event) -> Option<Where> {
    let after = evidence
        .events
        .iter()
        .filter(|event| event.task == attempt.task && event.seq > attempt.seq);
    let mut effect = None;
    for event in after {
        match event.word.as_str() {
            "EFFECT_UNKNOWN" => effect = event.number("effect"),
            "VALIDATION_RESUMED" => return Some(Where::Gates),
            "ATTEMPT_LOST" => {
                let Some(effect) = effect else {
                    return Some(Where::Attempt);
                };
                let mut of_effect = evidence.log.iter().filter(|line| {
                    line.task == attempt.task
                        && line.fence == attempt.fence()
                        && line.effect() == Some(effect)
                });
                return Some(match of_effect.next_back().map(|line| line.word) {
                    None => Where::BeforeTool,
                    Some(Word::Start | Word::Line) => Where::Tool,
                    Some(Word::End) => Where::AfterTool,
                });
            }
            "TASK_STARTED" | "TASK_RETRY" => return None,
            _ => {}
        }
    }
    None
}

fn table(places: &BTreeMap<Where, usize>, kills: usize) -> String {
    let mut text =
        format!("{kills} hosts were killed; where they were (a host can be at several)\n");
    for (place, count) in places {
        text.push_str(&format!(
            "  {place:<12} {count:>4}\n",
            place = format!("{place:?}")
        ));
    }
    text
}

#[test]
fn hosts_that_are_killed_again_and_again_lose_nothing_and_repeat_nothing() {
    let (seed, tasks, kills) = (
        setting("CHAOS_SEED", any_seed()),
        setting("CHAOS_TASKS", 40),
        setting("CHAOS_KILLS", 8) as usize,
    );
    eprintln!("CHAOS_SEED={seed} CHAOS_TASKS={tasks} CHAOS_KILLS={kills}");
    let mut chance = Chance::new(seed);
    let plan = Plan::random("storm", tasks as usize, &mut chance);
    let per_host = (plan.log_lines() / (2 * kills.max(1) as u64)).max(1);
    let stage = Stage::set(plan, PARALLEL);
    let answers = std::thread::spawn(stage.answers());
    let mut killed = Vec::new();
    while killed.len() < kills {
        let before = stage.log_lines().len();
        let mut host = stage.host(&[]);
        if !Moment::random(per_host, &mut chance).wait(&stage, &mut host, before) {
            let (status, said) = host.end();
            panic!(
                "the host ended with {status} after {} kills: {said}",
                killed.len()
            );
        }
        killed.push(host.id());
        host.signal(Signal::KILL);
        // Some hosts find the tools of the one before alive, if they can.
        if chance.percent(50) {
            stage.is_quiet();
        }
    }
    let evidence = stage.complete();
    answers.join().unwrap();
    let places = places(&evidence, &killed);
    eprintln!("{}", table(&places, killed.len()));
    // A short loop is too short to meet everything; a long one that met one kind only is no storm.
    let wanted = if kills >= 20 { 4 } else { 1 };
    assert!(places.len() >= wanted, "{places:?}");
}
