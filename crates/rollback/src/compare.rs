//! Comparing histories with another peer, down to the first frame that differs.

use std::collections::VecDeque;

use crate::wire::{Hashes, MAX_HASHES};
use crate::{ChainHash, Frame, HashPrefix};

/// Hashes kept for comparison: of the whole episode, because a peer that rejoins computes it again
/// from frame 0. In an episode that is longer, a first difference that is older is named as the
/// oldest frame kept.
pub(crate) const MAX_HISTORY: usize = 1 << 18;

/// Our own chain hashes, as far back as a first difference may lie.
#[derive(Debug, Default)]
pub(crate) struct History {
    base: Frame,
    hashes: VecDeque<HashPrefix>,
}

impl History {
    /// Begins at this frame, of which the hash before it is known.
    pub(crate) fn begin_at(frame: Frame, before: ChainHash) -> History {
        let mut history = History::default();
        if frame > Frame(0) {
            history.base = Frame(frame.0 - 1);
            history.push(before);
        }
        history
    }

    /// Forgets the frames from this one on.
    pub(crate) fn end_at(&mut self, frame: Frame) {
        self.hashes.truncate((frame - self.base) as usize);
    }

    /// The first frame that is not confirmed.
    pub(crate) fn end(&self) -> Frame {
        self.base + self.hashes.len() as u32
    }

    pub(crate) fn get(&self, frame: Frame) -> Option<HashPrefix> {
        let offset = frame.0.checked_sub(self.base.0)?;
        self.hashes.get(offset as usize).copied()
    }

    pub(crate) fn push(&mut self, hash: ChainHash) {
        self.hashes.push_back(hash.prefix());
        if self.hashes.len() > MAX_HISTORY {
            self.hashes.pop_front();
            self.base = self.base + 1;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Puts in the hashes of at most `count` frames from `first` on, as far as there are any.
    fn put(&self, first: Frame, count: usize, into: &mut Hashes) {
        into.first = first.max(self.base);
        let begin = ((into.first - self.base) as usize).min(self.hashes.len());
        let end = (begin + count).min(self.hashes.len());
        let hashes = self.hashes.range(begin..end);
        into.prefixes.extend(hashes.copied());
    }
}

/// The first difference between a peer's history and ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) frame: Frame,
    pub(crate) ours: HashPrefix,
    pub(crate) theirs: HashPrefix,
}

/// What is known about one peer's history.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Frames before this are equal.
    equal: Frame,
    /// The earliest frame known to differ.
    differs: Option<(Frame, HashPrefix)>,
    /// A hash of a frame that is not confirmed here yet. The first is kept, not the newest: a peer
    /// that is always ahead would otherwise never be compared.
    pending: Option<(Frame, HashPrefix)>,
    /// Our hashes around the first difference, once it is found: the peer may still ask.
    found: Option<Hashes>,
    /// The frame from which the peer wants hashes.
    pub(crate) asked: Option<Frame>,
}

impl Comparison {
    /// Our history is another from this frame on.
    pub(crate) fn begin_again(&mut self, frame: Frame) {
        self.equal = self.equal.min(frame);
        (self.differs, self.pending, self.found) = (None, None, None);
    }

    /// The frame from which hashes of the peer are wanted. After a difference was seen: half way
    /// between the last frame known to be equal and the first known to differ, until a packet can
    /// hold all between them. If our history is `closed`: its end, until it is known to be equal.
    pub(crate) fn want(&self, history: &History, closed: bool) -> Option<Frame> {
        if self.found.is_some() {
            return None;
        }
        let first = self.equal.max(history.base);
        match self.differs {
            Some((frame, _)) if (frame - first) as usize > MAX_HASHES => {
                Some(first + (frame - first) / 2)
            }
            Some(_) => Some(first),
            None => (closed && self.equal < history.end()).then(|| Frame(history.end() - Frame(1))),
        }
    }

    /// Puts in hashes to send: what the peer asked for, else the newest if it is due or what was asked
    /// for is not there yet.
    pub(crate) fn put_hashes(&self, history: &History, due: bool, into: &mut Hashes) {
        match (self.asked, &self.found) {
            (Some(_), Some(found)) => into.clone_from(found),
            (Some(asked), None) => history.put(asked, MAX_HASHES, into),
            (None, _) => {}
        }
        if into.prefixes.is_empty() && (due || self.asked.is_some()) {
            history.put(Frame(history.end() - Frame(1)), 1, into);
        }
    }

    /// Takes hashes of the peer. The first difference is returned once, when it is found.
    pub(crate) fn observe(&mut self, history: &History, theirs: &Hashes) -> Option<Difference> {
        for (frame, prefix) in (theirs.first.0..).map(Frame).zip(&theirs.prefixes) {
            self.compare(history, frame, *prefix);
        }
        self.find(history)
    }

    /// To be called when more frames were confirmed.
    pub(crate) fn confirmed(&mut self, history: &History) -> Option<Difference> {
        let (frame, _) = self.pending?;
        if frame >= history.end() {
            return None;
        }
        let (frame, prefix) = self.pending.take()?;
        self.compare(history, frame, prefix);
        self.find(history)
    }

    fn compare(&mut self, history: &History, frame: Frame, theirs: HashPrefix) {
        if frame >= history.end() {
            self.pending.get_or_insert((frame, theirs));
            return;
        }
        let Some(ours) = history.get(frame) else {
            return;
        };
        if self.differs.is_some_and(|(differs, _)| frame >= differs) {
            return;
        }
        if ours == theirs {
            self.equal = self.equal.max(frame + 1);
        } else if frame >= self.equal {
            self.differs = Some((frame, theirs));
        }
    }

    fn find(&mut self, history: &History) -> Option<Difference> {
        let (frame, theirs) = self.differs?;
        // Frames let go are beyond finding: the oldest left stands for them.
        let first = self.equal.max(history.base);
        if self.found.is_some() || frame > first {
            return None;
        }
        let ours = history.get(frame)?;
        let mut found = Hashes::default();
        let count = if frame.0 == 0 { 1 } else { 2 };
        history.put(Frame(frame - Frame(1)), count, &mut found);
        self.found = Some(found);
        Some(Difference {
            frame,
            ours,
            theirs,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes 0, 1, 2 …, and others from frame `wrong` on.
    fn history(frames: u32, wrong: u32) -> History {
        let mut history = History::default();
        for frame in 0..frames {
            let mut hash = [0; 16];
            hash[..4].copy_from_slice(&frame.to_le_bytes());
            hash[7] = u8::from(frame >= wrong);
            history.push(ChainHash(hash));
        }
        history
    }

    fn some(history: &History, first: u32, count: usize) -> Hashes {
        let mut hashes = Hashes::default();
        history.put(Frame(first), count, &mut hashes);
        hashes
    }

    /// Two peers ask and answer until both have found the difference.
    fn search(ours: &History, theirs: &History) -> [Frame; 2] {
        let histories = [ours, theirs];
        let mut peers = [Comparison::default(), Comparison::default()];
        let mut found = [None, None];
        for _ in 0..200 {
            for me in [0, 1] {
                let other = 1 - me;
                let mut hashes = Hashes::default();
                peers[other].put_hashes(histories[other], true, &mut hashes);
                assert!((1..=MAX_HASHES).contains(&hashes.prefixes.len()));
                peers[other].asked = peers[me].want(histories[me], true);
                let difference = peers[me].observe(histories[me], &hashes);
                if let Some(difference) = difference {
                    assert_eq!(found[me].replace(difference.frame), None, "once");
                }
            }
        }
        found.map(|frame| frame.expect("it is found"))
    }

    #[test]
    fn the_first_difference_is_found_however_far_back() {
        for wrong in [0, 1, 31, 32, 33, 700, 998, 999] {
            let found = search(&history(1000, u32::MAX), &history(1000, wrong));
            assert_eq!(found, [Frame(wrong); 2]);
        }
    }

    #[test]
    fn a_closed_history_is_compared_to_its_end() {
        let found = search(&history(1000, u32::MAX), &history(400, 300));
        assert_eq!(found, [Frame(300); 2]);
    }

    #[test]
    fn a_difference_beyond_memory_is_named_as_the_oldest_kept() {
        let frames = MAX_HISTORY as u32 + 500;
        let found = search(&history(frames, u32::MAX), &history(frames, 100));
        assert_eq!(found, [Frame(500); 2]);
    }

    #[test]
    fn a_peer_that_is_always_ahead_is_compared() {
        let theirs = history(100, 50);
        let mut comparison = Comparison::default();
        let mut found = None;
        for frame in 0..90 {
            let ours = history(frame + 1, u32::MAX);
            found = found.or(comparison.confirmed(&ours));
            let hashes = match comparison.want(&ours, false) {
                Some(want) => some(&theirs, want.0, MAX_HASHES),
                None => some(&theirs, frame + 5, 1),
            };
            found = found.or(comparison.observe(&ours, &hashes));
        }
        assert_eq!(found.map(|difference| difference.frame), Some(Frame(50)));
    }

    #[test]
    fn a_hash_that_waits_is_not_replaced_by_newer_ones() {
        let mut comparison = Comparison::default();
        let theirs = history(100, 3);
        for first in [4, 6, 5] {
            let hashes = some(&theirs, first, 1);
            assert_eq!(comparison.observe(&history(2, u32::MAX), &hashes), None);
        }
        assert_eq!(comparison.confirmed(&history(4, u32::MAX)), None);
        let ours = history(5, u32::MAX);
        assert_eq!(comparison.confirmed(&ours), None, "it is known to differ");
        assert_eq!(comparison.want(&ours, false), Some(Frame(0)));
    }
}
