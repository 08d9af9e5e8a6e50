//! Contracts from text to report.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

mod mistakes;

/// A README with everything that the form has.
const REVIEW: &str = include_str!("tests/review.README.md");

const NAME: &str = "phase9_review.README.md";

/// A world that a test describes.
#[derive(Default)]
struct World {
    files: Vec<&'static str>,
    directories: Vec<&'static str>,
    tables: Option<Tables>,
    events: Option<EventFacts>,
    states: Option<BTreeMap<String, u64>>,
    flags: Vec<&'static str>,
    conditions: BTreeMap<Condition, Standing>,
}

impl Facts for World {
    fn find(&self, need: &FileNeed) -> Look {
        let any = |paths: &[&str]| {
            paths
                .iter()
                .any(|path| need.matches(&path.parse().unwrap()))
        };
        let (wanted, other, name) = if need.is_directory() {
            (&self.directories, &self.files, "a file")
        } else {
            (&self.files, &self.directories, "a directory")
        };
        if any(wanted) {
            Look::Found
        } else if any(other) {
            Look::Other(name)
        } else {
            Look::Missing
        }
    }
    fn tables(&self) -> Option<&Tables> {
        self.tables.as_ref()
    }
    fn events(&self) -> Option<&EventFacts> {
        self.events.as_ref()
    }
    fn task_states(&self) -> Option<&BTreeMap<String, u64>> {
        self.states.as_ref()
    }
    fn flag(&self, name: &str) -> Standing {
        if self.flags.contains(&name) {
            Standing::Met
        } else {
            Standing::unmet(format!("{name} is not set"), "set it")
        }
    }
    fn holds(&self, condition: Condition) -> Option<Standing> {
        self.conditions.get(&condition).cloned()
    }
}

fn tables(list: &[(&str, &[&str])]) -> Option<Tables> {
    let columns = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    Some(
        list.iter()
            .map(|(name, names)| ((*name).to_owned(), columns(names)))
            .collect(),
    )
}

fn states(list: &[(&str, u64)]) -> Option<BTreeMap<String, u64>> {
    Some(
        list.iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect(),
    )
}

/// A world in which [`REVIEW`] may begin.
fn before() -> World {
    World {
        files: vec!["report.md", "notes/a.md"],
        directories: vec![".git"],
        tables: tables(&[("tasks", &["id", "adapter_id", "state"])]),
        flags: vec!["EXECUTION_COMPLETE"],
        ..World::default()
    }
}

/// A world in which [`REVIEW`] is over.
fn after() -> World {
    World {
        tables: tables(&[("tasks", &[])]),
        states: states(&[
            ("COMPLETED", 2),
            ("FAILED", 1),
            ("BLOCKED", 1),
            ("RUNNING", 0),
        ]),
        events: Some(EventFacts::of([
            "REVIEW_STARTED",
            "REVIEW_NOTED",
            "REVIEW_FINISHED",
        ])),
        ..World::default()
    }
}

fn review() -> Contract {
    Contract::parse(NAME, REVIEW).unwrap()
}

/// What is unmet, as `key item: missing`.
fn unmet(contract: &Contract, side: Side, world: &World) -> Vec<String> {
    check(contract, side, world)
        .unmet()
        .map(|checked| match &checked.standing {
            Standing::Unmet { missing, fix } => {
                assert!(!fix.is_empty());
                format!("{}: {missing}", checked.key)
            }
            Standing::Met | Standing::Warning { .. } => panic!("{checked:?}"),
        })
        .collect()
}

fn warned(contract: &Contract, side: Side, world: &World) -> Vec<String> {
    let report = check(contract, side, world);
    report
        .warnings()
        .map(|checked| checked.item.text.clone())
        .collect()
}

#[test]
fn a_readme_says_what_its_phase_needs() {
    let contract = review();
    assert_eq!(contract.phase, "Phase 9".parse().unwrap());
    assert_eq!(contract.title, "Phase 9 – Review");
    let texts = |items: &[Item]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        texts(&contract.upstream),
        ["phase5_execution", "All others (when they are over)"]
    );
    let files: Vec<_> = contract
        .entry
        .files
        .iter()
        .map(|need| need.item.clone())
        .collect();
    assert_eq!(
        texts(&files),
        [
            "report.md (from phase5)",
            "notes/*.md (at least one)",
            ".git/ (git repository)"
        ]
    );
    assert_eq!(files.first().unwrap().line, 24);
    assert_eq!(contract.exit.files.len(), 0);
    assert_eq!(
        texts(&contract.entry.unknown),
        ["required_people: a reviewer"]
    );
    let may: Vec<_> = contract
        .may_modify
        .iter()
        .map(|rule| rule.pattern.as_str())
        .collect();
    assert_eq!(may, ["notes/**", "docs/*.md"]);
    assert_eq!(contract.triggers(), [Trigger::Timeout]);
    assert_eq!(
        contract.safe_mode(),
        [SafeModeCondition::AllAdaptersUnhealthy]
    );
    let readiness = &contract.readiness;
    assert_eq!(readiness.maturity.as_deref(), Some("PRODUCTION_READY"));
    assert_eq!(
        readiness.risks.get("boredom_risk").map(String::as_str),
        Some("VERY_HIGH")
    );
    assert_eq!(readiness.gate, Some(Gate::AllowedWithMonitoring));
    assert!(readiness.needs_monitoring() && readiness.allows_production().is_ok());
}

#[test]
fn the_built_in_contract_is_that_of_the_execution() {
    let contract = Contract::built_in().unwrap();
    assert_eq!(contract.phase, PhaseId::EXECUTION);
    let blockers: Vec<_> = contract.hard_blockers.iter().map(Condition::of).collect();
    assert_eq!(
        blockers,
        [
            Condition::TasksRouted,
            Condition::AdaptersHealthy,
            Condition::EnvironmentReady
        ]
        .map(Some)
    );
    let soft: Vec<_> = contract
        .soft_dependencies
        .iter()
        .map(Condition::of)
        .collect();
    assert_eq!(
        soft,
        [Condition::ErrorDetection, Condition::Monitoring].map(Some)
    );
    assert_eq!(contract.triggers().len(), 5);
    assert_eq!(contract.safe_mode().len(), 3);
    assert_eq!(contract.exit.files.len(), 3);
    assert_eq!(contract.exit.events.len(), 4);
}

#[test]
fn entry_is_met_when_everything_is_there_and_says_what_nobody_can_judge() {
    let contract = review();
    assert_eq!(unmet(&contract, Side::Entry, &before()), [""; 0]);
    assert_eq!(
        warned(&contract, Side::Entry, &before()),
        [
            "Somebody must have time",
            "Monitoring hooks",
            "required_people: a reviewer"
        ]
    );
}

#[test]
fn each_missing_item_of_the_entry_is_named() {
    let contract = review();
    let change = |change: fn(&mut World)| {
        let mut world = before();
        change(&mut world);
        unmet(&contract, Side::Entry, &world)
    };
    assert_eq!(
        change(|w| w.files.retain(|path| *path != "report.md")),
        [
            "hard_blockers: there is no file `report.md`",
            "required_files: there is no file `report.md`"
        ]
    );
    assert_eq!(
        change(|w| w.files.retain(|path| *path != "notes/a.md")),
        ["required_files: there is no match for `notes/*.md`"]
    );
    assert_eq!(
        change(|w| {
            w.files.append(&mut w.directories);
        }),
        ["required_files: `.git/` is a file, not a directory"]
    );
    assert_eq!(
        change(|w| w.tables = tables(&[("tasks", &["id", "state"])])),
        ["required_db_tables: table `tasks` has no column `adapter_id`"]
    );
    assert_eq!(
        change(|w| w.tables = tables(&[])),
        ["required_db_tables: the ledger has no table `tasks`"]
    );
    assert_eq!(
        change(|w| w.tables = None),
        ["required_db_tables: there is no ledger, and so no table `tasks`"]
    );
    assert_eq!(
        change(|w| w.flags.clear()),
        ["required_state_flags: EXECUTION_COMPLETE is not set"]
    );
}

#[test]
fn a_blocker_that_does_not_hold_is_unmet_and_a_soft_dependency_a_warning() {
    let contract = Contract::built_in().unwrap();
    let no = Standing::unmet("no", "do it");
    let keys = |world: &World| -> Vec<&'static str> {
        let report = check(&contract, Side::Entry, world);
        report.unmet().map(|checked| checked.key).collect()
    };
    let all = [
        Condition::TasksRouted,
        Condition::AdaptersHealthy,
        Condition::EnvironmentReady,
        Condition::ErrorDetection,
        Condition::Monitoring,
    ];
    let mut world = World {
        files: vec![".state/routing_decisions.json", ".state/task_queue.json"],
        tables: tables(&[
            ("tasks", &["adapter_id"]),
            ("adapters", &[]),
            ("execution_log", &[]),
            ("patch_history", &[]),
        ]),
        flags: vec!["ROUTING_COMPLETE"],
        conditions: all.into_iter().map(|c| (c, Standing::Met)).collect(),
        ..World::default()
    };
    let report = check(&contract, Side::Entry, &world);
    assert!(
        report.is_met() && report.warnings().next().is_none(),
        "{report:?}"
    );
    for condition in all {
        let met = world.conditions.insert(condition, no.clone()).unwrap();
        let soft = matches!(condition, Condition::ErrorDetection | Condition::Monitoring);
        let want: &[&str] = if soft { &[] } else { &["hard_blockers"] };
        assert_eq!(keys(&world), want, "{condition:?}");
        let warnings = check(&contract, Side::Entry, &world).warnings().count();
        assert_eq!(warnings, usize::from(soft), "{condition:?}");
        world.conditions.insert(condition, met);
    }
}

#[test]
fn the_exit_wants_every_task_over_and_the_last_event_once() {
    let contract = review();
    assert_eq!(unmet(&contract, Side::Exit, &after()), [""; 0]);
    let change = |change: fn(&mut World)| {
        let mut world = after();
        change(&mut world);
        unmet(&contract, Side::Exit, &world)
    };
    assert_eq!(
        change(|w| w.states = states(&[("COMPLETED", 2), ("TIMEOUT", 1), ("RUNNING", 3)])),
        ["updated_db_tables: tasks are not over: 3 RUNNING, 1 TIMEOUT"]
    );
    assert_eq!(
        change(|w| w.states = None),
        ["updated_db_tables: there is no run, and so no task in one of these states"]
    );
    for (words, want) in [
        (
            &["REVIEW_STARTED"][..],
            "emitted_events: `REVIEW_FINISHED` was not emitted",
        ),
        (
            &["REVIEW_FINISHED"],
            "emitted_events: `REVIEW_STARTED` was not emitted",
        ),
        (
            &["REVIEW_STARTED", "REVIEW_FINISHED", "REVIEW_FINISHED"],
            "emitted_events: `REVIEW_FINISHED` was emitted 2 times",
        ),
        (
            &["REVIEW_STARTED", "REVIEW_FINISHED", "HEARTBEAT"],
            "emitted_events: `REVIEW_FINISHED` is not the last event; `HEARTBEAT` came after it",
        ),
    ] {
        let mut world = after();
        world.events = Some(EventFacts::of(words.iter().copied()));
        assert_eq!(unmet(&contract, Side::Exit, &world), [want], "{words:?}");
    }
    let mut world = after();
    world.events = Some(EventFacts::of(["REVIEW_STARTED", "REVIEW_FINISHED"]));
    assert_eq!(warned(&contract, Side::Exit, &world), ["REVIEW_NOTED"]);
    world.events = None;
    assert_eq!(unmet(&contract, Side::Exit, &world).len(), 2);
}

#[test]
fn editing_one_item_changes_the_check() {
    for (from, to, want) in [
        (
            "- report.md (from",
            "- other.md (from",
            "required_files: there is no file `other.md`",
        ),
        (
            "notes/*.md",
            "notes/*.txt",
            "required_files: there is no match for `notes/*.txt`",
        ),
        (
            "adapter_id and state",
            "adapter_id and owner",
            "required_db_tables: table `tasks` has no column `owner`",
        ),
        (
            "- EXECUTION_COMPLETE",
            "- OTHER",
            "required_state_flags: OTHER is not set",
        ),
    ] {
        assert!(REVIEW.contains(from), "{from}");
        let contract = Contract::parse(NAME, &REVIEW.replace(from, to)).unwrap();
        assert_eq!(unmet(&contract, Side::Entry, &before()), [want]);
    }
}

#[test]
fn protected_paths_are_ours_and_those_of_the_contract() {
    let paths = review().protected_paths();
    let texts: Vec<&str> = paths.iter().map(PathPattern::as_str).collect();
    assert_eq!(
        texts,
        [
            "schema/**",
            ".state/**",
            ".ledger/**",
            "logs/execution/**",
            "core/**/engine.py",
            "report.md"
        ]
    );
    let denied = |path: &str| {
        paths
            .iter()
            .any(|pattern| pattern.denies(&path.parse().unwrap()))
    };
    for path in [
        ".state",
        ".state/x",
        ".ledger/a/b",
        "logs/execution/t.jsonl",
        "core/a/engine.py",
        "report.md",
    ] {
        assert!(denied(path), "{path}");
    }
    for path in [
        "src/x",
        "logs/executor.jsonl",
        "core/engine.rs",
        "notes/a.md",
    ] {
        assert!(!denied(path), "{path}");
    }
    assert_eq!(always_protected().len(), ALWAYS_PROTECTED.len());
}
