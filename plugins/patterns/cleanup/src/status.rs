//! What `git status --porcelain=v2 -z` says of a tree.
//!
//! Never: a path that was cut at a space.

/// Directories that the host makes for itself; they are nobody's work.
const HOSTS: [&str; 2] = [".state/", ".ledger/"];

/// The paths that are not committed.
pub(crate) fn dirty(text: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut records = text.split('\0').filter(|record| !record.is_empty());
    while let Some(record) = records.next() {
        // How many fields come before the path; it is the last one and may hold spaces.
        let fields = match record.split(' ').next() {
            Some("#" | "!") | None => continue,
            Some("?") => 1,
            Some("1") => 8,
            Some("2") => 9,
            Some("u") => 10,
            Some(_) => 0,
        };
        let path = record.splitn(fields + 1, ' ').last().unwrap_or(record);
        if record.starts_with("2 ") {
            // The path that it had before.
            records.next();
        }
        if !HOSTS.iter().any(|host| path.starts_with(host)) {
            files.push(path.to_owned());
        }
    }
    files
}
