//! SARIF 2.1.0 (OASIS), the form that linters share.
//!
//! Read: `runs[].tool.driver`, `runs[].results[]` with rule, level, message and the first physical
//! location. Written: the same. Never: a file that a report refers to.

use serde_json::{Value, json};

use crate::findings::{Finding, Findings, Level};

/// Largest report: ten thousand findings with their rules' texts.
pub const MOST_BYTES: usize = 16 << 20;
/// Longest percent-encoded path that is decoded.
const MOST_PATH: usize = 4_096;

/// Why a report was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SarifError {
    /// Larger than [`MOST_BYTES`].
    #[error("a report has at most {MOST_BYTES} bytes")]
    TooLarge,
    /// Not JSON; says where.
    #[error("not JSON: {0}")]
    Malformed(String),
    /// JSON, but not of SARIF 2.1.0.
    #[error("not SARIF 2.1.0: {0}")]
    Other(&'static str),
}

/// Reads a report.
///
/// # Errors
/// It is no such report, or too large.
pub fn read(bytes: &[u8]) -> Result<Findings, SarifError> {
    if bytes.len() > MOST_BYTES {
        return Err(SarifError::TooLarge);
    }
    let document: Value =
        serde_json::from_slice(bytes).map_err(|error| SarifError::Malformed(error.to_string()))?;
    if document.get("version").and_then(Value::as_str) != Some("2.1.0") {
        return Err(SarifError::Other("`version` is another"));
    }
    let runs = document
        .get("runs")
        .and_then(Value::as_array)
        .ok_or(SarifError::Other("has no `runs`"))?;
    let mut all = Findings::default();
    for run in runs {
        let driver = run.pointer("/tool/driver");
        let text = |name: &str| Some(driver?.get(name)?.as_str()?.to_owned());
        all.tool = all.tool.or_else(|| text("name"));
        all.version = all
            .version
            .or_else(|| text("version").or_else(|| text("semanticVersion")));
        // A run without results did not look; one with none found nothing.
        let Some(results) = run.get("results").and_then(Value::as_array) else {
            continue;
        };
        for result in results {
            all.add(finding(result, driver));
        }
    }
    Ok(all)
}

fn finding(result: &Value, driver: Option<&Value>) -> Finding {
    let text = |pointer: &str| Some(result.pointer(pointer)?.as_str()?.to_owned());
    let rule = text("/ruleId").or_else(|| text("/rule/id"));
    let place = "/locations/0/physicalLocation";
    let number = |name: &str| result.pointer(&format!("{place}/region/{name}"))?.as_u64();
    let level = text("/level")
        .or_else(|| default_level(driver?, rule.as_deref()?))
        .unwrap_or_else(|| "warning".to_owned());
    Finding {
        level: match level.as_str() {
            "error" => Level::Error,
            "note" => Level::Note,
            "none" => Level::None,
            _ => Level::Warning,
        },
        message: text("/message/text")
            .or_else(|| text("/message/markdown"))
            .unwrap_or_default(),
        file: text(&format!("{place}/artifactLocation/uri")).map(|uri| path(&uri)),
        line: number("startLine"),
        column: number("startColumn"),
        end_line: number("endLine"),
        end_column: number("endColumn"),
        rule,
    }
}

/// What a rule's own declaration says of its level.
fn default_level(driver: &Value, rule: &str) -> Option<String> {
    let rules = driver.get("rules")?.as_array()?;
    let found = rules
        .iter()
        .find(|one| one.get("id").and_then(Value::as_str) == Some(rule))?;
    let level = found.pointer("/defaultConfiguration/level")?.as_str()?;
    Some(level.to_owned())
}

/// The path of a URI: without `file://`, and with its `%xx` decoded where that makes text.
fn path(uri: &str) -> String {
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    if !path.contains('%') || path.len() > MOST_PATH {
        return path.to_owned();
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let decoded = hex
            .filter(|two| *first == b'%' && two.bytes().all(|one| one.is_ascii_hexdigit()))
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match decoded {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}

/// Writes a report.
#[must_use]
pub fn write(findings: &Findings) -> Value {
    let results: Vec<Value> = findings.findings.iter().map(result).collect();
    let rules: Vec<Value> = findings
        .rules
        .keys()
        .map(|rule| json!({ "id": rule }))
        .collect();
    let mut driver = json!({
        "name": findings.tool.as_deref().unwrap_or("unknown"),
        "rules": rules,
    });
    if let Some(version) = &findings.version
        && let Some(driver) = driver.as_object_mut()
    {
        driver.insert("version".to_owned(), json!(version));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "results": results }],
    })
}

fn result(finding: &Finding) -> Value {
    let mut result = serde_json::Map::new();
    if let Some(rule) = &finding.rule {
        result.insert("ruleId".to_owned(), json!(rule));
    }
    result.insert("level".to_owned(), json!(finding.level.word()));
    result.insert("message".to_owned(), json!({ "text": finding.message }));
    if let Some(file) = &finding.file {
        let mut region = serde_json::Map::new();
        for (name, number) in [
            ("startLine", finding.line),
            ("startColumn", finding.column),
            ("endLine", finding.end_line),
            ("endColumn", finding.end_column),
        ] {
            if let Some(number) = number {
                region.insert(name.to_owned(), json!(number));
            }
        }
        let mut place = json!({ "artifactLocation": { "uri": encode(file) } });
        if !region.is_empty()
            && let Some(place) = place.as_object_mut()
        {
            place.insert("region".to_owned(), Value::Object(region));
        }
        result.insert(
            "locations".to_owned(),
            json!([{ "physicalLocation": place }]),
        );
    }
    Value::Object(result)
}

/// A path as a relative reference: what a URI gives another meaning is encoded.
fn encode(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            other => uri += &format!("%{other:02X}"),
        }
    }
    uri
}
