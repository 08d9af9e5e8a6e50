//! `remit ledger export`: everything in a ledger as JSON lines.
//!
//! Never: a ledger that is made by looking at it.

use std::io::{BufWriter, Write};

use remit_core::outcome::ExitCode;
use remit_ledger::export_ledger;

use crate::exit::Stop;
use crate::ledger_file::{Choice, stop};

/// Prints every entry as one JSON object per line, in the ledger's order
///
/// For example: remit ledger export > ledger.jsonl
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    ledger: Choice,
}

/// Standard output that knows whether somebody still reads.
struct Out<W: Write> {
    to: W,
    closed: bool,
}

impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes);
        self.closed |= written.is_err();
        written
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let flushed = self.to.flush();
        self.closed |= flushed.is_err();
        flushed
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Stop> {
    let mut out = Out {
        to: BufWriter::new(std::io::stdout().lock()),
        closed: false,
    };
    match export_ledger(&args.ledger.path()?, &mut out) {
        Ok(_count) => Ok(ExitCode::Ok),
        // That nobody reads any more is no fault.
        Err(_) if out.closed => Ok(ExitCode::Ok),
        Err(error) => Err(stop(error)),
    }
}
