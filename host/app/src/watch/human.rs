//! What a person sees of a run: lines while it goes on, on standard error; a summary of what it
//! did, on standard output.
//!
//! Never: a control character of a plugin or a tool; a colour where there is no terminal.

use anstream::{eprintln, println};
use remit_core::change::{Change, ChangeKind};
use remit_core::claim::Mismatch;
use remit_core::denial::Denial;
use remit_core::event::{Event, Level, LogSource, Payload, Record, Stream};
use remit_core::outcome::{Artifact, Outcome};
use remit_core::tool::{Exit, Usage};
use remit_engine::journal::Watcher;
use serde_json::Value;

use crate::printable::printable;
use crate::render::{BAD, BOLD, DIM, GOOD, NOTE, WARN};

/// Changed files that the summary lists; `--json` has them all.
const LISTED: usize = 40;

/// A tool that has ended, for the summary.
struct ToolLine {
    name: String,
    exit: Exit,
    success: bool,
    usage: Usage,
}

/// Prints a run for a person.
#[derive(Default)]
pub(crate) struct Human {
    tools: Vec<ToolLine>,
    started: Vec<(u32, String)>,
    changes: Vec<Change>,
    more_changes: bool,
    mismatch: Option<Mismatch>,
    percent: u8,
    partial: String,
}

impl Watcher for Human {
    fn record(&mut self, record: &Record) {
        match &record.event {
            Event::RunStarted {
                plugin,
                version,
                workspace,
                ..
            } => run_started(plugin, version, workspace, &record.run),
            // The inputs are what the person said; the grants are in the summary's denials.
            Event::InputsAccepted { .. } => {}
            // The summary says why, and what would change it.
            Event::Denied { denial } => refused(denial),
            Event::Step { name } => {
                eprintln!("{NOTE}>{NOTE:#} {}{}", printable(name), self.percent());
            }
            Event::Percent { value } => self.percent = *value,
            Event::Log {
                level,
                source,
                message,
                fields,
            } => log_line(*level, *source, message, fields),
            Event::Produced { artifact } => produced(artifact),
            Event::CheckpointSaved { bytes } => {
                eprintln!("  {DIM}checkpoint: {bytes} bytes{DIM:#}");
            }
            Event::ToolStarted {
                call,
                tool,
                template,
                arguments,
                ..
            } => self.tool_started(*call, tool, template, arguments),
            Event::ToolOutput {
                stream, payload, ..
            } => self.output(*stream, payload),
            Event::ToolFinished {
                call,
                tool,
                exit,
                success,
                usage,
            } => self.tool_finished(*call, tool, *exit, *success, usage),
            Event::ToolRefused {
                tool,
                template,
                message,
                ..
            } => tool_refused(tool, template, message),
            Event::HttpRequested {
                method,
                origin,
                path,
                ..
            } => eprintln!("  {DIM}> {method} {origin}{}{DIM:#}", printable(path)),
            Event::HttpFinished {
                status, message, ..
            } => answered(*status, message.as_deref()),
            Event::ApprovalRevoked { approval } => {
                eprintln!("  {BAD}x{BAD:#} approval {approval} was revoked");
            }
            Event::FilesChanged { changes, more } => {
                self.changes.clone_from(changes);
                self.more_changes = *more;
            }
            Event::ClaimsDiffer { mismatch } => self.mismatch = Some(mismatch.clone()),
            Event::RunFinished { outcome, wall_ms } => self.summary(outcome, *wall_ms),
        }
    }
}

impl Human {
    fn percent(&self) -> String {
        if self.percent == 0 {
            return String::new();
        }
        format!(" {DIM}{} %{DIM:#}", self.percent)
    }

    fn tool_started(&mut self, call: u32, tool: &str, template: &str, arguments: &[String]) {
        self.started.push((call, format!("{tool}:{template}")));
        eprintln!(
            "{NOTE}${NOTE:#} {} {}",
            printable(tool),
            printable(&arguments.join(" "))
        );
    }

    fn output(&mut self, stream: Stream, payload: &Payload) {
        let text = match payload {
            Payload::Text(text) => text.as_str(),
            Payload::Base64(encoded) => {
                let size = encoded.len() / 4 * 3;
                eprintln!("  {DIM}| ({size} bytes that are not text){DIM:#}");
                return;
            }
        };
        let mark = match stream {
            Stream::Stdout => DIM,
            Stream::Stderr => WARN,
        };
        self.partial.push_str(text);
        while let Some(end) = self.partial.find('\n') {
            let line: String = self.partial.drain(..=end).collect();
            eprintln!("  {mark}|{mark:#} {}", printable(line.trim_end()));
        }
    }

    fn flush_partial(&mut self) {
        if !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            eprintln!("  {DIM}|{DIM:#} {}", printable(line.trim_end()));
        }
    }

    fn tool_finished(&mut self, call: u32, tool: &str, exit: Exit, success: bool, usage: &Usage) {
        self.flush_partial();
        let place = self.started.iter().position(|(number, _)| *number == call);
        let name = match place {
            Some(place) => self.started.swap_remove(place).1,
            None => tool.to_owned(),
        };
        self.tools.push(ToolLine {
            name,
            exit,
            success,
            usage: usage.clone(),
        });
    }

    fn summary(&mut self, outcome: &Outcome, wall_ms: u64) {
        self.flush_partial();
        println!();
        verdict(outcome, wall_ms);
        if !self.changes.is_empty() {
            println!("{BOLD}files changed:{BOLD:#} {}", self.changes.len());
            for change in self.changes.iter().take(LISTED) {
                let mark = match change.kind {
                    ChangeKind::Created => format!("{GOOD}+{GOOD:#}"),
                    ChangeKind::Modified => format!("{NOTE}~{NOTE:#}"),
                    ChangeKind::Deleted => format!("{BAD}-{BAD:#}"),
                };
                println!("  {mark} {}", printable(change.path.as_str()));
            }
            let hidden = self.changes.len().saturating_sub(LISTED);
            if hidden > 0 || self.more_changes {
                println!("  {DIM}and {hidden} more; --json lists them{DIM:#}");
            }
        } else {
            println!("{BOLD}files changed:{BOLD:#} none");
        }
        if let Some(mismatch) = &self.mismatch {
            claims_differ(mismatch);
        }
        if !self.tools.is_empty() {
            println!("{BOLD}tools run:{BOLD:#} {}", self.tools.len());
            for tool in &self.tools {
                let mark = if tool.success { GOOD } else { BAD };
                println!(
                    "  {mark}{}{mark:#} {} {DIM}{} ms{DIM:#}",
                    printable(&tool.name),
                    exit_words(tool.exit),
                    tool.usage.wall.as_millis()
                );
            }
        }
    }
}

fn run_started(plugin: &str, version: &str, workspace: &str, run: &str) {
    eprintln!(
        "{BOLD}{} {}{BOLD:#} in {}  {DIM}run {run}{DIM:#}",
        printable(plugin),
        printable(version),
        printable(workspace)
    );
}

fn refused(denial: &Denial) {
    let scope = printable(&denial.scope);
    eprintln!("  {BAD}x{BAD:#} denied: {} {scope}", denial.capability);
}

fn produced(artifact: &Artifact) {
    let seen = match artifact.size {
        Some(size) => format!("{size} bytes"),
        None => "not there".to_owned(),
    };
    let path = printable(&artifact.path);
    eprintln!("  {GOOD}+{GOOD:#} {path} {DIM}{seen}{DIM:#}");
}

/// How a request of the plugin came out.
fn answered(status: Option<u16>, message: Option<&str>) {
    match (status, message) {
        (Some(status), _) => eprintln!("  {DIM}< {status}{DIM:#}"),
        (None, Some(message)) => eprintln!("  {BAD}x{BAD:#} no answer: {}", printable(message)),
        (None, None) => {}
    }
}

fn tool_refused(tool: &str, template: &str, message: &str) {
    eprintln!(
        "  {BAD}x{BAD:#} {}:{} did not run: {}",
        printable(tool),
        printable(template),
        printable(message)
    );
}

/// What the plugin says against what was seen, path by path.
fn claims_differ(mismatch: &Mismatch) {
    println!("{WARN}warning:{WARN:#} what the plugin says of files is not what was seen");
    let mut room = LISTED;
    let mut hidden = mismatch.more;
    for (what, paths) in [
        ("says it changed, and did not change", &mismatch.not_changed),
        (
            "changed, and the plugin does not say so",
            &mismatch.not_claimed,
        ),
        ("says it produced, and is no file here", &mismatch.not_there),
    ] {
        for path in paths.iter().take(room) {
            // A line end in a name would be a line that the plugin writes.
            let path = printable(path).replace('\n', "\\n");
            println!("  {WARN}!{WARN:#} {path} {DIM}{what}{DIM:#}");
        }
        hidden |= paths.len() > room;
        room = room.saturating_sub(paths.len());
    }
    if hidden {
        println!("  {DIM}and more; --json lists them{DIM:#}");
    }
}

fn verdict(outcome: &Outcome, wall_ms: u64) {
    let time = format!("{DIM}{wall_ms} ms{DIM:#}");
    match outcome {
        Outcome::Succeeded { summary, .. } => {
            println!("{GOOD}ok{GOOD:#} {} {time}", printable(summary));
        }
        Outcome::Failed {
            code,
            message,
            hint,
            ..
        } => {
            println!(
                "{BAD}failed{BAD:#} {} ({}) {time}",
                printable(message),
                printable(code)
            );
            if let Some(hint) = hint {
                println!("  {NOTE}hint:{NOTE:#} {}", printable(hint));
            }
        }
        Outcome::Rejected { reason } => {
            println!("{BAD}rejected{BAD:#} {} {time}", printable(reason))
        }
        Outcome::InvalidInput { problems } => {
            println!("{BAD}invalid input{BAD:#} nothing was done {time}");
            for problem in problems {
                println!("  {BAD}x{BAD:#} {}", printable(&problem.to_string()));
            }
        }
        Outcome::Denied { denials, message } => {
            println!("{BAD}denied{BAD:#} {time}");
            if let Some(message) = message {
                println!("  the plugin says: {}", printable(message));
            }
            denied(denials);
        }
        Outcome::Unavailable { what } => {
            println!("{BAD}unavailable{BAD:#} {} {time}", printable(what))
        }
        Outcome::TimedOut { limit_ms } => println!(
            "{BAD}timeout{BAD:#} the limit of {limit_ms} ms passed; --timeout changes it {time}"
        ),
        Outcome::Cancelled { reason } => println!("{WARN}cancelled{WARN:#} {reason} {time}"),
        Outcome::PluginFault { kind, message } => {
            let kind = serde_json::to_value(kind).unwrap_or(Value::Null);
            println!(
                "{BAD}plugin fault{BAD:#} {} ({}) {time}",
                printable(message),
                kind.as_str().unwrap_or("fault")
            );
        }
        Outcome::Internal { message } => {
            println!("{BAD}internal error{BAD:#} {} {time}", printable(message))
        }
    }
}

fn denied(denials: &[Denial]) {
    for denial in denials {
        for (number, line) in denial.to_string().lines().enumerate() {
            let line = printable(line);
            if number == 0 {
                println!("  {BAD}x{BAD:#} {line}");
            } else {
                println!("    {}", line.trim_start());
            }
        }
    }
}

fn log_line(level: Level, source: LogSource, message: &str, fields: &Value) {
    if (level, source) == (Level::Debug, LogSource::Host) {
        // For the record: who watches has seen it happen.
        return;
    }
    let (style, word) = match level {
        Level::Debug => (DIM, "debug"),
        Level::Info => (DIM, "info"),
        Level::Warn => (WARN, "warn"),
        Level::Error => (BAD, "error"),
    };
    let from = match source {
        LogSource::Plugin => "",
        LogSource::Stdout => " stdout",
        LogSource::Stderr => " stderr",
        LogSource::Host => " remit",
    };
    let fields = if fields.is_null() {
        String::new()
    } else {
        format!(" {DIM}{}{DIM:#}", printable(&fields.to_string()))
    };
    eprintln!(
        "  {style}{word}{from}{style:#} {}{fields}",
        printable(message)
    );
}

/// How a tool ended, in words.
fn exit_words(exit: Exit) -> String {
    use remit_core::tool::KillCause;
    match exit {
        Exit::Code(code) => format!("exit {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::Killed(cause) => match cause {
            KillCause::Requested => "ended on request",
            KillCause::WallTimeout => "ended: time limit",
            KillCause::IdleTimeout => "ended: silent for too long",
            KillCause::OutputLimit => "ended: output limit",
            KillCause::RunEnded => "ended with the run",
            KillCause::SupervisorLost => "ended: its supervisor died",
        }
        .to_owned(),
    }
}
