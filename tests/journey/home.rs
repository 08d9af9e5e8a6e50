//! A home of its own for one journey: user directories, a workspace, guests; and the program
//! started in it with nothing else around. The program's environment always holds a canary that
//! nobody grants; what a start says and all that it leaves behind is searched for it.
//!
//! Never: the environment, the configuration or the cache of whoever runs the tests.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Once, mpsc};
use std::time::Duration;

use tempfile::TempDir;

/// Longest that one start of the program may take before the test gives up. Nothing waits for it
/// to pass; a loaded machine needs seconds, a program that hangs needs an end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The directories of every system.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Programs that the journeys need.
const NEEDED: [&str; 3] = ["python3", "node", "git"];

/// A variable of the program's environment that no policy of a test names.
const CANARY_NAME: &str = "JOURNEY_CANARY";

/// Its value, which must come out nowhere.
const CANARY: &str = "canary-that-nobody-grants";

/// Directories of one journey. Gone when it is dropped, if the canary is in none of them.
pub(crate) struct Home {
    root: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new()
            .prefix("journey-")
            .tempdir()
            .unwrap();
        let home = Self { root };
        for directory in ["home", "workspace", "outside", "tmp", "out"] {
            std::fs::create_dir(home.path(directory)).unwrap();
        }
        home
    }

    /// A path below the journey's own directory, whose real path it is.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(below)
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.path("workspace")
    }

    /// What the placeholders of a case stand for; see [`fill`].
    pub(crate) fn places(&self) -> BTreeMap<&'static str, String> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        BTreeMap::from([
            ("$WORKSPACE", text(self.workspace())),
            ("$OUTSIDE", text(self.path("outside"))),
            ("$OUT", text(self.path("out"))),
            ("$HOME", text(self.path("home"))),
            ("$TMP", text(self.path("tmp"))),
            ("$PROBE", text(guests().join("probe.wasm"))),
            ("$BOASTER", text(guests().join("boaster.wasm"))),
            ("$NOOP", text(guests().join("noop.wasm"))),
            ("$GUESTS", text(guests())),
            ("$REPOSITORY", text(repository())),
        ])
    }

    /// The program, not started yet.
    pub(crate) fn remit(&self, arguments: &[impl AsRef<std::ffi::OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_remit"));
        self.furnish(&mut command);
        command.args(arguments);
        command
    }

    /// Gives a command this home and nothing else.
    pub(crate) fn furnish(&self, command: &mut Command) {
        command
            .env_clear()
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("home/config"))
            .env("XDG_STATE_HOME", self.path("home/state"))
            // Compiled components are named by their digests, so all journeys can share them.
            .env("XDG_CACHE_HOME", shared().join("cache"))
            .env("TMPDIR", self.path("tmp"))
            .env("PATH", search_path())
            .env("LANG", "C.UTF-8")
            .env(CANARY_NAME, CANARY)
            .current_dir(self.workspace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }
}

impl Drop for Home {
    /// Looks at everything that was left: records, audit, state, approvals, trust, the workspace.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let found = containing(self.root.path(), CANARY);
        assert!(found.is_empty(), "the canary is in {found:?}");
    }
}

/// The regular files below a directory that hold a text. Files that this user may not read belong
/// to someone else, and the program has not written them.
pub(crate) fn containing(directory: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file()
                && let Ok(bytes) = std::fs::read(entry.path())
                && String::from_utf8_lossy(&bytes).contains(text)
            {
                found.push(entry.path());
            }
        }
    }
    found
}

/// Replaces `$NAME` by what it stands for, the longest names first.
pub(crate) fn fill(text: &str, places: &BTreeMap<&'static str, String>) -> String {
    let mut names: Vec<_> = places.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let mut filled = text.to_owned();
    for name in names {
        filled = filled.replace(name, &places[name]);
    }
    filled
}

/// Starts a command, gives it its input, and waits for its end.
pub(crate) fn finish(mut command: Command, stdin: &str) -> Output {
    if !stdin.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    if let Some(mut pipe) = child.stdin.take() {
        // Whoever does not read its input closes it.
        drop(pipe.write_all(stdin.as_bytes()));
    }
    wait(child)
}

/// Waits for the end of a process, but not for ever.
pub(crate) fn wait(child: Child) -> Output {
    let id = child.id();
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match ended.recv_timeout(PATIENCE) {
        Ok(output) => {
            let output = output.unwrap();
            for said in [&output.stdout, &output.stderr] {
                let said = String::from_utf8_lossy(said);
                assert!(!said.contains(CANARY), "the canary was said: {said}");
            }
            output
        }
        Err(_) => {
            crate::machine::kill(id);
            panic!("the program did not end within {PATIENCE:?}");
        }
    }
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// A directory that all journeys share and that outlives them.
fn shared() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The directory with the guests of the journeys and with files that are none.
pub(crate) fn guests() -> PathBuf {
    static WRITTEN: Once = Once::new();
    let place = shared().join("guests");
    WRITTEN.call_once(|| {
        std::fs::create_dir_all(&place).unwrap();
        for guest in ["boaster", "choosy", "probe", "noop", "shoddy", "steps"] {
            let guest = remit_builtin::find_testing(guest).unwrap();
            keep(&place, &format!("{}.wasm", guest.id), guest.bytes);
        }
        let probe = remit_builtin::find_testing("probe").unwrap().bytes;
        keep(&place, "cut.wasm", &probe[..probe.len() / 2]);
        keep(&place, "empty.wasm", b"");
        keep(
            &place,
            "text.wasm",
            b"#!/bin/sh\necho this is no component\n",
        );
        keep(&place, "module.wasm", b"\0asm\x01\0\0\0");
        keep(&place, "stranger.wasm", b"\0asm\x0d\0\x01\0");
    });
    place
}

/// Writes a file in one step: tests in other processes may read it at the same time.
fn keep(place: &Path, name: &str, bytes: &[u8]) {
    let path = place.join(name);
    if std::fs::read(&path).is_ok_and(|there| there == bytes) {
        return;
    }
    let mut file = tempfile::NamedTempFile::new_in(place).unwrap();
    file.write_all(bytes).unwrap();
    file.persist(path).unwrap();
}

/// The system's directories, and those of the caller in which a needed program lies that the
/// system does not have.
fn search_path() -> String {
    let has = |directory: &Path, program: &str| directory.join(program).is_file();
    let mut path = SYSTEM_PATH.to_owned();
    for program in NEEDED {
        if std::env::split_paths(&path).any(|directory| has(&directory, program)) {
            continue;
        }
        let callers = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&callers).find(|directory| has(directory, program));
        let found = found.unwrap_or_else(|| panic!("the journeys need {program}"));
        path = format!("{path}:{}", found.display());
    }
    path
}
