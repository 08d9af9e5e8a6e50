//! What a grant lets through: paths and calls, refusals next to successes.
//! Never: a grant that was not decided.

use std::time::Duration;

use super::*;
use crate::decide::decide;
use crate::policy::{Origin, Policy};
use crate::tool::{CallStdin, Directory, SlotValue, Stdin, ToolCall};

const MANIFEST: &str = "format = 1\nid = \"my-plugin\"\nversion = \"0.1.0\"\n\
    wit = \"remit:plugin@0.1.0\"\ntitle = \"Test\"\n\
    [[read]]\npath = \"src\"\nreason = \"r\"\n\
    [[write]]\npath = \"out\"\nreason = \"w\"\n\
    [[run]]\ntool = \"mine\"\nreason = \"t\"\n\
    [[run]]\ntool = \"fixed\"\nreason = \"t\"\n\
    [[run]]\ntool = \"git\"\ntemplates = [\"status\"]\noptional = true\nreason = \"g\"\n";

const POLICY: &str = "format = 1\n\
    [tools.mine]\nprogram = \"/opt/mine\"\n\
    [tools.mine.templates]\n\
    plain = [\"-v\"]\n\
    many = [\"-n\", \"{n:int:1..9}\", \"--\", \"{files:relpath*}\"]\n\
    say = [\"--\", \"{text:text}\"]\n\
    secret = []\n\
    [tools.mine.run]\nenv = [\"LANG\"]\nplugin-env = [\"MODE\"]\nset = { GIT_DIR = \"/x\" }\n\
    wall = \"10s\"\nidle = \"5s\"\n\
    [tools.fixed]\nprogram = \"fixed\"\ntemplates = { go = [\"{file:relpath?}\"] }\nrun = { cwd = \"/srv\" }\n\
    [plugins.my-plugin]\nread = [\".\"]\nwrite = [\"out\"]\nrun = [\"mine\", \"fixed\"]\n\
    deny-read = [\"src/secret/**\"]\ndeny-write = [\"out/keep\"]\ndeny-run = [\"mine:secret\"]\n";

fn grants() -> Grants {
    let manifest = Manifest::parse("m", MANIFEST).unwrap();
    let policy = Policy::parse(Origin::File("p".to_owned()), POLICY);
    let policy = policy.map_err(|found| found.to_string()).unwrap();
    decide(&manifest, &policy, &Digest::of(b"c")).unwrap()
}

fn call(tool: &str, template: &str) -> ToolCall {
    ToolCall {
        tool: tool.to_owned(),
        template: template.to_owned(),
        slots: Vec::new(),
        env: Vec::new(),
        cwd: None,
        stdin: CallStdin::Empty,
        timeout: None,
        idle: None,
    }
}

fn one(name: &str, value: &str) -> (String, SlotValue) {
    (name.to_owned(), SlotValue::One(value.to_owned()))
}

fn many(name: &str, values: &[&str]) -> (String, SlotValue) {
    (
        name.to_owned(),
        SlotValue::Many(values.iter().map(|value| (*value).to_owned()).collect()),
    )
}

fn denied(call: &ToolCall) -> Denial {
    match grants().launch(call).unwrap_err() {
        CallRefused::Denied(denial) => *denial,
        CallRefused::Invalid(problems) => panic!("invalid, not denied: {problems:?}"),
    }
}

fn invalid(call: &ToolCall) -> Vec<(String, String)> {
    match grants().launch(call).unwrap_err() {
        CallRefused::Invalid(problems) => problems
            .into_iter()
            .map(|problem| (problem.field, problem.code))
            .collect(),
        CallRefused::Denied(denial) => panic!("denied, not invalid: {denial}"),
    }
}

fn is_invalid(call: &ToolCall, field: &str, code: &str) {
    assert_eq!(
        invalid(call),
        [(field.to_owned(), code.to_owned())],
        "{call:?}"
    );
}

#[test]
fn paths_are_granted_by_component_and_mode_without_the_carved_out() {
    let grants = grants();
    let cases = [
        (Access::Read, "src", true),
        (Access::Read, "src/a/b", true),
        (Access::Read, "src/secret", false),
        (Access::Read, "src/secret/key", false),
        (Access::Read, "srcs", false),
        (Access::Read, ".", false),
        (Access::Read, "out", false),
        (Access::Write, "out/x", true),
        (Access::Write, "out/keep", false),
        (Access::Write, "out/keep/x", false),
        (Access::Write, "src", false),
    ];
    for (access, path, expected) in cases {
        let path: RelPath = path.parse().unwrap();
        assert_eq!(grants.may(access, &path), expected, "{access:?} {path}");
        assert_eq!(grants.check_path(access, &path).is_ok(), expected);
    }
    let path = |text: &str| text.parse::<RelPath>().unwrap();
    assert!(grants.denies_below(Access::Write, &path("out")));
    assert!(!grants.denies_below(Access::Write, &path("out/other")));
    assert_eq!(grants.patterns(Access::Read).count(), 1);
}

#[test]
fn a_refused_path_says_whose_key_is_missing() {
    let denial = |access, path: &str| {
        grants()
            .check_path(access, &path.parse().unwrap())
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(denial(Access::Read, "docs"), @r#"
    read `docs` is not requested by the plugin's manifest
      fix: read = [{ path = "docs", reason = ".." }]   in the plugin's manifest
    "#);
    insta::assert_snapshot!(denial(Access::Write, "src/a"), @r#"
    write `src/a` is not requested by the plugin's manifest
      fix: write = [{ path = "src/a", reason = ".." }]   in the plugin's manifest
    "#);
    insta::assert_snapshot!(denial(Access::Read, "src/secret/key"), @r#"
    read `src/secret/key` is forbidden by deny-read = ["src/secret/**"] (p:23)
      why the plugin asks: r
      fix: remove deny-read = ["src/secret/**"] at p:23
    "#);
}

#[test]
fn a_good_call_becomes_a_launch() {
    let wanted = ToolCall {
        slots: vec![one("n", "3"), many("files", &["a b", ":(x)"])],
        env: vec![("MODE".to_owned(), "fast".to_owned())],
        cwd: Some("src/".to_owned()),
        stdin: CallStdin::File("src/in".to_owned()),
        timeout: Some(Duration::from_secs(99)),
        idle: Some(Duration::from_secs(1)),
        ..call("mine", "many")
    };
    let launch = grants().launch(&wanted).unwrap();
    assert_eq!(
        (launch.tool().as_str(), launch.template().as_str()),
        ("mine", "many")
    );
    assert_eq!(launch.program().as_str(), "/opt/mine");
    assert_eq!(launch.arguments(), ["-n", "3", "--", "a b", "./:(x)"]);
    assert_eq!(launch.pass_env()[0].as_str(), "LANG");
    let set: Vec<String> = launch
        .set_env()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(set, ["GIT_DIR=/x", "MODE=fast"]);
    assert_eq!(
        launch.directory(),
        &Directory::Workspace("src".parse().unwrap())
    );
    assert_eq!(launch.stdin(), &Stdin::File("src/in".parse().unwrap()));
    // A call lowers a limit and never raises one.
    assert_eq!(launch.limits().wall, Duration::from_secs(10));
    assert_eq!(launch.limits().idle, Some(Duration::from_secs(1)));
    assert_eq!(launch.success(), [0]);
    assert_eq!(launch.writable(), ["out".parse::<RelPath>().unwrap()]);
}

#[test]
fn debug_of_a_launch_shows_no_value() {
    let launch = grants().launch(&ToolCall {
        slots: vec![one("text", "argument-canary")],
        env: vec![("MODE".to_owned(), "variable-canary".to_owned())],
        stdin: CallStdin::Bytes(b"input-canary".to_vec()),
        ..call("mine", "say")
    });
    let shown = format!("{:?}", launch.unwrap());
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("MODE"), "{shown}");
}

#[test]
fn values_reach_the_program_as_they_are() {
    // R0.20: the injection corpus arrives literally, as one argument.
    for text in [
        "$(id)",
        "`id`",
        "; id",
        "&& id",
        "| id",
        "a\nb",
        "-x",
        "--",
        "'\"",
        "*",
        "%s%n",
        "",
        "\u{1b}[2J",
    ] {
        let launch = grants().launch(&ToolCall {
            slots: vec![one("text", text)],
            ..call("mine", "say")
        });
        assert_eq!(launch.unwrap().arguments(), ["--", text]);
    }
}

#[test]
fn tools_outside_the_grants_are_denied() {
    let line = |tool, template| denied(&call(tool, template)).to_string();
    insta::assert_snapshot!(line("node", "test"), @r#"
    run `node:test` is not requested by the plugin's manifest
      fix: run = [{ tool = "node", templates = ["test"], reason = ".." }]   in the plugin's manifest
    "#);
    insta::assert_snapshot!(line("git", "log"), @r#"
    run `git:log` is not requested by the plugin's manifest
      fix: run = [{ tool = "git", templates = ["log"], reason = ".." }]   in the plugin's manifest
    "#);
    insta::assert_snapshot!(line("git", "status"), @r#"
    run `git:status` is not allowed
      why the plugin asks: g
      fix: --allow-run=git:status   or in a policy:   plugins.my-plugin.run = ["git:status"]
    "#);
    insta::assert_snapshot!(line("mine", "secret"), @r#"
    run `mine:secret` is forbidden by deny-run = ["mine:secret"] (p:25)
      why the plugin asks: t
      fix: remove deny-run = ["mine:secret"] at p:25
    "#);
    insta::assert_snapshot!(line("mine", "nope"), @r#"
    run `mine:nope` is not allowed: `mine` has no template `nope`; it has: many, plain, say, secret
      why the plugin asks: t
      fix: tools.mine.templates.nope = [".."]
    "#);
    for (tool, template, field) in [
        ("/bin/sh", "plain", "/tool"),
        ("../mine", "plain", "/tool"),
        ("", "plain", "/tool"),
        ("mine", "-v", "/template"),
        ("mine", "plain; id", "/template"),
    ] {
        assert_eq!(
            invalid(&call(tool, template))[0].0,
            field,
            "{tool} {template}"
        );
    }
}

#[test]
fn paths_outside_the_grants_are_denied_or_invalid() {
    let at = |cwd: &str| ToolCall {
        cwd: Some(cwd.to_owned()),
        ..call("mine", "plain")
    };
    assert!(grants().launch(&at("out/x")).is_ok());
    for (cwd, code) in [
        ("../..", "path-parent"),
        ("/", "path-absolute"),
        ("", "path-empty"),
        ("a\0", "path-nul"),
    ] {
        is_invalid(&at(cwd), "/cwd", code);
    }
    assert_eq!(denied(&at("docs")).scope, "docs");
    assert_eq!(denied(&at(".")).scope, ".");
    assert!(matches!(
        denied(&at("src/secret")).missing,
        crate::denial::MissingKey::Forbidden { .. }
    ));

    let reads = |path: &str| ToolCall {
        stdin: CallStdin::File(path.to_owned()),
        ..call("mine", "plain")
    };
    assert!(grants().launch(&reads("src/x")).is_ok());
    assert_eq!(denied(&reads("out/x")).scope, "out/x");
    assert_eq!(denied(&reads("src/secret/key")).scope, "src/secret/key");
    is_invalid(&reads("/etc/passwd"), "/stdin", "path-absolute");

    let files = |cwd: Option<&str>, paths: &[&str]| ToolCall {
        slots: vec![one("n", "1"), many("files", paths)],
        cwd: cwd.map(str::to_owned),
        ..call("mine", "many")
    };
    assert!(grants().launch(&files(None, &["src/a", "out/b"])).is_ok());
    assert!(grants().launch(&files(Some("src"), &["a"])).is_ok());
    // A tool sees more than the plugin; a plugin must not see through it.
    assert_eq!(denied(&files(None, &["src/a", "docs/b"])).scope, "docs/b");
    assert_eq!(
        denied(&files(Some("src"), &["secret/key"])).scope,
        "src/secret/key"
    );
    is_invalid(
        &files(None, &["src/../docs"]),
        "/slots/files",
        "path-parent",
    );
}

#[test]
fn a_fixed_directory_stays_fixed() {
    let launch = grants().launch(&call("fixed", "go")).unwrap();
    assert_eq!(launch.directory(), &Directory::Fixed("/srv".into()));
    is_invalid(
        &ToolCall {
            cwd: Some("src".to_owned()),
            ..call("fixed", "go")
        },
        "/cwd",
        "fixed-directory",
    );
}

#[test]
fn every_problem_of_a_call_is_reported_at_once() {
    let wrong = ToolCall {
        slots: vec![one("n", "10"), one("files", "a"), one("x/y~z", "1")],
        env: vec![
            ("LD_PRELOAD".to_owned(), "x".to_owned()),
            ("MODE".to_owned(), "a\0b".to_owned()),
            ("MODE".to_owned(), "b".to_owned()),
            ("LANG".to_owned(), "b".to_owned()),
        ],
        cwd: Some("../x".to_owned()),
        stdin: CallStdin::File(String::new()),
        timeout: Some(Duration::ZERO),
        idle: Some(Duration::ZERO),
        ..call("mine", "many")
    };
    let found = grants()
        .launch(&wrong)
        .unwrap_err()
        .to_string()
        .replace(": /", ":\n/")
        .replace("; /", "\n/");
    insta::assert_snapshot!(found, @r"
    the call does not fit the tool's declaration:
    /cwd: `../x` contains `..`; write the path without it, as seen from the workspace (path-parent)
    /slots/x~1y~0z: no such slot; the template has: n, files (unknown-slot)
    /slots/n: write a whole number from 1 to 9, without leading zeros (not-in-range)
    /slots/files: the slot takes a list of values (wrong-arity)
    /env/LD_PRELOAD: the tool does not take this variable; it takes: MODE (unknown-variable)
    /env/MODE: remove the NUL byte; no variable can hold one (nul)
    /env/MODE: the variable is set twice; set it once (duplicate)
    /env/LANG: the tool does not take this variable; it takes: MODE (unknown-variable)
    /stdin: the path is empty; write `.` for the whole workspace (path-empty)
    /timeout-ms: no tool can run for 0 ms; write at least 1 (zero)
    /idle-ms: no tool can run for 0 ms; write at least 1 (zero)
    ");
}

#[test]
fn sizes_are_limited_before_anything_starts() {
    let text = |length: usize| ToolCall {
        slots: vec![one("text", &"x".repeat(length))],
        ..call("mine", "say")
    };
    assert!(
        grants()
            .launch(&text(crate::tool::MAX_ARGUMENT_BYTES))
            .is_ok()
    );
    is_invalid(
        &text(crate::tool::MAX_ARGUMENT_BYTES + 1),
        "/slots/text",
        "too-long",
    );
    let path = format!("src/{}", "x".repeat(4000));
    let files = |count: usize| ToolCall {
        slots: vec![one("n", "1"), many("files", &vec![path.as_str(); count])],
        ..call("mine", "many")
    };
    assert!(grants().launch(&files(60)).is_ok());
    is_invalid(&files(70), "/slots", "too-large");
    let stdin = |length: usize| ToolCall {
        stdin: CallStdin::Bytes(vec![0; length]),
        ..call("mine", "plain")
    };
    assert!(
        grants()
            .launch(&stdin(crate::tool::MAX_STDIN_BYTES))
            .is_ok()
    );
    is_invalid(
        &stdin(crate::tool::MAX_STDIN_BYTES + 1),
        "/stdin",
        "too-long",
    );
}
