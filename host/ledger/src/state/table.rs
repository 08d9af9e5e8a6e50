//! The operations on the store, as SQL. Each is one transaction: all of it is there, or nothing.
//!
//! Never: a text of a plugin inside an SQL text.

use remit_engine::seam::{StateError, StateScope};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::patch::merged;
use super::rules::{self, Holding, MAX_KEYS};

/// A scope that has a row.
struct Row {
    id: i64,
    holding: Holding,
}

/// What SQLite says, in the words of the seam.
fn unavailable(error: rusqlite::Error) -> StateError {
    StateError::Unavailable(error.to_string())
}

/// The three columns that name a scope.
fn name(scope: &StateScope) -> [&str; 3] {
    match scope {
        StateScope::Task { plugin, task } => [plugin, "task", task],
        StateScope::Project { plugin, project } => [plugin, "project", project],
    }
}

/// Begins a transaction that will write. It waits for another host here, not halfway.
fn begin(connection: &mut Connection) -> Result<Transaction<'_>, StateError> {
    connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(unavailable)
}

fn find(connection: &Connection, scope: &StateScope) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare_cached(
            "SELECT id, bytes, keys FROM scope WHERE plugin = ?1 AND kind = ?2 AND owner = ?3",
        )?
        .query_row(name(scope), |row| {
            Ok(Row {
                id: row.get(0)?,
                holding: Holding {
                    bytes: row.get(1)?,
                    keys: row.get(2)?,
                },
            })
        })
        .optional()
}

fn find_or_make(connection: &Connection, scope: &StateScope) -> rusqlite::Result<Row> {
    if let Some(row) = find(connection, scope)? {
        return Ok(row);
    }
    connection
        .prepare_cached(
            "INSERT INTO scope (plugin, kind, owner, bytes, keys) VALUES (?1, ?2, ?3, 0, 0)",
        )?
        .execute(name(scope))?;
    Ok(Row {
        id: connection.last_insert_rowid(),
        holding: Holding::default(),
    })
}

fn value(connection: &Connection, scope: i64, key: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT json FROM value WHERE scope = ?1 AND key = ?2")?
        .query_row((scope, key), |row| row.get(0))
        .optional()
}

fn size(connection: &Connection, scope: i64, key: &str) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT size FROM value WHERE scope = ?1 AND key = ?2")?
        .query_row((scope, key), |row| row.get(0))
        .optional()
}

fn note(connection: &Connection, scope: i64, holding: Holding) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE scope SET bytes = ?2, keys = ?3 WHERE id = ?1")?
        .execute((scope, holding.bytes, holding.keys))
        .map(drop)
}

/// Writes a checked value, if there is room.
fn put(connection: &Connection, row: &Row, key: &str, json: &str) -> Result<(), StateError> {
    let new = rules::check_size("a value", json)?;
    let old = size(connection, row.id, key).map_err(unavailable)?;
    let holding = row.holding.with(old, new)?;
    let write = || {
        connection
            .prepare_cached(
                "INSERT INTO value (scope, key, size, json) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (scope, key) DO UPDATE SET size = excluded.size, json = excluded.json",
            )?
            .execute((row.id, key, new, json))?;
        note(connection, row.id, holding)
    };
    write().map_err(unavailable)
}

/// See the seam.
pub(crate) fn get(
    connection: &Connection,
    scope: &StateScope,
    key: &str,
) -> Result<Option<String>, StateError> {
    rules::check_key(key)?;
    match find(connection, scope).map_err(unavailable)? {
        Some(row) => value(connection, row.id, key).map_err(unavailable),
        None => Ok(None),
    }
}

/// See the seam.
pub(crate) fn set(
    connection: &mut Connection,
    scope: &StateScope,
    key: &str,
    json: &str,
) -> Result<(), StateError> {
    rules::check_key(key)?;
    rules::check_value(json)?;
    let transaction = begin(connection)?;
    let row = find_or_make(&transaction, scope).map_err(unavailable)?;
    put(&transaction, &row, key, json)?;
    transaction.commit().map_err(unavailable)
}

/// See the seam.
pub(crate) fn merge(
    connection: &mut Connection,
    scope: &StateScope,
    key: &str,
    patch: &str,
) -> Result<String, StateError> {
    rules::check_key(key)?;
    let transaction = begin(connection)?;
    let row = find_or_make(&transaction, scope).map_err(unavailable)?;
    let stored = value(&transaction, row.id, key).map_err(unavailable)?;
    let json = merged(stored.as_deref(), patch)?;
    put(&transaction, &row, key, &json)?;
    transaction.commit().map_err(unavailable)?;
    Ok(json)
}

/// See the seam.
pub(crate) fn remove(
    connection: &mut Connection,
    scope: &StateScope,
    key: &str,
) -> Result<(), StateError> {
    rules::check_key(key)?;
    let transaction = begin(connection)?;
    let delete = || {
        let Some(row) = find(&transaction, scope)? else {
            return Ok(());
        };
        let Some(old) = size(&transaction, row.id, key)? else {
            return Ok(());
        };
        transaction
            .prepare_cached("DELETE FROM value WHERE scope = ?1 AND key = ?2")?
            .execute((row.id, key))?;
        note(&transaction, row.id, row.holding.without(old))
    };
    delete().map_err(unavailable)?;
    transaction.commit().map_err(unavailable)
}

/// See the seam. At most `MAX_KEYS`, because a scope holds no more.
pub(crate) fn keys(
    connection: &Connection,
    scope: &StateScope,
    prefix: &str,
) -> Result<Vec<String>, StateError> {
    let read = || {
        let Some(row) = find(connection, scope)? else {
            return Ok(Vec::new());
        };
        let mut statement = connection.prepare_cached(
            "SELECT key FROM value WHERE scope = ?1 AND key >= ?2 ORDER BY key LIMIT ?3",
        )?;
        let mut found = statement.query((row.id, prefix, MAX_KEYS))?;
        let mut keys = Vec::new();
        while let Some(row) = found.next()? {
            let key: String = row.get(0)?;
            if !key.starts_with(prefix) {
                break;
            }
            keys.push(key);
        }
        Ok(keys)
    };
    read().map_err(unavailable)
}
