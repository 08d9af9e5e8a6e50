//! Every history again: numbers, chain, fold; then the rows that were made from it.
//!
//! Never: another fold than the writer's.

use std::collections::BTreeMap;

use remit_core::durable::{Counts, LedgerEvent, RunId, Stream, TaskId, TaskState};
use remit_engine::durable::fold::{self, Folded, Head};
use rusqlite::{Connection, OptionalExtension, Row as Line};

use super::LedgerReport;
use crate::durable::sqlite::chain::{self, Link};
use crate::durable::sqlite::fault::Trouble;
use crate::durable::sqlite::heads::{Held, Row, RunRow, TaskRow, Write};
use crate::durable::sqlite::log::{self, Change};
use crate::durable::sqlite::rows::{int, load_run, load_task, uint};

/// An event as it is in the file.
struct Read {
    run: i64,
    task: i64,
    number: u64,
    pos: u64,
    at_ms: u64,
    activity: bool,
    text: String,
    link: Link,
}

fn read(row: &Line<'_>) -> rusqlite::Result<Read> {
    Ok(Read {
        run: row.get(0)?,
        task: row.get(1)?,
        number: uint(row, 2)?,
        pos: uint(row, 3)?,
        at_ms: uint(row, 4)?,
        activity: row.get(5)?,
        text: row.get(6)?,
        link: row.get(7)?,
    })
}

/// An attempt as the history tells it.
#[derive(Debug, Default, Clone, PartialEq)]
struct Attempt {
    fence: i64,
    epoch: i64,
    adapter: String,
    started_ms: i64,
    ended_ms: Option<i64>,
    status: Option<String>,
    exit_code: Option<u8>,
}

/// One stream while it is read.
struct Reading {
    stream: Stream,
    name: String,
    run: i64,
    task: i64,
    head: Head,
    held: Option<Held>,
    chain: Link,
    /// The place and time of the event before.
    before: (u64, u64),
    number: u64,
    attempts: BTreeMap<u32, Attempt>,
    verdicts: u64,
    /// Nothing more is said about a stream once its history does not hold.
    broken: bool,
}

/// A run while its streams are read.
#[derive(Default)]
struct Around {
    run: i64,
    counts: Counts,
    places: u64,
    finished_at: Option<u64>,
    newest_task_event: u64,
    row: Option<RunRow>,
    name: String,
}

/// Reads every stream.
pub(super) fn check(db: &Connection, report: &mut LedgerReport) -> Result<(), Trouble> {
    let mut statement = db.prepare(
        "SELECT run, task, number, pos, at_ms, activity, event, chain FROM events
         ORDER BY run, task, number",
    )?;
    let mut rows = statement.query(())?;
    let mut reading: Option<Reading> = None;
    let mut around = Around::default();
    while let Some(row) = rows.next()? {
        let event = read(row)?;
        report.events += 1;
        let same = |r: &Reading| (r.run, r.task) == (event.run, event.task);
        if !reading.as_ref().is_some_and(same) {
            finish(db, reading.take(), &mut around, report)?;
            if around.run != event.run {
                finish_run(db, &mut around, report)?;
                around.run = event.run;
            }
            reading = begin(db, &event, report)?;
        }
        if let Some(reading) = &mut reading {
            reading.take(&event, report);
        }
    }
    finish(db, reading, &mut around, report)?;
    finish_run(db, &mut around, report)
}

fn begin(
    db: &Connection,
    event: &Read,
    report: &mut LedgerReport,
) -> Result<Option<Reading>, Trouble> {
    let Some(stream) = name(db, event.run, event.task)? else {
        let place = format!("event {}", event.pos);
        report.damage(&place, "it belongs to a run or task that has no row");
        return Ok(None);
    };
    Ok(Some(Reading {
        name: stream.to_string(),
        chain: chain::root(&stream),
        stream,
        run: event.run,
        task: event.task,
        head: None,
        held: None,
        before: (0, 0),
        number: 0,
        attempts: BTreeMap::new(),
        verdicts: 0,
        broken: false,
    }))
}

fn name(db: &Connection, run: i64, task: i64) -> Result<Option<Stream>, Trouble> {
    if (run, task) == (0, 0) {
        return Ok(Some(Stream::Host));
    }
    let text = |text: &str, id: i64| -> rusqlite::Result<Option<String>> {
        db.prepare_cached(text)?
            .query_row([id], |row| row.get(0))
            .optional()
    };
    let damaged = |error: &dyn std::fmt::Display| Trouble::Damaged(error.to_string());
    let Some(name) = text("SELECT run_id FROM runs WHERE id = ?1", run)? else {
        return Ok(None);
    };
    let run = RunId::try_from(name).map_err(|e| damaged(&e))?;
    if task == 0 {
        return Ok(Some(Stream::Run(run)));
    }
    let Some(name) = text("SELECT task_id FROM tasks WHERE id = ?1", task)? else {
        return Ok(None);
    };
    let task = TaskId::try_from(name).map_err(|e| damaged(&e))?;
    Ok(Some(Stream::Task(run, task)))
}

impl Reading {
    fn take(&mut self, event: &Read, report: &mut LedgerReport) {
        if self.broken {
            return;
        }
        if let Err(message) = self.follow(event) {
            self.broken = true;
            let place = format!("{}, event {}", self.name, event.number);
            report.damage(&place, message);
        }
    }

    fn follow(&mut self, event: &Read) -> Result<(), String> {
        self.number += 1;
        if event.number != self.number {
            return Err(format!("event {} is missing", self.number));
        }
        if event.pos <= self.before.0 || event.at_ms < self.before.1 {
            return Err("it is out of order".to_owned());
        }
        self.before = (event.pos, event.at_ms);
        self.chain = chain::next(&self.chain, event.pos, event.at_ms, &event.text);
        if self.chain != event.link {
            return Err("the chain is broken: it, or one before it, was changed".to_owned());
        }
        let parsed: LedgerEvent =
            serde_json::from_str(&event.text).map_err(|e| format!("it cannot be read: {e}"))?;
        if event.activity != TaskState::is_unchanged_by(&parsed) {
            return Err("its column `activity` is wrong".to_owned());
        }
        let next = fold::fold(&self.stream, self.head.take(), &parsed)
            .map_err(|refusal| refusal.to_string())?;
        self.note(event, &next, &parsed);
        self.head = Some(next);
        Ok(())
    }

    fn note(&mut self, event: &Read, next: &(u64, Folded), parsed: &LedgerEvent) {
        match &mut self.held {
            Some(held) => held.note(next, parsed, event.at_ms),
            None => self.held = Some(self.first(next, event.at_ms)),
        }
        if let Folded::Task(state) = &next.1 {
            self.attempt(state.attempt, parsed, event.at_ms);
        }
        if let LedgerEvent::GateFinished { .. } = parsed {
            self.verdicts += 1;
        }
    }

    fn first(&self, next: &(u64, Folded), at_ms: u64) -> Held {
        let row = match &next.1 {
            Folded::Host => Row::Host,
            Folded::Run(state) => Row::Run(RunRow::new(state.clone(), at_ms)),
            Folded::Task(state) => Row::Task(Box::new(TaskRow::new(state.as_ref().clone(), at_ms))),
        };
        Held {
            run: self.run,
            task: self.task,
            number: next.0,
            chain: self.chain,
            row,
            write: Write::Nothing,
        }
    }

    /// As `log::write` writes it.
    fn attempt(&mut self, number: u32, event: &LedgerEvent, at_ms: u64) {
        let Some(change) = log::change(event) else {
            return;
        };
        if let Change::Begins {
            fence,
            epoch,
            adapter,
        } = &change
        {
            let attempt = Attempt {
                fence: int(*fence),
                epoch: int(*epoch),
                adapter: (*adapter).to_owned(),
                started_ms: int(at_ms),
                ..Attempt::default()
            };
            self.attempts.insert(number, attempt);
            return;
        }
        let Some(attempt) = self.attempts.get_mut(&number) else {
            return;
        };
        match change {
            Change::Begins { .. } => {}
            Change::Moves { fence, epoch } => {
                attempt.fence = int(fence);
                attempt.epoch = int(epoch);
            }
            Change::Ends { status, exit_code } => {
                attempt.ended_ms = Some(int(at_ms));
                attempt.status = Some(status.to_owned());
                attempt.exit_code = Some(exit_code);
            }
            Change::Breaks { status } => {
                if attempt.ended_ms.is_none() {
                    attempt.ended_ms = Some(int(at_ms));
                    attempt.status = Some(status.to_owned());
                }
            }
        }
    }
}

/// Holds what a stream came to against its rows.
fn finish(
    db: &Connection,
    reading: Option<Reading>,
    around: &mut Around,
    report: &mut LedgerReport,
) -> Result<(), Trouble> {
    let Some(mut reading) = reading else {
        return Ok(());
    };
    let (Some(mut held), Some((_, folded))) = (reading.held.take(), reading.head.take()) else {
        return Ok(());
    };
    held.settle(folded);
    match held.row {
        Row::Host => {}
        Row::Run(row) => {
            report.runs += 1;
            around.finished_at = row.finished_ms.map(|_| reading.before.0);
            around.name.clone_from(&reading.name);
            around.row = (!reading.broken).then_some(row);
        }
        Row::Task(row) => {
            report.tasks += 1;
            around.newest_task_event = around.newest_task_event.max(reading.before.0);
            around.counts.moved(None, row.state.phase);
            around.places = around.places.max(u64::from(row.state.index) + 1);
            if !reading.broken {
                finish_task(db, &reading, &row, report)?;
            }
        }
    }
    Ok(())
}

fn finish_task(
    db: &Connection,
    reading: &Reading,
    row: &TaskRow,
    report: &mut LedgerReport,
) -> Result<(), Trouble> {
    let Stream::Task(_, task) = &reading.stream else {
        return Ok(());
    };
    match load_task(db, reading.run, &reading.stream, task) {
        Ok(Some(held)) => {
            if !matches!(&held.row, Row::Task(known) if **known == *row) {
                report.derived(
                    &reading.name,
                    "its row in `tasks` is not what its events come to",
                );
            }
        }
        Ok(None) => report.derived(&reading.name, "it has no row in `tasks`"),
        Err(Trouble::Damaged(message)) => report.derived(&reading.name, message),
        Err(other) => return Err(other),
    }
    let columns: bool = db
        .prepare_cached(
            "SELECT status = ?2 AND place = ?3 AND attempt = ?4 FROM tasks WHERE id = ?1",
        )?
        .query_row(
            (
                reading.task,
                row.state.phase.word(),
                row.state.index,
                row.state.attempt,
            ),
            |row| row.get(0),
        )
        .optional()?
        .unwrap_or(false);
    if !columns {
        report.derived(
            &reading.name,
            "its columns in `tasks` are not what its state says",
        );
    }
    if attempts(db, reading)? != reading.attempts {
        report.derived(
            &reading.name,
            "its rows in `execution_log` are not what its events come to",
        );
    }
    let verdicts: u64 = db
        .prepare_cached("SELECT count(*) FROM test_gates WHERE run = ?1 AND task = ?2")?
        .query_row((reading.run, reading.task), |row| row.get(0))?;
    if verdicts != reading.verdicts {
        report.derived(
            &reading.name,
            "`test_gates` has not one row for each verdict",
        );
    }
    Ok(())
}

fn attempts(db: &Connection, reading: &Reading) -> rusqlite::Result<BTreeMap<u32, Attempt>> {
    let mut statement = db.prepare_cached(
        "SELECT attempt, fence, epoch, adapter_id, started_ms, ended_ms, status, exit_code
         FROM execution_log WHERE run = ?1 AND task = ?2",
    )?;
    let rows = statement.query_map((reading.run, reading.task), |row| {
        let attempt = Attempt {
            fence: row.get(1)?,
            epoch: row.get(2)?,
            adapter: row.get(3)?,
            started_ms: row.get(4)?,
            ended_ms: row.get(5)?,
            status: row.get(6)?,
            exit_code: row.get(7)?,
        };
        Ok((row.get(0)?, attempt))
    })?;
    rows.collect()
}

/// Holds what a run's tasks came to against its row.
fn finish_run(
    db: &Connection,
    around: &mut Around,
    report: &mut LedgerReport,
) -> Result<(), Trouble> {
    let done = std::mem::take(around);
    if let Some(finished_at) = done.finished_at {
        if finished_at < done.newest_task_event {
            report.damage(&done.name, "a task has events after EXECUTION_FINISHED");
        }
        if done.counts.ended() != done.counts.total() {
            report.damage(
                &done.name,
                "it has finished, and a task of it has not ended",
            );
        }
    }
    let Some(mut row) = done.row else {
        return Ok(());
    };
    row.counts = done.counts;
    row.places = done.places;
    let Some(Stream::Run(run)) = name(db, done.run, 0)? else {
        return Ok(());
    };
    match load_run(db, &run) {
        Ok(Some(held)) => {
            if !matches!(&held.row, Row::Run(known) if *known == row) {
                report.derived(
                    &done.name,
                    "its row in `runs` is not what the events come to",
                );
            }
        }
        Ok(None) => {}
        Err(Trouble::Damaged(message)) => report.derived(&done.name, message),
        Err(other) => return Err(other),
    }
    Ok(())
}
