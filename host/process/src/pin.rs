//! Pinned programs: what was found once must be what runs every time.
//!
//! Never: a program taken on its name alone. Every start compares the file behind the name with
//! what was pinned.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use remit_core::approval::ToolIdentity;
use remit_core::digest::Digest;
use remit_core::policy::Part;
use remit_core::tool::{ProgramIdentity, ToolId};

use crate::pinned_file::{Change, PinnedFile};

/// A program that was found and is known again: a binary, or a script with its interpreter.
#[derive(Debug)]
pub struct Pinned {
    /// What the kernel executes.
    pub(crate) program: PinnedFile,
    /// The script that it is to run, if it is an interpreter.
    pub(crate) script: Option<Script>,
}

/// A script.
#[derive(Debug)]
pub(crate) struct Script {
    /// The arguments of the interpreter that the first line has, before the script.
    pub(crate) arguments: Vec<OsString>,
    /// The script.
    pub(crate) file: PinnedFile,
}

impl Pinned {
    /// The path to execute, without links.
    #[must_use]
    pub fn executable(&self) -> &Path {
        self.program.real()
    }

    /// The path under which the tool itself, not its interpreter, was found.
    #[must_use]
    pub fn found(&self) -> &Path {
        self.script
            .as_ref()
            .map_or(self.program.found(), |script| script.file.found())
    }

    /// The beginning of the argument vector: the program under the name by which it was found
    /// (some programs are many, told apart by it), and the script.
    #[must_use]
    pub fn argument_prefix(&self) -> Vec<OsString> {
        let mut prefix = vec![self.program.found().into()];
        if let Some(script) = &self.script {
            prefix.extend(script.arguments.iter().cloned());
            prefix.push(script.file.found().into());
        }
        prefix
    }

    /// Every path under which the program and its script are known: found and without links.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let script = self.script.as_ref().map(|script| &script.file);
        std::iter::once(&self.program)
            .chain(script)
            .flat_map(|file| [file.real(), file.found()])
    }

    /// The program, script or directory of one of them that lies below one of these real
    /// directories.
    #[must_use]
    pub fn lies_below(&self, roots: &[PathBuf]) -> Option<&Path> {
        let script = self.script.as_ref().map(|script| &script.file);
        self.program
            .lies_below(roots)
            .or_else(|| script.and_then(|script| script.lies_below(roots)))
    }

    /// Every file and directory that decides what runs, each with what it is: whoever can write
    /// one of them can replace the program.
    #[must_use]
    pub fn parts(&self) -> Vec<(Part, &Path)> {
        let main = match &self.script {
            None => Part::Program,
            Some(_) => Part::Interpreter,
        };
        let script = self.script.as_ref().map(|script| &script.file);
        let files = script.map(|file| (Part::Script, file));
        let mut parts = Vec::new();
        for (part, file) in files.into_iter().chain([(main, &self.program)]) {
            parts.push((part, file.real()));
            let homes = file
                .homes
                .iter()
                .map(|home| (Part::Directory, home.as_path()));
            parts.extend(homes);
        }
        parts
    }

    /// Compares program and script with what is there now.
    ///
    /// # Errors
    /// What has changed.
    pub fn recheck(&self) -> Result<(), Change> {
        self.program.recheck()?;
        match &self.script {
            Some(script) => script.file.recheck(),
            None => Ok(()),
        }
    }

    /// What an approval records of it, without a version. Reads every file whole, unless it still
    /// is the `known` one: it may block.
    ///
    /// # Errors
    /// A file cannot be read, is no longer what was pinned, or has no name in UTF-8.
    pub fn record(&self, tool: &ToolId, known: Option<&ToolIdentity>) -> io::Result<ToolIdentity> {
        let known_interpreter = known.and_then(|known| known.interpreter.as_ref());
        let known_file = known.map(|known| &known.file);
        let (file, interpreter) = match &self.script {
            None => (self.program.record(known_file)?, None),
            Some(script) => (
                script.file.record(known_file)?,
                Some(self.program.record(known_interpreter)?),
            ),
        };
        Ok(ToolIdentity {
            tool: tool.clone(),
            file,
            interpreter,
            version: None,
        })
    }

    /// The digest of the tool itself: of the script if it is one. Reads the whole file on the
    /// first call.
    ///
    /// # Errors
    /// It cannot be read, or is no longer what was pinned.
    pub fn digest(&self) -> io::Result<Digest> {
        match &self.script {
            Some(script) => script.file.digest(),
            None => self.program.digest(),
        }
    }

    /// Program and script, for the record. Reads both as a whole on the first call.
    ///
    /// # Errors
    /// One of them is no longer what was pinned.
    pub fn identity(&self) -> Result<ProgramIdentity, Change> {
        let script = self.script.as_ref().map(|script| script.file.identity());
        Ok(ProgramIdentity {
            executable: self.program.identity()?,
            script: script.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "the test writes the programs that it pins"
    )]

    use super::*;
    use std::fs::{self, write};

    #[test]
    fn a_file_that_is_still_the_known_one_is_not_read_again() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("tool");
        write(&path, "abc").unwrap();
        let pin = || Pinned {
            program: PinnedFile::new(&path).unwrap(),
            script: None,
        };
        let tool: ToolId = "mine".parse().unwrap();
        let first = pin().record(&tool, None).unwrap();
        assert_eq!(first.file.digest, Digest::of(b"abc"));
        // A digest that only someone who does not read the file can believe.
        let mut known = first.clone();
        known.file.digest = Digest::of(b"kept");
        assert_eq!(pin().record(&tool, Some(&known)).unwrap(), known);
        // The same content in another file is read, and so is any change.
        let copy = root.path().join("copy");
        write(&copy, "abc").unwrap();
        fs::rename(&copy, &path).unwrap();
        let moved = pin().record(&tool, Some(&known)).unwrap();
        assert_ne!(moved.file.inode, first.file.inode);
        assert!(moved.file.is_same_program(&first.file));
        write(&path, "abd").unwrap();
        let changed = pin().record(&tool, Some(&moved)).unwrap();
        assert_eq!(changed.file.digest, Digest::of(b"abd"));
    }
}
