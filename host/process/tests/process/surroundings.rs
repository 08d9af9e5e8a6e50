//! G1, G3, G4: the program that was pinned, the environment that was decided, a directory of the
//! workspace. Through the tool box, as the engine uses it.
//!
//! Never: a launch that no policy decided.

use std::ffi::OsString;
use std::fs::{create_dir, create_dir_all, read, rename, write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use remit_core::decide::decide;
use remit_core::digest::Digest;
use remit_core::manifest::Manifest;
use remit_core::path::RelPath;
use remit_core::policy::{AsRoot, Origin, Policy};
use remit_core::tool::{
    CallStdin, Exit, FileIdentity, Launch, ProgramIdentity, StartError, ToolCall,
};
use remit_engine::seam::Tools;
use remit_process::{HostEnvironment, Settings, TOOL_PATH, ToolBox, Without, WorkingDirectory};
use tempfile::TempDir;

use crate::fixture::{Bench, Outcome, finish_boxed, invocation, probe};

/// A workspace, a directory for programs beside it, and a tool box.
struct Place {
    root: TempDir,
    tools: ToolBox,
}

impl Place {
    /// With this search path, in which `{bin}` and `{workspace}` stand for the two directories.
    fn new(path: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["bin/second", "workspace/inner", "scratch"] {
            create_dir_all(root.path().join(name)).unwrap();
        }
        let own = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
        let path = path
            .replace("{bin}", &own("bin"))
            .replace("{workspace}", &own("workspace"));
        let pairs = [
            ("PATH", path.as_str()),
            ("PASSED", "on"),
            ("CANARY", "secret-canary"),
            ("LANG", "xx"),
        ];
        let pairs = pairs.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let tools = ToolBox::new(Settings {
            workspace: root.path().join("workspace"),
            scratch: root.path().join("scratch"),
            environment: HostEnvironment::new(pairs),
            search: None,
            as_root: AsRoot::default(),
            without: Without::default(),
            relay: None,
        })
        .unwrap();
        Self { root, tools }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a program.
    fn program(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A decided launch of this program, in `cwd`, with what else the tool's declaration says.
    fn launch(&self, program: &str, more: &str, cwd: Option<&str>) -> Launch {
        let program = program.replace("{root}", self.root.path().to_str().unwrap());
        let manifest = "format = 1\nid = \"mine\"\nversion = \"0.1.0\"\n\
            wit = \"remit:plugin@0.1.0\"\ntitle = \"Test\"\n\
            [[read]]\npath = \".\"\nreason = \"r\"\n\
            [[write]]\npath = \"inner\"\nreason = \"w\"\n\
            [[run]]\ntool = \"probe\"\nreason = \"t\"\n";
        let policy = format!(
            "format = 1\n[tools.probe]\nprogram = \"{program}\"\n\
             [tools.probe.templates]\ngo = [{more}]\n\
             [tools.probe.run]\nenv = [\"PASSED\"]\nplugin-env = [\"MODE\"]\n\
             set = {{ GIT_DIR = \"/fixed\" }}\n\
             [plugins.mine]\nread = [\".\"]\nwrite = [\"inner\"]\nrun = [\"probe\"]\n"
        );
        let manifest = Manifest::parse("m", manifest).unwrap();
        let policy = Policy::parse(Origin::File("p".to_owned()), &policy)
            .map_err(|found| found.to_string())
            .unwrap();
        let grants = decide(&manifest, &policy, &Digest::of(b"c")).unwrap();
        let call = ToolCall {
            tool: "probe".to_owned(),
            template: "go".to_owned(),
            slots: Vec::new(),
            env: vec![("MODE".to_owned(), "fast".to_owned())],
            cwd: cwd.map(str::to_owned),
            stdin: CallStdin::Empty,
            timeout: None,
            idle: None,
        };
        grants.launch(&call).unwrap()
    }

    async fn start(&self, launch: &Launch) -> Result<Outcome, StartError> {
        Ok(finish_boxed(self.tools.start(launch).await?.tool).await)
    }
}

fn probe_bytes() -> Vec<u8> {
    read(probe()).unwrap()
}

#[tokio::test]
async fn a_pinned_program_that_is_replaced_does_not_run() {
    let place = Place::new("{bin}");
    place.program("bin/tool", &probe_bytes());
    let launch = place.launch("tool", "\"exit\", \"7\"", None);
    assert_eq!(place.start(&launch).await.unwrap().exit, Exit::Code(7));
    // The same bytes in another file are another program.
    place.program("bin/other", &probe_bytes());
    rename(place.path("bin/other"), place.path("bin/tool")).unwrap();
    for _ in 0..2 {
        let error = place.start(&launch).await.unwrap_err();
        assert!(matches!(error, StartError::Changed { .. }), "{error}");
        assert!(error.to_string().contains("inode"), "{error}");
    }
    let error = place.tools.check(&launch).await.unwrap_err();
    assert_eq!(error.code(), "tool-changed");
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_a_replaced_program() {
    let place = Place::new("{bin}");
    place.program("one", &probe_bytes());
    place.program("two", &probe_bytes());
    symlink(place.path("one"), place.path("bin/tool")).unwrap();
    let launch = place.launch("{root}/bin/tool", "\"exit\", \"0\"", None);
    place.tools.check(&launch).await.unwrap();
    std::fs::remove_file(place.path("bin/tool")).unwrap();
    symlink(place.path("two"), place.path("bin/tool")).unwrap();
    let error = place.start(&launch).await.unwrap_err();
    assert!(error.to_string().contains("now leads to"), "{error}");
}

#[tokio::test]
async fn a_program_in_the_workspace_is_not_found_by_name_and_not_run_if_writable() {
    let place = Place::new("{workspace}:{workspace}/inner:.:{bin}");
    place.program("workspace/mine", &probe_bytes());
    place.program("workspace/inner/mine", &probe_bytes());
    let error = place
        .start(&place.launch("mine", "", None))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "tool-missing");
    assert!(
        error.to_string().contains("lies in the workspace"),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("`.` in the search path is not absolute"),
        "{error}"
    );
    // Named with its path by the owner, and in a directory that the plugin may write.
    let launch = place.launch("{root}/workspace/inner/mine", "", None);
    let error = place.start(&launch).await.unwrap_err();
    assert_eq!(error.code(), "tool-writable");
    // A link from outside does not help.
    symlink(place.path("workspace/inner/mine"), place.path("bin/mine")).unwrap();
    let launch = place.launch("{root}/bin/mine", "", None);
    assert_eq!(
        place.start(&launch).await.unwrap_err().code(),
        "tool-writable"
    );
    // The system's program comes before the owner's of the same name.
    place.program("bin/true", &probe_bytes());
    let launch = place.launch("true", "", None);
    assert_eq!(place.start(&launch).await.unwrap().exit, Exit::Code(0));
}

#[tokio::test]
async fn scripts_run_by_their_pinned_interpreter_and_never_by_a_shell() {
    let place = Place::new("{bin}");
    place.program("bin/probe-interpreter", &probe_bytes());
    place.program("bin/thing", b"#!/usr/bin/env -S probe-interpreter exit 5\n");
    let launch = place.launch("thing", "", None);
    assert_eq!(place.start(&launch).await.unwrap().exit, Exit::Code(5));
    place.program("workspace/probe-interpreter", b"");
    // The interpreter is pinned like the script.
    place.program("bin/next", &probe_bytes());
    rename(place.path("bin/next"), place.path("bin/probe-interpreter")).unwrap();
    assert_eq!(
        place.start(&launch).await.unwrap_err().code(),
        "tool-changed"
    );

    place.program("bin/shell-script", b"#!/bin/sh\nexit 0\n");
    place.program("bin/env-script", b"#!/usr/bin/env bash\nexit 0\n");
    symlink("/bin/bash", place.path("bin/harmless")).unwrap();
    for name in ["shell-script", "env-script", "harmless"] {
        let error = place
            .start(&place.launch(name, "", None))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "tool-missing", "{name}");
        assert!(error.to_string().contains("is a shell"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_started_tool_says_which_files_it_is() {
    let place = Place::new("{bin}");
    let script = b"#!/usr/bin/env -S probe-interpreter exit 5\n";
    place.program("bin/probe-interpreter", &probe_bytes());
    place.program("bin/thing", script);
    let launch = place.launch("thing", "", None);
    for _ in 0..2 {
        let started = place.tools.start(&launch).await.unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let real = place.path(name).canonicalize().unwrap();
            let data = std::fs::metadata(&real).unwrap();
            FileIdentity {
                path: real.to_str().unwrap().to_owned(),
                digest: Some(Digest::of(bytes)),
                device: data.dev(),
                inode: data.ino(),
            }
        };
        let expected = ProgramIdentity {
            executable: file("bin/probe-interpreter", &probe_bytes()),
            script: Some(file("bin/thing", script)),
        };
        assert_eq!(started.program, expected);
        finish_boxed(started.tool).await;
    }
}

#[tokio::test]
async fn a_shell_script_is_passed_over_for_the_next_candidate() {
    let place = Place::new("{bin}:{bin}/second");
    place.program("bin/tool", b"#!/bin/sh\nexit 1\n");
    place.program("bin/second/tool", &probe_bytes());
    let launch = place.launch("tool", "\"exit\", \"6\"", None);
    assert_eq!(place.start(&launch).await.unwrap().exit, Exit::Code(6));
}

#[tokio::test]
async fn the_environment_is_exactly_what_was_decided() {
    let place = Place::new("{bin}");
    // `env` may not be a tool, so the tool is a copy of a program that prints the same.
    let launch = place.launch("/usr/bin/printenv", "\"-0\"", None);
    let outcome = place.start(&launch).await.unwrap();
    let text = outcome.text().to_owned();
    let mut found: Vec<&str> = text.split_terminator('\0').collect();
    found.sort_unstable();
    let scratch = place.path("scratch");
    let private = |name: &str| {
        let entry = found
            .iter()
            .find_map(|entry| entry.strip_prefix(name))
            .unwrap();
        let path = Path::new(entry.strip_prefix('=').unwrap());
        assert!(path.starts_with(&scratch), "{entry}");
        assert!(!path.exists(), "{entry} outlived the run");
        format!("{name}={}", path.display())
    };
    let mut expected = vec![
        "GIT_DIR=/fixed".to_owned(),
        private("HOME"),
        "LANG=C.UTF-8".to_owned(),
        "MODE=fast".to_owned(),
        "PASSED=on".to_owned(),
        format!("PATH={TOOL_PATH}"),
        private("TMPDIR"),
    ];
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_tool_starts_with_clean_signals_and_three_descriptors() {
    // A descriptor without close-on-exec leaks from this host on purpose.
    let leaked = std::fs::File::open("/dev/null").unwrap();
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).unwrap();
    let bench = Bench::new();
    let outcome = bench.run(probe(), &["mask"]).await;
    let zero = "0000000000000000";
    assert_eq!(
        outcome.text(),
        format!("SigBlk:\t{zero}\nSigIgn:\t{zero}\n")
    );
    let outcome = bench.run("/bin/ls", &["/proc/self/fd"]).await;
    // The fourth is the listing itself.
    assert_eq!(outcome.text(), "0\n1\n2\n3\n");
    let status = bench
        .run("/bin/grep", &["-E", "NoNewPrivs", "/proc/self/status"])
        .await;
    assert_eq!(status.text(), "NoNewPrivs:\t1\n");
    drop(leaked);
}

#[tokio::test]
async fn a_tool_runs_in_a_directory_of_the_workspace_or_not_at_all() {
    let place = Place::new("{bin}");
    symlink("inner", place.path("workspace/link")).unwrap();
    symlink("/etc", place.path("workspace/out")).unwrap();
    symlink("/proc/self/cwd", place.path("workspace/magic")).unwrap();
    write(place.path("workspace/file"), "").unwrap();
    let workspace = place.path("workspace").canonicalize().unwrap();
    for (cwd, path) in [
        (None, workspace.clone()),
        (Some("inner"), workspace.join("inner")),
    ] {
        let launch = place.launch("/bin/pwd", "\"-P\"", cwd);
        let outcome = place.start(&launch).await.unwrap();
        assert_eq!(outcome.text().trim_end(), path.to_str().unwrap());
    }
    for (cwd, reason) in [
        ("link", "symbolic link"),
        ("out", "symbolic link"),
        ("magic", "symbolic link"),
        ("file", "not a directory"),
        ("absent", "does not exist"),
    ] {
        let launch = place.launch("/bin/pwd", "", Some(cwd));
        let error = place.start(&launch).await.unwrap_err();
        assert_eq!(error.code(), "bad-directory", "{cwd}");
        assert!(error.to_string().contains(reason), "{cwd}: {error}");
    }
}

/// Tries of the race between opening a directory and replacing it.
const SWAPS: usize = 1000;

#[tokio::test]
async fn a_directory_that_is_swapped_for_a_link_never_leads_out() {
    let root = tempfile::tempdir().unwrap();
    let workspace = root.path().join("workspace");
    create_dir_all(workspace.join("inner")).unwrap();
    symlink("/etc", workspace.join("decoy")).unwrap();
    let handle = std::fs::File::open(&workspace).unwrap();
    let inner = RelPath::parse("inner").unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (mut opened, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(&handle, "inner", &handle, "decoy", flags).unwrap();
            }
        });
        let etc = rustix::fs::stat("/etc").unwrap();
        for _ in 0..SWAPS {
            match WorkingDirectory::beneath(handle.as_fd(), &inner) {
                Ok(directory) => {
                    assert_ne!(directory.identity(), (etc.st_dev, etc.st_ino));
                    opened += 1;
                }
                Err(errno) => {
                    assert_eq!(errno, rustix::io::Errno::LOOP);
                    refused += 1;
                }
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(opened + refused, SWAPS);
}

#[tokio::test]
async fn the_tool_is_where_the_opened_directory_is_even_after_a_rename() {
    let bench = Bench::new();
    let root = tempfile::tempdir().unwrap();
    let real = root.path().canonicalize().unwrap();
    create_dir(real.join("one")).unwrap();
    let mut start = invocation("/bin/pwd", &["-P"]);
    start.directory = WorkingDirectory::fixed(&real.join("one")).unwrap();
    rename(real.join("one"), real.join("two")).unwrap();
    symlink("/etc", real.join("one")).unwrap();
    let outcome = crate::fixture::finish(bench.broker.spawn(start).await.unwrap()).await;
    assert_eq!(
        outcome.text().trim_end(),
        real.join("two").to_str().unwrap()
    );
}
