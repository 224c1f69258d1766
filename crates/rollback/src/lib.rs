//! Sans-I/O rollback engine for lock-step games and experiments over unreliable networks.

mod batch;
mod builder;
mod engine;
mod error;
mod event;
mod hash;
mod stats;
mod types;

pub use batch::{Advance, Batch, Request, StepResult, Wait};
pub use builder::{Builder, MAX_INPUT_DELAY, MAX_WINDOW, Prediction};
pub use engine::{Engine, Packet};
pub use error::{BuildError, CompleteError, InputError, PacketError};
pub use event::{ConfirmedFrame, Event};
pub use hash::{ChainHash, Digest, HashPrefix, chain};
pub use stats::{Counters, Held, LinkStats, RTT_SAMPLES, Refused};
pub use types::{
    Epoch, Frame, Incarnation, Input, LinkId, MAX_INPUT_BYTES, MAX_PLAYERS, Micros, PlayerIndex,
    PlayerSet,
};
