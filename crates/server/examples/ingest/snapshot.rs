//! What the server's process used up to a moment.

use std::fs;

use igym_storage::{Counters, Distribution, JournalStore as _};
use igym_storage_sqlite::SqliteStore;

pub(crate) const MIB: f64 = 1024.0 * 1024.0;

/// The server at one moment.
pub(crate) struct Snapshot {
    pub(crate) resident_kib: f64,
    pub(crate) cpu_seconds: f64,
    counters: Counters,
}

impl Snapshot {
    pub(crate) fn take(store: &SqliteStore) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find(|line| line.starts_with("VmRSS:"));
        let resident = resident.and_then(|line| line.split_whitespace().nth(1));
        Self {
            resident_kib: resident.and_then(|kib| kib.parse().ok()).unwrap_or(0.0),
            cpu_seconds: cpu_seconds(),
            counters: store.counters(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "of interest to a few digits")]
    pub(crate) fn report(&self, after: &Self, seconds: f64) {
        let (begin, end) = (&self.counters, &after.counters);
        let per_second = |before: u64, after: u64| (after - before) as f64 / seconds;
        println!(
            "journal: {:.0} records/s, {:.0} KiB/s, {:.0} commits/s, {} failed",
            per_second(begin.records, end.records),
            per_second(begin.bytes, end.bytes) / 1024.0,
            per_second(begin.commits, end.commits),
            end.failed_commits
        );
        let (begin, end) = (begin.commit_latency.counts, end.commit_latency.counts);
        let commits: Vec<u64> = begin.iter().zip(end).map(|(b, e)| e - b).collect();
        println!(
            "commits: p50 ≤ {} ms, p99 ≤ {} ms",
            quantile(&commits, 0.5),
            quantile(&commits, 0.99)
        );
        println!(
            "server: {:.2} of a core, {:.0} MiB resident",
            (after.cpu_seconds - self.cpu_seconds) / seconds,
            after.resident_kib / 1024.0
        );
    }
}

/// The upper bound of the bucket that the quantile is in, in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "of interest to a few digits")]
fn quantile(counts: &[u64], quantile: f64) -> f64 {
    let total: u64 = counts.iter().sum();
    let mut up_to = 0;
    for (count, bound) in counts.iter().zip(Distribution::BOUNDS_US) {
        up_to += count;
        if up_to as f64 >= quantile * total as f64 {
            return bound as f64 / 1e3;
        }
    }
    f64::INFINITY
}

/// User and system time of this process: clock ticks of 10 ms on every Linux.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() / 100.0
}
