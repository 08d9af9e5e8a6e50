//! The bounds of a tool at every level that this machine can be made to give: what was granted is
//! there, what was not is not, and a level that was not reached is not claimed.
//!
//! Never: an expectation about a kernel feature that was not looked for first.

use std::ffi::OsString;
use std::fs::{create_dir_all, read_dir, write};
use std::path::{Path, PathBuf};

use remit_core::decide::decide;
use remit_core::digest::Digest;
use remit_core::manifest::{Confinement, Manifest};
use remit_core::policy::{AsRoot, Origin, Policy};
use remit_core::tool::{CallStdin, Exit, Launch, SlotValue, StartError, ToolCall};
use remit_engine::seam::Tools;
use remit_process::{HostEnvironment, Settings, ToolBox, Without, probe};
use tempfile::TempDir;

use crate::fixture::{Outcome, finish_boxed};

/// Everything that this kernel has.
pub(crate) const ALL: Without = Without {
    namespaces: false,
    landlock: false,
};
/// As on a kernel without Landlock.
const NO_LANDLOCK: Without = Without {
    namespaces: false,
    landlock: true,
};
/// As in a container that forbids namespaces.
pub(crate) const NO_NAMESPACES: Without = Without {
    namespaces: true,
    landlock: false,
};
/// Both.
const NEITHER: Without = Without {
    namespaces: true,
    landlock: true,
};

/// A workspace with a file beside it that nobody was granted.
pub(crate) struct Place {
    root: TempDir,
    pub(crate) tools: ToolBox,
    policy: String,
}

impl Place {
    /// On a machine without these features. `policy` is added to the plugin's section, `tool` to
    /// the rules of the tool `go`, a program that is named in each call.
    pub(crate) fn new(without: Without, policy: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["workspace/src", "workspace/docs/secret", "scratch"] {
            create_dir_all(root.path().join(name)).unwrap();
        }
        write(root.path().join("outside"), "outside-canary").unwrap();
        write(root.path().join("workspace/src/file"), "inside").unwrap();
        write(
            root.path().join("workspace/docs/secret/key"),
            "hidden-canary",
        )
        .unwrap();
        let tools = ToolBox::new(Settings {
            workspace: root.path().join("workspace"),
            scratch: root.path().join("scratch"),
            environment: HostEnvironment::new(
                [("HOST_KEY", "secret-canary-value")]
                    .map(|(name, value)| (OsString::from(name), OsString::from(value))),
            ),
            search: None,
            // A tool of root could not reach root's workspace without namespaces.
            as_root: if without.namespaces {
                AsRoot::Keep
            } else {
                AsRoot::Service
            },
            without,
            relay: Some(std::sync::Arc::new(crate::origins::Greeter)),
        })
        .unwrap();
        Self {
            root,
            tools,
            policy: policy.to_owned(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A decided launch of a program of the system with these arguments.
    pub(crate) fn launch(&self, program: &str, arguments: &[&str], rules: &str) -> Launch {
        let manifest = "format = 1\nid = \"mine\"\nversion = \"0.1.0\"\n\
            wit = \"remit:plugin@0.1.0\"\ntitle = \"Test\"\n\
            [[read]]\npath = \".\"\noptional = true\nreason = \"r\"\n\
            [[read]]\npath = \"src\"\noptional = true\nreason = \"r\"\n\
            [[write]]\npath = \".\"\noptional = true\nreason = \"w\"\n\
            [[write]]\npath = \"src\"\noptional = true\nreason = \"w\"\n\
            [[run]]\ntool = \"go\"\nreason = \"t\"\n";
        let policy = format!(
            "format = 1\n[tools.go]\nprogram = \"{program}\"\n\
             [tools.go.templates]\ngo = [\"--\", \"{{words:text*}}\"]\n\
             bare = [{}]\n\
             [tools.go.run]\n{rules}\n\
             [plugins.mine]\nrun = [\"go\"]\n{}\n",
            arguments
                .iter()
                .map(|argument| format!("{argument:?}"))
                .collect::<Vec<_>>()
                .join(", "),
            self.policy
        );
        let manifest = Manifest::parse("m", manifest).unwrap();
        let policy = Policy::parse(Origin::File("p".to_owned()), &policy)
            .map_err(|found| found.to_string())
            .unwrap();
        let grants = decide(&manifest, &policy, &Digest::of(b"c")).unwrap();
        let call = ToolCall {
            tool: "go".to_owned(),
            template: "bare".to_owned(),
            slots: Vec::<(String, SlotValue)>::new(),
            env: Vec::new(),
            cwd: None,
            stdin: CallStdin::Empty,
            timeout: None,
            idle: None,
        };
        grants.launch(&call).unwrap()
    }

    pub(crate) async fn try_run(
        &self,
        program: &str,
        arguments: &[&str],
        rules: &str,
    ) -> Result<Outcome, StartError> {
        let launch = self.launch(program, arguments, rules);
        Ok(finish_boxed(self.tools.start(&launch).await?.tool).await)
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        self.try_run(program, arguments, "").await.unwrap()
    }

    /// Whether a program could do what its arguments say.
    async fn can(&self, program: &str, arguments: &[&str]) -> bool {
        self.run(program, arguments).await.exit == Exit::Code(0)
    }

    async fn can_read(&self, path: &Path) -> bool {
        self.can("/usr/bin/cat", &[path.to_str().unwrap()]).await
    }

    /// The entries of the workspace.
    fn entries(&self) -> Vec<String> {
        let mut names: Vec<_> = read_dir(self.path("workspace"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// What this machine gives without these features.
pub(crate) async fn level(without: Without) -> Confinement {
    let scratch = tempfile::tempdir().unwrap();
    let as_root = if without.namespaces {
        AsRoot::Keep
    } else {
        AsRoot::Service
    };
    let found = probe(scratch.path(), as_root, without).await.unwrap();
    assert_eq!(
        found.lacking.is_empty(),
        found.confinement == Confinement::Full
    );
    found.confinement
}

/// Combinations that give different levels here, each with its level.
async fn levels() -> Vec<(Without, Confinement)> {
    let mut levels: Vec<(Without, Confinement)> = Vec::new();
    for without in [ALL, NO_LANDLOCK, NO_NAMESPACES] {
        let level = level(without).await;
        if level != Confinement::None && levels.iter().all(|(_, known)| *known != level) {
            levels.push((without, level));
        }
    }
    levels
}

#[tokio::test]
async fn a_level_without_its_features_is_never_claimed() {
    assert!(matches!(
        level(NO_NAMESPACES).await,
        Confinement::Landlock | Confinement::None
    ));
    assert!(matches!(
        level(NO_LANDLOCK).await,
        Confinement::Namespaces | Confinement::None
    ));
    assert_eq!(level(NEITHER).await, Confinement::None);
}

#[tokio::test]
async fn every_run_says_how_tightly_it_was_confined() {
    for (without, level) in levels().await {
        let place = Place::new(without, "read = [\".\"]\nconfinement = \"C\"");
        let outcome = place.run("/usr/bin/true", &[]).await;
        assert_eq!(outcome.usage.confinement, level);
    }
}

#[tokio::test]
async fn below_the_minimum_nothing_starts() {
    // Nobody said anything: not at level C.
    let place = Place::new(NEITHER, "read = [\".\"]");
    let error = place.try_run("/usr/bin/true", &[], "").await.unwrap_err();
    assert_eq!(error.code(), "too-loose");
    assert!(error.to_string().contains("no Landlock"), "{error}");
    // The owner accepts that.
    let place = Place::new(NEITHER, "read = [\".\"]\nconfinement = \"C\"");
    assert_eq!(place.run("/usr/bin/true", &[]).await.exit, Exit::Code(0));
    // The owner wants more than there is.
    for without in [NO_LANDLOCK, NO_NAMESPACES] {
        let place = Place::new(without, "read = [\".\"]\nconfinement = \"A\"");
        let error = place.try_run("/usr/bin/true", &[], "").await.unwrap_err();
        assert_eq!(error.code(), "too-loose", "{without:?}");
        assert!(
            error.to_string().contains("level A is asked for"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_tool_reaches_what_its_plugin_may_and_nothing_else() {
    for (without, level) in levels().await {
        let place = Place::new(without, "read = [\".\"]\nwrite = [\"src\"]");
        assert!(
            place.can_read(&place.path("workspace/src/file")).await,
            "{level}"
        );
        assert!(!place.can_read(&place.path("outside")).await, "{level}");
        assert!(!place.can_read(Path::new("/etc/shadow")).await, "{level}");
        assert!(place.can("/usr/bin/touch", &["src/new"]).await, "{level}");
        assert!(!place.can("/usr/bin/touch", &["docs/new"]).await, "{level}");
        assert!(
            !place.can("/usr/bin/rm", &["docs/secret/key"]).await,
            "{level}"
        );
        let link = place.path("outside").to_str().unwrap().to_owned();
        assert!(
            place.can("/usr/bin/ln", &["-s", &link, "src/link"]).await,
            "{level}"
        );
        assert!(!place.can("/usr/bin/cat", &["src/link"]).await, "{level}");
        assert!(
            !place.can("/usr/bin/ln", &[&link, "src/hard"]).await,
            "{level}"
        );
        // Only a part of the workspace.
        let place = Place::new(without, "read = [\"src\"]");
        assert!(
            place.can_read(&place.path("workspace/src/file")).await,
            "{level}"
        );
        assert!(
            !place
                .can_read(&place.path("workspace/docs/secret/key"))
                .await,
            "{level}"
        );
        assert!(
            !place
                .can("/usr/bin/truncate", &["-s", "0", "src/file"])
                .await,
            "{level}"
        );
    }
}

#[tokio::test]
async fn what_was_not_granted_does_not_even_exist_in_a_root_of_its_own() {
    for (without, level) in levels().await {
        let place = Place::new(without, "read = [\".\"]");
        let outside = place.path("outside");
        let seen = place
            .can("/usr/bin/stat", &[outside.to_str().unwrap()])
            .await;
        let hidden = matches!(level, Confinement::Full | Confinement::Namespaces);
        assert_eq!(seen, !hidden, "{level}");
    }
}

#[tokio::test]
async fn denied_parts_are_carved_out_or_the_tool_does_not_start() {
    for (without, level) in levels().await {
        let rules = "read = [\".\"]\nwrite = [\".\"]\n\
                     deny-read = [\"docs/secret/**\"]\ndeny-write = [\"src/file\", \"later/**\"]";
        let place = Place::new(without, rules);
        if level == Confinement::Landlock {
            let error = place.try_run("/usr/bin/true", &[], "").await.unwrap_err();
            assert_eq!(error.code(), "too-loose");
            assert!(
                error.to_string().contains("a rule denies a part"),
                "{error}"
            );
            continue;
        }
        assert!(
            !place.can("/usr/bin/cat", &["docs/secret/key"]).await,
            "{level}"
        );
        assert!(
            !place.can("/usr/bin/mv", &["docs", "docs2"]).await,
            "{level}"
        );
        assert!(place.can("/usr/bin/cat", &["src/file"]).await, "{level}");
        assert!(!place.can("/usr/bin/rm", &["src/file"]).await, "{level}");
        assert!(
            !place.can("/usr/bin/mv", &["src", "other"]).await,
            "{level}"
        );
        assert!(
            !place.can("/usr/bin/touch", &["later/new"]).await,
            "{level}"
        );
        assert!(place.can("/usr/bin/touch", &["src/new"]).await, "{level}");
        assert_eq!(place.entries(), ["docs", "src"], "no placeholder is left");
    }
}

#[tokio::test]
async fn a_pattern_covers_what_matches_when_the_tool_starts() {
    if level(ALL).await != Confinement::Full {
        return;
    }
    let place = Place::new(ALL, "read = [\".\"]\ndeny-read = [\"**/key\"]");
    assert!(!place.can("/usr/bin/cat", &["docs/secret/key"]).await);
    assert!(place.can("/usr/bin/cat", &["src/file"]).await);
}

#[tokio::test]
async fn settings_that_later_programs_obey_cannot_be_changed_or_made() {
    for (without, level) in levels().await {
        if level == Confinement::Landlock {
            // Nothing can be carved out there; `docs/security.md` says so.
            continue;
        }
        let place = Place::new(without, "read = [\".\"]\nwrite = [\".\"]");
        create_dir_all(place.path("workspace/.git/hooks")).unwrap();
        write(place.path("workspace/.git/config"), "[core]\n").unwrap();
        for (program, arguments) in [
            ("/usr/bin/touch", &[".git/hooks/pre-commit"][..]),
            ("/usr/bin/rm", &[".git/config"]),
            ("/usr/bin/mv", &[".git", "git"]),
            ("/usr/bin/mv", &["src/file", ".git/config"]),
            ("/usr/bin/cp", &["src/file", ".npmrc"]),
            ("/usr/bin/mkdir", &[".vscode/tasks"]),
            ("/usr/bin/cp", &["src/file", ".cargo/config.toml"]),
            ("/usr/bin/rmdir", &[".cargo"]),
            ("/usr/bin/cp", &["src/file", "remit.toml"]),
        ] {
            // `cp` into a placeholder is refused because nothing can be made in it.
            assert!(
                !place.can(program, arguments).await,
                "{level}: {program} {arguments:?}"
            );
        }
        assert!(
            place.can("/usr/bin/touch", &[".git/index"]).await,
            "{level}"
        );
        assert_eq!(
            place.entries(),
            [".git", "docs", "src"],
            "no placeholder is left"
        );
        // The owner can say that this tool may.
        let spared = "writes-settings = [\".git/hooks\"]";
        let arguments = [".git/hooks/pre-commit"];
        let outcome = place.try_run("/usr/bin/touch", &arguments, spared).await;
        assert_eq!(outcome.unwrap().exit, Exit::Code(0), "{level}");
    }
}

#[tokio::test]
async fn a_setting_that_is_a_link_cannot_be_protected_and_nothing_starts() {
    if level(ALL).await != Confinement::Full {
        return;
    }
    let place = Place::new(ALL, "read = [\".\"]\nwrite = [\".\"]");
    std::os::unix::fs::symlink("src/file", place.path("workspace/.npmrc")).unwrap();
    let error = place.try_run("/usr/bin/true", &[], "").await.unwrap_err();
    assert!(error.to_string().contains("protected-path"), "{error}");
}

#[tokio::test]
async fn a_secret_reaches_the_tool_and_its_output_does_not_show_it() {
    let rules = "secret = { API_KEY = \"env:HOST_KEY\" }";
    for (without, level) in levels().await {
        let place = Place::new(without, "read = [\".\"]");
        let arguments = ["API_KEY"];
        let outcome = place
            .try_run("/usr/bin/printenv", &arguments, rules)
            .await
            .unwrap();
        assert_eq!(outcome.exit, Exit::Code(0), "{level}: the tool has it");
        assert_eq!(outcome.text(), "[secret]\n", "{level}");
        let launch = place.launch("/usr/bin/printenv", &arguments, rules);
        assert!(!format!("{launch:?}").contains("canary"), "{level}");
    }
    let place = Place::new(ALL, "read = [\".\"]\nconfinement = \"C\"");
    let absent = "secret = { API_KEY = \"env:ABSENT\" }";
    let error = place
        .try_run("/usr/bin/true", &[], absent)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "bad-secret");
    assert!(error.to_string().contains("env:ABSENT"), "{error}");
}

#[tokio::test]
async fn resources_end_where_the_declaration_says() {
    for (without, level) in levels().await {
        let place = Place::new(without, "read = [\".\"]\nwrite = [\".\"]");
        let run =
            |program: &'static str, arguments: &'static [&'static str], rules: &'static str| {
                place.try_run(program, arguments, rules)
            };
        let grow = &["-s", "1M", "grown"];
        let outcome = run("/usr/bin/truncate", grow, "file-size = \"1KiB\"").await;
        assert_ne!(outcome.unwrap().exit, Exit::Code(0), "{level}");
        let outcome = run("/usr/bin/truncate", grow, "file-size = \"2MiB\"").await;
        assert_eq!(outcome.unwrap().exit, Exit::Code(0), "{level}");
        let sort = &["-S", "512M", "/dev/zero"];
        let outcome = run("/usr/bin/sort", sort, "memory = \"32MiB\"").await;
        assert_ne!(outcome.unwrap().exit, Exit::Code(0), "{level}");
    }
}
