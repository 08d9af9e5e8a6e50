//! What cargo's exit codes mean, together with what it prints.
//!
//! 101 is everything that went wrong: failing tests, code that does not compile, a manifest that
//! cannot be read. Never: a code that is not known taken for success.

use remit_plugin_reports::libtest::Libtest;
use remit_plugin_reports::verdict::Verdict;

/// What cargo complains about when it was called in a wrong way, or on something wrong.
const USAGE: [&str; 8] = [
    "could not find `Cargo.toml`",
    "failed to parse manifest",
    "failed to load manifest",
    "package ID specification",
    "no library targets found",
    "unexpected argument",
    "no such command",
    "virtual manifest",
];

/// The verdict of a run that ended by itself. `said` is what cargo wrote to standard error.
pub(crate) fn verdict(code: u8, report: &Libtest, said: &str) -> Verdict {
    let complaint = |words: &str| {
        said.lines()
            .any(|line| line.starts_with("error") && line.contains(words))
    };
    match code {
        0 => Verdict::of_success(&report.tests),
        1 => Verdict::Usage,
        101 if complaint("could not compile") => Verdict::Build,
        101 if report.tests.counts.failed > 0 => Verdict::Tests,
        // A test ended its whole process, so its target never came to a result.
        101 if complaint("test failed, to rerun") || complaint("doctest failed") => Verdict::Tests,
        101 if USAGE.iter().any(|words| complaint(words)) => Verdict::Usage,
        101 => Verdict::Build,
        _ => Verdict::Internal,
    }
}

#[cfg(test)]
mod tests {
    use remit_plugin_reports::libtest;

    use super::*;

    #[test]
    fn every_way_to_end_has_its_own_verdict_and_success_needs_a_test_that_ran() {
        let result = |passed, failed, ignored| {
            format!(
                "test result: ok. {passed} passed; {failed} failed; {ignored} ignored; \
                 0 measured; 0 filtered out\n"
            )
        };
        let (passed, failed) = (result(1, 0, 0), result(1, 1, 0));
        let rerun = "error: test failed, to rerun pass `--lib`\n";
        for (code, out, said, wanted) in [
            (0, passed.as_str(), "", Verdict::Success),
            (0, &result(0, 0, 2), "", Verdict::NoTests),
            (0, "", "", Verdict::NoTests),
            (101, &failed, rerun, Verdict::Tests),
            (101, &passed, rerun, Verdict::Tests),
            (
                101,
                "",
                "error: could not compile `x` (lib) due to 1 previous error\n",
                Verdict::Build,
            ),
            (
                101,
                "",
                "error: could not find `Cargo.toml` in `/x`\n",
                Verdict::Usage,
            ),
            (
                101,
                "",
                "error: no matching package named `x` found\n",
                Verdict::Build,
            ),
            (
                1,
                "",
                "error: unexpected argument '--bad' found\n",
                Verdict::Usage,
            ),
            (7, &passed, "", Verdict::Internal),
        ] {
            let report = libtest::read(out);
            assert_eq!(verdict(code, &report, said), wanted, "{code} {said}");
        }
    }
}
