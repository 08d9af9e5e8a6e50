//! EXEC-017.

use super::*;
use crate::run::Status;

const CONFIG: &str = "\
patterns:
  EXEC-017:
    target_archive_dir: archive/all/
    source_archives: ['archive/one/', 'old', 'nowhere/']
";

fn place() -> Place {
    Place::of(&[
        ("archive/one/a.txt", "a\n"),
        ("archive/one/deep/ü b.txt", "b\n"),
        ("old/c.txt", "c\n"),
        ("new/d.txt", "d\n"),
    ])
}

/// What the real tar finds in a file.
fn members(file: &Path) -> Vec<String> {
    let output = Command::new("tar")
        .arg("-tzf")
        .arg(file)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(output.status.success());
    let mut all: Vec<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    all.sort();
    all
}

#[test]
fn old_archives_become_one_file_each_and_an_index() {
    let place = place();
    let report = place.clean(CONFIG, r#"{"tests": "none"}"#).unwrap();
    let result = &report.results[0];
    assert_eq!((result.status, result.changes_made), (Status::Success, 2));
    let files = place.work();
    assert!(
        !files
            .keys()
            .any(|path| path.starts_with("archive/one/") || path.starts_with("old/"))
    );
    assert!(files.contains_key("new/d.txt"));
    let found = members(&place.base().join("archive/all/archive__one.tar.gz"));
    assert_eq!(found.len(), 3);
    assert_eq!(found[0], "a.txt");
    assert!(
        files
            .keys()
            .any(|path| path.starts_with("archive/all/INDEX-"))
    );
    assert!(result.notes[0].contains("nowhere"));
    let made = report.made();
    assert_eq!(made.len(), 3, "{made:?}");
    assert_eq!(made[0], "archive/all/archive__one.tar.gz");
    let backup = report.backup.unwrap();
    assert_eq!(place.files()[&format!("{backup}/old/c.txt")], b"c\n");
}

#[test]
fn a_source_with_a_link_stays() {
    let place = place();
    std::os::unix::fs::symlink("/etc/passwd", place.base().join("old/link")).unwrap();
    place.commit();
    let report = place.clean(CONFIG, r#"{"tests": "none"}"#).unwrap();
    assert!(
        report.results[0]
            .notes
            .iter()
            .any(|note| note.contains("old stays"))
    );
    assert!(place.base().join("old/c.txt").exists());
}

#[test]
fn without_packing_directories_move_and_a_taken_name_stays() {
    let place = place();
    place.write("archive/all/old/x.txt", "taken");
    place.commit();
    let config = format!("{CONFIG}    compress_old_archives: false\n    generate_index: false\n");
    let report = place.clean(&config, r#"{"tests": "none"}"#).unwrap();
    assert!(
        report.results[0]
            .notes
            .iter()
            .any(|note| note.contains("is there already"))
    );
    let files = place.work();
    assert_eq!(files["archive/all/archive__one/a.txt"], b"a\n");
    assert_eq!(files["archive/all/old/x.txt"], b"taken");
    assert!(files.contains_key("old/c.txt"));
}
