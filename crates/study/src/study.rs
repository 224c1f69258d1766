//! Everyone in the study, and what moves them on.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{
    ClientMessage, Judgement, Outcome, ParticipantId, Record, Refusal, Seal, SessionId,
};

use crate::context::{Context, Exit};
use crate::draws::Draws;
use crate::effect::Effects;
use crate::lobby::{Lobby, Matchmaking};
use crate::participant::{Page, Participant, Place};
use crate::refusal::{not_a_member, not_now, unknown};
use crate::session::Session;
use crate::timers::{Timer, Timers};
use crate::{Effect, Millis, StudyConfig};

/// A running study: everyone in it, as a pure state machine.
///
/// Call a `handle_*` method with what happened, then drain [`Study::poll_effect`], then ask
/// [`Study::poll_deadline`] when to call [`Study::handle_time`].
pub struct Study {
    pub(crate) config: StudyConfig,
    pub(crate) build: String,
    pub(crate) digest: String,
    /// Builds that earlier runs gave out.
    pub(crate) former_builds: BTreeSet<String>,
    pub(crate) matchmaking: Matchmaking,
    pub(crate) participants: BTreeMap<ParticipantId, Participant>,
    pub(crate) lobbies: BTreeMap<u32, Lobby>,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) timers: Timers,
    pub(crate) draws: Draws,
    pub(crate) effects: Effects,
}

impl Study {
    /// A study without participants. `build_digest` is what pages must report in VALIDATING;
    /// everything that the study draws comes from `seed`, which must be secret and not used
    /// before.
    pub fn new(config: StudyConfig, build_digest: String, seed: [u8; 32]) -> Study {
        Study {
            digest: config.digest(),
            config,
            build: build_digest,
            former_builds: BTreeSet::new(),
            matchmaking: Matchmaking::FirstCome,
            participants: BTreeMap::new(),
            lobbies: BTreeMap::new(),
            sessions: BTreeMap::new(),
            timers: Timers::default(),
            draws: Draws::new(seed),
            effects: Effects::default(),
        }
    }

    pub fn config(&self) -> &StudyConfig {
        &self.config
    }

    pub fn is_connected(&self, participant: ParticipantId) -> bool {
        let participant = self.participants.get(&participant);
        participant.is_some_and(|participant| participant.connected)
    }

    /// How the participant's study ended, once it has.
    pub fn outcome(&self, participant: ParticipantId) -> Option<Outcome> {
        match self.participants.get(&participant)?.place {
            Place::End { outcome, .. } => Some(outcome),
            Place::Start { .. }
            | Place::Instructions { .. }
            | Place::Lobby { .. }
            | Place::Session { .. } => None,
        }
    }

    /// The session that the participant is in now.
    pub fn session_of(&self, participant: ParticipantId) -> Option<SessionId> {
        match self.participants.get(&participant)?.place {
            Place::Session { session, .. } => Some(session),
            Place::Start { .. }
            | Place::Instructions { .. }
            | Place::Lobby { .. }
            | Place::End { .. } => None,
        }
    }

    /// The participant's player index in a session that is or was theirs.
    pub fn member(&self, participant: ParticipantId, session: SessionId) -> Option<u8> {
        self.sessions.get(&session)?.player(participant)
    }

    /// The members of a session that is or was, in player order.
    pub fn members(&self, session: SessionId) -> Option<Vec<ParticipantId>> {
        let members = &self.sessions.get(&session)?.members;
        Some(members.iter().map(|member| member.participant).collect())
    }

    /// How many wait in the lobby of this scene and could be matched now.
    pub fn waiting(&self, scene: u32) -> usize {
        self.ready(scene).len()
    }

    /// Somebody new, with a token of this server; they come to the first scene.
    pub fn handle_arrival(
        &mut self,
        _now: Millis,
        participant: ParticipantId,
        token_hash: String,
        external_id: Option<String>,
    ) {
        if self.participants.contains_key(&participant) {
            return;
        }
        self.effects.record(Record::ParticipantArrived {
            participant,
            token_hash,
            external_id,
        });
        let place = Place::Start { scene: 0 };
        let one = Participant {
            connected: false,
            incarnation: 0,
            measured: None,
            place,
        };
        self.participants.insert(participant, one);
        self.enter(participant, 0);
    }

    /// The participant's page is connected, for the first time or again; their view follows.
    /// `incarnation` numbers their page loads: the same one again is the same page.
    pub fn handle_connected(&mut self, now: Millis, participant: ParticipantId, incarnation: u32) {
        let Some(one) = self.participants.get_mut(&participant) else {
            return;
        };
        one.connected = true;
        let before = std::mem::replace(&mut one.incarnation, incarnation);
        let page = match before == incarnation {
            true => Page::Same,
            false => Page::New { incarnation },
        };
        self.effects.view(participant);
        match one.place {
            Place::Lobby { scene } => {
                self.set_away(participant, scene, None);
                self.match_waiting(now, scene);
            }
            Place::Session {
                session, player, ..
            } => {
                self.with_session(now, session, |session, context| {
                    session.handle_connected(context, player, page);
                });
            }
            Place::Start { .. } | Place::Instructions { .. } | Place::End { .. } => {}
        }
    }

    /// The participant's connection is lost, and no other has taken its place.
    pub fn handle_disconnected(&mut self, now: Millis, participant: ParticipantId) {
        let Some(one) = self.participants.get_mut(&participant) else {
            return;
        };
        if !one.connected {
            return;
        }
        one.connected = false;
        match one.place {
            Place::Lobby { scene } => {
                let game = self.config.game(scene);
                let until = game.map(|game| now + game.reconnect_grace);
                self.set_away(participant, scene, until);
            }
            Place::Session {
                session, player, ..
            } => {
                self.with_session(now, session, |session, context| {
                    session.handle_disconnected(context, player);
                });
            }
            Place::Start { .. } | Place::Instructions { .. } | Place::End { .. } => {}
        }
    }

    /// A message of a connected participant. One that repeats what has already happened changes
    /// nothing; one that cannot be obeyed is refused and changes nothing. `Hello` and `Ping` are
    /// the server's own.
    pub fn handle_message(
        &mut self,
        now: Millis,
        participant: ParticipantId,
        message: &ClientMessage,
    ) -> Result<(), Refusal> {
        let Some(one) = self.participants.get(&participant) else {
            return unknown();
        };
        if !one.connected {
            return not_now("this page is not connected");
        }
        match message {
            ClientMessage::Advance { scene } => self.advance(participant, *scene),
            ClientMessage::Measured { scene, measurement } => {
                self.measured(now, participant, *scene, *measurement)
            }
            ClientMessage::Unable { scene, message } => self.unable(participant, *scene, message),
            ClientMessage::Join { scene } => self.join(now, participant, *scene),
            ClientMessage::Signal {
                session,
                to,
                attempt,
                payload,
            } => self.in_session(now, participant, *session, |session, context, from| {
                session.handle_signal(context, from, *to, *attempt, payload)
            }),
            ClientMessage::Link {
                session,
                to,
                attempt,
                state,
            } => self.in_session(now, participant, *session, |session, context, from| {
                session.handle_link(context, from, *to, *attempt, state)
            }),
            ClientMessage::Validate { session, digests } => {
                self.in_session(now, participant, *session, |session, context, player| {
                    session.handle_validate(context, player, digests)
                })
            }
            ClientMessage::Rejoin { session, episode } => {
                self.in_session(now, participant, *session, |session, context, player| {
                    session.handle_rejoin(context, player, *episode)
                })
            }
            ClientMessage::Failed {
                session,
                episode,
                frame,
                message,
            } => self.in_session(now, participant, *session, |session, context, player| {
                session.handle_failed(context, player, *episode, *frame, message)
            }),
            ClientMessage::Leave => {
                self.leave(now, participant);
                Ok(())
            }
            ClientMessage::Hello { .. } | ClientMessage::Ping { .. } => {
                not_now("this is not for the study")
            }
        }
    }

    /// A peer's seal is on disk, made by the participant's page load `incarnation`. The seal
    /// itself is the judge's business.
    pub fn handle_seal(
        &mut self,
        now: Millis,
        participant: ParticipantId,
        incarnation: u32,
        session: SessionId,
        episode: u32,
        _seal: Seal,
    ) -> Result<(), Refusal> {
        let Some(player) = self.member(participant, session) else {
            return not_a_member();
        };
        self.with_session(now, session, |session, context| {
            session.handle_seal(context, player, incarnation, episode)
        })
        .unwrap_or_else(not_a_member)
    }

    /// A peer's `Flushed` is on disk, made by the participant's page load `incarnation`, and so is
    /// all that this page made before.
    pub fn handle_flushed(
        &mut self,
        now: Millis,
        participant: ParticipantId,
        incarnation: u32,
        session: SessionId,
        episode: u32,
    ) -> Result<(), Refusal> {
        let Some(player) = self.member(participant, session) else {
            return not_a_member();
        };
        self.with_session(now, session, |session, context| {
            session.handle_flushed(context, player, incarnation, episode)
        })
        .unwrap_or_else(not_a_member)
    }

    /// Answers [`Effect::Judge`], also when the session has long ended.
    pub fn handle_judged(&mut self, session: SessionId, episode: u32, judgement: Judgement) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.handle_judged(&mut self.effects, episode, judgement);
        }
    }

    /// Does everything that is due.
    pub fn handle_time(&mut self, now: Millis) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Waiting(participant) => self.waited(now, participant),
                Timer::Session(session) => {
                    self.with_session(now, session, |session, context| {
                        session.handle_time(context);
                    });
                }
            }
        }
    }

    /// When `handle_time` is next needed; it changes with every call.
    pub fn poll_deadline(&self) -> Option<Millis> {
        self.timers.next()
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.poll()
    }

    /// Lets a session act, then moves those who left it.
    pub(crate) fn with_session<T>(
        &mut self,
        now: Millis,
        id: SessionId,
        act: impl FnOnce(&mut Session, &mut Context) -> T,
    ) -> Option<T> {
        let session = self.sessions.get_mut(&id)?;
        let scene = session.scene;
        let mut context = Context {
            now,
            game: self.config.game(scene)?,
            build: &self.build,
            study: &self.digest,
            former_builds: &self.former_builds,
            draws: &mut self.draws,
            effects: &mut self.effects,
            exits: Vec::new(),
        };
        let result = act(session, &mut context);
        let exits = context.exits;
        session.set_clock(now);
        self.timers.set(Timer::Session(id), session.deadline());
        for (participant, exit) in exits {
            match exit {
                Exit::Onward => self.enter(participant, scene + 1),
                Exit::Ended(outcome) => self.finish(participant, outcome),
            }
        }
        Some(result)
    }

    /// As [`Self::with_session`], for a message of a member who is in the session now.
    fn in_session(
        &mut self,
        now: Millis,
        who: ParticipantId,
        id: SessionId,
        act: impl FnOnce(&mut Session, &mut Context, u8) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let Some(player) = self.member(who, id) else {
            return not_a_member();
        };
        if self.session_of(who) != Some(id) {
            return not_now("the session is over for this participant");
        }
        self.with_session(now, id, |session, context| act(session, context, player))
            .unwrap_or_else(not_a_member)
    }
}
