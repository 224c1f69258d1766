//! Random keys.

use igym_protocol::Controls;

/// Somebody who presses a random binding now and then.
pub(crate) struct Fingers {
    state: u64,
    held: Vec<String>,
    /// Frames until the hand moves again.
    rest: u32,
}

impl Fingers {
    /// The same seed presses the same keys.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            held: Vec::new(),
            rest: 0,
        }
    }

    /// The changes before the next frame: the key, and whether it went down.
    pub(crate) fn moves(&mut self, controls: &Controls) -> Vec<(String, bool)> {
        if self.rest > 0 {
            self.rest -= 1;
            return Vec::new();
        }
        self.rest = 2 + self.below(12);
        let mut moves: Vec<_> = self.held.drain(..).map(|key| (key, false)).collect();
        let choices = u32::try_from(controls.bindings.len()).unwrap_or(u32::MAX);
        // One in so many times the hands are still.
        let choice = self.below(choices.saturating_add(1));
        if let Some(binding) = controls.bindings.get(choice as usize) {
            self.held.clone_from(&binding.keys);
            moves.extend(self.held.iter().map(|key| (key.clone(), true)));
        }
        moves
    }

    /// A number below `bound` (0 for none), by SplitMix64.
    fn below(&mut self, bound: u32) -> u32 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = (mixed ^ (mixed >> 31)) >> 32;
        u32::try_from((high * u64::from(bound)) >> 32).unwrap_or(0)
    }
}
