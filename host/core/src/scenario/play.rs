//! What a tool of a scenario does, step by step, and what can go wrong with it.
//!
//! Never: a step with two meanings. Each has exactly one verb.

use std::str::FromStr;
use std::time::Duration;

use super::content::{self, Content};
use super::{MAX_STEPS, MAX_WAIT};
use crate::document::Section;
use crate::event::Stream;
use crate::path::RelPath;
use crate::quantity::TimeSpan;
use crate::tool::{Exit, KillCause};

/// Where a tool writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the workspace.
    Workspace,
    /// In the private directory of the attempt.
    Scratch,
}

/// How a tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, or by the host.
    Exit(Exit),
    /// Not at all: until somebody ends it.
    Hang,
}

/// One thing that a tool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Writes to a stream.
    Output(Stream, Content),
    /// Its own clock goes on; nobody waits.
    Pause(Duration),
    /// Its own clock goes on, and everybody waits.
    Wait(Duration),
    /// Waits for a line on standard input that holds this text.
    Await(String),
    /// Waits for the end of standard input.
    AwaitEnd,
    /// Closes its standard input.
    CloseStdin,
    /// Writes a file.
    Write {
        /// Where the path begins.
        place: Place,
        /// The file.
        path: RelPath,
        /// What is in it then.
        content: Content,
    },
    /// Removes a file of the workspace.
    Delete(RelPath),
    /// Somebody asks the run to end.
    Cancel,
    /// It ends.
    End(End),
}

/// Why a tool does not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The program is not there.
    Missing,
    /// The program is not the one that was pinned.
    Changed,
    /// The operating system refuses.
    Spawn,
    /// A limit of the host.
    Limit,
}

impl Refusal {
    /// All of them, with the words for them: those of `StartError::code`.
    pub const WORDS: [(Self, &'static str); 4] = [
        (Self::Missing, "tool-missing"),
        (Self::Changed, "tool-changed"),
        (Self::Spawn, "spawn-refused"),
        (Self::Limit, "limit"),
    ];
}

/// Something that goes wrong with a tool, whatever it was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A signal ends it in the middle of a line.
    KillMidLine,
    /// Its output is not UTF-8.
    NotUtf8,
    /// It writes 1 GiB.
    Flood,
    /// Its output ends, and something of it holds on until its time is over.
    Orphan,
    /// It falls silent for longer than it may.
    IdleTimeout,
    /// It takes longer than it may.
    WallTimeout,
    /// It closes its standard input at once.
    StdinClosed,
    /// The supervisor between host and tool dies.
    SupervisorLost,
    /// Its program is not there.
    ToolMissing,
    /// The operating system refuses to start it.
    SpawnRefused,
}

impl Fault {
    /// All of them, with the words for them.
    pub const WORDS: [(Self, &'static str); 10] = [
        (Self::KillMidLine, "kill-mid-line"),
        (Self::NotUtf8, "not-utf-8"),
        (Self::Flood, "flood"),
        (Self::Orphan, "orphan"),
        (Self::IdleTimeout, "idle-timeout"),
        (Self::WallTimeout, "wall-timeout"),
        (Self::StdinClosed, "stdin-closed"),
        (Self::SupervisorLost, "supervisor-lost"),
        (Self::ToolMissing, "tool-missing"),
        (Self::SpawnRefused, "spawn-refused"),
    ];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(fault, _)| *fault == self)
            .map_or("", |(_, word)| word)
    }
}

/// A word that is not one of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not known here; write one of {known}")]
pub struct UnknownWord {
    found: String,
    known: String,
}

/// Finds a word in a list of them.
pub(super) fn chosen<T: Copy>(text: &str, words: &[(T, &'static str)]) -> Result<T, UnknownWord> {
    let found = words.iter().find(|(_, word)| *word == text);
    found.map(|(value, _)| *value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(_, word)| *word).collect();
        UnknownWord {
            found: crate::excerpt::excerpt(text),
            known: known.join(", "),
        }
    })
}

impl FromStr for Refusal {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        chosen(text, &Self::WORDS)
    }
}

impl FromStr for Fault {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        chosen(text, &Self::WORDS)
    }
}

/// Why the host ended a tool, as a scenario writes it.
const CAUSES: [(KillCause, &str); 6] = [
    (KillCause::Requested, "requested"),
    (KillCause::WallTimeout, "wall-timeout"),
    (KillCause::IdleTimeout, "idle-timeout"),
    (KillCause::OutputLimit, "output-limit"),
    (KillCause::RunEnded, "run-ended"),
    (KillCause::SupervisorLost, "supervisor-lost"),
];

/// The verbs, in the order in which messages name them.
const VERBS: [&str; 14] = [
    "stdout",
    "stderr",
    "pause",
    "wait",
    "await",
    "await-end",
    "close-stdin",
    "write",
    "delete",
    "cancel",
    "exit",
    "signal",
    "killed",
    "hang",
];

/// Reads the list of steps; absent is empty.
pub(super) fn read(section: &mut Section<'_>, key: &str) -> Vec<Step> {
    let tables = section.tables(key);
    let mut steps = Vec::with_capacity(tables.len().min(MAX_STEPS));
    let mut ended = false;
    for mut table in tables {
        if steps.len() >= MAX_STEPS {
            let message = format!("a tool has more than {MAX_STEPS} steps");
            let fix = "write long output to a file and name it with { from = \"file\" }";
            table
                .problems()
                .report(table.span(), "too-many", message, fix);
            break;
        }
        if ended {
            table.problems().report(
                table.span(),
                "after-the-end",
                "the tool has ended before this step",
                "put it before the end, or remove it",
            );
        }
        let step = read_step(&mut table);
        table.finish();
        ended |= matches!(step, Some(Step::End(_)));
        steps.extend(step);
    }
    steps
}

fn read_step(table: &mut Section<'_>) -> Option<Step> {
    let mut verbs = VERBS.iter().copied().filter(|verb| table.has(verb));
    let (Some(verb), None) = (verbs.next(), verbs.next()) else {
        let fix = format!("write one of {}", VERBS.join(", "));
        table.problems().report(
            table.span(),
            "one-verb",
            "a step does exactly one thing",
            fix,
        );
        // What is there is known; only how much of it is wrong.
        for verb in VERBS {
            let _known = table.has(verb) && table.json(verb).is_some();
        }
        return None;
    };
    match verb {
        "stdout" => Some(Step::Output(Stream::Stdout, content::read(table, verb)?)),
        "stderr" => Some(Step::Output(Stream::Stderr, content::read(table, verb)?)),
        "pause" => Some(Step::Pause(time(table, verb)?)),
        "wait" => wait(table, verb),
        "await" => Some(Step::Await(table.text(verb)?.value.to_owned())),
        "await-end" => yes(table, verb).then_some(Step::AwaitEnd),
        "close-stdin" => yes(table, verb).then_some(Step::CloseStdin),
        "write" => write(table),
        "delete" => Some(Step::Delete(
            table.parsed::<RelPath>(verb, "bad-path")?.value,
        )),
        "cancel" => yes(table, verb).then_some(Step::Cancel),
        "exit" => number(table, verb).map(|code| Step::End(End::Exit(Exit::Code(code)))),
        "signal" => number(table, verb).map(|signal| Step::End(End::Exit(Exit::Signal(signal)))),
        "killed" => killed(table, verb),
        _ => yes(table, verb).then_some(Step::End(End::Hang)),
    }
}

fn time(table: &mut Section<'_>, verb: &str) -> Option<Duration> {
    Some(table.parsed::<TimeSpan>(verb, "bad-time")?.value.get())
}

fn wait(table: &mut Section<'_>, verb: &str) -> Option<Step> {
    let time = table.parsed::<TimeSpan>(verb, "bad-time")?;
    if time.value > MAX_WAIT {
        let message = format!("nobody waits longer than {MAX_WAIT} for a test");
        let fix = "write `pause`, which costs no time, or less";
        table
            .problems()
            .report(&time.span, "too-long", message, fix);
        return None;
    }
    Some(Step::Wait(time.value.get()))
}

/// Whether `true` was written, which is the only thing that makes sense.
fn yes(table: &mut Section<'_>, verb: &str) -> bool {
    let said = table.flag(verb);
    if !said {
        table.problems().report(
            table.span(),
            "only-true",
            format!("`{verb} = false` says nothing"),
            "remove the step",
        );
    }
    said
}

fn number(table: &mut Section<'_>, verb: &str) -> Option<u8> {
    let number = table.integer(verb)?;
    let fits = u8::try_from(number.value).ok();
    if fits.is_none() {
        let message = format!("`{verb}` is {}, and must be from 0 to 255", number.value);
        table
            .problems()
            .report(&number.span, "out-of-range", message, "write 0 to 255");
    }
    fits
}

fn killed(table: &mut Section<'_>, verb: &str) -> Option<Step> {
    let text = table.text(verb)?;
    match chosen(text.value, &CAUSES) {
        Ok(cause) => Some(Step::End(End::Exit(Exit::Killed(cause)))),
        Err(error) => {
            let whole = error.to_string();
            let (message, fix) = whole.split_once("; ").unwrap_or((&whole, "correct it"));
            table
                .problems()
                .report(&text.span, "unknown-cause", message, fix);
            None
        }
    }
}

fn write(table: &mut Section<'_>) -> Option<Step> {
    let path = table.parsed::<RelPath>("write", "bad-path");
    let place = match table.text("in") {
        None => Some(Place::Workspace),
        Some(text) => {
            let places = [(Place::Workspace, "workspace"), (Place::Scratch, "scratch")];
            let place = chosen(text.value, &places).ok();
            if place.is_none() {
                let message = format!("`{}` is no place", text.value);
                let fix = "write \"workspace\" or \"scratch\"";
                table
                    .problems()
                    .report(&text.span, "unknown-place", message, fix);
            }
            place
        }
    };
    let count = ["text", "base64", "from"]
        .iter()
        .filter(|key| table.has(key))
        .count();
    if count != 1 {
        table.problems().report(
            table.span(),
            "one-content",
            "a file that is written has exactly one content",
            "add `text`, `base64` or `from`",
        );
    }
    let text = table.text("text").map(|text| Content::text(text.value));
    let base64 = content::base64(table, "base64");
    let content = text.or(base64).or(content::from(table, "from"));
    Some(Step::Write {
        place: place?,
        path: path?.value,
        content: content?,
    })
}
