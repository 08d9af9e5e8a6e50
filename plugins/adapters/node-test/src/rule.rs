//! What node's exit codes mean, together with its report
//! (<https://nodejs.org/api/process.html#exit-codes>).
//!
//! Never: a code that is not known taken for success.

use remit_plugin_reports::tests::Tests;
use remit_plugin_reports::verdict::Verdict;

/// The verdict of a run that ended by itself.
pub(crate) fn verdict(code: u8, tests: Option<&Tests>) -> Verdict {
    let failed = tests.is_some_and(|tests| tests.counts.failed + tests.counts.errors > 0);
    match (code, tests) {
        (0, Some(tests)) => Verdict::of_success(tests),
        (1, Some(_)) if failed => Verdict::Tests,
        // A file that is not there, or an option that node does not know: nothing was reported.
        (1 | 9, None) => Verdict::Usage,
        _ => Verdict::Internal,
    }
}

#[cfg(test)]
mod tests {
    use remit_plugin_reports::junit;

    use super::*;

    #[test]
    fn every_code_has_its_own_verdict_and_success_needs_a_test_that_ran() {
        let read = |text: &str| junit::read(text.as_bytes()).unwrap();
        let passed = read("<testsuites><testcase name=\"a\"/></testsuites>");
        let none = read("<testsuites/>");
        let failed = read("<testsuites><testcase name=\"a\"><failure/></testcase></testsuites>");
        for (code, tests, wanted) in [
            (0, Some(&passed), Verdict::Success),
            (0, Some(&none), Verdict::NoTests),
            (0, Some(&failed), Verdict::Tests),
            (0, None, Verdict::Internal),
            (1, Some(&failed), Verdict::Tests),
            (1, Some(&passed), Verdict::Internal),
            (1, None, Verdict::Usage),
            (9, None, Verdict::Usage),
            (134, None, Verdict::Internal),
        ] {
            assert_eq!(verdict(code, tests), wanted, "{code}");
        }
    }
}
