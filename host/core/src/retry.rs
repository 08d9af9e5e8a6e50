//! When a failed attempt is tried again: which failures another try could help, how long to wait,
//! and when to stop.
//!
//! Waiting times are jittered by a hash of the attempt, not by chance: a run that is replayed waits
//! as long as it did the first time.
//!
//! Never: a clock, randomness, a wait above the cap, another try after a denial, an open circuit, a
//! wrong input or a cancellation.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::outcome::{FaultKind, Outcome};
use crate::quantity::TimeSpan;

/// Most attempts of one task. Each leaves events in the ledger for ever.
pub const MAX_ATTEMPTS: u32 = 1_000;

/// Largest factor between two waits, and largest jitter. More is a mistake in writing.
pub const MAX_MULTIPLE: u32 = 1_000;

/// Parts of a whole number that a [`Multiple`] counts in.
const THOUSAND: u32 = 1_000;

/// Binary digits after the point while a wait grows, so that ×1.001 of a millisecond is more than
/// a millisecond. A wait has 64 digits before it and a multiple 20: together fewer than 128.
const FRACTION_BITS: u32 = 40;

/// Separates the hash from every other use of SHA-256 in this program.
const HASH_DOMAIN: &[u8] = b"remit retry 1\0";

/// A number from 0 to [`MAX_MULTIPLE`] with up to three decimals; a JSON number such as `2` or
/// `1.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Multiple(u32);

/// The number cannot be used to multiply a wait.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum RetryError {
    /// Not a number with three decimals in the range.
    #[error(
        "`{0}` is not a multiple; write a number from 0 to {MAX_MULTIPLE} with at most three decimals, for example `1.5`"
    )]
    Multiple(f64),
    /// Waits would become shorter.
    #[error("the factor {0} is below 1, so that waits would become shorter; write 1 or more")]
    Factor(f64),
    /// The range is empty.
    #[error("the jitter's `min` {0} is above its `max` {1}; swap them")]
    Jitter(f64, f64),
    /// No attempt at all, or too many.
    #[error("{0} attempts; write a number from 1 to {MAX_ATTEMPTS}")]
    Attempts(u32),
}

impl Multiple {
    const ONE: Self = Self(THOUSAND);

    fn from_number(number: f64) -> Result<Self, RetryError> {
        let refuse = Err(RetryError::Multiple(number));
        if !(0.0..=f64::from(MAX_MULTIPLE)).contains(&number) {
            return refuse;
        }
        let parts = (number * f64::from(THOUSAND)).round();
        // A millionth of a thousandth: far more than binary fractions lose, far less than a digit.
        if (parts - number * f64::from(THOUSAND)).abs() > 1e-6 {
            return refuse;
        }
        // In range: checked above. A conversion of `f64` cannot fail, it saturates.
        Ok(Self(parts as u32))
    }

    fn number(self) -> f64 {
        f64::from(self.0) / f64::from(THOUSAND)
    }
}

impl Serialize for Multiple {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // `2`, not `2.0`: as people write it.
        if self.0.is_multiple_of(THOUSAND) {
            to.serialize_u32(self.0 / THOUSAND)
        } else {
            to.serialize_f64(self.number())
        }
    }
}

impl<'de> Deserialize<'de> for Multiple {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::from_number(f64::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// By how much each wait is longer than the one before: 1 to [`MAX_MULTIPLE`], three decimals at
/// most. A JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Multiple", into = "Multiple")]
pub struct Factor(Multiple);

impl Factor {
    /// Each wait is twice the one before.
    pub const TWO: Self = Self(Multiple(2 * THOUSAND));

    /// From a number.
    ///
    /// # Errors
    /// If it is below 1, above [`MAX_MULTIPLE`], or has more than three decimals.
    pub fn new(number: f64) -> Result<Self, RetryError> {
        Multiple::from_number(number)?.try_into()
    }

    /// The factor in thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u32 {
        self.0.0
    }
}

impl TryFrom<Multiple> for Factor {
    type Error = RetryError;
    fn try_from(multiple: Multiple) -> Result<Self, RetryError> {
        if multiple < Multiple::ONE {
            return Err(RetryError::Factor(multiple.number()));
        }
        Ok(Self(multiple))
    }
}

impl From<Factor> for Multiple {
    fn from(factor: Factor) -> Self {
        factor.0
    }
}

/// The range from which a wait's multiple is taken, so that many tasks that failed together do not
/// come back together. In JSON `{"min": 0.5, "max": 1.5}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "JitterForm", into = "JitterForm")]
pub struct Jitter {
    min: Multiple,
    max: Multiple,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct JitterForm {
    min: Multiple,
    max: Multiple,
}

impl Jitter {
    /// Every wait exactly as computed.
    pub const NONE: Self = Self {
        min: Multiple::ONE,
        max: Multiple::ONE,
    };
    /// Half to one and a half of what was computed.
    pub const HALF: Self = Self {
        min: Multiple(THOUSAND / 2),
        max: Multiple(THOUSAND / 2 * 3),
    };

    /// From two numbers.
    ///
    /// # Errors
    /// If `min` is above `max`, or one is no multiple.
    pub fn new(min: f64, max: f64) -> Result<Self, RetryError> {
        let (min, max) = (Multiple::from_number(min)?, Multiple::from_number(max)?);
        JitterForm { min, max }.try_into()
    }
}

impl TryFrom<JitterForm> for Jitter {
    type Error = RetryError;
    fn try_from(JitterForm { min, max }: JitterForm) -> Result<Self, RetryError> {
        if min > max {
            return Err(RetryError::Jitter(min.number(), max.number()));
        }
        Ok(Self { min, max })
    }
}

impl From<Jitter> for JitterForm {
    fn from(Jitter { min, max }: Jitter) -> Self {
        Self { min, max }
    }
}

/// How often and when a failed task is tried again. Each field may be left out of the JSON form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Attempts in all, the first included: 1 to [`MAX_ATTEMPTS`]. 0 in memory means 1.
    #[serde(deserialize_with = "attempts")]
    pub max_attempts: u32,
    /// The wait after the first failed attempt, before jitter.
    pub first_delay: TimeSpan,
    /// What each further wait is multiplied by.
    pub factor: Factor,
    /// No wait is longer, jitter included.
    pub cap: TimeSpan,
    /// How waits are spread.
    pub jitter: Jitter,
    /// Whether work that its acceptance gates rejected is done again. Off: the same work, judged by
    /// the same gates, is rejected again, unless something in it is left to chance.
    pub retry_rejected: bool,
}

fn attempts<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(from)?;
    if (1..=MAX_ATTEMPTS).contains(&count) {
        Ok(count)
    } else {
        Err(serde::de::Error::custom(RetryError::Attempts(count)))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            first_delay: TimeSpan::seconds(1),
            factor: Factor::TWO,
            cap: TimeSpan::seconds(60),
            jitter: Jitter::HALF,
            retry_rejected: false,
        }
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Another attempt, this long after the failed one ended.
    After(Duration),
    /// Another try could help, and there were as many as the policy allows.
    Exhausted,
    /// No further try would end otherwise: the class's [`FailureClass::word`].
    Never(&'static str),
}

impl RetryPolicy {
    /// The waits of the program that this one replaces: 2 s, 4 s, 8 s and so on.
    #[must_use]
    pub fn origin() -> Self {
        Self {
            first_delay: TimeSpan::seconds(2),
            ..Self::default()
        }
    }

    /// How long to wait after the `failed_attempt`th attempt (the first is 1) failed, in whole
    /// milliseconds. `seed` names the task; the same seed and attempt always give the same wait.
    ///
    /// The wait lies between `min` and `max` of the jitter times the computed wait, both cut at
    /// the cap first. So even at the cap, waits are spread and none is above it.
    #[must_use]
    pub fn delay(&self, failed_attempt: u32, seed: &str) -> Duration {
        let cap = u128::from(millis(self.cap)) << FRACTION_BITS;
        let mut base = (u128::from(millis(self.first_delay)) << FRACTION_BITS).min(cap);
        let factor = self.factor.thousandths();
        if factor > THOUSAND && base > 0 {
            // Ends at the cap: after 45,000 rounds at the smallest factor and the longest cap.
            for _ in 1..failed_attempt {
                if base >= cap {
                    break;
                }
                base = multiplied(base, factor).min(cap);
            }
        }
        let bound = |multiple: Multiple| multiplied(base, multiple.0).min(cap) >> FRACTION_BITS;
        let (low, high) = (bound(self.jitter.min), bound(self.jitter.max));
        // At most 2^64 values times a number below 2^64: no overflow.
        let spread = (u128::from(drawn(seed, failed_attempt)) * (high - low + 1)) >> 64;
        Duration::from_millis(u64::try_from(low + spread).unwrap_or(u64::MAX))
    }

    /// What follows after the `failed_attempt`th attempt (the first is 1) failed like this.
    #[must_use]
    pub fn next(&self, failed_attempt: u32, failure: FailureClass, seed: &str) -> Retry {
        if !self.retries(failure) {
            return Retry::Never(failure.word());
        }
        if failed_attempt >= self.max_attempts {
            return Retry::Exhausted;
        }
        Retry::After(self.delay(failed_attempt, seed))
    }

    /// Whether another try could help after such a failure.
    #[must_use]
    pub fn retries(&self, failure: FailureClass) -> bool {
        match failure {
            FailureClass::Transient
            | FailureClass::Crash
            | FailureClass::Timeout
            | FailureClass::Unavailable
            | FailureClass::Host => true,
            FailureClass::Rejected => self.retry_rejected,
            FailureClass::Work
            | FailureClass::Denied
            | FailureClass::CircuitOpen
            | FailureClass::Input
            | FailureClass::Cancelled => false,
        }
    }
}

/// Whole milliseconds.
fn millis(span: TimeSpan) -> u64 {
    // A span is counted in `u64` milliseconds; this is the way back.
    u64::try_from(span.get().as_millis()).unwrap_or(u64::MAX)
}

/// A wait in parts of a millisecond, times a multiple. At most 2^104 times 2^20: no overflow.
fn multiplied(wait: u128, thousandths: u32) -> u128 {
    wait * u128::from(thousandths) / u128::from(THOUSAND)
}

/// A number that looks random and is always the same for the same task and attempt.
fn drawn(seed: &str, attempt: u32) -> u64 {
    let hash = Sha256::new()
        .chain_update(HASH_DOMAIN)
        .chain_update(attempt.to_be_bytes())
        .chain_update(seed)
        .finalize();
    hash.iter()
        .take(size_of::<u64>())
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Why an attempt failed, as far as it decides what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The work failed and said that another try, unchanged, could help.
    Transient,
    /// The plugin trapped, hit a limit or broke its contract.
    Crash,
    /// A time limit passed.
    Timeout,
    /// The work failed and said that another try does not help.
    Work,
    /// The work was done, and its acceptance gates or a person judged it not good enough.
    Rejected,
    /// Something that the work needs was denied. Only its owner can change that.
    Denied,
    /// The adapter's circuit is open; nothing was tried.
    CircuitOpen,
    /// The inputs are wrong.
    Input,
    /// Someone ended it. An attempt that a shutdown cut short belongs back into the queue; that
    /// is resuming, not another try, and this policy is not asked.
    Cancelled,
    /// A tool or service is not there, or the plugin cannot be loaded.
    Unavailable,
    /// A fault of the host.
    Host,
}

impl FailureClass {
    /// All classes, for tables and tests.
    pub const ALL: [Self; 11] = [
        Self::Transient,
        Self::Crash,
        Self::Timeout,
        Self::Work,
        Self::Rejected,
        Self::Denied,
        Self::CircuitOpen,
        Self::Input,
        Self::Cancelled,
        Self::Unavailable,
        Self::Host,
    ];

    /// The class of an attempt that ended like this; `None` if it succeeded.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Option<Self> {
        Some(match outcome {
            Outcome::Succeeded { .. } => return None,
            Outcome::Failed { retryable, .. } => {
                if *retryable {
                    Self::Transient
                } else {
                    Self::Work
                }
            }
            Outcome::Rejected { .. } => Self::Rejected,
            Outcome::InvalidInput { .. } => Self::Input,
            Outcome::Denied { .. } => Self::Denied,
            Outcome::Unavailable { .. } => Self::Unavailable,
            Outcome::TimedOut { .. } => Self::Timeout,
            Outcome::Cancelled { .. } => Self::Cancelled,
            Outcome::PluginFault { kind, .. } => match kind {
                FaultKind::Load => Self::Unavailable,
                FaultKind::NotGranted => Self::Denied,
                FaultKind::Trap
                | FaultKind::Memory
                | FaultKind::Stack
                | FaultKind::Limit
                | FaultKind::Exit
                | FaultKind::Contract => Self::Crash,
            },
            Outcome::Internal { .. } => Self::Host,
        })
    }

    /// The word for it in the JSON form.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Work => "work",
            Self::Rejected => "rejected",
            Self::Denied => "denied",
            Self::CircuitOpen => "circuit-open",
            Self::Input => "input",
            Self::Cancelled => "cancelled",
            Self::Unavailable => "unavailable",
            Self::Host => "host",
        }
    }

    /// Whether the next adapter that is capable of the task should be tried instead: this one is
    /// broken, and the work itself was not judged.
    #[must_use]
    pub fn falls_back(self) -> bool {
        match self {
            Self::Crash | Self::Unavailable | Self::CircuitOpen => true,
            Self::Transient
            | Self::Timeout
            | Self::Work
            | Self::Rejected
            | Self::Denied
            | Self::Input
            | Self::Cancelled
            | Self::Host => false,
        }
    }
}

#[cfg(test)]
mod tests;
