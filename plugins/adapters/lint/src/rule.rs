//! What the linters' exit codes mean, together with their reports.
//!
//! Never: a code that is not known, or a report that cannot be read, taken for a clean project.

use remit_plugin_reports::clippy::Clippy;
use remit_plugin_reports::findings::{Findings, Level};
use remit_plugin_reports::verdict::Verdict;

/// Ruff's rule for a file that cannot be read, which is also one that is not there.
const UNREADABLE: &str = "E902";

/// The verdict of a run of ruff that ended by itself: 0 is clean, 1 is findings, 2 is a mistake
/// (<https://docs.astral.sh/ruff/linter/#exit-codes>).
pub(crate) fn ruff(code: u8, findings: Option<&Findings>) -> Verdict {
    match (code, findings) {
        (0 | 1, Some(findings)) if findings.rules.contains_key(UNREADABLE) => Verdict::Usage,
        (0, Some(findings)) if findings.total == 0 => Verdict::Success,
        (0 | 1, Some(findings)) if findings.total > 0 => Verdict::Findings,
        (2, _) => Verdict::Usage,
        _ => Verdict::Internal,
    }
}

/// The verdict of a run of clippy that ended by itself. Warnings do not change its exit code; an
/// error of the compiler means that the code was not looked at as a whole.
pub(crate) fn clippy(code: u8, report: &Clippy) -> Verdict {
    let findings = &report.findings;
    let counts = findings.of(Level::Error) + findings.of(Level::Warning);
    let of_clippy = |rule: &String| rule.starts_with("clippy::");
    let compiler = findings
        .findings
        .iter()
        .any(|one| one.level == Level::Error && !one.rule.as_ref().is_some_and(of_clippy));
    match (code, report.built) {
        (0, Some(true)) if counts > 0 => Verdict::Findings,
        (0, Some(true)) => Verdict::Success,
        (101, _) if compiler => Verdict::Build,
        (101, _) if counts > 0 => Verdict::Findings,
        // Nothing was built: there is no manifest, or it cannot be read.
        (1 | 101, None) => Verdict::Usage,
        (101, Some(_)) => Verdict::Build,
        _ => Verdict::Internal,
    }
}

#[cfg(test)]
mod tests {
    use remit_plugin_reports::{clippy as messages, sarif};
    use serde_json::json;

    use super::*;

    #[test]
    fn ruff_is_clean_only_with_a_report_that_says_so() {
        let of = |results: serde_json::Value| {
            let run = json!({ "tool": { "driver": { "name": "ruff" } }, "results": results });
            let text = json!({ "version": "2.1.0", "runs": [run] }).to_string();
            sarif::read(text.as_bytes()).unwrap()
        };
        let clean = of(json!([]));
        let found = of(json!([{ "ruleId": "F401", "message": { "text": "m" } }]));
        let gone = of(json!([{ "ruleId": "E902", "message": { "text": "m" } }]));
        for (code, report, wanted) in [
            (0, Some(&clean), Verdict::Success),
            (0, Some(&found), Verdict::Findings),
            (0, None, Verdict::Internal),
            (1, Some(&found), Verdict::Findings),
            (1, Some(&gone), Verdict::Usage),
            (1, Some(&clean), Verdict::Internal),
            (2, None, Verdict::Usage),
            (101, None, Verdict::Internal),
        ] {
            assert_eq!(ruff(code, report), wanted, "{code}");
        }
    }

    #[test]
    fn clippys_warnings_are_findings_and_what_does_not_compile_is_not() {
        let message = |level: &str, rule: &str| {
            let message =
                json!({ "level": level, "message": "m", "spans": [], "code": { "code": rule } });
            json!({ "reason": "compiler-message", "message": message }).to_string() + "\n"
        };
        let end = |well: bool| json!({ "reason": "build-finished", "success": well }).to_string();
        let (well, badly) = (end(true), end(false));
        for (code, said, wanted) in [
            (0, well.clone(), Verdict::Success),
            (
                0,
                message("warning", "clippy::x") + &well,
                Verdict::Findings,
            ),
            (0, String::new(), Verdict::Internal),
            (
                101,
                message("error", "clippy::x") + &badly,
                Verdict::Findings,
            ),
            (101, message("error", "E0425") + &badly, Verdict::Build),
            (101, badly.clone(), Verdict::Build),
            (101, String::new(), Verdict::Usage),
            (1, String::new(), Verdict::Usage),
        ] {
            let report = messages::read(&said);
            assert_eq!(clippy(code, &report), wanted, "{code} {said}");
        }
    }
}
