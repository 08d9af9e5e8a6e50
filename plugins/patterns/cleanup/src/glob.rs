//! Patterns of file names: `*` and `?` within a name, `**` across.
//!
//! Never: a pattern that takes longer than its length times the text's.

/// Whether a path matches. A pattern without `/` is held against the last name, any other against
/// the whole path.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let text = if pattern.contains('/') {
        path
    } else {
        path.rsplit('/').next().unwrap_or_default()
    };
    let tokens = tokens(pattern);
    let text: Vec<char> = text.chars().collect();
    // Which beginnings of the text the tokens so far can match.
    let mut reach = vec![false; text.len() + 1];
    if let Some(first) = reach.first_mut() {
        *first = true;
    }
    for token in tokens {
        reach = step(&token, &reach, &text);
    }
    reach.last().copied().unwrap_or_default()
}

enum Token {
    One(char),
    AnyOne,
    AnyName,
    AnyPath,
    /// `**/`: nothing, or whole directories.
    AnyDirectories,
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut all = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '*' if rest.starts_with("**/") => (Token::AnyDirectories, 3),
            '*' if rest.starts_with("**") => (Token::AnyPath, 2),
            '*' => (Token::AnyName, 1),
            '?' => (Token::AnyOne, 1),
            other => (Token::One(other), other.len_utf8()),
        };
        all.push(token);
        rest = rest.get(length..).unwrap_or_default();
    }
    all
}

fn step(token: &Token, reach: &[bool], text: &[char]) -> Vec<bool> {
    let mut next = vec![false; reach.len()];
    let mut open = false;
    for (at, reached) in reach.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        let came = at > 0 && reach.get(at - 1).copied().unwrap_or_default();
        let hit = match token {
            Token::One(one) => came && before == Some(one),
            Token::AnyOne => came && before.is_some_and(|one| *one != '/'),
            Token::AnyName => {
                open = *reached || (open && before != Some(&'/'));
                open
            }
            Token::AnyPath => {
                open |= *reached;
                open
            }
            Token::AnyDirectories => {
                let ends = open && before == Some(&'/');
                open |= *reached;
                *reached || ends
            }
        };
        if let Some(place) = next.get_mut(at) {
            *place = hit;
        }
    }
    next
}
