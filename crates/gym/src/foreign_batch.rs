//! What a foreign environment is asked to do, as the bytes of `python/README.md`.

/// The first byte of every batch and answer.
pub(crate) const PROTOCOL: u8 = 1;

pub(crate) const LOAD: u8 = 1;
pub(crate) const SAVE: u8 = 2;
pub(crate) const STEP: u8 = 3;
pub(crate) const FORGET: u8 = 4;
pub(crate) const DRAW: u8 = 5;
pub(crate) const OBSERVE: u8 = 6;
pub(crate) const DIGEST: u8 = 7;
pub(crate) const STATE: u8 = 0x7F;
pub(crate) const ERROR: u8 = 0xFF;

const WITH_OBSERVATIONS: u8 = 1;
const WITH_APPLIED: u8 = 2;
const SPECTATOR: u8 = 0xFF;

/// Operations that a [`Runtime`](crate::Runtime) does in order, in one call.
///
/// The state at frame f is that before step f. Steps and saves behind a terminal step are skipped
/// by the runtime, up to the next load.
#[derive(Clone, Debug)]
pub struct Operations {
    bytes: Vec<u8>,
    asked: Vec<Asked>,
}

/// An operation, as far as its answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Load,
    Step { frame: u32 },
    Draw,
    Observe,
    Digest,
}

impl Default for Operations {
    fn default() -> Self {
        Self::new()
    }
}

impl Operations {
    /// Nothing to do yet.
    pub fn new() -> Self {
        Self::flagged(0)
    }

    /// Each step's result is to say what the agents did in it, and what they see after it.
    pub fn detailed() -> Self {
        Self::flagged(WITH_OBSERVATIONS | WITH_APPLIED)
    }

    fn flagged(flags: u8) -> Self {
        Self {
            bytes: vec![PROTOCOL, flags],
            asked: Vec::new(),
        }
    }

    /// Returns to the snapshot of `frame`; later ones are dropped.
    pub fn load(&mut self, frame: u32) -> &mut Self {
        self.asked.push(Asked::Load);
        self.numbered(LOAD, frame)
    }

    /// Keeps the state, which is at `frame`.
    pub fn save(&mut self, frame: u32) -> &mut Self {
        self.numbered(SAVE, frame)
    }

    /// Plays `frame` with one input per player, each of 255 bytes at most.
    pub fn step(&mut self, frame: u32, inputs: &[impl AsRef<[u8]>]) -> &mut Self {
        self.asked.push(Asked::Step { frame });
        self.numbered(STEP, frame);
        let players = inputs.get(..usize::from(u8::MAX)).unwrap_or(inputs);
        self.bytes.push(players.len() as u8);
        for input in players {
            // One that is too long is none of the player's actions, and nothing is not either.
            let input = input.as_ref();
            let length = u8::try_from(input.len()).unwrap_or(0);
            self.bytes.push(length);
            self.bytes.extend(&input[..usize::from(length)]);
        }
        self
    }

    /// Drops the snapshots of frames before `frame`.
    pub fn forget_before(&mut self, frame: u32) -> &mut Self {
        self.numbered(FORGET, frame)
    }

    /// The picture that agent number `viewer` sees, or a spectator.
    pub fn draw(&mut self, viewer: Option<usize>) -> &mut Self {
        self.asked.push(Asked::Draw);
        let viewer = viewer.and_then(|agent| u8::try_from(agent).ok());
        self.bytes.extend([DRAW, viewer.unwrap_or(SPECTATOR)]);
        self
    }

    /// What the agents see now.
    pub fn observe(&mut self) -> &mut Self {
        self.asked.push(Asked::Observe);
        self.bytes.push(OBSERVE);
        self
    }

    /// The digest of the state now.
    pub fn digest(&mut self) -> &mut Self {
        self.asked.push(Asked::Digest);
        self.bytes.push(DIGEST);
        self
    }

    /// For [`Runtime::run`](crate::Runtime::run).
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn asked(&self) -> &[Asked] {
        &self.asked
    }

    pub(crate) fn is_detailed(&self) -> bool {
        self.bytes.get(1) != Some(&0)
    }

    fn numbered(&mut self, operation: u8, frame: u32) -> &mut Self {
        self.bytes.push(operation);
        self.bytes.extend(frame.to_le_bytes());
        self
    }
}
