//! Every way to put another program in the place of a pinned one.

use super::*;
use std::fs::{Permissions, hard_link, set_permissions, write};
use std::os::unix::fs::{PermissionsExt, symlink};

/// Pins `bin/tool`, a link to `lib/tool`, does something, and says what is then different.
fn check(act: impl Fn(&Path), expected: Option<&str>) {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    for name in ["bin", "lib"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    write(root.join("lib/tool"), "one").unwrap();
    write(root.join("lib/other"), "two").unwrap();
    symlink("../lib/tool", root.join("bin/tool")).unwrap();
    let pinned = PinnedFile::new(&root.join("bin/tool")).unwrap();
    assert_eq!(pinned.recheck(), Ok(()));
    act(&root);
    match (pinned.recheck(), expected) {
        (Ok(()), None) => {}
        (Err(change), Some(expected)) => {
            assert!(
                change.what.contains(expected),
                "{} / {expected}",
                change.what
            );
            assert_eq!(change.path, root.join("lib/tool"));
        }
        (found, expected) => panic!("{found:?} instead of {expected:?}"),
    }
}

#[test]
fn every_way_to_replace_a_program_is_seen() {
    check(|_| {}, None);
    check(
        |root| fs::rename(root.join("lib/other"), root.join("lib/tool")).unwrap(),
        Some("inode"),
    );
    check(
        |root| write(root.join("lib/tool"), "longer").unwrap(),
        Some("size"),
    );
    check(
        |root| {
            let path = root.join("lib/tool");
            let time = fs::metadata(&path).unwrap().modified().unwrap();
            write(&path, "eno").unwrap();
            File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(time)
                .unwrap();
        },
        Some("its inode was changed"),
    );
    check(
        |root| set_permissions(root.join("lib/tool"), Permissions::from_mode(0o711)).unwrap(),
        Some("mode"),
    );
    check(
        |root| hard_link(root.join("lib/tool"), root.join("lib/second")).unwrap(),
        Some("its inode was changed"),
    );
    check(
        |root| {
            fs::remove_file(root.join("bin/tool")).unwrap();
            symlink("../lib/other", root.join("bin/tool")).unwrap();
        },
        Some("now leads to"),
    );
    check(
        |root| fs::remove_file(root.join("lib/tool")).unwrap(),
        Some("No such file"),
    );
}

#[test]
fn a_program_is_writable_if_any_link_to_it_is() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    for name in ["bin", "lib", "plugin"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    write(root.join("lib/tool"), "one").unwrap();
    symlink("../lib/tool", root.join("plugin/tool")).unwrap();
    symlink("../plugin/tool", root.join("bin/tool")).unwrap();
    let pinned = PinnedFile::new(&root.join("bin/tool")).unwrap();
    for (name, below) in [
        ("bin", true),
        ("plugin", true),
        ("lib", true),
        ("li", false),
    ] {
        let found = pinned.lies_below(&[root.join(name)]);
        assert_eq!(found.is_some(), below, "{name}: {found:?}");
    }
}

#[test]
fn the_digest_is_of_the_pinned_content() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("tool");
    write(&path, "abc").unwrap();
    let pinned = PinnedFile::new(&path).unwrap();
    assert_eq!(pinned.digest().unwrap(), Digest::of(b"abc"));
    let identity = pinned.identity().unwrap();
    assert_eq!(identity.digest, Some(Digest::of(b"abc")));
    assert_eq!(identity.inode, fs::metadata(&path).unwrap().ino());
    let pinned = PinnedFile::new(&path).unwrap();
    write(&path, "abcd").unwrap();
    assert!(pinned.digest().is_err());
    assert!(pinned.identity().unwrap_err().what.contains("size"));
}

#[test]
fn a_file_that_is_still_the_known_one_is_not_read_again() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("tool");
    write(&path, "abc").unwrap();
    let pin = || Pinned {
        program: PinnedFile::new(&path).unwrap(),
        script: None,
    };
    let tool: ToolId = "mine".parse().unwrap();
    let first = pin().record(&tool, None).unwrap();
    assert_eq!(first.file.digest, Digest::of(b"abc"));
    // A digest that only someone who does not read the file can believe.
    let mut known = first.clone();
    known.file.digest = Digest::of(b"kept");
    assert_eq!(pin().record(&tool, Some(&known)).unwrap(), known);
    // The same content in another file is read, and so is any change.
    let copy = root.path().join("copy");
    write(&copy, "abc").unwrap();
    fs::rename(&copy, &path).unwrap();
    let moved = pin().record(&tool, Some(&known)).unwrap();
    assert_ne!(moved.file.inode, first.file.inode);
    assert!(moved.file.is_same_program(&first.file));
    write(&path, "abd").unwrap();
    let changed = pin().record(&tool, Some(&moved)).unwrap();
    assert_eq!(changed.file.digest, Digest::of(b"abd"));
}
