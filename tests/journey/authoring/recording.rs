//! `remit run --record-io`: a real run becomes a scenario, and the scenario gives the same outcome.
//!
//! Never: a scenario that was changed after it was recorded.

use super::{ends, remit, write};
use crate::home::Home;

const POLICY: &str = r#"format = 1
[tools.python]
program = "python3"
[tools.python.templates]
make = ["-I", "-B", "-c", "import sys; print('made'); open('out.txt', 'w').write('x' * 2000); sys.stderr.buffer.write(b'\\xff\\n'); sys.exit(4)"]
echo = ["-I", "-B", "-c", "import sys; sys.stdout.write(sys.stdin.read().upper())"]
[plugins.command]
read = ["."]
write = ["."]
run = ["python"]
env = []
"#;

fn recorded(home: &Home, inputs: &[&str], code: i32) -> String {
    let policy = home.path("out/policy.toml");
    write(&policy, POLICY);
    write(&home.workspace().join("there.txt"), "before\n");
    let file = home.path("out/tests/recorded.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let mut arguments = vec![
        "run",
        "command",
        "--policy",
        policy.to_str().unwrap(),
        "--no-prompt",
        "--record-io",
        &file,
    ];
    arguments.extend(inputs);
    let said = ends(home, code, &arguments);
    assert!(said.err.contains("recorded in"), "{said:?}");
    file
}

#[test]
fn a_recorded_run_plays_to_the_same_end_without_the_tool() {
    let home = Home::new();
    let file = recorded(&home, &["-i", "tool=python", "-i", "template=make"], 1);
    let text = std::fs::read_to_string(&file).unwrap();
    for part in [
        "made\\n",
        "exit = 4",
        "\"out.txt\" = \"created\"",
        "base64",
        "workspace =",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let kept = home.path("out/tests/recorded.files/workspace/there.txt");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "before\n");
    let said = ends(&home, 0, &["plugin", "test", "command", &file]);
    assert!(said.out.contains("1 passed, 0 failed"), "{said:?}");
    // What it plays matters: with another exit code the same scenario fails.
    write(
        &home.path("out/tests/other.toml"),
        &text.replace("exit = 4", "exit = 0"),
    );
    let other = home.path("out/tests/other.toml");
    ends(
        &home,
        1,
        &["plugin", "test", "command", other.to_str().unwrap()],
    );
}

#[test]
fn what_a_tool_was_given_to_read_is_recorded() {
    let home = Home::new();
    let inputs = [
        "-i",
        "tool=python",
        "-i",
        "template=echo",
        "-i",
        "stdin=\"hello\"",
    ];
    let file = recorded(&home, &inputs, 0);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("stdin = \"hello\"") && text.contains("HELLO"),
        "{text}"
    );
    ends(&home, 0, &["plugin", "test", "command", &file]);
}

#[test]
fn a_record_overwrites_nothing() {
    let home = Home::new();
    let file = home.path("out/there.toml");
    write(&file, "mine");
    let said = remit(
        &home,
        &["run", "command", "--record-io", file.to_str().unwrap()],
    );
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let said = remit(&home, &["run", "command", "--record-io", "x.json"]);
    assert!(said.err.contains(".toml"), "{said:?}");
}
