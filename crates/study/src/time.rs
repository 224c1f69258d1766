//! Time as the study sees it: an argument.

use std::ops::Add;
use std::time::Duration;

/// Milliseconds on any clock that does not run backwards; always passed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// The time from `earlier` until this moment, none if that is later.
    pub(crate) fn since(self, earlier: Millis) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The time from `now` until this moment, 0 if it has passed, in whole milliseconds.
    pub fn remaining_ms(self, now: Millis) -> u32 {
        u32::try_from(self.0.saturating_sub(now.0)).unwrap_or(u32::MAX)
    }
}

impl Add<Duration> for Millis {
    type Output = Millis;

    fn add(self, duration: Duration) -> Millis {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Millis(self.0.saturating_add(milliseconds))
    }
}
