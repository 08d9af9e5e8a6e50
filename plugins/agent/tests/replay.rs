//! Every recorded run of a real agent gets the verdict that its index says.
//!
//! The recordings lie beside the repository; the few under `tests/transcripts` are checked always.
//! Never: a rule that looks at the name of a recording.
#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test may panic, and one that looks at less than it could says so"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use remit_plugin_agent::{Changes, Ended, Judgement, Killer, Lines, Reader, Stream, Tool, judge};

/// Where the recordings lie, seen from this package.
const ALL: &str = "../../../shared/transcripts";
/// The small copies.
const OWN: &str = "tests/transcripts";

/// What the index says of a recording that is no run of an adapter.
const OTHER_KINDS: &[&str] = &["mcp-client trace", "policy-test", "containment-test"];

struct Recording {
    name: String,
    tool: Option<Tool>,
    exit: String,
    expected: String,
    place: PathBuf,
}

fn recordings(folder: &Path) -> Vec<Recording> {
    let index = fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    let rows = index.lines().skip(1).filter(|line| !line.trim().is_empty());
    rows.map(|row| {
        let fields: Vec<&str> = row.split('\t').collect();
        let &[name, tool, _version, exit, _wall, expected] = &fields[..] else {
            panic!("a row of six: {row}");
        };
        let place = folder.join(name);
        // A conversation is beside a remark in the index: `success (via ACP)`.
        let tool = if place.join("acp.jsonl").is_file() {
            Some(Tool::Acp)
        } else {
            Tool::ALL.into_iter().find(|one| one.name() == tool)
        };
        let expected = expected.split(" (").next().unwrap();
        Recording {
            name: name.to_owned(),
            tool,
            exit: exit.to_owned(),
            expected: expected.to_owned(),
            place,
        }
    })
    .collect()
}

impl Recording {
    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.place.join(file)).unwrap_or_default()
    }

    fn text(&self, file: &str) -> String {
        String::from_utf8_lossy(&self.read(file)).into_owned()
    }

    /// How it ended: what the recorder wrote into `result` and the index, and whether it sent a
    /// signal, which it noted on standard error.
    fn ended(&self) -> Ended {
        if self.text("stderr").lines().any(is_recorders) {
            return Ended::Killed(Killer::Run);
        }
        let number = number(&self.exit)
            .or_else(|| number(self.text("result").strip_prefix("rc=")?))
            .unwrap_or_else(|| panic!("{}: how did it end?", self.name));
        match number {
            // The recorder's own time limit (`timeout`).
            124 => Ended::Killed(Killer::Time),
            code @ 0..=255 => Ended::Code(u8::try_from(code).unwrap()),
            signal => Ended::Signal(u8::try_from(-signal).unwrap()),
        }
    }

    /// What the recorder saw change: the difference to the last commit and the files that git does
    /// not know. A host compares with the beginning of the run instead, so that a commit of the
    /// agent's own is a change for it: the files of such commits are added.
    fn changes(&self) -> Changes {
        let mut files = BTreeSet::new();
        for line in self.text("git-diff").lines() {
            if let Some(file) = line.strip_prefix("+++ b/").or(line.strip_prefix("--- a/")) {
                files.insert(file.to_owned());
            }
        }
        for line in self.text("git-status").lines() {
            files.extend(line.get(3..).map(str::to_owned));
        }
        let said = self.text("stdout");
        if self.tool == Some(Tool::Aider) && said.lines().any(|line| line.starts_with("Commit ")) {
            let applied = said
                .lines()
                .filter_map(|line| line.strip_prefix("Applied edit to "));
            files.extend(applied.map(str::to_owned));
        }
        Changes::seen(files)
    }

    fn observe(&self, tool: Tool) -> Reader {
        let mut reader = Reader::new(tool);
        let mut feed = |stream: Stream, bytes: &[u8]| {
            let mut lines = Lines::default();
            let mut each = |line: &str| {
                if !is_recorders(line) {
                    reader.line(stream, line);
                }
            };
            lines.feed(bytes, &mut each);
            lines.finish(&mut each);
        };
        if tool == Tool::Acp {
            let said = self.text("acp.jsonl");
            let agent: Vec<&str> = said
                .lines()
                .filter_map(|line| line.strip_prefix("S> "))
                .collect();
            feed(Stream::Stdout, agent.join("\n").as_bytes());
        } else {
            feed(Stream::Stdout, &self.read("stdout"));
        }
        feed(Stream::Stderr, &self.read("stderr"));
        feed(Stream::Log, &self.read("analytics.jsonl"));
        reader.finish();
        reader
    }

    fn judge(&self, tool: Tool) -> Judgement {
        let reader = self.observe(tool);
        judge(tool, reader.seen(), self.ended(), &self.changes(), true)
    }
}

/// The number that a text begins with.
fn number(text: &str) -> Option<i32> {
    let is_other = |c: char| !c.is_ascii_digit() && c != '-';
    text.split(is_other).next()?.parse().ok()
}

/// A line that the recorder wrote, and not the agent.
fn is_recorders(line: &str) -> bool {
    line.starts_with("SIG SIG") || line == "HAD TO KILL"
}

#[track_caller]
fn check(folder: &Path) -> usize {
    let mut wrong = Vec::new();
    let mut judged = 0;
    for recording in recordings(folder) {
        let Some(tool) = recording.tool else {
            if !OTHER_KINDS.contains(&recording.expected.as_str()) {
                wrong.push(format!("{}: no agent, and no known kind", recording.name));
            }
            continue;
        };
        if OTHER_KINDS.contains(&recording.expected.as_str()) {
            // Not judged, but read: it must not break the reader.
            recording.observe(tool);
            continue;
        }
        judged += 1;
        let found = recording.judge(tool);
        if found.verdict.word() != recording.expected {
            wrong.push(format!(
                "{}: {} because {}; the index says {}",
                recording.name, found.verdict, found.reason, recording.expected
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    judged
}

#[test]
fn every_recording_beside_the_repository_gets_the_verdict_of_its_index() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(ALL);
    if !folder.join("INDEX.tsv").is_file() {
        eprintln!(
            "SKIPPED: there are no recordings at {}; only the small copies were checked",
            folder.display()
        );
        return;
    }
    let judged = check(&folder);
    assert!(judged > 40, "only {judged} recordings were judged");
}

#[test]
fn the_small_copies_get_the_verdict_of_their_index() {
    let judged = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join(OWN));
    assert!(judged >= 8, "only {judged} recordings were judged");
}
