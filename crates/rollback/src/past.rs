//! Inputs of long ago, kept for peers that lose their engine.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::Frame;
use crate::types::append;

/// So many inputs are laid away at once.
pub(crate) const BLOCK: usize = 64;

/// Inputs of long ago, in blocks of [`BLOCK`] frames. Each run is a byte with its number of frames less 1,
/// and the top bit set if its length follows, another one than that of the run before it; then its bytes.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// The first frame of the first block.
    base: Frame,
    /// Where in `bytes` each block begins.
    blocks: VecDeque<u32>,
    bytes: Vec<u8>,
}

const LENGTH_FOLLOWS: u8 = 0x80;

impl Past {
    /// Adds a block that begins with this frame.
    pub(crate) fn push<'a>(&mut self, base: Frame, runs: impl Iterator<Item = (&'a [u8], u32)>) {
        if self.blocks.is_empty() {
            self.base = base;
            self.bytes.clear();
        }
        self.blocks.push_back(self.bytes.len() as u32);
        if self.bytes.capacity() - self.bytes.len() < BLOCK {
            // Doubled, it would mostly be empty.
            self.bytes.reserve_exact(4 * BLOCK);
        }
        let mut length = 0;
        for (bytes, frames) in runs {
            let frames = (frames - 1) as u8;
            if bytes.len() == length {
                self.bytes.push(frames);
            } else {
                length = bytes.len();
                self.bytes.extend([frames | LENGTH_FOLLOWS, length as u8]);
            }
            append(&mut self.bytes, bytes);
        }
    }

    /// How many blocks there are, and bytes.
    #[cfg(test)]
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.blocks.len(), self.bytes.len())
    }

    pub(crate) fn forget_before(&mut self, frame: Frame) {
        let mut gone = 0;
        while !self.blocks.is_empty() && self.base + BLOCK as u32 <= frame {
            self.blocks.pop_front();
            self.base = self.base + BLOCK as u32;
            let next = self.blocks.front();
            gone = next.map_or(self.bytes.len(), |begin| *begin as usize);
        }
        if gone > self.bytes.len() / 2 {
            self.bytes.drain(..gone);
            self.blocks
                .iter_mut()
                .for_each(|begin| *begin -= gone as u32);
        }
    }

    pub(crate) fn from(&self, first: Frame) -> PastRuns<'_> {
        let offset = (first - self.base) as usize;
        let block = self.blocks.get(offset / BLOCK);
        PastRuns {
            bytes: block.map_or(&[], |begin| &self.bytes[*begin as usize..]),
            length: 0,
            skipped: (offset % BLOCK) as u32,
        }
    }
}

/// What is left of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct PastRuns<'a> {
    bytes: &'a [u8],
    length: usize,
    /// Frames that are not asked for.
    skipped: u32,
}

impl<'a> PastRuns<'a> {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    #[cold]
    pub(crate) fn next(&mut self) -> Option<(&'a [u8], u32)> {
        loop {
            let (token, mut rest) = self.bytes.split_first()?;
            if token & LENGTH_FOLLOWS != 0 {
                let (length, after) = rest.split_first()?;
                (self.length, rest) = (usize::from(*length), after);
            }
            let (bytes, rest) = rest.split_at_checked(self.length)?;
            self.bytes = rest;
            let frames = u32::from(token & !LENGTH_FOLLOWS) + 1;
            if self.skipped < frames {
                let frames = frames - core::mem::take(&mut self.skipped);
                return Some((bytes, frames));
            }
            self.skipped -= frames;
        }
    }
}
