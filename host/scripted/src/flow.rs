//! Output on its way: made piece by piece, so that a gigabyte needs no gigabyte.
//!
//! Never: more than one piece in memory of a text that is repeated.

use bytes::{Bytes, BytesMut};
use remit_core::scenario::Content;

use crate::material::Material;

/// What is left of one output.
#[derive(Debug)]
pub(crate) enum Flow {
    /// These bytes.
    Bytes(Bytes),
    /// A repeated text.
    Repeat {
        unit: Bytes,
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
                unit: Bytes::copy_from_slice(unit),
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
            Self::Repeat { unit, done, all } => {
                let count = usize::try_from(*all - *done).unwrap_or(usize::MAX).min(max);
                let offset = usize::try_from(*done % unit.len() as u64).unwrap_or(0);
                let mut piece = BytesMut::with_capacity(count);
                piece.extend(unit.iter().cycle().skip(offset).take(count));
                *done += count as u64;
                piece.freeze()
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
}
