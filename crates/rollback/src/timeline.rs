//! The frames simulated and not yet confirmed: the recorder.

use crate::batch::Answered;
use crate::types::{InputList, append, same};
use crate::{Digest, Frame, Micros, PlayerIndex, PlayerSet};
use alloc::vec::Vec;

/// The newest simulation of one frame, and what was ever true of it.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) frame: Frame,
    pub(crate) inputs: InputList,
    pub(crate) outcome: Vec<u8>,
    pub(crate) terminal: bool,
    pub(crate) digest: Option<Digest>,
    /// The inputs of the first simulation; empty if there was no other since.
    shown: InputList,
    pub(crate) first_simulated_at: Micros,
    pub(crate) rollback_depth: u32,
}

impl Record {
    /// Players whose input in the first simulation was not that of the newest.
    pub(crate) fn shown_wrong(&self) -> PlayerSet {
        let pairs = self.shown.as_slice().iter().zip(self.inputs.as_slice());
        (0..)
            .map(PlayerIndex)
            .zip(pairs)
            .filter(|(_, (shown, input))| shown != input)
            .map(|(player, _)| player)
            .collect()
    }

    fn simulated(&mut self, answered: &Answered<'_>) {
        self.frame = answered.frame;
        self.inputs.clear();
        self.inputs.extend(answered.inputs);
        self.outcome.clear();
        append(&mut self.outcome, answered.result.outcome);
        self.terminal = answered.result.terminal;
        self.digest = answered.result.digest;
    }
}

/// The first frame simulated with a wrong guess, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) frame: Frame,
    pub(crate) player: PlayerIndex,
}

/// Records from the first unconfirmed frame on. Where a rollback found an earlier end, records at
/// the head and after it are left from before: they say when and with what a frame was shown, and
/// are no part of the present.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    base: Frame,
    /// That of a frame is at the place of its number, modulo the length, a power of two. The memory of the
    /// others is used again.
    records: Vec<Record>,
    /// How many there are.
    count: usize,
    head: Frame,
    wrong: Option<Wrong>,
}

impl Timeline {
    /// Begins anew at this frame.
    pub(crate) fn begin_at(&mut self, frame: Frame) {
        self.close();
        (self.base, self.head) = (frame, frame);
    }

    /// The next frame to simulate.
    pub(crate) fn head(&self) -> Frame {
        self.head
    }

    /// The first frame not confirmed.
    pub(crate) fn base(&self) -> Frame {
        self.base
    }

    pub(crate) fn wrong(&self) -> Option<Wrong> {
        self.wrong
    }

    /// The frame before the head, if it ends the episode as far as can be told.
    pub(crate) fn terminal(&self) -> Option<Frame> {
        let last = self.head.0.checked_sub(1).map(Frame)?;
        self.get(last)
            .filter(|record| record.terminal)
            .map(|_| last)
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Compares an input that just became known with the one that was simulated. `None` if its
    /// frame was not, else whether the guess was right.
    pub(crate) fn check(
        &mut self,
        frame: Frame,
        player: PlayerIndex,
        input: &[u8],
    ) -> Option<bool> {
        let record = self.get(frame)?;
        if same(record.inputs.as_slice()[player.index()].as_slice(), input) {
            return Some(true);
        }
        if frame < self.head && self.wrong.is_none_or(|wrong| frame < wrong.frame) {
            self.wrong = Some(Wrong { frame, player });
        }
        Some(false)
    }

    /// Takes the result of a step: a simulation of a frame for the first time makes a record, and
    /// returns true. Of a frame that is confirmed nothing is taken: it was simulated only to get
    /// from an older snapshot to later frames.
    pub(crate) fn simulated(&mut self, answered: &Answered<'_>, at: Micros, depth: u32) -> bool {
        self.head = answered.frame + 1;
        let Some(offset) = answered.frame.0.checked_sub(self.base.0) else {
            return false;
        };
        let first = offset as usize >= self.count;
        if first {
            self.count += 1;
            self.make_room();
        }
        let place = self.place(answered.frame);
        let record = &mut self.records[place];
        if first {
            record.shown.clear();
            record.first_simulated_at = at;
            record.rollback_depth = depth;
        } else {
            if record.shown.is_empty() {
                // What `inputs` holds then is overwritten at once.
                core::mem::swap(&mut record.shown, &mut record.inputs);
            }
            record.rollback_depth = record.rollback_depth.max(depth);
        }
        record.simulated(answered);
        first
    }

    /// Every wrong guess was simulated anew.
    pub(crate) fn corrected(&mut self) {
        self.wrong = None;
    }

    /// The first unconfirmed frame, if all inputs before `known` are known and were simulated.
    pub(crate) fn next(&self, known: Frame) -> Option<&Record> {
        let right = self.wrong.is_none_or(|wrong| self.base < wrong.frame);
        if !right || self.base >= known || self.base >= self.head {
            return None;
        }
        self.get(self.base)
    }

    /// That one is confirmed.
    pub(crate) fn confirm(&mut self) {
        self.base = self.base + 1;
        self.count -= 1;
    }

    /// Nothing after the sealed frame matters.
    pub(crate) fn close(&mut self) {
        self.records = Vec::new();
        self.count = 0;
        self.wrong = None;
    }

    fn get(&self, frame: Frame) -> Option<&Record> {
        let offset = frame.0.checked_sub(self.base.0)?;
        let held = (offset as usize) < self.count;
        held.then(|| &self.records[self.place(frame)])
    }

    fn place(&self, frame: Frame) -> usize {
        frame.0 as usize & (self.records.len() - 1)
    }

    /// Makes room for all records; those there are find their new places.
    fn make_room(&mut self) {
        if self.count <= self.records.len() {
            return;
        }
        let old = core::mem::take(&mut self.records);
        let mut all: Vec<Record> = Vec::new();
        all.resize_with((2 * old.len()).max(8), Record::default);
        self.records = all;
        for record in old {
            let place = self.place(record.frame);
            self.records[place] = record;
        }
    }
}
