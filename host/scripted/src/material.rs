//! The bytes that a scenario names: read once, before anything runs, from below its own directory.
//!
//! Never: a path that leads out of that directory, a file without limit.

use std::collections::BTreeMap;
use std::io::Read as _;

use bytes::Bytes;
use cap_std::fs::Dir;
use remit_core::path::RelPath;
use remit_core::scenario::{Content, FileExpected, Scenario, Step};

/// Largest file that a scenario can name: far above the longest transcript of an agent.
pub const MAX_MATERIAL: u64 = 64 << 20;

/// A file that a scenario needs cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// It cannot be read.
    #[error("the scenario names `{path}`, which cannot be read: {reason}")]
    Unreadable {
        /// The file, relative to the scenario's directory.
        path: String,
        /// What the kernel said.
        reason: String,
    },
    /// It is too large.
    #[error("the scenario names `{0}`, which has more than {MAX_MATERIAL} bytes")]
    TooLarge(String),
    /// A file of the workspace cannot be written.
    #[error("`{path}` cannot be written into the workspace of the test: {reason}")]
    Unwritable {
        /// The file, relative to the workspace.
        path: String,
        /// What the kernel said.
        reason: String,
    },
}

/// What is in the files that a scenario names.
#[derive(Debug, Clone, Default)]
pub struct Material(BTreeMap<String, Bytes>);

impl Material {
    /// Reads every file that a scenario names from below its directory.
    ///
    /// # Errors
    /// One of them cannot be read or is too large.
    pub fn read(scenario: &Scenario, directory: &Dir) -> Result<Self, MaterialError> {
        let mut named = Vec::new();
        named.extend(scenario.files.iter().map(|(_, content)| content));
        for call in &scenario.calls {
            named.extend(&call.stdin);
            named.extend(call.play.iter().filter_map(content));
            named.extend(expected(&call.scratch));
        }
        named.extend(expected(&scenario.expect.files));
        let mut found = Self::default();
        for content in named {
            if let Content::From(path) = content
                && !found.0.contains_key(path)
            {
                found.0.insert(path.clone(), read(directory, path)?);
            }
        }
        Ok(found)
    }

    /// Adds bytes under a name, for scenarios that are no files.
    pub fn add(&mut self, name: &str, bytes: Bytes) {
        self.0.insert(name.to_owned(), bytes);
    }

    /// The bytes that a content means, as far as they are at hand; a repeated text is not.
    #[must_use]
    pub fn bytes(&self, content: &Content) -> Option<Bytes> {
        match content {
            Content::Bytes(bytes) => Some(Bytes::copy_from_slice(bytes)),
            Content::From(path) => self.0.get(path).cloned(),
            Content::Repeat { .. } => None,
        }
    }

    /// Writes a content as a file below a directory, and the directories above it.
    ///
    /// # Errors
    /// The operating system refuses, or the content is more than a file may have.
    pub fn write(
        &self,
        root: &Dir,
        path: &RelPath,
        content: &Content,
    ) -> Result<(), MaterialError> {
        let failed = |reason: String| MaterialError::Unwritable {
            path: path.to_string(),
            reason,
        };
        let bytes = match content {
            Content::Repeat { unit, bytes } if *bytes <= MAX_MATERIAL => {
                let count = usize::try_from(*bytes).unwrap_or(usize::MAX);
                unit.iter().copied().cycle().take(count).collect()
            }
            Content::Repeat { .. } => return Err(MaterialError::TooLarge(path.to_string())),
            Content::Bytes(_) | Content::From(_) => self
                .bytes(content)
                .ok_or_else(|| failed("its content was not read".to_owned()))?,
        };
        if let Some((parent, _)) = path.as_str().rsplit_once('/') {
            root.create_dir_all(parent)
                .map_err(|error| failed(error.to_string()))?;
        }
        root.write(path.as_str(), &bytes)
            .map_err(|error| failed(error.to_string()))
    }
}

/// The contents that files must have.
fn expected(files: &[(RelPath, FileExpected)]) -> impl Iterator<Item = &Content> {
    files.iter().filter_map(|(_, expected)| {
        if let FileExpected::Is(content) = expected {
            Some(content)
        } else {
            None
        }
    })
}

fn content(step: &Step) -> Option<&Content> {
    match step {
        Step::Output(_, content) | Step::Write { content, .. } => Some(content),
        Step::Pause(_)
        | Step::Wait(_)
        | Step::Await(_)
        | Step::AwaitEnd
        | Step::CloseStdin
        | Step::Delete(_)
        | Step::Cancel
        | Step::End(_) => None,
    }
}

fn read(directory: &Dir, path: &str) -> Result<Bytes, MaterialError> {
    let failed = |error: std::io::Error| MaterialError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = directory.open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_MATERIAL + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_MATERIAL {
        return Err(MaterialError::TooLarge(path.to_owned()));
    }
    Ok(bytes.into())
}
