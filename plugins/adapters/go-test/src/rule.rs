//! What go's exit codes mean, together with its events: 1 is everything, 2 is some of it.
//!
//! Never: a code that is not known taken for success.

use remit_plugin_reports::gotest::GoTest;
use remit_plugin_reports::verdict::Verdict;

/// The verdict of a run that ended by itself.
pub(crate) fn verdict(code: u8, report: &GoTest) -> Verdict {
    let counts = &report.tests.counts;
    match code {
        0 => Verdict::of_success(&report.tests),
        1 | 2 if !report.broken.is_empty() => Verdict::Build,
        1 | 2 if counts.failed > 0 => Verdict::Tests,
        // No package was even begun: there is no module, or go was called in a wrong way.
        1 | 2 if report.packages == 0 => Verdict::Usage,
        // A test ended its whole process.
        1 | 2 => Verdict::Tests,
        _ => Verdict::Internal,
    }
}

#[cfg(test)]
mod tests {
    use remit_plugin_reports::gotest;

    use super::*;

    #[test]
    fn every_way_to_end_has_its_own_verdict_and_success_needs_a_test_that_ran() {
        let event = |action: &str, test: &str| {
            format!("{{\"Action\":\"{action}\",\"Package\":\"p\"{test}}}\n")
        };
        let of = |action| event(action, ",\"Test\":\"T\"") + &event(action, "");
        for (code, said, wanted) in [
            (0, of("pass"), Verdict::Success),
            (0, event("skip", ""), Verdict::NoTests),
            (0, of("skip"), Verdict::NoTests),
            (1, of("fail"), Verdict::Tests),
            (1, event("fail", ""), Verdict::Tests),
            (2, "FAIL\tp [build failed]\n".to_owned(), Verdict::Build),
            (
                1,
                "FAIL\tp [setup failed]\n".to_owned() + &of("fail"),
                Verdict::Build,
            ),
            (1, String::new(), Verdict::Usage),
            (
                2,
                "flag provided but not defined\n".to_owned(),
                Verdict::Usage,
            ),
            (3, of("pass"), Verdict::Internal),
        ] {
            let report = gotest::read(&said);
            assert_eq!(verdict(code, &report), wanted, "{code} {said}");
        }
    }
}
