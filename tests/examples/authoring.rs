//! The guide `docs/authoring.md`, followed word for word in an empty directory outside of the
//! repository: every command in a block marked `console`, every file in a block that names it.
//!
//! Never: a step that is not in the guide.

use std::fs;

use crate::documented::commands;
use crate::place::Place;
use crate::toolchains;

/// The guide.
fn guide() -> String {
    let path = crate::examples().join("../docs/authoring.md");
    fs::read_to_string(path).unwrap()
}

/// What stands below the headings that name a language, up to the next heading of that rank.
fn section<'a>(guide: &'a str, title: &str) -> &'a str {
    let begin = guide.find(&format!("\n## {title}\n")).expect(title) + 1;
    let rest = &guide[begin..];
    let end = rest[3..].find("\n## ").map_or(rest.len(), |end| end + 3);
    &rest[..end]
}

/// Follows the section of a language, and the one about looking at what came of it. A block that begins with a line `file: NAME` in a comment is a file that its
/// reader writes, before the commands that come after it.
fn follow(title: &str, language: &str) {
    let guide = guide();
    let section = format!(
        "{}{}",
        section(&guide, title),
        section(&guide, "Look at it")
    );
    let Some(path) = toolchains::path_for(language) else {
        return;
    };
    let place = Place::new();
    let directory = std::path::PathBuf::from(place.workspace());
    let mut ran = 0;
    for block in section.split("\n```").skip(1).step_by(2) {
        let (kind, text) = block.split_once('\n').unwrap();
        if kind == "console" {
            for command in commands(&format!("```console\n{text}\n```\n")) {
                place
                    .shell_on(&path, &command.line, &directory)
                    .ends_with(command.code);
                ran += 1;
            }
        } else if let Some((first, rest)) = text.split_once('\n')
            && let Some((_, name)) = first.split_once("file: ")
        {
            place.write(name.trim_end_matches(['*', '/', ' ']), &format!("{rest}\n"));
        }
    }
    assert!(ran >= 10, "{language}: only {ran} commands");
}

#[test]
fn the_guide_leads_to_a_running_plugin_in_rust() {
    follow("In Rust", "rust");
}

#[test]
fn the_guide_leads_to_a_running_plugin_in_javascript() {
    follow("In JavaScript", "javascript");
}

#[test]
fn the_guide_leads_to_a_running_plugin_in_python() {
    follow("In Python", "python");
}

#[test]
fn the_guide_leads_to_a_running_plugin_in_c() {
    follow("In C", "c");
}
