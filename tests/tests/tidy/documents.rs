//! Documents: links that lead somewhere, exit codes that are the program's, a changelog to write in.
//!
//! Never: a judgement of style.

use std::path::{Component, Path, PathBuf};

use remit_core::outcome::ExitCode;

use crate::repository::{File, Findings, files, root};

/// The lines of a document that are not inside a block of code.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    file.lines().filter(move |(_, line)| {
        let start = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => return true,
            (Some(_), _) => {}
        }
        false
    })
}

/// Targets of the links in a line: `[text](target)`.
fn targets(line: &str) -> Vec<&str> {
    // What stands in backticks is no link.
    let mut targets = Vec::new();
    for (i, part) in line.split('`').enumerate() {
        if i % 2 == 1 && line.matches('`').count().is_multiple_of(2) {
            continue;
        }
        for (at, _) in part.match_indices("](") {
            let rest = part.get(at + 2..).unwrap_or_default();
            if let Some((target, _)) = rest.split_once(')') {
                targets.push(target.split(' ').next().unwrap_or_default());
            }
        }
    }
    targets
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    heading
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| {
            if c == ' ' {
                '-'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

fn anchors(file: &File) -> Vec<String> {
    prose(file)
        .filter_map(|(_, line)| {
            let title = line.trim_start_matches('#');
            (title.len() < line.len() && title.starts_with(' ')).then(|| anchor(title))
        })
        .collect()
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    out
}

#[test]
fn links_lead_somewhere() {
    let files = files();
    let mut findings = Findings::default();
    for file in files.iter().filter(|file| file.ends_with(".md")) {
        // Texts that a plugin writes link to files that it writes beside them.
        if file.path.contains("/templates/") {
            continue;
        }
        for (number, line) in prose(file) {
            for target in targets(line) {
                if let Some(why) = broken(&files, file, target) {
                    findings.add(&file.path, number, &why, "correct the link or add the file");
                }
            }
        }
    }
    findings.assert_none();
}

/// Why a link leads nowhere. Links to other sites are not followed.
fn broken(files: &[File], from: &File, target: &str) -> Option<String> {
    let outside = ["http://", "https://", "mailto:"];
    if outside.iter().any(|scheme| target.starts_with(scheme)) {
        return None;
    }
    let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
    let to = if path.is_empty() {
        PathBuf::from(&from.path)
    } else {
        plain(&Path::new(&from.path).parent()?.join(path))
    };
    if !root().join(&to).exists() {
        return Some(format!("the link `{target}` leads to no file"));
    }
    let document = files.iter().find(|file| Path::new(&file.path) == to)?;
    let known = fragment.is_empty()
        || !document.ends_with(".md")
        || anchors(document).iter().any(|anchor| anchor == fragment);
    (!known).then(|| {
        format!(
            "the link `{target}` leads to no heading of {}",
            document.path
        )
    })
}

#[test]
fn documents_name_the_exit_codes_of_the_program() {
    let mut findings = Findings::default();
    for file in files().iter().filter(|file| file.ends_with(".md")) {
        let mut inside = None;
        let mut found: Vec<(usize, u8)> = Vec::new();
        for (number, line) in prose(file) {
            if line.starts_with('#') {
                let title = line.to_lowercase();
                let codes = title.contains("exit code");
                inside = if codes {
                    Some(number)
                } else {
                    inside.filter(|_| !found.is_empty())
                };
                if !codes && !found.is_empty() {
                    break;
                }
                continue;
            }
            if let (true, Some(code)) = (inside.is_some(), row(line)) {
                found.push((number, code.0));
                check_row(&mut findings, file, number, code);
            }
        }
        let (Some(heading), false) = (inside, found.is_empty()) else {
            continue;
        };
        for code in ExitCode::ALL {
            if !found.iter().any(|(_, number)| *number == code.number()) {
                findings.add(
                    &file.path,
                    heading,
                    &format!(
                        "exit code {} ({}) is missing",
                        code.number(),
                        code.meaning()
                    ),
                    "add a row for it",
                );
            }
        }
    }
    findings.assert_none();
}

/// Number and text of a row of a table that begins with a number.
fn row(line: &str) -> Option<(u8, &str)> {
    let (first, rest) = line.trim().strip_prefix('|')?.split_once('|')?;
    let number = first.trim().trim_matches('`').parse().ok()?;
    Some((number, rest))
}

fn check_row(findings: &mut Findings, file: &File, line: usize, (number, text): (u8, &str)) {
    let known = ExitCode::ALL
        .into_iter()
        .find(|code| code.number() == number);
    match known {
        None => findings.add(
            &file.path,
            line,
            &format!("the program has no exit code {number}"),
            "remove the row, or add the code to `remit_core::outcome::ExitCode`",
        ),
        Some(code) if !text.to_lowercase().contains(code.meaning()) => findings.add(
            &file.path,
            line,
            &format!("exit code {number} is `{}` in the program", code.meaning()),
            "use the same words",
        ),
        Some(_) => {}
    }
}

#[test]
fn the_changelog_has_a_place_for_what_is_new() {
    let mut findings = Findings::default();
    let files = files();
    let changelog = files.iter().find(|file| file.path == "CHANGELOG.md");
    let ready = changelog.is_some_and(|file| file.lines().any(|(_, l)| l == "## [Unreleased]"));
    if !ready {
        findings.add(
            "CHANGELOG.md",
            1,
            "there is no section `## [Unreleased]`",
            "add it at the top: what users notice is written there first",
        );
    }
    findings.assert_none();
}

#[test]
fn links_are_found_in_prose_and_not_in_code() {
    let file = File {
        path: "docs/x.md".into(),
        text: "# A `b` c!\n[a](b.md#x) `[no](code)` [c](d \"title\")\n```\n[no](code)\n```\n"
            .into(),
    };
    let found: Vec<&str> = prose(&file).flat_map(|(_, line)| targets(line)).collect();
    assert_eq!(found, ["b.md#x", "d"]);
    assert_eq!(anchors(&file), ["a-b-c"]);
}
