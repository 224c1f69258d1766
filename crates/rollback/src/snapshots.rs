//! Which frames the host saves.
//!
//! A snapshot costs a save in every tick; a missing one costs steps in a rollback, which then begins
//! at an older frame. Any choice gives the same frames: only the host's work differs.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use crate::Frame;

/// Which states the host is asked to save. The state of frame 0 always is, and in a rollback the
/// first state that a later one can need: that of the first frame with a guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotPolicy {
    /// Every state that can be gone back to.
    #[default]
    EveryFrame,
    /// Every so many frames; 0 counts as 1, more than [`MAX_WINDOW`](crate::MAX_WINDOW) as that.
    Every(u32),
    /// Only states that rest on no guess. Where guesses are right for so long that the last one is
    /// two windows old, the frames since are simulated anew to save a newer one.
    ConfirmedOnly,
    /// As seldom as the costs that the host reports make it worth while
    /// ([`Engine::report_costs`](crate::Engine::report_costs)); every frame until it has.
    Measured,
}

/// What the host's work costs, as it measures it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// To save a state.
    pub save: Duration,
    /// To load a state.
    pub load: Duration,
    /// To simulate a frame.
    pub step: Duration,
}

/// The snapshots that the host holds, and what tells how many it should.
#[derive(Debug)]
pub(crate) struct Snapshots {
    policy: SnapshotPolicy,
    /// In frames.
    window: u32,
    /// For so many frames confirmed states are kept, too.
    kept: u32,
    frame_ns: u64,
    /// Ascending, and none that a wrong guess went into.
    saved: VecDeque<Frame>,
    /// Smoothed, in nanoseconds.
    costs: Option<[u64; 3]>,
    /// Smoothed: rollbacks per tick, and frames gone back per tick.
    rollbacks: f64,
    depth: f64,
}

/// States after a first difference that are worth keeping.
const AROUND: usize = 15;

/// How much the newest sample counts.
const SAMPLE: f64 = 1.0 / 64.0;

impl Snapshots {
    pub(crate) fn new(policy: SnapshotPolicy, window: u32, frame_us: u64, kept: u32) -> Snapshots {
        Snapshots {
            policy,
            window,
            kept,
            frame_ns: frame_us * 1000,
            saved: VecDeque::new(),
            costs: None,
            rollbacks: 0.0,
            depth: 0.0,
        }
    }

    /// The host holds the state of this frame, and no other.
    pub(crate) fn begin_at(&mut self, frame: Frame) {
        self.saved.clear();
        self.saved.push_back(frame);
    }

    /// The oldest state that may be loaded.
    pub(crate) fn oldest(&self) -> Option<Frame> {
        self.saved.front().copied()
    }

    /// The newest state at or before `frame`.
    pub(crate) fn before(&self, frame: Frame) -> Option<Frame> {
        let mut newest_first = self.saved.iter().rev();
        newest_first.find(|saved| **saved <= frame).copied()
    }

    /// Without a wrong guess: the state to begin from so that a newer one can be saved.
    pub(crate) fn outdated(&self, head: Frame, missing: Frame) -> Option<Frame> {
        let saved = self.before(head)?;
        let old = head - saved >= self.apart();
        let better = saved < missing && missing < head;
        (self.policy == SnapshotPolicy::ConfirmedOnly && old && better).then_some(saved)
    }

    pub(crate) fn report(&mut self, costs: Costs) {
        let new = [costs.save, costs.load, costs.step]
            .map(|cost| u64::try_from(cost.as_nanos()).unwrap_or(u64::MAX));
        self.costs = Some(match self.costs {
            None => new,
            Some(old) => [0, 1, 2].map(|n| old[n] - old[n] / 8 + new[n] / 8),
        });
    }

    /// A tick went back this far; 0 for not at all.
    pub(crate) fn went_back(&mut self, depth: u32) {
        self.rollbacks += (f64::from(u8::from(depth > 0)) - self.rollbacks) * SAMPLE;
        self.depth += (f64::from(depth) - self.depth) * SAMPLE;
    }

    /// The states after `frame` rest on a wrong guess, or were not saved, because an end came first.
    pub(crate) fn drop_after(&mut self, frame: Frame) {
        while self.saved.back().is_some_and(|saved| *saved > frame) {
            self.saved.pop_back();
        }
    }

    /// Whether to save the state of `frame`, which is simulated next; `first` is where the batch
    /// began, `missing` the first frame with a guess.
    pub(crate) fn wants(&mut self, frame: Frame, first: Frame, missing: Frame) -> bool {
        let wants = match self.saved.back() {
            None => true,
            // Only a frame with a guess can be gone back to.
            Some(_) if frame < missing && self.kept == 0 => false,
            // It was just loaded.
            Some(newest) if *newest >= frame => false,
            Some(newest) => {
                let found = frame == missing && first < frame;
                found || self.due(frame, *newest, missing)
            }
        };
        if wants {
            self.saved.push_back(frame);
        }
        wants
    }

    /// The frames of the states around this one that rest on no guess before `confirmed`.
    pub(crate) fn around(&self, frame: Frame, confirmed: Frame) -> Vec<Frame> {
        let before = self.before(frame);
        let after = self.saved.iter().copied().filter(|saved| *saved > frame);
        let after = after.take_while(|saved| *saved <= confirmed);
        before.into_iter().chain(after.take(AROUND)).collect()
    }

    /// Lets go of the states that no rollback can need once the frames before `end` are simulated,
    /// and returns the first that is left.
    pub(crate) fn keep_from(&mut self, missing: Frame, end: Frame) -> Frame {
        let guessed = missing;
        let missing = Frame(missing - Frame(self.kept));
        while self
            .saved
            .get(1)
            .is_some_and(|next| *next <= missing.min(end))
        {
            self.saved.pop_front();
        }
        // Where nothing is guessed, nothing is gone back to.
        let newest = self.saved.back().copied().unwrap_or_default();
        if self.kept == 0 && end <= guessed && end - newest >= self.apart() {
            self.saved.clear();
        }
        self.saved.front().copied().unwrap_or(end)
    }

    fn due(&self, frame: Frame, newest: Frame, missing: Frame) -> bool {
        match self.policy {
            SnapshotPolicy::ConfirmedOnly => frame == missing,
            SnapshotPolicy::EveryFrame | SnapshotPolicy::Every(_) | SnapshotPolicy::Measured => {
                frame - newest >= self.apart()
            }
        }
    }

    /// How far snapshots are apart.
    fn apart(&self) -> u32 {
        match self.policy {
            SnapshotPolicy::EveryFrame => 1,
            SnapshotPolicy::Every(frames) => frames.clamp(1, crate::MAX_WINDOW),
            SnapshotPolicy::ConfirmedOnly => 2 * self.window.max(8),
            SnapshotPolicy::Measured => self.interval(),
        }
    }

    /// With a save every k frames, a tick costs `save · (1 + depth) / k` for snapshots, and
    /// `rollbacks · step · (k − 1) / 2` for the steps from an older snapshot: this is the k where
    /// the sum is least. No more than what lets the deepest rollback take half a frame.
    fn interval(&self) -> u32 {
        let Some([save, load, step]) = self.costs else {
            return 1;
        };
        let (save, step) = (save as f64, (step as f64).max(1.0));
        let square = 2.0 * save * (1.0 + self.depth) / (self.rollbacks.max(1e-3) * step);
        let best = (square as u64).isqrt();
        let room = (self.frame_ns / 2).saturating_sub(load) as f64 / step;
        let room = (room as u64).saturating_sub(u64::from(self.window));
        best.min(room).clamp(1, u64::from(self.window.max(1))) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(save: u64, step: u64, depths: &[u32]) -> u32 {
        let mut snapshots = Snapshots::new(SnapshotPolicy::Measured, 30, 16_667, 0);
        assert_eq!(snapshots.interval(), 1, "nothing is known");
        snapshots.report(Costs {
            save: Duration::from_micros(save),
            load: Duration::from_micros(save),
            step: Duration::from_micros(step),
        });
        for depth in depths.iter().cycle().take(1_000) {
            snapshots.went_back(*depth);
        }
        snapshots.interval()
    }

    #[test]
    fn the_dearer_the_save_the_fewer() {
        assert_eq!(measured(0, 100, &[0, 4]), 1);
        assert_eq!(measured(1, 100, &[0, 4]), 1);
        let dear = measured(500, 20, &[0, 0, 0, 4]);
        let dearer = measured(2_000, 20, &[0, 0, 0, 4]);
        assert!(1 < dear && dear < dearer, "{dear} {dearer}");
        assert_eq!(measured(2_000, 20, &[0]), 30, "no rollbacks: once a window");
        assert!(measured(200, 20, &[8]) < measured(200, 20, &[0, 0, 8]));
        // 30 steps of 400 µs are more than a frame: going back further is never worth a save.
        assert_eq!(measured(2_000, 400, &[0]), 1);
    }
}
