//! What pytest's exit codes mean, together with its report
//! (<https://docs.pytest.org/en/stable/reference/exit-codes.html>).
//!
//! Never: a code that is not known taken for success.

use remit_plugin_reports::tests::Tests;
use remit_plugin_reports::verdict::Verdict;

/// The verdict of a run that ended by itself.
pub(crate) fn verdict(code: u8, tests: Option<&Tests>) -> Verdict {
    match (code, tests) {
        (0, Some(tests)) => Verdict::of_success(tests),
        (1, _) => Verdict::Tests,
        // A file that cannot be loaded stops pytest before the first test; so does a person.
        (2, Some(tests)) if tests.counts.errors > 0 => Verdict::Build,
        (2, _) => Verdict::Interrupted,
        (4, _) => Verdict::Usage,
        (5, _) => Verdict::NoTests,
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
        let passed = read("<testsuite><testcase name=\"a\"/></testsuite>");
        let none = read("<testsuite/>");
        let failed = read("<testsuite><testcase name=\"a\"><failure/></testcase></testsuite>");
        let error = read("<testsuite><testcase name=\"a\"><error/></testcase></testsuite>");
        for (code, tests, wanted) in [
            (0, Some(&passed), Verdict::Success),
            (0, Some(&none), Verdict::NoTests),
            (0, Some(&failed), Verdict::Tests),
            (0, None, Verdict::Internal),
            (1, Some(&failed), Verdict::Tests),
            (2, Some(&error), Verdict::Build),
            (2, Some(&passed), Verdict::Interrupted),
            (2, None, Verdict::Interrupted),
            (3, None, Verdict::Internal),
            (4, None, Verdict::Usage),
            (5, Some(&none), Verdict::NoTests),
            (77, Some(&passed), Verdict::Internal),
        ] {
            assert_eq!(verdict(code, tests), wanted, "{code}");
        }
    }
}
