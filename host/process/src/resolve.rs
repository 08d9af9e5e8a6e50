//! From a declared program to a pinned one.
//!
//! A script is resolved to its interpreter here, because the kernel would let `/usr/bin/env` look
//! it up in whatever search path the environment has. Never: a shell, a program that only starts
//! others, a candidate that the plugin could have put there.

#![expect(
    clippy::disallowed_methods,
    reason = "programs lie outside of every granted directory; what is read here is pinned"
)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use remit_core::tool::Program;
use rustix::fs::{Access, access};

use crate::pin::{Pinned, Script};
use crate::pinned_file::PinnedFile;
use crate::search::SearchPath;

/// Bytes of a program that are looked at for an interpreter line: as many as the kernel looks at.
const LINE_BYTES: usize = 256;

/// Why a declared program is not one that may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolveError {
    /// No candidate is fit; where was looked and what was found.
    Missing(String),
    /// The program, or a directory or link on the way to it, can be written by the plugin.
    Writable(PathBuf),
}

/// Finds and pins a program. `writable` are the real directories that the plugin may write.
///
/// Looks at the file system; call it where that may block.
///
/// # Errors
/// See [`ResolveError`].
pub fn resolve(
    program: &Program,
    search: &SearchPath,
    writable: &[PathBuf],
) -> Result<Pinned, ResolveError> {
    let resolver = Resolver { search, writable };
    if let Some(path) = program.path() {
        return resolver.candidate(path).map_err(|reason| match reason {
            Unfit::Writable(path) => ResolveError::Writable(path),
            Unfit::Absent => ResolveError::Missing(format!("{} does not exist", path.display())),
            Unfit::Because(reason) => ResolveError::Missing(reason),
        });
    }
    resolver
        .look_up(program.as_str(), |path| resolver.candidate(path))
        .map_err(ResolveError::Missing)
}

/// Why one candidate is not it.
enum Unfit {
    /// There is none.
    Absent,
    /// The plugin may write there.
    Writable(PathBuf),
    /// Something else, in words.
    Because(String),
}

/// What resolving needs to know.
struct Resolver<'a> {
    search: &'a SearchPath,
    writable: &'a [PathBuf],
}

impl Resolver<'_> {
    /// Tries a name in every directory of the search path. Says why each candidate was unfit if
    /// none is fit.
    fn look_up<T>(
        &self,
        name: &str,
        candidate: impl Fn(&Path) -> Result<T, Unfit>,
    ) -> Result<T, String> {
        let mut reasons = Vec::new();
        for directory in self.search.directories() {
            match candidate(&directory.join(name)) {
                Ok(found) => return Ok(found),
                Err(Unfit::Absent) => {}
                Err(Unfit::Writable(path)) => {
                    let path = path.display();
                    reasons.push(format!(
                        "{path} lies below a directory that the plugin may write"
                    ));
                }
                Err(Unfit::Because(reason)) => reasons.push(reason),
            }
        }
        let directories: Vec<_> = self
            .search
            .directories()
            .iter()
            .map(|directory| directory.display().to_string())
            .collect();
        let mut all = format!("no `{name}` that may run in {}", directories.join(":"));
        for reason in reasons.iter().chain(self.search.skipped()) {
            all.push_str("; ");
            all.push_str(reason);
        }
        Err(all)
    }

    /// Pins one candidate, with its interpreter if it is a script.
    fn candidate(&self, path: &Path) -> Result<Pinned, Unfit> {
        let file = self.executable(path)?;
        let pinned = match interpreter_line(file.real()).map_err(|error| because(path, error))? {
            None => Pinned {
                program: file,
                script: None,
            },
            Some(line) => {
                let (program, arguments) = self.interpreter(path, &line)?;
                Pinned {
                    program,
                    script: Some(Script { arguments, file }),
                }
            }
        };
        match pinned.lies_below(self.writable) {
            Some(path) => Err(Unfit::Writable(path.to_owned())),
            None => Ok(pinned),
        }
    }

    /// Pins a file that this user may execute and that is no shell or launcher, whatever name it
    /// hides behind.
    fn executable(&self, path: &Path) -> Result<PinnedFile, Unfit> {
        let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        let file = PinnedFile::new(path).map_err(|error| {
            if absent.contains(&error.kind()) {
                Unfit::Absent
            } else {
                because(path, error)
            }
        })?;
        access(file.real(), Access::EXEC_OK).map_err(|error| because(path, error))?;
        for name in [path, file.real()] {
            let name = name.file_name().unwrap_or_default().to_string_lossy();
            Program::check_name(&name).map_err(|error| because(path, error))?;
        }
        Ok(file)
    }

    /// The interpreter of a script and its arguments.
    fn interpreter(
        &self,
        script: &Path,
        line: &InterpreterLine,
    ) -> Result<(PinnedFile, Vec<OsString>), Unfit> {
        let binary = |path: &Path| {
            let file = self.executable(path)?;
            match interpreter_line(file.real()) {
                Ok(None) => Ok(file),
                Ok(Some(_)) => Err(because(path, "is itself a script")),
                Err(error) => Err(because(path, error)),
            }
        };
        let of_script = |reason: String| because(script, format!("needs an interpreter: {reason}"));
        match line {
            InterpreterLine::Path(path, argument) => {
                let file = binary(path).map_err(|unfit| match unfit {
                    Unfit::Absent => of_script(format!("{} does not exist", path.display())),
                    Unfit::Because(reason) => of_script(reason),
                    Unfit::Writable(path) => Unfit::Writable(path),
                })?;
                Ok((file, argument.iter().cloned().collect()))
            }
            InterpreterLine::Name(name, arguments) => {
                let name = name
                    .to_str()
                    .ok_or_else(|| of_script("no UTF-8".to_owned()))?;
                Program::check_name(name).map_err(|error| of_script(error.to_string()))?;
                let file = self.look_up(name, |path| {
                    let file = binary(path)?;
                    let below = |root: &PathBuf| file.real().starts_with(root);
                    if self.writable.iter().any(below) {
                        return Err(Unfit::Writable(file.real().to_owned()));
                    }
                    Ok(file)
                });
                Ok((file.map_err(of_script)?, arguments.clone()))
            }
            InterpreterLine::Unusable(reason) => Err(because(script, reason)),
        }
    }
}

/// A reason with the path that it is about.
fn because(path: &Path, reason: impl std::fmt::Display) -> Unfit {
    Unfit::Because(format!("{}: {reason}", path.display()))
}

/// The first line of a script.
#[derive(Debug, PartialEq, Eq)]
enum InterpreterLine {
    /// An absolute path, and everything after it as one argument, as the kernel does it.
    Path(PathBuf, Option<OsString>),
    /// A name that `env` would look up, and arguments.
    Name(OsString, Vec<OsString>),
    /// A line that cannot be honoured, and why.
    Unusable(&'static str),
}

/// Reads the interpreter line of a program; none if it is a binary.
fn interpreter_line(path: &Path) -> io::Result<Option<InterpreterLine>> {
    let mut start = Vec::with_capacity(LINE_BYTES);
    let limit = u64::try_from(LINE_BYTES).unwrap_or(u64::MAX);
    match File::open(path) {
        Ok(file) => file.take(limit).read_to_end(&mut start)?,
        // A program that may be executed and not read is a binary: a script could not run.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(parse_line(&start))
}

/// The interpreter line in the first bytes of a program.
fn parse_line(start: &[u8]) -> Option<InterpreterLine> {
    let line = start.strip_prefix(b"#!")?;
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
        return Some(InterpreterLine::Unusable(
            "its interpreter line is longer than the kernel reads",
        ));
    };
    let line = line[..end].trim_ascii();
    let (path, rest) = match line.iter().position(u8::is_ascii_whitespace) {
        Some(at) => (&line[..at], line[at..].trim_ascii()),
        None => (line, &b""[..]),
    };
    if path.first() != Some(&b'/') || path.contains(&0) || rest.contains(&0) {
        return Some(InterpreterLine::Unusable(
            "its interpreter is not an absolute path",
        ));
    }
    let path = Path::new(OsStr::from_bytes(path));
    if path.file_name() != Some(OsStr::new("env")) {
        let argument = (!rest.is_empty()).then(|| OsStr::from_bytes(rest).to_owned());
        return Some(InterpreterLine::Path(path.to_owned(), argument));
    }
    Some(parse_env(rest))
}

/// What `env` makes of its one argument: a name, or with `-S` a name and arguments.
fn parse_env(rest: &[u8]) -> InterpreterLine {
    let split = rest.strip_prefix(b"-S");
    let words = split.unwrap_or(rest);
    let special = |byte: &u8| matches!(byte, b'\\' | b'\'' | b'"' | b'$' | b'#' | b'=');
    if words.iter().any(special) {
        return InterpreterLine::Unusable("its `env` line sets variables or quotes");
    }
    let mut words = words
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .map(|word| OsStr::from_bytes(word).to_owned());
    let Some(name) = words.next() else {
        return InterpreterLine::Unusable("its `env` line names no program");
    };
    let arguments: Vec<OsString> = words.collect();
    if name.as_bytes().starts_with(b"-") || name.as_bytes().contains(&b'/') {
        return InterpreterLine::Unusable("its `env` line has an option or a path");
    }
    if split.is_none() && !arguments.is_empty() {
        return InterpreterLine::Unusable("its `env` line has arguments without -S");
    }
    InterpreterLine::Name(name, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreter_lines_are_read_as_the_kernel_and_env_read_them() {
        fn check(start: &str, expected: Option<InterpreterLine>) {
            assert_eq!(parse_line(start.as_bytes()), expected, "{start:?}");
        }
        let path = |path: &str, argument: Option<&str>| {
            Some(InterpreterLine::Path(path.into(), argument.map(Into::into)))
        };
        let name = |name: &str, arguments: &[&str]| {
            let arguments = arguments.iter().map(Into::into).collect();
            Some(InterpreterLine::Name(name.into(), arguments))
        };
        check("\x7fELF", None);
        check("", None);
        check("#!/usr/bin/python3\nx", path("/usr/bin/python3", None));
        check(
            "#! /usr/bin/python3 -I -B \n",
            path("/usr/bin/python3", Some("-I -B")),
        );
        check("#!/usr/bin/env node\n", name("node", &[]));
        check("#!/bin/env\tnode \r\n", name("node", &[]));
        check(
            "#!/usr/bin/env -S node --flag x\n",
            name("node", &["--flag", "x"]),
        );
        for unusable in [
            "#!/usr/bin/python3",
            "#!python3\n",
            "#!\n",
            "#!/usr/bin/env\n",
            "#!/usr/bin/env -i node\n",
            "#!/usr/bin/env A=1 node\n",
            "#!/usr/bin/env node --flag\n",
            "#!/usr/bin/env -S \"no de\"\n",
            "#!/usr/bin/env ./node\n",
        ] {
            let line = parse_line(unusable.as_bytes());
            assert!(
                matches!(line, Some(InterpreterLine::Unusable(_))),
                "{unusable:?}: {line:?}"
            );
        }
    }
}
