//! A token bucket.

use std::time::Duration;

use tokio::time::Instant;

use crate::Rate;

/// Holds up to `burst` tokens and gets `per_second` new ones; what it cannot pay is too fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            tokens: f64::from(rate.burst),
            at: now,
        }
    }

    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.tokens >= f64::from(self.rate.burst)
    }

    /// Takes one token if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.refill(now);
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }

    /// Takes `amount` tokens in any case, and says how long to wait until they are paid for.
    pub(crate) fn charge(&mut self, amount: f64, now: Instant) -> Duration {
        self.refill(now);
        self.tokens -= amount;
        if self.tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::try_from_secs_f64(-self.tokens / self.rate.per_second)
                .unwrap_or(Duration::MAX)
        }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate.per_second).min(f64::from(self.rate.burst));
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate::new(3, 2.0), start);
        let taken: Vec<bool> = (0..4).map(|_| bucket.take(start)).collect();
        assert_eq!(taken, [true, true, true, false]);
        let later = start + Duration::from_millis(500);
        assert!(bucket.take(later));
        assert!(!bucket.take(later));
        assert!(!bucket.is_full(later));
        assert!(bucket.is_full(later + Duration::from_millis(1_500)));
    }

    #[test]
    fn a_charge_says_how_long_it_takes_to_pay() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate::new(10, 5.0), start);
        assert_eq!(bucket.charge(10.0, start), Duration::ZERO);
        assert_eq!(bucket.charge(10.0, start), Duration::from_secs(2));
        let paid = start + Duration::from_secs(2);
        assert_eq!(bucket.charge(0.0, paid), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing() {
        let start = Instant::now() + Duration::from_secs(60);
        let mut bucket = Bucket::new(Rate::new(1, 1.0), start);
        assert!(bucket.take(start));
        assert!(!bucket.take(start - Duration::from_secs(30)));
        assert!(!bucket.take(start));
    }
}
