//! What files of other programs become: small files of every shape, and how each refusal reads.
//!
//! Never: a file.

use proptest::prelude::*;

use super::corpus_tests::{known, verdict};
use super::*;
use crate::plan::{TaskSpec, Work};

const QUEUE: &str = r#"[
  {"id": "T1", "action": "edit", "params": {"prompt": "x"}, "dependencies": [], "priority": 3},
  {"action": "test", "params": {"paths": ["tests"]}, "dependencies": ["T1"], "priority": "high"}
]"#;

const ROUTING: &str = r#"{"run_id": "782F7C6284D54D4299305CD76E", "decisions": [
  {"task_id": "T1", "task_kind": "code_edit", "selected_tool": "aider", "strategy": "auto", "candidates": ["codex", "aider", "command"]},
  {"task_id": "task-2", "task_kind": "test", "selected_tool": "pytest", "candidates": ["pytest"]},
  {"task_id": "T9", "selected_tool": "aider"}
]}"#;

const BUNDLE: &str = r#"{
  "_comment": "a remark", "id": "ws-a", "openspec_change": "C", "ccpm_issue": 1, "gate": 1,
  "files_scope": ["a.py"], "tasks": ["Do this", "Do that"], "tool": "aider",
  "acceptance_tests": ["pytest -q -p no:cacheprovider tests", "pytest && rm -rf /", "It looks good"],
  "test_gates": [{"type": "GATE_UNIT"}, {"type": "GATE_LINT", "required": true}],
  "depends_on": ["ws-0"], "circuit_breaker": {"max_attempts": 2}, "conflict_group": "g",
  "metadata": {"priority": "high", "owner": "o"}
}"#;

const SPEC: &str = r#"{
  "workstream_id": "W", "project_id": "P", "phase_id": "F", "name": "N", "objective": "O",
  "concurrency": {"max_parallel": 2}, "error_handling": {"strategy": "fail_fast"},
  "tasks": [
    {"task_id": "a", "name": "A", "kind": "code_edit", "execution": {"max_attempts": 5, "timeout_seconds": 9}},
    {"task_id": "b", "name": "B", "kind": "x", "depends_on": ["a"], "allow_parallel": true,
     "acceptance": {"checks": [{"description": "ok?", "command": "ruff check ."}]}}
  ]}"#;

const JOB: &str = r#"{
  "job_id": "job-1", "run_id": "r", "workstream_id": "w", "tool": "tests",
  "command": {"exe": "pytest", "args": ["-q", "-p", "no:cacheprovider", "tests/a.py"]},
  "env": {"SECRET_TOKEN": "hunter2"},
  "paths": {"repo_root": "/r", "working_dir": "sub", "log_file": "l", "error_report": "e"},
  "metadata": {"retry_policy": "escalate_to_codex", "timeout_seconds": 30, "max_retries": 1}}"#;

const REQUEST: &str = r#"{
  "request_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "project_id": "p", "phase_id": "f", "task_kind": "code_edit",
  "classification": {"priority": "critical"}, "resource_scope": {"write": ["a.py"]},
  "routing": {"strategy": "auto", "allowed_tools": ["aider", "codex"], "max_attempts": 2, "timeout_seconds": 5}}"#;

const FLAT_REQUEST: &str = r#"{
  "request_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "task_kind": "test", "tool_id": "pytest",
  "command": "pytest -q -p no:cacheprovider tests", "max_retries": 2, "prompt": "Test it."}"#;

const SPLINTER: &str = r#"{
  "id": "ws-s", "title": "T", "tool": "claude-code",
  "execution_steps": [{"id": "one", "description": "D", "command": "git --version"},
                      {"id": "two", "description": "E", "command": "make | tee log"}],
  "acceptance_tests": [{"id": "t", "description": "there", "command": "test -f x"}],
  "expected_artifacts": [{"id": "r", "path": "r.md"}]}"#;

const WORK_QUEUE: &str = r#"{"artifact_kind": "dome.work.queue/v0.2", "run_id": "w", "max_workers": 2,
  "tasks": [{"task_id": "a", "goal": "G", "status": "DONE"}, {"task_id": "b", "dependencies": ["a"]}]}"#;

const ALL: [&str; 9] = [
    QUEUE,
    ROUTING,
    BUNDLE,
    SPEC,
    JOB,
    REQUEST,
    FLAT_REQUEST,
    SPLINTER,
    WORK_QUEUE,
];

fn take(texts: &[&str], mode: Mode) -> Result<Imported, Diagnostics> {
    let sources: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| Source::new(format!("{index}.json"), *text))
        .collect();
    import(&sources, &known(), mode)
}

fn made(texts: &[&str]) -> Imported {
    take(texts, Mode::Lenient).unwrap_or_else(|found| panic!("{found}"))
}

fn wrong(texts: &[&str]) -> String {
    take(texts, Mode::Lenient).unwrap_err().to_string()
}

fn task<'i>(imported: &'i Imported, name: &str) -> &'i TaskSpec {
    let mut tasks = imported.plan.plan().tasks.iter();
    tasks.find(|task| task.id.as_str() == name).unwrap()
}

/// Plugin names of a task's candidates, with the adapter's.
fn tools(task: &TaskSpec) -> Vec<String> {
    let Work::Plugin { candidates, .. } = &task.work else {
        return Vec::new();
    };
    let named = candidates.iter().map(|candidate| match &candidate.adapter {
        Some(adapter) => format!("{}={adapter}", candidate.plugin),
        None => candidate.plugin.clone(),
    });
    named.collect()
}

fn needs(task: &TaskSpec) -> Vec<&str> {
    task.needs
        .iter()
        .map(crate::durable::TaskId::as_str)
        .collect()
}

fn explained(imported: &Imported) -> String {
    let lines = imported.adaptations.iter().map(|adapted| {
        let Adaptation {
            file,
            pointer,
            line,
            what,
            why,
        } = adapted;
        format!("{file}:{line} {pointer}: {what} ({why})\n")
    });
    lines.collect()
}

#[test]
fn a_queue_takes_its_tools_from_the_router_and_from_nobody_else() {
    let imported = made(&[QUEUE, ROUTING]);
    let plan = imported.plan.plan();
    assert_eq!(
        plan.run.as_ref().unwrap().as_str(),
        "782F7C6284D54D4299305CD76E"
    );
    let first = task(&imported, "T1");
    assert_eq!(tools(first), ["aider", "codex", "command"]);
    assert_eq!((first.priority, needs(first)), (3, vec![]));
    let second = task(&imported, "task-2");
    assert_eq!(tools(second), ["command=pytest"]);
    assert_eq!((second.priority, needs(second)), (50, vec!["T1"]));
    insta::assert_snapshot!(explained(&imported), @r"
    0.json:3 /1: the task is called `task-2` (it has no id)
    0.json:3 /1/priority: the priority `high` becomes 50 (priorities are numbers, larger is sooner)
    1.json:3 /decisions/1/selected_tool: the tool `pytest` does it, by its template `test` (it is declared here; the command adapter starts declared tools)
    1.json:4 /decisions/2: the decision about `T9` is not used (no file has a task of that name)
    ");
}

#[test]
fn both_shapes_of_a_queue_are_the_same() {
    let object = format!("{{\"tasks\": {QUEUE}}}");
    let (list, object) = (made(&[QUEUE, ROUTING]), made(&[ROUTING, &object]));
    assert_eq!(list.plan.plan(), object.plan.plan());
    assert_eq!(object.formats, ["routing decisions", "task queue"]);
}

#[test]
fn a_task_that_the_router_left_out_is_refused_and_not_guessed() {
    let routing = r#"{"decisions": [{"task_id": "T1", "selected_tool": "aider"}]}"#;
    let found = wrong(&[QUEUE, routing]);
    assert!(
        found
            .starts_with("0.json:3:3: nobody has decided which tool does the task `task-2`, at /1"),
        "{found}"
    );
    let found = wrong(&[QUEUE]);
    assert!(
        found.contains("at /0/id") && found.contains("at /1"),
        "{found}"
    );
    assert!(
        found.contains("give the router's decisions with it"),
        "{found}"
    );
}

#[test]
fn of_several_decisions_the_last_counts_and_assignments_only_where_there_is_none() {
    let queue = r#"[{"id": "a"}, {"id": "b"}]"#;
    let routing = r#"{"decisions": [{"task_id": "a", "selected_tool": "x"}, {"task_id": "a", "selected_tool": "y"}]}"#;
    let assignments =
        r#"{"assignments": [{"task_id": "a", "tool_id": "z"}, {"task_id": "b", "tool_id": "w"}]}"#;
    let imported = made(&[queue, routing, assignments]);
    assert_eq!(tools(task(&imported, "a")), ["y"]);
    assert_eq!(tools(task(&imported, "b")), ["w"]);
    let said = explained(&imported);
    assert!(
        said.contains("the earlier decision about `a` is not used"),
        "{said}"
    );
    assert!(said.contains("the assignment of `z` is not used"), "{said}");
}

#[test]
fn a_file_of_somebody_else_chooses_no_code_by_its_path() {
    for tool in ["./evil.wasm", "evil.wasm", "/bin/sh", "a/b", ""] {
        let routing =
            format!(r#"{{"decisions": [{{"task_id": "a", "selected_tool": "{tool}"}}]}}"#);
        let found = wrong(&[r#"[{"id": "a"}]"#, &routing]);
        assert!(found.contains("is no name of a tool or plugin"), "{found}");
    }
}

#[test]
fn a_workstream_waits_for_what_it_accepts_by() {
    let imported = made(&[BUNDLE]);
    let work = task(&imported, "ws-a");
    assert_eq!(tools(work), ["aider"]);
    assert_eq!(needs(work), ["ws-0"]);
    assert_eq!((work.priority, work.retry.unwrap().max_attempts), (50, 2));
    assert_eq!(work.conflict_group.as_deref(), Some("g"));
    assert_eq!(work.gates.len(), 1);
    assert_eq!(work.gates[0].tool, "pytest:test");
    let Work::Approval { question, .. } = &task(&imported, "ws-a-acceptance").work else {
        panic!("a question");
    };
    for check in ["- pytest && rm -rf /", "- It looks good", "- GATE_LINT"] {
        assert!(question.contains(check), "{question}");
    }
    assert!(!question.contains("GATE_UNIT"), "{question}");
    insta::assert_snapshot!(explained(&imported), @r"
    0.json:2 /_comment: keys that begin with `_comment` are ignored: 1 (they are remarks for people)
    0.json:4 /acceptance_tests/0: the check becomes a gate: `pytest:test` (these words are exactly what the owner's template gives)
    0.json:4 /acceptance_tests/1: not run, a person is asked: pytest && rm -rf / (a shell would understand the `&` in it)
    0.json:4 /acceptance_tests/2: not run, a person is asked: It looks good (no tool `It` is declared here)
    0.json:5 /test_gates/1: not run, a person is asked: GATE_LINT (it names no tool that could check it)
    0.json:6 /depends_on/0: a person is asked whether `ws-0` is done (it is needed, and in none of the files; name its file, too, to have it run)
    0.json:7 /metadata/priority: the priority `high` becomes 50 (priorities are numbers, larger is sooner)
    ");
}

#[test]
fn workstreams_that_are_given_together_wait_for_each_other() {
    let other = r#"{"id": "ws-0", "openspec_change": "C", "tasks": ["T"], "tool": "aider", "acceptance_tests": ["prose"]}"#;
    let imported = made(&[BUNDLE, other]);
    assert_eq!(needs(task(&imported, "ws-a")), ["ws-0", "ws-0-acceptance"]);
    assert!(matches!(task(&imported, "ws-0").work, Work::Plugin { .. }));
}

#[test]
fn steps_and_phases_keep_their_order() {
    let phases = r#"{"id": "ws-p", "tool": "aider", "phases": [
      {"id": "p1", "steps": [{"id": "s1", "tasks": ["a"]}, {"id": "s2", "depends_on": ["s1"]}]},
      {"id": "p2", "depends_on": ["p1"], "steps": [{"id": "s3"}]}]}"#;
    let imported = made(&[phases]);
    assert_eq!(needs(task(&imported, "s2")), ["s1"]);
    assert_eq!(needs(task(&imported, "s3")), ["s1", "s2"]);
    let found =
        wrong(&[r#"{"id": "ws-p", "tool": "x", "steps": [{"id": "a", "depends_on": ["b"]}]}"#]);
    assert!(
        found.contains("it needs `b`, which is in none of the files, at /steps/0/depends_on/0"),
        "{found}"
    );
    let found = wrong(&[
        r#"{"id": "w", "tool": "x", "steps": [{"id": "a", "depends_on": ["b"]}, {"id": "b", "depends_on": ["a"]}]}"#,
    ]);
    assert!(
        found.contains("in a circle: a → b → a, at /steps/0/id"),
        "{found}"
    );
}

#[test]
fn tasks_of_a_spec_without_a_router_are_done_by_a_person() {
    let imported = made(&[SPEC]);
    let plan = imported.plan.plan();
    assert_eq!(plan.settings.concurrency.total, 2);
    assert_eq!(plan.settings.on_failure, crate::plan::OnFailure::FailFast);
    let first = task(&imported, "a");
    assert!(matches!(first.work, Work::Manual { .. }));
    assert_eq!(first.conflict_group.as_deref(), Some("W"));
    assert_eq!(first.retry.unwrap().max_attempts, 5);
    assert_eq!(task(&imported, "b").conflict_group, None);
    let routing = r#"{"decisions": [{"task_id": "a", "selected_tool": "x"}, {"task_id": "b", "selected_tool": "y"}]}"#;
    assert_eq!(tools(task(&made(&[SPEC, routing]), "b")), ["y"]);
    let routing = r#"{"decisions": [{"task_id": "a", "selected_tool": "x"}]}"#;
    assert!(
        wrong(&[SPEC, routing])
            .contains("the router has not decided about `b`, at /tasks/1/task_id")
    );
}

#[test]
fn a_job_runs_a_declared_tool_or_nothing_and_no_value_of_its_environment_is_kept() {
    let imported = made(&[JOB]);
    let job = task(&imported, "job-1");
    assert_eq!(tools(job), ["command=pytest", "codex"]);
    assert_eq!(job.retry.unwrap().max_attempts, 2);
    let nested = BUNDLE.replace(
        "\"owner\": \"o\"",
        r#""owner": "o", "env": {"OTHER": "hunter2"}"#,
    );
    let nested = made(&[&nested]);
    let kept = serde_json::to_string(nested.plan.plan()).unwrap();
    assert!(
        kept.contains(r#""owner":"o""#) && !kept.contains("hunter2"),
        "{kept}"
    );
    let whole = serde_json::to_string(imported.plan.plan()).unwrap() + &explained(&imported);
    assert!(
        whole.contains(r#""cwd":"sub""#) && whole.contains(r#""paths":["tests/a.py"]"#),
        "{whole}"
    );
    assert!(
        whole.contains("SECRET_TOKEN") && !whole.contains("hunter2"),
        "{whole}"
    );
    let other = JOB.replace("no:cacheprovider", "xdist");
    let found = wrong(&[&other]);
    assert!(
        found.contains("no template of `pytest` has these arguments, at /command"),
        "{found}"
    );
    assert!(
        found.contains(r#"[tools.pytest.templates] NAME = ["-q","-p","xdist","tests/a.py"]"#),
        "{found}"
    );
}

#[test]
fn an_execution_request_is_one_task_in_both_shapes() {
    let imported = made(&[REQUEST]);
    let request = task(&imported, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert_eq!(tools(request), ["aider", "codex"]);
    assert_eq!(
        (request.priority, request.retry.unwrap().max_attempts),
        (100, 2)
    );
    let imported = made(&[FLAT_REQUEST]);
    let request = task(&imported, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert_eq!(tools(request), ["command=pytest"]);
    assert_eq!(request.retry.unwrap().max_attempts, 3);
    let found = wrong(&[&FLAT_REQUEST.replace("\"tool_id\": \"pytest\",", "")]);
    assert!(found.contains("`tool_id` is missing"), "{found}");
}

#[test]
fn commands_that_are_not_declared_are_words_for_the_tool() {
    let imported = made(&[SPLINTER]);
    assert_eq!(tools(task(&imported, "one")), ["command=git"]);
    assert_eq!(tools(task(&imported, "two")), ["claude-code"]);
    assert_eq!(needs(task(&imported, "two")), ["one"]);
    assert_eq!(needs(task(&imported, "ws-s-acceptance")), ["one", "two"]);
}

#[test]
fn names_that_are_not_legal_or_are_there_twice_are_rewritten_the_same_way_each_time() {
    let queue = r#"[{"id": "a b/c", "tool": "x"}, {"id": "a", "tool": "x"}, {"id": "a", "tool": "x"},
      {"id": "ü", "tool": "x"}, {"id": 7, "tool": "x", "dependencies": ["a", "a b/c"]}, {"id": "a-2", "tool": "x"}]"#;
    let imported = made(&[queue]);
    let names = verdict(&Ok(imported.clone())).unwrap();
    assert_eq!(names, ["a-b-c", "a", "a-2", "task", "7", "a-2-2"]);
    assert_eq!(needs(task(&imported, "7")), ["a", "a-b-c"]);
    assert_eq!(made(&[queue]).plan.plan(), imported.plan.plan());
    let said = explained(&imported);
    assert!(
        said.contains("/2/id: the task `a` is called `a-2` (the name is there twice)"),
        "{said}"
    );
}

#[test]
fn a_plan_that_was_imported_is_read_again_as_it_is_shown() {
    for texts in [
        vec![QUEUE, ROUTING],
        vec![BUNDLE],
        vec![SPEC],
        vec![JOB],
        vec![REQUEST],
        vec![SPLINTER],
        vec![WORK_QUEUE],
    ] {
        let imported = made(&texts);
        let shown = serde_json::to_string_pretty(imported.plan.plan()).unwrap();
        assert_eq!(made(&[&shown]).plan.plan(), imported.plan.plan());
    }
}

#[test]
fn in_strict_mode_an_adaptation_is_a_mistake_with_its_place() {
    for text in [BUNDLE, SPEC, JOB, REQUEST, SPLINTER, WORK_QUEUE] {
        assert!(!made(&[text]).adaptations.is_empty());
        let found = take(&[text], Mode::Strict).unwrap_err();
        assert!(found.list().iter().all(|found| found.pointer.is_some()));
        assert!(
            found.list().iter().any(|found| found.code == "adaptation"),
            "{found}"
        );
    }
    let queue = r#"[{"id": "a", "action": "test", "params": {}}]"#;
    let routing = r#"{"decisions": [{"task_id": "a", "selected_tool": "command"}]}"#;
    assert!(take(&[queue, routing], Mode::Strict).is_ok());
}

#[test]
fn comments_and_trailing_commas_are_let_pass_in_other_programs_files_only() {
    let queue = "// a remark\n[{\"id\": \"a\", \"tool\": \"x\",},]";
    assert!(explained(&made(&[queue])).contains("comments and trailing commas are ignored"));
    assert!(wrong(&["{\"format\": 1, \"tasks\": [], /* no */}"]).contains("not JSON"));
}

#[test]
fn plans_of_remit_stand_alone_and_files_have_a_limit() {
    let plan = r#"{"format": 1, "tasks": []}"#;
    assert!(wrong(&[plan, BUNDLE]).contains("stands alone"));
    assert!(wrong(&[]).contains("0 files"));
    assert!(wrong(&vec![plan; MAX_FILES + 1]).contains("1001 files"));
}

fn mutated(text: &str, at: usize, cut: usize, put: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = at % chars.len();
    let end = (at + cut).min(chars.len());
    let before = chars.iter().take(at);
    before
        .chain(&put.chars().collect::<Vec<_>>())
        .chain(chars.iter().skip(end))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_is_given_there_is_an_answer(
        which in 0..ALL.len(), at in any::<usize>(), cut in 0..40_usize,
        put in "|null|\\[\\]|\\{\\}|\"\"|-1|1e99|\"ws-a\"|[ -~äß\\[\\{\"]{0,6}", strict in any::<bool>(),
    ) {
        let mode = if strict { Mode::Strict } else { Mode::Lenient };
        let text = mutated(ALL.get(which).unwrap(), at, cut, &put);
        for texts in [vec![text.as_str()], vec![QUEUE, &text], vec![&text, BUNDLE, ROUTING]] {
            if let Err(found) = take(&texts, mode) {
                prop_assert!(!found.list().is_empty());
            }
        }
    }

    #[test]
    fn random_text_never_panics(text in "(?s).{0,120}") {
        drop(take(&[&text], Mode::Lenient));
    }
}
