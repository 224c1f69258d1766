//! One episode of a session, from its plan to its judgement.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{EpisodePart, EpisodePlan};

use crate::Millis;

/// PLAYING: the episode that is open now.
pub(crate) struct Playing {
    pub(crate) plan: EpisodePlan,
    pub(crate) starts_at: Millis,
    pub(crate) phase: Phase,
    sealed: BTreeSet<u8>,
    /// Links, by who reported them, that failed and did not come back, and how long that is
    /// borne.
    down: BTreeMap<(u8, u8), Millis>,
    /// Players whose page was loaded after they had delivered: it has no part in this episode.
    new_pages: BTreeSet<u8>,
    /// A server before this one may have asked pages to flush; that is not written down.
    pub(crate) asked_before: bool,
}

/// How far the closing of the episode is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Being played.
    Open { closes_at: Millis },
    /// The server is about to cut; those who are there deliver what they hold.
    Flushing {
        flushed: BTreeSet<u8>,
        closes_at: Millis,
    },
    /// Everything that will come is there; its readings are being compared.
    Judging { flush: bool },
}

impl Playing {
    pub(crate) fn new(plan: EpisodePlan, starts_at: Millis, closes_at: Millis) -> Self {
        Self {
            plan,
            starts_at,
            phase: Phase::Open { closes_at },
            sealed: BTreeSet::new(),
            down: BTreeMap::new(),
            new_pages: BTreeSet::new(),
            asked_before: false,
        }
    }

    /// Whether pages should stop playing and deliver what they hold.
    pub(crate) fn flush(&self) -> bool {
        match self.phase {
            Phase::Open { .. } => false,
            Phase::Flushing { .. } => true,
            Phase::Judging { flush } => flush,
        }
    }

    /// Whether this player's page should.
    pub(crate) fn flush_of(&self, player: u8) -> bool {
        self.flush() || self.new_pages.contains(&player)
    }

    /// What this player's page has to do with the episode.
    pub(crate) fn part_of(&self, player: u8) -> EpisodePart {
        if self.new_pages.contains(&player) {
            EpisodePart::Over
        } else {
            EpisodePart::Play
        }
    }

    pub(crate) fn all_sealed(&self) -> bool {
        self.sealed.len() == self.plan.seats.len()
    }

    pub(crate) fn is_last(&self) -> bool {
        self.plan.episode + 1 >= self.plan.episodes
    }

    /// Whether all that this player holds has arrived.
    pub(crate) fn delivered(&self, player: u8) -> bool {
        let flushed = match &self.phase {
            Phase::Flushing { flushed, .. } => flushed.contains(&player),
            Phase::Open { .. } | Phase::Judging { .. } => false,
        };
        // A seal is the last upload of an episode.
        flushed || self.sealed.contains(&player)
    }

    pub(crate) fn deadline(&self) -> Option<Millis> {
        match &self.phase {
            Phase::Open { closes_at } => {
                let down = self.down.values().copied();
                down.chain([*closes_at]).min()
            }
            Phase::Flushing { closes_at, .. } => Some(*closes_at),
            Phase::Judging { .. } => None,
        }
    }

    pub(crate) fn seal(&mut self, player: u8) {
        self.sealed.insert(player);
    }

    pub(crate) fn is_sealed_by(&self, player: u8) -> bool {
        self.sealed.contains(&player)
    }

    pub(crate) fn new_page(&mut self, player: u8) {
        self.new_pages.insert(player);
    }

    /// Whether pages are there that have no links to the others.
    pub(crate) fn has_new_pages(&self) -> bool {
        !self.new_pages.is_empty()
    }

    /// Whether that is news.
    pub(crate) fn flushed(&mut self, player: u8) -> bool {
        match &mut self.phase {
            Phase::Flushing { flushed, .. } => flushed.insert(player),
            Phase::Open { .. } | Phase::Judging { .. } => false,
        }
    }

    /// Whether that is news.
    pub(crate) fn link_failed(&mut self, link: (u8, u8), until: Millis) -> bool {
        let news = !self.down.contains_key(&link);
        self.down.entry(link).or_insert(until);
        news
    }

    /// Whether that is news.
    pub(crate) fn link_open(&mut self, link: (u8, u8)) -> bool {
        self.down.remove(&link).is_some()
    }

    pub(crate) fn has_links_down(&self) -> bool {
        !self.down.is_empty()
    }
}
