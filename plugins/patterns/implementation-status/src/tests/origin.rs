//! The registry of the program that the requirements come from: 190 patterns, a few of them there.
//!
//! `tree.txt` names what lies in the directories that this registry names, in the commit that the
//! corpus was taken from (`stub` marks executors that say that they are to be written), so that the numbers are those of
//! the real tree. Never: the tree's content.

use super::*;

/// The corpus beside the repository, if it is there.
#[expect(
    clippy::print_stderr,
    reason = "says that a test had nothing to look at"
)]
fn corpus() -> Option<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpus/pattern");
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let found = read("PATTERN_INDEX.yaml").zip(read("IMPLEMENTATION_STATUS.md"));
    if found.is_none() {
        eprintln!("{} is not there: NOT TESTED with it", folder.display());
    }
    found
}

fn plant(root: &Path) {
    let later = crate::stub::words().next().unwrap();
    for line in include_str!("tree.txt").lines() {
        let (mark, path) = line.split_once(' ').unwrap();
        let text = if mark == "stub" {
            format!("param($InstancePath)\n# {later}: Implement pattern logic\n")
        } else {
            "Write-Output done\n".to_owned()
        };
        write(root, path, &text);
    }
}

#[test]
fn without_a_tree_the_registry_alone_says_what_it_can() {
    let Some((registry, phases)) = corpus() else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let report = of(&registry, &phases, place.path());
    assert_eq!(report.registry.listed, 190);
    assert_eq!(report.registry.claimed, Some(181));
    assert_eq!(report.registry.categories_listed, 32);
    assert_eq!(report.registry.categories_claimed, Some(28));
    assert_eq!(report.tree, "absent");
    let of_part = |name| {
        let part = &report.parts[name];
        (part.listed, part.distinct, part.missing)
    };
    assert_eq!(of_part("spec"), (183, 178, None));
    assert_eq!(of_part("schema"), (169, 164, None));
    assert_eq!(of_part("executor"), (169, 164, None));
    assert_eq!(of_part("test"), (11, 11, None));
    assert_eq!(report.percent, None);
    assert!(report.executors.is_empty() && report.orphans.is_empty());

    assert_eq!(report.bad_ids.len(), 39);
    let bad = report
        .bad_ids
        .iter()
        .find(|bad| bad.id.as_deref() == Some("PAT-IMPLEMENTATION_STATUS-007"))
        .unwrap();
    assert!(bad.reason.contains("`_`"), "{}", bad.reason);
    let named_twice = |what| {
        report
            .duplicates
            .iter()
            .filter(|one| one.what == what)
            .count()
    };
    assert_eq!((named_twice("id"), named_twice("name")), (0, 23));
}

#[test]
fn the_report_of_phases_is_read_as_it_was_written() {
    let Some((registry, phases)) = corpus() else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let report = of(&registry, &phases, place.path());
    let said: Vec<_> = report
        .phases
        .iter()
        .map(|phase| {
            (
                phase.phase.as_str(),
                phase.status.as_deref(),
                phase.claimed_percent,
                phase.hours_percent,
                phase.files_claimed,
                phase.files_listed,
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            ("1", Some("COMPLETE"), Some(100), Some(71), Some(14), 14),
            ("2", Some("PARTIAL"), None, Some(27), Some(2), 2),
            ("3", Some("PENDING"), None, Some(0), Some(0), 0),
            ("total", None, Some(29), Some(29), Some(16), 0),
        ]
    );
}

#[test]
fn with_the_tree_that_it_describes_the_numbers_are_those_of_that_tree() {
    let Some((registry, phases)) = corpus() else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    plant(place.path());
    let report = of(&registry, &phases, place.path());
    assert_eq!(report.tree, "seen");
    let of_part = |name| {
        let part = &report.parts[name];
        (
            part.listed,
            part.present.unwrap(),
            part.missing.unwrap(),
            part.missing_backslash.unwrap(),
        )
    };
    // 140 of 183 and 64 of 169 as they are written; 45 of each are only spelled with `\`.
    assert_eq!(of_part("spec"), (183, 43, 140, 45));
    assert_eq!(of_part("executor"), (169, 105, 64, 45));
    assert_eq!(of_part("schema"), (169, 106, 63, 45));
    assert_eq!(of_part("test"), (11, 10, 1, 0));
    let executors = report
        .executors
        .iter()
        .find(|one| one.directory == "patterns/executors")
        .unwrap();
    assert_eq!((executors.files, executors.stubs), (147, 127));
    assert!(
        report
            .phases
            .iter()
            .all(|phase| phase.files_missing.is_empty())
    );
    assert!(report.unreadable.is_empty(), "{:?}", report.unreadable);
}
