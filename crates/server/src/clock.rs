//! The server's one clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use igym_study::Millis;
use tokio::time::Instant;

/// Milliseconds since 1970 that never run backwards: the wall clock is read once, at the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_ms: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            started_ms: millis(since_epoch),
        }
    }

    pub(crate) fn now(&self) -> Millis {
        Millis(self.started_ms + millis(self.started.elapsed()))
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.now().0
    }

    /// When this clock will show `time`.
    pub(crate) fn instant(&self, time: Millis) -> Instant {
        self.started + Duration::from_millis(time.0.saturating_sub(self.started_ms))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
