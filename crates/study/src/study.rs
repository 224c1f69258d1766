//! The study.

use igym_protocol::{
    ClientMessage, Judgement, Outcome, ParticipantId, Refusal, Seal, SessionId, View,
};

use crate::{Effect, Millis, StudyConfig};

/// A running study: everyone in it, as a pure state machine.
pub struct Study {
    config: StudyConfig,
}

impl Study {
    /// A study without participants. `build_digest` is what pages must report in VALIDATING;
    /// everything the study ever draws comes from `seed`.
    pub fn new(config: StudyConfig, build_digest: String, seed: [u8; 32]) -> Study {
        let _ = (build_digest, seed);
        Study { config }
    }

    pub fn config(&self) -> &StudyConfig {
        &self.config
    }

    /// What the participant sees now; none for somebody unknown.
    pub fn view(&self, now: Millis, participant: ParticipantId) -> Option<View> {
        let _ = (now, participant);
        None
    }

    /// The participant's player index in a session that is or was theirs.
    pub fn member(&self, participant: ParticipantId, session: SessionId) -> Option<u8> {
        let _ = (participant, session);
        None
    }

    /// The members of a session, in player order.
    pub fn members(&self, session: SessionId) -> Option<&[ParticipantId]> {
        let _ = session;
        None
    }

    /// The session the participant is in now.
    pub fn session_of(&self, participant: ParticipantId) -> Option<SessionId> {
        let _ = participant;
        None
    }

    pub fn is_connected(&self, participant: ParticipantId) -> bool {
        let _ = participant;
        false
    }

    /// How the participant's study ended, once it has.
    pub fn outcome(&self, participant: ParticipantId) -> Option<Outcome> {
        let _ = participant;
        None
    }

    pub fn handle_arrival(
        &mut self,
        now: Millis,
        participant: ParticipantId,
        token_hash: String,
        external_id: Option<String>,
    ) {
        let _ = (now, participant, token_hash, external_id);
    }

    pub fn handle_connected(&mut self, now: Millis, participant: ParticipantId) {
        let _ = (now, participant);
    }

    pub fn handle_disconnected(&mut self, now: Millis, participant: ParticipantId) {
        let _ = (now, participant);
    }

    /// `Hello` and `Ping` are the server's own and are refused here.
    pub fn handle_message(
        &mut self,
        now: Millis,
        participant: ParticipantId,
        message: &ClientMessage,
    ) -> Result<(), Refusal> {
        let _ = (now, participant, message);
        Ok(())
    }

    /// A peer's seal is on disk.
    pub fn handle_seal(
        &mut self,
        now: Millis,
        participant: ParticipantId,
        session: SessionId,
        episode: u32,
        seal: Seal,
    ) -> Result<(), Refusal> {
        let _ = (now, participant, session, episode, seal);
        Ok(())
    }

    /// A peer's `Flushed` is on disk, and so is all that it sent before.
    pub fn handle_flushed(
        &mut self,
        now: Millis,
        participant: ParticipantId,
        session: SessionId,
        episode: u32,
    ) -> Result<(), Refusal> {
        let _ = (now, participant, session, episode);
        Ok(())
    }

    /// Answers [`Effect::Judge`].
    pub fn handle_judged(
        &mut self,
        now: Millis,
        session: SessionId,
        episode: u32,
        judgement: Judgement,
    ) {
        let _ = (now, session, episode, judgement);
    }

    /// Does what is due.
    pub fn handle_time(&mut self, now: Millis) {
        let _ = now;
    }

    /// When `handle_time` is next needed; ask again after every call.
    pub fn poll_deadline(&self) -> Option<Millis> {
        None
    }

    /// The next thing to do. Drain it after every call.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        None
    }
}
