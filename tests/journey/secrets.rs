//! Secrets of tools: whoever reads what remit says or leaves behind finds no value, however
//! talkative the tool and the log are. What is not caught is shown here, too.
//!
//! Never: a value in this repository that anyone would miss.

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};

use crate::home::{Home, containing, finish, repository};

/// The value in the host's environment.
const FROM_ENV: &str = "env-canary-5f2c81";

/// The value in a file.
const FROM_FILE: &str = "file-canary-b7709e";

/// The first of these bytes of a value are already too many.
const BEGINNING: usize = 6;

/// How a run is watched.
const WAYS: [&[&str]; 3] = [&["--json"], &[], &["--json", "-v", "-v"]];

/// What `teller.py` can do without a value being read by anyone.
const CAUGHT: [&str; 6] = ["whole", "pieces", "line", "both", "child", "cut"];

/// A home with a policy that gives secrets to `teller.py`.
fn furnished() -> Home {
    let home = Home::new();
    // As an editor of another system saves it; `teller.py` leaves the end out.
    std::fs::write(key(&home), format!("{FROM_FILE}\r\n")).unwrap();
    let program = repository().join("tests/journey/programs/teller.py");
    let program = std::fs::read_to_string(program).unwrap();
    let program = Value::from(program.replace('{', "{{").replace('}', "}}"));
    let templates = CAUGHT
        .iter()
        .chain(&["base64", "split", "file", "error", "version"]);
    let templates: String = templates
        .map(|word| format!("{word} = [\"-I\", \"-B\", \"-c\", {program}, \"{word}\"]\n"))
        .collect();
    let text = format!(
        "format = 1\n[tools.teller]\nprogram = \"python3\"\n[tools.teller.templates]\n{templates}\
         [tools.teller.run]\noutput = \"1KiB\"\n\
         secret = {{ TELLER_ENV = \"env:HOST_KEY\", TELLER_FILE = \"file:{}\" }}\n",
        key(&home).display()
    );
    std::fs::write(home.path("policy.toml"), text).unwrap();
    home
}

/// Where the value in a file is.
fn key(home: &Home) -> PathBuf {
    home.path("key")
}

/// Starts the program with the policy, the value in its environment and all of its log.
fn start(home: &Home, arguments: &[&str], stdin: &str) -> Output {
    let mut command = home.remit(arguments);
    command
        .arg("--policy")
        .arg(home.path("policy.toml"))
        .env("HOST_KEY", FROM_ENV);
    if arguments.contains(&"-v") {
        command.env("REMIT_LOG", "trace");
    }
    finish(command, stdin)
}

/// Starts the probe.
fn probe(home: &Home, way: &[&str], inputs: &Value) -> Output {
    let places = home.places();
    let mut arguments = vec!["run", &places["$PROBE"], "--allow-read", "--allow-write"];
    arguments.extend(["--allow-run=teller", "--input-file", "-"]);
    arguments.extend(way);
    start(home, &arguments, &inputs.to_string())
}

fn call(word: &str) -> Value {
    json!({"action": "run", "call": {"tool": "teller", "template": word}})
}

fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|one| String::from_utf8_lossy(one));
    format!("{out}{err}")
}

/// What the plugin saw: the outputs in the last event.
fn seen(output: &Output) -> Value {
    let events = crate::check::events(&String::from_utf8_lossy(&output.stdout)).unwrap();
    let last = events.last().unwrap();
    last.pointer("/outcome/outputs").unwrap_or(last).clone()
}

/// Nothing that was said holds a value, or even the beginning of one.
fn is_silent(what: &str, output: &Output) {
    let said = text(output);
    for value in [FROM_ENV, FROM_FILE] {
        let beginning = &value[..BEGINNING];
        assert!(!said.contains(beginning), "{what} said {value}: {said}");
    }
}

/// Nothing that was left holds a value, but the file that the value came from.
fn leaves_nothing(home: &Home) {
    for value in [FROM_ENV, FROM_FILE] {
        let mut found = containing(&home.path(""), &value[..BEGINNING]);
        found.retain(|path| *path != key(home));
        assert!(found.is_empty(), "{value} is in {found:?}");
    }
}

#[test]
fn what_a_tool_tells_is_masked_for_plugin_terminal_log_record_and_audit() {
    let home = furnished();
    let mut actions: Vec<Value> = CAUGHT.map(call).to_vec();
    actions.push(call("error"));
    actions.push(json!({"action": "stream", "call": {"tool": "teller", "template": "pieces"}}));
    actions.push(
        json!({"action": "lines", "keep": 9, "call": {"tool": "teller", "template": "line"}}),
    );
    actions.push(json!({"action": "env"}));
    let inputs = json!({"action": "sequence", "actions": actions});
    for way in WAYS {
        let output = probe(&home, way, &inputs);
        assert_eq!(output.status.code(), Some(0), "{way:?}: {}", text(&output));
        is_silent(&format!("a run with {way:?}"), &output);
        if !way.contains(&"--json") {
            continue;
        }
        let seen = seen(&output);
        let said = |at: &str| seen["ok"].pointer(at).cloned().unwrap_or_default();
        for (at, expected) in [
            ("/0/ok/stdout", "[secret]\n[secret]\n"),
            ("/1/ok/stdout", "[secret][secret]\n"),
            (
                "/2/ok/stdout",
                "GET /?key=[secret]&other=\"[secret]\" HTTP/1.1\n",
            ),
            ("/3/ok/stdout", "out [secret][secret]\n"),
            ("/3/ok/stderr", "err [secret][secret]\n"),
            ("/4/ok/stderr", "child got ['[secret]', '[secret]']\n"),
            ("/6/ok/stderr", "cannot log in with [secret] or [secret]\n"),
            ("/7/ok/beginning", "[secret][secret]\n"),
        ] {
            assert_eq!(said(at), expected, "{at}: {seen}");
        }
        assert_eq!(said("/6/ok/exit/code"), 1, "{seen}");
        assert_eq!(said("/5/ok/truncated"), true, "{seen}");
        let cut = said("/5/ok/stdout");
        assert!(cut.as_str().unwrap().ends_with("xx[secret]"), "{cut}");
        assert_eq!(said("/9/ok/variables"), json!({}));
    }
    leaves_nothing(&home);
}

#[test]
fn a_tool_that_fails_on_behalf_of_an_adapter_tells_no_value_either() {
    let home = furnished();
    for way in WAYS {
        let run = [
            "run",
            "command",
            "-i",
            "tool=teller",
            "-i",
            "template=error",
        ];
        let allow = ["--allow-read", "--allow-write", "--allow-run=teller"];
        let output = start(&home, &[&run, &allow[..], way].concat(), "");
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains("[secret]"), "{}", text(&output));
        is_silent(&format!("command with {way:?}"), &output);
    }
    leaves_nothing(&home);
}

#[test]
fn no_command_shows_a_value() {
    let home = furnished();
    let plugin = home.places()["$PROBE"].clone();
    probe(&home, &[], &call("whole"));
    let grant = ["grant", &plugin, "--allow-run=teller", "--yes"];
    let told = r#"call={"tool":"teller","template":"both"}"#;
    for arguments in [
        &grant[..],
        &[
            "grant",
            &plugin,
            "--allow-run=teller",
            "--yes",
            "--update",
            "--json",
        ],
        &["run", &plugin, "-i", "action=env"],
        &["policy", "show"],
        &["policy", "show", "--json"],
        &["policy", "show", "--allow-run=teller", "--json"],
        &["policy", "check"],
        &["policy", "check", "--json"],
        &["policy", "explain", "last", "--plugin", &plugin],
        &[
            "policy",
            "explain",
            "run",
            "teller:whole",
            "--plugin",
            &plugin,
        ],
        &["policy", "learn", &plugin, "-i", "action=run", "-i", told],
        &["tool", "list"],
        &["tool", "list", "--json"],
        &["tool", "check", "teller"],
        &["tool", "check", "teller", "--json"],
        &["grants"],
        &["grants", "--json"],
        &["inspect", &plugin],
        &["inspect", &plugin, "--json"],
        &["plugin", "list"],
        &["validate", &plugin, "-i", "action=env"],
    ] {
        let output = start(&home, &[arguments, &["-v", "-v"]].concat(), "");
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            text(&output)
        );
        is_silent(&arguments.join(" "), &output);
    }
    for arguments in [
        &["audit", "show"][..],
        &["audit", "show", "--json"],
        &["audit", "verify"],
        &["audit", "tail", "--json"],
        &["trust", "--list"],
        &["revoke", "--all"],
    ] {
        let mut command = home.remit(arguments);
        command.args(["-v", "-v"]).env("HOST_KEY", FROM_ENV);
        command.env("REMIT_LOG", "trace");
        let output = finish(command, "");
        is_silent(&arguments.join(" "), &output);
    }
    leaves_nothing(&home);
}

#[test]
fn what_a_program_says_about_its_version_is_approved_without_the_value() {
    let home = furnished();
    let plugin = home.places()["$PROBE"].clone();
    let grant = ["grant", &plugin, "--allow-run=teller", "--yes", "--json"];
    let output = start(&home, &grant, "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(
        text(&output).contains("teller 1.0 [secret]"),
        "{}",
        text(&output)
    );
    is_silent("grant", &output);
    leaves_nothing(&home);
}

#[test]
fn an_encoded_value_and_one_in_halves_are_not_caught_and_a_file_is_the_tools_own_work() {
    let home = furnished();
    let actions = ["base64", "split", "file"].map(call);
    let output = probe(
        &home,
        &["--json"],
        &json!({"action": "sequence", "actions": actions}),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let said = text(&output);
    let (first, second) = FROM_ENV.split_at(FROM_ENV.len() / 2);
    // `env-canary-5f2c81`, as `base64` writes it.
    let encoded = "ZW52LWNhbmFyeS01ZjJjODE=";
    for told in [encoded, first, second] {
        assert!(
            said.contains(told),
            "{told} is caught now: say so in docs/policy.md"
        );
    }
    assert!(!said.contains(FROM_ENV), "{said}");
    let left = home.workspace().join("left.txt");
    assert_eq!(std::fs::read_to_string(&left).unwrap(), FROM_ENV);
    assert_eq!(
        containing(&home.path(""), FROM_ENV),
        [left],
        "only where the tool put it"
    );
}

#[test]
fn a_value_that_cannot_be_used_is_not_in_the_refusal() {
    for (host_key, file) in [
        ("short-1", "fit-for-use-1\n"),
        (FROM_ENV, "short-2\n"),
        (FROM_ENV, "with-nul-\0-canary"),
        (FROM_ENV, "\n"),
    ] {
        let home = furnished();
        std::fs::write(key(&home), file).unwrap();
        let mut command = home.remit(&["run", &home.places()["$PROBE"], "--json", "-v", "-v"]);
        command
            .args(["--allow-read", "--allow-write", "--allow-run=teller"])
            .args(["--input-file", "-"])
            .arg("--policy")
            .arg(home.path("policy.toml"))
            .env("HOST_KEY", host_key)
            .env("REMIT_LOG", "trace");
        let output = finish(command, &call("whole").to_string());
        let said = text(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("bad-secret"), "{said}");
        for value in [host_key, file.trim_end_matches('\n')] {
            assert!(
                value.is_empty() || !said.contains(value),
                "{value:?}: {said}"
            );
            let mut found = containing(&home.path("home"), value);
            found.retain(|_| !value.is_empty());
            assert!(found.is_empty(), "{value:?} is in {found:?}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_nothing_starts() {
    let home = furnished();
    std::fs::remove_file(key(&home)).unwrap();
    std::fs::create_dir(key(&home)).unwrap();
    let output = probe(&home, &["--json", "-v", "-v"], &call("file"));
    let said = text(&output);
    assert!(said.contains("cannot be read"), "{said}");
    assert!(!home.workspace().join("left.txt").exists());
    is_silent("the refusal", &output);
    leaves_nothing(&home);
}

#[test]
#[should_panic(expected = "the canary is in")]
fn a_journey_that_leaves_the_canary_behind_fails() {
    let home = Home::new();
    let mut command = std::process::Command::new("python3");
    home.furnish(&mut command);
    let keep = "import os; open('left', 'w').write(os.environ['JOURNEY_CANARY'])";
    command.args(["-I", "-c", keep]);
    finish(command, "");
}

#[test]
#[should_panic(expected = "the canary was said")]
fn a_journey_that_says_the_canary_fails() {
    let home = Home::new();
    let mut command = std::process::Command::new("python3");
    home.furnish(&mut command);
    let tell = "import os, sys; sys.stderr.write(os.environ['JOURNEY_CANARY'])";
    command.args(["-I", "-c", tell]);
    finish(command, "");
}
