//! What the engine asks of the host in one tick, and what the host answers.

use crate::{Digest, Frame, Input, LinkId, Micros, PlayerIndex, PlayerSet};

/// The answer of [`Engine::advance`](crate::Engine::advance).
#[derive(Clone, Debug, PartialEq)]
pub enum Advance {
    /// Run the requests in order, then call [`Engine::complete`](crate::Engine::complete).
    Run(Batch),
    /// Nothing to simulate in this tick.
    Wait(Wait),
}

/// Why a tick simulates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Frame 0 is due later.
    NotStarted { at: Micros },
    /// The host has not given this local player's input for this frame.
    LocalInput { player: PlayerIndex, frame: Frame },
    /// The head is as far ahead of this player's first missing input as the window allows.
    Window { player: PlayerIndex, frame: Frame },
    /// `frame` ended the episode as far as can be told; this player's input is missing to be sure.
    Ending { frame: Frame, player: PlayerIndex },
    /// What an older page load of this peer authored is not known yet: this link has not told, or
    /// has not given back all that its peer holds.
    Rejoining { link: LinkId },
    /// The episode is over at this peer.
    Sealed,
    /// The last batch has not been completed.
    BatchOpen { id: u64 },
}

/// Requests to be run in order, as one call. A rollback is one batch: `Load`, then steps and saves
/// up to and including the head. So are up to [`CATCH_UP_FRAMES`](crate::CATCH_UP_FRAMES) frames on
/// which an engine that rejoins catches up.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub id: u64,
    pub requests: Vec<Request>,
    /// No snapshot of an earlier frame will be asked for, once this batch has run.
    pub keep_from: Frame,
}

/// One thing for the host to do. The state at frame f is the state before step f.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Restore the state at `frame`.
    Load { frame: Frame },
    /// Keep the state at `frame`, in place of one kept before.
    Save { frame: Frame },
    /// Simulate `frame` with one input per player. After a step that ends the episode, the steps
    /// and saves that are left are skipped.
    Step {
        frame: Frame,
        inputs: Vec<Input>,
        /// Players whose input is a guess.
        predicted: PlayerSet,
    },
}

/// What came of one [`Request::Step`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepResult {
    pub frame: Frame,
    /// Rewards, ends and the like in an encoding of the host's; enters the chain hash.
    pub outcome: Vec<u8>,
    /// The episode ends with this frame, if its inputs were right.
    pub terminal: bool,
    /// A digest of the state after the step, where the host makes one; enters the chain hash.
    pub digest: Option<Digest>,
}
