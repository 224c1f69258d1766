//! Spectators: engines without a player, which see confirmed frames only.
//!
//! A spectator has one link, to any peer that [watches over](Engine::watch) it: that gives it every
//! player's inputs of the frames that it has confirmed itself. Nothing of play depends on a spectator:
//! nobody waits for it, keeps inputs for it, follows its clock or believes its hashes.

use crate::link::Link;
use crate::rejoin::CATCH_UP_FRAMES;
use crate::wire::MAX_PACKET_FRAMES;
use crate::{Engine, Frame, LinkId, MoveError, PlayerIndex, PlayerSet, Wait};

/// Frames that a spectator may be behind what it has before it goes faster: so much jitter of the
/// confirmed stream does not show.
const BEHIND: u32 = 6;

impl Engine {
    /// Lets a spectator in at the other end of a new link: it is sent the inputs of all confirmed
    /// frames from the first one that it lacks, as far as they are held
    /// (see [`set_durable`](Engine::set_durable)).
    pub fn watch(&mut self, link: LinkId) -> Result<(), MoveError> {
        if let Some(open) = &self.open {
            return Err(MoveError::BatchOpen { id: open.id });
        }
        if self.config.spectates || self.links.iter().any(|other| other.id == link) {
            return Err(MoveError::LinkTaken { link });
        }
        let players = (0..self.config.players as u8).map(PlayerIndex);
        let everybody: PlayerSet = players.collect();
        let (us, plain) = (self.config.header(), self.config.default_input);
        let plain = plain.as_slice().len();
        let mut watched = Link::new(link, us, plain, PlayerSet::default(), everybody);
        watched.watched = true;
        self.links.push(watched);
        Ok(())
    }

    /// The spectator at the other end of this link is gone, and the link with it.
    pub fn unwatch(&mut self, link: LinkId) -> Result<(), MoveError> {
        if let Some(open) = &self.open {
            return Err(MoveError::BatchOpen { id: open.id });
        }
        let found = self.links.iter();
        let found = found
            .enumerate()
            .find(|(_, other)| other.watched && other.id == link);
        let (index, _) = found.ok_or(MoveError::NoLink { link })?;
        self.links.remove(index);
        self.packets.begin(0);
        Ok(())
    }

    /// Why a spectator does not go on.
    pub(crate) fn spectator_blocked(&self) -> Option<Wait> {
        let (frame, player) = self.inputs.first_missing();
        (self.timeline.head() >= frame).then_some(Wait::Unconfirmed { player, frame })
    }

    /// Where the next batch of a spectator ends: one frame on, or more where it is behind.
    pub(crate) fn spectator_end(&self) -> Frame {
        let (missing, _) = self.inputs.first_missing();
        let head = self.timeline.head();
        let frames = match missing - head {
            0..=BEHIND => 1,
            behind if behind <= CATCH_UP_FRAMES => 2,
            _ => CATCH_UP_FRAMES,
        };
        missing.min(head + frames)
    }

    /// A spectator has so much before it that it does not wait between batches.
    pub(crate) fn spectator_hurries(&self) -> bool {
        let (missing, _) = self.inputs.first_missing();
        missing - self.timeline.head() > CATCH_UP_FRAMES
    }

    /// The first frame of which a spectator does not take inputs yet.
    pub(crate) fn spectator_horizon(&self) -> Frame {
        self.timeline.head() + 2 * MAX_PACKET_FRAMES
    }
}
