//! What the study asks of its server.

use igym_protocol::{ParticipantId, Record, ServerMessage, SessionId};

/// Something for the server to do. Every `Record` of a call comes before every `View` of it, so a
/// server that makes records durable in order, and waits for them before it sends a view, never
/// shows a participant something that a crash could undo.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write this down.
    Record(Record),
    /// The participant's view changed: send [`Study::view`](crate::Study::view).
    View { participant: ParticipantId },
    /// Pass this on, if the participant is connected; it is worthless later.
    Signal {
        to: ParticipantId,
        message: ServerMessage,
    },
    /// Compare the readings of this episode and answer with
    /// [`Study::handle_judged`](crate::Study::handle_judged). The session waits for it.
    Judge { session: SessionId, episode: u32 },
}
