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
        /// If a scene of the study has an environment in Python, the digest of the lock that says
        /// what to load: `/python/<digest>.json`. A page begins at once, whatever scene it shows.
        python: Option<String>,
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
    /// Every upload of the incarnation, one of this participant's, up to `seq` is on disk.
    Ack { incarnation: u32, seq: u32 },
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
    Instructions {
        scene: u32,
        game: GameView,
        /// Nothing has to be measured any more before `Join`. Always so with environments that
        /// need none; a page that is loaded again measures again.
        measured: bool,
    },
    /// Waiting for partners.
    Lobby {
        scene: u32,
        game: GameView,
        /// This page has measured what it must, or need not. One that was loaded again while it
        /// waits is not matched before it has.
        measured: bool,
        /// How many are here and could be matched now.
        waiting: u32,
        needed: u32,
        closes_in_ms: u32,
    },
    /// MATCHED: the members connect to each other. Peers with a lower index make the offer.
    Connecting {
        game: GameView,
        session: SessionView,
        connection: ConnectionView,
    },
    /// VALIDATING: the page sends `Validate` until `validated`.
    Validating {
        game: GameView,
        session: SessionView,
        environment: EnvironmentSpec,
        study_digest: String,
        validated: bool,
    },
    /// PLAYING: play `plan` once `starts_in_ms` have passed. Packets go over the DataChannel to a
    /// partner where there is one, and through the server where there is none or it is silent.
    Playing {
        game: GameView,
        session: SessionView,
        /// Links that break are made anew while play goes on, by a new attempt.
        connection: ConnectionView,
        /// In player order.
        members: Vec<MemberView>,
        plan: EpisodePlan,
        part: EpisodePart,
        starts_in_ms: u32,
        /// A partner is gone and the server is about to cut: stop playing, upload what is
        /// confirmed, then send an upload of kind `Flushed`. A page without a part in the episode
        /// uploads what its browser kept, then `Flushed`.
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
    /// How long what was shown by a wrong guess takes to its place on the screen, in milliseconds;
    /// 0 shows it there at once.
    pub smoothing_ms: u16,
    /// Whether the time that is left is shown: the study says how long an episode lasts at most.
    pub timed: bool,
    pub controls: Controls,
    /// What instructions show, and machines are measured by. A session may play it with other
    /// settings: its plans say which.
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

/// How the members of a session reach each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConnectionView {
    /// Number of the present connection attempt, from 1. A new one begins with fresh connections
    /// to all members.
    pub attempt: u32,
    pub ice_servers: Vec<IceServer>,
    /// Members this page reported an open link to for this attempt.
    pub linked: Vec<u8>,
    /// The study lets packets pass through the server alone, so that no member learns another's
    /// address: no connection is to be made.
    pub relay_only: bool,
    /// The study lets packets pass over direct connections alone: the server passes none on.
    pub direct_only: bool,
}

/// Whether a member's page is there, as far as the server sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MemberView {
    /// Its page is connected to the server.
    pub connected: bool,
    /// How long the session waits for a member who is not; 0 once they are gone for good.
    pub returns_within_ms: Option<u32>,
    /// Its page was loaded in the middle of the episode and is catching up.
    pub rejoining: bool,
}

/// What the page that gets a view has to do with the episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum EpisodePart {
    /// It plays from the first frame on.
    Play,
    /// An earlier page of the participant played: this one asks for the history by
    /// `ClientMessage::Rejoin`, and goes on where that stopped.
    Rejoin,
    /// It is being closed, or was played to its end by all: a page that was loaded since only
    /// brings what its browser kept.
    Over,
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
    /// The upload that was refused, where it could be read that far.
    pub upload: Option<UploadId>,
}

/// Names an upload among those of its participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UploadId {
    pub incarnation: u32,
    pub seq: u32,
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
