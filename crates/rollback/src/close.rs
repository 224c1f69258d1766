//! Ending play before the game does: authoring stops, and what can be confirmed still is.

use crate::{Engine, Event, Frame, PlayerIndex};
use alloc::vec::Vec;

/// How far an engine is with closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Play goes on.
    Open,
    /// Nothing is authored any more.
    Asked,
    /// All that can be confirmed is, at every peer as far as this one is needed for it.
    Done,
}

impl Engine {
    /// Stops authoring: no local input is taken from here on. Frames go on to be confirmed as far as
    /// everybody's inputs reach, for which ticks must go on; [`Event::Closed`] tells that this is done
    /// here, and that the peers have all that they need from here. All peers that close report the
    /// same last frame.
    pub fn close(&mut self) {
        if self.closing == Closing::Open {
            self.closing = Closing::Asked;
            self.finish();
        }
    }

    /// Nothing is authored any more, at the host's wish.
    pub fn closing(&self) -> bool {
        self.closing != Closing::Open
    }

    /// For each local player the first frame that will never have an input from here.
    pub(crate) fn closed_ends(&self) -> Option<Vec<Frame>> {
        let ends = || self.config.local.iter().map(|p| self.inputs.of(p).end());
        self.closing().then(|| ends().collect())
    }

    /// The first frame that cannot be confirmed, as far as is known.
    fn last_possible(&self) -> Frame {
        if let Some(sealed) = self.sealed {
            return sealed + 1;
        }
        let end = |player: PlayerIndex| self.inputs.of(player).end();
        let ours = self.config.local.iter().map(end);
        let closed = self.links.iter().flat_map(|link| link.closed());
        let first = ours.chain(closed).min();
        first.unwrap_or_default().max(self.timeline.base())
    }

    /// Tells, once, that closing is done.
    pub(crate) fn finish(&mut self) {
        if self.closing != Closing::Asked || self.presence != crate::rejoin::Presence::Live {
            return;
        }
        let last = self.last_possible();
        let mut links = self.links.iter().filter(|link| link.counts());
        if self.timeline.base() < last || !links.all(|link| link.has_until(last)) {
            return;
        }
        self.closing = Closing::Done;
        self.events.push(Event::Closed {
            last_frame: self.confirmed(),
            hash: self.hash,
        });
    }
}
