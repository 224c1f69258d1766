//! Who has to be looked at when.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{ParticipantId, SessionId};

use crate::Millis;

/// Whose time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Somebody who waits in a lobby.
    Waiting(ParticipantId),
    Session(SessionId),
}

/// At most one moment for each timer.
#[derive(Default)]
pub(crate) struct Timers {
    moments: BTreeMap<Timer, Millis>,
    queue: BTreeSet<(Millis, Timer)>,
}

impl Timers {
    pub(crate) fn next(&self) -> Option<Millis> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Sets the timer, or stops it.
    pub(crate) fn set(&mut self, timer: Timer, at: Option<Millis>) {
        let before = match at {
            Some(at) => self.moments.insert(timer, at),
            None => self.moments.remove(&timer),
        };
        if let Some(before) = before {
            self.queue.remove(&(before, timer));
        }
        if let Some(at) = at {
            self.queue.insert((at, timer));
        }
    }

    /// The next timer that is due; it is stopped.
    pub(crate) fn pop_due(&mut self, now: Millis) -> Option<Timer> {
        let (at, timer) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.set(timer, None);
        Some(timer)
    }
}
