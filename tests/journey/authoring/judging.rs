//! `remit plugin lint` and `remit plugin conformance`: what the program carries passes, a stub and a
//! component that breaks the contract are found out.
//!
//! Never: a rule that no component here breaks or keeps.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Said, built_in, ends, remit};
use crate::home::Home;

/// The words under a key of each element.
fn words<'a>(list: &'a Value, key: &str) -> BTreeSet<&'a str> {
    let each = list.as_array().unwrap().iter();
    each.map(|one| one[key].as_str().unwrap()).collect()
}

/// The rules with this verdict.
fn rules<'a>(report: &'a Value, verdict: &str) -> BTreeSet<&'a str> {
    let all = report["rules"].as_array().unwrap().iter();
    all.filter(|rule| rule["verdict"] == verdict)
        .map(|rule| rule["rule"].as_str().unwrap())
        .collect()
}

#[test]
fn every_built_in_plugin_passes_lint_and_keeps_the_contract() {
    let home = Home::new();
    let mut wrong = String::new();
    for id in built_in(&home) {
        for command in ["lint", "conformance"] {
            let Said { code, out, err } = remit(&home, &["plugin", command, &id]);
            if code != Some(0) {
                wrong.push_str(&format!("{command}: {out}{err}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_plugin_that_does_nothing_is_rejected() {
    let home = Home::new();
    let noop = home.places()["$NOOP"].clone();
    let report = ends(&home, 1, &["plugin", "lint", &noop, "--json"]).json();
    let codes = words(&report["findings"], "code");
    assert!(codes.contains("no-op"), "{codes:?}");
    for finding in report["findings"].as_array().unwrap() {
        assert!(finding["fix"].as_str().unwrap().len() > 10, "{finding}");
    }
    // It keeps the contract all the same: that is another question.
    ends(&home, 0, &["plugin", "conformance", &noop]);
}

#[test]
fn a_shoddy_plugin_is_found_out() {
    let home = Home::new();
    let shoddy = format!("{}/shoddy.wasm", home.places()["$GUESTS"]);
    let report = ends(&home, 1, &["plugin", "lint", &shoddy, "--json"]).json();
    let codes = words(&report["findings"], "code");
    for code in [
        "no-title",
        "weak-reason",
        "unused-request",
        "id-differs",
        "version-differs",
        "schema-open",
        "unimplemented",
        "may-be-unfinished",
        "schema-unexplained",
    ] {
        assert!(codes.contains(code), "{code} is missing: {codes:?}");
    }
    let report = ends(&home, 1, &["plugin", "conformance", &shoddy, "--json"]).json();
    assert_eq!(report["conforms"], false);
    let failed = rules(&report, "fail");
    let want = [
        "C08", "C09", "C12", "C13", "C15", "C16", "C17", "C18", "C19", "C20",
    ];
    assert_eq!(failed, want.into_iter().collect());
    assert!(rules(&report, "pass").contains("C07"));
    let said = ends(&home, 1, &["plugin", "conformance", &shoddy]);
    assert!(said.out.contains("FAIL  C12"), "{said:?}");
}

#[test]
fn what_is_no_plugin_fails_the_first_rules_and_skips_the_rest() {
    let home = Home::new();
    let guests = &home.places()["$GUESTS"];
    for (file, rule) in [("module.wasm", "C01"), ("text.wasm", "")] {
        let path = format!("{guests}/{file}");
        let said = remit(&home, &["plugin", "conformance", &path, "--json"]);
        if rule.is_empty() {
            assert_eq!(said.code, Some(10), "{said:?}");
            continue;
        }
        assert_eq!(said.code, Some(1), "{said:?}");
        let report = said.json();
        assert!(rules(&report, "fail").contains(rule), "{report}");
        assert!(rules(&report, "skip").contains("C22"), "{report}");
    }
}

#[test]
fn other_guests_keep_the_contract() {
    let home = Home::new();
    for guest in ["$PROBE", "$BOASTER"] {
        let path = home.places()[guest].clone();
        let report = ends(&home, 0, &["plugin", "conformance", &path, "--json"]).json();
        assert_eq!(rules(&report, "fail"), BTreeSet::new(), "{report}");
    }
}

#[test]
fn findings_come_as_sarif_and_strictness_counts_warnings() {
    let home = Home::new();
    let noop = home.places()["$NOOP"].clone();
    let report = ends(&home, 1, &["plugin", "lint", &noop, "--sarif"]).json();
    assert_eq!(report["version"], "2.1.0");
    let results = &report["runs"][0]["results"];
    assert!(words(results, "ruleId").contains("no-op"));
    assert!(words(results, "level").contains("error"));
    ends(&home, 0, &["plugin", "lint", "command", "--strict"]);
}

#[test]
fn mistakes_in_a_manifest_are_findings() {
    let home = Home::new();
    std::fs::write(
        home.workspace().join("remit-plugin.toml"),
        "format = 1\nid = \"Bad Id\"\n",
    )
    .unwrap();
    let report = ends(&home, 1, &["plugin", "lint", ".", "--json"]).json();
    assert!(
        words(&report["findings"], "code").contains("missing-key"),
        "{report}"
    );
}
