-- Format 1 of the ledger. `events` is the truth; every other table but `hosts`, `artifacts` and the
-- breakers in `adapters` can be made from it again, and `remit ledger verify` does and compares.

-- One row. `newest` and `now_ms` never go back, also when the newest events are removed.
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    newest INTEGER NOT NULL,
    now_ms INTEGER NOT NULL
) STRICT;
INSERT INTO meta (one, newest, now_ms) VALUES (1, 0, 0);

-- `run` is 0 for the host's stream; `task` is 0 for a run's own. `chain` is SHA-256 over the event
-- and the `chain` of the one before it in its stream.
CREATE TABLE events (
    pos INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    activity INTEGER NOT NULL CHECK (activity IN (0, 1)),
    event TEXT NOT NULL,
    chain BLOB NOT NULL CHECK (length(chain) = 32)
) STRICT;
CREATE UNIQUE INDEX events_of_stream ON events (run, task, number);
CREATE INDEX events_of_run ON events (run, activity, pos);

-- `state` and `counts` are what `remit_core::durable` folds to. `number` is the newest event that
-- changed the row.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    submitted_ms INTEGER NOT NULL,
    started_ms INTEGER,
    finished_ms INTEGER,
    number INTEGER NOT NULL,
    counts TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX runs_open ON runs (id) WHERE finished_ms IS NULL;

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    status TEXT NOT NULL,
    adapter_id TEXT,
    attempt INTEGER NOT NULL,
    queued_ms INTEGER NOT NULL,
    started_ms INTEGER,
    ended_ms INTEGER,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (run, task_id),
    UNIQUE (run, place)
) STRICT;
-- The last defence: the fold refuses this long before.
CREATE TRIGGER tasks_end_once BEFORE UPDATE OF status ON tasks
WHEN OLD.status IN ('COMPLETED', 'FAILED', 'TIMEOUT', 'CANCELED', 'SKIPPED', 'BLOCKED')
    AND NEW.status <> OLD.status
BEGIN
    SELECT RAISE(ABORT, 'a task that has ended stays as it is');
END;
CREATE TRIGGER runs_end_once BEFORE UPDATE OF status ON runs
WHEN OLD.status = 'FINISHED' AND NEW.status <> OLD.status
BEGIN
    SELECT RAISE(ABORT, 'a run that has finished stays as it is');
END;

-- `breaker` is the JSON form of the circuit breaker's state, `status` its word.
CREATE TABLE adapters (
    adapter_id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    breaker TEXT NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each attempt. `status` is the outcome's word, or how the attempt ended without one.
CREATE TABLE execution_log (
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    adapter_id TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    status TEXT,
    exit_code INTEGER,
    PRIMARY KEY (run, task, attempt)
) STRICT, WITHOUT ROWID;

-- One row for each verdict.
CREATE TABLE test_gates (
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    gate INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    verdict TEXT NOT NULL,
    required INTEGER NOT NULL,
    reasons TEXT NOT NULL,
    wall_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (run, task, attempt, gate)
) STRICT, WITHOUT ROWID;

-- One row for each step of a patch: PREPARED, APPLIED, COMMITTED, ROLLED_BACK.
CREATE TABLE patch_history (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    status TEXT NOT NULL,
    path TEXT NOT NULL,
    pre_digest BLOB,
    post_digest BLOB,
    mode INTEGER,
    reverses INTEGER,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX patches_of_task ON patch_history (run, task, attempt);

-- What is so until it is taken back, such as SAFE_MODE.
CREATE TABLE state_flags (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A number is never used again: AUTOINCREMENT.
CREATE TABLE hosts (
    epoch INTEGER PRIMARY KEY AUTOINCREMENT,
    boot_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    pid_start INTEGER NOT NULL,
    version TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    ended INTEGER NOT NULL CHECK (ended IN (0, 1))
) STRICT;
CREATE INDEX hosts_open ON hosts (epoch) WHERE ended = 0;

-- Small artifacts; large ones are files beside this one. `put_s` is in seconds since 1970.
CREATE TABLE artifacts (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    put_s INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
