//! Files that nobody here wrote: what each of them is, and what becomes of it.
//!
//! They are looked for beside the repository, in `../shared/corpus`; where that is absent, small
//! files of the same shapes are used, and the test says so.
//!
//! Never: a file that is left out of the table.

#![expect(
    clippy::disallowed_methods,
    reason = "the corpus is read from where it lies, by tests only"
)]

use std::path::{Path, PathBuf};

use super::*;
use crate::catalogue;

/// What becomes of a file: the tasks of its plan, or the beginning of the refusal.
enum Verdict {
    Tasks(&'static [&'static str]),
    Refused(&'static str),
}

use Verdict::{Refused, Tasks};

/// Every file of the corpus that could be taken for a plan.
const TABLE: &[(&str, Verdict)] = &[
    (
        "state/adapter_assignments.json",
        Refused("3:18 /assignments this says which tool does a task"),
    ),
    (
        "state/cli_executions.jsonl",
        Refused("1:1  this is JSON lines, not a plan: a record of an execution"),
    ),
    (
        "state/current.json",
        Refused("1:1  this is the state of the pipeline (current.json), not a plan"),
    ),
    (
        "state/execution_results.json",
        Refused("1:1  this is results of an execution (execution_results.json), not a plan"),
    ),
    (
        "state/health.json",
        Refused("1:1  this is a report of health (health.json), not a plan"),
    ),
    (
        "state/routing_decisions.json",
        Refused("3:16 /decisions this says which tool does a task"),
    ),
    (
        "workstream/01_simple_task.json",
        Tasks(&[
            "ws-example-01-simple-task",
            "ws-example-01-simple-task-acceptance",
        ]),
    ),
    (
        "workstream/02_parallel_execution.json",
        Tasks(&[
            "step-01-math-utils",
            "step-02-string-utils",
            "step-03-file-utils",
            "ws-example-02-parallel-execution-acceptance",
        ]),
    ),
    (
        "workstream/04_multi_phase.json",
        Tasks(&[
            "step-01-create-processor",
            "step-02-create-validator",
            "step-03-create-reporter",
            "ws-example-04-multi-phase-acceptance",
        ]),
    ),
    (
        "workstream/dome.event.envelope.json",
        Refused("1:1  this is an event (dome.event.envelope), not a plan"),
    ),
    (
        "workstream/dome.task.result.json",
        Refused("1:1  this is the result of a task (dome.task.result), not a plan"),
    ),
    (
        "workstream/dome.work.queue.json",
        Tasks(&["task-001", "task-002"]),
    ),
    (
        "workstream/splinter-ws-001.json",
        Tasks(&[
            "verify-config",
            "check-python",
            "generate-workstream",
            "run-orchestrator",
            "ws-001-acceptance",
        ]),
    ),
    (
        "workstream/ws-22-pipeline-plus-phase0-schema.json",
        Tasks(&[
            "ws-22-pipeline-plus-phase0-schema",
            "ws-22-pipeline-plus-phase0-schema-acceptance",
        ]),
    ),
    (
        "workstream/ws-abs-003-process-executor.json",
        Refused("8:21  not JSON: "),
    ),
    (
        "workstream/ws-test-pipeline.json",
        Tasks(&["ws-test-pipeline"]),
    ),
    ("job/aider_job.json", Tasks(&["job-2025-11-20-001"])),
    (
        "job/git_job.json",
        Refused("6:14 /command the command is not run: no template of `git` has these arguments"),
    ),
    (
        "contract/phase0_bootstrap.README.md",
        Refused("1:1  this is the contract of a phase, not a plan"),
    ),
    (
        "contract/phase1_planning.README.md",
        Refused("1:1  this is the contract of a phase, not a plan"),
    ),
    (
        "contract/phase4_routing.README.md",
        Refused("1:1  this is the contract of a phase, not a plan"),
    ),
    (
        "contract/phase5_execution.README.md",
        Refused("1:1  this is the contract of a phase, not a plan"),
    ),
];

fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus")
}

/// The plugins that remit carries.
const BUILT_IN: &[&str] = &[
    "acp",
    "aider",
    "automation-enabled-status",
    "cargo-test",
    "claude",
    "cleanup",
    "codex",
    "command",
    "config-setup",
    "gemini",
    "git",
    "go-test",
    "http",
    "implementation-status",
    "lint",
    "manual",
    "mock",
    "module-creation",
    "module-creation-convergence",
    "node-test",
    "opencode",
    "pytest",
    "qwen",
];

/// The catalogue's tools, and the plugins that remit carries.
pub(super) fn known() -> Known {
    let layer = catalogue::layer().unwrap();
    let policy = crate::policy::Policy::layered(vec![layer]).unwrap();
    let tools = policy.tools();
    Known {
        plugins: BUILT_IN.iter().map(|&id| id.to_owned()).collect(),
        tools: tools
            .map(|(tool, _)| {
                (
                    tool.id().clone(),
                    tool.templates().clone().into_iter().collect(),
                )
            })
            .collect(),
    }
}

/// A verdict as text, to be held against another.
pub(super) fn verdict(found: &Result<Imported, Diagnostics>) -> Result<Vec<String>, String> {
    match found {
        Ok(imported) => {
            let tasks = imported.plan.plan().tasks.iter();
            Ok(tasks.map(|task| task.id.to_string()).collect())
        }
        Err(found) => {
            let first = found.list().first().unwrap();
            let (line, column) = (first.line, first.column);
            let pointer = first.pointer.as_deref().unwrap_or_default();
            Err(format!("{line}:{column} {pointer} {}", first.message))
        }
    }
}

#[test]
fn every_file_of_the_corpus_becomes_a_plan_or_is_refused_with_its_place() {
    let shared = shared();
    if !shared.is_dir() {
        eprintln!(
            "{} is not there: only the small copies are read",
            shared.display()
        );
        return;
    }
    let mut seen = Vec::new();
    for folder in ["state", "workstream", "job", "contract"] {
        for entry in std::fs::read_dir(shared.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            seen.push(format!("{folder}/{name}"));
        }
    }
    seen.sort_unstable();
    let mut wrong = String::new();
    for name in &seen {
        let text = std::fs::read_to_string(shared.join(name)).unwrap();
        let found = import(&[Source::new(name.as_str(), text)], &known(), Mode::Lenient);
        let got = verdict(&found);
        let fits = match TABLE.iter().find(|(known, _)| known == name) {
            Some((_, Tasks(tasks))) => got.as_ref().is_ok_and(|got| got == tasks),
            Some((_, Refused(start))) => got.as_ref().is_err_and(|got| got.starts_with(start)),
            None => false,
        };
        if !fits {
            wrong.push_str(&format!("{name}: {got:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert_eq!(seen.len(), TABLE.len(), "a file of the table is gone");
}

#[test]
fn a_file_of_the_corpus_that_was_cut_off_gets_an_answer() {
    let shared = shared();
    for (name, _) in TABLE {
        let Ok(text) = std::fs::read_to_string(shared.join(name)) else {
            eprintln!("{name} is not there");
            continue;
        };
        for part in 0..20 {
            let at = text.floor_char_boundary(text.len() * part / 20);
            let (before, after) = text.split_at(at);
            // Cut off, and with a hole: the second is often JSON still.
            let hole = after.split_once(',').map_or("", |(_, after)| after);
            for text in [before.to_owned(), format!("{before}{hole}")] {
                drop(import(&[Source::new("f", text)], &known(), Mode::Lenient));
            }
        }
    }
}
