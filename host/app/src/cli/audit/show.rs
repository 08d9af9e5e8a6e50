//! `remit audit show`: the entries of the log, as a table or as JSON.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::str::FromStr;

use remit_core::audit::{Entry, Line};
use remit_core::outcome::ExitCode;
use remit_core::quantity::TimeSpan;
use remit_ledger::AuditLog;

use super::row;
use crate::exit::Stop;
use crate::places::Places;
use crate::watch::audit;

/// Shows the entries of the log, oldest first
///
/// For example: remit audit show --plugin command --type spawn --since 24h
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this run: its id, or the end of it
    #[arg(long, value_name = "ID")]
    run: Option<String>,

    /// Only runs of this plugin
    #[arg(long, value_name = "ID")]
    plugin: Option<String>,

    /// Only entries of this type; may be repeated
    #[arg(long = "type", value_name = "TYPE", value_parser = Entry::WORDS)]
    kinds: Vec<String>,

    /// Only what is not older: a span such as 90m or 24h, or a time such as 2026-11-20T18:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,

    /// Prints one JSON array on standard output
    #[arg(long)]
    json: bool,
}

/// A time in the past.
#[derive(Debug, Clone)]
enum Since {
    Span(TimeSpan),
    Time(jiff::Timestamp),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(span) = text.parse() {
            return Ok(Self::Span(span));
        }
        text.parse().map(Self::Time).map_err(|_| {
            format!(
                "`{text}` is neither a span such as 90m or 24h nor a time such as \
                 2026-11-20T18:00:00Z"
            )
        })
    }
}

impl Since {
    /// As times stand in the log: there the order of texts is the order of times.
    fn text(&self) -> String {
        let time = match self {
            Self::Time(time) => *time,
            Self::Span(span) => jiff::Timestamp::now()
                .checked_sub(span.get())
                .unwrap_or(jiff::Timestamp::MIN),
        };
        format!("{time:.3}")
    }
}

/// Which entries are shown.
struct Filter {
    args: Args,
    since: Option<String>,
    /// Runs of the plugin that is asked for.
    runs: HashSet<String>,
}

impl Filter {
    fn takes(&mut self, line: &Line) -> bool {
        let run = line.run.as_deref().unwrap_or_default();
        if let (Some(wanted), Entry::RunStarted { plugin, .. }) = (&self.args.plugin, &line.entry)
            && plugin == wanted
        {
            self.runs.insert(run.to_owned());
        }
        let args = &self.args;
        args.run
            .as_ref()
            .is_none_or(|end| run.ends_with(end.as_str()))
            && (args.plugin.is_none() || self.runs.contains(run))
            && (args.kinds.is_empty() || args.kinds.iter().any(|kind| kind == line.entry.word()))
            && self.since.as_ref().is_none_or(|since| line.time >= *since)
    }
}

pub(super) fn run(args: Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let json = args.json;
    let mut filter = Filter {
        since: args.since.as_ref().map(Since::text),
        runs: HashSet::new(),
        args,
    };
    let mut shown = 0_u64;
    let mut whole = true;
    AuditLog::in_directory(places.audit())
        .read(&mut |place, text, line| {
            let line = match line {
                Ok(line) => line,
                Err(error) => {
                    whole = false;
                    row::damaged(&places, place, &error);
                    return ControlFlow::Continue(());
                }
            };
            if !filter.takes(&line) {
                return ControlFlow::Continue(());
            }
            shown += 1;
            if json {
                let before = if shown == 1 { "[" } else { "," };
                row::write(&format!("{before}{text}"))
            } else {
                row::write(&row::line(&line))
            }
        })
        .map_err(|error| audit::stop(&places, &error))?;
    // The end of the array, or all of it. That nobody reads any more ends nothing else.
    let _closed = match (json, shown) {
        (true, 0) => row::write("[]"),
        (true, _) => row::write("]"),
        (false, 0) => row::write("no entry"),
        (false, _) => ControlFlow::Continue(()),
    };
    Ok(if whole {
        ExitCode::Ok
    } else {
        ExitCode::Failed
    })
}
