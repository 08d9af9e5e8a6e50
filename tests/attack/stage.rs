//! What is attacked: a home with victims beside the workspace, services that listen, and the
//! attacker as a tool that may use the workspace and nothing else.
//!
//! Never: a victim that the user who runs the attacker could not reach without confinement.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use remit_attacker::{
    ABSTRACT, Attempt, CANARY, HOST_PID, Level, OUTSIDE, Row, SCRATCH, TCP, UNIX, WORKSPACE,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::home::{Home, wait};
use crate::tree;

/// The static binary that the program carries, too.
pub(crate) const ATTACKER: &[u8] = include_bytes!(env!("REMIT_ATTACKER"));

/// Who has no rights on any machine.
pub(crate) const NOBODY: u32 = 65534;

/// What the canary says; no report may.
pub(crate) const SECRET: &str = "canary-in-a-coal-mine";

/// Files of the workspace that a later program obeys, as they are before.
const OBEYED: &[&str] = &[
    ".git/config",
    ".git/hooks/pre-commit",
    ".npmrc",
    "remit.toml",
];

/// Who runs the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Who runs the tests.
    Own,
    /// Root, whose tools run as root within their bounds.
    Kept,
    /// A user without rights; only root can become it.
    Nobody,
}

impl User {
    /// Whether tools of this user can run at a level. A tool that runs as somebody else than the
    /// workspace's owner needs a root in which the workspace is its own.
    pub(crate) fn can(self, level: Level) -> bool {
        let foreign = self == Self::Own && rustix::process::geteuid().is_root();
        !(foreign && level == Level::B)
    }

    /// Whether a level promises to this user that a row fails.
    pub(crate) fn is_promised(self, row: &Row, level: Level) -> bool {
        // The kernel does not count root's processes, whatever it has given up.
        let uncounted = self == Self::Kept && row.name == "fork-bomb";
        !uncounted && row.promised.contains(&level)
    }

    /// The users that this test can be.
    pub(crate) fn all() -> Vec<Self> {
        if rustix::process::geteuid().is_root() {
            vec![Self::Own, Self::Kept, Self::Nobody]
        } else {
            eprintln!("not root: only as this user");
            vec![Self::Own]
        }
    }
}

/// Everything of one attack. Gone when dropped.
pub(crate) struct Stage {
    pub(crate) home: Home,
    user: User,
    without: Option<&'static str>,
    tcp: TcpListener,
    abstracted: String,
    _sockets: [UnixListener; 2],
}

/// What a run of the program said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) events: Vec<Value>,
    pub(crate) stderr: String,
}

impl Said {
    /// The event of this type, the last if there are several.
    pub(crate) fn event(&self, kind: &str) -> Option<&Value> {
        self.events.iter().rev().find(|event| event["type"] == kind)
    }

    /// What the tool printed.
    pub(crate) fn output(&self) -> &str {
        let finished = self.event("run-finished");
        finished
            .and_then(|event| event["outcome"]["outputs"]["output"].as_str())
            .unwrap_or_default()
    }

    /// The level at which the tool ran, as the record has it.
    pub(crate) fn level(&self) -> Option<Level> {
        let usage = &self.event("tool-finished")?["usage"];
        Level::parse(usage["confinement"].as_str().unwrap_or("C"))
    }

    pub(crate) fn everything(&self) -> String {
        let lines: Vec<String> = self.events.iter().map(Value::to_string).collect();
        format!(
            "exit {:?}\n{}\n{}",
            self.code,
            lines.join("\n"),
            self.stderr
        )
    }
}

impl Stage {
    /// Lays everything out for a user, on a machine without these features.
    pub(crate) fn set(user: User, without: Option<&'static str>) -> Self {
        let home = Home::new();
        let (outside, workspace) = (home.path("outside"), home.workspace());
        for directory in ["program", "services"] {
            std::fs::create_dir(home.path(directory)).unwrap();
        }
        let program = home.path("program/remit-attacker");
        std::fs::write(&program, ATTACKER).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::write(outside.join("canary"), SECRET).unwrap();
        std::fs::write(workspace.join(SCRATCH), "").unwrap();
        for name in OBEYED {
            tree::make(
                &workspace.join(name),
                tree::Node::File(b"# of the user\n".to_vec()),
            );
        }
        let abstracted = home.path("").display().to_string();
        let stage = Self {
            tcp: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
            _sockets: [
                UnixListener::bind(home.path("services/socket")).unwrap(),
                UnixListener::bind_addr(&SocketAddr::from_abstract_name(&abstracted).unwrap())
                    .unwrap(),
            ],
            abstracted,
            home,
            user,
            without,
        };
        std::fs::write(stage.home.path("out/policy.toml"), stage.policy()).unwrap();
        stage.hand_over();
        stage
    }

    /// Everything that the tool must not change.
    pub(crate) fn outside(&self) -> Vec<BTreeMap<String, tree::Node>> {
        ["outside", "program", "out", "home/config"]
            .map(|name| self.home.path(name))
            .iter()
            .filter(|path| path.is_dir())
            .map(|path| tree::read(path))
            .collect()
    }

    /// Gives everything to nobody, if that is the user, so that it could be reached.
    pub(crate) fn hand_over(&self) {
        if self.user != User::Nobody {
            return;
        }
        let top = self.home.path("");
        let mut open = vec![top.clone()];
        while let Some(path) = open.pop() {
            std::os::unix::fs::lchown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            let data = path.symlink_metadata().unwrap();
            if data.is_dir() {
                open.extend(
                    std::fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            }
        }
    }

    /// The attacker as a tool: the workspace, read and write, and nothing else.
    fn policy(&self) -> String {
        let program = self.home.path("program/remit-attacker");
        let host = match self.user {
            User::Own | User::Nobody => "",
            User::Kept => "[host]\nas-root = 'keep'\n",
        };
        format!(
            "format = 1\n{host}\
             [tools.attacker]\nprogram = '{}'\n\
             [tools.attacker.templates]\nattack = [\"{{row:ident}}\", \"--\", \"{{options:text*}}\"]\n\
             [tools.attacker.run]\nwall = \"5m\"\nmemory = \"256MiB\"\nscratch = \"64MiB\"\n",
            program.display()
        )
    }

    /// The program for this user, on this machine.
    pub(crate) fn remit(&self, arguments: &[&str]) -> Command {
        let mut command = match self.without {
            None => Command::new(program()),
            Some(features) => {
                let mut command = Command::new(nosys());
                command.arg(features).arg(program());
                command
            }
        };
        self.home.furnish(&mut command);
        command.args(arguments);
        if self.user == User::Nobody {
            // The shared cache is not nobody's.
            command.env("XDG_CACHE_HOME", self.home.path("home/cache"));
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Runs the program with inputs that need its process id.
    pub(crate) fn run(&self, arguments: &[&str], inputs: impl FnOnce(u32) -> Value) -> Said {
        let policy = self.home.path("out/policy.toml");
        let mut command = self.remit(&[
            "run",
            "command",
            "--json",
            "--no-prompt",
            "--input-file",
            "-",
        ]);
        command.arg("--policy").arg(policy).args(arguments);
        let mut host = command.stdin(Stdio::piped()).spawn().unwrap();
        let inputs = inputs(host.id()).to_string();
        // Whoever refuses before it reads closes the pipe.
        drop(host.stdin.take().unwrap().write_all(inputs.as_bytes()));
        let output = wait(host);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        Said {
            code: output.status.code(),
            events: stdout
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Has the attacker try a row, or `all`, with further options.
    pub(crate) fn attack(&self, row: &str, more: &[String]) -> Said {
        self.attack_within(&["--allow-read", "--allow-write"], row, more)
    }

    /// The same with these rights over the workspace.
    pub(crate) fn attack_within(&self, rights: &[&str], row: &str, more: &[String]) -> Said {
        let rights = [rights, &["--allow-run=attacker"]].concat();
        self.run(&rights, |host| {
            let mut options = self.options(host);
            options.extend_from_slice(more);
            json!({
                "tool": "attacker", "template": "attack", "max_output": 16 << 20,
                "slots": {"row": row, "options": options},
            })
        })
    }

    /// The victims, as the attacker's options.
    fn options(&self, host: u32) -> Vec<String> {
        let path = |option: &str, path: PathBuf| format!("{option}{}", path.display());
        vec![
            path(WORKSPACE, self.home.workspace()),
            path(CANARY, self.home.path("outside/canary")),
            path(OUTSIDE, self.home.path("outside")),
            path(OUTSIDE, self.home.path("home")),
            path(UNIX, self.home.path("services/socket")),
            format!("{ABSTRACT}{}", self.abstracted),
            format!("{TCP}{}", self.tcp.local_addr().unwrap().port()),
            format!("{HOST_PID}{host}"),
        ]
    }
}

/// What the attacker said in a run.
pub(crate) fn attempts(said: &Said) -> Vec<Attempt> {
    Attempt::parse_all(said.output())
}

/// The program, where every user can start it.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = Path::new(env!("CARGO_BIN_EXE_remit"));
        let open = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o001 != 0;
        if built.ancestors().all(open) {
            return built.to_owned();
        }
        // The repository lies below somebody's private directory.
        let place = for_everybody().join("remit");
        std::fs::copy(built, &place).unwrap();
        place
    })
}

/// A directory that every user can enter.
fn for_everybody() -> &'static Path {
    static PLACE: OnceLock<TempDir> = OnceLock::new();
    let place = PLACE.get_or_init(|| tempfile::tempdir().unwrap());
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
    place.path()
}

/// The program that takes features away, compiled once: see `programs/nosys.c`.
fn nosys() -> &'static Path {
    static NOSYS: OnceLock<PathBuf> = OnceLock::new();
    NOSYS.get_or_init(|| {
        let source = crate::home::repository().join("tests/attack/programs/nosys.c");
        let path = for_everybody().join("nosys");
        // The compiler that Rust itself links with.
        let status = Command::new("cc")
            .args(["-O1", "-Wall", "-Werror", "-o"])
            .arg(&path)
            .arg(&source)
            .status()
            .unwrap();
        assert!(
            status.success(),
            "cc could not compile {}",
            source.display()
        );
        path
    })
}
