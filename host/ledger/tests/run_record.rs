//! Records of runs: written line by line, read whatever is left of them.

#![expect(clippy::disallowed_methods, reason = "a test makes its own files")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use remit_core::event::{Event, RECORD_FORMAT, Record};
use remit_engine::journal::{Clock, Journal};
use remit_ledger::{RecordError, Records, RunRecord};
use serde_json::{Value, json};

const RUN: &str = "01JCZ0000000000000000000AA";
const LATER: &str = "01JCZ0000000000000000000AB";

#[test]
fn what_was_added_is_read_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("state/runs");
    let mut record = RunRecord::create(&runs, RUN).unwrap();
    let events: Vec<Value> = (0..100)
        .map(|i| json!({"seq": i, "text": "a\nb\u{1f980}"}))
        .collect();
    for event in &events {
        record.append(event).unwrap();
    }
    record.sync().unwrap();
    let text = fs::read_to_string(record.path()).unwrap();
    assert_eq!(text.lines().count(), 100, "one event is one line");
    let read = Records::in_directory(runs).read::<Value>(RUN).unwrap();
    assert_eq!(read.events, events);
    assert!(!read.torn);
}

#[test]
fn only_the_owner_may_look() {
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("runs");
    let record = RunRecord::create(&runs, RUN).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(record.path()), 0o600);
    assert_eq!(mode(&runs), 0o700);
}

#[test]
fn a_run_has_one_record_and_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let mut record = RunRecord::create(directory.path(), RUN).unwrap();
    record.append(&1).unwrap();
    let second = RunRecord::create(directory.path(), RUN).unwrap_err();
    assert!(second.to_string().contains(RUN), "{second}");
    let read = Records::in_directory(directory.path().into())
        .read::<u8>(RUN)
        .unwrap();
    assert_eq!(read.events, [1]);
}

#[test]
fn a_name_that_is_no_run_is_no_file_name() {
    let directory = tempfile::tempdir().unwrap();
    let records = Records::in_directory(directory.path().into());
    for run in [
        "",
        "../../etc/passwd",
        "01jcz0000000000000000000aa",
        "A/CZ0000000000000000000000",
        "x\0",
    ] {
        let refused = RunRecord::create(directory.path(), run);
        assert!(matches!(refused, Err(RecordError::BadRun(_))), "{run:?}");
        assert!(
            matches!(records.read::<Value>(run), Err(RecordError::BadRun(_))),
            "{run:?}"
        );
    }
    assert!(matches!(
        records.read::<Value>(RUN),
        Err(RecordError::Unknown { .. })
    ));
}

#[test]
fn a_torn_last_line_is_passed_over() {
    for rest in ["{\"seq\":3", "{\"seq\":3}", "{", "\0\0\0\0", "{\"seq\":\n"] {
        let directory = tempfile::tempdir().unwrap();
        let mut record = RunRecord::create(directory.path(), RUN).unwrap();
        record.append(&json!({"seq": 1})).unwrap();
        record.append(&json!({"seq": 2})).unwrap();
        let mut file = OpenOptions::new().append(true).open(record.path()).unwrap();
        file.write_all(rest.as_bytes()).unwrap();
        let read = Records::in_directory(directory.path().into())
            .read::<Value>(RUN)
            .unwrap();
        assert_eq!(
            read.events,
            [json!({"seq": 1}), json!({"seq": 2})],
            "{rest:?}"
        );
        assert!(read.torn, "{rest:?}");
    }
}

#[test]
fn damage_in_the_middle_is_named_by_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(format!("{RUN}.jsonl"));
    fs::write(&path, "1\n{\n3\n").unwrap();
    let error = Records::in_directory(directory.path().into())
        .read::<Value>(RUN)
        .unwrap_err();
    assert!(
        matches!(error, RecordError::Damaged { line: 2, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("line 2 is damaged"), "{error}");
}

#[test]
fn a_newer_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut record = RunRecord::create(directory.path(), RUN).unwrap();
    let newer = RECORD_FORMAT + 1;
    record.append(&json!({"v": newer, "seq": 1})).unwrap();
    let error = Records::in_directory(directory.path().into())
        .read::<Value>(RUN)
        .unwrap_err();
    assert!(
        matches!(error, RecordError::Newer { found, .. } if found == newer),
        "{error}"
    );
}

#[tokio::test]
async fn a_journal_writes_the_record_of_its_run() {
    let directory = tempfile::tempdir().unwrap();
    let record = RunRecord::create(directory.path(), RUN).unwrap();
    let clock: Clock = Arc::new(|| "2026-01-01T00:00:00.000Z".into());
    let journal = Journal::start(RUN.into(), clock, vec![Box::new(record)]).unwrap();
    for name in ["one", "two"] {
        let name = name.into();
        journal.emit(Event::Step { name }).await;
    }
    journal.flush().await;
    let records = Records::in_directory(directory.path().into());
    let read = records.read::<Record>(RUN).unwrap();
    let seen: Vec<(u64, &str)> = read
        .events
        .iter()
        .map(|r| (r.seq, r.run.as_str()))
        .collect();
    assert_eq!(seen, [(1, RUN), (2, RUN)]);
    assert_eq!(read.events[1].event, Event::Step { name: "two".into() });
}

#[test]
fn a_record_can_be_read_while_it_grows() {
    let directory = tempfile::tempdir().unwrap();
    let mut record = RunRecord::create(directory.path(), RUN).unwrap();
    let records = Records::in_directory(directory.path().into());
    for i in 0..10_usize {
        assert_eq!(records.read::<usize>(RUN).unwrap().events.len(), i);
        record.append(&i).unwrap();
    }
}

#[test]
fn a_full_disk_leaves_the_record_as_it_was() {
    // A limit on the size of files does what a full disk does, and only to this process: so a
    // process of its own is made the test's victim.
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const VICTIM: &str = "REMIT_LEDGER_TEST_VICTIM";
    let Some(directory) = std::env::var_os(VICTIM) else {
        let directory = tempfile::tempdir().unwrap();
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "a_full_disk_leaves_the_record_as_it_was",
                "--exact",
                "--nocapture",
            ])
            .env(VICTIM, directory.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let read = Records::in_directory(directory.path().into())
            .read::<String>(RUN)
            .unwrap();
        assert_eq!(read.events, ["before", "after"]);
        assert!(!read.torn);
        return;
    };
    let mut record = RunRecord::create(directory.as_ref(), RUN).unwrap();
    record.append(&"before").unwrap();
    let old = getrlimit(Resource::Fsize);
    let tight = Rlimit {
        current: Some(50),
        maximum: old.maximum,
    };
    setrlimit(Resource::Fsize, tight).unwrap();
    let refused = record.append(&"x".repeat(100));
    setrlimit(Resource::Fsize, old).unwrap();
    assert!(
        matches!(refused, Err(RecordError::Io { .. })),
        "{refused:?}"
    );
    record.append(&"after").unwrap();
}

#[test]
fn runs_are_listed_newest_first_and_other_files_are_not_runs() {
    let directory = tempfile::tempdir().unwrap();
    let records = Records::in_directory(directory.path().join("runs"));
    assert_eq!(
        records.list().unwrap(),
        [],
        "a directory that is not there has no runs"
    );
    let runs = directory.path().join("runs");
    for run in [RUN, LATER] {
        RunRecord::create(&runs, run).unwrap().append(&12).unwrap();
    }
    fs::write(runs.join("notes.jsonl"), "x").unwrap();
    fs::write(runs.join(RUN), "x").unwrap();
    fs::create_dir(runs.join("01JCZ0000000000000000000AC.jsonl")).unwrap();
    let listed = records.list().unwrap();
    let names: Vec<&str> = listed.iter().map(|run| run.run.as_str()).collect();
    assert_eq!(names, [LATER, RUN]);
    assert_eq!(listed[0].bytes, 3);
}
