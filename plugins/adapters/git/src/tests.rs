//! Real git on repositories of somebody who wants it to run their programs.
//!
//! Never: a canary that nothing could have touched: each is tried first without the seal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod declared;
mod patching;
mod writing;

use crate::read;
use crate::sealed::{SealError, seal};

/// A repository, and beside it a place for the git directory and for canaries.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.root()).unwrap();
        place.git(&["init", "-q", "-b", "main"]);
        fs::write(place.root().join("a b.txt"), "one\n").unwrap();
        fs::write(place.root().join("c.txt"), "two\n").unwrap();
        place.git(&["add", "-A"]);
        place.git(&[
            "-c",
            "user.name=A B",
            "-c",
            "user.email=a@example.org",
            "commit",
            "-qm",
            "first: ü",
        ]);
        place
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("repository")
    }

    /// Git as its owner uses it, with all that the repository configures.
    fn git(&self, arguments: &[&str]) -> String {
        self.run(arguments, &[])
    }

    /// Git as the owner's declaration has it: the templates of `git-sealed`.
    fn sealed(&self, arguments: &[&str]) -> String {
        let place = self.0.path().join("sealed");
        drop(fs::remove_dir_all(&place));
        seal(&self.root(), &place).unwrap();
        let directory = format!("--git-dir={}", place.display());
        let mut all = vec![directory.as_str(), "--work-tree=."];
        all.extend(arguments);
        self.run(
            &all,
            &[("GIT_ALTERNATE_OBJECT_DIRECTORIES", ".git/objects")],
        )
    }

    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.root())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A program that leaves a canary and hands its input on.
    fn evil(&self, name: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let program = self.0.path().join(format!("{name}.sh"));
        let canary = self.0.path().join(format!("{name}.canary"));
        fs::write(
            &program,
            format!("#!/bin/sh\ntouch {}\ncat\n", canary.display()),
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program.display().to_string()
    }

    /// The canaries that are there; they are gone afterwards.
    fn canaries(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.0.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "canary") {
                found.push(path.file_stem().unwrap().to_string_lossy().into_owned());
                fs::remove_file(path).unwrap();
            }
        }
        found.sort();
        found
    }
}

const STATUS: [&str; 6] = [
    "status",
    "--porcelain=v2",
    "--branch",
    "-z",
    "--untracked-files=all",
    "--ignore-submodules=all",
];

#[test]
fn nothing_that_a_repository_configures_runs() {
    let place = Place::new();
    let root = place.root();
    fs::write(root.join(".gitattributes"), "*.txt filter=evil diff=evil\n").unwrap();
    for (key, name) in [
        ("filter.evil.clean", "clean"),
        ("filter.evil.smudge", "smudge"),
        ("filter.evil.process", "process"),
        ("core.fsmonitor", "monitor"),
        ("diff.external", "external"),
        ("diff.evil.textconv", "textconv"),
        ("diff.evil.command", "command"),
        ("core.pager", "pager"),
        ("core.sshCommand", "ssh"),
        ("gpg.program", "gpg"),
        ("alias.status", "alias"),
    ] {
        let program = place.evil(name);
        place.git(&["config", key, &program]);
    }
    place.git(&["config", "--unset", "filter.evil.process"]);
    place.git(&["config", "log.showSignature", "true"]);
    place.git(&["config", "include.path", "/etc/passwd-that-is-not-there"]);
    let hooks = root.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    fs::copy(place.evil("hook"), hooks.join("post-index-change")).unwrap();
    place.canaries();
    // Same length, so that git has to look at the content, by way of the filter.
    fs::write(root.join("c.txt"), "TWO\n").unwrap();
    place.git(&STATUS);
    place.git(&["diff"]);
    let without = place.canaries();
    for name in ["clean", "command", "monitor"] {
        assert!(without.iter().any(|one| one == name), "{name}: {without:?}");
    }

    // It was changed in the second in which the index was written, and has the same size.
    let status = read::status(&place.sealed(&STATUS));
    assert_eq!(status["branch"]["head"], "main");
    assert_eq!(status["entries"][0]["path"], "c.txt", "{status}");
    assert_eq!(status["entries"][0]["unstaged"], "M");
    assert!(
        place
            .sealed(&[
                "diff",
                "--no-color",
                "--no-ext-diff",
                "--no-textconv",
                "--",
                "c.txt"
            ])
            .contains("+TWO")
    );
    place.sealed(&["show", "--no-ext-diff", "--no-textconv", "HEAD", "--"]);
    place.sealed(&["log", "-z", "-n", "5", "--format=%H", "HEAD", "--"]);
    place.sealed(&[
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
    ]);
    place.sealed(&["branch", "--list", "--all"]);
    assert_eq!(place.canaries(), Vec::<String>::new());
}

#[test]
fn what_git_says_is_read_with_spaces_renames_and_branches() {
    let place = Place::new();
    let root = place.root();
    place.git(&["branch", "other"]);
    place.git(&["mv", "a b.txt", "d e.txt"]);
    fs::write(root.join("new ü.txt"), "x").unwrap();
    fs::write(root.join("hidden.log"), "x").unwrap();
    fs::create_dir_all(root.join(".git/info")).unwrap();
    fs::write(root.join(".git/info/exclude"), "*.log\n").unwrap();
    let status = read::status(&place.sealed(&STATUS));
    let entries = status["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{status}");
    assert_eq!(entries[0]["kind"], "renamed");
    assert_eq!(
        (&entries[0]["path"], &entries[0]["from"]),
        (&"d e.txt".into(), &"a b.txt".into())
    );
    assert_eq!(entries[1]["path"], "new ü.txt");
    assert_eq!(status["clean"], false);

    let format = "--format=%H%x1f%an%x1f%ae%x1f%aI%x1f%s";
    let log = read::log(&place.sealed(&["log", "-z", "-n", "50", format, "HEAD", "--"]));
    assert_eq!(log["commits"].as_array().unwrap().len(), 1);
    assert_eq!(log["commits"][0]["author"], "A B");
    assert_eq!(log["commits"][0]["subject"], "first: ü");

    let format = "--format=%(HEAD)%(refname) %(objectname)";
    let branches =
        read::branches(&place.sealed(&["branch", "--list", "--all", "--no-color", format]));
    assert_eq!(branches["branches"][0]["name"], "refs/heads/main");
    assert_eq!(branches["branches"][0]["current"], true);
    assert_eq!(branches["branches"][1]["current"], false);
    let files = read::files(&place.sealed(&["ls-files", "-z", "--cached"]));
    assert_eq!(files["files"][0], "c.txt");
}

#[test]
fn packed_refs_tags_and_other_hashes_are_read() {
    let place = Place::new();
    place.git(&["tag", "v1"]);
    place.git(&["pack-refs", "--all"]);
    place.git(&["gc", "-q"]);
    assert_eq!(
        place.sealed(&["rev-parse", "v1"]),
        place.git(&["rev-parse", "HEAD"])
    );
    place.git(&["checkout", "-q", "--detach"]);
    let status = read::status(&place.sealed(&STATUS));
    assert_eq!(status["branch"]["head"], "(detached)");
    let other = Place(tempfile::tempdir().unwrap());
    fs::create_dir(other.root()).unwrap();
    other.git(&["init", "-q", "--object-format=sha256"]);
    fs::write(other.root().join("a"), "x").unwrap();
    other.git(&["add", "a"]);
    other.git(&[
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "commit",
        "-qm",
        "x",
    ]);
    assert_eq!(other.sealed(&["rev-parse", "HEAD"]).trim().len(), 64);
}

#[test]
fn the_repository_is_as_it_was() {
    let place = Place::new();
    fs::write(place.root().join("c.txt"), "TWO\n").unwrap();
    let before = tree(&place.root());
    place.sealed(&STATUS);
    place.sealed(&["diff", "--no-ext-diff"]);
    assert_eq!(tree(&place.root()), before);
}

fn tree(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(tree(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            all.push((path, bytes));
        }
    }
    all.sort();
    all
}

#[test]
fn what_is_no_repository_of_a_known_kind_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let sealed = place.path().join("sealed");
    assert!(matches!(
        seal(place.path(), &sealed),
        Err(SealError::NoRepository)
    ));
    fs::write(place.path().join(".git"), "gitdir: /elsewhere\n").unwrap();
    assert!(matches!(
        seal(place.path(), &sealed),
        Err(SealError::Elsewhere)
    ));
    fs::remove_file(place.path().join(".git")).unwrap();
    std::os::unix::fs::symlink("/tmp", place.path().join(".git")).unwrap();
    assert!(matches!(
        seal(place.path(), &sealed),
        Err(SealError::Elsewhere)
    ));
    fs::remove_file(place.path().join(".git")).unwrap();
    fs::create_dir_all(place.path().join(".git/refs")).unwrap();
    // A ref that is a link to something else is not followed.
    std::os::unix::fs::symlink("/etc/passwd", place.path().join(".git/refs/x")).unwrap();
    seal(place.path(), &sealed).unwrap();
    assert!(!sealed.join("refs/x").exists());
    fs::write(
        place.path().join(".git/config"),
        "[extensions]\n\trefStorage = reftable\n",
    )
    .unwrap();
    assert!(matches!(
        seal(place.path(), &sealed),
        Err(SealError::Format(_))
    ));
}

#[test]
fn no_text_ends_a_reader() {
    for text in [
        "",
        "\0",
        "1",
        "2 \0",
        "u  ",
        "# branch.",
        "# branch.x",
        "?",
        "1 M",
        "*",
        "é",
        "\u{1f}\u{1f}",
        " a",
    ] {
        read::status(text);
        read::log(text);
        read::files(text);
        read::branches(text);
    }
}
