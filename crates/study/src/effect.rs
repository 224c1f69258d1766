//! What the study asks of its server.

use std::collections::{BTreeSet, VecDeque};

use igym_protocol::{ParticipantId, Record, ServerMessage, SessionId};

/// Something for the server to do. Every `Record` of a call comes before every `View` of it, so a
/// server that makes records durable in order, and waits for them before it sends a view, never
/// shows a participant something that a crash could undo.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write this down.
    Record(Record),
    /// The participant's view changed: send [`Study::view`](crate::Study::view), if they are
    /// connected.
    View { participant: ParticipantId },
    /// Pass this on, if the participant is connected; it is worthless later.
    Signal {
        to: ParticipantId,
        message: ServerMessage,
    },
    /// Once every record before this effect is in the journal, compare the readings of this episode
    /// and answer with [`Study::handle_judged`](crate::Study::handle_judged), whenever that is:
    /// nobody waits for it. What is not answered is asked again when the study is restored.
    Judge { session: SessionId, episode: u32 },
    /// Read the inputs of this episode from the journal, once every record before this effect is
    /// in it, and send them to the participant's page: it asked for them to go on playing. A page
    /// asks again until they come.
    History {
        participant: ParticipantId,
        session: SessionId,
        episode: u32,
    },
}

/// Effects that were not polled yet; views come last, and once for each participant.
#[derive(Default)]
pub(crate) struct Effects {
    queue: VecDeque<Effect>,
    views: BTreeSet<ParticipantId>,
}

impl Effects {
    pub(crate) fn record(&mut self, record: Record) {
        self.queue.push_back(Effect::Record(record));
    }

    pub(crate) fn view(&mut self, participant: ParticipantId) {
        self.views.insert(participant);
    }

    pub(crate) fn signal(&mut self, to: ParticipantId, message: ServerMessage) {
        self.queue.push_back(Effect::Signal { to, message });
    }

    pub(crate) fn judge(&mut self, session: SessionId, episode: u32) {
        self.queue.push_back(Effect::Judge { session, episode });
    }

    pub(crate) fn history(&mut self, participant: ParticipantId, session: SessionId, episode: u32) {
        self.queue.push_back(Effect::History {
            participant,
            session,
            episode,
        });
    }

    pub(crate) fn poll(&mut self) -> Option<Effect> {
        self.queue.pop_front().or_else(|| {
            let participant = self.views.pop_first()?;
            Some(Effect::View { participant })
        })
    }
}
