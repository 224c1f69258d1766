//! After a desync: what was computed around the first frame that differs, and computing it anew.

use crate::compare::{Difference, alike};
use crate::rejoin::Presence;
use crate::{ChainHash, Digest, Engine, Event, Frame, LinkId, PlayerIndex, ResyncError};
use alloc::vec::Vec;

/// What was computed around the first frame that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The first frame that differs.
    pub frame: Frame,
    /// The peer that computed another history.
    pub link: LinkId,
    /// Ours: the frame before it, the frame itself and what was confirmed up to 14 frames after it, as
    /// far as they were still kept (the newest 96 confirmed frames are, or two windows).
    pub ours: Vec<Computed>,
    /// Frames whose states the host holds and may put aside before its next batch: the last before the
    /// step that differs, and up to 15 after it. Such as are confirmed, as far as
    /// [`Builder::keep_states`](crate::Builder::keep_states) kept them.
    pub states: Vec<Frame>,
}

/// What this peer computed of a confirmed frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Computed {
    /// The confirmed frame.
    pub frame: Frame,
    /// Its chain hash.
    pub hash: ChainHash,
    /// Of the state after the step, where the host makes one.
    pub digest: Option<Digest>,
}

impl Engine {
    /// What was computed around the first difference of all that were found, the earliest frame.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }

    pub(crate) fn keep_evidence(&mut self, link: LinkId, difference: &Difference) {
        let frame = difference.frame;
        let known = self.evidence();
        if known.is_some_and(|known| known.frame <= frame) {
            return;
        }
        let around = Frame(frame - Frame(1))..=frame + 14;
        self.evidence = Some(Evidence {
            frame,
            link,
            ours: self.history.computed(around),
            states: self.snapshots.around(frame, self.timeline.base()),
        });
    }

    /// Computes everything from frame `from` on anew, from the inputs: where a desync may come from
    /// something that will not happen again. The host holds its own state at `from`, which it trusts,
    /// and is asked to load it first; `hash` is the chain hash of the frame before it, the genesis for
    /// frame 0.
    ///
    /// [`Event::Resynced`] comes at once. After it frames from `from` on are confirmed a second time, and
    /// these take the place of the first; frames after the last confirmed one may be presented again.
    /// The histories are then compared anew from `from` on, so that a difference that is still there is
    /// told again.
    pub fn resync(&mut self, from: Frame, hash: ChainHash) -> Result<(), ResyncError> {
        if let Some(open) = &self.open {
            return Err(ResyncError::BatchOpen { id: open.id });
        }
        let confirmed = self.timeline.base();
        if from > confirmed {
            return Err(ResyncError::NotConfirmed { from, confirmed });
        }
        let players = (0..self.config.players as u8).map(PlayerIndex);
        let held = players.map(|player| self.inputs.of(player).begin());
        let held = held.max().unwrap_or_default();
        if from < held || from < self.config.origin {
            let held = held.max(self.config.origin);
            return Err(ResyncError::Forgotten { from, held });
        }
        let before = from.0.checked_sub(1).map(Frame);
        let known = before.and_then(|frame| self.history.get(frame));
        if known.is_some_and(|known| !alike(known, hash.prefix())) {
            return Err(ResyncError::OtherHash { from });
        }
        let (until, _) = self.inputs.first_missing();
        self.timeline.begin_at(from);
        self.history.end_at(from);
        self.snapshots.begin_at(from);
        for link in &mut self.links {
            link.comparison.begin_again(from);
        }
        self.hash = hash;
        self.sealed = None;
        self.reload = Some(from);
        if self.presence == Presence::Live {
            self.presence = Presence::CatchingUp { until };
        }
        self.events.push(Event::Resynced { from });
        Ok(())
    }
}
