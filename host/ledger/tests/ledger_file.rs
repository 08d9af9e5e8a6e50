//! What only the ledger on disk has: its file, other processes, full and broken disks, `verify`,
//! `export` and `gc`.
//!
//! Never: a test that needs more than a directory and this program itself.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may panic, breaks files on purpose, and says what it cannot try"
)]

#[path = "ledger_conformance/build.rs"]
#[expect(
    dead_code,
    reason = "shared with the conformance suite, which uses the rest"
)]
mod build;

#[path = "ledger_file/damage.rs"]
mod damage;
#[path = "ledger_file/disk.rs"]
mod disk;
#[path = "ledger_file/gc.rs"]
mod gc;
#[path = "ledger_file/indexes.rs"]
mod indexes;
#[path = "ledger_file/processes.rs"]
mod processes;

use std::path::{Path, PathBuf};

use remit_core::durable::LedgerEvent;
use remit_engine::durable::ledger::{Expect, Ledger};
use remit_ledger::SqliteLedger;

use build::*;

/// A directory that goes away, and the ledger's file in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.db");
    (directory, path)
}

fn open(path: &Path) -> SqliteLedger {
    SqliteLedger::open(path).unwrap()
}

/// A run that has finished, with one task of `lines` lines.
async fn finished_run(ledger: &dyn Ledger, name: &str, lines: usize) {
    submit(ledger, name, &["a"]).await;
    let mut events = vec![began(1, 1)];
    events.extend((0..lines).map(|line| output(1, 1, &format!("line {line}"))));
    events.extend([ended(1, None), LedgerEvent::TaskCompleted]);
    add(ledger, task(name, "a"), Expect::Seq(1), events)
        .await
        .unwrap();
    let end = vec![started(1), finished()];
    add(ledger, run(name), Expect::Exists, end).await.unwrap();
}
