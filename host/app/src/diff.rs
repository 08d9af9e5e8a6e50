//! The difference between two texts, line by line, in the form that `patch` reads.
//!
//! Never: a text that is not shown as it is. Whoever prints it takes care of control characters.

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// Largest table for the longest common sequence, in cells. Above it the changed middle is shown
/// as replaced: right, only not minimal. A policy is far below.
const MAX_CELLS: usize = 4_000_000;

/// One line of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// A unified diff; empty if the texts are the same.
pub(crate) fn unified(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let lines = lines(old, new);
    let mut text = format!("--- {old_name}\n+++ {new_name}\n");
    let changed = |line: &Line<'_>| !matches!(line, Line::Same(_));
    let mut from = 0;
    while let Some(first) = lines.iter().skip(from).position(changed) {
        let first = from + first;
        // A hunk goes on as long as the next change is nearer than two contexts.
        let mut last = first;
        while let Some(next) = lines.iter().skip(last + 1).position(changed)
            && next <= 2 * CONTEXT
        {
            last += 1 + next;
        }
        let start = first.saturating_sub(CONTEXT).max(from);
        let end = (last + CONTEXT + 1).min(lines.len());
        hunk(&mut text, &lines, start, end);
        from = end;
    }
    text
}

fn hunk(text: &mut String, lines: &[Line<'_>], start: usize, end: usize) {
    let (head, rest) = lines.split_at(start);
    let shown = rest.get(..end - start).unwrap_or(rest);
    let olds = |lines: &[Line<'_>]| {
        lines
            .iter()
            .filter(|line| !matches!(line, Line::New(_)))
            .count()
    };
    let news = |lines: &[Line<'_>]| {
        lines
            .iter()
            .filter(|line| !matches!(line, Line::Gone(_)))
            .count()
    };
    let place = |before: usize, count: usize| {
        let first = if count == 0 { before } else { before + 1 };
        format!("{first},{count}")
    };
    let old = place(olds(head), olds(shown));
    let new = place(news(head), news(shown));
    text.push_str(&format!("@@ -{old} +{new} @@\n"));
    for line in shown {
        let (mark, content) = match line {
            Line::Same(content) => (' ', content),
            Line::Gone(content) => ('-', content),
            Line::New(content) => ('+', content),
        };
        text.push(mark);
        text.push_str(content);
        if !content.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// Every line of both texts: what is common once, the rest from one of them.
fn lines<'a>(old: &'a str, new: &'a str) -> Vec<Line<'a>> {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (first, old) = old.split_at(head);
    let new = new.get(head..).unwrap_or_default();
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old, last) = old.split_at(old.len() - tail);
    let new = new.get(..new.len() - tail).unwrap_or_default();
    let mut lines: Vec<Line<'a>> = first.iter().map(|line| Line::Same(line)).collect();
    lines.extend(middle(old, new));
    lines.extend(last.iter().map(|line| Line::Same(line)));
    lines
}

/// The part in which the texts differ, by the longest common sequence of its lines.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > MAX_CELLS {
        let gone = old.iter().map(|line| Line::Gone(line));
        return gone.chain(new.iter().map(|line| Line::New(line))).collect();
    }
    // For each pair of rests, how long their common sequence is.
    let mut common = vec![0_u32; (old.len() + 1) * width];
    let at = |table: &[u32], i: usize, j: usize| table.get(i * width + j).copied().unwrap_or(0);
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let length = if a == b {
                at(&common, i + 1, j + 1) + 1
            } else {
                at(&common, i + 1, j).max(at(&common, i, j + 1))
            };
            if let Some(cell) = common.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => {
                lines.push(Line::Same(a));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), b) if b.is_none() || at(&common, i + 1, j) >= at(&common, i, j + 1) => {
                lines.push(Line::Gone(a));
                i += 1;
            }
            (_, Some(b)) => {
                lines.push(Line::New(b));
                j += 1;
            }
            (_, None) => return lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> String {
        let text = unified("old", "new", old, new);
        text.strip_prefix("--- old\n+++ new\n")
            .unwrap_or(&text)
            .to_owned()
    }

    #[test]
    fn changes_are_shown_with_what_is_around_them() {
        assert_eq!(diff("a\n", "a\n"), "");
        assert_eq!(diff("", "a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b\n");
        assert_eq!(diff("a\nb\n", ""), "@@ -1,2 +0,0 @@\n-a\n-b\n");
        assert_eq!(
            diff("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nx\n5\n6\n"),
            "@@ -2,5 +2,6 @@\n 2\n 3\n 4\n+x\n 5\n 6\n"
        );
        assert_eq!(
            diff("a\nb\nc\n", "a\nB\nc\n"),
            "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
        );
        assert_eq!(
            diff("a", "a\n"),
            "@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n"
        );
    }

    #[test]
    fn far_changes_are_shown_apart() {
        let old: String = (0..30).map(|number| format!("{number}\n")).collect();
        let new = old.replace("3\n4\n", "3\nx\n4\n").replace("25\n", "y\n");
        let text = diff(&old, &new);
        assert_eq!(text.matches("@@ -").count(), 2, "{text}");
        assert!(
            text.contains("+x\n 4\n 5\n 6\n@@ -23,7 +24,7 @@\n 22\n"),
            "{text}"
        );
        let near = old
            .replace("3\n4\n", "3\nx\n4\n")
            .replace("9\n10\n", "9\nz\n10\n");
        assert_eq!(diff(&old, &near).matches("@@ -").count(), 1);
    }

    #[test]
    fn texts_that_are_too_large_for_the_table_are_still_right() {
        let old = "o\n".repeat(3000);
        let new = "n\n".repeat(3000);
        let text = diff(&old, &new);
        assert_eq!(
            text.matches("\n-o").count() + text.matches("\n+n").count(),
            6000
        );
    }
}
