//! What an agent that asks is allowed.
//!
//! Files by the grants that the owner gave to the adapter, commands by the request and never
//! otherwise. This is an answer in time and in words; the kernel holds the agent to the grants
//! anyway. Never: a permission for more than once.

use std::collections::BTreeSet;

use serde_json::Value;

use super::told::files;
use crate::tool::text;

/// What the client can see of the workspace.
pub trait Files {
    /// Whether there is a file or directory at this path below the workspace.
    fn exists(&self, path: &str) -> bool;
    /// The text of a file.
    ///
    /// # Errors
    /// It cannot be read; says why.
    fn read(&self, path: &str) -> Result<String, String>;
    /// Puts this text into a file, and makes the directories above it.
    ///
    /// # Errors
    /// It cannot be written; says why.
    fn write(&mut self, path: &str, text: &str) -> Result<(), String>;
}

/// One granted directory of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Its path; `.` for all.
    pub path: String,
    /// Whether it may be read.
    pub read: bool,
    /// Whether it may be written.
    pub write: bool,
}

/// What is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The granted directories.
    pub granted: Vec<Granted>,
    /// The commands of the request.
    pub commands: Vec<String>,
}

impl Rules {
    pub(crate) fn may_read(&self, path: &str) -> bool {
        self.granted
            .iter()
            .any(|one| one.read && covers(&one.path, path))
    }

    pub(crate) fn may_write(&self, path: &str) -> bool {
        self.granted
            .iter()
            .any(|one| one.write && covers(&one.path, path))
    }

    /// Decides one call that the agent asks about.
    ///
    /// # Errors
    /// It is refused; says why.
    pub(crate) fn decide(
        &self,
        call: &Value,
        root: &mut Root,
        workspace: &dyn Files,
    ) -> Result<(), String> {
        match text(call, "/kind") {
            "read" | "search" => {
                let files = below(call, root, workspace)?;
                all(&files, "readable", |path| self.may_read(path))
            }
            "edit" | "delete" | "move" => {
                let files = below(call, root, workspace)?;
                if files.is_empty() {
                    return Err("it names no file".to_owned());
                }
                all(&files, "writable", |path| self.may_write(path))
            }
            "execute" => self.decide_command(&command(call)),
            "think" => Ok(()),
            "fetch" => Err("the network is not the agent's to use".to_owned()),
            other => Err(format!("nothing is known of actions of the kind `{other}`")),
        }
    }

    /// A command as it stands in the request, or one that a pattern of it covers and that is one
    /// command: nothing chained, nothing substituted.
    pub(crate) fn decide_command(&self, command: &str) -> Result<(), String> {
        let command = command.trim();
        if command.is_empty() {
            return Err("it names no command".to_owned());
        }
        if self.commands.iter().any(|one| one.trim() == command) {
            return Ok(());
        }
        if command.contains([';', '&', '|', '<', '>', '`', '$', '(', ')', '\n', '\r']) {
            return Err("it has shell operators, and the request does not name it exactly".into());
        }
        if self.commands.iter().any(|one| matches(one.trim(), command)) {
            return Ok(());
        }
        Err("`allow_commands` of the request does not cover it".to_owned())
    }
}

fn all(files: &[String], what: &str, is: impl Fn(&str) -> bool) -> Result<(), String> {
    match files.iter().find(|path| !is(path)) {
        Some(path) => Err(format!("`{path}` is not in a {what} grant")),
        None => Ok(()),
    }
}

fn below(call: &Value, root: &mut Root, workspace: &dyn Files) -> Result<Vec<String>, String> {
    let below = |path: &String| {
        root.below(path, workspace)
            .ok_or_else(|| format!("`{path}` is not known to lie in the workspace"))
    };
    files(call).iter().map(below).collect()
}

/// The command line of a call: agents write it as a text, as a list, or only as a title.
fn command(call: &Value) -> String {
    match call.pointer("/rawInput/command") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            parts.join(" ")
        }
        _ => text(call, "/title").to_owned(),
    }
}

/// Whether a granted directory covers a path.
fn covers(granted: &str, path: &str) -> bool {
    granted == "."
        || path == granted
        || path
            .strip_prefix(granted)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a pattern, in which `*` is any text, covers all of a text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Where the workspace lies for the agent.
///
/// The adapter does not know: nobody tells a plugin where the owner's directories are. The agent is
/// given a name that means "where you are", and what it calls the place itself shows in the first
/// path that exists.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    known: BTreeSet<String>,
}

/// The working directory by a name that holds for whoever asks (proc(5)).
pub(crate) const HERE: &str = "/proc/self/cwd";

/// Most names of the workspace that are learned: its own, and those by which links lead to it.
const MAX_ROOTS: usize = 8;

impl Default for Root {
    fn default() -> Self {
        Self {
            known: BTreeSet::from([HERE.to_owned()]),
        }
    }
}

impl Root {
    /// A path of the agent's as a path below the workspace, if it is known to be one.
    pub(crate) fn below(&mut self, path: &str, workspace: &dyn Files) -> Option<String> {
        let is_odd = |part: &str| part == "..";
        if path.split('/').any(is_odd) || path.contains('\0') {
            return None;
        }
        if !path.starts_with('/') {
            return Some(normal(path));
        }
        self.strip(path).or_else(|| {
            self.learn(path, workspace);
            self.strip(path)
        })
    }

    fn strip(&self, path: &str) -> Option<String> {
        let found = self.known.iter().filter_map(|root| {
            let rest = path.strip_prefix(root.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| normal(rest))
        });
        found.min_by_key(String::len)
    }

    /// If the end of a path is there in the workspace, its beginning is where the workspace lies.
    /// The longest such end counts; of a file that is yet to be made, that of its directory.
    fn learn(&mut self, path: &str, workspace: &dyn Files) {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let ends = [parts.len(), parts.len().saturating_sub(1)];
        for end in ends {
            for start in 1..end {
                let Some(rest) = parts.get(start..end) else {
                    continue;
                };
                if self.known.len() < MAX_ROOTS && workspace.exists(&rest.join("/")) {
                    let above = parts.get(..start).unwrap_or_default().join("/");
                    self.known.insert(format!("/{above}"));
                    return;
                }
            }
        }
    }
}

fn normal(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Tree(&'static [&'static str]);

    impl Files for Tree {
        fn exists(&self, path: &str) -> bool {
            self.0.contains(&path)
        }
        fn read(&self, path: &str) -> Result<String, String> {
            Err(path.to_owned())
        }
        fn write(&mut self, path: &str, _text: &str) -> Result<(), String> {
            Err(path.to_owned())
        }
    }

    fn rules() -> Rules {
        Rules {
            granted: vec![
                Granted {
                    path: ".".into(),
                    read: true,
                    write: false,
                },
                Granted {
                    path: "src".into(),
                    read: false,
                    write: true,
                },
            ],
            commands: vec!["python3 *".into(), "git status".into(), "a && b".into()],
        }
    }

    #[track_caller]
    fn check(call: &Value, allowed: bool) {
        let mut root = Root::default();
        let tree = Tree(&["src/a.py", "src", "b.py"]);
        let found = rules().decide(call, &mut root, &tree);
        assert_eq!(found.is_ok(), allowed, "{call}: {found:?}");
    }

    #[test]
    fn files_are_decided_by_the_grants() {
        let edit = |path: &str| json!({"kind": "edit", "locations": [{"path": path}]});
        check(&edit("/ws/src/a.py"), true);
        check(&edit("/ws/src/new.py"), true);
        check(&edit("src/new.py"), true);
        check(&edit("/proc/self/cwd/src/x"), true);
        check(&edit("/ws/b.py"), false);
        check(&edit("srcs/x"), false);
        check(&edit("/etc/passwd"), false);
        check(&edit("src/../b.py"), false);
        check(&json!({"kind": "edit", "title": "something"}), false);
        check(
            &json!({"kind": "edit", "content": [{"type": "diff", "path": "/ws/b.py"}]}),
            false,
        );
        check(
            &json!({"kind": "read", "locations": [{"path": "/ws/b.py"}]}),
            true,
        );
        check(&json!({"kind": "search"}), true);
        check(&json!({"kind": "fetch", "title": "https://x"}), false);
        check(&json!({"kind": "other"}), false);
        check(&json!({}), false);
    }

    #[test]
    fn commands_are_decided_by_the_request() {
        let run = |command: &str| json!({"kind": "execute", "rawInput": {"command": command}});
        check(&run("python3 -c 'x'"), true);
        check(&run("git status"), true);
        check(&run("a && b"), true);
        check(&json!({"kind": "execute", "title": "python3 x.py"}), true);
        check(
            &json!({"kind": "execute", "rawInput": {"command": ["python3", "x"]}}),
            true,
        );
        for command in [
            "",
            "git status --short",
            "python3 x && rm -rf .",
            "python3 $(x)",
            "python3 x; y",
            "python3 x > y",
            "python3\nrm",
            "python",
            "sudo python3 x",
        ] {
            check(&run(command), false);
        }
    }

    #[test]
    fn stars_are_any_text() {
        assert!(matches("a*c", "abc") && matches("a*c", "ac") && matches("*", ""));
        assert!(matches("a*b*c", "a1b2c") && !matches("a*b*c", "a1c"));
        assert!(!matches("abc", "abcd") && !matches("a*a", "a"));
    }
}
