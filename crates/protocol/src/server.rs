//! What the server says to a participant's page in text.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Controls, EnvironmentSpec, EpisodePlan, Outcome, ParticipantId, SessionId, SignalPayload,
};

/// A control message to a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum ServerMessage {
    /// Answers `Hello`; a [`View`] follows at once.
    Welcome {
        participant: ParticipantId,
        study_title: String,
        incarnation: u32,
        /// Give it back in `Hello.resume` when the connection breaks.
        resume_key: String,
        /// The highest upload `seq` of this incarnation that is on disk, 0 for none.
        acknowledged: u32,
        /// The server's clock, milliseconds since 1970.
        server_ms: f64,
    },
    /// Where the participant stands now: the whole of it, each time it changes.
    View { revision: u32, view: View },
    /// From another member of the session.
    Signal {
        session: SessionId,
        from: u8,
        attempt: u32,
        payload: SignalPayload,
    },
    /// Every upload of this incarnation up to `seq` is on disk.
    Ack { seq: u32 },
    /// A message was refused and changed nothing.
    Refused { refusal: Refusal },
    /// Answers `Ping`.
    Pong { sent_ms: f64, server_ms: f64 },
    /// The participant opened another page, which takes over; this one is done.
    TakenOver,
}

/// What a participant sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum View {
    /// A page of text with a button that sends `Advance`.
    Start {
        scene: u32,
        title: String,
        body: String,
        button: String,
    },
    /// Instructions before a game, with a button that sends `Join`.
    Instructions { scene: u32, game: GameView },
    /// Waiting for partners.
    Lobby {
        scene: u32,
        game: GameView,
        waiting: u32,
        needed: u32,
        closes_in_ms: u32,
    },
    /// MATCHED: the members connect to each other. Peers with a lower index make the offer.
    Connecting {
        game: GameView,
        session: SessionView,
        ice_servers: Vec<IceServer>,
        attempt: u32,
        /// Members this page reported an open link to for this attempt.
        linked: Vec<u8>,
    },
    /// VALIDATING: the page sends `Validate` until `validated`.
    Validating {
        game: GameView,
        session: SessionView,
        environment: EnvironmentSpec,
        study_digest: String,
        validated: bool,
    },
    /// PLAYING: play `plan` once `starts_in_ms` have passed.
    Playing {
        game: GameView,
        session: SessionView,
        plan: EpisodePlan,
        starts_in_ms: u32,
        /// A partner is gone and the server is about to cut: stop playing, upload what is
        /// confirmed, then send an upload of kind `Flushed`.
        flush: bool,
    },
    /// The last page.
    End {
        title: String,
        body: String,
        outcome: Outcome,
        /// The completion code to show, if the study gives one for this outcome.
        code: Option<String>,
        redirect: Option<String>,
    },
}

/// How a game presents itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct GameView {
    pub title: String,
    pub body: String,
    /// Size of the drawing in its own pixels; the page scales it to fit.
    pub width: u32,
    pub height: u32,
    pub controls: Controls,
    pub environment: EnvironmentSpec,
}

/// A participant's place in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SessionView {
    pub session: SessionId,
    /// This page's player index.
    pub player: u8,
    pub players: u8,
}

/// An `RTCIceServer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct IceServer {
    pub urls: Vec<String>,
    pub username: Option<String>,
    pub credential: Option<String>,
}

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Refusal {
    pub code: RefusalCode,
    /// For a developer's console.
    pub message: String,
}

/// Kinds of refusal; each is counted by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RefusalCode {
    /// Not a message of this protocol.
    Malformed,
    /// The page was built for another version of the protocol: reload it.
    Version,
    /// No participant has this token.
    UnknownToken,
    /// Well-formed, but not in this state.
    WrongState,
    /// About a session this participant is not a member of.
    NotAMember,
    TooLarge,
    TooFast,
    /// An upload's `seq` leaves a gap.
    OutOfOrder,
    /// The server could not write to its disk; keep the data and try again.
    Storage,
}
