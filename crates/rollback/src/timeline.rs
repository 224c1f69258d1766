//! The frames simulated and not yet confirmed: the recorder.

use std::collections::VecDeque;

use crate::batch::Answered;
use crate::types::{InputList, append, same};
use crate::{Digest, Frame, Micros, PlayerIndex, PlayerSet};

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
    records: VecDeque<Record>,
    /// Records that were confirmed: their memory is used again.
    spare: Vec<Record>,
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
        self.records.len()
    }

    /// Compares an input that just became known with the one that was simulated. `None` if its
    /// frame was not, else whether the guess was right.
    pub(crate) fn check(
        &mut self,
        frame: Frame,
        player: PlayerIndex,
        input: &[u8],
    ) -> Option<bool> {
        let offset = frame.0.checked_sub(self.base.0)?;
        let record = self.records.get(offset as usize)?;
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
        match self.records.get_mut(offset as usize) {
            Some(record) => {
                if record.shown.is_empty() {
                    // What `inputs` holds then is overwritten at once.
                    std::mem::swap(&mut record.shown, &mut record.inputs);
                }
                record.simulated(answered);
                record.rollback_depth = record.rollback_depth.max(depth);
                false
            }
            None => {
                let mut record = self.spare.pop().unwrap_or_default();
                record.simulated(answered);
                record.shown.clear();
                record.first_simulated_at = at;
                record.rollback_depth = depth;
                self.records.push_back(record);
                true
            }
        }
    }

    /// Every wrong guess was simulated anew.
    pub(crate) fn corrected(&mut self) {
        self.wrong = None;
    }

    /// Takes out the first unconfirmed frame, if all inputs before `known` are known and were
    /// simulated.
    pub(crate) fn confirm(&mut self, known: Frame) -> Option<Record> {
        let right = self.wrong.is_none_or(|wrong| self.base < wrong.frame);
        if !right || self.base >= known || self.base >= self.head {
            return None;
        }
        let record = self.records.pop_front()?;
        self.base = self.base + 1;
        Some(record)
    }

    /// Gives a confirmed record back.
    pub(crate) fn reuse(&mut self, record: Record) {
        self.spare.push(record);
    }

    /// Nothing after the sealed frame matters.
    pub(crate) fn close(&mut self) {
        self.records.clear();
        self.spare = Vec::new();
        self.wrong = None;
    }

    fn get(&self, frame: Frame) -> Option<&Record> {
        let offset = frame.0.checked_sub(self.base.0)?;
        self.records.get(offset as usize)
    }
}
