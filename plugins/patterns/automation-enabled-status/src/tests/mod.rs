//! What the status says of small projects, and of the origin's configuration.
//!
//! Never: a data base that was not made by SQLite.

mod counted;
mod seen;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::request::Request;
use crate::status::{Status, look};

/// Writes files below a directory.
fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The status of a project.
fn of(root: &Path, inputs: &str) -> Status {
    look(root, &Request::check(inputs).unwrap())
}

/// Has the real SQLite carry out a script, by the Python that the other tests need, too.
fn sqlite(file: &Path, script: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let program = "import sqlite3, sys\n\
                   base = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                   base.executescript(sys.stdin.read())\n";
    let mut child = Command::new("python3")
        .args(["-c", program])
        .arg(file)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(script.as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}
