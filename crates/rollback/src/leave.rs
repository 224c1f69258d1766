//! Peers that leave, and players that another author takes over: the rule of the cut.
//!
//! Survivors of a peer that vanished may hold different last inputs of it. So that they agree, none
//! takes more from it once its link is [left](Engine::leave); whoever decides asks every survivor up to
//! where it [holds](Engine::held_until) each player and has the player [move](Engine::move_player) at
//! the greatest of these frames. Survivors that hold less ask the others for the rest and take it as
//! attested. Should the one who held the most vanish meanwhile, the decision is taken again, from what
//! those who are left hold: the rest is asked for in order, so nobody has gone beyond.

use crate::compare::Comparison;
use crate::wire::Body;
use crate::{Engine, Event, Frame, Input, LinkId, Micros, MoveError, PlayerIndex};
use alloc::vec::Vec;

/// Who gives a player's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Nobody: it is the default input in every frame.
    Nobody,
    /// This peer's host, for a bot say.
    Local,
    /// The peer at the other end of this link.
    Link(LinkId),
}

/// A player whose author changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) player: PlayerIndex,
    /// The first frame of the new author.
    pub(crate) from: Frame,
    author: Author,
}

impl Engine {
    /// The first frame for which this player's input is missing here.
    pub fn held_until(&self, player: PlayerIndex) -> Option<Frame> {
        let exists = player.index() < self.config.players;
        exists.then(|| self.inputs.of(player).end())
    }

    /// The peer at the other end has vanished: from now on nothing more is taken from it and no packet
    /// is made for it. Its players stay, and play waits for them at the end of the window, until they
    /// [move](Engine::move_player) or the peer [comes back](Engine::admit).
    pub fn leave(&mut self, link: LinkId) -> Result<(), MoveError> {
        self.set_left(link, true)
    }

    /// The peer at the other end of a link that was left is heard again.
    pub fn admit(&mut self, link: LinkId) -> Result<(), MoveError> {
        self.set_left(link, false)
    }

    /// From frame `from` on, `author` gives this player's inputs. All peers must be told the same. The
    /// player is one whose link was left, or one that moved before.
    ///
    /// Of an author that is present none can be taken away: it goes on authoring until it is told, so that of
    /// one frame two inputs could be on their way. That is refused, with [`MoveError::Present`] where the peer
    /// is heard and with [`MoveError::Local`] at that peer itself; a player that is to change hands in play
    /// has its link left first, by all others.
    ///
    /// `from` must not be below what this peer [holds](Engine::held_until) of the player: the greatest
    /// such frame of all peers that are left, or any later one. A decision stands as long as its author
    /// is there and somebody holds all that is before it; else another may take its place.
    pub fn move_player(
        &mut self,
        player: PlayerIndex,
        from: Frame,
        author: Author,
    ) -> Result<(), MoveError> {
        if let Some(open) = &self.open {
            return Err(MoveError::BatchOpen { id: open.id });
        }
        let held = self
            .held_until(player)
            .ok_or(MoveError::NoPlayer { player })?;
        let before = self.moves.iter().position(|moved| moved.player == player);
        let told = Move {
            player,
            from,
            author,
        };
        if self.moves.contains(&told) {
            return Ok(());
        }
        // A page load that is told of a move again has what came after it from its history.
        if held > from && !self.rejoining() {
            return Err(MoveError::TooLate { player, held });
        }
        let link_of = |player| {
            let mut links = self.links.iter();
            links.find(move |link| link.players.contains(player))
        };
        if let Some(link) = link_of(player).filter(|link| !link.left && before.is_none()) {
            return Err(MoveError::Present {
                player,
                link: link.id,
            });
        }
        if before.is_none() && self.config.local.contains(player) {
            return Err(MoveError::Local { player });
        }
        let present = |id| self.links.iter().any(|link| link.id == id && !link.left);
        if let Author::Link(link) = author
            && !present(link)
        {
            return Err(MoveError::NoLink { link });
        }
        if let Some(before) = before {
            self.moves.remove(before);
        }
        self.moves.push(told);
        let local = author == Author::Local;
        let delay = local.then(|| self.lead());
        self.delays.move_to(player, delay);
        match local {
            true => self.config.local.insert(player),
            false => self.config.local.remove(player),
        }
        for link in &mut self.links {
            let there = author == Author::Link(link.id);
            link.place(player, from, local, there);
        }
        if local {
            self.announce_delays();
        }
        self.settle();
        Ok(())
    }

    /// Gives inputs of a player that [moved](Engine::move_player), from before it did, where a journal
    /// has them: those from `first` on. What is here already stays. Peers give each other what they
    /// hold by themselves, so this is of use where none of them holds as much.
    pub fn give(
        &mut self,
        player: PlayerIndex,
        first: Frame,
        inputs: &[Input],
    ) -> Result<(), MoveError> {
        if let Some(open) = &self.open {
            return Err(MoveError::BatchOpen { id: open.id });
        }
        self.held_until(player)
            .ok_or(MoveError::NoPlayer { player })?;
        self.enter_attested(player, (first.0..).map(Frame).zip(inputs));
        self.settle();
        Ok(())
    }

    fn set_left(&mut self, link: LinkId, left: bool) -> Result<(), MoveError> {
        if let Some(open) = &self.open {
            return Err(MoveError::BatchOpen { id: open.id });
        }
        let found = self.links.iter_mut().find(|other| other.id == link);
        let link = found.ok_or(MoveError::NoLink { link })?;
        link.left = left;
        // What it confirmed alone may be confirmed otherwise by those who are left.
        link.comparison = Comparison::default();
        self.settle();
        Ok(())
    }

    /// All inputs are here that are not the player's present author's.
    pub(crate) fn authorable(&self, player: PlayerIndex) -> bool {
        let moved = self.moves.iter().find(|moved| moved.player == player);
        moved.is_none_or(|moved| self.inputs.of(player).end() >= moved.from)
    }

    /// No peer has inputs of one of our players from this frame on; it may have more than we of a player
    /// that moved here.
    pub(crate) fn given_until(&self, player: PlayerIndex) -> Frame {
        let moved = self.moves.iter().find(|moved| moved.player == player);
        let end = self.inputs.of(player).end();
        moved.map_or(end, |moved| end.max(moved.from))
    }

    /// Players that moved, and the first input of each that is missing here and was given before.
    pub(crate) fn lacks(&self) -> impl Iterator<Item = (PlayerIndex, Frame)> {
        let ends = self
            .moves
            .iter()
            .map(|moved| (moved, self.inputs.of(moved.player).end()));
        let lacking = ends.filter(|(moved, end)| *end < moved.from);
        lacking.map(|(moved, end)| (moved.player, end))
    }

    /// Takes inputs of players that moved, which another peer had from them.
    pub(crate) fn enter_given(&mut self, link: LinkId, body: &Body, now: Micros) {
        for (player, given) in &body.given {
            let first = self.inputs.of(*player).end();
            let fresh = self.enter_attested(*player, given.iter());
            if !fresh.is_empty() {
                let received = Event::Received {
                    link,
                    player: *player,
                    first,
                    inputs: &[],
                    at: now,
                };
                self.events.push_lending(received, &fresh, &[]);
            }
        }
    }

    /// Takes what is missing of a player that moved, from before it did, and returns it.
    fn enter_attested<'a>(
        &mut self,
        player: PlayerIndex,
        inputs: impl Iterator<Item = (Frame, &'a Input)>,
    ) -> Vec<Input> {
        let mut fresh = Vec::new();
        let moved = self.moves.iter().find(|moved| moved.player == player);
        let Some(Move { from, .. }) = moved.copied() else {
            return fresh;
        };
        for (frame, input) in inputs {
            let queue = self.inputs.of(player);
            if frame < queue.end() {
                let conflict = queue
                    .get(frame)
                    .is_some_and(|known| known != input.as_slice());
                self.counters.conflicts += u64::from(conflict);
            } else if frame == queue.end() && frame < from {
                self.enter(player, input.as_slice());
                fresh.push(*input);
            }
        }
        fresh
    }

    /// Players without an author have the default input for as far as anybody else has any.
    pub(crate) fn author_for_nobody(&mut self) {
        if self.moves.is_empty() {
            return;
        }
        let nobody = |moved: &Move| moved.author == Author::Nobody;
        let without = self.moves.iter().filter(|moved| nobody(moved));
        let without: Vec<Move> = without.copied().collect();
        let players = (0..self.config.players as u8).map(PlayerIndex);
        let others = players.filter(|player| !without.iter().any(|moved| moved.player == *player));
        let ends = others.map(|player| self.inputs.of(player).end());
        let until = ends.max().unwrap_or_default().max(self.timeline.head() + 1);
        for Move { player, from, .. } in without {
            while self.inputs.of(player).end() >= from && self.inputs.of(player).end() < until {
                let default = self.config.default_input;
                self.enter(player, default.as_slice());
            }
        }
    }
}
