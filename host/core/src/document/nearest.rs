//! Which known word was probably meant.
//!
//! Never: a suggestion so far off that it would mislead.

/// Most letters that may differ: one for short words, up to three for long ones.
fn tolerance(word: &str) -> usize {
    (word.chars().count() / 3).clamp(1, 3)
}

/// The known word that is nearest to what was written, if one is near enough.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerance(word))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance: insertions, deletions and replacements that turn one into the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(above + 1);
        let mut left = above + 1;
        for ((other, up), diagonal) in to.iter().zip(row.iter().skip(1)).zip(row.iter()) {
            left = (left + 1)
                .min(up + 1)
                .min(diagonal + usize::from(letter != *other));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("kitten", "sitting", 3),
            ("wirte", "write", 2),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["read", "write", "deny-write"];
        for (word, expected) in [
            ("raed", None),
            ("reed", Some("read")),
            ("deny-wirte", Some("deny-write")),
            ("deny_write", Some("deny-write")),
            ("xyz", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
        }
    }
}
