//! Guarantee G16: everything that a run does to the working tree is listed. Real directories,
//! real system calls. Never: a wait for the clock.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic and makes its own files"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_core::change::ChangeKind;
use remit_core::path::RelPath;
use remit_engine::seam::WorkingTree;
use remit_workspace::{MAX_DEPTH, Snapshot, SnapshotError, Tree, diff};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, statat, utimensat};

fn open(root: &Path) -> Dir {
    Dir::open_ambient_dir(root, ambient_authority()).unwrap()
}

/// A small repository: sources, an ignored file, and the inside of `.git`.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("README.md", "hello\n"),
        (".gitignore", "target/\n"),
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".git/hooks/pre-commit.sample", "#!/bin/false\n"),
        ("src/main.rs", "fn main() {}\n"),
        ("src/lib.rs", "//! x\n"),
        ("target/debug/out", "binary"),
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// Does something to a repository and compares what is listed. `+` created, `~` modified,
/// `-` deleted.
#[track_caller]
fn check(act: impl FnOnce(&Path), expected: &[&str]) {
    let dir = repository();
    let root = open(dir.path());
    let before = Snapshot::take(&root).unwrap();
    act(dir.path());
    let after = Snapshot::take(&root).unwrap();
    let listed: Vec<String> = diff(&before, &after)
        .into_iter()
        .map(|change| {
            let sign = match change.kind {
                ChangeKind::Created => '+',
                ChangeKind::Modified => '~',
                ChangeKind::Deleted => '-',
            };
            format!("{sign}{}", change.path.as_str())
        })
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn what_only_holds_a_place_while_tools_run_is_no_change() {
    let hold = |path: &Path| {
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o1555)).unwrap();
    };
    check(|root| hold(&root.join(".npmrc")), &[]);
    // Elsewhere, or with something in it, it is one.
    check(|root| hold(&root.join("src/.npmrc")), &["+src/.npmrc"]);
    check(
        |root| {
            fs::create_dir(root.join(".npmrc")).unwrap();
            fs::write(root.join(".npmrc/x"), "").unwrap();
            fs::set_permissions(root.join(".npmrc"), fs::Permissions::from_mode(0o1555)).unwrap();
        },
        &["+.npmrc/x"],
    );
}

#[test]
fn nothing_done_is_nothing_listed() {
    check(|_| {}, &[]);
}

#[test]
fn reading_is_no_change() {
    check(
        |root| drop(fs::read_to_string(root.join("src/main.rs")).unwrap()),
        &[],
    );
}

#[test]
fn files_that_come_change_and_go() {
    check(
        |root| {
            fs::write(root.join("src/new.rs"), "x").unwrap();
            fs::write(root.join("src/main.rs"), "fn main() { }\n").unwrap();
            fs::remove_file(root.join("README.md")).unwrap();
        },
        &["-README.md", "~src/main.rs", "+src/new.rs"],
    );
}

#[test]
fn ignored_files_and_the_inside_of_git_are_seen() {
    check(
        |root| {
            fs::write(root.join("target/debug/other"), "x").unwrap();
            fs::write(root.join(".git/hooks/pre-commit"), "#!/bin/sh\n").unwrap();
        },
        &["+.git/hooks/pre-commit", "+target/debug/other"],
    );
}

#[test]
fn a_rename_is_a_deletion_and_a_creation() {
    check(
        |root| fs::rename(root.join("src/lib.rs"), root.join("src/core.rs")).unwrap(),
        &["+src/core.rs", "-src/lib.rs"],
    );
}

#[test]
fn a_renamed_directory_is_told_by_its_files() {
    check(
        |root| fs::rename(root.join("src"), root.join("lib")).unwrap(),
        &["+lib/lib.rs", "+lib/main.rs", "-src/lib.rs", "-src/main.rs"],
    );
}

#[test]
fn a_file_replaced_by_one_with_equal_content_is_listed() {
    check(
        |root| {
            let text = fs::read(root.join("README.md")).unwrap();
            fs::write(root.join("README.new"), text).unwrap();
            fs::rename(root.join("README.new"), root.join("README.md")).unwrap();
        },
        &["~README.md"],
    );
}

#[test]
fn a_mode_is_part_of_a_file_and_of_a_directory() {
    check(
        |root| {
            let run = fs::Permissions::from_mode(0o755);
            fs::set_permissions(root.join("src/main.rs"), run).unwrap();
            let closed = fs::Permissions::from_mode(0o700);
            fs::set_permissions(root.join("target"), closed).unwrap();
        },
        &["~src/main.rs", "~target"],
    );
}

#[test]
fn links_are_listed_and_never_followed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "x").unwrap();
    check(
        |root| {
            symlink(outside.path(), root.join("out")).unwrap();
            symlink("/nowhere", root.join("src/broken")).unwrap();
            symlink("..", root.join("src/loop")).unwrap();
        },
        &["+out", "+src/broken", "+src/loop"],
    );
}

#[test]
fn a_link_that_points_elsewhere_is_another_link() {
    let dir = repository();
    symlink("README.md", dir.path().join("link")).unwrap();
    let root = open(dir.path());
    let before = Snapshot::take(&root).unwrap();
    fs::remove_file(dir.path().join("link")).unwrap();
    symlink("LICENSES1", dir.path().join("link")).unwrap();
    let changes = diff(&before, &Snapshot::take(&root).unwrap());
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].kind, ChangeKind::Modified);
}

#[test]
fn a_file_that_becomes_a_directory_is_modified() {
    check(
        |root| {
            fs::remove_file(root.join("README.md")).unwrap();
            fs::create_dir(root.join("README.md")).unwrap();
            fs::write(root.join("README.md/x"), "x").unwrap();
        },
        &["~README.md", "+README.md/x"],
    );
}

#[test]
fn empty_directories_count_and_full_ones_are_told_by_their_files() {
    check(
        |root| {
            fs::create_dir_all(root.join("a/b")).unwrap();
            fs::create_dir(root.join("c")).unwrap();
            fs::write(root.join("c/file"), "x").unwrap();
            fs::remove_dir_all(root.join("target")).unwrap();
        },
        &["+a/b", "+c/file", "-target/debug/out"],
    );
}

/// Edits a file in place, with as many bytes as before, and sets the times back.
fn edit_in_secret(path: &Path) {
    let stat = statat(CWD, path, AtFlags::empty()).unwrap();
    let length = fs::read(path).unwrap().len();
    fs::write(path, vec![b'#'; length]).unwrap();
    let time = |tv_sec: i64, tv_nsec: u64| Timespec {
        tv_sec,
        tv_nsec: i64::try_from(tv_nsec).unwrap(),
    };
    let times = Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
    };
    utimensat(CWD, path, &times, AtFlags::empty()).unwrap();
    let now = statat(CWD, path, AtFlags::empty()).unwrap();
    assert_eq!(
        (now.st_size, now.st_mtime, now.st_mtime_nsec, now.st_ino),
        (stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_ino),
        "the edit hides from size, time and inode"
    );
}

#[test]
fn an_edit_of_equal_length_with_its_time_set_back_is_seen() {
    // Many times, and each right after the snapshot: a stamp of the same tick would hide it.
    for _ in 0..25 {
        check(
            |root| edit_in_secret(&root.join("src/main.rs")),
            &["~src/main.rs"],
        );
    }
}

#[test]
fn sockets_and_pipes_are_listed() {
    check(
        |root| {
            drop(std::os::unix::net::UnixListener::bind(root.join("s")).unwrap());
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            let pipe = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(CWD, root.join("p"), pipe, mode, 0).unwrap();
        },
        &["+p", "+s"],
    );
}

#[test]
fn names_that_are_not_utf_8_are_listed() {
    use std::os::unix::ffi::OsStrExt;
    check(
        |root| {
            let name = std::ffi::OsStr::from_bytes(b"src/\xff.rs");
            fs::write(root.join(name), "x").unwrap();
        },
        &["+src/\u{fffd}.rs"],
    );
}

#[test]
fn a_path_that_is_too_deep_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let deep: Vec<&str> = std::iter::repeat_n("d", MAX_DEPTH).collect();
    fs::create_dir_all(dir.path().join(deep.join("/"))).unwrap();
    assert_eq!(Snapshot::take(&open(dir.path())).unwrap().len(), MAX_DEPTH);
    fs::create_dir(dir.path().join(deep.join("/")).join("x")).unwrap();
    let error = Snapshot::take(&open(dir.path())).unwrap_err();
    assert!(matches!(&error, SnapshotError::TooDeep { path, .. } if path.ends_with("/d/x")));
    assert!(error.to_string().contains("-C DIR"), "{error}");
}

#[test]
fn a_workspace_that_is_removed_lists_its_files_as_deleted() {
    check(
        |root| {
            for name in [".git", ".gitignore", "README.md", "src", "target"] {
                let path = root.join(name);
                if path.is_dir() {
                    fs::remove_dir_all(path).unwrap();
                } else {
                    fs::remove_file(path).unwrap();
                }
            }
            fs::remove_dir(root).unwrap();
        },
        &[
            "-.git/HEAD",
            "-.git/hooks/pre-commit.sample",
            "-.gitignore",
            "-README.md",
            "-src/lib.rs",
            "-src/main.rs",
            "-target/debug/out",
        ],
    );
}

#[tokio::test]
async fn the_seam_lists_changes_and_sizes() {
    let dir = repository();
    let tree = Tree::begin(open(dir.path())).await.unwrap();
    assert_eq!(tree.changes().await.unwrap(), []);
    assert!(tree.unseen().is_empty());
    fs::write(dir.path().join("src/new.rs"), "12345").unwrap();
    symlink("new.rs", dir.path().join("src/link.rs")).unwrap();
    symlink("src", dir.path().join("source")).unwrap();
    let listed = tree.changes().await.unwrap();
    let paths: Vec<&str> = listed.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(paths, ["source", "src/link.rs", "src/new.rs"]);
    for (path, size) in [
        ("src/new.rs", Some(5)),
        ("README.md", Some(6)),
        ("src", None),
        (".", None),
        ("missing", None),
        ("src/link.rs", None),
        ("source/new.rs", None),
        ("README.md/x", None),
    ] {
        let found = tree.file_size(&RelPath::parse(path).unwrap()).await;
        assert_eq!(found, size, "{path}");
    }
}
