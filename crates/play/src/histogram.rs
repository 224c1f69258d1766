//! Percentiles of many durations in little memory.

/// Counts of values in buckets about 6 % wide; exact below 16.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u32>,
    total: u32,
    smallest: u32,
    largest: u32,
}

/// Buckets per doubling.
const STEPS: u32 = 16;

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![0; (STEPS * 29) as usize],
            total: 0,
            smallest: u32::MAX,
            largest: 0,
        }
    }

    pub(crate) fn add(&mut self, value: u32) {
        self.counts[bucket(value)] += 1;
        self.total += 1;
        self.smallest = self.smallest.min(value);
        self.largest = self.largest.max(value);
    }

    pub(crate) fn largest(&self) -> Option<u32> {
        (self.total > 0).then_some(self.largest)
    }

    /// The value that `percent` of all values do not exceed, to the width of a bucket.
    pub(crate) fn percentile(&self, percent: u32) -> Option<u32> {
        if self.total == 0 {
            return None;
        }
        let rank = (u64::from(self.total) * u64::from(percent))
            .div_ceil(100)
            .max(1);
        let mut seen = 0;
        for (index, &count) in self.counts.iter().enumerate() {
            seen += u64::from(count);
            if seen >= rank {
                return Some(upper_bound(index as u32).clamp(self.smallest, self.largest));
            }
        }
        Some(self.largest)
    }
}

fn bucket(value: u32) -> usize {
    let Some(doublings) = value.checked_ilog2().and_then(|log| log.checked_sub(4)) else {
        return value as usize;
    };
    // The four bits after the leading one choose the step within the doubling.
    let step = (value >> doublings) - STEPS;
    (STEPS * (doublings + 1) + step) as usize
}

fn upper_bound(bucket: u32) -> u32 {
    let Some(doublings) = (bucket / STEPS).checked_sub(1) else {
        return bucket;
    };
    let step = bucket % STEPS;
    ((u64::from(STEPS + step + 1) << doublings) - 1).min(u64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_percentile() {
        let empty = Histogram::new();
        assert_eq!((empty.percentile(50), empty.largest()), (None, None));
    }

    #[test]
    fn every_value_falls_into_a_bucket_that_bounds_it_closely() {
        for value in (0..32)
            .map(|bit| 1u32 << bit)
            .flat_map(|v| [v - 1, v, v + v / 3])
            .chain([u32::MAX])
        {
            let bound = upper_bound(bucket(value) as u32);
            assert!(bound >= value, "{value} in a bucket up to {bound}");
            assert!(
                bound - value <= value / STEPS,
                "{value} in a bucket up to {bound}"
            );
        }
    }

    #[test]
    fn percentiles_of_a_ramp() {
        let mut ramp = Histogram::new();
        (1..=1000).for_each(|value| ramp.add(value));
        let near = |found: Option<u32>, wanted: u32| {
            let found = found.expect("there are values");
            assert!(
                found >= wanted && found - wanted <= wanted / STEPS,
                "{found} for {wanted}"
            );
        };
        near(ramp.percentile(50), 500);
        near(ramp.percentile(99), 990);
        assert_eq!(ramp.percentile(100), Some(1000));
        assert_eq!(ramp.largest(), Some(1000));
    }
}
