//! What ruff prints with `--output-format json`: one list of violations.
//!
//! Never: a violation made up for a member that is not one.

use serde::Deserialize;

use crate::findings::{Finding, Findings, Level};
use crate::sarif::{MOST_BYTES, SarifError};

#[derive(Deserialize)]
struct Violation {
    #[serde(default)]
    code: Option<String>,
    message: String,
    filename: String,
    #[serde(default)]
    location: Option<Place>,
    #[serde(default)]
    end_location: Option<Place>,
    #[serde(default)]
    severity: Option<String>,
}

#[derive(Deserialize)]
struct Place {
    row: u64,
    column: u64,
}

/// Reads a list of violations.
///
/// # Errors
/// It is no such list, or too large.
pub fn read(bytes: &[u8]) -> Result<Findings, SarifError> {
    if bytes.len() > MOST_BYTES {
        return Err(SarifError::TooLarge);
    }
    let listed: Vec<Violation> =
        serde_json::from_slice(bytes).map_err(|error| SarifError::Malformed(error.to_string()))?;
    let mut all = Findings {
        tool: Some("ruff".to_owned()),
        ..Findings::default()
    };
    for one in listed {
        all.add(Finding {
            rule: one.code,
            level: match one.severity.as_deref() {
                Some("warning") => Level::Warning,
                Some("info" | "note" | "help") => Level::Note,
                Some(_) | None => Level::Error,
            },
            message: one.message,
            file: Some(one.filename),
            line: one.location.as_ref().map(|place| place.row),
            column: one.location.as_ref().map(|place| place.column),
            end_line: one.end_location.as_ref().map(|place| place.row),
            end_column: one.end_location.as_ref().map(|place| place.column),
        });
    }
    Ok(all)
}
