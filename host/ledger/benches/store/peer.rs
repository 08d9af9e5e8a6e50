//! The peer: what one writes first with SQLite, a queue of tasks with one transaction for each
//! operation, `synchronous=FULL` as well. Never: less than the ledger promises at its simplest.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

/// Tasks per second that are queued, taken and completed.
pub(crate) fn tasks(path: &Path, turn: Duration) -> f64 {
    let mut db = Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         CREATE TABLE tasks (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
             state INTEGER NOT NULL, fence INTEGER NOT NULL, input BLOB NOT NULL, result BLOB);
         CREATE INDEX ready ON tasks (id) WHERE state = 0;
         CREATE TABLE events (pos INTEGER PRIMARY KEY, task INTEGER NOT NULL, kind INTEGER NOT NULL);
         CREATE INDEX of_task ON events (task, pos);",
    )
    .unwrap();
    let start = Instant::now();
    let mut number = 0;
    while start.elapsed() < turn {
        in_transaction(&mut db, |db| {
            db.prepare_cached(
                "INSERT INTO tasks (name, state, fence, input) VALUES (?1, 0, 0, ?2)",
            )
            .unwrap()
            .execute((format!("t{number}"), [7_u8; 256]))
            .unwrap();
            event(db, db.last_insert_rowid(), 0);
        });
        let (task, fence) = in_transaction(&mut db, |db| {
            let taken: (i64, i64) = db
                .prepare_cached(
                    "UPDATE tasks SET state = 1, fence = fence + 1
                     WHERE id = (SELECT id FROM tasks WHERE state = 0 ORDER BY id LIMIT 1)
                     RETURNING id, fence",
                )
                .unwrap()
                .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            event(db, taken.0, 1);
            taken
        });
        in_transaction(&mut db, |db| {
            db.prepare_cached(
                "UPDATE tasks SET state = 2, result = x'00' WHERE id = ?1 AND fence = ?2",
            )
            .unwrap()
            .execute((task, fence))
            .unwrap();
            event(db, task, 2);
        });
        number += 1;
    }
    f64::from(number) / start.elapsed().as_secs_f64()
}

fn event(db: &Connection, task: i64, kind: i64) {
    db.prepare_cached("INSERT INTO events (task, kind) VALUES (?1, ?2)")
        .unwrap()
        .execute((task, kind))
        .unwrap();
}

fn in_transaction<T>(db: &mut Connection, work: impl FnOnce(&Connection) -> T) -> T {
    let transaction = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    let done = work(&transaction);
    transaction.commit().unwrap();
    done
}
