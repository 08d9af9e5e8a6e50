//! The command line: rows, and the victims that somebody prepared.
//!
//! Never: a victim that is guessed; what was not named is not touched beyond a look.

use std::path::PathBuf;

use remit_attacker as option;

/// Whom to attack.
#[derive(Debug, Default)]
pub(crate) struct Victims {
    /// The process of the host.
    pub(crate) host: Option<i32>,
    /// Files outside.
    pub(crate) canaries: Vec<PathBuf>,
    /// Directories outside.
    pub(crate) outside: Vec<PathBuf>,
    /// The workspace, if its files may be overwritten.
    pub(crate) workspace: Option<PathBuf>,
    /// A port of loopback.
    pub(crate) tcp: Option<u16>,
    /// A socket in the file system.
    pub(crate) unix: Option<PathBuf>,
    /// An abstract socket.
    pub(crate) abstracted: Option<String>,
    /// A key of a memory segment.
    pub(crate) shared_memory: Option<i32>,
    /// Processes of a bounded fork bomb.
    pub(crate) processes: Option<usize>,
    /// Files of the workspace that may not be read.
    pub(crate) hidden: Vec<PathBuf>,
    /// Files of the workspace that may not be changed.
    pub(crate) sealed: Vec<PathBuf>,
    /// A word to leave or to find.
    pub(crate) word: Option<String>,
}

/// What to do.
pub(crate) struct Arguments {
    /// Rows to try.
    pub(crate) rows: Vec<String>,
    /// On whom.
    pub(crate) victims: Victims,
}

/// Reads the command line.
///
/// # Errors
/// What is not understood.
pub(crate) fn read(given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut rows, mut victims) = (Vec::new(), Victims::default());
    for text in given {
        if text == "--" {
            continue;
        }
        if text.starts_with("--") {
            victims.read(&text)?;
        } else {
            rows.push(text);
        }
    }
    // A directory without the mark is somebody's work.
    victims.workspace = victims
        .workspace
        .filter(|place| place.join(option::SCRATCH).is_file());
    Ok(Arguments { rows, victims })
}

impl Victims {
    fn read(&mut self, text: &str) -> Result<(), String> {
        let wrong = || format!("`{text}` is not understood");
        let after = |name: &str| text.strip_prefix(name);
        if let Some(value) = after(option::HOST_PID) {
            self.host = Some(value.parse().map_err(|_| wrong())?);
        } else if let Some(value) = after(option::CANARY) {
            self.canaries.push(value.into());
        } else if let Some(value) = after(option::OUTSIDE) {
            self.outside.push(value.into());
        } else if let Some(value) = after(option::WORKSPACE) {
            self.workspace = Some(value.into());
        } else if let Some(value) = after(option::TCP) {
            self.tcp = Some(value.parse().map_err(|_| wrong())?);
        } else if let Some(value) = after(option::UNIX) {
            self.unix = Some(value.into());
        } else if let Some(value) = after(option::ABSTRACT) {
            self.abstracted = Some(value.to_owned());
        } else if let Some(value) = after(option::SHARED_MEMORY) {
            self.shared_memory = Some(value.parse().map_err(|_| wrong())?);
        } else if let Some(value) = after(option::PROCESSES) {
            self.processes = Some(value.parse().map_err(|_| wrong())?);
        } else if let Some(value) = after(option::HIDDEN) {
            self.hidden.push(value.into());
        } else if let Some(value) = after(option::SEALED) {
            self.sealed.push(value.into());
        } else if let Some(value) = after(option::WORD) {
            self.word = Some(value.to_owned());
        } else {
            return Err(wrong());
        }
        Ok(())
    }
}
