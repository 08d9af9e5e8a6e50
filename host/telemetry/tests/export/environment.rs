//! The environment of a whole process decides: nothing, an export, or what is wrong.

use std::process::Command;

use remit_telemetry::Exporter;

use crate::collector::{Collector, LONG};
use crate::plain;

/// Set for a process that was started to play [`role`]; without it, that is an empty test.
const ROLE: &str = "REMIT_TEST_TELEMETRY";

/// How many threads this process has.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Not a test by itself: a program that exports one span if it is configured.
#[test]
fn role() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let before = threads();
    match Exporter::from_environment() {
        Ok(None) => println!("said: nothing, {} more threads", threads() - before),
        Ok(Some(exporter)) => {
            exporter.export(plain(1));
            println!("said: {} exported", exporter.shutdown(LONG).exported);
        }
        Err(error) => println!("said: {error}"),
    }
}

/// What a program says in this environment.
fn said(variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["environment::role", "--exact", "--nocapture"])
        .env_clear()
        .env(ROLE, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, rest) = text.split_once("said: ").unwrap();
    rest.lines().next().unwrap().to_owned()
}

#[test]
fn a_process_that_configures_nothing_gets_no_thread() {
    assert_eq!(said(&[]), "nothing, 0 more threads");
    let others = [
        ("OTEL_SERVICE_NAME", "x"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
    ];
    assert_eq!(said(&others), "nothing, 0 more threads");
}

#[test]
fn a_process_exports_to_the_endpoint_and_through_no_proxy() {
    let collector = Collector::start(vec![]);
    let endpoint = [
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            &collector.endpoint[..],
        ),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
    ];
    assert_eq!(said(&endpoint), "1 exported");
    assert_eq!(collector.next().spans().len(), 1);
}

#[test]
fn a_process_that_configures_nonsense_is_told_so() {
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")];
    let text = said(&endpoint);
    assert!(text.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: "), "{text}");
}
