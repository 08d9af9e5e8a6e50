//! What ties a tool run to a durable task: the name of the call, which stays the same from attempt
//! to attempt, and what the tool is told about the task.
//!
//! Never: a path of this machine's temporary directories, an environment value, a secret.

use sha2::{Digest as _, Sha256};

use super::launch::{Directory, Launch, Stdin};
use super::{EnvName, SCRATCH_ENV, TASK_NAMES};
use crate::digest::Digest;
use crate::span::SpanPath;

/// Begins what is hashed, so that a later way to name a call cannot be mistaken for this one.
const CALL_FORMAT: &[u8] = b"remit-call-1";

/// The task for which a tool runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskMark {
    /// The run's name.
    pub run: String,
    /// The task's name.
    pub task: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The attempt's fence: larger than that of any attempt before.
    pub fence: u64,
}

impl TaskMark {
    /// What is equal for every attempt at the same effect of the same task.
    #[must_use]
    pub fn effect_key(&self, effect: u32) -> String {
        format!("{}/{}/{effect}", self.run, self.task)
    }

    /// The place of an effect among the spans of its run: what the tool's own spans hang below.
    fn effect_span(&self, effect: u32) -> SpanPath {
        SpanPath::run(&self.run)
            .task(&self.task)
            .attempt(self.attempt)
            .effect(effect)
    }
}

impl Launch {
    /// What identifies the call: SHA-256 over tool, template, arguments, directory, standard input
    /// and the names of the environment, each with its length. Two attempts that ask for the same
    /// get the same, whatever the values of the environment are.
    #[must_use]
    pub fn call_digest(&self) -> Digest {
        let mut call = Parts(Sha256::new());
        call.add(CALL_FORMAT);
        call.add(self.tool.as_str().as_bytes());
        call.add(self.template.as_str().as_bytes());
        call.count(self.arguments.len());
        for argument in &self.arguments {
            call.add(argument.as_bytes());
        }
        match &self.directory {
            Directory::Workspace(path) => {
                call.add(b"workspace");
                call.add(path.as_str().as_bytes());
            }
            Directory::Fixed(path) => {
                call.add(b"fixed");
                call.add(path.as_os_str().as_encoded_bytes());
            }
        }
        match &self.stdin {
            Stdin::Empty => call.add(b"empty"),
            Stdin::Piped => call.add(b"piped"),
            Stdin::Bytes(bytes) => {
                call.add(b"bytes");
                call.add(bytes);
            }
            Stdin::File(path) => {
                call.add(b"file");
                call.add(path.as_str().as_bytes());
            }
        }
        let mut names: Vec<&str> = self.env_names().map(EnvName::as_str).collect();
        names.retain(|name| !TASK_NAMES.contains(name) && *name != SCRATCH_ENV);
        names.sort_unstable();
        names.dedup();
        call.count(names.len());
        for name in names {
            call.add(name.as_bytes());
        }
        Digest::from_bytes(call.0.finalize().into())
    }

    /// The same launch, with what the tool is told about its task.
    #[must_use]
    pub fn for_task(mut self, mark: &TaskMark, effect: u32) -> Self {
        let [run, task, attempt, fence, key, trace] = TASK_NAMES.map(EnvName::of_host);
        // No declaration can name these, so nothing is replaced; last is what counts.
        self.set_env.extend([
            (run, mark.run.clone()),
            (task, mark.task.clone()),
            (attempt, mark.attempt.to_string()),
            (fence, mark.fence.to_string()),
            (key, mark.effect_key(effect)),
            (trace, mark.effect_span(effect).traceparent()),
        ]);
        self
    }

    /// The names that the tool's declaration and the call add to its environment.
    pub fn env_names(&self) -> impl Iterator<Item = &EnvName> {
        self.pass_env
            .iter()
            .chain(self.set_env.iter().map(|(name, _)| name))
            .chain(self.secrets.iter().map(|(name, _)| name))
    }
}

/// Hashes parts so that no two lists of parts have the same bytes.
struct Parts(Sha256);

impl Parts {
    fn add(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_le_bytes());
    }
}

#[cfg(test)]
mod tests;
