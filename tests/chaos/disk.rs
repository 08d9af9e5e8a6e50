//! A disk of one's own for a ledger: small, and made read-only or full at will. It is a tmpfs in a
//! mount namespace of a process that waits for the end of the test; what works on it enters there.
//!
//! Never: a mount that the rest of the machine sees.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::geteuid;

/// A small disk, as long as this lives.
pub(crate) struct Disk {
    holder: Child,
    pub(crate) place: PathBuf,
}

/// Keeps the namespace, until its input is closed.
const HOLD: &str = "mount -t tmpfs -o size=$1,mode=0700 chaos \"$2\" && echo ready && cat";

impl Disk {
    /// A disk of this size at a directory that exists; a loud message and nothing where that is not
    /// permitted.
    pub(crate) fn new(place: &Path, size: &str) -> Option<Self> {
        let mut holder = Command::new("unshare")
            .args(own_user(&["--user", "--map-root-user"]))
            .args(["--mount", "--propagation", "private"])
            .args(["sh", "-c", HOLD, "hold", size])
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut output = BufReader::new(holder.stdout.take().unwrap());
        output.read_line(&mut said).unwrap();
        if said != "ready\n" {
            let mut why = String::new();
            let mut errors = holder.stderr.take().unwrap();
            errors.read_to_string(&mut why).unwrap();
            holder.wait().unwrap();
            eprintln!("\n!!! NOT TESTED: a disk of one's own cannot be made here: {why}\n");
            return None;
        }
        Some(Self {
            holder,
            place: place.to_owned(),
        })
    }

    /// The beginning of a command that runs where the disk is.
    pub(crate) fn inside(&self) -> Vec<String> {
        let target = self.holder.id().to_string();
        let mut words: Vec<String> = ["nsenter", "-t", &target, "--mount", "--wd=."]
            .map(str::to_owned)
            .to_vec();
        let user = own_user(&["--user", "--preserve-credentials"]);
        words.extend(user.iter().map(|word| (*word).to_owned()));
        words
    }

    fn told(&self, script: &str) -> bool {
        let words = self.inside();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["sh", "-c", script, "at"]);
        let output = command.arg(&self.place).output().unwrap();
        output.status.success()
    }

    /// Takes all the room that is left.
    pub(crate) fn fill(&self) {
        // It ends with an error: there is no more room.
        assert!(!self.told("exec cat /dev/zero >> \"$1/ballast\""));
    }

    /// Gives the room back.
    pub(crate) fn free(&self) {
        assert!(self.told("rm \"$1/ballast\""));
    }

    pub(crate) fn read_only(&self, on: bool) {
        let mode = if on { "ro" } else { "rw" };
        assert!(self.told(&format!("mount -o remount,{mode} \"$1\"")));
    }
}

/// The words by which whoever is not root gets a user namespace first.
fn own_user<'a>(words: &'a [&'a str]) -> &'a [&'a str] {
    if geteuid().is_root() { &[] } else { words }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        self.holder.wait().ok();
    }
}
