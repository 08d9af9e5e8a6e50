//! C2: the host has a controlling terminal, and its tool tries to type into it.
//!
//! Never: the terminal of whoever runs the tests.

use std::process::Command;

use serde_json::json;

use crate::home::{finish, repository};
use crate::stage::{SECRET, Stage, User};

#[test]
fn at_a_terminal_nothing_is_typed_for_the_user() {
    let stage = Stage::set(User::Own, None);
    let inputs = stage.home.path("out/inputs.json");
    let request = json!({
        "tool": "attacker", "template": "attack",
        "slots": {"row": "terminal", "options": []},
    });
    std::fs::write(&inputs, request.to_string()).unwrap();
    let mut command = Command::new("python3");
    stage.home.furnish(&mut command);
    command.env("TERM", "xterm").arg("-I");
    command.arg(repository().join("tests/attack/programs/controlling.py"));
    command.args([
        env!("CARGO_BIN_EXE_remit"),
        "run",
        "command",
        "--json",
        "--no-prompt",
    ]);
    command
        .args(["--allow-read", "--allow-run=attacker", "--input-file"])
        .arg(inputs);
    command
        .arg("--policy")
        .arg(stage.home.path("out/policy.toml"));
    let output = finish(command, "");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "",
        "the terminal itself"
    );
    let screen = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{screen}");
    assert!(screen.contains("TIOCSTI"), "nothing was tried: {screen}");
    assert!(
        !screen.contains("BREACHED") && !screen.contains(SECRET),
        "{screen}"
    );
    assert!(screen.ends_with("waiting=0\n"), "{screen}");
}
