//! Every message on every wire but the peers' own packets (those are in `igym-rollback`).
//!
//! Four kinds of traffic:
//!
//! - **Control**: JSON text frames on the participant's WebSocket, [`ClientMessage`] one way and
//!   [`ServerMessage`] the other, each in an envelope with the protocol version.
//! - **Uploads**: binary frames, a four-byte header and a postcard [`Upload`]. The server
//!   acknowledges an upload's `seq` once it is on disk; a client keeps what is not acknowledged.
//! - **Deliveries**: binary frames too. Pages send each other the engine's packets through the
//!   server ([`Relay`]) where there is no way between them, and a page that rejoins an episode gets
//!   its [`History`].
//! - **Journal**: what the server writes down, [`Record`]s in [`Entry`]s, in order.
//!
//! The server's view of a participant is sent whole ([`View`]) each time it changes: a lost
//! message never leaves a page in the past, and a page that reloads needs no history.
//!
//! This crate holds types, their encodings and their limits. It does no I/O, and it never decides
//! whether a well-formed message is welcome: that is `igym-study`'s and the server's business.
//!
//! ```
//! use igym_protocol::{ClientMessage, Envelope};
//!
//! let text = r#"{"v":1,"body":{"type":"ping","sent_ms":12.5}}"#;
//! let message: Envelope<ClientMessage> = Envelope::decode(text)?;
//! assert_eq!(message.body, ClientMessage::Ping { sent_ms: 12.5 });
//! # Ok::<(), igym_protocol::DecodeError>(())
//! ```

mod client;
mod delivery;
mod ids;
mod journal;
mod limits;
mod plan;
mod server;
mod upload;
mod wire;

pub use client::{ClientMessage, LinkState, Resume, SignalPayload};
pub use delivery::{
    BinaryKind, Delivery, History, Relay, binary_kind, decode_delivery, decode_relay,
    encode_delivery, encode_relay,
};
pub use ids::{ParticipantId, SessionId, Token};
pub use journal::{
    CloseReason, Entry, FirstDifference, Judgement, Outcome, Record, SessionState, Verdict,
};
pub use limits::Limits;
pub use plan::{
    Controls, Digests, EnvironmentSpec, EpisodePlan, InputMode, KeyBinding, Measurement,
    Prediction, Seat,
};
pub use server::{
    ConnectionView, EpisodePart, GameView, IceServer, MemberView, Refusal, RefusalCode,
    ServerMessage, SessionView, UploadId, View,
};
pub use upload::{
    AuthoredInput, CanonicalRow, ClientEvent, EpisodeReport, InputSource, JournalBatch, KeyEvent,
    LinkReport, NetworkSample, Path, PresentedFrame, ReceivedInput, Rows, Seal, Upload, UploadBody,
};
pub use wire::{DecodeError, Envelope, decode_upload, encode_upload};

/// The version of the control messages and of the upload header; a page and a server of different
/// versions refuse each other.
pub const VERSION: u16 = 1;
