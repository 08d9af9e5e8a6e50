//! A person at a terminal: the questions, and what no answer means.
//!
//! Never: a terminal of whoever runs the tests; each test makes its own.

use std::path::Path;
use std::process::Command;

use crate::home::{Home, finish, repository, wait};

/// The end of input, as typed.
const END: &str = "\u{4}";

/// What a person saw, and how the program ended.
pub(crate) struct Seen {
    pub(crate) code: Option<i32>,
    pub(crate) screen: String,
}

/// Runs the program at a terminal at which these keys were typed.
pub(crate) fn at_terminal(home: &Home, arguments: &[&str], keys: &str) -> Seen {
    let mut command = Command::new("python3");
    home.furnish(&mut command);
    command
        .env("TERM", "xterm")
        .arg("-I")
        .arg(repository().join("tests/journey/programs/terminal.py"))
        .args([keys, env!("CARGO_BIN_EXE_remit")])
        .args(arguments);
    let output = finish(command, "");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(complaint, "", "the terminal itself");
    Seen {
        code: output.status.code(),
        screen: String::from_utf8_lossy(&output.stdout).into_owned(),
    }
}

/// The arguments of a run that asks two questions: may it read, may it write.
fn run(plugin: &str) -> Vec<&str> {
    let mut arguments = vec!["run", plugin, "--allow-run=python3:unittest"];
    for input in [
        "module_name=greeting",
        "language=python",
        "module_type=library",
    ] {
        arguments.extend(["-i", input]);
    }
    arguments
}

/// The built-in plugin, and the same code as another component.
fn two_components(home: &Home) -> [String; 2] {
    let plugin = remit_builtin::find("module-creation").unwrap();
    let own = home.path("out/own.wasm");
    std::fs::write(&own, plugin.bytes).unwrap();
    // A custom section with an empty name: other bytes, same meaning.
    let other = home.path("out/other.wasm");
    std::fs::write(&other, [plugin.bytes, &[0, 1, 0]].concat()).unwrap();
    [own, other].map(|path| path.to_str().unwrap().to_owned())
}

fn is_empty(directory: &Path) -> bool {
    crate::tree::read(directory).is_empty()
}

#[test]
fn what_is_not_answered_with_yes_is_denied() {
    // Enter, a word that is no answer, a no, the end of input at once, and a yes to only one.
    for keys in ["\n\n", "maybe\nperhaps\n", "n\nN\n", END, "y\n\n"] {
        let home = Home::new();
        let seen = at_terminal(&home, &run("module-creation"), &format!("{keys}{END}{END}"));
        assert_eq!(seen.code, Some(3), "{keys:?}: {}", seen.screen);
        assert!(seen.screen.contains("[N]o"), "{keys:?}: {}", seen.screen);
        assert!(is_empty(&home.workspace()), "{keys:?}: {}", seen.screen);
    }
}

#[test]
fn yes_holds_for_this_time_only() {
    let home = Home::new();
    let seen = at_terminal(&home, &run("module-creation"), "y\nyes\n");
    assert_eq!(seen.code, Some(0), "{}", seen.screen);
    assert!(home.workspace().join("greeting/core.py").is_file());
    let reason = "looks at the files that are already there";
    assert!(seen.screen.contains(reason), "{}", seen.screen);
    let output = wait(home.remit(&run("module-creation")).spawn().unwrap());
    assert_eq!(output.status.code(), Some(3), "the next run asks again");
}

#[test]
fn always_holds_for_exactly_this_code() {
    let home = Home::new();
    let [own, other] = two_components(&home);
    let seen = at_terminal(&home, &run(&own), "a\nalways\n");
    assert_eq!(seen.code, Some(0), "{}", seen.screen);
    let again = wait(home.remit(&run(&own)).spawn().unwrap());
    let said = String::from_utf8_lossy(&again.stderr);
    assert_eq!(again.status.code(), Some(0), "off a terminal, too: {said}");
    let changed = wait(home.remit(&run(&other)).spawn().unwrap());
    assert_eq!(changed.status.code(), Some(3), "other code has no answer");
    let denied = home.remit(&run(&own)).arg("--deny-write=**").spawn();
    assert_eq!(
        wait(denied.unwrap()).status.code(),
        Some(3),
        "deny beats the answer"
    );
}

#[test]
fn nobody_is_asked_who_does_not_want_to_be() {
    for flag in ["--no-prompt", "--json"] {
        let home = Home::new();
        let mut arguments = run("module-creation");
        arguments.push(flag);
        let seen = at_terminal(&home, &arguments, "y\ny\n");
        assert_eq!(seen.code, Some(3), "{flag}: {}", seen.screen);
        assert!(!seen.screen.contains("[N]o"), "{flag}: {}", seen.screen);
    }
}

#[test]
fn what_is_forbidden_is_no_question() {
    let home = Home::new();
    let mut arguments = run("module-creation");
    arguments.extend(["--allow-read", "--deny-write=**"]);
    let seen = at_terminal(&home, &arguments, "y\ny\n");
    assert_eq!(seen.code, Some(3), "{}", seen.screen);
    assert!(!seen.screen.contains("[N]o"), "{}", seen.screen);
}

/// The arguments that learn what a run of [`run`] needs, and write it after asking.
fn learn() -> Vec<&'static str> {
    let mut arguments = run("module-creation");
    arguments.splice(0..1, ["policy", "learn"]);
    arguments.push("--write");
    arguments
}

#[test]
fn what_was_learned_is_written_after_a_yes_only() {
    for (keys, written) in [
        ("\n", false),
        ("n\n", false),
        ("later\n", false),
        ("yes\n", true),
    ] {
        let home = Home::new();
        let seen = at_terminal(&home, &learn(), &format!("{keys}{END}"));
        assert_eq!(seen.code, Some(0), "{keys:?}: {}", seen.screen);
        assert!(seen.screen.contains("write this to"), "{}", seen.screen);
        let policy = home.path("home/config/remit/policy.toml");
        assert_eq!(policy.exists(), written, "{keys:?}: {}", seen.screen);
        assert!(is_empty(&home.workspace()), "{keys:?}: {}", seen.screen);
    }
}
