//! From bytes as they come to whole lines.
//!
//! Never: more than one line held, or a line longer than [`MAX_LINE`]: the rest of it is dropped
//! and counted.

/// Longest line in bytes. Agents put a whole file, and its difference, into one line; 4 MiB is far
/// more than they edit, and small beside the memory that an adapter has.
pub const MAX_LINE: usize = 4 << 20;

/// Splits a stream into lines, however its bytes are cut up on the way.
#[derive(Debug, Default)]
pub struct Lines {
    held: Vec<u8>,
    cut: bool,
    cut_lines: u32,
}

impl Lines {
    /// Takes the next bytes and hands on each line that is complete, without its end. What is not
    /// UTF-8 is replaced.
    pub fn feed(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(&str)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.hold(line);
            self.hand_on(each);
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.hold(bytes);
    }

    /// The stream is over: what is left is the last line, complete or not.
    pub fn finish(&mut self, each: &mut dyn FnMut(&str)) {
        if !self.held.is_empty() {
            self.hand_on(each);
        }
    }

    /// How many lines were longer than [`MAX_LINE`].
    #[must_use]
    pub fn cut_lines(&self) -> u32 {
        self.cut_lines
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.held.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.cut |= kept.len() < bytes.len();
        self.held.extend_from_slice(kept);
    }

    fn hand_on(&mut self, each: &mut dyn FnMut(&str)) {
        if std::mem::take(&mut self.cut) {
            self.cut_lines = self.cut_lines.saturating_add(1);
        }
        let line = self.held.strip_suffix(b"\r").unwrap_or(&self.held);
        each(&String::from_utf8_lossy(line));
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(parts: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for part in parts {
            lines.feed(part, &mut |line| found.push(line.to_owned()));
        }
        lines.finish(&mut |line| found.push(line.to_owned()));
        found
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_come() {
        assert_eq!(all(&[b"a\nb\r\n\nc"]), ["a", "b", "", "c"]);
        assert_eq!(all(&[b"a", b"\nb\r", b"\n\n", b"c"]), ["a", "b", "", "c"]);
        assert_eq!(all(&[b"\xc3", b"\xa9\xff\n"]), ["\u{e9}\u{fffd}"]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_counted() {
        let mut lines = Lines::default();
        let mut longest = 0;
        let part = vec![b'x'; 1 << 20];
        for _ in 0..6 {
            lines.feed(&part, &mut |_| {});
        }
        lines.feed(b"\nnext\n", &mut |line| longest = longest.max(line.len()));
        assert_eq!(longest, MAX_LINE);
        assert_eq!(lines.cut_lines(), 1);
    }
}
