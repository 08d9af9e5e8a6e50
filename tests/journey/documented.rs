//! The commands in the documents do what the documents say.
//!
//! A block fenced as `console` holds commands on lines that begin with `$ `; `# exit 3` after one
//! says how it ends, otherwise it succeeds. All commands of a document run in one directory, which
//! holds a copy of `examples/`; `cargo run --` is the program that was built already. Never: a
//! command in a document that neither runs here nor is in the list of those that do not.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::home::{Home, finish, repository};
use crate::tree;

/// Beginnings of commands that set up or take too long, and why they are not run.
const SKIPPED: [(&str, &str); 9] = [
    ("git clone", "this is the clone"),
    ("rustup ", "changes the machine"),
    ("cargo install", "changes the machine"),
    ("cargo build", "was done to get here"),
    ("cargo test", "this is a part of it"),
    ("cargo bench", "measures, and takes long"),
    (".ci/run", "this is a part of it"),
    ("tests/agents/install", "the agents' own tests run it"),
    (
        "cargo run -p remit-model-server",
        "serves until it is ended",
    ),
];

/// A command of a document.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    line: usize,
    text: String,
    exit: i32,
}

/// The commands in a document.
fn commands(text: &str) -> Vec<Told> {
    let mut found: Vec<Told> = Vec::new();
    let mut inside = false;
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let fence = line.trim_start();
        if fence.starts_with("```") {
            inside = fence == "```console" || fence == "```sh";
            goes_on = false;
        } else if !inside {
        } else if let (true, Some(last)) = (goes_on, found.last_mut()) {
            goes_on = line.ends_with('\\');
            last.text = format!("{}\n{line}", last.text);
        } else if let Some(command) = fence.strip_prefix("$ ") {
            goes_on = command.ends_with('\\');
            found.push(Told {
                line: index + 1,
                text: command.to_owned(),
                exit: 0,
            });
        } else if let (Some(code), Some(last)) = (fence.strip_prefix("# exit "), found.last_mut()) {
            last.exit = code.trim().parse().unwrap();
        }
    }
    found
}

/// Runs the commands of a document, and fails with all that end otherwise.
fn carry_out(document: &Path) {
    let text = std::fs::read_to_string(document).unwrap();
    let home = Home::new();
    let bin = home.path("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_remit"), bin.join("remit")).unwrap();
    copy_examples(&home.workspace().join("examples"));
    let shown = document.strip_prefix(repository()).unwrap().display();
    let mut wrong = String::new();
    for told in commands(&text) {
        let place = format!("{shown}:{}", told.line);
        if let Some((start, why)) = SKIPPED
            .iter()
            .find(|(start, _)| without_variables(&told.text).starts_with(start))
        {
            eprintln!("{place}: not run: {start}… ({why})");
            continue;
        }
        let mut shell = Command::new("/bin/sh");
        home.furnish(&mut shell);
        let path = std::env::join_paths([&bin].into_iter().chain(&directories(&shell))).unwrap();
        shell
            .env("PATH", path)
            .args(["-c", &told.text.replace("cargo run -- ", "remit ")]);
        let output = finish(shell, "");
        if output.status.code() != Some(told.exit) {
            wrong.push_str(&format!(
                "{place}: want exit {}, got {:?}: {}\n{}{}\n",
                told.exit,
                output.status.code(),
                told.text,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// A command without the variables that are set in front of it.
fn without_variables(mut command: &str) -> &str {
    while let Some((word, rest)) = command.split_once(' ') {
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        };
        if !word.split_once('=').is_some_and(|(name, _)| is_name(name)) {
            break;
        }
        // The command may stand on the next line.
        command = rest.trim_start_matches([' ', '\\', '\n']);
    }
    command
}

/// The directories of the search path that a command would get.
fn directories(command: &Command) -> Vec<PathBuf> {
    let path = command.get_envs().find(|(name, _)| *name == "PATH");
    std::env::split_paths(path.and_then(|(_, value)| value).unwrap_or_default()).collect()
}

/// A copy of the examples, without what was built from them.
fn copy_examples(to: &Path) {
    let from = repository().join("examples");
    for (path, node) in tree::read_but(&from, &["target"]) {
        tree::make(&to.join(path), node);
    }
}

/// Walked through by a test of its own, in `tests/examples`: it needs toolchains, and an empty
/// directory for each language.
const GUIDE: &str = "authoring.md";

/// The documents whose commands are run: the README and everything in `docs/` and its folders.
/// The guide is not among them.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![repository().join("README.md")];
    let mut folders = vec![repository().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md")
                && !path.ends_with(GUIDE)
            {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    found
}

#[test]
fn commands_in_documents_end_as_they_say() {
    let failed: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = documents()
            .into_iter()
            .map(|document| {
                let name = document.display().to_string();
                (name, scope.spawn(move || carry_out(&document)))
            })
            .collect();
        running
            .into_iter()
            .filter_map(|(name, thread)| thread.join().is_err().then_some(name))
            .collect()
    });
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn the_readme_shows_commands() {
    let text = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let count = commands(&text).len();
    assert!(count >= 2, "{count} commands");
}

#[test]
fn commands_are_found_with_their_ends() {
    let text =
        "$ no\n```console\n$ one a\nits output\n# exit 3\n$ two \\\n  b\n```\n```text\n$ no\n```\n";
    let told = |line, text: &str, exit| Told {
        line,
        text: text.to_owned(),
        exit,
    };
    assert_eq!(
        commands(text),
        [told(3, "one a", 3), told(6, "two \\\n  b", 0)]
    );
}

#[test]
fn variables_in_front_hide_no_command() {
    for (text, want) in [
        ("cargo test", "cargo test"),
        ("A=1 B_C=\"x\" cargo bench", "cargo bench"),
        ("A=1 \\\n    cargo bench", "cargo bench"),
        ("remit run -i a=b", "remit run -i a=b"),
    ] {
        assert_eq!(without_variables(text), want);
    }
}
