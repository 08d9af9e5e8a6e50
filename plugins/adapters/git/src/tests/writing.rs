//! Commits, by real git.
//!
//! Never: a repository that is judged by our own code; `git fsck` and the user's git say what it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::declared::{PATCH, head, refused, sound, text, watched, write};
use super::{Place, tree};

const ALL: &str = r#"{"verb": "commit", "all": true, "message": "second: ü\n\nWhy."}"#;

#[test]
fn a_commit_is_there_for_the_users_own_git() {
    let place = Place::new();
    let old = head(&place);
    let root = place.root();
    fs::write(root.join("c.txt"), "TWO\n").unwrap();
    fs::remove_file(root.join("a b.txt")).unwrap();
    fs::create_dir(root.join("dir")).unwrap();
    fs::write(root.join("dir/new ü.txt"), "x").unwrap();
    fs::write(root.join("run.sh"), "x").unwrap();
    fs::set_permissions(root.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let before: Vec<_> = tree(&root);
    let inputs = r#"{"verb": "commit", "all": true, "message": "second: ü\n\nWhy.", "author": {"name": "A \"B\" \\C", "email": "c@example.org"}}"#;
    let done = write(&place, inputs).unwrap();

    sound(&place);
    assert_eq!(head(&place), text(&done.details, "commit"));
    assert_eq!(text(&done.details, "parent"), old);
    let log = place.git(&["log", "-1", "--format=%an|%ae|%cn|%P|%B"]);
    assert_eq!(
        log.trim_end(),
        format!("A \"B\" \\C|c@example.org|A \"B\" \\C|{old}|second: ü\n\nWhy.")
    );
    let changes = place.git(&["show", "--format=", "--name-status", "-z", "--no-renames"]);
    assert_eq!(
        changes
            .trim_end_matches('\0')
            .split('\0')
            .collect::<Vec<_>>(),
        [
            "D",
            "a b.txt",
            "M",
            "c.txt",
            "A",
            "dir/new ü.txt",
            "A",
            "run.sh"
        ]
    );
    assert!(
        place
            .git(&["ls-tree", "HEAD", "run.sh"])
            .starts_with("100755")
    );
    assert!(place.git(&["reflog", "-1"]).contains("commit: second: ü"));
    // Exactly what is said was written, and nothing else.
    let mut changed: Vec<String> = tree(&root)
        .into_iter()
        .filter(|file| !before.contains(file))
        .map(|(path, _)| path.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    // The user's `git status` above may write the index, which is claimed in any case.
    changed.sort();
    let mut written = done.written;
    written.sort();
    assert_eq!(changed, written);
}

#[test]
fn the_first_commit_of_a_repository_and_other_hashes_work() {
    for format in ["sha1", "sha256"] {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir(place.root()).unwrap();
        place.git(&[
            "init",
            "-q",
            "-b",
            "topic/x",
            &format!("--object-format={format}"),
        ]);
        // Also one without any file, for which git makes no index.
        let empty = r#"{"verb": "commit", "all": true, "message": "x", "allow_empty": true}"#;
        assert_eq!(refused(&place, ALL).code, "nothing-to-commit");
        write(&place, empty).unwrap();
        sound(&place);
        fs::write(place.root().join("a"), "x").unwrap();
        let done = write(&place, ALL).unwrap();
        sound(&place);
        assert_eq!(head(&place), text(&done.details, "commit"));
        assert_eq!(place.git(&["branch", "--show-current"]).trim(), "topic/x");
        assert_eq!(
            place.git(&["log", "-1", "--format=%an <%ae>"]).trim(),
            "remit <remit@localhost>"
        );
    }
}

#[test]
fn a_packed_branch_moves_and_the_packed_one_no_longer_counts() {
    let place = Place::new();
    place.git(&["pack-refs", "--all"]);
    place.git(&["gc", "-q"]);
    assert!(!place.root().join(".git/refs/heads/main").exists());
    fs::write(place.root().join("c.txt"), "TWO\n").unwrap();
    let done = write(&place, ALL).unwrap();
    sound(&place);
    assert_eq!(head(&place), text(&done.details, "commit"));
}

/// Makes a repository, and one inside of it, that configure all the programs there are.
fn hostile(place: &Place) {
    let root = place.root();
    let inner = root.join("inner");
    fs::create_dir(&inner).unwrap();
    place.git(&["-C", "inner", "init", "-q"]);
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    let empty = ["commit", "-q", "--allow-empty", "-m", "x"];
    place.git(&[&["-C", "inner"][..], &identity, &empty].concat());
    place.git(&["-c", "advice.addEmbeddedRepo=false", "add", "inner"]);
    place.git(&[&identity[..], &["commit", "-qm", "inner"]].concat());
    fs::write(
        root.join(".gitattributes"),
        "*.txt filter=evil diff=evil merge=evil\n",
    )
    .unwrap();
    let keys = [
        ("filter.evil.clean", "clean"),
        ("filter.evil.smudge", "smudge"),
        ("core.fsmonitor", "monitor"),
        ("diff.external", "external"),
        ("diff.evil.command", "command"),
        ("diff.evil.textconv", "textconv"),
        ("merge.evil.driver", "merge"),
        ("core.editor", "editor"),
        ("gpg.program", "gpg"),
        ("credential.helper", "credential"),
    ];
    for (key, name) in keys {
        let program = place.evil(name);
        place.git(&["config", key, &program]);
        place.git(&["-C", "inner", "config", key, &program]);
    }
    for (key, value) in [("commit.gpgSign", "true"), ("core.worktree", "/tmp")] {
        place.git(&["-C", "inner", "config", key, value]);
    }
    place.git(&["config", "commit.gpgSign", "true"]);
    fs::create_dir_all(root.join(".git/hooks")).unwrap();
    for hook in [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "reference-transaction",
        "post-index-change",
    ] {
        fs::copy(place.evil(hook), root.join(".git/hooks").join(hook)).unwrap();
    }
}

#[test]
fn nothing_that_a_repository_configures_runs_when_it_is_written() {
    let place = Place::new();
    hostile(&place);
    let root = place.root();
    fs::write(root.join("c.txt"), "TWO\n").unwrap();
    fs::write(root.join("inner/dirty"), "x").unwrap();
    place.canaries();
    place.git(&["add", "--dry-run", "-A"]);
    let without = place.canaries();
    for name in ["clean", "monitor"] {
        assert!(without.iter().any(|one| one == name), "{name}: {without:?}");
    }

    let filtered = refused(&place, ALL);
    assert_eq!(filtered.code, "filtered", "{filtered}");
    let inputs = r#"{"verb": "commit", "all": true, "message": "x", "unfiltered": true}"#;
    let done = write(&place, inputs).unwrap();
    write(&place, r#"{"verb": "branch-create", "name": "other"}"#).unwrap();
    let back = PATCH.replace("-two\n+TWO", "-TWO\n+two");
    for index in [true, false] {
        let patch = if index {
            back.as_str()
        } else {
            "--- a/c.txt\n+++ b/c.txt\n@@ -1 +1 @@\n-two\n+2\n"
        };
        let inputs = serde_json::json!({"verb": "apply", "patch": patch, "index": index});
        write(&place, &inputs.to_string()).unwrap();
    }
    assert_eq!(place.canaries(), Vec::<String>::new());
    // Even the user's git shows it only without what is configured.
    assert_eq!(
        place.sealed(&["rev-parse", "HEAD"]).trim(),
        text(&done.details, "commit")
    );
    assert_eq!(fs::read_to_string(root.join("c.txt")).unwrap(), "2\n");
}

#[test]
fn what_is_staged_and_not_named_is_not_taken_along() {
    let place = Place::new();
    let root = place.root();
    fs::write(root.join("c.txt"), "TWO\n").unwrap();
    fs::write(root.join("a b.txt"), "ONE\n").unwrap();
    let one = r#"{"verb": "commit", "paths": ["c.txt"], "message": "x"}"#;
    place.git(&["add", "a b.txt"]);
    assert_eq!(refused(&place, one).code, "staged-elsewhere");
    place.git(&["reset", "-q"]);
    write(&place, one).unwrap();
    assert_eq!(place.git(&["status", "--porcelain"]), " M \"a b.txt\"\n");
    assert_eq!(refused(&place, one).verdict, "failed:no-effect/tests");
    let empty = r#"{"verb": "commit", "paths": ["c.txt"], "message": "x", "allow_empty": true}"#;
    write(&place, empty).unwrap();
    assert_eq!(place.git(&["show", "--format=", "--name-only"]), "");
    place.git(&["fsck", "--strict"]);
    // A renamed file is two: the old name is committed with the new one.
    place.git(&["mv", "c.txt", "d.txt"]);
    write(&place, ALL).unwrap();
    sound(&place);
}

#[test]
fn states_in_which_a_commit_would_surprise_are_refused_with_the_reason() {
    let place = Place::new();
    let root = place.root();
    fs::write(root.join("c.txt"), "TWO\n").unwrap();
    for (file, code) in [
        ("MERGE_HEAD", "in-progress"),
        ("index.lock", "locked"),
        ("HEAD.lock", "locked"),
    ] {
        fs::write(root.join(".git").join(file), "").unwrap();
        assert_eq!(refused(&place, ALL).code, code, "{file}");
        fs::remove_file(root.join(".git").join(file)).unwrap();
    }
    // The lock of the branch is met only at the end; objects that nothing refers to are no harm.
    fs::write(root.join(".git/refs/heads/main.lock"), "").unwrap();
    let old = head(&place);
    assert_eq!(write(&place, ALL).unwrap_err().code, "locked");
    assert_eq!(head(&place), old);
    assert_eq!(place.git(&["diff", "--cached"]), "");
    assert!(root.join(".git/refs/heads/main.lock").exists());
    assert!(!root.join(".git/index.lock").exists());
    fs::remove_file(root.join(".git/refs/heads/main.lock")).unwrap();

    place.git(&["checkout", "-q", "--detach"]);
    assert_eq!(refused(&place, ALL).code, "detached");
    place.git(&["symbolic-ref", "HEAD", "refs/heads/alias"]);
    place.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    assert_eq!(refused(&place, ALL).code, "symbolic");
    place.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
    let alternates = root.join(".git/objects/info/alternates");
    fs::create_dir_all(alternates.parent().unwrap()).unwrap();
    fs::write(&alternates, "/elsewhere\n").unwrap();
    assert!(refused(&place, ALL).message.contains("alternates"));
    fs::remove_file(&alternates).unwrap();
    let config = fs::read(root.join(".git/config")).unwrap();
    for (key, value) in [("core.worktree", "/tmp"), ("core.bare", "true")] {
        place.git(&["config", key, value]);
        assert!(refused(&place, ALL).message.contains(key), "{key}");
        fs::write(root.join(".git/config"), &config).unwrap();
    }
    let worktree = place.0.path().join("linked");
    place.git(&["worktree", "add", "-q", worktree.to_str().unwrap()]);
    let error = crate::sealed::seal(&worktree, &place.0.path().join("x")).unwrap_err();
    assert!(matches!(error, crate::sealed::SealError::Elsewhere));
    // Nothing of all this is in the way once it is over.
    write(&place, ALL).unwrap();
    sound(&place);
}

#[test]
fn a_ref_or_an_index_that_somebody_else_changed_stays_theirs() {
    let place = Place::new();
    let root = place.root();
    fs::write(root.join("c.txt"), "TWO\n").unwrap();
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    for (what, code) in [
        (
            &["commit", "-q", "--allow-empty", "-m", "theirs"][..],
            "ref-moved",
        ),
        (&["branch", "-q", "-f", "main", "HEAD~1"], "ref-moved"),
        (&["add", "c.txt"], "index-moved"),
        (&["symbolic-ref", "HEAD", "refs/heads/else"], "ref-moved"),
    ] {
        let mut theirs = None;
        let refusal = watched(&place, ALL, &mut |step| {
            if step == "objects-there" {
                // Git does not move a branch that is checked out but by `update-ref`.
                if what[0] == "branch" {
                    place.git(&["update-ref", "refs/heads/main", "HEAD~1"]);
                } else {
                    place.git(&[&identity[..], what].concat());
                }
                theirs = Some(tree(&root));
            }
        })
        .unwrap_err();
        assert_eq!(refusal.code, code, "{what:?}: {refusal}");
        assert_eq!(refusal.verdict, "failed:ref-moved");
        assert_eq!(tree(&root), theirs.unwrap(), "{what:?}");
        place.git(&["fsck", "--strict"]);
    }
    place.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
    write(&place, ALL).unwrap();
    sound(&place);
}

/// A copy of the repository as a crash at each step would leave it.
#[test]
fn a_crash_at_any_step_leaves_a_valid_repository() {
    let place = Place::new();
    fs::write(place.root().join("c.txt"), "TWO\n").unwrap();
    let old = head(&place);
    let mut copies = Vec::new();
    let done = watched(&place, ALL, &mut |step| {
        let copy = Place(tempfile::tempdir().unwrap());
        let status = Command::new("cp")
            .arg("-a")
            .arg(place.root())
            .arg(copy.root())
            .status();
        assert!(status.unwrap().success());
        copies.push((step, copy));
    })
    .unwrap();
    let new = text(&done.details, "commit");
    let steps: Vec<_> = copies.iter().map(|copy| copy.0).collect();
    assert_eq!(
        steps,
        ["objects", "objects-there", "locked", "index", "ref", "done"]
    );
    for (step, copy) in copies {
        copy.git(&["fsck", "--strict", "--full"]);
        let at = head(&copy);
        assert_eq!(
            at,
            if step == "done" {
                new.clone()
            } else {
                old.clone()
            },
            "{step}"
        );
        let staged = copy.git(&["diff", "--cached", "--name-only"]);
        assert_eq!(staged, if step == "ref" { "c.txt\n" } else { "" }, "{step}");
        assert_eq!(
            fs::read_to_string(copy.root().join("c.txt")).unwrap(),
            "TWO\n"
        );
        // What is left are locks, which git names; without them all goes on.
        for lock in ["index.lock", "HEAD.lock", "refs/heads/main.lock"] {
            drop(fs::remove_file(copy.root().join(".git").join(lock)));
        }
        copy.git(&["add", "-A"]);
    }
}
