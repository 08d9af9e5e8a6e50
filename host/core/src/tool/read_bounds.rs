//! Reads what bounds a tool from `[tools.X.run]`: resources, what it needs outside of the
//! workspace, the settings that it may change, its secrets.
//!
//! Never: a value of a secret; only where it is.

use std::time::Duration;

use super::EnvName;
use super::bounds::{
    DEFAULT_FILE, DEFAULT_MEMORY, DEFAULT_PROCESSES, DEFAULT_SCRATCH, Resources, RuntimePath,
    SecretSource,
};
use super::declaration::MAX_TOOL_TIME;
use super::read::report;
use crate::document::{Section, Spanned};
use crate::path::RelPath;
use crate::quantity::{ByteSize, TimeSpan};

/// Most processes that a declaration can ask for: what more do is no tool's work.
const MAX_PROCESSES: i64 = 65_536;

/// Most paths in one list: what needs more is better declared with the directory above.
const MAX_PATHS: usize = 64;

/// The resources of a tool that declares none. Each of its processes may compute as long as many
/// cores can within the time of the whole.
pub(super) fn default_resources(wall: Duration) -> Resources {
    let cpu = wall.saturating_mul(CORES).min(MAX_TOOL_TIME.get());
    Resources {
        processes: DEFAULT_PROCESSES,
        file: DEFAULT_FILE,
        memory: DEFAULT_MEMORY,
        cpu: TimeSpan::milliseconds(u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX)),
        scratch: DEFAULT_SCRATCH,
    }
}

/// Cores that one process is expected to use at most, for the default of its processor time.
const CORES: u32 = 16;

pub(super) fn read_resources(run: &mut Section<'_>, wall: Duration) -> Resources {
    let defaults = default_resources(wall);
    Resources {
        processes: read_processes(run).unwrap_or(defaults.processes),
        file: read_size(run, "file-size").unwrap_or(defaults.file),
        memory: read_size(run, "memory").unwrap_or(defaults.memory),
        cpu: read_time(run, "cpu").unwrap_or(defaults.cpu),
        scratch: read_size(run, "scratch").unwrap_or(defaults.scratch),
    }
}

fn read_processes(run: &mut Section<'_>) -> Option<u64> {
    let count = run.integer("processes")?;
    match u64::try_from(count.value) {
        Ok(processes) if (1..=MAX_PROCESSES).contains(&count.value) => Some(processes),
        Ok(_) | Err(_) => {
            let message = format!("`processes` is {}", count.value);
            let help = format!("write a number from 1 to {MAX_PROCESSES}");
            run.problems()
                .report(&count.span, "bad-limit", message, help);
            None
        }
    }
}

fn read_size(run: &mut Section<'_>, key: &str) -> Option<ByteSize> {
    let size = run.parsed::<ByteSize>(key, "bad-size")?;
    if size.value.get() == 0 {
        let message = format!("`{key}` is 0");
        run.problems()
            .report(&size.span, "bad-limit", message, "write at least 1B");
        return None;
    }
    Some(size.value)
}

fn read_time(run: &mut Section<'_>, key: &str) -> Option<TimeSpan> {
    let span = run.parsed::<TimeSpan>(key, "bad-time")?;
    // The kernel counts whole seconds.
    let allowed = TimeSpan::seconds(1)..=MAX_TOOL_TIME;
    if !allowed.contains(&span.value) {
        let message = format!("`{key}` is {}", span.value);
        let help = format!("write a time from 1s to {MAX_TOOL_TIME}");
        run.problems().report(&span.span, "bad-time", message, help);
        return None;
    }
    Some(span.value)
}

pub(super) fn read_runtime(run: &mut Section<'_>) -> Vec<RuntimePath> {
    let paths = bounded(run, "runtime", "bad-runtime");
    paths.into_iter().map(|path| path.value).collect()
}

pub(super) fn read_settings(run: &mut Section<'_>) -> Vec<RelPath> {
    let paths = bounded(run, "writes-settings", "bad-path");
    paths.into_iter().map(|path| path.value).collect()
}

pub(super) fn read_hides(run: &mut Section<'_>) -> Vec<RelPath> {
    let paths = bounded::<RelPath>(run, "hides", "bad-path");
    if let Some(all) = paths.iter().find(|path| path.value.is_root()) {
        let message = "`hides` names the whole workspace";
        let help = "name files or directories of it; a tool sees nothing if its plugin may read \
                    nothing";
        let problems = run.problems();
        problems.report(&all.span, "bad-path", message, help);
    }
    paths.into_iter().map(|path| path.value).collect()
}

/// A list with an end.
fn bounded<T>(run: &mut Section<'_>, key: &str, code: &'static str) -> Vec<Spanned<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let mut list: Vec<Spanned<T>> = run.list(key, code);
    if let Some(first) = list.get(MAX_PATHS) {
        let message = format!("`{key}` has more than {MAX_PATHS} paths");
        run.problems().report(
            &first.span,
            "too-many-paths",
            message,
            "name the directories above them",
        );
        list.truncate(MAX_PATHS);
    }
    list
}

/// Names of secrets with where their values are.
pub(super) fn read_secrets(run: &mut Section<'_>) -> Vec<Spanned<(EnvName, SecretSource)>> {
    let problems = run.problems();
    let Some(mut table) = run.section("secret") else {
        return Vec::new();
    };
    let mut secrets = Vec::new();
    for key in table.keys() {
        let source = table.parsed::<SecretSource>(key.value, "bad-secret");
        let name = match key.value.parse::<EnvName>() {
            Ok(name) => name,
            Err(error) => {
                report(problems, &key.span, "bad-env-name", &error.to_string());
                continue;
            }
        };
        if let Some(message) = name.forbidden() {
            problems.report(&key.span, "dangerous-env", message, "remove it");
        } else if let Some(source) = source {
            secrets.push(Spanned {
                value: (name, source.value),
                span: key.span,
            });
        }
    }
    secrets
}
