//! Recordings of real agents, played through the real components: each gets the verdict that the
//! index of the recordings says.
//!
//! A recording is a directory with what the agent wrote, how it ended and what changed. Those beside
//! the repository are played if they are there, the small copies in the repository always, as far
//! as the program carries the agent's adapter. Never: a rule for one recording by its name.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{built_in, remit};
use crate::home::{Home, repository};

/// Where recordings lie, seen from the repository.
const FOLDERS: [&str; 2] = ["../shared/transcripts", "plugins/agent/tests/transcripts"];

/// Expectations in the index that are no verdict of an adapter.
const OTHER_KINDS: [&str; 3] = ["mcp-client trace", "policy-test", "containment-test"];

/// The exit code of the recorder's own time limit.
const OVER_TIME: i32 = 124;

/// One recording.
struct Recording {
    place: PathBuf,
    name: String,
    tool: String,
    exit: String,
    verdict: String,
}

/// The recordings of a folder that are runs of an agent.
fn recordings(folder: &Path) -> Vec<Recording> {
    let Ok(index) = std::fs::read_to_string(folder.join("INDEX.tsv")) else {
        return Vec::new();
    };
    let rows = index.lines().skip(1).filter(|line| !line.trim().is_empty());
    rows.map(|row| {
        let fields: Vec<&str> = row.split('\t').collect();
        let &[name, tool, _, exit, _, expected] = fields.as_slice() else {
            panic!("a row of six: {row}");
        };
        Recording {
            place: folder.join(name),
            name: name.to_owned(),
            tool: tool.to_owned(),
            exit: exit.to_owned(),
            // A remark may follow in parentheses.
            verdict: expected.split(" (").next().unwrap().to_owned(),
        }
    })
    .filter(|one| !OTHER_KINDS.contains(&one.verdict.as_str()))
    // A conversation is no transcript: what the client says is its adapter's.
    .filter(|one| !one.place.join("acp.jsonl").is_file())
    .collect()
}

impl Recording {
    fn text(&self, file: &str) -> String {
        let bytes = std::fs::read(self.place.join(file)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How it ended, as a step.
    fn ending(&self) -> String {
        if self.text("stderr").lines().any(is_recorders) {
            return "{ killed = \"run-ended\" }".to_owned();
        }
        let number = |text: &str| {
            let is_other = |c: char| !c.is_ascii_digit() && c != '-';
            text.split(is_other).next()?.parse::<i32>().ok()
        };
        let result = self.text("result");
        let code = number(&self.exit)
            .or_else(|| number(result.strip_prefix("rc=")?))
            .unwrap_or_else(|| panic!("{}: how did it end?", self.name));
        match code {
            OVER_TIME => "{ killed = \"wall-timeout\" }".to_owned(),
            code if code >= 0 => format!("{{ exit = {code} }}"),
            signal => format!("{{ signal = {} }}", -signal),
        }
    }

    /// What changed while it ran: the difference to the last commit, files that git does not know,
    /// and what it says that it has committed.
    fn changed(&self) -> BTreeSet<String> {
        let mut files = BTreeSet::new();
        for line in self.text("git-diff").lines() {
            let file = line.strip_prefix("+++ b/").or(line.strip_prefix("--- a/"));
            files.extend(file.map(str::to_owned));
        }
        for line in self.text("git-status").lines() {
            files.extend(line.get(3..).map(str::to_owned));
        }
        let said = self.text("stdout");
        if said.lines().any(|line| line.starts_with("Commit ")) {
            let applied = said
                .lines()
                .filter_map(|line| line.strip_prefix("Applied edit to "));
            files.extend(applied.map(str::to_owned));
        }
        files.retain(|file| !file.ends_with('/'));
        files
    }

    /// The recording as a scenario, with its files in `beside`.
    fn scenario(&self, beside: &Path) -> String {
        std::fs::create_dir_all(beside).unwrap();
        let name = beside.file_name().unwrap().to_str().unwrap();
        let mut play = String::new();
        let mut add = |step: &str| {
            let _ = writeln!(play, "  {step},");
        };
        for stream in ["stderr", "stdout"] {
            let lines: String = self
                .text(stream)
                .split_inclusive('\n')
                .filter(|line| !is_recorders(line.trim_end()))
                .collect();
            std::fs::write(beside.join(stream), lines).unwrap();
            add(&format!(
                "{{ {stream} = {{ from = \"{name}/{stream}\" }} }}"
            ));
        }
        if self.place.join("analytics.jsonl").is_file() {
            std::fs::write(beside.join("log"), self.text("analytics.jsonl")).unwrap();
            let log = format!("{}-analytics.jsonl", self.tool);
            add(&format!(
                "{{ write = \"{log}\", from = \"{name}/log\", in = \"scratch\" }}"
            ));
        }
        let mut files = String::new();
        for path in self.changed() {
            let _ = writeln!(files, "{path:?} = \"before\\n\"");
            add(&format!("{{ write = {path:?}, text = \"after\\n\" }}"));
        }
        add(&self.ending());
        format!(
            "format = 1\nname = \"{}\"\ninputs = {{ prompt = \"Fix it.\", retry_budget = 100 }}\n\
             [files]\n{files}[[calls]]\ntool = \"{}\"\ntemplate = \"edit\"\nplay = [\n{play}]\n[expect]\n\
             events = [{{ type = \"log\", message = \"verdict\", fields = {{ verdict = \"{}\" }} }}]\n",
            self.name, self.tool, self.verdict
        )
    }
}

/// A line that the recorder wrote, and not the agent.
fn is_recorders(line: &str) -> bool {
    line.starts_with("SIG SIG") || line == "HAD TO KILL"
}

#[test]
fn every_recording_gets_its_verdict_from_the_component() {
    let home = Home::new();
    let adapters = built_in(&home);
    let all: Vec<Recording> = FOLDERS
        .iter()
        .flat_map(|folder| recordings(&repository().join(folder)))
        .collect();
    let mut wrong = String::new();
    for id in &adapters {
        let own: Vec<&Recording> = all.iter().filter(|one| one.tool == *id).collect();
        if own.is_empty() {
            continue;
        }
        let mut arguments = vec!["plugin".to_owned(), "test".to_owned(), id.clone()];
        for (number, recording) in own.iter().enumerate() {
            let name = format!("{id}-{number}");
            let text = recording.scenario(&home.path("out").join(&name));
            let file = home.path("out").join(format!("{name}.toml"));
            std::fs::write(&file, text).unwrap();
            arguments.push(file.to_str().unwrap().to_owned());
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // How the attempt ends follows from the verdict; here only the verdict counts.
        let report = remit(&home, &[&arguments[..], &["--json"]].concat()).json();
        for row in report["scenarios"].as_array().unwrap() {
            for difference in row["differences"].as_array().unwrap() {
                if difference["what"] != "status" {
                    let _ = writeln!(wrong, "{}: {difference}", row["name"]);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
