//! The plan of an episode: everything a peer, the server or a verifier needs to play it again.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{ParticipantId, SessionId};

/// Everything that fixes an episode, but for its inputs. Peers of a session get the same plan;
/// its postcard encoding is hashed into `h(-1)`, so peers with different plans disagree at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EpisodePlan {
    pub session: SessionId,
    /// Index of the episode in its session, from 0: the epoch that every packet carries.
    pub episode: u32,
    /// How many episodes the session plays.
    pub episodes: u32,
    pub seed: u32,
    pub environment: EnvironmentSpec,
    /// One seat per player, in player order.
    pub seats: Vec<Seat>,
    pub frames_per_second: u16,
    /// Frames between sampling an input and the frame that uses it.
    pub input_delay: u8,
    /// How far a peer may simulate past its last confirmed frame.
    pub window_ms: u32,
    /// The platform truncates the episode after this many frames.
    pub max_steps: u32,
    /// A state digest enters the chain hash every this many frames.
    pub digest_interval: u32,
    pub prediction: Prediction,
    pub controls: Controls,
    /// What every peer of the session was found to run in VALIDATING.
    pub digests: Digests,
}

impl EpisodePlan {
    /// h(-1): the first 16 bytes of the BLAKE3 hash of the plan's postcard encoding.
    pub fn genesis(&self) -> [u8; 16] {
        let bytes = postcard::to_allocvec(self).expect("a plan holds nothing that postcard cannot");
        let mut genesis = [0; 16];
        genesis.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
        genesis
    }

    /// The most inputs that one player can author in the episode: one per frame, and those sampled
    /// ahead of the last.
    pub fn most_inputs(&self) -> u32 {
        let ahead = u32::from(self.input_delay) + 1;
        self.max_steps.saturating_add(ahead)
    }
}

/// Which environment, with what configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EnvironmentSpec {
    /// As in the catalogue of `igym-envs`, e.g. `slime_volleyball`.
    pub id: String,
    /// Version of the environment's rules.
    pub version: String,
    /// The environment's own settings as canonical JSON (sorted keys, no spaces).
    pub config: String,
}

/// The agents that one player controls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Seat {
    pub participant: ParticipantId,
    pub agents: Vec<String>,
}

/// How a missing remote input is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Prediction {
    RepeatLast,
    Default,
}

/// How keys become actions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Controls {
    pub mode: InputMode,
    /// Tried in order, those with more keys first.
    pub bindings: Vec<KeyBinding>,
    /// The discrete action of a player who presses nothing bound, or cannot answer.
    pub default_action: u32,
}

/// Whether a key acts while it is held, or once for each press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum InputMode {
    /// The keys that are down when a frame's input is sampled, and those tapped since the last one.
    HeldKeys,
    /// Each key press acts on one frame; presses queue up, one per frame.
    SingleKeystroke,
}

/// Keys that together mean an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyBinding {
    /// `KeyboardEvent.key` values ("ArrowLeft", "w", " "); letters match in either case.
    pub keys: Vec<String>,
    pub action: u32,
    /// What the action is called on screen and in the data's legend.
    pub label: String,
}

/// What a peer runs; equal for all peers of a session, or the session does not start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Digests {
    /// BLAKE3 of the WebAssembly module: engine, environments and recorder in one.
    pub build: String,
    /// The environment's id, version and configuration.
    pub environment: String,
    /// The study's configuration as the server parsed it.
    pub study: String,
}

/// How fast a page runs an environment: medians of several trials, in whole microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Measurement {
    /// One step, with all that is recorded of it.
    pub step_us: u32,
    /// Keeping a state.
    pub save_us: u32,
    /// Returning to one.
    pub load_us: u32,
    /// A rollback over ten frames: returning to a state, ten steps, and keeping their states.
    pub rollback_us: u32,
}
