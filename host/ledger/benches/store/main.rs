//! The store alone: durable tasks and events per second, beside a peer that makes one transaction
//! for each operation on the same disk, in turns with it.
//!
//! `cargo bench -p remit-ledger`. What came out is in `docs/performance.md`. Never: a failure
//! because of a number.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark writes files, reads a clock, prints a table, and may panic"
)]

mod peer;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use remit_core::durable::{AttemptResult, LedgerEvent, RunId, Stream};
use remit_core::event::{Event, Payload};
use remit_core::plan::{RunSettings, TaskSpec};
use remit_engine::durable::ledger::{Append, Commit, Expect, Lane, Ledger};
use remit_ledger::SqliteLedger;

/// How many ask at the same time, each for one thing after the other.
const CLIENTS: usize = 64;

/// Turns of each contender; the first does not count.
const TURNS: usize = 3;

/// How long a turn is.
const TURN: Duration = Duration::from_secs(4);

fn main() {
    let directory = match std::env::var_os("STORE_DIRECTORY") {
        Some(path) => tempfile::tempdir_in(path).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    println!("synchronous=FULL, {CLIENTS} clients, {TURNS} turns of {TURN:?} each\n");
    for turn in 0..=TURNS {
        let disk = disk(directory.path());
        let place = |name: &str| directory.path().join(format!("{name}-{turn}.db"));
        let peer = peer::tasks(&place("peer"), TURN);
        let tasks = runtime.block_on(tasks(&place("tasks")));
        let many = runtime.block_on(events(&place("many"), CLIENTS));
        let one = runtime.block_on(events(&place("one"), 1));
        if turn == 0 {
            continue;
        }
        println!(
            "turn {turn}: load {}; 4 KiB + fdatasync p50 {:.2} ms, p99 {:.2} ms",
            load(),
            millis(percentile(&disk, 50)),
            millis(percentile(&disk, 99)),
        );
        println!("  peer, one transaction per operation    {peer:>9.0} tasks/s");
        println!(
            "  ledger, enqueue + claim + complete     {:>9.0} tasks/s  ({:.1} x)  ack p50 {:.2} ms, p99 {:.2} ms",
            tasks.per_second,
            tasks.per_second / peer,
            millis(percentile(&tasks.acks, 50)),
            millis(percentile(&tasks.acks, 99)),
        );
        for (who, events) in [("64 clients", many), ("1 client", one)] {
            println!(
                "  ledger, events, 100 a commit, {who:<10} {:>8.0} events/s  ack p50 {:.2} ms, p99 {:.2} ms  {:.0} B an event",
                events.per_second,
                millis(percentile(&events.acks, 50)),
                millis(percentile(&events.acks, 99)),
                events.bytes,
            );
        }
    }
}

struct Result {
    per_second: f64,
    acks: Vec<Duration>,
    bytes: f64,
}

/// What the disk itself takes for one page.
fn disk(directory: &Path) -> Vec<Duration> {
    let mut file = std::fs::File::create(directory.join("probe")).unwrap();
    (0..200)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[1; 4_096]).unwrap();
            file.sync_data().unwrap();
            start.elapsed()
        })
        .collect()
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap();
    text.split(' ').next().unwrap().to_owned()
}

fn percentile(samples: &[Duration], percent: usize) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let place = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(place).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn commit(lane: Lane, stream: Stream, expect: Expect, events: Vec<LedgerEvent>) -> Commit {
    Commit {
        now_ms: 1_700_000_000_000,
        lane,
        appends: vec![Append {
            stream,
            expect,
            events,
        }],
        breakers: Vec::new(),
    }
}

async fn open(path: &Path) -> (Arc<SqliteLedger>, RunId) {
    let ledger = SqliteLedger::open(path).unwrap();
    let run: RunId = "R".parse().unwrap();
    let submitted = LedgerEvent::RunSubmitted {
        settings: Box::new(RunSettings::default()),
        tasks: 0,
        source: "benchmark".into(),
        plan: None,
    };
    let first = commit(
        Lane::State,
        Stream::Run(run.clone()),
        Expect::New,
        vec![submitted],
    );
    ledger.commit(first).await.unwrap();
    (Arc::new(ledger), run)
}

fn queued(id: &str, index: u32) -> LedgerEvent {
    let spec: TaskSpec = serde_json::from_value(serde_json::json!({
        "id": id, "kind": "plugin", "candidates": [{"plugin": "command"}],
        "inputs": {"tool": "git", "template": "status", "slots": {"path": "src/lib.rs"}},
    }))
    .unwrap();
    LedgerEvent::TaskQueued {
        index,
        spec: Box::new(spec),
        ready: true,
    }
}

fn began() -> LedgerEvent {
    LedgerEvent::TaskStarted {
        attempt: 1,
        fence: 1,
        epoch: 1,
        adapter: "command".parse().unwrap(),
        candidate: 0,
    }
}

fn ended() -> Vec<LedgerEvent> {
    let result = AttemptResult {
        status: "succeeded".into(),
        exit_code: 0,
        class: None,
        message: "done".into(),
        outcome_digest: None,
        outcome: serde_json::json!({"status": "succeeded", "changed": []}),
        wall_ms: 3,
    };
    vec![
        LedgerEvent::AttemptEnded {
            fence: 1,
            result: Box::new(result),
        },
        LedgerEvent::TaskCompleted,
    ]
}

/// Each client: a task is queued, taken and completed; then the next one.
async fn tasks(path: &Path) -> Result {
    let (ledger, run) = open(path).await;
    let start = Instant::now();
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let (ledger, run) = (Arc::clone(&ledger), run.clone());
        clients.push(tokio::spawn(async move {
            let mut acks = Vec::new();
            let mut number = 0;
            while start.elapsed() < TURN {
                let id = format!("t{client}-{number}");
                let index = u32::try_from(number * CLIENTS + client).unwrap();
                let stream = Stream::Task(run.clone(), id.parse().unwrap());
                for (expect, events) in [
                    (Expect::New, vec![queued(&id, index)]),
                    (Expect::Seq(1), vec![began()]),
                    (Expect::Fence(1), ended()),
                ] {
                    let asked = Instant::now();
                    let commit = commit(Lane::State, stream.clone(), expect, events);
                    ledger.commit(commit).await.unwrap();
                    acks.push(asked.elapsed());
                }
                number += 1;
            }
            acks
        }));
    }
    let mut acks = Vec::new();
    for client in clients {
        acks.extend(client.await.unwrap());
    }
    let per_second = acks.len() as f64 / 3.0 / start.elapsed().as_secs_f64();
    Result {
        per_second,
        acks,
        bytes: 0.0,
    }
}

/// Each client: a hundred lines of output of 120 bytes; then the next hundred.
async fn events(path: &Path, count: usize) -> Result {
    let (ledger, run) = open(path).await;
    let mut streams = Vec::new();
    for client in 0..count {
        let id = format!("t{client}");
        let stream = Stream::Task(run.clone(), id.parse().unwrap());
        let events = vec![queued(&id, u32::try_from(client).unwrap()), began()];
        let first = commit(Lane::State, stream.clone(), Expect::New, events);
        ledger.commit(first).await.unwrap();
        streams.push(stream);
    }
    let line = LedgerEvent::Activity {
        attempt: 1,
        fence: 1,
        activity: Box::new(Event::ToolOutput {
            call: 1,
            stream: remit_core::event::Stream::Stdout,
            payload: Payload::Text("x".repeat(120)),
        }),
    };
    let start = Instant::now();
    let mut clients = Vec::new();
    for stream in streams {
        let (ledger, line) = (Arc::clone(&ledger), line.clone());
        clients.push(tokio::spawn(async move {
            let mut acks = Vec::new();
            while start.elapsed() < TURN {
                let asked = Instant::now();
                let events = vec![line.clone(); 100];
                let commit = commit(Lane::State, stream.clone(), Expect::Fence(1), events);
                ledger.commit(commit).await.unwrap();
                acks.push(asked.elapsed());
            }
            acks
        }));
    }
    let mut acks = Vec::new();
    for client in clients {
        acks.extend(client.await.unwrap());
    }
    let events = acks.len() as f64 * 100.0;
    let per_second = events / start.elapsed().as_secs_f64();
    drop(ledger);
    // The writer puts everything into the file when the handle is gone.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let bytes = std::fs::metadata(path).unwrap().len() as f64 / events;
    Result {
        per_second,
        acks,
        bytes,
    }
}
