//! Whether the routing covers the queue: the flag `ROUTING_COMPLETE`, computed.
//!
//! Reads only ids and tools out of the two files; their full import is not done here. Never: a task
//! that counts as routed because nobody could read its decision.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::excerpt::excerpt;

/// Largest `.state/*.json` that is read, in bytes: a queue of 100 000 tasks of 600 bytes.
pub const MAX_STATE_FILE: u64 = 64 << 20;

/// Most tasks that a message names.
const MAX_NAMED: usize = 5;

/// Why the routing is not complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRouted {
    /// A file is not JSON.
    #[error("`{file}` is not JSON: {reason}")]
    NotJson {
        /// Which file.
        file: &'static str,
        /// What the parser said, with line and column.
        reason: String,
    },
    /// A file has another shape.
    #[error("`{file}` has no {what}")]
    Shape {
        /// Which file.
        file: &'static str,
        /// What it should have.
        what: &'static str,
    },
    /// Tasks without a tool.
    #[error("{} of {total} tasks of the queue have no tool in `.state/routing_decisions.json`: {}",
        missing.len(), first(missing))]
    Missing {
        /// Their ids.
        missing: Vec<String>,
        /// How many tasks the queue has.
        total: usize,
    },
}

/// The first few, and how many more there are.
fn first(ids: &[String]) -> String {
    let mut shown: Vec<String> = ids.iter().take(MAX_NAMED).map(|id| excerpt(id)).collect();
    if ids.len() > MAX_NAMED {
        shown.push(format!("and {} more", ids.len() - MAX_NAMED));
    }
    shown.join(", ")
}

const QUEUE: &str = ".state/task_queue.json";
const DECISIONS: &str = ".state/routing_decisions.json";

/// Whether every task of the queue has a decision that names a tool.
///
/// The queue is a list of tasks or `{"tasks": […]}`; a task without `id` is `task-<n>`, its place
/// from 1. Decisions are `{"decisions": [{"task_id", "selected_tool"}]}` or the list alone.
///
/// # Errors
/// A text is not JSON, has another shape, or leaves tasks out.
pub fn is_routed(queue: &str, decisions: &str) -> Result<(), NotRouted> {
    let tasks = list(QUEUE, queue, "tasks", "list of tasks")?;
    let decisions = list(DECISIONS, decisions, "decisions", "list `decisions`")?;
    let text = |value: &Value, key: &str| {
        let found = value.get(key).and_then(Value::as_str);
        found.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let tools: BTreeMap<String, String> = decisions
        .iter()
        .filter_map(|decision| Some((text(decision, "task_id")?, text(decision, "selected_tool")?)))
        .collect();
    let ids: BTreeSet<String> = tasks
        .iter()
        .enumerate()
        .map(|(i, task)| {
            let named = text(task, "id").or_else(|| text(task, "task_id"));
            named.unwrap_or_else(|| format!("task-{}", i + 1))
        })
        .collect();
    let missing: Vec<String> = ids
        .iter()
        .filter(|id| !tools.contains_key(*id))
        .cloned()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(NotRouted::Missing {
        missing,
        total: ids.len(),
    })
}

/// A list, alone or under a key.
fn list(
    file: &'static str,
    text: &str,
    key: &str,
    what: &'static str,
) -> Result<Vec<Value>, NotRouted> {
    let value: Value = serde_json::from_str(text).map_err(|error| NotRouted::NotJson {
        file,
        reason: error.to_string(),
    })?;
    let list = value.as_array().or_else(|| value.get(key)?.as_array());
    list.cloned().ok_or(NotRouted::Shape { file, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"{"tasks": [{"id": "a"}, {"action": "x"}]}"#;

    #[test]
    fn both_shapes_of_the_queue_are_read() {
        let decisions = r#"{"run_id": "r", "decisions": [
            {"task_id": "a", "selected_tool": "aider"}, {"task_id": "task-2", "selected_tool": "x"}]}"#;
        assert_eq!(is_routed(TWO, decisions), Ok(()));
        assert_eq!(is_routed(r#"[{"id": "a"}, {}]"#, decisions), Ok(()));
        // The import takes both names of the name.
        assert_eq!(is_routed(r#"[{"task_id": "a"}, {}]"#, decisions), Ok(()));
        assert_eq!(is_routed("[]", "[]"), Ok(()));
    }

    #[test]
    fn a_task_without_a_tool_is_named() {
        for decisions in [
            r#"[{"task_id": "a", "selected_tool": "x"}]"#,
            r#"[{"task_id": "a", "selected_tool": "x"}, {"task_id": "task-2", "selected_tool": ""}]"#,
            r#"[{"task_id": "a", "selected_tool": "x"}, {"task_id": "task-2"}, 7]"#,
        ] {
            let error = is_routed(TWO, decisions).unwrap_err().to_string();
            assert!(error.starts_with("1 of 2 tasks"), "{error}");
            assert!(error.ends_with("task-2"), "{error}");
        }
    }

    #[test]
    fn files_of_another_shape_are_named() {
        for (queue, decisions, want) in [
            ("{", "[]", "task_queue.json` is not JSON"),
            ("[]", "", "routing_decisions.json` is not JSON"),
            ("7", "[]", "task_queue.json` has no list of tasks"),
            (
                "[]",
                r#"{"decisions": {}}"#,
                "routing_decisions.json` has no list",
            ),
        ] {
            let error = is_routed(queue, decisions).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
