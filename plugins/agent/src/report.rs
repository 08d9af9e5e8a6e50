//! The `details` of a report: what was claimed, what was observed, and what was made of it.
//!
//! Never: a value that is only in the log; whoever reads the report sees both sides.

use serde_json::{Value, json};

use crate::files::Changes;
use crate::observation::Observation;
use crate::verdict::{Ended, Judgement};

/// Most observed files that `details` names; the host's own event has all.
const MAX_OBSERVED: usize = 1_000;

/// The `details` object of an adapter's report.
#[must_use]
pub fn details(
    seen: &Observation,
    ended: Ended,
    changes: &Changes,
    judgement: &Judgement,
) -> Value {
    let observed: Option<Vec<&String>> = changes
        .files
        .as_ref()
        .map(|files| files.iter().take(MAX_OBSERVED).collect());
    let claims_success = seen
        .ends
        .last()
        .map(|end| end.kind == crate::EndKind::Completed);
    let mismatch = if judgement.mismatch.is_empty() {
        Value::Null
    } else {
        json!(judgement.mismatch)
    };
    json!({
        "verdict": judgement.verdict.word(),
        "reason": judgement.reason,
        "claimed": {
            "success": claims_success,
            "text": seen.text,
            "files": judgement.claimed_files,
        },
        "observed": { "files": observed },
        "mismatch": mismatch,
        "denials": seen.denials,
        "retries": seen.retries,
        "steps": seen.steps,
        "tool-errors": seen.tool_errors,
        "unknown-events": seen.unknown,
        "loose-lines": seen.loose_lines,
        "broken-lines": seen.broken_lines,
        "tokens": seen.tokens,
        "session": seen.session,
        "tool-version": seen.version,
        "exit": ended.to_string(),
    })
}
