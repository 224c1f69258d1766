//! What the server holds, and who authored what: the judge of rejoins.

use std::collections::BTreeMap;

use igym_rollback::{Frame, Input, PlayerIndex};

#[derive(Debug)]
pub(crate) struct Journal {
    players: usize,
    /// By epoch and player: the inputs on the server's disk.
    durable: BTreeMap<(u32, u8), Vec<Input>>,
    /// What was authored last for a frame.
    authored: BTreeMap<(u32, u8, Frame), Input>,
}

impl Journal {
    pub(crate) fn new(players: usize) -> Journal {
        Journal {
            players,
            durable: BTreeMap::new(),
            authored: BTreeMap::new(),
        }
    }

    pub(crate) fn history(&self, epoch: u32) -> Vec<Vec<Input>> {
        let players = 0..self.players as u8;
        let inputs = players.map(|player| self.durable.get(&(epoch, player)));
        inputs
            .map(|inputs| inputs.cloned().unwrap_or_default())
            .collect()
    }

    /// Frames of which the server has all inputs.
    pub(crate) fn durable(&self, epoch: u32) -> u32 {
        let history = self.history(epoch);
        history
            .iter()
            .map(|inputs| inputs.len() as u32)
            .min()
            .unwrap_or(0)
    }

    /// The first that is written for a frame is final, and none may differ.
    pub(crate) fn upload(&mut self, epoch: u32, player: u8, known: &[Input]) {
        let inputs = self.durable.entry((epoch, player)).or_default();
        for (held, known) in inputs.iter().zip(known) {
            assert_eq!(held, known, "two versions on the server: player {player}");
        }
        if let Some(more) = known.get(inputs.len()..) {
            inputs.extend(more);
        }
    }

    /// True if an input was authored for the frame before, and lost.
    pub(crate) fn author(
        &mut self,
        epoch: u32,
        player: PlayerIndex,
        frame: Frame,
        input: Input,
    ) -> bool {
        let held = self.durable.get(&(epoch, player.0)).map_or(0, Vec::len);
        assert!(
            held <= frame.0 as usize,
            "the server holds {player} {frame}"
        );
        self.authored
            .insert((epoch, player.0, frame), input)
            .is_some()
    }

    /// What anybody takes is what was authored last: two versions never meet.
    pub(crate) fn received(&self, epoch: u32, player: PlayerIndex, first: Frame, inputs: &[Input]) {
        for (frame, input) in (first.0..).map(Frame).zip(inputs) {
            let authored = self.authored(epoch, player, frame);
            assert_eq!(*input, authored, "player {player} {frame}");
        }
    }

    /// Lead frames are the engine's.
    pub(crate) fn authored(&self, epoch: u32, player: PlayerIndex, frame: Frame) -> Input {
        let authored = self.authored.get(&(epoch, player.0, frame)).copied();
        authored.unwrap_or_else(crate::case::default_input)
    }
}
