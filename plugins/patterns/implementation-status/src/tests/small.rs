//! One thing at a time.

use crate::registry::fault_of;
use crate::request::{INPUT_SCHEMA, OUTPUT_SCHEMA, Request};
use crate::stub;
use crate::tree::State;

use super::*;

const REGISTRY: &str = "\
metadata: {total_patterns: 5, total_categories: 1}
patterns:
- {pattern_id: PAT-A-001, name: a, status: active, category: x,
   spec_path: specs/a.yaml, schema_path: schemas/a.json, executor_path: run/a.py, test_path: tests/a.py}
- {pattern_id: PAT-B-001, name: a, status: active, category: y,
   spec_path: 'specs\\b.yaml', executor_path: run/b.py}
- {pattern_id: PAT-C-001, name: c, status: draft, category: x, spec_path: ../up.yaml, executor_path: run/a.py}
- {name: 7}
- just a text
";

#[test]
fn every_entry_gets_a_line_with_what_is_there() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    write(root, "specs/a.yaml", "");
    write(root, "specs/b.yaml", "");
    write(root, "specs/stray.yaml", "");
    write(root, "specs/notes.txt", "");
    write(root, "schemas/a.json", "");
    write(root, "run/a.py", "print(1)\n");
    let said = format!("pass  # {} later", stub::words().next().unwrap());
    write(root, "run/b.py", &format!("def run():\n    {said}\n"));
    let report = of(REGISTRY, "", root);
    assert_eq!(report.registry.listed, 5);
    assert_eq!(report.registry.categories_listed, 2);
    let [a, b, c, d, e] = &report.patterns[..] else {
        panic!("not five");
    };
    assert_eq!(
        (a.spec, a.schema, a.executor, a.test, a.percent),
        (
            State::Present,
            State::Present,
            State::Present,
            State::Missing,
            Some(75)
        )
    );
    assert_eq!(
        (b.spec, b.schema),
        (State::MissingBackslash, State::NotListed)
    );
    let stub = b.stub.as_ref().unwrap();
    assert_eq!((stub.line, stub.why.as_str()), (2, said.as_str()));
    assert_eq!(b.percent, Some(0));
    assert_eq!(c.spec, State::Outside);
    assert_eq!((d.percent, e.percent), (Some(0), Some(0)));
    assert_eq!(report.percent, Some(20));
    assert_eq!(report.overstated, ["PAT-B-001"]);
    assert_eq!(report.bad_ids.len(), 2);
    let doubled: Vec<_> = report
        .duplicates
        .iter()
        .map(|one| (one.what, one.value.as_str(), one.patterns.len()))
        .collect();
    assert_eq!(doubled, [("executor", "run/a.py", 2), ("name", "a", 2)]);
    let orphans: Vec<_> = report.orphans.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(orphans, ["specs/stray.yaml"]);
}

#[test]
fn a_link_is_unreadable_and_not_present() {
    let place = tempfile::tempdir().unwrap();
    write(place.path(), "run/b.py", "print(1)");
    fs::create_dir(place.path().join("specs")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", place.path().join("specs/a.yaml")).unwrap();
    let report = of(REGISTRY, "", place.path());
    assert_eq!(report.patterns[0].spec, State::Unreadable);
}

#[test]
fn what_is_no_registry_is_an_error() {
    for text in [
        "",
        "a: 1",
        "patterns: 7",
        "patterns: [",
        "patterns: []\npatterns: []",
    ] {
        assert!(Registry::parse(text).is_err(), "{text}");
    }
}

#[test]
fn identifiers_follow_the_form_that_results_need() {
    for good in ["PAT-A", "PAT-MODULE-CREATION-001"] {
        assert_eq!(fault_of(good), None, "{good}");
    }
    for bad in [
        "",
        "PAT-",
        "EXEC-005",
        "PAT-IMPLEMENTATION_STATUS-007",
        "PAT-a",
        "PAT-A\u{202e}",
    ] {
        assert!(fault_of(bad).is_some(), "{bad}");
    }
}

#[test]
fn a_stub_says_so_itself_or_holds_nothing() {
    for word in stub::words() {
        assert!(stub::find(&format!("# {word}: Implement")).is_some());
        assert_eq!(stub::find(&format!("{word}S = []\nME{word} = 1")), None);
    }
    for text in [
        "x\n  raise NotImplementedError()",
        "fn main() { todo!() }",
        "",
        "#!/bin/sh\n# later\n",
    ] {
        assert!(stub::find(text).is_some(), "{text}");
    }
    for text in ["print('to do')", "Get-ChildItem"] {
        assert_eq!(stub::find(text), None, "{text}");
    }
}

#[test]
fn phases_without_a_table_or_with_a_broken_one_are_read_as_far_as_they_go() {
    let phases = phases::parse(
        "# Phase 2: half (150%)\n### Phase 1 (2 files)\n1. a/b.py\n2. not a path\n3. `c.md`\n\n\
         | Phase | Time |\n|---|---|\n| Phase 1 | ?h/4h |\n| nothing | 1h/2h |\n",
    );
    let said: Vec<_> = phases
        .iter()
        .map(|phase| {
            (
                phase.name.as_str(),
                phase.claimed_percent,
                phase.files.len(),
            )
        })
        .collect();
    assert_eq!(said, [("2", None, 0), ("1", None, 2)]);
    assert_eq!(phases[1].hours, None);
    // Letters of several bytes at every place where a text is cut.
    for text in [
        "# é",
        "| é% |",
        "# phase é",
        "|Phase|\n|phasé|",
        "# Phase 1 é% (é files)",
    ] {
        phases::parse(text);
    }
}

#[test]
fn every_wrong_input_is_named() {
    let wrong = Request::check(r#"{"registry": "/etc/x", "status_file": "../x", "root": "a\\b"}"#);
    let paths: Vec<String> = wrong.unwrap_err().into_iter().map(|one| one.0).collect();
    assert_eq!(paths, ["/registry", "/status_file", "/root"]);
    assert!(Request::check(r#"{"other": 1}"#).is_err());
    assert!(!Request::check("{}").unwrap().status_named);
}

#[test]
fn the_schemas_are_json_and_the_report_has_what_its_schema_promises() {
    let _inputs: serde_json::Value = serde_json::from_str(INPUT_SCHEMA).unwrap();
    let schema: serde_json::Value = serde_json::from_str(OUTPUT_SCHEMA).unwrap();
    let place = tempfile::tempdir().unwrap();
    let report = serde_json::to_value(of(REGISTRY, "", place.path())).unwrap();
    let mut promised: Vec<&str> = schema["required"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(serde_json::Value::as_str)
        .collect();
    promised.sort_unstable();
    let given: Vec<&String> = report.as_object().unwrap().keys().collect();
    assert_eq!(promised, given);
}
