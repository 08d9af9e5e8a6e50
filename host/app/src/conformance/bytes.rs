//! Rules that need only the bytes.
//!
//! Never: an instance.

use remit_component::{Kind, inspect};

use super::Book;
use crate::loading::Loaded;

/// Judges the bytes; says whether the rest can be tried.
pub(super) fn judge(book: &mut Book, loaded: &Loaded) -> bool {
    let report = match inspect(&loaded.bytes) {
        Ok(report) => report,
        Err(error) => {
            book.fail("C01", error.to_string());
            return false;
        }
    };
    match report.kind {
        Kind::Component => book.pass("C01"),
        Kind::CoreModule => book.fail("C01", report.target.verdict()),
    }
    if report.target.roles.is_empty() {
        book.fail("C02", report.target.verdict());
    } else {
        let others: Vec<&str> = report
            .exports
            .iter()
            .map(|item| item.name.as_str())
            .filter(|name| !name.starts_with("remit:plugin/"))
            .collect();
        let note = if others.is_empty() {
            String::new()
        } else {
            format!("it exports more, which nobody minds: {}", others.join(", "))
        };
        book.note("C02", super::Verdict::Pass, note);
    }
    if report.target.unknown_imports.is_empty() {
        book.pass("C03");
    } else {
        book.fail("C03", report.target.unknown_imports.join(", "));
    }
    if loaded.has_manifest {
        book.pass("C05");
    } else {
        book.fail("C05", "there is none: put it in with `remit plugin pack`");
    }
    report.target.loads()
}
