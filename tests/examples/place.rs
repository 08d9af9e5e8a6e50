//! A place of its own for one test: a workspace, the program's directories, and the program.
//!
//! Never: the configuration, trust or cache of whoever runs the tests.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::toolchains;

/// Variables with which the build of these tests would reach into a build that a test starts.
const OUTER: &[&str] = &[
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_TARGET_DIR",
    "MAKEFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

/// Takes out of a command's environment what is meant for the outer build.
pub(crate) fn forget_outer_build(command: &mut Command) {
    for name in OUTER {
        command.env_remove(name);
    }
}

/// A place of its own.
pub(crate) struct Place {
    root: TempDir,
    workspace: String,
    cache: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let workspace = root.path().join("workspace");
        fs::create_dir(&workspace).unwrap();
        fs::create_dir(root.path().join("tmp")).unwrap();
        let bin = root.path().join("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_remit"), bin.join("remit")).unwrap();
        let workspace = workspace.to_str().unwrap().to_owned();
        let cache = root.path().join("cache");
        Self {
            root,
            workspace,
            cache,
        }
    }

    /// A place that has compiled plugins in common with others: compiling CPython takes longer than
    /// everything else that a test does with it.
    pub(crate) fn with_shared_cache() -> Self {
        Self {
            cache: toolchains::home().join("compiled"),
            ..Self::new()
        }
    }

    /// The workspace.
    pub(crate) fn workspace(&self) -> &str {
        &self.workspace
    }

    /// A file of the workspace, if it is there.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(Path::new(&self.workspace).join(path)).ok()
    }

    /// Writes a file of the workspace, and the directories above it.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = Path::new(&self.workspace).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Makes the workspace a repository of git.
    pub(crate) fn git_init(&self) {
        let status = Command::new("git")
            .args(["init", "--quiet", self.workspace()])
            .status()
            .unwrap();
        assert!(status.success(), "git init");
    }

    /// Writes a file beside the workspace and returns its path.
    pub(crate) fn beside(&self, name: &str, text: &str) -> String {
        let path = self.root.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Copies a directory into the workspace.
    pub(crate) fn copy(&self, from: &Path, to: &str) {
        let target = Path::new(&self.workspace).join(to);
        fs::create_dir_all(&target).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            let name = Path::new(to).join(&name);
            if entry.file_type().unwrap().is_dir() {
                self.copy(&entry.path(), name.to_str().unwrap());
            } else {
                fs::copy(entry.path(), Path::new(&self.workspace).join(name)).unwrap();
            }
        }
    }

    /// Runs the program.
    pub(crate) fn remit(&self, args: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_remit"));
        self.run(
            command.args(args).current_dir(self.root.path()),
            &args.join(" "),
        )
    }

    /// Runs the program with another search path.
    pub(crate) fn remit_on(&self, path: &OsStr, args: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_remit"));
        let command = command.args(args).current_dir(self.root.path());
        self.run_on(path, command, &args.join(" "))
    }

    /// Runs a line of a document the way that its reader would.
    pub(crate) fn shell(&self, line: &str, directory: &Path) -> Ran {
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.shell_on(&path, line, directory)
    }

    /// The same with another search path.
    pub(crate) fn shell_on(&self, path: &OsStr, line: &str, directory: &Path) -> Ran {
        let mut command = Command::new("sh");
        self.run_on(
            path,
            command.args(["-c", line]).current_dir(directory),
            line,
        )
    }

    fn run(&self, command: &mut Command, line: &str) -> Ran {
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.run_on(&path, command, line)
    }

    fn run_on(&self, path: &OsStr, command: &mut Command, line: &str) -> Ran {
        let own = |name: &str| self.root.path().join(name);
        forget_outer_build(command);
        let path =
            std::env::join_paths(std::iter::once(own("bin")).chain(std::env::split_paths(path)));
        let output = command
            .env("PATH", path.unwrap())
            .env("XDG_CONFIG_HOME", own("config"))
            .env("XDG_STATE_HOME", own("state"))
            .env("XDG_CACHE_HOME", &self.cache)
            .env("TMPDIR", own("tmp"))
            // What a toolchain keeps for the next build is no matter of one test.
            .env("ZIG_GLOBAL_CACHE_DIR", toolchains::home().join("zig-cache"))
            .env("CARGO_TARGET_DIR", toolchains::home().join("cargo"))
            .env("PIP_CACHE_DIR", toolchains::home().join("pip-cache"))
            .env_remove("REMIT_LOG")
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        Ran::new(line, &output)
    }
}

/// How a command ended.
pub(crate) struct Ran {
    line: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn new(line: &str, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            line: line.to_owned(),
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Fails the test unless the command ended with this code.
    #[track_caller]
    pub(crate) fn ends_with(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{self}");
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "{line}\nended with {code:?}\nstdout:\n{stdout}\nstderr:\n{stderr}"
        )
    }
}
