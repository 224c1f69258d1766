//! What is known of every player's inputs, and guesses for the rest.

use crate::prediction::PastInputs;
use crate::types::InputList;
use crate::{Frame, Input, PlayerIndex, PlayerSet, Prediction};

/// One player's inputs without gaps: the first that came for a frame is final.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The frame of the oldest input still held.
    base: Frame,
    /// How many are held.
    count: usize,
    /// Bytes of the longest input so far.
    width: usize,
    /// `width + 1` bytes per input, its length first.
    bytes: Vec<u8>,
    /// Where in `bytes` the oldest one is. What is before it is garbage.
    begin: usize,
    /// The newest one, if there ever was one.
    last: Option<Input>,
}

impl Queue {
    /// Begins at this frame: nothing is held yet.
    pub(crate) fn begin_at(&mut self, frame: Frame) {
        self.base = frame;
    }

    /// The first frame whose input is missing.
    pub(crate) fn end(&self) -> Frame {
        self.base + self.count as u32
    }

    /// The first frame whose input is still held.
    pub(crate) fn begin(&self) -> Frame {
        self.base
    }

    pub(crate) fn last(&self) -> Option<&Input> {
        self.last.as_ref()
    }

    /// `None` where the input is missing or was let go.
    pub(crate) fn get(&self, frame: Frame) -> Option<&[u8]> {
        let offset = frame.0.checked_sub(self.base.0)? as usize;
        if offset >= self.count {
            return None;
        }
        let at = self.begin + offset * (self.width + 1);
        let end = at + 1 + usize::from(self.bytes[at]);
        Some(&self.bytes[at + 1..end])
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if bytes.len() > self.width {
            self.widen(bytes.len());
        }
        self.bytes.push(bytes.len() as u8);
        match bytes {
            [one] => self.bytes.push(*one),
            bytes => self.bytes.extend_from_slice(bytes),
        }
        self.count += 1;
        let end = self.begin + self.count * (self.width + 1);
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.last.get_or_insert_default().set(bytes);
    }

    pub(crate) fn forget_before(&mut self, frame: Frame) {
        let count = ((frame - self.base) as usize).min(self.count);
        self.base = self.base + count as u32;
        self.count -= count;
        self.begin += count * (self.width + 1);
        // Moved rarely enough that a frame costs a constant, and early enough to be small.
        if self.begin >= 64 && self.begin > self.bytes.len() / 2 {
            self.bytes.drain(..self.begin);
            self.begin = 0;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// All inputs from `first` on; none if that was let go, since those after it are of no use alone.
    pub(crate) fn from(&self, first: Frame) -> impl ExactSizeIterator<Item = &[u8]> {
        let count = match first >= self.base {
            true => (self.end() - first) as usize,
            false => 0,
        };
        let begin = self.begin + (self.count - count) * (self.width + 1);
        let slots = self.bytes[begin..].chunks_exact(self.width + 1);
        slots.map(|slot| &slot[1..1 + usize::from(slot[0])])
    }

    /// Bytes of the longest input so far.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Makes room for longer inputs than before.
    fn widen(&mut self, width: usize) {
        let mut bytes = Vec::with_capacity((self.count + 1) * (width + 1));
        for slot in self.bytes[self.begin..].chunks_exact(self.width + 1) {
            bytes.extend_from_slice(slot);
            bytes.resize(bytes.len() + width - self.width, 0);
        }
        self.bytes = bytes;
        self.begin = 0;
        self.width = width;
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

    /// Adds every player's input for a frame not yet let go, and tells whose of them are guesses.
    pub(crate) fn at(&self, frame: Frame, inputs: &mut InputList) -> PlayerSet {
        let mut predicted = PlayerSet::default();
        for (player, queue) in (0..).map(PlayerIndex).zip(&self.queues) {
            if let Some(known) = queue.get(frame) {
                inputs.push(known);
                continue;
            }
            predicted.insert(player);
            match &self.prediction {
                Prediction::RepeatLast => {
                    inputs.push(queue.last().unwrap_or(&self.default).as_slice());
                }
                Prediction::Default => inputs.push(self.default.as_slice()),
                Prediction::Custom(strategy) => {
                    let guess = strategy.predict(player, frame, PastInputs::of(queue));
                    inputs.push(guess.as_slice());
                }
            }
        }
        predicted
    }

    pub(crate) fn longest(&self) -> usize {
        self.queues.iter().map(Queue::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_of_any_lengths_come_back_and_old_ones_are_let_go() {
        let input = |frame: u32| {
            let length = 1 + (frame as usize * 7) % (1 + frame as usize % 64);
            Input::new(&vec![frame as u8; length]).unwrap_or_default()
        };
        let mut queue = Queue::default();
        for frame in 0..500 {
            assert_eq!(queue.end(), Frame(frame));
            queue.push(input(frame).as_slice());
            queue.forget_before(Frame(frame.saturating_sub(100)));
            let held = queue.begin().0..queue.end().0;
            assert!(held.len() <= 101 && queue.bytes.len() <= 2 * 101 * 65 + 64);
            for held in held {
                assert_eq!(queue.get(Frame(held)), Some(input(held).as_slice()));
            }
            assert_eq!(queue.get(queue.end()), None);
            let before = queue.begin().0.checked_sub(1).map(Frame);
            assert!(before.is_none_or(|before| queue.get(before).is_none()));
        }
    }
}
