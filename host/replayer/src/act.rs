//! What a stand-in does, step by step, and its form in bytes: a letter, a length, the data.
//!
//! Never: a form that a damaged play could make the program run beyond.

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Writes to standard output.
    Out(Vec<u8>),
    /// Writes to standard error.
    Err(Vec<u8>),
    /// Writes this so many times to standard output.
    Repeat(u64, Vec<u8>),
    /// Is silent for so many milliseconds.
    Pause(u64),
    /// Reads standard input to its end.
    ReadAll,
    /// Ignores every signal that can be ignored.
    IgnoreSignals,
    /// Leaves a child behind that holds the outputs open for so many milliseconds.
    Orphan(u64),
    /// Writes a file, relative to where it was started.
    Write(String, Vec<u8>),
    /// Ends itself with this signal.
    Signal(u8),
    /// Ends.
    Exit(u8),
}

/// Why there is no copy of the program with a play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlayError {
    /// The play is longer than its place.
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The bytes have no place for a play.
    NoPlace,
}

impl std::fmt::Display for PlayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(
                f,
                "the play has {bytes} bytes, the limit is {}; shorten the transcript",
                crate::CAPACITY
            ),
            Self::NoPlace => f.write_str("the program has no place for a play"),
        }
    }
}

impl std::error::Error for PlayError {}

/// The steps as bytes, with an end.
#[must_use]
pub fn encode(acts: &[Act]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for act in acts {
        let (letter, data) = match act {
            Act::Out(text) => (b'o', text.clone()),
            Act::Err(text) => (b'e', text.clone()),
            Act::Repeat(times, text) => (b'r', [&times.to_le_bytes(), text.as_slice()].concat()),
            Act::Pause(time) => (b'p', time.to_le_bytes().to_vec()),
            Act::ReadAll => (b'i', Vec::new()),
            Act::IgnoreSignals => (b'g', Vec::new()),
            Act::Orphan(time) => (b'c', time.to_le_bytes().to_vec()),
            Act::Write(path, text) => (b'w', [path.as_bytes(), &[0], text].concat()),
            Act::Signal(number) => (b's', vec![*number]),
            Act::Exit(code) => (b'x', vec![*code]),
        };
        bytes.push(letter);
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        bytes.extend(length.to_le_bytes());
        bytes.extend(data);
    }
    // The place behind the play is empty: no letter.
    bytes.push(0);
    bytes
}

/// The steps that bytes hold, up to the first thing that is none.
#[must_use]
pub fn decode(mut bytes: &[u8]) -> Vec<Act> {
    let mut acts = Vec::new();
    while let Some((letter, data, rest)) = next(bytes) {
        let Some(act) = act(letter, data) else { break };
        acts.push(act);
        bytes = rest;
    }
    acts
}

fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (letter, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (data, rest) = rest.split_at_checked(length)?;
    Some((*letter, data, rest))
}

fn act(letter: u8, data: &[u8]) -> Option<Act> {
    let number = || {
        let (first, _) = data.split_first_chunk::<8>()?;
        Some(u64::from_le_bytes(*first))
    };
    let one = || data.first().copied();
    match letter {
        b'o' => Some(Act::Out(data.to_vec())),
        b'e' => Some(Act::Err(data.to_vec())),
        b'r' => Some(Act::Repeat(number()?, data.get(8..)?.to_vec())),
        b'p' => number().map(Act::Pause),
        b'i' => Some(Act::ReadAll),
        b'g' => Some(Act::IgnoreSignals),
        b'c' => number().map(Act::Orphan),
        b'w' => {
            let end = data.iter().position(|byte| *byte == 0)?;
            let path = std::str::from_utf8(data.get(..end)?).ok()?;
            Some(Act::Write(path.to_owned(), data.get(end + 1..)?.to_vec()))
        }
        b's' => one().map(Act::Signal),
        b'x' => one().map(Act::Exit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_play_is_read_as_it_was_written() {
        let acts = [
            Act::IgnoreSignals,
            Act::Out(b"one\n\0\xff".to_vec()),
            Act::Err(Vec::new()),
            Act::Repeat(1 << 40, b"y\n".to_vec()),
            Act::Pause(7),
            Act::ReadAll,
            Act::Orphan(9),
            Act::Write("out/a".into(), b"\0x".to_vec()),
            Act::Signal(9),
            Act::Exit(255),
        ];
        let mut bytes = encode(&acts);
        bytes.extend([0; 100]);
        assert_eq!(decode(&bytes), acts);
    }

    #[test]
    fn a_damaged_play_ends_where_it_is_damaged() {
        let bytes = encode(&[Act::Out(b"one".to_vec()), Act::Exit(1)]);
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).len() <= 2);
        }
        assert_eq!(decode(b"o\xff\xff\xff\xffx"), []);
        assert_eq!(decode(b"?\0\0\0\0"), []);
    }
}
