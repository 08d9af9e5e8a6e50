//! Dates as git writes them, and days between times.
//!
//! Never: a time zone of the machine.

/// Milliseconds of a day.
pub(crate) const DAY_MS: u64 = 86_400_000;

/// Unix time in milliseconds of a date like `2025-11-26T04:39:10+01:00` (git's `iso-strict`).
pub(crate) fn parse(text: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> { text.get(range)?.parse().ok() };
    let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    if !marks
        .iter()
        .all(|(at, mark)| text.get(*at..at + 1) == Some(mark))
    {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let seconds = number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    let zone = match text.get(19..)? {
        "Z" => 0,
        zone => {
            let sign = match zone.get(..1)? {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            let part =
                |range: std::ops::Range<usize>| -> Option<i64> { zone.get(range)?.parse().ok() };
            sign * (part(1..3)? * 3600 + part(4..6)? * 60)
        }
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let all = days(year, month, day) * 86_400 + seconds - zone;
    u64::try_from(all).ok()?.checked_mul(1000)
}

/// Days since 1970-01-01 of a date, by the algorithm `days_from_civil` of Howard Hinnant
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Whole days from one time to another; 0 if it is not later.
pub(crate) fn days_between(from_ms: u64, to_ms: u64) -> u64 {
    to_ms.saturating_sub(from_ms) / DAY_MS
}
