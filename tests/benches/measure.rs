//! Timings as they are told: median, 95th percentile, and how they compare with a peer that was
//! measured in turns with them.
//!
//! A machine is never equally fast for a minute. So contenders take turns, which a harness that
//! measures one thing after the other does not do, and every ratio is one of medians from the same
//! run. Never: a verdict. A number that is too high is for people to judge, not for a test to fail
//! by.

use std::time::{Duration, Instant};

/// What one contender needed, time by time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    /// Adds one.
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// The time that this share of the samples, in percent, did not exceed; zero without samples.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = sorted.len().saturating_sub(1) * percent / 100;
        sorted.get(place).copied().unwrap_or_default()
    }
}

/// A clock that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// Starts one.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has run.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// How long `work` takes.
pub(crate) fn time(work: impl FnOnce()) -> Duration {
    let clock = Clock::start();
    work();
    clock.elapsed()
}

/// Something that is measured: the name under which it is reported, and one turn of it, which adds
/// what it measured.
pub(crate) type Contender<'a> = (&'a str, &'a mut dyn FnMut(&mut Samples));

/// Lets the contenders take turns, and reports. The first turn of each does not count: caches and
/// pools fill. The first contender is the peer, with which the others are compared.
pub(crate) fn take_turns(title: &str, turns: usize, contenders: &mut [Contender<'_>]) {
    let mut samples = vec![Samples::default(); contenders.len()];
    for turn in 0..=turns {
        for ((_, work), samples) in contenders.iter_mut().zip(&mut samples) {
            if turn == 0 {
                work(&mut Samples::default());
            } else {
                work(samples);
            }
        }
    }
    let rows: Vec<(&str, &Samples)> = contenders
        .iter()
        .map(|(name, _)| *name)
        .zip(&samples)
        .collect();
    report(title, &rows);
}

/// Prints one table. The first row is the peer.
fn report(title: &str, rows: &[(&str, &Samples)]) {
    println!("\n{title}");
    println!("{:<44} {:>12} {:>12} {:>7}", "", "p50", "p95", "ratio");
    let peer = rows
        .first()
        .map_or(Duration::ZERO, |(_, samples)| samples.percentile(50));
    for (name, samples) in rows {
        let (p50, p95) = (samples.percentile(50), samples.percentile(95));
        let ratio = p50.as_secs_f64() / peer.as_secs_f64();
        println!(
            "{name:<44} {:>12} {:>12} {ratio:>7.2}",
            words(p50),
            words(p95)
        );
    }
}

/// A time with three or four digits that count.
fn words(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1000.0 {
        format!("{micros:.2} us")
    } else {
        format!("{:.2} ms", micros / 1000.0)
    }
}
