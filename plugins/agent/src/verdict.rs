//! What became of a request: from what was seen, how the tool ended, and what changed.
//!
//! The rules of each agent are in its module below `tool`; here is what they share. The words are
//! the same for all agents. Never: success without a terminal event of the agent, an exit code of
//! 0, no refusal, and (if changes are expected) a change that the *host* saw.

use std::fmt;

use crate::files::{Changes, Mismatch, compare, relative};
use crate::observation::{End, EndKind, Observation};
use crate::tool::Tool;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The agent did what was asked, as far as can be known.
    Success,
    /// The service behind the agent did not answer, or refused.
    Provider,
    /// The agent was called or set up in a way that it does not take.
    Config,
    /// The agent was refused what it wanted to do.
    Permission,
    /// A limit on turns, tokens, money or output was reached.
    Limit,
    /// It ended without the effect that was asked for.
    NoEffect,
    /// A time limit passed.
    Timeout,
    /// Someone ended it.
    Cancelled,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 8] = [
        Self::Success,
        Self::Provider,
        Self::Config,
        Self::Permission,
        Self::Limit,
        Self::NoEffect,
        Self::Timeout,
        Self::Cancelled,
    ];

    /// Its stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Provider => "failed:provider",
            Self::Config => "failed:usage/config",
            Self::Permission => "failed:permission",
            Self::Limit => "failed:limit",
            Self::NoEffect => "failed:no-effect/tests",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Who ended the tool, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Killer {
    /// The host: its time was over.
    Time,
    /// The host: it was silent for too long.
    Silence,
    /// The host: the run was cancelled or over.
    Run,
    /// The host: it wrote too much.
    Output,
    /// The host's supervisor died.
    Supervisor,
    /// The adapter: it asked its provider again too often.
    RetryBudget,
    /// The adapter: it took too many steps.
    Turns,
}

/// How the tool ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this code.
    Code(u8),
    /// A signal that the host did not send.
    Signal(u8),
    /// It was ended.
    Killed(Killer),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => write!(f, "signal {number}"),
            Self::Killed(killer) => f.write_str(match killer {
                Killer::Time => "ended by its time limit",
                Killer::Silence => "ended because it was silent for too long",
                Killer::Run => "ended with the run",
                Killer::Output => "ended because it wrote too much",
                Killer::Supervisor => "ended because its supervisor died",
                Killer::RetryBudget => "ended because it asked its provider again too often",
                Killer::Turns => "ended because it took more steps than it may",
            }),
        }
    }
}

/// A verdict with its reason, and where claims and observation differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, for people; of a success, what the agent said.
    pub reason: String,
    /// Whether asking again, unchanged, could help.
    pub retryable: bool,
    /// The claimed files, below the workspace where that can be known.
    pub claimed_files: Vec<String>,
    /// Where claims and observation differ.
    pub mismatch: Mismatch,
}

/// Something that speaks against success.
pub(crate) type Objection = (Verdict, String);

/// Judges one run of an agent.
#[must_use]
pub fn judge(
    tool: Tool,
    seen: &Observation,
    ended: Ended,
    changes: &Changes,
    expect_changes: bool,
) -> Judgement {
    let objection = match exit_code(ended) {
        // Why it asked again says whether that could ever help.
        Err((Verdict::Provider, reason)) => {
            Some((Verdict::Provider, format!("{reason}: {}", seen.last_retry)))
        }
        Err(objection) => Some(objection),
        Ok(code) => tool
            .objection(seen, code)
            .or_else(|| refused(seen, changes, expect_changes))
            .or_else(|| without_effect(changes, expect_changes)),
    };
    let claimed = relative(&seen.files, seen.root.as_deref(), changes);
    let mut mismatch = compare(&claimed, changes);
    let (verdict, reason) = objection.unwrap_or_else(|| (Verdict::Success, said(seen)));
    let last = seen.ends.last().map(|end| end.kind);
    mismatch.success = verdict != Verdict::Success && last == Some(EndKind::Completed);
    Judgement {
        retryable: is_retryable(verdict, &reason),
        verdict,
        reason,
        claimed_files: claimed.into_iter().collect(),
        mismatch,
    }
}

fn said(seen: &Observation) -> String {
    let first = seen.text.trim().lines().next().unwrap_or_default();
    if first.is_empty() {
        "the agent did what was asked".to_owned()
    } else {
        first.to_owned()
    }
}

fn is_retryable(verdict: Verdict, reason: &str) -> bool {
    match verdict {
        Verdict::Provider => !crate::evidence::is_lasting(reason),
        Verdict::Timeout => true,
        Verdict::Success
        | Verdict::Config
        | Verdict::Permission
        | Verdict::Limit
        | Verdict::NoEffect
        | Verdict::Cancelled => false,
    }
}

/// The exit code, if nobody ended the tool.
fn exit_code(ended: Ended) -> Result<u8, Objection> {
    let verdict = match ended {
        // Shells and programs that clean up tell a signal so: 128 and its number.
        Ended::Code(129 | 130 | 131 | 137 | 143) => Verdict::Cancelled,
        Ended::Code(code) => return Ok(code),
        // HUP, INT, QUIT, KILL, TERM: someone's wish. Others are a crash of the agent's own.
        Ended::Signal(1 | 2 | 3 | 9 | 15) => Verdict::Cancelled,
        Ended::Signal(_) => Verdict::NoEffect,
        Ended::Killed(killer) => match killer {
            Killer::Time | Killer::Silence => Verdict::Timeout,
            Killer::Run => Verdict::Cancelled,
            Killer::Output | Killer::Turns => Verdict::Limit,
            Killer::RetryBudget => Verdict::Provider,
            Killer::Supervisor => Verdict::NoEffect,
        },
    };
    Err((verdict, format!("the agent's process: {ended}")))
}

/// What an end speaks for, if it is none that speaks for success.
pub(crate) fn against(end: &End) -> Option<Objection> {
    let verdict = match end.kind {
        EndKind::Completed => return None,
        EndKind::Provider => Verdict::Provider,
        EndKind::Limit => Verdict::Limit,
        EndKind::Permission => Verdict::Permission,
        EndKind::Config => Verdict::Config,
        EndKind::Cancelled => Verdict::Cancelled,
        EndKind::Stopped | EndKind::Failed => Verdict::NoEffect,
    };
    let words = if end.words.is_empty() {
        "the agent ended without success".to_owned()
    } else {
        end.words.clone()
    };
    Some((verdict, words))
}

/// The first end that speaks against success, whatever came after it.
pub(crate) fn any_bad_end(seen: &Observation) -> Option<Objection> {
    seen.ends.iter().find_map(against)
}

/// The rule for an agent that has no terminal event to go by, `completed` aside: its words and its
/// exit code are all there is.
pub(crate) fn unfinished(seen: &Observation, code: u8) -> Objection {
    let hinted = |kind: EndKind| seen.hints.iter().find(|hint| hint.kind == kind);
    let order = if seen.events == 0 {
        [
            EndKind::Config,
            EndKind::Provider,
            EndKind::Limit,
            EndKind::Cancelled,
        ]
    } else {
        [
            EndKind::Provider,
            EndKind::Limit,
            EndKind::Config,
            EndKind::Cancelled,
        ]
    };
    if let Some(objection) = order.into_iter().find_map(hinted).and_then(against) {
        return objection;
    }
    if seen.retries > 0 && seen.steps == 0 {
        let reason = format!(
            "it asked its provider {} times again and ended: {}",
            seen.retries, seen.last_retry
        );
        return (Verdict::Provider, reason);
    }
    if let Some(denied) = seen.denials.first() {
        return (
            Verdict::Permission,
            format!("{}: {}", denied.what, denied.why),
        );
    }
    // A program that says nothing and fails at once was not called as it wants to be.
    if seen.events == 0 && seen.broken_lines == 0 && code != 0 {
        return (
            Verdict::Config,
            format!("it did not begin: exit code {code}"),
        );
    }
    let reason = format!("it ended before it said that it was done: exit code {code}");
    (Verdict::NoEffect, reason)
}

/// Whether there are words where events were expected, and nothing else: the agent was run in a
/// form that is for people. Then its words are its terminal event.
pub(crate) fn is_plain(seen: &Observation) -> bool {
    seen.events == 0 && seen.broken_lines == 0 && seen.loose_lines > 0
}

/// An exit code that speaks against a completed end.
pub(crate) fn bad_code(code: u8) -> Option<Objection> {
    (code != 0).then(|| {
        let reason = format!("it said that it was done and exited with code {code}");
        (Verdict::NoEffect, reason)
    })
}

/// The rule for an agent run in a form for people, if it was.
pub(crate) fn plain_rule(seen: &Observation, code: u8) -> Option<Objection> {
    let completed = seen.ends.iter().any(|end| end.kind == EndKind::Completed);
    if completed {
        bad_code(code)
    } else if is_plain(seen) && code == 0 {
        None
    } else {
        Some(unfinished(seen, code))
    }
}

fn refused(seen: &Observation, changes: &Changes, expect_changes: bool) -> Option<Objection> {
    if let Some(denied) = seen.denials.first() {
        let more = match seen.denials.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let reason = format!("refused: {}: {}{more}", denied.what, denied.why);
        return Some((Verdict::Permission, reason));
    }
    let without = expect_changes && !changes.is_effect();
    (without && seen.refusal_signs > 0).then(|| {
        let reason = "nothing changed, and what it tried was not permitted".to_owned();
        (Verdict::Permission, reason)
    })
}

fn without_effect(changes: &Changes, expect_changes: bool) -> Option<Objection> {
    if !expect_changes || changes.is_effect() {
        return None;
    }
    let reason = if changes.files.is_none() {
        "changes are expected, and the host could not look for them"
    } else {
        "it says that it is done, and no file of the workspace changed"
    };
    Some((Verdict::NoEffect, reason.to_owned()))
}
