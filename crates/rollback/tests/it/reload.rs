//! A world in which engines are lost: who may author what, what the server is told, and the way back.

use igym_rollback::{Frame, Input, PlayerIndex};

use crate::case::Load;
use crate::network::Happening;
use crate::world::World;

impl World {
    /// Nobody else may hold an input for the frame.
    pub(crate) fn author(&mut self, index: usize, player: PlayerIndex, frame: Frame, input: Input) {
        let epoch = self.peers[index].epoch;
        let others = self.peers.iter().enumerate();
        for (other, peer) in others.filter(|(n, peer)| *n != index && !peer.away) {
            if peer.epoch == epoch {
                let held = peer.log.received[usize::from(player.0)].len();
                assert!(
                    held <= frame.0 as usize,
                    "peer {other} holds {player} {frame}"
                );
            }
        }
        let known = &mut self.peers[index].log.received[usize::from(player.0)];
        while known.len() < frame.0 as usize {
            known.push(crate::case::default_input());
        }
        known.push(input);
        let anew = self.journal.author(epoch, player, frame, input);
        self.totals.authored_anew += u64::from(anew);
    }

    /// The host uploads what it has, some time or other, and is told what the server has.
    pub(crate) fn upload(&mut self, index: usize) {
        if self.case.reloads.is_empty() || !self.rng.percent(5) {
            return;
        }
        let epoch = self.peers[index].epoch;
        let lag = self.rng.below(60) as usize;
        for player in 0..self.case.players() as u8 {
            let log = &self.peers[index].log;
            let known = log.received[usize::from(player)].clone();
            let until = known.len().saturating_sub(lag);
            self.journal.upload(epoch, player, &known[..until]);
        }
        let held_back = self.peers.iter().filter(|peer| peer.epoch == epoch);
        let held_back = held_back.filter_map(|peer| peer.history).min();
        let mark = self
            .journal
            .durable(epoch)
            .min(held_back.unwrap_or(u32::MAX));
        // No answer reaches a page at once.
        if self.rng.percent(30) {
            let peer = &mut self.peers[index];
            peer.durable = peer.durable.max(Frame(mark));
            peer.engine.set_durable(Frame(mark));
        }
    }

    pub(crate) fn lose(&mut self, index: usize, lasts_us: u64) {
        let peer = &mut self.peers[index];
        let over = self.closing.is_some_and(|closing| closing >= peer.epoch);
        if over || peer.away {
            return;
        }
        peer.away = true;
        self.totals.reloads +=
            u64::from(peer.log.sealed.is_none() && !peer.log.confirmed.is_empty());
        let away = self.peers.iter().filter(|peer| peer.away).count() as u64;
        self.totals.most_away = self.totals.most_away.max(away);
        let at = self.now_us + lasts_us;
        self.agenda.add(at, Happening::Back { peer: index });
    }

    pub(crate) fn back(&mut self, index: usize) {
        let clock_offset = (1 << 40) + self.rng.below(1 << 40);
        let (epoch, load) = (self.peers[index].epoch, self.peers[index].load + 1);
        let drift_ppm = self.peers[index].drift_ppm;
        let mut made = self.peer(index, epoch, clock_offset, drift_ppm);
        let history = self.journal.history(epoch);
        made.log.received.clone_from(&history);
        made.history = history.iter().map(|inputs| inputs.len() as u32).min();
        made.load = load;
        let again = Load {
            number: load,
            start_at: made.now(self.now_us),
            history: Some(history),
        };
        made.engine = self.case.engine(index, epoch, again);
        self.peers[index] = made;
        self.agenda
            .add(self.now_us, Happening::Tick { peer: index, load });
    }
}
