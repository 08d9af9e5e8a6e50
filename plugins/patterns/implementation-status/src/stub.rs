//! Whether a program is only the place for one.
//!
//! Never: a guess. A stub says so itself, or holds nothing that could run.

/// Words with which people leave work for later, one a line. A file of its own: in a source they would
/// say that something is left to do there.
const WORDS: &str = include_str!("../names/later.txt");
/// Calls that end a program because it was never written.
const CALLS: [&str; 4] = [
    "NotImplementedError",
    "NotImplementedException",
    "todo!(",
    "unimplemented!(",
];
/// How many characters of a line are quoted.
const QUOTED: usize = 120;

/// Why a program is a stub.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Stub {
    /// The line that says so, from 1; 0 if it is the whole file.
    pub(crate) line: usize,
    /// What it says.
    pub(crate) why: String,
}

/// The words with which people leave work for later.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    WORDS.lines().filter(|word| !word.is_empty())
}

/// Looks at the text of a program.
pub(crate) fn find(text: &str) -> Option<Stub> {
    for (index, line) in text.lines().enumerate() {
        let said = words().any(|word| has_word(line, word))
            || CALLS.iter().any(|call| line.contains(call));
        if said {
            return Some(Stub {
                line: index + 1,
                why: line.trim().chars().take(QUOTED).collect(),
            });
        }
    }
    let empty = text.lines().all(|line| {
        let line = line.trim().trim_start_matches('\u{feff}');
        line.is_empty() || line.starts_with('#') || line.starts_with("//")
    });
    empty.then(|| Stub {
        line: 0,
        why: "nothing but comments".to_owned(),
    })
}

/// Whether a line has a word that is not part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let part = |one: Option<char>| one.is_some_and(|one| one.is_alphanumeric() || one == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !part(before) && !part(after)
    })
}
