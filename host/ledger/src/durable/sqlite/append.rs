//! One commit of the seam, inside a transaction: folded on copies first, then written.
//!
//! Never: a row before the whole commit is known to fit.

use remit_core::durable::{Counts, LedgerEvent, Stream, TaskState};
use remit_engine::durable::fold::{self, Around, Folded, Head};
use remit_engine::durable::ledger::{Append, Commit, Committed, Refusal};
use rusqlite::{Connection, OptionalExtension};

use super::chain;
use super::fault::Trouble;
use super::heads::{Heads, Held, Row, RunRow, Stage, TaskRow, Write};
use super::log;
use super::rows::{self, int, uint};

/// A commit with the text of each of its events, which the caller has made.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) commit: Commit,
    /// For each append, for each event.
    pub(super) texts: Vec<Vec<String>>,
}

impl Prepared {
    /// Writes out the events of a commit.
    pub(super) fn new(commit: Commit) -> Result<Self, serde_json::Error> {
        let text = |append: &Append| append.events.iter().map(serde_json::to_string).collect();
        let texts = commit.appends.iter().map(text).collect::<Result<_, _>>()?;
        Ok(Self { commit, texts })
    }

    /// Bytes of its events.
    pub(super) fn bytes(&self) -> usize {
        self.texts.iter().flatten().map(String::len).sum()
    }
}

/// An event that is going to be written.
struct Line<'a> {
    run: i64,
    task: i64,
    number: u64,
    pos: u64,
    link: chain::Link,
    event: &'a LedgerEvent,
    text: &'a str,
    /// The newest attempt of its task after it.
    attempt: u32,
}

/// Makes a commit. Nothing is written if it is refused.
pub(super) fn apply(
    db: &Connection,
    heads: &mut Heads,
    prepared: &Prepared,
) -> Result<Committed, Trouble> {
    let commit = &prepared.commit;
    let mut stage = heads.stage();
    // A column holds 63 bits; a clock that is beyond is broken, and stops there.
    let now_ms = commit.now_ms.min(i64::MAX.unsigned_abs());
    stage.counters.now_ms = stage.counters.now_ms.max(now_ms);
    let mut lines = Vec::new();
    let mut streams = Vec::with_capacity(commit.appends.len());
    for (append, texts) in commit.appends.iter().zip(&prepared.texts) {
        let mut fold = Folding {
            db,
            heads,
            stage: &mut stage,
        };
        streams.push(fold.append(append, texts, &mut lines)?);
    }
    let at_ms = stage.counters.now_ms;
    for line in &lines {
        write(db, line, at_ms)?;
    }
    for (adapter, state) in &commit.breakers {
        rows::put_breaker(db, adapter, state, at_ms)?;
    }
    let seq = stage.counters.newest;
    heads.merge(stage);
    Ok(Committed {
        seq,
        streams,
        at_ms,
    })
}

fn write(db: &Connection, line: &Line<'_>, at_ms: u64) -> Result<(), Trouble> {
    let activity = TaskState::is_unchanged_by(line.event);
    db.prepare_cached(
        "INSERT INTO events (pos, run, task, number, at_ms, activity, event, chain)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((
        int(line.pos),
        line.run,
        line.task,
        int(line.number),
        int(at_ms),
        activity,
        line.text,
        line.link.as_slice(),
    ))?;
    if !activity {
        let place = (line.run, line.task, line.attempt);
        log::write(db, place, line.event, at_ms)?;
    }
    Ok(())
}

/// Folds appends into a stage.
struct Folding<'a> {
    db: &'a Connection,
    heads: &'a Heads,
    stage: &'a mut Stage,
}

impl Folding<'_> {
    /// The number of the stream's newest event after it.
    fn append<'a>(
        &mut self,
        append: &'a Append,
        texts: &'a [String],
        lines: &mut Vec<Line<'a>>,
    ) -> Result<u64, Trouble> {
        let stream = &append.stream;
        self.bring(stream)?;
        let mut head: Head = self.stage.get(stream).and_then(Held::head);
        fold::expect(append, &head)?;
        for (event, text) in append.events.iter().zip(texts) {
            if fold::concerns_run(event) {
                self.fits(stream, event)?;
            }
            let before = head.as_ref().and_then(|(_, folded)| fold::phase(folded));
            let next = fold::fold(stream, head, event)?;
            self.note(stream, &next, event)?;
            if let Some(phase) = fold::phase(&next.1)
                && before != Some(phase)
            {
                self.count(stream, |counts| counts.moved(before, phase))?;
            }
            lines.push(self.line(stream, &next, event, text)?);
            head = Some(next);
        }
        let Some((number, folded)) = head else {
            return Ok(0);
        };
        if let Some(held) = self.stage.get_mut(stream) {
            held.settle(folded);
        }
        Ok(number)
    }

    /// Sees to it that a stream's head is on the stage, if it exists.
    fn bring(&mut self, stream: &Stream) -> Result<(), Trouble> {
        if self.stage.get(stream).is_some() {
            return Ok(());
        }
        if let Some(held) = self.heads.get(stream) {
            self.stage.insert(stream.clone(), held.clone());
            return Ok(());
        }
        let found = match stream {
            Stream::Host => Some(rows::load_host(self.db)?),
            Stream::Run(run) => rows::load_run(self.db, run)?,
            Stream::Task(run, task) => {
                let above = Stream::Run(run.clone());
                self.bring(&above)?;
                match self.stage.get(&above) {
                    // A run that was made in this batch has no rows.
                    Some(held) if held.write != Write::Insert => {
                        rows::load_task(self.db, held.run, stream, task)?
                    }
                    Some(_) | None => None,
                }
            }
        };
        if let Some(held) = found {
            self.stage.insert(stream.clone(), held);
        }
        Ok(())
    }

    /// What holds between a run and its tasks.
    fn fits(&mut self, stream: &Stream, event: &LedgerEvent) -> Result<(), Trouble> {
        let Some(run) = stream.run() else {
            return Ok(());
        };
        let above = Stream::Run(run.clone());
        self.bring(&above)?;
        let held = self.stage.get(&above);
        let row = held.and_then(|held| match &held.row {
            Row::Run(row) => Some((held, row)),
            Row::Host | Row::Task(_) => None,
        });
        let place_taken = match (row, event) {
            (Some((held, row)), LedgerEvent::TaskQueued { index, .. }) => {
                u64::from(*index) < row.places && self.is_taken(held.run, *index)?
            }
            _ => false,
        };
        let around = Around {
            run: row.map(|(_, row)| (&row.state, &row.counts)),
            place_taken,
        };
        Ok(fold::fits_run(stream, event, around)?)
    }

    /// Whether a task of the run has this place: one in the file, or one that is not written yet.
    fn is_taken(&self, row: i64, index: u32) -> Result<bool, Trouble> {
        let place = (row, index);
        if self.stage.places.contains(&place) || self.heads.is_claimed(place) {
            return Ok(true);
        }
        let found: Option<i64> = self
            .db
            .prepare_cached("SELECT 1 FROM tasks WHERE run = ?1 AND place = ?2")?
            .query_row((row, index), |row| row.get(0))
            .optional()?;
        Ok(found.is_some())
    }

    /// Notes an event in its stream's row, and makes the row with the first one.
    fn note(
        &mut self,
        stream: &Stream,
        next: &(u64, Folded),
        event: &LedgerEvent,
    ) -> Result<(), Trouble> {
        let at_ms = self.stage.counters.now_ms;
        if let Some(held) = self.stage.get_mut(stream) {
            held.note(next, event, at_ms);
            return Ok(());
        }
        let (run, task, row) = match &next.1 {
            // Loaded whether it has events or not.
            Folded::Host => return Ok(()),
            Folded::Run(state) => {
                self.stage.counters.last_run += 1;
                let row = Row::Run(RunRow::new(state.clone(), at_ms));
                (self.stage.counters.last_run, 0, row)
            }
            Folded::Task(state) => {
                self.stage.counters.last_task += 1;
                let run = self.place(stream, state.index)?;
                let row = TaskRow::new(state.as_ref().clone(), at_ms);
                (run, self.stage.counters.last_task, Row::Task(Box::new(row)))
            }
        };
        let held = Held {
            run,
            task,
            number: next.0,
            chain: chain::root(stream),
            row,
            write: Write::Insert,
        };
        self.stage.insert(stream.clone(), held);
        Ok(())
    }

    /// Gives a new task its place in its run, whose row it names.
    fn place(&mut self, stream: &Stream, index: u32) -> Result<i64, Trouble> {
        let above = stream.run().cloned().map(Stream::Run);
        let row = above.and_then(|above| {
            let row = self.stage.get(&above)?.run;
            let run = self.stage.run_mut(&above)?;
            run.places = run.places.max(u64::from(index) + 1);
            self.stage.places.insert((row, index));
            Some(row)
        });
        row.ok_or_else(|| Refusal::Missing(stream.clone()).into())
    }

    /// Counts a task that moved.
    fn count(&mut self, stream: &Stream, moved: impl Fn(&mut Counts)) -> Result<(), Trouble> {
        let Some(above) = stream.run().cloned().map(Stream::Run) else {
            return Ok(());
        };
        self.bring(&above)?;
        match self.stage.run_mut(&above) {
            Some(run) => {
                moved(&mut run.counts);
                Ok(())
            }
            None => Err(Trouble::Damaged(format!("{stream} has no run"))),
        }
    }

    /// The event as it is going to be written.
    fn line<'a>(
        &mut self,
        stream: &Stream,
        next: &(u64, Folded),
        event: &'a LedgerEvent,
        text: &'a str,
    ) -> Result<Line<'a>, Trouble> {
        self.stage.counters.newest += 1;
        let pos = self.stage.counters.newest;
        let at_ms = self.stage.counters.now_ms;
        let Some(held) = self.stage.get_mut(stream) else {
            return Err(Trouble::Damaged(format!("{stream} has no head")));
        };
        held.chain = chain::next(&held.chain, pos, at_ms, text);
        let attempt = match &next.1 {
            Folded::Task(state) => state.attempt,
            Folded::Host | Folded::Run(_) => 0,
        };
        Ok(Line {
            run: held.run,
            task: held.task,
            number: next.0,
            pos,
            link: held.chain,
            event,
            text,
            attempt,
        })
    }
}

/// What the file says of its counters.
pub(super) fn counters(db: &Connection) -> rusqlite::Result<super::heads::Counters> {
    let (newest, now_ms) = db
        .prepare_cached("SELECT newest, now_ms FROM meta")?
        .query_row((), |row| Ok((uint(row, 0)?, uint(row, 1)?)))?;
    let last = |table: &str| -> rusqlite::Result<i64> {
        db.prepare_cached(table)?.query_row((), |row| row.get(0))
    };
    Ok(super::heads::Counters {
        newest,
        now_ms,
        last_run: last("SELECT coalesce(max(id), 0) FROM runs")?,
        last_task: last("SELECT coalesce(max(id), 0) FROM tasks")?,
    })
}
