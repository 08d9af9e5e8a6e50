//! The commands of `examples/README.md`: in blocks marked `console`, lines that begin with `$ `.
//! The line after a command may say how it ends, as `# exit 3`; without that it is 0.

use std::fs;

use crate::examples;
use crate::place::Place;

/// One command and the exit code that the document states.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Documented {
    pub(crate) line: String,
    pub(crate) code: i32,
}

/// The commands of a document, in order.
pub(crate) fn commands(text: &str) -> Vec<Documented> {
    let mut found: Vec<Documented> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            inside = language == "console";
        } else if !inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            found.push(Documented {
                line: command.to_owned(),
                code: 0,
            });
        } else if let Some(code) = line.strip_prefix("# exit ") {
            let last = found.last_mut().expect("a command before its exit code");
            last.code = code.trim().parse().expect("a number after `# exit`");
        }
    }
    found
}

#[test]
fn the_commands_of_the_readme_end_as_it_says() {
    let directory = examples();
    let text = fs::read_to_string(directory.join("README.md")).unwrap();
    let commands = commands(&text);
    assert!(commands.len() >= 10, "only {} commands", commands.len());
    // One place for all: what `remit trust` pins in one command counts in the next.
    let place = Place::new();
    for command in commands {
        place
            .shell(&command.line, &directory)
            .ends_with(command.code);
    }
}

#[test]
fn commands_are_found_in_console_blocks_only() {
    let text = "$ no\n```console\n$ a b\nout\n$ c\n# exit 3\n```\n```text\n$ no\n# exit 9\n```\n";
    let documented = |line: &str, code| Documented {
        line: line.to_owned(),
        code,
    };
    assert_eq!(commands(text), [documented("a b", 0), documented("c", 3)]);
}
