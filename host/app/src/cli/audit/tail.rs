//! `remit audit tail`: the last entries, and those that come.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Duration;

use remit_core::audit::{Line, LineError, Place};
use remit_core::outcome::ExitCode;
use remit_ledger::AuditLog;

use super::row;
use crate::exit::Stop;
use crate::places::Places;
use crate::watch::audit;

/// How often the log is looked at: as quick as a person notices, and next to nothing in work.
const LOOK: Duration = Duration::from_millis(200);

/// Shows the last entries of the log, and with --follow those that come
///
/// Ctrl-C ends it. For example: remit audit tail -n 20 --follow
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many of the last entries
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
    lines: usize,

    /// Waits for more
    #[arg(short, long)]
    follow: bool,

    /// Prints one JSON object per line on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let places = Places::find()?;
    let (whole, open) = (Cell::new(true), Cell::new(true));
    let mut each = |place: Place, text: &str, line: Result<Line, LineError>| {
        let written = match (line, args.json) {
            (Ok(_), true) => row::write(text),
            (Ok(line), false) => row::write(&row::line(&line)),
            (Err(error), _) => {
                whole.set(false);
                row::damaged(&places, place, &error);
                ControlFlow::Continue(())
            }
        };
        open.set(written.is_continue());
        written
    };
    let log = AuditLog::in_directory(places.audit());
    let failed = |error| audit::stop(&places, &error);
    let mut follower = log.tail(args.lines, &mut each).map_err(failed)?;
    while args.follow && open.get() {
        std::thread::sleep(LOOK);
        follower.follow(&mut each).map_err(failed)?;
    }
    Ok(if whole.get() {
        ExitCode::Ok
    } else {
        ExitCode::Failed
    })
}
