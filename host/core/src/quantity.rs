//! Sizes and times as people write them: `64MiB`, `16KiB`, `4096`; `60s`, `500ms`, `5m`, `2h`.
//!
//! Never: a unit that means two things (`MB`), a fraction, a time without a unit, an overflow.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::excerpt::excerpt;
use serde::{Deserialize, Serialize};

/// Units of size with their bytes, largest first.
const SIZE_UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// Units of time with their milliseconds, largest first.
const TIME_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The text is neither a size nor a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a size in bytes.
    #[error("`{0}` is not a size; write a whole number and KiB, MiB or GiB, for example `64MiB`")]
    Size(String),
    /// Not a time.
    #[error("`{0}` is not a time; write a whole number and ms, s, m or h, for example `60s`")]
    Time(String),
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ByteSize(u64);

impl ByteSize {
    /// This many bytes.
    #[must_use]
    pub const fn bytes(count: u64) -> Self {
        Self(count)
    }

    /// This many MiB (1 048 576 bytes each); stays at the largest size there is.
    #[must_use]
    pub const fn mebibytes(count: u64) -> Self {
        Self(count.saturating_mul(1 << 20))
    }

    /// The number of bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A span of time in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeSpan(u64);

impl TimeSpan {
    /// This many milliseconds.
    #[must_use]
    pub const fn milliseconds(count: u64) -> Self {
        Self(count)
    }

    /// This many seconds; stays at the longest span there is.
    #[must_use]
    pub const fn seconds(count: u64) -> Self {
        Self(count.saturating_mul(1000))
    }

    /// As the standard library's type.
    #[must_use]
    pub const fn get(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

/// Splits `64MiB` into number and unit and multiplies. A missing unit is the empty text.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at_checked(end)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Writes the amount in the largest unit that leaves no remainder.
fn write(f: &mut fmt::Formatter<'_>, amount: u64, units: &[(&str, u64)]) -> fmt::Result {
    let fitting = |(_, factor): &&(&str, u64)| amount != 0 && amount.is_multiple_of(*factor);
    match units.iter().find(fitting).or(units.last()) {
        Some((unit, factor)) => write!(f, "{}{unit}", amount / factor),
        None => write!(f, "{amount}"),
    }
}

impl FromStr for ByteSize {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        // A bare number is bytes; `4096` is what everyone expects it to be.
        parse(text, &SIZE_UNITS)
            .or_else(|| parse(text, &[("", 1)]))
            .map(Self)
            .ok_or_else(|| QuantityError::Size(excerpt(text)))
    }
}

impl FromStr for TimeSpan {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text, &TIME_UNITS)
            .map(Self)
            .ok_or_else(|| QuantityError::Time(excerpt(text)))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, &SIZE_UNITS)
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, &TIME_UNITS)
    }
}

impl TryFrom<String> for ByteSize {
    type Error = QuantityError;
    fn try_from(text: String) -> Result<Self, QuantityError> {
        text.parse()
    }
}

impl From<ByteSize> for String {
    fn from(size: ByteSize) -> Self {
        size.to_string()
    }
}

impl TryFrom<String> for TimeSpan {
    type Error = QuantityError;
    fn try_from(text: String) -> Result<Self, QuantityError> {
        text.parse()
    }
}

impl From<TimeSpan> for String {
    fn from(span: TimeSpan) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes() {
        let good = [
            ("64MiB", 64 << 20, "64MiB"),
            ("16KiB", 16 << 10, "16KiB"),
            ("4096", 4096, "4KiB"),
            ("4097B", 4097, "4097B"),
            ("1024MiB", 1 << 30, "1GiB"),
            ("0", 0, "0B"),
        ];
        for (text, bytes, shown) in good {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!(
                (size.get(), size.to_string().as_str()),
                (bytes, shown),
                "{text}"
            );
        }
        for text in [
            "",
            "MiB",
            "1MB",
            "1 MiB",
            "-1",
            "1.5MiB",
            "18446744073709551615KiB",
            "1m",
        ] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn times() {
        let good = [
            ("60s", 60_000, "1m"),
            ("500ms", 500, "500ms"),
            ("5m", 300_000, "5m"),
            ("2h", 7_200_000, "2h"),
            ("90s", 90_000, "90s"),
        ];
        for (text, ms, shown) in good {
            let span: TimeSpan = text.parse().unwrap();
            assert_eq!(span.get(), Duration::from_millis(ms), "{text}");
            assert_eq!(span.to_string(), shown);
        }
        for text in [
            "",
            "60",
            "1d",
            "1m30s",
            "s",
            "-1s",
            "1.5s",
            "99999999999999999999h",
        ] {
            assert!(text.parse::<TimeSpan>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_back(amount in any::<u64>(), text in ".{0,24}") {
            prop_assert_eq!(ByteSize(amount).to_string().parse::<ByteSize>().unwrap().get(), amount);
            prop_assert_eq!(TimeSpan(amount).to_string().parse::<TimeSpan>().unwrap(), TimeSpan(amount));
            // Arbitrary text is refused or understood, without a panic.
            if let Ok(size) = text.parse::<ByteSize>() {
                prop_assert_eq!(size.to_string().parse::<ByteSize>().unwrap(), size);
            }
        }
    }
}
