//! Output on its way: made piece by piece, so that a gigabyte needs no gigabyte.
//!
//! Never: more than one piece in memory of a text that is repeated.

use bytes::Bytes;
use remit_core::scenario::Content;

use crate::material::Material;

/// Bytes of a repeated text that are put together once, and then handed on as they are: more than
/// anybody asks for at once in practice, so that a gigabyte is some thousand pieces.
const BLOCK: usize = 256 << 10;

/// What is left of one output.
#[derive(Debug)]
pub(crate) enum Flow {
    /// These bytes.
    Bytes(Bytes),
    /// A repeated text.
    Repeat {
        /// The text as often as fits into [`BLOCK`], at least once.
        block: Bytes,
        /// Bytes of the whole that were given already.
        done: u64,
        /// Bytes of the whole.
        all: u64,
    },
}

impl Flow {
    pub(crate) fn of(content: &Content, material: &Material) -> Self {
        match content {
            Content::Repeat { unit, bytes } => Self::Repeat {
                block: unit.repeat((BLOCK / unit.len().max(1)).max(1)).into(),
                done: 0,
                all: *bytes,
            },
            Content::Bytes(_) | Content::From(_) => {
                Self::Bytes(material.bytes(content).unwrap_or_default())
            }
        }
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Repeat { done, all, .. } => all - done,
        }
    }

    /// The next bytes, at most `max`.
    pub(crate) fn next(&mut self, max: usize) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.split_to(max.min(bytes.len())),
            Self::Repeat { block, done, all } => {
                let offset = usize::try_from(*done % block.len() as u64).unwrap_or(0);
                let left = usize::try_from(*all - *done).unwrap_or(usize::MAX);
                let count = left.min(max).min(block.len() - offset);
                *done += count as u64;
                block.slice(offset..offset + count)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_text_is_the_same_whatever_the_pieces() {
        let content = Content::Repeat {
            unit: b"abc\n".to_vec(),
            bytes: 10,
        };
        for size in [1, 3, 4, 7, 100] {
            let mut flow = Flow::of(&content, &Material::default());
            let mut all = Vec::new();
            while flow.left() > 0 {
                all.extend(flow.next(size));
            }
            assert_eq!(all, b"abc\nabc\nab", "{size}");
        }
    }

    #[test]
    fn a_repeated_text_has_no_seam_where_a_block_of_it_ends() {
        // One that does not fit into a block without a rest, and one that is longer than a block.
        for unit in [
            vec![b'a', b'b', b'c'],
            (0..=255).cycle().take(BLOCK + 7).collect(),
        ] {
            let bytes = 2 * BLOCK as u64 + 11;
            let content = Content::Repeat {
                unit: unit.clone(),
                bytes,
            };
            let mut flow = Flow::of(&content, &Material::default());
            let mut all = Vec::new();
            while flow.left() > 0 {
                all.extend(flow.next(1 << 16));
            }
            let expected: Vec<u8> = unit.iter().copied().cycle().take(all.len()).collect();
            assert_eq!(all.len() as u64, bytes);
            assert!(all == expected, "a unit of {} bytes", unit.len());
        }
    }
}
