//! What a page shows beside the drawing.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How an episode stands at this peer: for the HUD, for overlays, for bots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Status {
    /// This episode's number among the session's, from 1.
    pub round: u32,
    pub rounds: u32,
    /// Frames simulated, guesses included: what is on screen.
    pub frame: u32,
    /// Frames that are facts.
    pub confirmed: u32,
    /// Frames on screen that rest on a guess: `frame - confirmed`.
    pub predicted: u32,
    pub frames_left: u32,
    /// `frames_left` at the planned frame rate, in milliseconds.
    pub ms_left: u32,
    /// One per agent, in the environment's order; sums of rewards up to what is on screen.
    pub scores: Vec<Score>,
    /// The agents of this peer's seat.
    pub own_agents: Vec<String>,
    /// The player whose inputs are missing so long that play stands still.
    pub stalled_by: Option<u8>,
    /// The first frame at which a partner was found to have computed something else.
    pub desync_at: Option<u32>,
    /// The episode is over at this peer. Keep ticking until the server says what follows:
    /// partners may still need packets.
    pub sealed: bool,
    /// The server asked to flush: play has stopped at this peer.
    pub flushed: bool,
    /// This page was loaded in the middle of the episode and is catching up: it shows nothing yet
    /// and takes no input.
    pub rejoining: bool,
    pub rollbacks: u32,
    /// One per partner, in player order.
    pub links: Vec<LinkStatus>,
}

/// An agent's sum of rewards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Score {
    pub agent: String,
    pub score: f64,
    /// The agent is of this peer's seat.
    pub own: bool,
}

/// How the way to one partner is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LinkStatus {
    pub player: u8,
    /// Median of the latest round trips; 0 until measured.
    pub rtt_ms: f64,
    /// Packets for this partner go through the server at present.
    pub relayed: bool,
}
