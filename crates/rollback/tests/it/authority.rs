//! Who decides, in a world in which peers vanish, what of them counts, and who plays on for them.

use std::collections::BTreeMap;

use igym_rollback::{Author, Frame, LinkId, PlayerIndex};

use crate::network::Happening;
use crate::world::World;

#[derive(Debug, Default)]
pub(crate) struct Authority {
    /// A peer that is left plays for those who are gone.
    pub(crate) bots: bool,
    pub(crate) gone: Vec<usize>,
    round: u32,
    /// What each peer holds of the players of those who are gone.
    reports: BTreeMap<usize, Vec<(u8, Frame)>>,
    /// Of each player who plays on, and from which frame.
    pub(crate) decisions: BTreeMap<u8, (usize, Frame)>,
    /// Reports of one round that differed, and rounds that came to nothing.
    pub(crate) differences: u64,
    pub(crate) interrupted: u64,
    pub(crate) lowered: u64,
}

impl World {
    fn here(&self) -> Vec<usize> {
        let gone = &self.authority.gone;
        (0..self.peers.len())
            .filter(|peer| !gone.contains(peer))
            .collect()
    }

    /// Players whose author is gone.
    fn orphans(&self) -> Vec<u8> {
        let gone = self.authority.gone.iter();
        let all = gone.flat_map(|peer| {
            let bots = self.peers[*peer].bots.iter();
            self.case.local(*peer).iter().chain(bots).copied()
        });
        let mut players: Vec<u8> = all.collect();
        players.sort_unstable();
        players.dedup();
        players
    }

    pub(crate) fn vanish(&mut self, index: usize) {
        if self.peers[index].away
            || self.here().len() <= 1
            || self.peers[index].log.sealed.is_some()
        {
            return;
        }
        self.peers[index].away = true;
        let authority = &mut self.authority;
        authority.gone.push(index);
        // At times it is known at once, before the last packets arrive.
        let notices = match self.rng.percent(40) {
            true => 0,
            false => self.rng.below(800_000),
        };
        authority.round += 1;
        authority.interrupted += u64::from(!authority.reports.is_empty());
        authority.reports.clear();
        let round = authority.round;
        for peer in self.here() {
            let at = self.now_us + notices + self.rng.below(200_000);
            self.agenda.add(at, Happening::Report { peer, round });
        }
    }

    pub(crate) fn report(&mut self, index: usize, round: u32) {
        if round != self.authority.round || self.peers[index].away {
            return;
        }
        let orphans = self.orphans();
        let peer = &mut self.peers[index];
        for gone in &self.authority.gone {
            if !peer.left.contains(gone) {
                peer.engine.leave(LinkId(*gone as u8)).unwrap();
                peer.left.push(*gone);
            }
        }
        let held = |player: u8| peer.engine.held_until(PlayerIndex(player)).unwrap();
        let report = orphans.iter().map(|player| (*player, held(*player)));
        self.authority.reports.insert(index, report.collect());
        self.drain(index);
        let here = self.here();
        let reports = &self.authority.reports;
        if here.iter().all(|peer| reports.contains_key(peer)) {
            self.decide(here);
        }
    }

    /// The union of what is held counts.
    fn decide(&mut self, here: Vec<usize>) {
        let authority = &mut self.authority;
        let reports = std::mem::take(&mut authority.reports);
        let reports: Vec<_> = reports.into_values().collect();
        authority.differences += u64::from(reports.iter().any(|report| *report != reports[0]));
        let mut most = reports[0].clone();
        for report in &reports {
            for ((_, most), (_, held)) in most.iter_mut().zip(report) {
                *most = (*most).max(*held);
            }
        }
        for (player, from) in &mut most {
            // A decision stands as long as its author is there and somebody holds all before it.
            let (mut who, most) = (here[0], *from);
            if let Some((author, before)) = authority.decisions.get(player)
                && (here.contains(author) || !authority.bots)
            {
                who = *author;
                *from = most.min(*before);
                authority.lowered += u64::from(*from < *before);
            }
            authority.decisions.insert(*player, (who, *from));
        }
        let round = authority.round;
        for peer in here {
            let at = self.now_us + self.rng.below(300_000);
            self.agenda.add(at, Happening::Decided { peer, round });
        }
    }

    pub(crate) fn decided(&mut self, index: usize, round: u32) {
        if round != self.authority.round || self.peers[index].away {
            return;
        }
        let decisions = self.authority.decisions.clone();
        let peer = &mut self.peers[index];
        for (player, (who, from)) in decisions {
            let author = match (self.authority.bots, who == index) {
                (false, _) => Author::Nobody,
                (true, true) => Author::Local,
                (true, false) => Author::Link(LinkId(who as u8)),
            };
            peer.engine
                .move_player(PlayerIndex(player), from, author)
                .unwrap();
            if author == Author::Local && !peer.bots.contains(&player) {
                peer.bots.push(player);
            }
        }
        self.drain(index);
    }
}
