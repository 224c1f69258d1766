//! Comparing histories with another peer, down to the first frame that differs.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::wire::{Hashes, MAX_HASHES};
use crate::{ChainHash, Computed, Digest, Frame, HashPrefix};

/// Of so many of the newest frames at least, and of two windows, hashes and digests are kept in full: a
/// first difference is usually found within a second.
const RECENT: u32 = 96;

/// The most frames that [`Builder::keep_hashes`](crate::Builder::keep_hashes) keeps: over an hour at
/// 60 Hz, in 512 KiB.
pub const MAX_KEPT_HASHES: u32 = 1 << 18;

/// As many unless told: half a minute at 60 Hz, in 4 KiB.
pub(crate) const KEPT_HASHES: u32 = 1 << 11;

/// In the place of a hash that is not kept.
const UNKNOWN: HashPrefix = HashPrefix([0; 8]);

/// Our own chain hashes, as far back as a first difference may lie.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The first frame of `recent`.
    base: Frame,
    recent: VecDeque<(ChainHash, Option<Digest>)>,
    /// How many frames of it are kept.
    kept: u32,
    /// Of the frames just before it the first two bytes of each hash, which find an older difference as well.
    past: VecDeque<[u8; 2]>,
    /// How many frames of it are kept. A first difference that is older is named as the oldest of them.
    kept_past: usize,
}

impl History {
    /// Begins at this frame, of which the hash before it is known; `window` and `kept_past` are in frames.
    pub(crate) fn begin_at(
        frame: Frame,
        before: ChainHash,
        window: u32,
        kept_past: u32,
    ) -> History {
        let mut history = History {
            kept: RECENT.max(2 * window),
            kept_past: kept_past as usize,
            base: Frame(frame.0.saturating_sub(1)),
            ..History::default()
        };
        if frame > Frame(0) {
            history.push(before, None);
        }
        history
    }

    /// Forgets the frames from this one on.
    pub(crate) fn end_at(&mut self, frame: Frame) {
        self.past.truncate((frame - self.oldest()) as usize);
        self.recent.truncate((frame - self.base) as usize);
        self.base = self.base.min(frame);
    }

    /// The first frame that is not confirmed.
    pub(crate) fn end(&self) -> Frame {
        self.base + self.recent.len() as u32
    }

    /// The first frame of which anything is kept.
    fn oldest(&self) -> Frame {
        Frame(self.base - Frame(self.past.len() as u32))
    }

    /// Of a frame that is long past only two bytes, and zeros.
    pub(crate) fn get(&self, frame: Frame) -> Option<HashPrefix> {
        if let Some(offset) = frame.0.checked_sub(self.base.0) {
            let (hash, _) = self.recent.get(offset as usize)?;
            return Some(hash.prefix());
        }
        let offset = frame.0.checked_sub(self.oldest().0)?;
        let [one, two] = *self.past.get(offset as usize)?;
        Some(HashPrefix([one, two, 0, 0, 0, 0, 0, 0]))
    }

    pub(crate) fn push(&mut self, hash: ChainHash, digest: Option<Digest>) {
        if self.recent.len() >= self.kept as usize
            && let Some((past, _)) = self.recent.pop_front()
        {
            if self.past.len() == self.kept_past {
                self.past.pop_front();
            } else if self.past.len() == self.past.capacity() {
                // Doubled, it would mostly be empty.
                self.past.reserve_exact(512);
            }
            if self.kept_past > 0 {
                self.past.push_back([past.0[0], past.0[1]]);
            }
            self.base = self.base + 1;
        }
        if self.recent.is_empty() {
            self.recent.reserve_exact(self.kept as usize);
        }
        self.recent.push_back((hash, digest));
    }

    /// Of how many frames there are hashes, or parts of them.
    pub(crate) fn len(&self) -> usize {
        self.past.len() + self.recent.len()
    }

    /// What was computed of these frames, as far as it is kept in full.
    pub(crate) fn computed(&self, frames: RangeInclusive<Frame>) -> Vec<Computed> {
        let recent = (self.base.0..).map(Frame).zip(&self.recent);
        let within = recent.filter(|(frame, _)| frames.contains(frame));
        within
            .map(|(frame, (hash, digest))| Computed {
                frame,
                hash: *hash,
                digest: *digest,
            })
            .collect()
    }

    /// Puts in the hashes of at most `count` frames from `first` on, as far as they are confirmed.
    fn put(&self, first: Frame, count: u32, into: &mut Hashes) {
        into.first = first;
        let frames = (first.0..(first + count).min(self.end()).0).map(Frame);
        let kept = frames.map(|frame| self.get(frame).unwrap_or(UNKNOWN));
        into.prefixes.extend(kept);
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
    /// Frames before this are equal, or cannot be compared any more.
    equal: Frame,
    /// The earliest frame known to differ.
    differs: Option<(Frame, HashPrefix)>,
    /// A hash of a frame that is not confirmed here yet. The first is kept, not the newest: a peer
    /// that is always ahead would otherwise never be compared.
    pending: Option<(Frame, HashPrefix)>,
    /// A hash that waited here is not ours. It may be of a page load of the peer that is gone, from
    /// before a frame was authored anew: the peer is asked.
    doubt: Option<Frame>,
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
        self.doubt = None;
    }

    /// The frame from which hashes of the peer are wanted. After a difference was seen: half way
    /// between the last frame known to be equal and the first known to differ, until a packet can
    /// hold all between them. If our history is `closed`: the frames before its end, until they are known
    /// to be equal.
    pub(crate) fn want(&self, history: &History, closed: bool) -> Option<Frame> {
        if self.found.is_some() {
            return None;
        }
        let first = self.equal.max(history.oldest());
        let differs = self.differs.map(|(frame, _)| frame);
        let doubt = self.doubt.filter(|frame| *frame >= first);
        match differs.or(doubt) {
            Some(frame) if frame - first > MAX_HASHES as u32 => Some(first + (frame - first) / 2),
            Some(_) => Some(first),
            None => (closed && self.equal < history.end()).then(|| {
                let before = Frame(history.end() - Frame(MAX_HASHES as u32));
                before.max(self.equal)
            }),
        }
    }

    /// Puts in hashes to send: what the peer asked for, else the newest if it is due or what was asked
    /// for is not there yet.
    pub(crate) fn put_hashes(&self, history: &History, due: bool, into: &mut Hashes) {
        match (self.asked, &self.found) {
            (Some(_), Some(found)) => into.clone_from(found),
            (Some(asked), None) => history.put(asked, MAX_HASHES as u32, into),
            (None, _) => {}
        }
        if into.prefixes.is_empty() && (due || self.asked.is_some()) {
            history.put(Frame(history.end() - Frame(1)), 1, into);
        }
    }

    /// Takes hashes of the peer. The first difference is returned once, when it is found.
    pub(crate) fn observe(&mut self, history: &History, theirs: &Hashes) -> Option<Difference> {
        let unknown = theirs.prefixes.iter().take_while(|p| **p == UNKNOWN);
        let unknown = unknown.count() as u32;
        if unknown > 1 {
            // The peer has nothing before that either. One alone can be by chance.
            let end = theirs.first + unknown;
            self.equal = self.equal.max(end.min(history.end()));
        }
        for (frame, prefix) in (theirs.first.0..).map(Frame).zip(&theirs.prefixes) {
            self.compare(history, frame, *prefix);
        }
        self.find(history)
    }

    /// To be called when more frames were confirmed.
    pub(crate) fn confirmed(&mut self, history: &History) {
        let waiting = self.pending.filter(|(frame, _)| *frame < history.end());
        let Some((frame, theirs)) = waiting else {
            return;
        };
        self.pending = None;
        match history.get(frame) {
            Some(ours) if theirs == UNKNOWN || alike(ours, theirs) => {
                self.compare(history, frame, theirs);
            }
            Some(_) if self.doubt.is_none_or(|doubt| doubt < self.equal) => {
                self.doubt = Some(frame)
            }
            Some(_) | None => {}
        }
    }

    fn compare(&mut self, history: &History, frame: Frame, theirs: HashPrefix) {
        if frame >= history.end() {
            self.pending.get_or_insert((frame, theirs));
            return;
        }
        let ours = history.get(frame).filter(|_| theirs != UNKNOWN);
        let Some(ours) = ours else {
            // What one of the two has let go is passed over.
            if frame == self.equal {
                self.equal = frame + 1;
            }
            return;
        };
        if self.differs.is_some_and(|(differs, _)| frame >= differs) {
            return;
        }
        if alike(ours, theirs) {
            self.equal = self.equal.max(frame + 1);
        } else if frame >= self.equal {
            self.differs = Some((frame, theirs));
        }
    }

    fn find(&mut self, history: &History) -> Option<Difference> {
        let (frame, theirs) = self.differs?;
        // Frames let go are beyond finding: the oldest left stands for them.
        let first = self.equal.max(history.oldest());
        if self.found.is_some() || frame > first {
            return None;
        }
        let ours = history.get(frame)?;
        let mut found = Hashes::default();
        // Enough to tell the peer whatever it has asked for.
        let before = Frame(frame - Frame(MAX_HASHES as u32 - 1));
        history.put(before, frame - before + 1, &mut found);
        self.found = Some(found);
        Some(Difference {
            frame,
            ours,
            theirs,
        })
    }
}

/// Two hashes are the same, as far as both are whole.
pub(crate) fn alike(one: HashPrefix, other: HashPrefix) -> bool {
    let part = |prefix: HashPrefix| prefix.0[2..] == [0; 6];
    match part(one) || part(other) {
        true => one.0[..2] == other.0[..2],
        false => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(frame: u32, wrong: bool) -> ChainHash {
        let mut bytes = [u8::from(wrong); 20];
        bytes[..4].copy_from_slice(&frame.to_le_bytes());
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
        ChainHash(hash)
    }

    /// From frame `begin` on, with other hashes from frame `wrong` on.
    fn begun(begin: u32, frames: u32, wrong: u32) -> History {
        keeping(begin, frames, wrong, MAX_KEPT_HASHES)
    }

    fn keeping(begin: u32, frames: u32, wrong: u32, kept: u32) -> History {
        let before = hash(begin.saturating_sub(1), begin > wrong);
        let mut history = History::begin_at(Frame(begin), before, 30, kept);
        for frame in begin..frames {
            history.push(hash(frame, frame >= wrong), None);
        }
        history
    }

    fn history(frames: u32, wrong: u32) -> History {
        begun(0, frames, wrong)
    }

    fn some(history: &History, first: u32, count: u32) -> Hashes {
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
        for wrong in [0, 1, 31, 32, 33, 700, 903, 904, 905, 998, 999] {
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
        for kept in [0, 1, 700, KEPT_HASHES] {
            let frames = kept + RECENT + 500;
            let ours = keeping(0, frames, u32::MAX, kept);
            assert_eq!(ours.len() as u32, kept + RECENT);
            for (wrong, named) in [(100, 500), (499, 500), (530, 530)] {
                let theirs = keeping(0, frames, wrong, kept);
                assert_eq!(search(&ours, &theirs), [Frame(named); 2], "{kept} {wrong}");
            }
            // One of the two keeps all.
            let found = search(&ours, &history(frames, 100));
            assert_eq!(found, [Frame(500); 2], "{kept}");
        }
    }

    /// Peers have not confirmed as many frames, and one may have begun in the midst of the episode.
    #[test]
    fn what_one_of_the_two_does_not_have_is_passed_over() {
        for (frames, other_frames) in [(5_000, 4_800), (4_800, 5_000), (300, 5_000)] {
            for wrong in [1, 40, 200, 299] {
                let ours = history(frames, u32::MAX);
                let found = search(&ours, &history(other_frames, wrong));
                assert_eq!(found, [Frame(wrong); 2], "{frames} {other_frames}");
            }
        }
        for begin in [17, 1_500, 2_990] {
            for (wrong, named) in [(0, begin - 1), (begin + 5, begin + 5)] {
                let found = search(&history(3_000, u32::MAX), &begun(begin, 3_000, wrong));
                assert_eq!(found, [Frame(named); 2], "{begin}");
            }
        }
    }

    #[test]
    fn a_peer_that_is_always_ahead_is_compared() {
        let theirs = history(100, 50);
        let mut comparison = Comparison::default();
        let mut found = None;
        for frame in 0..90 {
            let ours = history(frame + 1, u32::MAX);
            comparison.confirmed(&ours);
            let hashes = match comparison.want(&ours, false) {
                Some(want) => some(&theirs, want.0, MAX_HASHES as u32),
                None => some(&theirs, frame + 5, 1),
            };
            found = found.or(comparison.observe(&ours, &hashes));
        }
        assert_eq!(found.map(|difference| difference.frame), Some(Frame(50)));
    }

    /// It may have been said by a page load that is gone.
    #[test]
    fn a_hash_that_waited_is_no_difference_before_the_peer_says_so_again() {
        for wrong in [60, u32::MAX] {
            let mut comparison = Comparison::default();
            let early = some(&history(100, 60), 70, 1);
            assert_eq!(comparison.observe(&history(65, u32::MAX), &early), None);
            let ours = history(80, u32::MAX);
            comparison.confirmed(&ours);
            let theirs = history(80, wrong);
            let mut found = None;
            while let Some(want) = comparison.want(&ours, false) {
                let hashes = some(&theirs, want.0, MAX_HASHES as u32);
                found = found.or(comparison.observe(&ours, &hashes));
            }
            let found = found.map(|difference| difference.frame.0);
            assert_eq!(found, (wrong == 60).then_some(60));
        }
    }

    #[test]
    fn a_hash_that_waits_is_not_replaced_by_newer_ones() {
        let mut comparison = Comparison::default();
        let theirs = history(100, 3);
        for first in [4, 6, 5] {
            let hashes = some(&theirs, first, 1);
            assert_eq!(comparison.observe(&history(2, u32::MAX), &hashes), None);
        }
        let ours = history(4, u32::MAX);
        comparison.confirmed(&ours);
        assert_eq!(comparison.want(&ours, false), None);
        let ours = history(5, u32::MAX);
        comparison.confirmed(&ours);
        assert_eq!(comparison.want(&ours, false), Some(Frame(0)));
    }
}
