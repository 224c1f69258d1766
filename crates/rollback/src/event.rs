//! What the engine tells the host.

use crate::{ChainHash, Digest, Frame, HashPrefix, Input, LinkId, Micros, PlayerIndex, PlayerSet};

/// Events come in the order in which things happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A head frame was simulated for the first time: what the player saw, guesses included.
    /// Once per frame, in order; never a fact. An engine that rejoins shows nothing of the frames
    /// that it only catches up on: the first is the one where it begins to play.
    Presented {
        frame: Frame,
        inputs: Vec<Input>,
        /// Players whose input was a guess.
        predicted: PlayerSet,
        at: Micros,
    },
    /// Inputs of a remote player arrived for the first time, for `first` and the frames after it.
    /// While an engine rejoins, also inputs of a local player, authored by its older page load: the
    /// peer attests them.
    Received {
        link: LinkId,
        player: PlayerIndex,
        first: Frame,
        inputs: Vec<Input>,
        at: Micros,
    },
    /// A fact: all inputs of the frame are known. Once per frame, in order, from frame 0 on also
    /// where the engine rejoins.
    Confirmed(ConfirmedFrame),
    /// The batch goes back to frame `to` because this player's input there was guessed wrong.
    Rollback {
        to: Frame,
        depth: u32,
        player: PlayerIndex,
    },
    /// The head cannot move: this player's inputs are missing.
    Stalled { player: PlayerIndex },
    /// No longer stalled.
    Resumed,
    /// The peer at the other end computed another history: `frame` is the first that differs.
    /// Once per link and page load of the peer; play goes on.
    Desync {
        frame: Frame,
        link: LinkId,
        ours: HashPrefix,
        theirs: HashPrefix,
    },
    /// The terminal frame is confirmed: this peer's episode is closed.
    Sealed { last_frame: Frame, hash: ChainHash },
}

/// A frame that will never change again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedFrame {
    pub frame: Frame,
    /// Every player's input, in player order.
    pub inputs: Vec<Input>,
    pub outcome: Vec<u8>,
    pub digest: Option<Digest>,
    /// The chain hash h(frame).
    pub hash: ChainHash,
    /// Players whose input had been guessed wrong when the frame was presented.
    pub predicted_wrong: PlayerSet,
    pub first_simulated_at: Micros,
    /// Frames gone back by the deepest rollback that simulated this frame anew; 0 for none.
    pub rollback_depth: u32,
}
