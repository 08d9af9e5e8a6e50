//! What git says, as JSON.
//!
//! Never: a path that was cut at a space or a line's end; git ends each with a zero byte.

use serde_json::{Value, json};

/// Most entries of one answer.
const MOST: usize = 20_000;

/// `status --porcelain=v2 --branch -z`.
pub(crate) fn status(text: &str) -> Value {
    let mut branch = serde_json::Map::new();
    let mut entries = Vec::new();
    let mut records = text.split('\0').filter(|record| !record.is_empty());
    let mut left_out = 0_usize;
    while let Some(record) = records.next() {
        if let Some(header) = record.strip_prefix("# branch.") {
            if let Some((name, value)) = header.split_once(' ') {
                branch.insert(name.to_owned(), json!(value));
            }
            continue;
        }
        let from = record.starts_with("2 ").then(|| records.next()).flatten();
        if entries.len() == MOST {
            left_out += 1;
        } else if let Some(entry) = entry(record, from) {
            entries.push(entry);
        }
    }
    let clean = entries.is_empty();
    json!({ "branch": branch, "clean": clean, "entries": entries, "left_out": left_out })
}

fn entry(record: &str, from: Option<&str>) -> Option<Value> {
    // How many fields come before the path, which is the last and may hold spaces.
    let (kind, fields) = match record.split(' ').next()? {
        "1" => ("changed", 8),
        "2" => ("renamed", 9),
        "u" => ("unmerged", 10),
        "?" => ("untracked", 1),
        "!" => ("ignored", 1),
        _ => return None,
    };
    let mut parts = record.splitn(fields + 1, ' ').skip(1);
    let states = (fields > 1).then(|| parts.next()).flatten();
    let state = |at: usize| states.and_then(|states| states.get(at..=at));
    let path = record.splitn(fields + 1, ' ').last()?;
    Some(json!({
        "kind": kind,
        "path": path,
        "from": from,
        "staged": state(0),
        "unstaged": state(1),
    }))
}

/// `log -z --format=%H%x1f%an%x1f%ae%x1f%aI%x1f%s`.
pub(crate) fn log(text: &str) -> Value {
    let commits: Vec<Value> = text
        .split('\0')
        .filter_map(|record| {
            let mut fields = record.trim_end_matches('\n').splitn(5, '\u{1f}');
            let mut next = || fields.next();
            Some(json!({
                "commit": next()?,
                "author": next()?,
                "email": next()?,
                "date": next()?,
                "subject": next()?,
            }))
        })
        .take(MOST)
        .collect();
    json!({ "commits": commits })
}

/// `ls-files -z`.
pub(crate) fn files(text: &str) -> Value {
    let all = text.split('\0').filter(|path| !path.is_empty());
    let files: Vec<&str> = all.clone().take(MOST).collect();
    let left_out = all.count() - files.len();
    json!({ "files": files, "left_out": left_out })
}

/// `branch --format=%(HEAD)%(refname) %(objectname)`.
pub(crate) fn branches(text: &str) -> Value {
    let branches: Vec<Value> = text
        .lines()
        .filter_map(|line| {
            let current = line.starts_with('*');
            let (name, commit) = line.get(1..)?.rsplit_once(' ')?;
            Some(json!({ "name": name, "commit": commit, "current": current }))
        })
        .take(MOST)
        .collect();
    json!({ "branches": branches })
}
