//! One episode of a session, from its plan to its end.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{CloseReason, EpisodePart, EpisodePlan};

use crate::Millis;
use crate::deadline::Deadline;

/// PLAYING: the episode that is open now.
pub(crate) struct Playing {
    pub(crate) plan: EpisodePlan,
    pub(crate) starts_at: Millis,
    pub(crate) phase: Phase,
    pub(crate) pages: Pages,
}

/// What is known of the players' page loads in an episode, by their incarnations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    /// By which page load each player sealed.
    pub(crate) sealed: BTreeMap<u8, u32>,
    /// The last page of a player that was loaded after the episode was opened.
    pub(crate) loaded: BTreeMap<u8, u32>,
    /// Players whose last page that was loaded after the episode was opened has another build than
    /// the episode is played with.
    foreign: BTreeSet<u8>,
    /// The last page of a player that asked to rejoin: what earlier ones bring about the episode's
    /// end does not count.
    pub(crate) rejoined: BTreeMap<u8, u32>,
}

/// How far the closing of the episode is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Being played.
    Open { deadline: Deadline },
    /// The server is about to cut; those who are there deliver what they hold.
    Flushing {
        flushed: BTreeSet<u8>,
        closes_at: Millis,
    },
}

impl Pages {
    /// Whether what this page says about the end of the episode counts.
    pub(crate) fn counts(&self, player: u8, incarnation: u32) -> bool {
        self.rejoined
            .get(&player)
            .is_none_or(|fence| incarnation >= *fence)
    }

    pub(crate) fn load(&mut self, player: u8, incarnation: u32, foreign: bool) {
        self.loaded.insert(player, incarnation);
        match foreign {
            true => self.foreign.insert(player),
            false => self.foreign.remove(&player),
        };
    }

    /// Whether somebody who has not sealed has a page that cannot go on with the episode.
    pub(crate) fn lack_one(&self) -> bool {
        let mut foreign = self.foreign.iter();
        foreign.any(|player| !self.sealed.contains_key(player))
    }

    fn has_rejoined(&self, player: u8) -> bool {
        let page = self.loaded.get(&player);
        page.is_some() && page == self.rejoined.get(&player)
    }
}

impl Playing {
    pub(crate) fn new(plan: EpisodePlan, starts_at: Millis, deadline: Deadline) -> Self {
        Self {
            plan,
            starts_at,
            phase: Phase::Open { deadline },
            pages: Pages::default(),
        }
    }

    /// Whether pages should stop playing and deliver what they hold.
    pub(crate) fn flush(&self) -> bool {
        match self.phase {
            Phase::Open { .. } => false,
            Phase::Flushing { .. } => true,
        }
    }

    /// What this player's page has to do with the episode.
    pub(crate) fn part_of(&self, player: u8) -> EpisodePart {
        if !self.pages.loaded.contains_key(&player) {
            return EpisodePart::Play;
        }
        match self.phase {
            Phase::Open { .. } if self.pages.foreign.contains(&player) => EpisodePart::Over,
            // While it is open, others may still lack the inputs of a page that has sealed.
            Phase::Open { .. } => EpisodePart::Rejoin,
            Phase::Flushing { .. } if self.pages.has_rejoined(player) => EpisodePart::Rejoin,
            Phase::Flushing { .. } => EpisodePart::Over,
        }
    }

    /// Whether this player's page has yet to ask for what was played before it was loaded.
    pub(crate) fn is_rejoining(&self, player: u8) -> bool {
        self.part_of(player) == EpisodePart::Rejoin && !self.pages.has_rejoined(player)
    }

    pub(crate) fn all_sealed(&self) -> bool {
        self.pages.sealed.len() == self.plan.seats.len()
    }

    /// How it ends if it ends now.
    pub(crate) fn reason(&self) -> CloseReason {
        match self.all_sealed() {
            true => CloseReason::Sealed,
            false => CloseReason::Cut,
        }
    }

    pub(crate) fn is_last(&self) -> bool {
        self.plan.episode + 1 >= self.plan.episodes
    }

    /// Whether all that this player holds has arrived.
    pub(crate) fn delivered(&self, player: u8) -> bool {
        let flushed = match &self.phase {
            Phase::Flushing { flushed, .. } => flushed.contains(&player),
            Phase::Open { .. } => false,
        };
        // A seal is the last upload of an episode.
        flushed || self.pages.sealed.contains_key(&player)
    }

    /// When its phase is over at the latest.
    pub(crate) fn deadline(&self) -> Millis {
        match &self.phase {
            Phase::Open { deadline } => deadline.moment(),
            Phase::Flushing { closes_at, .. } => *closes_at,
        }
    }

    pub(crate) fn seal(&mut self, player: u8, incarnation: u32) {
        self.pages.sealed.entry(player).or_insert(incarnation);
    }

    /// Whether pages are there that were not validated.
    pub(crate) fn has_new_pages(&self) -> bool {
        !self.pages.loaded.is_empty()
    }

    /// The player's page asks to rejoin; its incarnation, if it does so for the first time.
    pub(crate) fn rejoin(&mut self, player: u8) -> Option<u32> {
        let page = *self.pages.loaded.get(&player)?;
        let before = self.pages.rejoined.insert(player, page);
        (before != Some(page)).then_some(page)
    }

    /// Whether that is news.
    pub(crate) fn flushed(&mut self, player: u8) -> bool {
        match &mut self.phase {
            Phase::Flushing { flushed, .. } => flushed.insert(player),
            Phase::Open { .. } => false,
        }
    }
}
