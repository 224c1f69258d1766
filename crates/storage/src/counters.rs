//! Numbers about a store, for whoever watches it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// What a store did since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Transactions that are on disk.
    pub commits: u64,
    /// Transactions that could not be written; nothing of them is stored.
    pub failed_commits: u64,
    /// Records that are on disk, and the bytes of their bodies.
    pub records: u64,
    pub bytes: u64,
    /// Appends that wait for the disk.
    pub queued: u64,
    /// How long commits took, those that failed too.
    pub commit_latency: Distribution,
}

const BUCKETS: usize = 13;

/// Counts durations; any thread may, without waiting.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS + 1],
    sum_us: AtomicU64,
}

/// What a [`Histogram`] held at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How many were at most as long as each of [`Distribution::BOUNDS_US`] and longer than the
    /// one before it; then those that were longer than all.
    pub counts: [u64; BUCKETS + 1],
    pub sum_us: u64,
}

impl Histogram {
    pub fn observe(&self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = Distribution::BOUNDS_US.partition_point(|bound| *bound < us);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    pub fn snapshot(&self) -> Distribution {
        Distribution {
            counts: std::array::from_fn(|bucket| self.counts[bucket].load(Ordering::Relaxed)),
            sum_us: self.sum_us.load(Ordering::Relaxed),
        }
    }
}

impl Distribution {
    /// The upper bounds of all buckets but the last, in microseconds.
    pub const BOUNDS_US: [u64; BUCKETS] = [
        500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
        2_500_000, 10_000_000,
    ];

    /// How many durations were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_their_buckets() {
        let histogram = Histogram::default();
        for us in [1, 500, 501, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(us));
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.counts[..2], [2, 1]);
        assert_eq!(snapshot.counts[BUCKETS - 1..], [1, 1]);
        assert_eq!(snapshot.total(), 5);
        assert_eq!(snapshot.sum_us, 20_001_003);
    }
}
