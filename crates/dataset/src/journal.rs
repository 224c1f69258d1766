//! The journal, put in order: by participant, session and episode.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{
    Digests, Entry, EpisodePlan, Measurement, Outcome, ParticipantId, Record, SessionId,
    SessionState,
};

use crate::episode::{Closing, EpisodeLog};

/// What a journal, or a part of one, says. Everything is in the order in which it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journal {
    pub openings: Vec<StudyOpening>,
    participants: Vec<ParticipantLog>,
    sessions: Vec<SessionLog>,
    /// Uploads about episodes that this journal does not know.
    pub strays: u32,
    participant_index: BTreeMap<ParticipantId, usize>,
    session_index: BTreeMap<SessionId, usize>,
    uploads: BTreeSet<(ParticipantId, u32, u32)>,
}

/// A server that began to serve the study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyOpening {
    pub at_ms: u64,
    pub study: String,
    pub title: String,
    pub digest: String,
    pub source: String,
    pub version: String,
    pub build: String,
    pub seed: String,
}

/// A participant's way through the study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantLog {
    pub participant: ParticipantId,
    pub arrived_at_ms: u64,
    pub external_id: Option<String>,
    pub pages: Vec<PageLoad>,
    pub scenes: Vec<SceneVisit>,
    pub end: Option<ParticipantEnd>,
}

/// One page load: an incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageLoad {
    pub at_ms: u64,
    pub incarnation: u32,
    pub user_agent: String,
}

/// A scene that a participant entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneVisit {
    pub at_ms: u64,
    pub scene: u32,
    pub scene_id: String,
    pub lobby_joined_at_ms: Option<u64>,
    pub lobby_left_at_ms: Option<u64>,
    /// How fast the participant's page last found that it runs the scene's environment.
    pub measured: Option<Measurement>,
    /// Why the participant's page could not run the scene's environment.
    pub unable: Option<String>,
}

/// How and when a participant's study ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantEnd {
    pub at_ms: u64,
    pub outcome: Outcome,
    pub code: Option<String>,
}

/// One group's life.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionLog {
    pub session: SessionId,
    pub opened_at_ms: u64,
    pub scene: Option<u32>,
    /// In player order.
    pub members: Vec<ParticipantId>,
    /// The id of its treatment, where its scene has any.
    pub treatment: Option<String>,
    pub states: Vec<(u64, SessionState)>,
    pub links: Vec<LinkLog>,
    pub digests: BTreeMap<u8, Digests>,
    /// By episode index.
    pub episodes: BTreeMap<u32, EpisodeLog>,
    /// The error of the environment that ended it.
    pub failure: Option<Failure>,
}

/// An environment that raised an error on a player's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub at_ms: u64,
    pub episode: u32,
    pub player: u8,
    pub frame: u32,
    pub message: String,
}

/// What a page said about its link to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkLog {
    pub at_ms: u64,
    pub from: u8,
    pub to: u8,
    pub attempt: u32,
    pub open: bool,
    pub detail: String,
}

impl Journal {
    /// Orders `entries`, which come as the store returns them: all of a study, or those of some
    /// sessions.
    pub fn from_entries(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut journal = Self::default();
        for entry in entries {
            journal.push(entry);
        }
        journal
    }

    pub fn participants(&self) -> &[ParticipantLog] {
        &self.participants
    }

    pub fn participant(&self, participant: ParticipantId) -> Option<&ParticipantLog> {
        let index = *self.participant_index.get(&participant)?;
        self.participants.get(index)
    }

    pub fn sessions(&self) -> &[SessionLog] {
        &self.sessions
    }

    pub fn session(&self, session: SessionId) -> Option<&SessionLog> {
        let index = *self.session_index.get(&session)?;
        self.sessions.get(index)
    }

    pub fn episode(&self, session: SessionId, episode: u32) -> Option<&EpisodeLog> {
        self.session(session)?.episodes.get(&episode)
    }

    /// Every episode, by session in journal order.
    pub fn episodes(&self) -> impl Iterator<Item = &EpisodeLog> {
        self.sessions
            .iter()
            .flat_map(|session| session.episodes.values())
    }

    /// Gives up every episode, by session in journal order.
    pub fn into_episodes(self) -> impl Iterator<Item = EpisodeLog> {
        self.sessions
            .into_iter()
            .flat_map(|session| session.episodes.into_values())
    }

    /// Takes up the next entry.
    pub fn push(&mut self, entry: Entry) {
        let at_ms = entry.at_ms;
        match entry.record {
            Record::StudyOpened {
                study,
                title,
                digest,
                source,
                version,
                build,
                seed,
            } => self.openings.push(StudyOpening {
                at_ms,
                study,
                title,
                digest,
                source,
                version,
                build,
                seed,
            }),
            // The token's hash is for the server alone.
            Record::ParticipantArrived {
                participant,
                token_hash: _,
                external_id,
            } => self.participant_mut(participant, at_ms).external_id = external_id,
            Record::PageLoaded {
                participant,
                incarnation,
                resume_key_hash: _,
                user_agent,
            } => {
                let page = PageLoad {
                    at_ms,
                    incarnation,
                    user_agent,
                };
                self.participant_mut(participant, at_ms).pages.push(page);
            }
            Record::SceneEntered {
                participant,
                scene,
                scene_id,
            } => {
                let visit = SceneVisit {
                    at_ms,
                    scene,
                    scene_id,
                    lobby_joined_at_ms: None,
                    lobby_left_at_ms: None,
                    measured: None,
                    unable: None,
                };
                self.participant_mut(participant, at_ms).scenes.push(visit);
            }
            Record::Measured {
                participant,
                scene,
                incarnation: _,
                measurement,
            } => {
                if let Some(visit) = self.participant_mut(participant, at_ms).visit_mut(scene) {
                    visit.measured = Some(measurement);
                }
            }
            Record::EnvironmentUnable {
                participant,
                scene,
                message,
            } => {
                if let Some(visit) = self.participant_mut(participant, at_ms).visit_mut(scene) {
                    visit.unable = Some(message);
                }
            }
            Record::LobbyJoined { participant, scene } => {
                if let Some(visit) = self.participant_mut(participant, at_ms).visit_mut(scene) {
                    visit.lobby_joined_at_ms = Some(at_ms);
                }
            }
            Record::LobbyLeft { participant, scene } => {
                if let Some(visit) = self.participant_mut(participant, at_ms).visit_mut(scene) {
                    visit.lobby_left_at_ms = Some(at_ms);
                }
            }
            Record::SessionOpened {
                session,
                scene,
                members,
                treatment,
            } => {
                let log = self.session_mut(session, at_ms);
                log.scene = Some(scene);
                log.members = members;
                log.treatment = treatment;
            }
            Record::SessionEntered { session, state } => {
                self.session_mut(session, at_ms).states.push((at_ms, state));
            }
            Record::LinkReported {
                session,
                from,
                to,
                attempt,
                open,
                detail,
            } => self.session_mut(session, at_ms).links.push(LinkLog {
                at_ms,
                from,
                to,
                attempt,
                open,
                detail,
            }),
            Record::Validated {
                session,
                player,
                digests,
            } => {
                let log = self.session_mut(session, at_ms);
                log.digests.insert(player, digests);
            }
            Record::EpisodeOpened { plan } => self.open_episode(plan, at_ms),
            Record::EpisodeRejoined {
                session,
                episode,
                player,
                incarnation,
            } => match self.episode_mut(session, episode) {
                Some(log) => log.add_rejoin(at_ms, player, incarnation),
                None => self.strays += 1,
            },
            Record::EnvironmentFailed {
                session,
                episode,
                player,
                frame,
                message,
            } => {
                let failure = Failure {
                    at_ms,
                    episode,
                    player,
                    frame,
                    message,
                };
                let log = self.session_mut(session, at_ms);
                log.failure.get_or_insert(failure);
            }
            Record::ConnectionAttempt { .. } | Record::EpisodeFlushing { .. } => {}
            Record::EpisodeJudging { session, episode } => {
                match self.episode_mut(session, episode) {
                    Some(log) => log.judged = true,
                    None => self.strays += 1,
                }
            }
            Record::EpisodeClosed {
                session,
                episode,
                reason,
                judgement,
            } => match self.episode_mut(session, episode) {
                // The first closing is final.
                Some(log) if log.closing.is_none() => {
                    log.closing = Some(Closing {
                        at_ms,
                        reason,
                        judgement,
                    });
                }
                Some(_) => {}
                None => self.strays += 1,
            },
            Record::ParticipantEnded {
                participant,
                outcome,
                code,
            } => {
                let end = ParticipantEnd {
                    at_ms,
                    outcome,
                    code,
                };
                self.participant_mut(participant, at_ms)
                    .end
                    .get_or_insert(end);
            }
            Record::Uploaded {
                participant,
                player,
                upload,
            } => {
                let incarnation = upload.incarnation;
                if !self.uploads.insert((participant, incarnation, upload.seq)) {
                    return;
                }
                match self.episode_mut(upload.session, upload.episode) {
                    Some(log) => log.add_upload(player, incarnation, upload.body),
                    None => self.strays += 1,
                }
            }
        }
    }

    fn open_episode(&mut self, plan: EpisodePlan, at_ms: u64) {
        let log = self.session_mut(plan.session, at_ms);
        if log.members.is_empty() {
            log.members = plan.seats.iter().map(|seat| seat.participant).collect();
        }
        log.episodes
            .entry(plan.episode)
            .or_insert_with(|| EpisodeLog::new(plan, at_ms));
    }

    fn participant_mut(&mut self, participant: ParticipantId, at_ms: u64) -> &mut ParticipantLog {
        let next = self.participants.len();
        let index = *self.participant_index.entry(participant).or_insert(next);
        if index == next {
            self.participants.push(ParticipantLog {
                participant,
                arrived_at_ms: at_ms,
                external_id: None,
                pages: Vec::new(),
                scenes: Vec::new(),
                end: None,
            });
        }
        &mut self.participants[index]
    }

    fn session_mut(&mut self, session: SessionId, at_ms: u64) -> &mut SessionLog {
        let next = self.sessions.len();
        let index = *self.session_index.entry(session).or_insert(next);
        if index == next {
            self.sessions.push(SessionLog {
                session,
                opened_at_ms: at_ms,
                scene: None,
                members: Vec::new(),
                treatment: None,
                states: Vec::new(),
                links: Vec::new(),
                digests: BTreeMap::new(),
                episodes: BTreeMap::new(),
                failure: None,
            });
        }
        &mut self.sessions[index]
    }

    fn episode_mut(&mut self, session: SessionId, episode: u32) -> Option<&mut EpisodeLog> {
        let index = *self.session_index.get(&session)?;
        self.sessions.get_mut(index)?.episodes.get_mut(&episode)
    }
}

impl ParticipantLog {
    fn visit_mut(&mut self, scene: u32) -> Option<&mut SceneVisit> {
        self.scenes
            .iter_mut()
            .rev()
            .find(|visit| visit.scene == scene)
    }
}
