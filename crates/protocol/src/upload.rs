//! What a participant's page uploads: inputs, what it saw, canonical rows, its seal.

use serde::{Deserialize, Serialize};

use crate::SessionId;

/// One upload. `seq` counts from 1 within the page's incarnation, without gaps; the server stores
/// each (incarnation, seq) once, whatever is sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// The page load that made it. A later page of the participant also brings what an earlier one
    /// left in the browser.
    pub incarnation: u32,
    pub seq: u32,
    pub session: SessionId,
    pub episode: u32,
    pub body: UploadBody,
}

/// The kinds of upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum UploadBody {
    /// Inputs and observations of play, at most 250 ms after they happened.
    Journal(JournalBatch),
    /// Canonical rows that this page computed.
    Rows(Rows),
    /// This page's closing of the episode; its rows were all uploaded before it.
    Seal(Seal),
    /// The server asked to flush before a cut: all that this page holds was uploaded before this.
    Flushed,
    /// How the episode went on this machine.
    Report(EpisodeReport),
}

/// Times are microseconds on the page's monotonic clock since the episode was built; frame 0 need
/// not be at 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JournalBatch {
    pub authored: Vec<AuthoredInput>,
    pub received: Vec<ReceivedInput>,
    pub presented: Vec<PresentedFrame>,
    pub keys: Vec<KeyEvent>,
    pub events: Vec<ClientEvent>,
    pub network: Vec<NetworkSample>,
}

/// An input of this page's own player.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthoredInput {
    pub frame: u32,
    pub player: u8,
    pub input: Vec<u8>,
    pub source: InputSource,
    /// When it was sampled.
    pub at_us: u64,
    /// Frames between sampling and use: the realised input delay.
    pub delay: u8,
}

/// Where an input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InputSource {
    /// A person's keys, pressed or not.
    Human,
    /// Frames before the first input could be sampled: the default action.
    Lead,
    /// The page was hidden: the default action.
    Background,
}

/// An input as it first arrived from a partner: that partner's own, or one of this page's player
/// that an earlier page authored and the partner gave back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedInput {
    pub frame: u32,
    pub player: u8,
    pub input: Vec<u8>,
    pub path: Path,
    pub at_us: u64,
}

/// How an input travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Path {
    DataChannel,
    Relay,
}

/// A frame as this page first simulated and showed it: speculative where `predicted` is not 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresentedFrame {
    pub frame: u32,
    pub at_us: u64,
    pub inputs: Vec<Vec<u8>>,
    /// Bit n is set where player n's input was a guess.
    pub predicted: u16,
}

/// A key went down or up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEvent {
    /// The browser's own time stamp of the event.
    pub at_us: u64,
    /// `KeyboardEvent.key`.
    pub key: String,
    pub down: bool,
    /// The first frame whose input could use it.
    pub frame: u32,
}

/// Something worth knowing about the run on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientEvent {
    Rollback {
        at_us: u64,
        frame: u32,
        depth: u16,
        player: u8,
    },
    Stall {
        at_us: u64,
        frame: u32,
        player: u8,
    },
    Resume {
        at_us: u64,
        frame: u32,
    },
    /// The partner's confirmed hash differs from ours at this frame.
    Desync {
        at_us: u64,
        frame: u32,
        player: u8,
    },
    Visibility {
        at_us: u64,
        visible: bool,
    },
    Error {
        at_us: u64,
        message: String,
    },
    /// From now on packets for the player take this way: over the relay when nothing came over the
    /// DataChannel for a while, and back when it does again.
    Route {
        at_us: u64,
        player: u8,
        path: Path,
    },
}

/// The link to one player, sampled about once a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSample {
    pub at_us: u64,
    pub player: u8,
    pub rtt_us: u32,
    pub jitter_us: u32,
    /// Packets sent to, received from and missing from that player, since the episode's start.
    pub sent: u32,
    pub received: u32,
    pub lost: u32,
}

/// Consecutive canonical rows from `first` on, each frame uploaded once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    pub first: u32,
    pub rows: Vec<CanonicalRow>,
}

/// One confirmed frame as this page computed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanonicalRow {
    /// Every player's input, in player order.
    pub inputs: Vec<Vec<u8>>,
    /// Rewards, ends and infos in the canonical encoding of `igym-gym`.
    pub outcome: Vec<u8>,
    /// Digest of the state after the step, at the plan's interval.
    pub digest: Option<[u8; 16]>,
    /// The chain hash h(frame).
    pub hash: [u8; 16],
}

/// A peer's closing of its own episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    pub last_frame: u32,
    pub hash: [u8; 16],
}

/// How an episode went on one machine; durations in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpisodeReport {
    pub frames: u32,
    pub rollbacks: u32,
    pub resimulated_frames: u32,
    pub deepest_rollback: u16,
    pub stalled_ticks: u32,
    /// Worker time of a tick, and of the longest one.
    pub tick_p50_us: u32,
    pub tick_p99_us: u32,
    pub tick_max_us: u32,
    /// Key event to the drawn frame that first used it, as measured on the page.
    pub key_to_frame_p50_us: Option<u32>,
    pub key_to_frame_p95_us: Option<u32>,
    pub links: Vec<LinkReport>,
}

/// One link over a whole episode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    pub player: u8,
    pub rtt_min_us: u32,
    pub rtt_median_us: u32,
    pub rtt_p95_us: u32,
    pub jitter_us: u32,
    pub packets_sent: u32,
    pub packets_received: u32,
    /// Packets of the partner that never came, and those that came late or twice.
    pub packets_lost: u32,
    pub packets_reordered: u32,
    pub bytes_sent: u32,
    pub bytes_received: u32,
    /// Packets not sent because the channel still held one.
    pub packets_skipped: u32,
}
