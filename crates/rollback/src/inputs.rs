//! What is known of every player's inputs, and guesses for the rest.

use std::collections::VecDeque;

use crate::builder::Prediction;
use crate::{Frame, Input, PlayerIndex, PlayerSet};

/// One player's inputs without gaps: the first that came for a frame is final.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The frame of the oldest input still held.
    base: Frame,
    held: VecDeque<Input>,
    last: Option<Input>,
}

impl Queue {
    /// The first frame whose input is missing.
    pub(crate) fn end(&self) -> Frame {
        self.base + self.held.len() as u32
    }

    /// The first frame whose input is still held.
    pub(crate) fn begin(&self) -> Frame {
        self.base
    }

    /// `None` where the input is missing or was let go.
    pub(crate) fn get(&self, frame: Frame) -> Option<Input> {
        let offset = frame.0.checked_sub(self.base.0)?;
        self.held.get(offset as usize).copied()
    }

    pub(crate) fn push(&mut self, input: Input) {
        self.held.push_back(input);
        self.last = Some(input);
    }

    pub(crate) fn forget_before(&mut self, frame: Frame) {
        let count = (frame - self.base).min(self.held.len() as u32);
        self.held.drain(..count as usize);
        self.base = self.base + count;
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }
}

/// All players' inputs.
#[derive(Debug)]
pub(crate) struct Inputs {
    queues: Vec<Queue>,
    prediction: Prediction,
    default: Input,
}

impl Inputs {
    pub(crate) fn new(players: usize, prediction: Prediction, default: Input) -> Inputs {
        Inputs {
            queues: (0..players).map(|_| Queue::default()).collect(),
            prediction,
            default,
        }
    }

    pub(crate) fn of(&self, player: PlayerIndex) -> &Queue {
        &self.queues[player.index()]
    }

    pub(crate) fn of_mut(&mut self, player: PlayerIndex) -> &mut Queue {
        &mut self.queues[player.index()]
    }

    /// The first frame for which an input is missing, and a player who lacks it.
    pub(crate) fn first_missing(&self) -> (Frame, PlayerIndex) {
        let ends = self.queues.iter().map(Queue::end);
        let players = (0..).map(PlayerIndex);
        ends.zip(players).min().expect("there is a player")
    }

    /// Every player's input for a frame not yet let go, and whose of them are guesses.
    pub(crate) fn at(&self, frame: Frame) -> (Vec<Input>, PlayerSet) {
        let mut predicted = PlayerSet::default();
        let inputs = (0..)
            .map(PlayerIndex)
            .zip(&self.queues)
            .map(|(player, queue)| {
                queue.get(frame).unwrap_or_else(|| {
                    predicted.insert(player);
                    self.guess(queue)
                })
            })
            .collect();
        (inputs, predicted)
    }

    pub(crate) fn longest(&self) -> usize {
        self.queues.iter().map(Queue::len).max().unwrap_or(0)
    }

    fn guess(&self, queue: &Queue) -> Input {
        match self.prediction {
            Prediction::RepeatLast => queue.last.unwrap_or(self.default),
            Prediction::Default => self.default,
        }
    }
}
