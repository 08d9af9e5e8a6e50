//! Where tasks and runs are, in words and colours, and how long things took.
//!
//! Never: a colour that alone says something.

use remit_core::durable::{Counts, Phase, RunPhase};
use remit_engine::durable::ledger::{RunView, TaskView};

use super::{BAD, DIM, GOOD, NOTE, WARN};

/// Where a task is, padded to the longest word.
pub(crate) fn phase(phase: Phase) -> String {
    let style = match phase {
        Phase::Completed => GOOD,
        Phase::Failed | Phase::Timeout => BAD,
        Phase::Waiting => WARN,
        Phase::InProgress | Phase::Validating => NOTE,
        Phase::Pending | Phase::Ready | Phase::Canceled | Phase::Skipped | Phase::Blocked => DIM,
    };
    format!("{style}{:<11}{style:#}", phase.word())
}

/// Where a run is: its phase, or how it went once it has finished; padded to the longest word.
pub(crate) fn run_word(view: &RunView) -> String {
    let (style, word) = run_style(view);
    format!("{style}{word:<10}{style:#}")
}

/// The same, as long as it is.
pub(crate) fn run_word_alone(view: &RunView) -> String {
    let (style, word) = run_style(view);
    format!("{style}{word}{style:#}")
}

fn run_style(view: &RunView) -> (anstyle::Style, &'static str) {
    match view.state.phase {
        RunPhase::Submitted => (DIM, "SUBMITTED"),
        RunPhase::Running if view.state.cancel.is_some() => (WARN, "CANCELLING"),
        RunPhase::Running => (NOTE, "RUNNING"),
        RunPhase::Finished if view.counts.of(Phase::Completed) == view.counts.total() => {
            (GOOD, "FINISHED")
        }
        RunPhase::Finished => (BAD, "FINISHED"),
    }
}

/// How many tasks are where, without those where none is.
pub(crate) fn counts(counts: &Counts) -> String {
    let parts: Vec<String> = Phase::ALL
        .into_iter()
        .filter(|phase| counts.of(*phase) > 0)
        .map(|phase| {
            let word = phase.word().to_ascii_lowercase().replace('_', " ");
            format!("{} {word}", counts.of(phase))
        })
        .collect();
    parts.join(", ")
}

/// A span of time as people read it: `7ms`, `1.2s`, `3m05s`, `2h03m`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms}ms"),
        1..60 => format!("{seconds}.{}s", ms % 1_000 / 100),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// How long a task has taken, or takes so far; absent before its first attempt.
pub(crate) fn taken(task: &TaskView, now_ms: u64) -> Option<u64> {
    let from = task.started_ms?;
    let to = task.ended_ms.unwrap_or(now_ms);
    Some(to.saturating_sub(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        for (ms, want) in [
            (0, "0ms"),
            (999, "999ms"),
            (1_250, "1.2s"),
            (185_000, "3m05s"),
            (7_380_000, "2h03m"),
            (360_000_000, "100h00m"),
        ] {
            assert_eq!(duration(ms), want);
        }
    }
}
