//! What is known of every player's inputs, and guesses for the rest.

use alloc::vec::Vec;
use core::ops::Range;

use crate::past::{BLOCK, Past, PastRuns};
use crate::prediction::PastInputs;
use crate::types::{InputList, append, same};
use crate::{Frame, Input, PlayerIndex, PlayerSet, Prediction, wire};

/// One player's inputs without gaps: the first that came for a frame is final. The newest lie one by one,
/// those before them as runs.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The frame of the oldest input still held.
    begin: Frame,
    past: Past,
    /// The frame of the first of the newest inputs, and how many they are.
    base: Frame,
    count: usize,
    /// Bytes of the longest input so far.
    width: usize,
    /// `width + 1` bytes per input, its length first, and zeros after it.
    bytes: Vec<u8>,
    /// Where in `bytes` the oldest one is. What is before it is garbage.
    start: usize,
    /// The newest one, if there ever was one.
    last: Option<Input>,
}

impl Queue {
    /// Begins at this frame: nothing is held yet.
    pub(crate) fn begin_at(&mut self, frame: Frame) {
        (self.begin, self.base) = (frame, frame);
    }

    /// The first frame whose input is missing.
    pub(crate) fn end(&self) -> Frame {
        self.base + self.count as u32
    }

    /// The first frame whose input is still held.
    pub(crate) fn begin(&self) -> Frame {
        self.begin
    }

    pub(crate) fn last(&self) -> Option<&Input> {
        self.last.as_ref()
    }

    /// `None` where the input is missing or was let go.
    pub(crate) fn get(&self, frame: Frame) -> Option<&[u8]> {
        self.runs(frame).next().map(|(bytes, _)| bytes)
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.count == 2 * BLOCK {
            self.lay_away();
        }
        if bytes.len() > self.width {
            self.widen(bytes.len());
        }
        self.bytes.push(bytes.len() as u8);
        append(&mut self.bytes, bytes);
        self.count += 1;
        let end = self.start + self.count * (self.width + 1);
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.last.get_or_insert_default().set(bytes);
    }

    pub(crate) fn forget_before(&mut self, frame: Frame) {
        if frame <= self.begin {
            return;
        }
        self.begin = frame.min(self.end());
        self.past.forget_before(self.begin);
        self.drop_first((self.begin - self.base) as usize);
    }

    pub(crate) fn len(&self) -> usize {
        (self.end() - self.begin) as usize
    }

    /// All inputs from `first` on, and of each for how many frames it lasts; none if that was let go, since
    /// those after it are of no use alone.
    pub(crate) fn runs(&self, first: Frame) -> Runs<'_> {
        let stride = self.width + 1;
        let skipped = ((first - self.base) as usize).min(self.count);
        let (past, newest) = match first >= self.begin {
            true => (self.past.from(first), self.start + skipped * stride),
            false => (Default::default(), self.bytes.len()),
        };
        Runs {
            past,
            newest: &self.bytes[newest..],
            stride,
        }
    }

    /// How many frames from `first` on have an input that can be told.
    pub(crate) fn count_from(&self, first: Frame) -> usize {
        match first >= self.begin {
            true => (self.end() - first) as usize,
            false => 0,
        }
    }

    /// The same, one by one.
    pub(crate) fn each(&self, first: Frame) -> Each<'_> {
        Each {
            runs: self.runs(first),
            run: (&[], 0),
        }
    }

    /// The newest inputs from `first` on, each after a 1, if they lie one by one and all have one byte, as
    /// most have: there is a shorter way for these wherever it counts.
    #[inline]
    pub(crate) fn pairs(&self, first: Frame) -> Option<&[[u8; 2]]> {
        if self.width != 1 || first < self.base {
            return None;
        }
        let skipped = ((first - self.base) as usize).min(self.count);
        let (pairs, _) = self.bytes[self.start + 2 * skipped..].as_chunks();
        Some(pairs)
    }

    /// For how many frames the inputs sent are others than those here.
    pub(crate) fn conflicts(&self, sent: &wire::Inputs) -> u64 {
        let mut passed = self.begin - sent.first;
        let first = sent.first.max(self.begin);
        if let Some(pairs) = self.pairs(first) {
            let mut ours = pairs.iter();
            let mut conflicts = 0;
            for run in &sent.runs {
                let frames = run.frames - run.frames.min(passed);
                passed -= run.frames - frames;
                for our in ours.by_ref().take(frames as usize) {
                    conflicts += u64::from(run.input.as_slice() != &our[1..]);
                }
            }
            return conflicts;
        }
        let mut ours = self.each(first);
        let mut conflicts = 0;
        for run in &sent.runs {
            let skipped = run.frames.min(passed);
            passed -= skipped;
            for _ in skipped..run.frames {
                let Some(our) = ours.next() else {
                    return conflicts;
                };
                conflicts += u64::from(!same(run.input.as_slice(), our));
            }
        }
        conflicts
    }

    /// Bytes of the longest input so far.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Lays the older half of the newest inputs away.
    #[cold]
    fn lay_away(&mut self) {
        let stride = self.width + 1;
        let newest = &self.bytes[self.start..self.start + BLOCK * stride];
        let runs = Runs {
            past: Default::default(),
            newest,
            stride,
        };
        self.past.push(self.base, runs);
        self.drop_first(BLOCK);
    }

    /// Drops so many of the newest inputs, the oldest first.
    fn drop_first(&mut self, count: usize) {
        self.base = self.base + count as u32;
        self.count -= count;
        self.start += count * (self.width + 1);
        // Moved rarely enough that a frame costs a constant, and early enough to be small.
        if self.start >= 64 && self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }

    /// Makes room for longer inputs than before.
    fn widen(&mut self, width: usize) {
        let mut bytes = Vec::with_capacity((self.count + 1) * (width + 1));
        for slot in self.bytes[self.start..].chunks_exact(self.width + 1) {
            bytes.extend_from_slice(slot);
            bytes.resize(bytes.len() + width - self.width, 0);
        }
        self.bytes = bytes;
        self.start = 0;
        self.width = width;
    }
}

/// Inputs, and for how many frames each lasts.
#[derive(Clone, Debug)]
pub(crate) struct Runs<'a> {
    past: PastRuns<'a>,
    newest: &'a [u8],
    stride: usize,
}

impl<'a> Iterator for Runs<'a> {
    type Item = (&'a [u8], u32);

    #[inline]
    fn next(&mut self) -> Option<(&'a [u8], u32)> {
        if !self.past.is_empty()
            && let Some(run) = self.past.next()
        {
            return Some(run);
        }
        let slot = self.newest.get(..self.stride)?;
        let mut frames = 1;
        self.newest = &self.newest[self.stride..];
        while self.newest.len() >= self.stride && same_slot(slot, &self.newest[..self.stride]) {
            self.newest = &self.newest[self.stride..];
            frames += 1;
        }
        Some((&slot[1..1 + usize::from(slot[0])], frames))
    }
}

/// Inputs of one frame after the other.
#[derive(Clone, Debug)]
pub(crate) struct Each<'a> {
    runs: Runs<'a>,
    /// Of long ago.
    run: (&'a [u8], u32),
}

impl<'a> Iterator for Each<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.run.1 == 0 {
            if self.runs.past.is_empty() {
                let (slot, rest) = self.runs.newest.split_at_checked(self.runs.stride)?;
                self.runs.newest = rest;
                return Some(&slot[1..1 + usize::from(slot[0])]);
            }
            self.run = self.runs.next()?;
        }
        self.run.1 -= 1;
        Some(self.run.0)
    }
}

/// Most inputs are one byte.
fn same_slot(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([a, b], [c, d]) => (a, b) == (c, d),
        (one, other) => one == other,
    }
}

/// All players' inputs.
#[derive(Debug)]
pub(crate) struct Inputs {
    queues: Vec<Queue>,
    /// The first frame for which an input is missing, and the first player who lacks it.
    missing: (Frame, PlayerIndex),
    prediction: Prediction,
    default: Input,
}

impl Inputs {
    pub(crate) fn new(players: usize, prediction: Prediction, default: Input) -> Inputs {
        Inputs {
            queues: (0..players).map(|_| Queue::default()).collect(),
            missing: (Frame(0), PlayerIndex(0)),
            prediction,
            default,
        }
    }

    pub(crate) fn of(&self, player: PlayerIndex) -> &Queue {
        &self.queues[player.index()]
    }

    /// All begin at this frame: nothing is held yet.
    pub(crate) fn begin_at(&mut self, frame: Frame) {
        self.queues
            .iter_mut()
            .for_each(|queue| queue.begin_at(frame));
        self.missing = (frame, PlayerIndex(0));
    }

    /// Takes a player's next input, and returns its frame.
    pub(crate) fn push(&mut self, player: PlayerIndex, input: &[u8]) -> Frame {
        let queue = &mut self.queues[player.index()];
        let frame = queue.end();
        queue.push(input);
        if player == self.missing.1 {
            let mut first = (queue.end(), player);
            for (player, queue) in (0..).map(PlayerIndex).zip(&self.queues) {
                first = first.min((queue.end(), player));
            }
            self.missing = first;
        }
        frame
    }

    pub(crate) fn forget_before(&mut self, player: PlayerIndex, frame: Frame) {
        self.queues[player.index()].forget_before(frame);
    }

    /// The first frame for which an input is missing, and a player who lacks it.
    pub(crate) fn first_missing(&self) -> (Frame, PlayerIndex) {
        self.missing
    }

    /// Puts in every player's input for each of the frames, none of which was let go, and of each frame
    /// whose are guesses.
    pub(crate) fn fill(
        &self,
        frames: Range<Frame>,
        inputs: &mut InputList,
        predicted: &mut Vec<PlayerSet>,
    ) {
        let count = (frames.end - frames.start) as usize;
        let players = self.queues.len();
        inputs.resize(count * players);
        predicted.resize(count, PlayerSet::default());
        for (player, queue) in (0..).map(PlayerIndex).zip(&self.queues) {
            let place = player.index();
            let known = count.min(queue.count_from(frames.start));
            let slots = inputs.as_mut_slice();
            // Stepped by hand: an adapter divides.
            let mut at = place;
            if let Some(pairs) = queue.pairs(frames.start) {
                for [_, byte] in &pairs[..known] {
                    slots[at].set_byte(*byte);
                    at += players;
                }
            } else {
                for input in queue.each(frames.start).take(known) {
                    slots[at].set(input);
                    at += players;
                }
            }
            for (n, set) in predicted.iter_mut().enumerate().skip(known) {
                self.predict(player, queue, frames.start + n as u32, &mut slots[at]);
                set.insert(player);
                at += players;
            }
        }
    }

    fn predict(&self, player: PlayerIndex, queue: &Queue, frame: Frame, guess: &mut Input) {
        match &self.prediction {
            Prediction::RepeatLast => {
                guess.copy(queue.last().unwrap_or(&self.default));
            }
            Prediction::Default => guess.copy(&self.default),
            Prediction::Custom(strategy) => {
                *guess = strategy.predict(player, frame, PastInputs::of(queue));
            }
        }
    }

    pub(crate) fn longest(&self) -> usize {
        self.queues.iter().map(Queue::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn input(frame: u32) -> Input {
        // Some last longer than a block.
        let moment = if frame % 1_000 < 600 {
            frame / 400
        } else {
            frame
        };
        let length = 1 + (moment as usize * 7) % (1 + moment as usize % 64);
        Input::new(&vec![moment as u8; length]).unwrap_or_default()
    }

    #[test]
    fn inputs_of_any_lengths_come_back_and_old_ones_are_let_go() {
        let mut queue = Queue::default();
        for frame in 0..700 {
            assert_eq!(queue.end(), Frame(frame));
            queue.push(input(frame).as_slice());
            queue.forget_before(Frame(frame.saturating_sub(100)));
            let held = queue.begin().0..queue.end().0;
            assert!(held.len() <= 101 && queue.bytes.len() <= 2 * 101 * 65 + 64);
            assert_eq!(queue.past.size(), (0, 0));
            for held in held {
                assert_eq!(queue.get(Frame(held)), Some(input(held).as_slice()));
            }
            assert_eq!(queue.get(queue.end()), None);
            let before = queue.begin().0.checked_sub(1).map(Frame);
            assert!(before.is_none_or(|before| queue.get(before).is_none()));
        }
    }

    #[test]
    fn what_is_laid_away_comes_back() {
        let mut queue = Queue::default();
        queue.begin_at(Frame(77));
        for frame in 77..5_000 {
            queue.push(input(frame).as_slice());
            let forgotten = (frame / 1_000 * 1_000).saturating_sub(333);
            queue.forget_before(Frame(forgotten));
            let begin = forgotten.max(77);
            assert_eq!(queue.begin(), Frame(begin));
            assert_eq!(queue.len(), (frame + 1 - begin) as usize);
            for first in [begin, begin + 1, begin + 130, begin + 400, frame] {
                let mut next = first;
                for (bytes, frames) in queue.runs(Frame(first)) {
                    for frame in next..next + frames {
                        assert_eq!(bytes, input(frame).as_slice(), "{frame} from {first}");
                    }
                    next += frames;
                }
                assert_eq!(next, first.max(frame + 1), "from {first}");
            }
            assert_eq!(queue.get(Frame(begin - 1)), None);
        }
        // Most of it lasts long.
        let (blocks, bytes) = queue.past.size();
        assert!(blocks >= 14 && bytes < 20 * queue.len(), "{blocks} {bytes}");
    }

    #[test]
    fn conflicts_are_counted_by_the_frame() {
        let mut queue = Queue::default();
        for frame in 0..1_000 {
            queue.push(&[u8::from(frame % 100 < 90)]);
        }
        queue.forget_before(Frame(50));
        for (first, frames, conflicts) in [(0, 100, 10), (45, 10, 0), (95, 300, 30), (950, 90, 10)]
        {
            let mut sent = wire::Inputs {
                first: Frame(first),
                runs: Vec::new(),
            };
            sent.push(&[1], frames);
            assert_eq!(queue.conflicts(&sent), conflicts, "{first}");
        }
    }
}
