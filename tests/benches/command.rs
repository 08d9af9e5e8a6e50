//! What a whole `remit run` of a plugin that does nothing takes, against `wasmtime run` with its
//! cache and a program that does nothing. Both have compiled before; each start is a new process.
//!
//! Needs the program: `cargo build --release -p remit` with the same target directory, or
//! `$REMIT`. The peer is `$WASMTIME`, or `wasmtime` of the search path, if there is one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::measure::{Contender, Samples, take_turns, time};

/// Starts of each contender.
const STARTS: usize = 200;

pub(crate) fn run() {
    let place = tempfile::tempdir().unwrap();
    let remit = program("REMIT", &beside("remit"));
    if !runs(&remit) {
        println!(
            "no {}: build it with `cargo build --release -p remit`",
            remit.display()
        );
        return;
    }
    let wasmtime = program("WASMTIME", Path::new("wasmtime"));
    let has_peer = runs(&wasmtime);
    if !has_peer {
        println!("no wasmtime to compare with: put one on PATH, or set WASMTIME");
    }
    let setting = Setting::new(place.path());
    let mut bare = |samples: &mut Samples| samples.add(start(&mut Command::new("/bin/true")));
    let mut peer = |samples: &mut Samples| samples.add(start(&mut setting.wasmtime(&wasmtime)));
    let mut ours = |samples: &mut Samples| samples.add(start(&mut setting.remit(&remit)));
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    if has_peer {
        contenders.push(("wasmtime run, cached", &mut peer));
    }
    contenders.push(("remit run, cached", &mut ours));
    contenders.push(("/bin/true, for scale", &mut bare));
    take_turns(
        "a warm start from the command line",
        STARTS,
        &mut contenders,
    );
}

/// The program that a variable names, or this one.
pub(crate) fn program(variable: &str, otherwise: &Path) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| otherwise.to_owned(), PathBuf::from)
}

/// A program of the same build: `target/release/NAME`, the benchmarks being in `target/release/deps`.
pub(crate) fn beside(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join(name)
}

pub(crate) fn runs(program: &Path) -> bool {
    let status = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Runs it to its end. Its output is made, and thrown away.
fn start(command: &mut Command) -> std::time::Duration {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    time(|| assert!(command.status().unwrap().success()))
}

/// Files and directories of both programs, apart from those of whoever measures.
struct Setting {
    home: PathBuf,
    workspace: PathBuf,
    plugin: PathBuf,
    nothing: PathBuf,
    cache: PathBuf,
}

impl Setting {
    fn new(place: &Path) -> Self {
        let setting = Self {
            home: place.join("home"),
            workspace: place.join("workspace"),
            plugin: place.join("noop.wasm"),
            nothing: place.join("nothing.wasm"),
            cache: place.join("cache.toml"),
        };
        for directory in [&setting.home, &setting.workspace] {
            std::fs::create_dir(directory).unwrap();
        }
        let noop = remit_builtin::find_testing("noop").unwrap();
        std::fs::write(&setting.plugin, noop.bytes).unwrap();
        setting.compile_nothing(place);
        let cache = format!("[cache]\ndirectory = {:?}\n", place.join("cache"));
        std::fs::write(&setting.cache, cache).unwrap();
        setting
    }

    /// The peer's program: a component whose `main` is empty, from the same toolchain.
    fn compile_nothing(&self, place: &Path) {
        let source = place.join("nothing.rs");
        std::fs::write(&source, "fn main() {}\n").unwrap();
        let status = Command::new("rustc")
            .args(["--edition", "2024", "--target", "wasm32-wasip2"])
            .args([
                "-C",
                "opt-level=s",
                "-C",
                "panic=abort",
                "-C",
                "strip=symbols",
                "-o",
            ])
            .arg(&self.nothing)
            .arg(&source)
            .status()
            .unwrap();
        assert!(status.success(), "rustc could not build for wasm32-wasip2");
    }

    fn remit(&self, program: &Path) -> Command {
        let mut command = self.clean(program);
        command
            .args(["run", "--no-prompt", "-C"])
            .arg(&self.workspace)
            .arg(&self.plugin);
        command
    }

    fn wasmtime(&self, program: &Path) -> Command {
        let mut command = self.clean(program);
        let mut cache = std::ffi::OsString::from("cache-config=");
        cache.push(&self.cache);
        command.args(["run", "-C"]).arg(cache).arg(&self.nothing);
        command
    }

    /// A command that sees no settings but those of here.
    fn clean(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }
}
