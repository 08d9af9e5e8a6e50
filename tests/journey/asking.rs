//! Plugins that ask a person: at the terminal of a run, where nobody is, and in durable tasks that
//! are answered from another process, whatever happens to the host meanwhile.
//!
//! Never: an answer that the person did not give.

use std::process::Child;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::check::events;
use crate::home::{Home, PATIENCE, finish, guests, wait};
use crate::machine::{send, until};
use crate::terminal::at_terminal;

/// A home with a plan of one task, which asks.
struct Scene {
    home: Home,
}

impl Scene {
    fn new(task: Value) -> Self {
        let home = Home::new();
        guests();
        let policy = format!(
            "format = 1\n[plugins.probe]\nfile = \"{}\"\n[plugins.manual]\nread = [\".\"]\n",
            home.places()["$PROBE"]
        );
        std::fs::write(home.path("out/policy.toml"), policy).unwrap();
        let plan = json!({"format": 1, "run": "r", "tasks": [task]});
        std::fs::write(home.path("out/plan.json"), plan.to_string()).unwrap();
        Self { home }
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let policy = self.home.path("out/policy.toml");
        let mut command = self.home.remit(arguments);
        if arguments[0] == "execute" {
            command.arg("--policy").arg(policy);
        }
        command.spawn().unwrap()
    }

    fn say(&self, arguments: &[&str]) -> (i32, String) {
        let output = wait(self.start(arguments));
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        (output.status.code().unwrap_or(-1), text)
    }

    fn execute(&self) -> Child {
        let plan = self.home.path("out/plan.json");
        self.start(&["execute", plan.to_str().unwrap()])
    }

    fn until_asked(&self) {
        let asks = || {
            self.say(&["task", "list", "--waiting", "--json"])
                .1
                .contains("\"r\"")
        };
        assert!(until(PATIENCE, asks), "nobody is asked");
    }

    /// The words of what happened to the task, without what its attempt did.
    fn words(&self) -> Vec<String> {
        let (_, text) = self.say(&["events", "r/a", "--json"]);
        let entries = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let words = entries.map(|entry: Value| entry["event"].as_str().unwrap().to_owned());
        words.filter(|word| word != "ACTIVITY").collect()
    }

    fn times(&self, word: &str) -> usize {
        self.words().iter().filter(|found| *found == word).count()
    }

    fn ends_with(&self, host: Child, code: i32, phase: &str) {
        let output = wait(host);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        let (_, shown) = self.say(&["show", "r/a", "--json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["task"]["phase"], phase, "{shown}");
    }
}

fn asks() -> Value {
    json!({"id": "a", "plugin": "probe", "inputs": {"action": "ask", "text": "Ship it?"},
           "retry": {"max-attempts": 1}})
}

fn manual(expect: Value) -> Value {
    json!({"id": "a", "plugin": "manual", "retry": {"max-attempts": 1},
           "inputs": {"instructions": "Turn the key.", "expect": expect}})
}

/// Everything that is on record of runs.
fn recorded(home: &Home) -> String {
    let runs = crate::home::containing(&home.path("home/state"), "run-finished");
    runs.iter()
        .map(|file| std::fs::read_to_string(file).unwrap_or_default())
        .collect()
}

fn probe(home: &Home) -> [String; 6] {
    let probe = home.places()["$PROBE"].clone();
    [
        "run",
        &probe,
        "-i",
        "action=ask",
        "-i",
        "text=Ship \u{1b}[31mit?",
    ]
    .map(str::to_owned)
}

#[test]
fn at_a_terminal_the_person_is_asked_and_the_word_counts() {
    for (keys, yes) in [("perhaps\ny looks good\n", true), ("no\n", false)] {
        let home = Home::new();
        let arguments = probe(&home);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let seen = at_terminal(&home, &arguments, keys);
        assert_eq!(seen.code, Some(0), "{}", seen.screen);
        let screen = &seen.screen;
        assert!(screen.contains("asks for a decision"), "{screen}");
        // What a plugin writes does not steer the terminal.
        assert!(screen.contains("\\u{1b}[31mit?"), "{screen}");
        let recorded = recorded(&home);
        assert!(recorded.contains(&format!("\"yes\":{yes}")), "{recorded}");
        assert_eq!(
            recorded.contains("\"note\":\"looks good\""),
            yes,
            "{recorded}"
        );
    }
}

#[test]
fn the_end_of_input_is_no_answer() {
    let home = Home::new();
    let arguments = probe(&home);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let seen = at_terminal(&home, &arguments, "\u{4}");
    assert_eq!(seen.code, Some(0), "{}", seen.screen);
    let recorded = recorded(&home);
    assert!(recorded.contains("the terminal was closed"), "{recorded}");
}

#[test]
fn where_nobody_is_there_is_no_answer_and_it_is_said_what_to_do() {
    let home = Home::new();
    let arguments = probe(&home);
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let off = finish(home.remit(&arguments), "");
    assert_eq!(off.status.code(), Some(0));
    let said = recorded(&home);
    assert!(said.contains("Unanswered"), "{said}");
    assert!(said.contains("remit execute"), "{said}");
    for flag in ["--no-prompt", "--json"] {
        let home = Home::new();
        arguments.push(flag);
        let seen = at_terminal(&home, &arguments, "y\n");
        assert!(!seen.screen.contains("asks for"), "{}", seen.screen);
        assert!(recorded(&home).contains("Unanswered"), "{flag}");
        arguments.pop();
    }
}

#[test]
fn a_deadline_gives_the_default_or_none() {
    // At a terminal at which nobody types anything.
    for (inputs, expected) in [
        (
            json!({"action": "ask", "text": "x", "deadline_ms": 1, "default": true}),
            "deadline",
        ),
        (
            json!({"action": "ask", "text": "x", "deadline_ms": 1}),
            "Expired",
        ),
        (json!({"action": "ask", "text": ""}), "Invalid"),
        (
            json!({"action": "ask", "text": "x", "default": true}),
            "Invalid",
        ),
    ] {
        let home = Home::new();
        let probe = home.places()["$PROBE"].clone();
        let file = home.path("out/inputs.json");
        std::fs::write(&file, inputs.to_string()).unwrap();
        let arguments = ["run", &probe, "--input-file", file.to_str().unwrap()];
        let seen = at_terminal(&home, &arguments, "");
        let recorded = recorded(&home);
        assert!(
            recorded.contains(expected),
            "{inputs}: {recorded}{}",
            seen.screen
        );
    }
}

#[test]
fn both_the_question_and_the_answer_are_on_record() {
    let home = Home::new();
    let mut arguments = probe(&home).to_vec();
    arguments.push("--json".to_owned());
    let done = finish(home.remit(&arguments), "");
    let all = events(&String::from_utf8_lossy(&done.stdout)).unwrap();
    // Nobody was there, so nobody was asked: only what the plugin got is there.
    assert!(
        all.iter()
            .all(|event| event["message"] != "a person is asked")
    );
    let record = |home: &Home| {
        let runs = home.path("home/state/remit/runs");
        crate::home::containing(&runs, "the answer is: yes")
    };
    assert!(record(&home).is_empty());
    arguments.pop();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    at_terminal(&home, &arguments, "y\n");
    assert_eq!(record(&home).len(), 1);
}

#[test]
fn a_durable_task_is_answered_from_another_process() {
    for (command, code, phase) in [
        (
            vec!["approve", "r/a", "--note", "looks good"],
            0,
            "COMPLETED",
        ),
        (vec!["reject", "r/a"], 0, "COMPLETED"),
    ] {
        let scene = Scene::new(asks());
        let host = scene.execute();
        scene.until_asked();
        for view in [
            vec!["task", "list", "--waiting"],
            vec!["show", "r/a"],
            vec!["events", "r/a"],
        ] {
            let (_, text) = scene.say(&view);
            assert!(text.contains("Ship it?"), "{view:?}: {text}");
            assert!(text.contains("remit approve r/a"), "{view:?}: {text}");
        }
        let (_, text) = scene.say(&["show", "r"]);
        assert!(text.contains("remit task list --waiting"), "{text}");
        // The wrong kind of answer is none.
        let (wrong, text) = scene.say(&["task", "done", "r/a"]);
        assert_eq!(wrong, 2, "{text}");
        assert!(text.contains("remit approve r/a"), "{text}");
        let (answered, text) = scene.say(&command);
        assert_eq!(answered, 0, "{text}");
        scene.ends_with(host, code, phase);
        // Said twice it is the same.
        assert_eq!(scene.times("TASK_ANSWERED"), 1);
    }
}

#[test]
fn a_host_that_is_killed_while_a_person_is_asked_loses_nothing() {
    for between in [true, false] {
        let scene = Scene::new(asks());
        let host = scene.execute();
        scene.until_asked();
        send(host.id(), Signal::KILL);
        wait(host);
        let (_, text) = scene.say(&["task", "list", "--waiting"]);
        assert!(text.contains("Ship it?"), "{text}");
        if between {
            assert_eq!(scene.say(&["approve", "r/a"]).0, 0);
        }
        let host = scene.start(&["execute", "--run", "r"]);
        if !between {
            let goes_on = || scene.times("TASK_STARTED") == 2;
            assert!(until(PATIENCE, goes_on));
            assert_eq!(scene.say(&["approve", "r/a"]).0, 0);
        }
        scene.ends_with(host, 0, "COMPLETED");
        assert_eq!(scene.times("TASK_WAITING"), 1, "{:?}", scene.words());
        assert_eq!(scene.times("TASK_ANSWERED"), 1);
    }
}

#[test]
fn a_task_that_asks_can_be_cancelled() {
    let scene = Scene::new(asks());
    let host = scene.execute();
    scene.until_asked();
    assert_eq!(scene.say(&["cancel", "r/a"]).0, 0);
    scene.ends_with(host, 1, "CANCELED");
    let (code, text) = scene.say(&["approve", "r/a"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("asks nobody"), "{text}");
}

#[test]
fn manual_work_counts_with_what_it_was_to_leave() {
    for (leave, answer, phase) in [
        (true, vec!["task", "done", "r/a"], "COMPLETED"),
        (false, vec!["task", "done", "r/a"], "FAILED"),
        (
            true,
            vec!["task", "fail", "r/a", "--note", "no key"],
            "FAILED",
        ),
    ] {
        let scene = Scene::new(manual(json!(["key/turned"])));
        let host = scene.execute();
        scene.until_asked();
        let (_, text) = scene.say(&["task", "list", "--waiting"]);
        assert!(
            text.contains("Turn the key.") && text.contains("key/turned"),
            "{text}"
        );
        if leave {
            std::fs::create_dir(scene.home.workspace().join("key")).unwrap();
            std::fs::write(scene.home.workspace().join("key/turned"), "").unwrap();
        }
        assert_eq!(scene.say(&answer).0, 0);
        scene.ends_with(host, i32::from(phase != "COMPLETED"), phase);
        let (_, shown) = scene.say(&["events", "r/a", "--json"]);
        let why = if leave {
            "no key"
        } else {
            "not there: key/turned"
        };
        assert_eq!(shown.contains(why), phase == "FAILED", "{shown}");
    }
}

#[test]
fn manual_work_in_a_run_is_asked_for_at_the_terminal() {
    let home = Home::new();
    let arguments = ["run", "manual", "-i", "instructions=Turn the key."];
    let seen = at_terminal(&home, &arguments, "y by hand\n");
    assert_eq!(seen.code, Some(0), "{}", seen.screen);
    assert!(
        seen.screen.contains("asks you to do something"),
        "{}",
        seen.screen
    );
    let off = finish(home.remit(&arguments), "");
    assert_eq!(off.status.code(), Some(6), "{off:?}");
    let mut expecting = arguments.to_vec();
    expecting.extend(["-i", "expect=[\"x\"]"]);
    let seen = at_terminal(&home, &expecting, "y\n");
    assert_eq!(seen.code, Some(6), "{}", seen.screen);
    assert!(!seen.screen.contains("asks you"), "{}", seen.screen);
}
