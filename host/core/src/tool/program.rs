//! Which program a declaration names.
//!
//! Never: a path relative to somewhere, a search in a plugin's or a workspace's directories, a
//! program whose purpose is to run another one.

use crate::excerpt::excerpt;
use crate::path::MAX_PATH_BYTES;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Shells: a text becomes a program.
const SHELLS: &[&str] = &[
    "sh",
    "ash",
    "bash",
    "csh",
    "dash",
    "elvish",
    "es",
    "fish",
    "ion",
    "ksh",
    "mksh",
    "nu",
    "oksh",
    "osh",
    "pdksh",
    "posh",
    "powershell",
    "pwsh",
    "rbash",
    "rc",
    "rksh",
    "rzsh",
    "tcsh",
    "xonsh",
    "yash",
    "zsh",
    "cmd",
];

/// Programs that start whatever program their arguments name.
const LAUNCHERS: &[&str] = &[
    "busybox",
    "toybox",
    "env",
    "xargs",
    "nohup",
    "nice",
    "ionice",
    "chrt",
    "taskset",
    "numactl",
    "timeout",
    "setsid",
    "stdbuf",
    "unbuffer",
    "time",
    "watch",
    "parallel",
    "script",
    "sudo",
    "sudoedit",
    "su",
    "doas",
    "runuser",
    "pkexec",
    "chroot",
    "unshare",
    "nsenter",
    "setpriv",
    "capsh",
    "prlimit",
    "choom",
    "flock",
    "strace",
    "ltrace",
    "gdb",
    "systemd-run",
    "start-stop-daemon",
    "at",
    "batch",
    "crontab",
    "ssh",
    "expect",
    "eval",
    "exec",
    "command",
];

/// Why a text does not name a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// A path that depends on where it is looked at from.
    #[error(
        "`{0}` is a relative path; write an absolute path, or a bare name to look up in the search path"
    )]
    Relative(String),
    /// An absolute path with `.`, `..`, an empty component or a final `/`.
    #[error("`{0}` is not a plain path; write it without `.`, `..`, `//` and a final `/`")]
    Unclean(String),
    /// Empty, too long, or with characters that no program name needs.
    #[error("`{0}` cannot name a program; write an absolute path or a bare name like `git`")]
    Unfit(String),
    /// A shell.
    #[error(
        "`{0}` is a shell, which turns text into programs; declare the program that it would run"
    )]
    Shell(String),
    /// A program that runs others.
    #[error("`{0}` runs whatever program its arguments name; declare that program itself")]
    Launcher(String),
}

/// A program: an absolute path, or a bare name that is looked up in the owner's search path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Program(String);

impl Program {
    /// The absolute path, if the owner wrote one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.starts_with('/').then(|| Path::new(&self.0))
    }

    /// The bare name, or the last component of the path.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// As the owner wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a file of this name is refused as a program: it is a shell or runs others.
    ///
    /// For those who follow links: what a harmless name leads to must be looked at again.
    ///
    /// # Errors
    /// It is, and the error says which of the two.
    pub fn check_name(name: &str) -> Result<(), ProgramError> {
        // `bash5`, `ksh93`, `zsh-5.9`, `ld-linux-x86-64.so.2`, `cmd.exe` are the same programs.
        let lower = name.to_ascii_lowercase();
        let lower = lower.strip_suffix(".exe").unwrap_or(&lower);
        let versionless = |byte: char| byte.is_ascii_digit() || matches!(byte, '.' | '-');
        let stem = lower.trim_end_matches(versionless);
        let listed = |list: &[&str]| list.contains(&lower) || list.contains(&stem);
        if listed(SHELLS) {
            return Err(ProgramError::Shell(name.to_owned()));
        }
        let loader = ["ld-linux", "ld-musl", "ld.so"]
            .iter()
            .any(|loader| lower.starts_with(loader));
        if loader || listed(LAUNCHERS) {
            return Err(ProgramError::Launcher(name.to_owned()));
        }
        Ok(())
    }
}

impl FromStr for Program {
    type Err = ProgramError;

    fn from_str(text: &str) -> Result<Self, ProgramError> {
        let shown = || excerpt(text);
        if text.is_empty() || text.len() > MAX_PATH_BYTES || text.chars().any(char::is_control) {
            return Err(ProgramError::Unfit(shown()));
        }
        let name = if let Some(rest) = text.strip_prefix('/') {
            if rest.split('/').any(|name| matches!(name, "" | "." | "..")) {
                return Err(ProgramError::Unclean(shown()));
            }
            rest.rsplit_once('/').map_or(rest, |(_, name)| name)
        } else if text.contains('/') || text.starts_with('~') || text == "." || text == ".." {
            return Err(ProgramError::Relative(shown()));
        } else {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
            if text.starts_with('-') || !text.chars().all(plain) {
                return Err(ProgramError::Unfit(shown()));
            }
            text
        };
        Self::check_name(name)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_bare_names_are_programs() {
        for (text, path, name) in [
            ("git", None, "git"),
            ("/usr/bin/git", Some("/usr/bin/git"), "git"),
            ("python3.11", None, "python3.11"),
            ("g++", None, "g++"),
            ("/opt/a b/tool", Some("/opt/a b/tool"), "tool"),
        ] {
            let program: Program = text.parse().unwrap();
            assert_eq!(program.path(), path.map(Path::new), "{text}");
            assert_eq!(program.file_name(), name, "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_for_its_own_reason() {
        type Refused = fn(&str) -> ProgramError;
        let relative: Refused = |text| ProgramError::Relative(text.to_owned());
        let unclean: Refused = |text| ProgramError::Unclean(text.to_owned());
        let unfit: Refused = |text| ProgramError::Unfit(text.to_owned());
        let cases: [(&str, Refused); 15] = [
            ("./git", relative),
            ("bin/git", relative),
            ("../git", relative),
            ("~/git", relative),
            (".", relative),
            ("/", unclean),
            ("/usr/../bin/git", unclean),
            ("/usr//git", unclean),
            ("/usr/bin/", unclean),
            ("", unfit),
            ("-x", unfit),
            ("git status", unfit),
            ("git;id", unfit),
            ("git\n", unfit),
            ("/bin/a\0b", unfit),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Program>().unwrap_err(), error(text));
        }
    }

    #[test]
    fn shells_and_launchers_are_refused_under_any_path_and_version() {
        for name in SHELLS {
            for text in [
                (*name).to_owned(),
                format!("/bin/{name}"),
                format!("/x/{name}-5.2"),
            ] {
                let error = text.parse::<Program>().unwrap_err();
                assert!(matches!(error, ProgramError::Shell(_)), "{text}: {error}");
            }
        }
        for text in LAUNCHERS.iter().copied().chain([
            "/usr/bin/env",
            "/lib64/ld-linux-x86-64.so.2",
            "/lib/ld-musl-x86_64.so.1",
            "BusyBox",
        ]) {
            let error = text.parse::<Program>().unwrap_err();
            assert!(
                matches!(error, ProgramError::Launcher(_)),
                "{text}: {error}"
            );
        }
    }
}
