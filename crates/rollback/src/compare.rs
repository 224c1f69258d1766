//! Comparing histories with another peer, down to the first frame that differs.

use std::collections::VecDeque;

use crate::wire::{Hashes, MAX_HASHES};
use crate::{ChainHash, Frame, HashPrefix};

/// Hashes kept for comparison, if a peer's hashes never come. A first difference that is older is
/// named as the oldest frame kept.
pub(crate) const MAX_HISTORY: usize = 4096;

/// Our own chain hashes, as far back as a first difference may lie.
#[derive(Debug, Default)]
pub(crate) struct History {
    base: Frame,
    hashes: VecDeque<ChainHash>,
}

impl History {
    /// The first frame that is not confirmed.
    pub(crate) fn end(&self) -> Frame {
        self.base + self.hashes.len() as u32
    }

    pub(crate) fn get(&self, frame: Frame) -> Option<ChainHash> {
        let offset = frame.0.checked_sub(self.base.0)?;
        self.hashes.get(offset as usize).copied()
    }

    pub(crate) fn push(&mut self, hash: ChainHash) {
        self.hashes.push_back(hash);
        if self.hashes.len() > MAX_HISTORY {
            self.hashes.pop_front();
            self.base = self.base + 1;
        }
    }

    /// Keeps the hashes from `frame` on, and always the newest.
    pub(crate) fn forget_before(&mut self, frame: Frame) {
        let spare = self.hashes.len().saturating_sub(1);
        let count = ((frame - self.base) as usize).min(spare);
        self.hashes.drain(..count);
        self.base = self.base + count as u32;
    }

    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    fn from(&self, first: Frame, count: usize) -> Option<Hashes> {
        let first = first.max(self.base);
        let prefixes: Vec<_> = self
            .hashes
            .iter()
            .skip((first - self.base) as usize)
            .take(count)
            .map(|hash| hash.prefix())
            .collect();
        (!prefixes.is_empty()).then_some(Hashes { first, prefixes })
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
    /// Hashes before this frame are not needed for this peer.
    pub(crate) fn keep_from(&self) -> Option<Frame> {
        match self.found {
            None => Some(Frame(self.equal - Frame(1))),
            Some(_) => None,
        }
    }

    /// The frame from which hashes of the peer are wanted.
    pub(crate) fn want(&self, history: &History) -> Option<Frame> {
        match (self.differs, &self.found) {
            (Some(_), None) => Some(self.equal.max(history.base)),
            (None, _) | (_, Some(_)) => None,
        }
    }

    /// Hashes to send: what the peer asked for, else the newest if it is due.
    pub(crate) fn hashes(&self, history: &History, room: usize, due: bool) -> Option<Hashes> {
        let most = (room / 8).clamp(1, MAX_HASHES);
        match (self.asked, &self.found) {
            (Some(_), Some(found)) if found.prefixes.len() <= most => Some(found.clone()),
            (Some(asked), _) => history.from(asked, most),
            (None, _) if due => history.from(Frame(history.end() - Frame(1)), 1),
            (None, _) => None,
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
        if ours.prefix() == theirs {
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
        let ours = history.get(frame)?.prefix();
        self.found = history.from(Frame(frame - Frame(1)), if frame.0 == 0 { 1 } else { 2 });
        Some(Difference {
            frame,
            ours,
            theirs,
        })
    }
}
