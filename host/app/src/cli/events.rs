//! `remit events`: what happened, and what happens now.
//!
//! Reads pages from the ledger at its own pace, so that nobody waits for whoever reads. Never: an
//! entry twice, an entry out of order, one before it is durable.

use std::ops::ControlFlow;

use base64::Engine as _;
use remit_core::durable::{Entry, LedgerEvent};
use remit_core::event::{Event, Payload, Stream};
use remit_core::outcome::ExitCode;
use remit_engine::durable::ledger::{EntryQuery, Ledger};
use tokio::sync::watch;

use super::reference::{self, Meant};
use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};
use crate::render::entry;
use crate::timeline::json_line;
use crate::{stdout, wiring};

/// Entries that are read at once: few enough to be shown at once, enough to keep up with any run.
const PAGE: usize = 1_000;

/// Shows what happened in a run or a task, and with --follow what happens
///
/// WHAT is RUN, RUN/TASK or TASK as for `remit show`; without it everything in the ledger. The
/// number in front of a line is its `seq`: --since takes the last one that was seen and goes on
/// exactly after it. --follow ends when the run or the task has ended; Ctrl-C ends it earlier.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RUN, RUN/TASK or TASK
    #[arg(value_name = "WHAT")]
    what: Option<String>,

    /// Waits for more
    #[arg(short, long)]
    follow: bool,

    /// Only what came after this `seq`
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    since: u64,

    /// Leaves out what attempts do and tools print
    #[arg(long, conflicts_with = "raw")]
    brief: bool,

    /// Prints what tools wrote and nothing else, byte for byte, on the stream on which they wrote it
    #[arg(long, conflicts_with = "json")]
    raw: bool,

    #[command(flatten)]
    ledger: Choice,

    /// Prints one JSON object per line on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    wiring::runtime()?.block_on(async {
        let ledger = args.ledger.open()?;
        let meant = match &args.what {
            Some(what) => Some(reference::find(ledger.as_ref(), what).await?),
            None => None,
        };
        let newest = ledger.newest();
        show(args, ledger.as_ref(), meant.as_ref(), newest).await?;
        Ok(ExitCode::Ok)
    })
}

/// Shows pages until there is no more, or nobody reads any more.
async fn show(
    args: &Args,
    ledger: &dyn Ledger,
    meant: Option<&Meant>,
    mut newest: watch::Receiver<u64>,
) -> Result<(), Stop> {
    let mut after = args.since;
    loop {
        // Before the look: what comes after it changes the number again.
        newest.mark_unchanged();
        let over = args.follow && has_ended(ledger, meant).await?;
        let query = EntryQuery {
            run: meant.map(|meant| meant.run().run.clone()),
            task: meant.and_then(Meant::task).cloned(),
            after,
            activity: !args.brief,
            limit: PAGE,
        };
        let page = ledger.entries(query).await.map_err(stop)?;
        let is_last = page.len() < PAGE;
        for entry in &page {
            if print(args, meant, entry)?.is_break() || (args.follow && ends(meant, entry)) {
                return Ok(());
            }
            after = entry.seq;
        }
        if !is_last {
            continue;
        }
        if !args.follow || over && page.is_empty() {
            return Ok(());
        }
        if page.is_empty() && newest.changed().await.is_err() {
            return Ok(());
        }
    }
}

fn print(args: &Args, meant: Option<&Meant>, entry: &Entry) -> Result<ControlFlow<()>, Stop> {
    if args.raw {
        return Ok(print_raw(entry));
    }
    if args.json {
        return Ok(stdout::line(&json_line(entry)?));
    }
    let with_place = meant.is_none_or(|meant| meant.task().is_none());
    let flags = args.ledger.flags();
    Ok(stdout::line(&entry::line_with_hint(
        entry, with_place, &flags,
    )))
}

fn print_raw(entry: &Entry) -> ControlFlow<()> {
    let LedgerEvent::Activity { activity, .. } = &entry.event else {
        return ControlFlow::Continue(());
    };
    let Event::ToolOutput {
        stream, payload, ..
    } = activity.as_ref()
    else {
        return ControlFlow::Continue(());
    };
    let to_stderr = *stream == Stream::Stderr;
    match payload {
        Payload::Text(text) => stdout::raw(text.as_bytes(), to_stderr),
        Payload::Base64(encoded) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(encoded);
            stdout::raw(&bytes.unwrap_or_default(), to_stderr)
        }
    }
}

/// Whether nothing can come after this entry.
fn ends(meant: Option<&Meant>, entry: &Entry) -> bool {
    let is_end = matches!(
        entry.event,
        LedgerEvent::TaskCompleted
            | LedgerEvent::TaskFailed { .. }
            | LedgerEvent::TaskTimeout { .. }
            | LedgerEvent::TaskCanceled { .. }
            | LedgerEvent::TaskSkipped { .. }
            | LedgerEvent::TaskBlocked { .. }
    );
    match meant {
        None => false,
        Some(Meant::Run(_)) => matches!(entry.event, LedgerEvent::ExecutionFinished { .. }),
        Some(Meant::Task(..)) => is_end,
    }
}

/// Whether what is followed has ended, as the ledger has it now.
async fn has_ended(ledger: &dyn Ledger, meant: Option<&Meant>) -> Result<bool, Stop> {
    match meant {
        None => Ok(false),
        Some(Meant::Run(run)) => {
            let view = ledger.run(&run.run).await.map_err(stop)?;
            Ok(view.is_none_or(|view| view.finished_ms.is_some()))
        }
        Some(Meant::Task(run, task)) => {
            let view = ledger.task(&run.run, &task.spec.id).await.map_err(stop)?;
            Ok(view.is_none_or(|view| view.state.phase.end().is_some()))
        }
    }
}
