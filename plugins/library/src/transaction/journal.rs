//! What a transaction writes down before it does it, one line for each change.
//!
//! The journal lies beside the originals, in the undo directory. A line is whole or it does not
//! count: a change whose line was not finished was not begun.
//!
//! Never: a change before its line.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Name of the journal in the undo directory.
pub(super) const JOURNAL: &str = "journal";
/// Most bytes of a journal that is read back: 10 000 changes with two paths each fit well.
const JOURNAL_LIMIT: u64 = 128 * 1024 * 1024;

/// What the undo directory says to somebody who finds it.
const README: &str = "\
A plugin of remit changes files here, or was ended while it did. These are the originals.
The next run of the same plugin in this workspace puts them back.
Delete this directory only to keep everything as it is now.
";

/// One change. Paths are relative to the workspace; numbers name files of the undo directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Change {
    /// A directory was made.
    MadeDirectory { path: String },
    /// A file was made; `print` tells its content from what others would write there.
    Created { path: String, print: Print },
    /// A file was written anew, in place. `N.old` has what it held, `N.new` what it was to hold.
    Replaced { path: String, number: usize },
    /// Something was set aside as `N.old`.
    Removed { path: String, number: usize },
    /// Something got another name.
    Moved { from: String, to: String },
    /// All of it counts; only the undo directory is left to be removed.
    Committed,
    /// The change in this line (from 0) was taken back: it must not be taken back twice, or what
    /// was put back would be taken for what the change had made.
    TakenBack { line: usize },
}

impl Change {
    /// The paths that the change is about.
    pub(super) fn paths(&self) -> Vec<&str> {
        match self {
            // Others may make files in a directory that this one made.
            Self::MadeDirectory { .. } | Self::Committed | Self::TakenBack { .. } => Vec::new(),
            Self::Created { path, .. }
            | Self::Replaced { path, .. }
            | Self::Removed { path, .. } => vec![path],
            Self::Moved { from, to } => vec![from, to],
        }
    }
}

/// Length and FNV-1a hash of a content: enough to see whether a person has edited a file, not to
/// withstand somebody who wants it not to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Print {
    length: u64,
    hash: u64,
}

impl Print {
    pub(super) fn of(content: &[u8]) -> Self {
        /// Both numbers are those of the FNV specification (64 bits).
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let hash = content.iter().fold(OFFSET, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
        });
        Self {
            length: u64::try_from(content.len()).unwrap_or(u64::MAX),
            hash,
        }
    }
}

/// A journal that is being written.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
}

impl Journal {
    /// Makes an undo directory with an empty journal, and the directories that it is in.
    pub(super) fn begin(home: &Path, directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(home)?;
        fs::create_dir(directory)?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        let file = options.open(directory.join(JOURNAL))?;
        fs::write(directory.join("README"), README)?;
        fs::write(directory.join(".gitignore"), "*\n")?;
        Ok(Self { file })
    }

    /// Goes on with the journal of an attempt that was ended, after its last whole line.
    pub(super) fn go_on(directory: &Path) -> io::Result<Self> {
        let path = directory.join(JOURNAL);
        let whole = whole(&fs::read(&path)?).len();
        let file = fs::OpenOptions::new().write(true).open(&path)?;
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
        let mut file = file;
        file.seek(io::SeekFrom::End(0))?;
        Ok(Self { file })
    }

    /// Writes a change down, so that it outlives the plugin and the host. Only a change that
    /// destroys bytes has to outlive a loss of power, too: of a rename every byte is still there
    /// under one name or the other, and waiting for the disk would cost a large clean-up minutes.
    pub(super) fn note(&mut self, change: &Change) -> io::Result<()> {
        let mut line = serde_json::to_vec(change).map_err(io::Error::other)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        match change {
            Change::Replaced { .. } => self.file.sync_data(),
            Change::MadeDirectory { .. }
            | Change::Created { .. }
            | Change::Removed { .. }
            | Change::Moved { .. }
            | Change::Committed
            | Change::TakenBack { .. } => Ok(()),
        }
    }
}

/// Reads a journal back; nothing if there is none. A line that is not whole, and what follows a
/// line that is none of ours, does not count.
pub(super) fn read(directory: &Path) -> io::Result<Option<Vec<Change>>> {
    let path = directory.join(JOURNAL);
    match fs::metadata(&path) {
        Ok(found) if found.len() > JOURNAL_LIMIT => {
            return Err(io::Error::other(
                "the journal is too large to be one of ours",
            ));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let text = fs::read(&path)?;
    let lines = whole(&text).split(|byte| *byte == b'\n');
    Ok(Some(
        lines
            .map_while(|line| serde_json::from_slice(line).ok())
            .collect(),
    ))
}

/// Everything up to the end of the last whole line.
fn whole(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n');
    end.and_then(|end| text.get(..=end)).unwrap_or_default()
}
