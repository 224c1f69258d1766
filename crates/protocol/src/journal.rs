//! What the server writes down. The journal is the truth; all else can be derived from it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Digests, EpisodePlan, Measurement, ParticipantId, SessionId, Upload};

/// A record with its place and time in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Order in the journal, from 1.
    pub id: u64,
    /// The server's clock when it was handed to the journal, milliseconds since 1970.
    pub at_ms: u64,
    pub record: Record,
}

/// Something that happened, in the order in which the server made it durable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// A server began to serve the study from this data directory.
    StudyOpened {
        study: String,
        title: String,
        /// Digest of the parsed configuration.
        digest: String,
        /// The study file as it was written.
        source: String,
        /// Version of the program.
        version: String,
        /// BLAKE3 of the WebAssembly module that browsers are given.
        build: String,
        /// 32 bytes in hexadecimal from which all draws of this run come: session ids, episode
        /// seeds, seats, treatments.
        seed: String,
    },
    ParticipantArrived {
        participant: ParticipantId,
        /// BLAKE3 of the token: the journal can recognise a token but not reveal one.
        token_hash: String,
        external_id: Option<String>,
    },
    /// A page was loaded (or loaded again): a new incarnation.
    PageLoaded {
        participant: ParticipantId,
        incarnation: u32,
        resume_key_hash: String,
        user_agent: String,
    },
    SceneEntered {
        participant: ParticipantId,
        scene: u32,
        scene_id: String,
    },
    /// A page measured how fast it runs the environment of a scene.
    Measured {
        participant: ParticipantId,
        scene: u32,
        incarnation: u32,
        measurement: Measurement,
    },
    /// A page cannot run the environment of a scene at all; the participant ends.
    EnvironmentUnable {
        participant: ParticipantId,
        scene: u32,
        message: String,
    },
    LobbyJoined {
        participant: ParticipantId,
        scene: u32,
    },
    LobbyLeft {
        participant: ParticipantId,
        scene: u32,
    },
    SessionOpened {
        session: SessionId,
        scene: u32,
        /// In player order.
        members: Vec<ParticipantId>,
        /// What of the scene's treatments the session has; none where the scene has none, and in
        /// journals of before there were any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        treatment: Option<String>,
    },
    SessionEntered {
        session: SessionId,
        state: SessionState,
    },
    /// The members' pages are to connect to each other anew; links of earlier attempts are over.
    /// Attempts of a session are numbered from 1, also those made while an episode is played.
    ConnectionAttempt {
        session: SessionId,
        attempt: u32,
    },
    LinkReported {
        session: SessionId,
        from: u8,
        to: u8,
        attempt: u32,
        open: bool,
        detail: String,
    },
    Validated {
        session: SessionId,
        player: u8,
        digests: Digests,
    },
    EpisodeOpened {
        plan: EpisodePlan,
    },
    /// A page that was loaded in the middle of an episode asked for its history. What earlier
    /// pages of the player upload about the episode's inputs, rows and end from here on is kept as
    /// evidence and does not count: this page may author the same frames.
    EpisodeRejoined {
        session: SessionId,
        episode: u32,
        player: u8,
        incarnation: u32,
    },
    /// The environment raised an error on a member's page, the first that said so: the session
    /// ends. What others say of the same is in their uploads.
    EnvironmentFailed {
        session: SessionId,
        episode: u32,
        player: u8,
        frame: u32,
        message: String,
    },
    /// The episode is about to be cut: pages are asked to deliver what they hold.
    EpisodeFlushing {
        session: SessionId,
        episode: u32,
    },
    /// The episode's readings are compared from here on: what comes later is kept as evidence and
    /// does not count, so that the judgement is about what the data say. The first of an episode
    /// is final, also if another server has to judge it again.
    EpisodeJudging {
        session: SessionId,
        episode: u32,
    },
    EpisodeClosed {
        session: SessionId,
        episode: u32,
        reason: CloseReason,
        judgement: Judgement,
    },
    ParticipantEnded {
        participant: ParticipantId,
        outcome: Outcome,
        code: Option<String>,
    },
    Uploaded {
        participant: ParticipantId,
        player: u8,
        upload: Upload,
    },
}

/// The stages of a session. WAITING is the lobby, before there is a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    Matched,
    Validating,
    Playing,
    Ended,
}

/// Why an episode was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// Every peer sealed it.
    Sealed,
    /// A peer was gone and the server cut it.
    Cut,
}

/// What can be said of an episode's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every browser's rows and the re-simulation are equal to the last frame.
    Verified,
    /// What there is agrees, but a seal or rows are missing.
    Partial,
    /// A browser computed something else from the same inputs.
    Desync,
    /// Two uploads contradict each other about an input.
    Disputed,
}

/// Where the readings of an episode first differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstDifference {
    pub frame: u32,
    /// `inputs`, `outcome`, `digest`, `hash`, `seal` or `missing`.
    pub field: String,
    /// The two readings that differ, e.g. `player 0` and `re-simulation`.
    pub between: [String; 2],
}

/// What comparing the readings of an episode found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    pub verdict: Verdict,
    /// The last canonical frame, or none if not one frame is known of every player.
    pub last_frame: Option<u32>,
    pub first_difference: Option<FirstDifference>,
}

/// How a participant's study ended: a closed list, exactly one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Outcome {
    /// Went through every scene.
    Completed,
    /// No partner came in time.
    LobbyTimeout,
    /// The pages could not connect to each other.
    ConnectionFailed,
    /// The pages ran different builds or studies.
    ValidationFailed,
    /// A partner left in the middle of the session.
    PartnerLeft,
    /// The environment raised an error, on this participant's page or on a partner's.
    EnvironmentFailed,
    /// This participant's machine runs the environment too slowly.
    TooSlow,
    /// This participant left, or was gone too long.
    Left,
}
