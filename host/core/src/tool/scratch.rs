//! The scratch directory of an attempt, in what a tool is started with.
//!
//! Where that directory is differs from attempt to attempt, and is known only when a tool starts.
//! Until then [`PLACE`] stands for it, so that the same call has the same name in every attempt.
//!
//! Never: a place that is filled because a value of a plugin looks like [`PLACE`].

use super::environment::EnvName;
use super::launch::Launch;

/// Tells a tool where the scratch directory of the attempt is. Only the host sets it.
pub const SCRATCH_ENV: &str = "REMIT_SCRATCH";

/// Stands for the scratch directory in a template, and in a value that the owner sets.
pub const PLACE: &str = "{scratch}";

/// Longest name of a file or directory in bytes: what file systems take.
const MAX_FILE_NAME: usize = 255;

/// Whether a text names a file of the scratch directory: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}`
/// without `..`, or two of these with one `/` between them: a file in a directory.
pub(super) fn is_file(text: &str) -> bool {
    let mut names = text.splitn(2, '/');
    names.all(|name| {
        (1..=MAX_FILE_NAME).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
            && !name.starts_with(['.', '-'])
            && !name.contains("..")
    })
}

/// Whether what follows [`PLACE`] names the directory itself or a file in it.
pub(super) fn follows_place(rest: &str) -> bool {
    rest.is_empty() || rest.strip_prefix('/').is_some_and(is_file)
}

/// Whether the path of the directory may follow this text in an argument.
pub(super) fn may_follow(prefix: &str) -> bool {
    !prefix.ends_with(['/', '.', '~'])
}

/// Where [`PLACE`] stands in an argument: the argument's index, and the byte at which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlaceAt {
    pub(crate) argument: usize,
    pub(crate) byte: usize,
}

impl Launch {
    /// Whether an argument or a variable names something in the scratch directory, so that the tool
    /// cannot do without one.
    #[must_use]
    pub fn needs_scratch(&self) -> bool {
        self.scratch.is_none() && !(self.scratch_args.is_empty() && self.scratch_env.is_empty())
    }

    /// The absolute path of the attempt's scratch directory, once it is known.
    #[must_use]
    pub fn scratch(&self) -> Option<&str> {
        self.scratch.as_deref()
    }

    /// The same launch for an attempt whose scratch directory is at this absolute path.
    #[must_use]
    pub fn in_scratch(mut self, directory: &str) -> Self {
        for at in std::mem::take(&mut self.scratch_args) {
            if let Some(argument) = self.arguments.get_mut(at.argument) {
                fill(argument, at.byte, directory);
            }
        }
        for index in std::mem::take(&mut self.scratch_env) {
            if let Some((_, value)) = self.set_env.get_mut(index) {
                fill(value, 0, directory);
            }
        }
        // No declaration can name it, so nothing is replaced.
        self.set_env
            .push((EnvName::of_host(SCRATCH_ENV), directory.to_owned()));
        self.scratch = Some(directory.to_owned());
        self
    }
}

/// Puts the directory where [`PLACE`] stands.
fn fill(text: &mut String, byte: usize, directory: &str) {
    let end = byte.saturating_add(PLACE.len());
    if text.get(byte..end) == Some(PLACE) {
        text.replace_range(byte..end, directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::decide;
    use crate::digest::Digest;
    use crate::manifest::Manifest;
    use crate::policy::{Origin, Policy};
    use crate::tool::{CallStdin, SlotValue, ToolCall};

    const MANIFEST: &str = "format = 1\nid = \"mine\"\nversion = \"0.1.0\"\n\
        wit = \"remit:plugin@0.1.0\"\ntitle = \"Test\"\n[[run]]\ntool = \"t\"\nreason = \"r\"\n";

    /// What a tool is started with, for this template and this value of the slot `f`.
    fn launch(template: &str, set: &str, value: &str) -> Launch {
        let policy = format!(
            "format = 1\n[tools.t]\nprogram = \"/t\"\ntemplates = {{ go = [{template}] }}\n\
             run = {{ set = {{ {set} }} }}\n[plugins.mine]\nrun = [\"t\"]\n"
        );
        let policy = Policy::parse(Origin::File("p".to_owned()), &policy).unwrap();
        let manifest = Manifest::parse("m", MANIFEST).unwrap();
        let grants = decide(&manifest, &policy, &Digest::of(b"c")).unwrap();
        let call = ToolCall {
            tool: "t".to_owned(),
            template: "go".to_owned(),
            slots: vec![("f".to_owned(), SlotValue::One(value.to_owned()))],
            env: Vec::new(),
            cwd: None,
            stdin: CallStdin::Empty,
            timeout: None,
            idle: None,
        };
        grants.launch(&call).unwrap()
    }

    #[test]
    fn a_launch_gets_the_directory_of_its_attempt_and_keeps_its_name() {
        let template =
            "\"-m={f:scratch}\", \"{scratch}\", \"x:{scratch}/log.jsonl\", \"{{scratch}}\"";
        let set = "A = \"{scratch}/a\", B = \"x{scratch}\", C = \"{scratch}\"";
        let unplaced = launch(template, set, "prompt.md");
        assert!(unplaced.needs_scratch());
        assert_eq!(unplaced.scratch(), None);
        let (first, second) = (
            unplaced.clone().in_scratch("/tmp/1"),
            unplaced.clone().in_scratch("/tmp/2"),
        );
        assert_eq!(
            first.arguments(),
            [
                "-m=/tmp/1/prompt.md",
                "/tmp/1",
                "x:/tmp/1/log.jsonl",
                "{scratch}"
            ]
        );
        let told: Vec<String> = first
            .set_env()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            told,
            [
                "A=/tmp/1/a",
                "B=x{scratch}",
                "C=/tmp/1",
                "REMIT_SCRATCH=/tmp/1"
            ]
        );
        assert!(!first.needs_scratch());
        assert_eq!(second.scratch(), Some("/tmp/2"));
        // The ledger knows the call by what is the same in every attempt.
        assert_eq!(unplaced.call_digest(), unplaced.clone().call_digest());
        let other = launch(template, set, "other.md");
        assert_ne!(unplaced.call_digest(), other.call_digest());
    }

    #[test]
    fn a_value_of_a_plugin_that_looks_like_the_place_stays_what_it_is() {
        let launch = launch("\"--\", \"{f:text}\"", "", "{scratch}/x");
        assert!(!launch.needs_scratch());
        assert_eq!(
            launch.in_scratch("/tmp/1").arguments(),
            ["--", "{scratch}/x"]
        );
    }

    #[test]
    fn a_file_of_the_scratch_directory_is_a_name_or_a_name_in_a_directory() {
        let long = "x".repeat(MAX_FILE_NAME);
        for text in ["a", "prompt.md", "_x", "0", "logs/run-1.jsonl", &long] {
            assert!(is_file(text), "{text:?}");
        }
        let longer = "x".repeat(MAX_FILE_NAME + 1);
        for text in [
            "", ".", "..", "/", "/a", "a/", "a//b", "a/b/c", "../a", "a/..", "a/../b", ".a", "-a",
            "a/.b", "a/-b", "a..b", "a b", "a\n", "a\0", "ä", "~", "a:b", &longer,
        ] {
            assert!(!is_file(text), "{text:?}");
        }
    }

    #[test]
    fn only_the_noted_place_is_filled() {
        let mut text = "--x={scratch}/{scratch}".to_owned();
        fill(&mut text, 4, "/s");
        assert_eq!(text, "--x=/s/{scratch}");
        fill(&mut text, 0, "/t");
        assert_eq!(text, "--x=/s/{scratch}");
    }
}
