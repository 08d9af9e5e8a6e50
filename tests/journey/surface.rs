//! What the program says about itself: help, version, completions.
//!
//! Never: a command that this file has to be told of; they are read from the help.

use remit_core::outcome::ExitCode;

use crate::home::{Home, wait};

/// Widest line of a help text.
const WIDTH: usize = 100;

/// What the program prints, if it succeeds.
fn printed(home: &Home, arguments: &[&str]) -> String {
    let output = wait(home.remit(arguments).spawn().unwrap());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    assert_eq!(said, "", "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names in the list of commands of a help text.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help")
        .map(str::to_owned)
        .collect()
}

/// Every command with its help, those of groups included.
fn all() -> Vec<(Vec<String>, String)> {
    let home = Home::new();
    let mut found = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = printed(&home, &arguments);
        for name in commands(&help) {
            open.push([path.clone(), vec![name]].concat());
        }
        found.push((path, help));
    }
    assert!(found.len() > 12, "the help lists the commands");
    found
}

#[test]
fn every_command_is_explained() {
    for (path, help) in all() {
        let name = path.join(" ");
        let (about, options) = help.split_once("Usage:").unwrap();
        let sentences = about.matches(['.', ':', ';']).count();
        assert!(
            sentences > 0,
            "remit {name}: an example or an explanation is missing\n{help}"
        );
        for line in help.lines() {
            assert!(
                line.chars().count() <= WIDTH,
                "remit {name}: too wide: {line}"
            );
        }
        for line in options
            .lines()
            .filter(|line| line.trim_start().starts_with("--"))
        {
            assert!(
                line.trim().contains("  ") || help.contains(&format!("{line}\n          ")),
                "remit {name}: an option is not explained: {line}"
            );
        }
    }
}

#[test]
fn help_names_the_exit_codes() {
    let help = printed(&Home::new(), &["--help"]);
    for code in ExitCode::ALL {
        let row = format!("{:>2}  {}", code.number(), code.meaning());
        assert!(help.contains(&row), "{row}\n{help}");
    }
}

#[test]
fn version_is_that_of_the_package() {
    let want = format!("remit {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(printed(&Home::new(), &["--version"]), want);
}

#[test]
fn completions_know_every_command() {
    let home = Home::new();
    let commands = commands(&printed(&home, &["--help"]));
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&home, &["completions", shell]);
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell}: {command}");
        }
    }
    let script = printed(&home, &["completions", "bash"]);
    let file = home.path("out/remit.bash");
    std::fs::write(&file, script).unwrap();
    let read = std::process::Command::new("bash")
        .arg("-n")
        .arg(&file)
        .status();
    // Where there is no bash, there is nobody who could read it.
    assert!(read.map_or(true, |status| status.success()));
}

#[test]
fn no_command_is_a_question_for_help() {
    let home = Home::new();
    for arguments in [
        &[][..],
        &["tool"],
        &["plugin"],
        &["policy"],
        &["audit"],
        &["contract"],
        &["task"],
        &["ledger"],
        &["walk"],
        &["run"],
    ] {
        let output = wait(home.remit(arguments).spawn().unwrap());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("Usage:"), "{arguments:?}: {said}");
    }
}
