//! Branches and patches, by real git.
//!
//! Never: a patch that is half applied and called refused.

use std::fs;

use super::declared::{PATCH, refused, sound, write};
use super::{Place, tree};

#[test]
fn a_branch_is_made_where_none_is_and_none_is_in_the_way() {
    let place = Place::new();
    place.git(&["branch", "packed/one"]);
    place.git(&["pack-refs", "--all"]);
    place.git(&[
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "tag",
        "-a",
        "-m",
        "x",
        "v1",
    ]);
    let create =
        |name: &str| format!(r#"{{"verb": "branch-create", "name": "{name}", "at": "v1"}}"#);
    let done = write(&place, &create("topic/two")).unwrap();
    assert_eq!(done.written, [".git/refs/heads/topic/two"]);
    assert_eq!(
        place.git(&["rev-parse", "topic/two"]),
        place.git(&["rev-parse", "HEAD"])
    );
    sound(&place);
    for (name, code) in [
        ("main", "exists"),
        ("topic/two", "exists"),
        ("packed/one", "exists"),
        ("packed", "in-the-way"),
        ("packed/one/x", "in-the-way"),
        ("main/x", "in-the-way"),
        ("topic", "in-the-way"),
    ] {
        assert_eq!(refused(&place, &create(name)).code, code, "{name}");
    }
    let nowhere = r#"{"verb": "branch-create", "name": "x", "at": "nowhere"}"#;
    assert_eq!(refused(&place, nowhere).code, "no-commit");
    sound(&place);
}

#[test]
fn a_patch_is_applied_whole_or_not_at_all() {
    let place = Place::new();
    let root = place.root();
    let apply = |patch: &str, index: bool| {
        serde_json::json!({"verb": "apply", "patch": patch, "index": index}).to_string()
    };
    let stale = PATCH.replace("-two", "-other");
    assert_eq!(
        refused(&place, &apply(&stale, false)).code,
        "does-not-apply"
    );
    assert_eq!(
        refused(&place, &apply("no patch", false)).code,
        "does-not-apply"
    );
    for path in ["../out", ".git/hooks/x", "x/.GIT/config"] {
        let patch = format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n");
        let code = refused(&place, &apply(&patch, false)).code;
        assert!(
            ["patch-path", "does-not-apply"].contains(&code),
            "{path}: {code}"
        );
    }
    for mode in ["120000", " 0120000", "160000"] {
        let patch = format!(
            "diff --git a/l b/l\nnew file mode {mode}\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n"
        );
        assert_eq!(
            refused(&place, &apply(&patch, false)).code,
            "patch-link",
            "{mode}"
        );
    }
    let done = write(&place, &apply(PATCH, true)).unwrap();
    assert_eq!(
        place.git(&["status", "--porcelain"]),
        "M  c.txt\nA  new/d.txt\n"
    );
    assert!(done.written.contains(&"new/d.txt".to_owned()));
    place.git(&["fsck", "--strict"]);
    // A file of the workspace, and a rename with an odd name.
    let rename = "diff --git \"a/a b.txt\" \"b/\\303\\274.txt\"\nsimilarity index 100%\nrename from a b.txt\nrename to \"\\303\\274.txt\"\n";
    fs::write(root.join("p.diff"), rename).unwrap();
    let done = write(&place, r#"{"verb": "apply", "patch_file": "p.diff"}"#).unwrap();
    assert_eq!(done.written, ["a b.txt", "ü.txt"]);
    assert!(root.join("ü.txt").exists() && !root.join("a b.txt").exists());
}

/// Git has removed and written files when it fails in the middle.
#[test]
fn a_patch_that_fails_in_the_middle_is_taken_back() {
    let place = Place::new();
    let root = place.root();
    let before = tree(&root);
    let copies = place.0.path().join("copies");
    let names = ["a b.txt", "c.txt", "deep/er/new.txt"].map(str::to_owned);
    let kept = crate::patch::Before::keep(&root, &copies, &names).unwrap();
    fs::remove_file(root.join("a b.txt")).unwrap();
    fs::write(root.join("c.txt"), "half").unwrap();
    fs::create_dir_all(root.join("deep/er")).unwrap();
    fs::write(root.join("deep/er/new.txt"), "half").unwrap();
    assert_eq!(kept.restore(), Vec::<String>::new());
    assert_eq!(tree(&root), before);
    assert!(!root.join("deep").exists());
    let link = ["l".to_owned()];
    std::os::unix::fs::symlink("c.txt", root.join("l")).unwrap();
    assert!(crate::patch::Before::keep(&root, &copies, &link).is_err());
}
