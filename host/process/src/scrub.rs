//! Keeping the values of secrets out of what a tool writes.
//!
//! A tool that was given a secret may print it, in an error message for example. Whoever reads its
//! output, the plugin first of all, must not see it. Exact matches only: a value that the tool
//! encodes or splits over both streams is not found. Never: a value in a message of this program.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

/// What stands in place of a value.
pub(crate) const MASK: &[u8] = b"[secret]";

/// The shortest value that can be kept secret. Anything shorter would be found in ordinary text,
/// and replacing it would tell what it is.
pub(crate) const MIN_SECRET_BYTES: usize = 8;

/// A beginning of a value at the end of all output is masked from this length on. Less says too
/// little to matter, and is likely not the value at all.
const MIN_BEGINNING_BYTES: usize = 4;

/// The values of one tool's secrets.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Finder<'static>>);

impl std::fmt::Debug for Secrets {
    /// Shows how many there are.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} values)", self.0.len())
    }
}

impl Secrets {
    /// These values. The longest come first, so that one that is part of another does not leave
    /// the rest of that other standing.
    pub(crate) fn new(mut values: Vec<Vec<u8>>) -> Self {
        values.sort_unstable_by(|one, other| (other.len(), other).cmp(&(one.len(), one)));
        values.dedup();
        let finder = |value: Vec<u8>| Finder::new(&value).into_owned();
        Self(values.into_iter().map(finder).collect())
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value in a text: where, and how long.
    fn first(&self, text: &[u8]) -> Option<(usize, usize)> {
        let found = self.0.iter().filter_map(|finder| {
            let at = finder.find(text)?;
            Some((at, finder.needle().len()))
        });
        // Of several at one place the longest.
        found.min_by_key(|(at, length)| (*at, std::cmp::Reverse(*length)))
    }

    /// Whether a text is the beginning of a value, and not yet all of it.
    fn begins_longer(&self, text: &[u8]) -> bool {
        self.0
            .iter()
            .any(|finder| finder.needle().len() > text.len() && finder.needle().starts_with(text))
    }

    /// How many bytes at the end of a text could be the beginning of a value.
    fn unfinished(&self, text: &[u8]) -> usize {
        let longest = self.0.first().map_or(0, |finder| finder.needle().len());
        let most = text.len().min(longest.saturating_sub(1));
        (1..=most)
            .rev()
            .find(|length| self.begins_longer(&text[text.len() - length..]))
            .unwrap_or(0)
    }
}

/// One stream of a tool.
#[derive(Default)]
pub(crate) struct Scrubber {
    /// The end of what came so far, as long as it could be the beginning of a value.
    held: BytesMut,
    /// What may be handed out.
    ready: BytesMut,
}

impl Scrubber {
    /// Takes what the tool wrote.
    pub(crate) fn push(&mut self, secrets: &Secrets, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        let mut unfinished = secrets.unfinished(&self.held);
        while let Some((at, length)) = secrets.first(&self.held) {
            // What was found may be the beginning of a longer value, or the middle of one that
            // began before it.
            if self.held.len() - unfinished <= at {
                break;
            }
            self.ready.extend_from_slice(&self.held.split_to(at));
            self.ready.extend_from_slice(MASK);
            drop(self.held.split_to(length));
            if unfinished > self.held.len() {
                unfinished = secrets.unfinished(&self.held);
            }
        }
        let finished = self.held.len() - unfinished;
        self.ready.extend_from_slice(&self.held.split_to(finished));
    }

    /// Nothing more will come: a beginning that was held is no value, but it may be most of one,
    /// cut off by a limit.
    pub(crate) fn finish(&mut self) {
        let held = self.held.split();
        if held.len() >= MIN_BEGINNING_BYTES {
            self.ready.extend_from_slice(MASK);
        } else {
            self.ready.extend_from_slice(&held);
        }
    }

    /// Hands out at most `max` bytes; none if nothing is ready.
    pub(crate) fn take(&mut self, max: usize) -> Option<Bytes> {
        let take = self.ready.len().min(max);
        (take > 0).then(|| self.ready.split_to(take).freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scrubbed(secrets: &[&str], pieces: &[&[u8]]) -> Vec<u8> {
        let secrets = Secrets::new(secrets.iter().map(|one| one.as_bytes().to_vec()).collect());
        let mut scrubber = Scrubber::default();
        let mut out = Vec::new();
        for piece in pieces {
            scrubber.push(&secrets, piece);
            while let Some(bytes) = scrubber.take(3) {
                out.extend_from_slice(&bytes);
            }
        }
        scrubber.finish();
        while let Some(bytes) = scrubber.take(3) {
            out.extend_from_slice(&bytes);
        }
        out
    }

    #[test]
    fn values_are_masked_wherever_the_pieces_end() {
        fn check(secrets: &[&str], text: &str, expected: &str) {
            for cut in 0..=text.len() {
                let (one, other) = text.as_bytes().split_at(cut);
                let found = scrubbed(secrets, &[one, other]);
                assert_eq!(
                    String::from_utf8_lossy(&found),
                    expected,
                    "{text:?} cut at {cut}"
                );
            }
        }
        check(&["canary-01"], "a canary-01 b", "a [secret] b");
        check(&["canary-01"], "canary-01canary-01", "[secret][secret]");
        check(&["canary-01"], "canary-0 canary-x", "canary-0 canary-x");
        check(
            &["canary-01", "canary-01-long"],
            "canary-01-long",
            "[secret]",
        );
        check(&["aaaaaaab"], "aaaaaaaaaaab", "aaaa[secret]");
        check(&["canary-01"], "x ca", "x ca");
        // What a limit cut off is masked, too.
        check(&["canary-01"], "x canary-", "x [secret]");
        check(&[], "plain", "plain");
        // A value inside of another one that has not come to its end.
        let (inner, outer) = ("canary-01", "db://user:canary-01@host");
        check(
            &[inner, outer],
            "a db://user:canary-01@host b",
            "a [secret] b",
        );
        check(
            &[inner, outer],
            "db://user:canary-01 b",
            "db://user:[secret] b",
        );
    }

    #[test]
    fn debug_shows_no_value() {
        let secrets = Secrets::new(vec![b"canary-01".to_vec(), b"canary-02".to_vec()]);
        assert_eq!(format!("{secrets:?}"), "Secrets(2 values)");
    }

    /// What should come out of a text that is there as a whole: of several values the leftmost,
    /// and of those the longest.
    fn masked(secrets: &[String], text: &str) -> String {
        let mut masked = String::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let here = secrets
                .iter()
                .filter(|secret| rest.starts_with(secret.as_str()));
            match here.max_by_key(|secret| secret.len()) {
                Some(secret) => {
                    masked.push_str("[secret]");
                    rest = &rest[secret.len()..];
                }
                None => {
                    masked.push(letter);
                    rest = &rest[letter.len_utf8()..];
                }
            }
        }
        masked
    }

    proptest! {
        #[test]
        fn no_value_gets_through_and_nothing_else_is_lost(
            pieces in proptest::collection::vec("[abk]{0,9}|secretsecret", 0..12),
        ) {
            let pieces: Vec<&[u8]> = pieces.iter().map(String::as_bytes).collect();
            let whole = String::from_utf8(pieces.concat()).unwrap();
            let found = String::from_utf8(scrubbed(&["secretsecret"], &pieces)).unwrap();
            prop_assert_eq!(found, whole.replace("secretsecret", "[secret]"));
        }

        #[test]
        fn several_values_are_masked_as_if_the_text_came_at_once(
            secrets in proptest::collection::vec("[ab]{2,6}", 1..4),
            pieces in proptest::collection::vec("[ab]{0,4}", 0..12),
        ) {
            // The last letter is in no value: nothing is unfinished at the end.
            let pieces: Vec<&[u8]> = pieces.iter().map(String::as_bytes).chain([&b"."[..]]).collect();
            let whole = String::from_utf8(pieces.concat()).unwrap();
            let named: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let found = String::from_utf8(scrubbed(&named, &pieces)).unwrap();
            prop_assert_eq!(found, masked(&secrets, &whole));
        }
    }
}
