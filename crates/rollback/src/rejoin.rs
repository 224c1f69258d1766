//! A page load of a peer that has played before: it learns what the older one authored, catches up,
//! and plays.
//!
//! What an older page load authored and somebody holds must never be authored anew. Who holds it is
//! the server, which gave it as history, and the peers. A peer that has seen the new page load
//! refuses the older one, so from then on its acks tell all that it will ever hold of it; and it
//! gives back what is lacking. With that from every link, the next frame of ours is held by nobody.

use crate::{Engine, Frame, LinkId};
use alloc::vec::Vec;

/// The most frames that an engine which rejoins catches up on in one batch.
pub const CATCH_UP_FRAMES: u32 = 32;

/// The most frames beyond the given history that peers may give back: about 18 minutes at 60 Hz. Peers'
/// own inputs may be as far beyond it, a window and a delay more, since they can rest on some that are
/// lost. It bounds what a peer can make an engine hold.
pub const MAX_RETURNED_FRAMES: u32 = 1 << 16;

/// How far an engine is on its way into play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It asks the links for its own inputs, also once it has sealed: until it has them, what its
    /// peers acknowledge is more than it knows of. Frames whose inputs are all known are simulated
    /// meanwhile.
    Learning,
    /// It may author. Frames before `until` were known when it learned the last of its own.
    CatchingUp { until: Frame },
    /// It plays.
    Live,
}

impl Engine {
    /// The first link that has not told what it holds of our inputs, or not given it back.
    pub(crate) fn owing_link(&self) -> Option<LinkId> {
        let mut links = self.links.iter().filter(|link| link.counts());
        let link = links.find(|link| link.owes(&self.inputs))?;
        Some(link.id)
    }

    /// The first frame that is not simulated while catching up; `None` in play.
    pub(crate) fn catch_up_end(&self) -> Option<Frame> {
        if self.sealed.is_some() {
            return None;
        }
        if self.config.spectates {
            return Some(self.spectator_end());
        }
        match self.presence {
            Presence::Learning => Some(self.inputs.first_missing().0),
            Presence::CatchingUp { until } => Some(until),
            Presence::Live => None,
        }
    }

    /// For each local player the first frame whose input is not known, unless the engine plays.
    pub(crate) fn known(&self) -> Option<Vec<Frame>> {
        let ends = || self.config.local.iter().map(|p| self.inputs.of(p).end());
        (self.presence != Presence::Live).then(|| ends().collect())
    }

    /// Goes as far towards play as can be.
    pub(crate) fn settle(&mut self) {
        self.author_for_nobody();
        if self.presence == Presence::Learning && self.owing_link().is_none() {
            let (until, _) = self.inputs.first_missing();
            if self.sealed.is_none() {
                self.author_lead();
            }
            self.presence = Presence::CatchingUp { until };
        }
        if let Presence::CatchingUp { until } = self.presence
            && (self.timeline.head() >= until || self.sealed.is_some())
        {
            self.presence = Presence::Live;
        }
        self.finish();
    }

    /// Authors the lead frames that nobody holds.
    pub(crate) fn author_lead(&mut self) {
        let default = self.config.default_input;
        for player in self.config.local.iter() {
            if !self.authorable(player) {
                continue;
            }
            while self.inputs.of(player).end() < Frame(self.delays.of(player)) {
                self.enter(player, default.as_slice());
            }
        }
        self.announce_delays();
    }
}
