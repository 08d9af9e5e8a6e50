//! Which known word was probably meant.
//!
//! Never: a suggestion so far off that it would mislead.

/// Most letters that may differ: one for short words, up to three for long ones.
fn tolerance(word: &str) -> usize {
    (word.chars().count() / 3).clamp(1, 3)
}

/// The known word that is nearest to what was written, if one is near enough.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerance(word))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other
/// (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    // The row before `above`, and the letter that belongs to it: for swaps.
    let mut before: Option<(Vec<usize>, char)> = None;
    for (index, letter) in from.chars().enumerate() {
        let mut row = vec![index + 1];
        for (column, other) in to.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let insert_or_delete = at(&row, column).min(at(&above, column + 1)) + 1;
            let replace = at(&above, column) + usize::from(letter != *other);
            let mut best = insert_or_delete.min(replace);
            if let (Some((earlier, previous)), Some(left)) = (&before, column.checked_sub(1))
                && *previous == *other
                && to.get(left) == Some(&letter)
            {
                best = best.min(at(earlier, left) + 1);
            }
            row.push(best);
        }
        before = Some((above, letter));
        above = row;
    }
    above.last().copied().unwrap_or(0)
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
            ("wirte", "write", 1),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["read", "write", "deny-write"];
        for (word, expected) in [
            ("raed", Some("read")),
            ("reed", Some("read")),
            ("deny-wirte", Some("deny-write")),
            ("deny_write", Some("deny-write")),
            ("xyz", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
        }
    }
}
