//! What a participant's page says to the server in text.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Digests, Measurement, SessionId, Token};

/// A control message from a page. None of them is queued: each is either an answer to a [`View`]
/// that the page repeats while the view asks for it, or worthless once late.
///
/// [`View`]: crate::View
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[ts(export)]
pub enum ClientMessage {
    /// The first message of a connection: who is here.
    Hello {
        token: Token,
        /// Set when this page was connected before; it then keeps its incarnation.
        resume: Option<Resume>,
        /// `navigator.userAgent`, stored as it is.
        user_agent: String,
    },
    /// "Continue" was pressed on the scene with this index.
    Advance { scene: u32 },
    /// How fast this page runs the environment of the game scene with this index, before `Join`, or
    /// in the lobby on a page that was loaded again; repeated until the view says `measured`, or shows the last page.
    Measured {
        scene: u32,
        measurement: Measurement,
    },
    /// This page cannot run the environment of the game scene with this index: what it is written
    /// in does not load here, or it raised when it was opened or measured. Leads to the last page.
    Unable { scene: u32, message: String },
    /// "Start" was pressed on the game scene with this index: join its lobby.
    Join { scene: u32 },
    /// For another member of the session, passed on unread.
    Signal {
        session: SessionId,
        to: u8,
        /// Connection attempts are numbered, so that a late answer is not taken for a new one.
        attempt: u32,
        payload: SignalPayload,
    },
    /// The state of this page's DataChannel to another member.
    Link {
        session: SessionId,
        to: u8,
        attempt: u32,
        state: LinkState,
    },
    /// What this page runs, asked for in VALIDATING.
    Validate {
        session: SessionId,
        digests: Digests,
    },
    /// This page was loaded in the middle of the episode (`EpisodePart::Rejoin`) and has brought
    /// all that its browser kept to the server: asks for the inputs that the journal holds.
    /// Answered by `Delivery::History`; repeated until that comes.
    Rejoin { session: SessionId, episode: u32 },
    /// The environment of the session raised an error on this page, before or in this frame of the
    /// episode that is played, or is next: the session ends for all. Repeated while the session
    /// lasts. Pages upload what they hold as in any cut.
    Failed {
        session: SessionId,
        episode: u32,
        frame: u32,
        /// What it was, and where: "env.py:12: ZeroDivisionError: division by zero".
        message: String,
    },
    /// Asks for the time; also measures the round trip to the server.
    Ping { sent_ms: f64 },
    /// The participant leaves the study on purpose.
    Leave,
}

/// Proof that a connection continues an earlier one of the same page load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Resume {
    pub incarnation: u32,
    pub key: String,
}

/// WebRTC signalling between two pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[ts(export)]
pub enum SignalPayload {
    Offer {
        sdp: String,
    },
    Answer {
        sdp: String,
    },
    Candidate {
        candidate: String,
        sdp_mid: Option<String>,
        sdp_m_line_index: Option<u16>,
    },
}

/// How a page's DataChannel to a partner stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[ts(export)]
pub enum LinkState {
    /// Open; the ICE candidate types in use ("host", "srflx", "relay").
    Open {
        local: String,
        remote: String,
    },
    Failed {
        reason: String,
    },
}
