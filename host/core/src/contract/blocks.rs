//! Blocks in prose: lines `key:` with the `- items`, values and further keys that are indented
//! below them, wherever in a text they stand.
//!
//! It is not YAML: around the blocks stands a document for people, and what is no block is none of
//! our business. Never: a line inside of a code fence, which is an example; a failure. What looks
//! wrong is kept as [`Block::odd`], for whoever knows what the key means.

use std::ops::Range;

/// How deep keys may stand below each other. The contracts of this form have two levels; what is
/// deeper is prose.
const MAX_DEPTH: usize = 8;

/// A text with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) text: String,
    /// Bytes of the file; of the first line, if it goes over several.
    pub(super) at: Range<usize>,
    /// Line of the file, from 1.
    pub(super) line: usize,
}

/// A key with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) key: String,
    pub(super) at: Range<usize>,
    pub(super) line: usize,
    /// What stands behind the colon.
    pub(super) value: Option<Placed>,
    pub(super) items: Vec<Placed>,
    pub(super) children: Vec<Block>,
    /// Lines below the key that are neither an item nor a key.
    pub(super) odd: Vec<Range<usize>>,
    indent: usize,
    item_indent: Option<usize>,
}

/// One line of the text.
struct Line<'a> {
    number: usize,
    /// Where it begins without its indentation.
    start: usize,
    indent: usize,
    text: &'a str,
}

impl Line<'_> {
    fn at(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// A part of the line, which begins `skip` bytes after its indentation.
    fn placed(&self, skip: usize) -> Placed {
        let rest = self.text.get(skip..).unwrap_or_default();
        let start = self.start + skip + (rest.len() - rest.trim_start().len());
        let text = rest.trim();
        Placed {
            text: text.to_owned(),
            at: start..start + text.len(),
            line: self.number,
        }
    }

    /// The key of a line `key:` or `key: value`.
    fn key(&self) -> Option<&str> {
        let (key, rest) = self.text.split_once(':')?;
        let is_word = key.starts_with(|c: char| c.is_ascii_lowercase())
            && key
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        (is_word && (rest.is_empty() || rest.starts_with([' ', '\t']))).then_some(key)
    }

    fn is_item(&self) -> bool {
        let mut characters = self.text.chars();
        matches!(characters.next(), Some('-' | '*' | '+'))
            && characters.next().is_none_or(char::is_whitespace)
    }

    /// The mark and the length of a code fence (CommonMark 4.5), and whether nothing follows it.
    fn fence(&self) -> Option<(char, usize, bool)> {
        let mark = self
            .text
            .chars()
            .next()
            .filter(|c| matches!(c, '`' | '~'))?;
        let rest = self.text.trim_start_matches(mark);
        let length = self.text.len() - rest.len();
        // "```x```" is code within a line.
        let is_fence = length >= 3 && !(mark == '`' && rest.contains('`'));
        is_fence.then_some((mark, length, rest.trim().is_empty()))
    }
}

/// The lines of a text, without their ends.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut offset = 0;
    text.split_inclusive('\n')
        .enumerate()
        .map(move |(i, whole)| {
            let here = offset;
            offset += whole.len();
            let body = whole.trim_end();
            let text = body.trim_start();
            Line {
                number: i + 1,
                start: here + (body.len() - text.len()),
                // A tab counts as one column: nobody mixes them within a block.
                indent: body.len() - text.len(),
                text,
            }
        })
}

/// Which lines stand inside of a code fence.
#[derive(Default)]
struct Fences(Option<(char, usize)>);

impl Fences {
    /// Whether a line, which follows those before, is code or a fence.
    fn hold(&mut self, line: &Line<'_>) -> bool {
        match (self.0, line.fence()) {
            (None, None) => return false,
            (None, Some((mark, length, _))) => self.0 = Some((mark, length)),
            (Some((open, least)), Some((mark, length, alone))) => {
                if mark == open && length >= least && alone {
                    self.0 = None;
                }
            }
            (Some(_), None) => {}
        }
        true
    }
}

/// Every block of a text, in order.
pub(super) fn read(text: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    let mut fences = Fences::default();
    for line in lines(text) {
        if fences.hold(&line) {
            reader.close_all();
        } else {
            reader.take(&line);
        }
    }
    reader.close_all();
    reader.roots
}

/// The first heading of the first level outside of code fences, and where it stands; empty and at
/// the beginning if there is none.
pub(super) fn title(text: &str) -> Placed {
    let mut fences = Fences::default();
    let found = lines(text)
        .filter(|line| !fences.hold(line))
        .find(|line| line.text.trim_start_matches('\u{feff}').starts_with("# "));
    found.map_or_else(
        || Placed {
            text: String::new(),
            at: 0..0,
            line: 1,
        },
        |line| line.placed(line.text.find("# ").unwrap_or(0) + 2),
    )
}

/// The blocks that are open, outermost first, and those that are done.
#[derive(Default)]
struct Reader {
    open: Vec<Block>,
    roots: Vec<Block>,
    /// Whether the line before was blank.
    after_blank: bool,
}

impl Reader {
    fn take(&mut self, line: &Line<'_>) {
        if line.text.is_empty() {
            self.after_blank = true;
            return;
        }
        let after_blank = std::mem::take(&mut self.after_blank);
        if line.is_item() {
            self.item(line, after_blank);
        } else if let Some(key) = line.key() {
            self.key(line, key);
        } else {
            self.other(line);
        }
    }

    /// An item belongs to the innermost key that is indented less, or as much and not apart.
    fn item(&mut self, line: &Line<'_>, after_blank: bool) {
        while let Some(top) = self.open.last() {
            let as_much = line.indent == top.indent && !after_blank;
            if line.indent > top.indent || as_much {
                break;
            }
            self.close();
        }
        if let Some(top) = self.open.last_mut() {
            top.item_indent = Some(line.indent);
            let item = line.placed(1);
            if item.text.is_empty() {
                top.odd.push(line.at());
            } else {
                top.items.push(item);
            }
        }
    }

    fn key(&mut self, line: &Line<'_>, key: &str) {
        self.close_from(line.indent);
        if self.open.len() >= MAX_DEPTH {
            return self.other(line);
        }
        let value = line.placed(key.len() + 1);
        self.open.push(Block {
            key: key.to_owned(),
            at: line.start..line.start + key.len(),
            line: line.number,
            value: (!value.text.is_empty()).then_some(value),
            items: Vec::new(),
            children: Vec::new(),
            odd: Vec::new(),
            indent: line.indent,
            item_indent: None,
        });
    }

    /// Prose ends the blocks that it is not indented below; deeper than an item it is the item's
    /// next line, else it is odd.
    fn other(&mut self, line: &Line<'_>) {
        self.close_from(line.indent);
        let Some(top) = self.open.last_mut() else {
            return;
        };
        let deeper = top.item_indent.is_some_and(|indent| line.indent > indent);
        match top.items.last_mut() {
            Some(item) if deeper => {
                item.text.push(' ');
                item.text.push_str(line.text);
            }
            Some(_) | None => top.odd.push(line.at()),
        }
    }

    /// Closes every block that is not indented less than this.
    fn close_from(&mut self, indent: usize) {
        while self.open.last().is_some_and(|top| top.indent >= indent) {
            self.close();
        }
    }

    fn close_all(&mut self) {
        self.close_from(0);
        self.after_blank = false;
    }

    fn close(&mut self) {
        if let Some(block) = self.open.pop() {
            match self.open.last_mut() {
                Some(above) => above.children.push(block),
                None => self.roots.push(block),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks in one line: `key=value[item,item]{child}`.
    fn shape(blocks: &[Block]) -> String {
        let one = |block: &Block| {
            let value = block.value.as_ref().map(|v| format!("={}", v.text));
            let items: Vec<&str> = block.items.iter().map(|item| item.text.as_str()).collect();
            let items = (!items.is_empty()).then(|| format!("[{}]", items.join(",")));
            let odd = (!block.odd.is_empty()).then(|| format!("?{}", block.odd.len()));
            let below =
                (!block.children.is_empty()).then(|| format!("{{{}}}", shape(&block.children)));
            let parts = [value, items, odd, below].into_iter().flatten();
            format!("{}{}", block.key, parts.collect::<String>())
        };
        blocks.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn blocks_are_found_between_prose() {
        for (text, want) in [
            ("prose\na:\n  - x\n  - y (z)\n\n## H\n- no\n", "a[x,y (z)]"),
            ("a:\n  b:\n    - x\n  c: 1\nd:\n- y\n", "a{b[x] c=1} d[y]"),
            ("a:\n- x\n\n- prose\n", "a[x]"),
            ("a:\n  - x\n\n  - y\n", "a[x,y]"),
            ("a:\r\n\t- x\r\n", "a[x]"),
            ("a:\n  - long\n    goes on\n  - y\n", "a[long goes on,y]"),
            ("a:\n  1. x\n  - y\n  z\n", "a[y]?2"),
            ("```\na:\n  - x\n```\nb:\n  - y\n", "b[y]"),
            ("a:\n~~~~ yaml\n  - x\n~~~\n```\n~~~~\n  - y\n", "a"),
            ("```\na:\n", ""),
            ("```code``` in a line\na:\n  - x\n", "a[x]"),
            ("Not a: key\nno-key:\nKEY:\nhttp://x\n- a: item\n", ""),
            ("  deep:\n    - x\nnext:\n", "deep[x] next"),
            ("a:\n  -\n", "a?1"),
            ("", ""),
        ] {
            assert_eq!(shape(&read(text)), want, "{text:?}");
        }
    }

    #[test]
    fn the_title_is_the_first_heading_that_is_no_code() {
        for (text, want) in [
            ("## A\n# Phase 5 \n# B\n", "Phase 5"),
            ("```sh\n# no\n```\n# yes\n", "yes"),
            ("\u{feff}# first\n", "first"),
            ("none\n", ""),
        ] {
            assert_eq!(title(text).text, want, "{text:?}");
        }
    }

    #[test]
    fn places_are_those_of_the_file() {
        let text = "ü\n  a: v \n    - x y\n";
        let blocks = read(text);
        let block = blocks.first().unwrap();
        assert_eq!((&text[block.at.clone()], block.line), ("a", 2));
        let value = block.value.as_ref().unwrap();
        assert_eq!(&text[value.at.clone()], "v");
        let item = block.items.first().unwrap();
        assert_eq!((&text[item.at.clone()], item.line), ("x y", 3));
    }

    #[test]
    fn keys_without_end_below_each_other_are_prose() {
        let text: String = (0..40)
            .map(|i| format!("{}k{i}:\n", " ".repeat(i)))
            .collect();
        let mut depth = 0;
        let mut level = read(&text);
        while let Some(block) = level.pop() {
            depth += 1;
            level = block.children;
        }
        assert_eq!(depth, MAX_DEPTH);
    }
}
