//! Texts that are no contract, nearly one, or nothing at all.

use proptest::prelude::*;

use super::*;

/// The mistakes of a text, as `line code`.
fn mistakes(name: &str, text: &str) -> Vec<String> {
    let found = Contract::parse(name, text).unwrap_err();
    let one = |d: &crate::diagnostic::Diagnostic| format!("{} {}", d.line, d.code);
    found.list().iter().map(one).collect()
}

#[test]
fn mistakes_are_named_with_their_lines() {
    const ENTRY: &str = "entry_requirements:\n  required_files:\n    - a\n";
    const EXIT: &str = "exit_artifacts:\n  produced_files:\n    - b\n";
    let name = "phase1.md";
    let whole = format!("{ENTRY}{EXIT}");
    assert!(Contract::parse(name, &whole).is_ok());
    let none = "hard_blockers: []\nsoft_dependencies: (none)\nupstream_phases: None\n";
    let contract = Contract::parse(name, &format!("{whole}{none}")).unwrap();
    assert_eq!(contract.hard_blockers.len() + contract.upstream.len(), 0);
    for (text, want) in [
        (String::new(), &["1 no-contract"][..]),
        (format!("```\n{whole}```\n"), &["1 no-contract"]),
        (ENTRY.to_owned(), &["1 missing-key"]),
        (format!("{whole}hard_blockers:\n"), &["7 empty-key"]),
        (format!("{whole}hard_blocker:\n  - x\n"), &["7 unknown-key"]),
        (
            format!("{whole}{ENTRY}"),
            &["7 duplicate-key", "8 duplicate-key"],
        ),
        (
            format!("required_files:\n  - c\n{whole}"),
            &["1 misplaced-key"],
        ),
        (whole.replace("- a", "- ../a"), &["3 not-a-path"]),
        (whole.replace("- a", "- a["), &["3 not-a-path"]),
        (whole.replace("- a", "a"), &["3 not-an-item"]),
        (
            whole.replace("  required_files:\n", ""),
            &["1 empty-key", "2 not-a-list"],
        ),
        (
            format!("{whole}ai_must_not_modify:\n- /etc/**\n"),
            &["8 not-a-path"],
        ),
        (format!("# Phase 2\n{whole}"), &["1 two-phases"]),
        (
            whole.replace("    - a\n", &"    - a\n".repeat(1_001)),
            &["2 too-many-items"],
        ),
        (
            " ".repeat(crate::document::MAX_DOCUMENT_BYTES + 1),
            &["1 too-large"],
        ),
    ] {
        let shown: String = text.chars().take(300).collect();
        assert_eq!(mistakes(name, &text), want, "{shown}");
    }
    assert_eq!(mistakes("notes.md", &whole), ["1 no-phase"]);
    for name in [
        "phase1_x/README.md",
        "a/phase1_x.README.md",
        "PHASE1/readme.md",
    ] {
        assert!(Contract::parse(name, &whole).is_ok(), "{name}");
    }
}

#[test]
fn a_file_of_mistakes_is_answered_soon_and_shortly() {
    let text = format!("hard_blockers:\n{}", "  x\n".repeat(200_000));
    let found = Contract::parse("phase1.md", &text).unwrap_err();
    assert!(found.list().len() <= 100);
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,300}") {
        drop(Contract::parse(NAME, &text));
    }

    #[test]
    fn no_damage_to_a_contract_is_too_strange(
        cuts in prop::collection::vec((0..REVIEW.len(), 0..40usize, "[ \\n\\t:`~#()\\[\\]{}*/.a-c-]{0,6}"), 0..6)
    ) {
        let mut text = REVIEW.to_owned();
        for (start, length, put) in cuts {
            let inside = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let range = inside(start)..inside(start + length);
            text.replace_range(range, &put);
        }
        if let Ok(contract) = Contract::parse(NAME, &text) {
            for side in [Side::Entry, Side::Exit] {
                let report = check(&contract, side, &before());
                prop_assert_eq!(report.is_met(), report.unmet().count() == 0);
            }
            prop_assert!(contract.protected_paths().len() >= ALWAYS_PROTECTED.len());
        }
    }

    #[test]
    fn every_line_of_a_list_is_an_item(names in prop::collection::btree_set("[a-z]{1,8}(/[a-z]{1,8}){0,2}", 1..20)) {
        let list: String = names.iter().map(|name| format!("    - {name}  (x)\n")).collect();
        let text = format!("entry_requirements:\n  required_files:\n{list}\nexit_artifacts:\n  emitted_events: None\n");
        let contract = Contract::parse("phase3.md", &text).unwrap();
        let read: Vec<&str> = contract.entry.files.iter().map(|need| need.item.text.as_str()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != "none" && *name != "nothing").collect();
        prop_assert_eq!(read, names);
    }
}
