//! The example of the library does what its text says.
//!
//! Never: a copy of it; the file itself is compiled here.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../examples/executor-loop/main.rs"]
mod example;

use remit_core::durable::Phase;

#[test]
fn the_example_carries_its_plan_out_and_a_second_start_finds_nothing_to_do() {
    example::main().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let done = runtime
        .block_on(example::carry_out(directory.path()))
        .unwrap();
    let [end] = done.finished.as_slice() else {
        panic!("{done:?}");
    };
    assert_eq!(end.run.as_str(), "words");
    assert_eq!(end.counts.of(Phase::Completed), 3);
    let again = runtime.block_on(example::carry_out(directory.path()));
    let error = again.unwrap_err().to_string();
    assert!(error.contains("run words has finished"), "{error}");
}
