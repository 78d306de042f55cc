//! Latencies of what was answered while it counted, and how many answers were none.

use crate::backend::Action;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

/// Longest latency that is told from longer ones.
const LATENCY_MAX_US: u64 = 600_000_000;
/// Buckets of a printed histogram for each factor of ten.
const BUCKETS_PER_DECADE: i32 = 20;

/// What a run has measured so far.
#[derive(Debug)]
pub struct Tally {
    latencies: [Histogram<u64>; 3],
    /// Operations refused for want of seats.
    pub sold_out: u64,
    /// Operations refused otherwise, or failed.
    pub refused: u64,
    /// Answers that cannot be true: another's seats, or none.
    pub wrong: u64,
    /// Words of the last refusal or wrong answer.
    pub last_words: Option<String>,
}

/// Of some operations, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// How many there were.
    pub count: u64,
    /// Half of them took at most this.
    pub p50: u64,
    /// Nine of ten.
    pub p90: u64,
    /// 99 of a hundred.
    pub p99: u64,
    /// 999 of a thousand.
    pub p99_9: u64,
    /// The longest.
    pub max: u64,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Tally {
        let empty = || Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).expect("the bounds are sound");
        let latencies = [empty(), empty(), empty()];
        Tally { latencies, sold_out: 0, refused: 0, wrong: 0, last_words: None }
    }

    /// Something was done, and took so long.
    pub fn record(&mut self, action: Action, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(LATENCY_MAX_US);
        self.latencies[action as usize].saturating_record(us.max(1));
    }

    /// How many operations came to nothing.
    pub fn failures(&self) -> u64 {
        self.sold_out + self.refused + self.wrong
    }

    /// Adds what another one has measured.
    pub fn add(&mut self, other: &Tally) {
        for (all, more) in self.latencies.iter_mut().zip(&other.latencies) {
            *all += more;
        }
        self.sold_out += other.sold_out;
        self.refused += other.refused;
        self.wrong += other.wrong;
        self.last_words = other.last_words.clone().or(self.last_words.take());
    }

    /// Of one sort of operation.
    pub fn latency(&self, action: Action) -> Latency {
        summary(&self.latencies[action as usize])
    }

    /// Of all operations.
    pub fn latency_of_all(&self) -> Latency {
        summary(&self.all())
    }

    /// How many operations took longer than the bucket before, and at most so many microseconds: a pair for every bucket
    /// that is not empty.
    pub fn histogram(&self) -> Vec<(u64, u64)> {
        let all = self.all();
        let (mut buckets, mut below) = (Vec::new(), 0);
        for step in 0.. {
            let upper = 10f64.powf(f64::from(step) / f64::from(BUCKETS_PER_DECADE)).round() as u64;
            if upper > below {
                let count = all.count_between(below + 1, upper);
                if count > 0 {
                    buckets.push((upper, count));
                }
                below = upper;
            }
            if upper >= all.max() {
                return buckets;
            }
        }
        unreachable!("the longest latency is in some bucket")
    }

    fn all(&self) -> Histogram<u64> {
        let [mut all, search, delete] = self.latencies.clone();
        all += search;
        all += delete;
        all
    }
}

fn summary(histogram: &Histogram<u64>) -> Latency {
    Latency {
        count: histogram.len(),
        p50: histogram.value_at_quantile(0.5),
        p90: histogram.value_at_quantile(0.9),
        p99: histogram.value_at_quantile(0.99),
        p99_9: histogram.value_at_quantile(0.999),
        max: histogram.max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_operations_are_in_the_summary_of_all() {
        let mut tally = Tally::new();
        for ms in 1..=98 {
            tally.record(Action::Reserve, Duration::from_millis(ms));
        }
        tally.record(Action::Search, Duration::from_millis(200));
        tally.record(Action::Delete, Duration::from_millis(300));
        let all = tally.latency_of_all();
        assert_eq!(all.count, 100);
        assert!(all.p50.abs_diff(50_000) < 100, "{all:?}");
        assert!(all.p99.abs_diff(200_000) < 200, "{all:?}");
        assert!(all.max.abs_diff(300_000) < 500, "{all:?}");
        assert_eq!(tally.latency(Action::Search).count, 1);
    }

    #[test]
    fn buckets_hold_every_operation_once() {
        let mut tally = Tally::new();
        for us in [0, 1, 2, 9, 10, 11, 999, 1000, 123_456] {
            tally.record(Action::Reserve, Duration::from_micros(us));
        }
        let buckets = tally.histogram();
        assert!(buckets.is_sorted_by(|a, b| a.0 < b.0), "{buckets:?}");
        assert_eq!(buckets.iter().map(|bucket| bucket.1).sum::<u64>(), 9);
        assert_eq!(buckets[0], (1, 2), "nothing takes no time");
    }

    #[test]
    fn nothing_measured_is_an_empty_histogram() {
        assert!(Tally::new().histogram().is_empty());
        assert_eq!(Tally::new().latency_of_all().count, 0);
    }
}
