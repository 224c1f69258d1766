//! The frames simulated and not yet confirmed: the recorder.

use std::collections::VecDeque;

use crate::{Frame, Input, Micros, PlayerIndex, PlayerSet, StepResult};

/// The newest simulation of one frame, and what was ever true of it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) inputs: Vec<Input>,
    pub(crate) result: StepResult,
    /// The inputs of the first simulation, if there was another since.
    shown: Option<Vec<Input>>,
    pub(crate) first_simulated_at: Micros,
    pub(crate) rollback_depth: u32,
}

impl Record {
    /// Players whose input in the first simulation was not that of the newest.
    pub(crate) fn shown_wrong(&self) -> PlayerSet {
        let shown = self.shown.as_ref().unwrap_or(&self.inputs);
        let pairs = shown.iter().zip(&self.inputs);
        (0..)
            .map(PlayerIndex)
            .zip(pairs)
            .filter(|(_, (shown, input))| shown != input)
            .map(|(player, _)| player)
            .collect()
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
    head: Frame,
    wrong: Option<Wrong>,
}

impl Timeline {
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
            .filter(|record| record.result.terminal)
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
        input: Input,
    ) -> Option<bool> {
        let offset = frame.0.checked_sub(self.base.0)?;
        let record = self.records.get(offset as usize)?;
        if record.inputs[player.index()] == input {
            return Some(true);
        }
        if frame < self.head && self.wrong.is_none_or(|wrong| frame < wrong.frame) {
            self.wrong = Some(Wrong { frame, player });
        }
        Some(false)
    }

    /// Takes the result of a step: a simulation of a frame for the first time makes a record, and
    /// returns true.
    pub(crate) fn simulated(
        &mut self,
        inputs: Vec<Input>,
        result: StepResult,
        at: Micros,
        rollback_depth: u32,
    ) -> bool {
        let frame = result.frame;
        self.head = frame + 1;
        match self.records.get_mut((frame - self.base) as usize) {
            Some(record) => {
                let before = std::mem::replace(&mut record.inputs, inputs);
                record.shown.get_or_insert(before);
                record.result = result;
                record.rollback_depth = record.rollback_depth.max(rollback_depth);
                false
            }
            None => {
                self.records.push_back(Record {
                    inputs,
                    result,
                    shown: None,
                    first_simulated_at: at,
                    rollback_depth,
                });
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

    /// Nothing after the sealed frame matters.
    pub(crate) fn close(&mut self) {
        self.records.clear();
        self.wrong = None;
    }

    fn get(&self, frame: Frame) -> Option<&Record> {
        let offset = frame.0.checked_sub(self.base.0)?;
        self.records.get(offset as usize)
    }
}
