//! What records say of those who are still under way, and of those who are not.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{
    CloseReason, Digests, Entry, EpisodePlan, Measurement, Outcome, ParticipantId, Record,
    SessionId, SessionState, Upload, UploadBody,
};

use crate::Millis;
use crate::links::Link;
use crate::participant::Measured;
use crate::playing::Pages;
use crate::speed::slower;

/// Reads a journal from its beginning.
#[derive(Default)]
pub(crate) struct Past {
    /// Of the study that was served last.
    pub(crate) digest: Option<String>,
    /// The build that was given out last.
    build: Option<String>,
    /// All builds that were given out.
    pub(crate) builds: BTreeSet<String>,
    /// When something was written down last: there was a server then.
    pub(crate) last: Millis,
    pub(crate) people: BTreeMap<ParticipantId, Person>,
    pub(crate) sessions: BTreeMap<SessionId, Group>,
}

#[derive(Default)]
pub(crate) struct Person {
    pub(crate) incarnation: u32,
    pub(crate) scene: u32,
    pub(crate) measured: Option<Measured>,
    pub(crate) place: At,
}

/// Where in their scene somebody is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum At {
    #[default]
    Page,
    Lobby {
        since: Millis,
        /// Grows with the order of coming.
        entry: u64,
    },
    Session(SessionId),
    End {
        outcome: Outcome,
        code: Option<String>,
    },
}

#[derive(Default)]
pub(crate) struct Group {
    pub(crate) scene: u32,
    pub(crate) members: Vec<ParticipantId>,
    pub(crate) treatment: Option<String>,
    pub(crate) gone: BTreeSet<u8>,
    /// The slowest of the members' machines, where they were measured.
    pub(crate) slowest: Option<Measurement>,
    /// The environment raised an error.
    pub(crate) failed: bool,
    pub(crate) state: Option<SessionState>,
    /// The present attempt to connect, and the links that are open in it.
    pub(crate) attempt: u32,
    pub(crate) linked: BTreeSet<Link>,
    pub(crate) reported: BTreeMap<u8, Digests>,
    /// The plan of the first episode.
    pub(crate) first: Option<EpisodePlan>,
    pub(crate) next_episode: u32,
    pub(crate) open: Option<Open>,
    /// Episodes that are over and have no verdict, and how they ended.
    pub(crate) unjudged: BTreeMap<u32, CloseReason>,
}

/// The last episode, until it is recorded what comes after it.
pub(crate) struct Open {
    pub(crate) plan: EpisodePlan,
    pub(crate) since: Millis,
    pub(crate) pages: Pages,
    /// Of whom nothing more will come, once the episode is being cut.
    pub(crate) flushed: Option<BTreeSet<u8>>,
    /// It is over: nothing more counts that comes.
    pub(crate) over: bool,
}

impl Past {
    pub(crate) fn read(&mut self, entry: &Entry) {
        let at = Millis(entry.at_ms);
        self.last = self.last.max(at);
        match &entry.record {
            Record::StudyOpened { digest, build, .. } => {
                self.digest = Some(digest.clone());
                self.build = Some(build.clone());
                self.builds.insert(build.clone());
            }
            Record::ParticipantArrived { participant, .. } => {
                self.people.insert(*participant, Person::default());
            }
            Record::PageLoaded {
                participant,
                incarnation,
                ..
            } => self.loaded(*participant, *incarnation),
            Record::SceneEntered {
                participant, scene, ..
            } => self.entered(*participant, *scene),
            Record::Measured {
                participant,
                scene,
                incarnation,
                measurement,
            } => {
                if let Some(person) = self.people.get_mut(participant) {
                    person.measured = Some(Measured {
                        scene: *scene,
                        incarnation: *incarnation,
                        measurement: *measurement,
                    });
                }
            }
            // The end of the participant follows.
            Record::EnvironmentUnable { .. } => {}
            Record::LobbyJoined { participant, scene } => {
                let entry = entry.id;
                self.put(*participant, *scene, At::Lobby { since: at, entry });
            }
            Record::LobbyLeft { participant, scene } => self.put(*participant, *scene, At::Page),
            Record::SessionOpened {
                session,
                scene,
                members,
                treatment,
            } => {
                for member in members {
                    self.put(*member, *scene, At::Session(*session));
                }
                let group = Group {
                    scene: *scene,
                    members: members.clone(),
                    treatment: treatment.clone(),
                    slowest: self.slowest(*scene, members),
                    ..Group::default()
                };
                self.sessions.insert(*session, group);
            }
            Record::ParticipantEnded {
                participant,
                outcome,
                code,
            } => {
                if let Some(person) = self.people.get_mut(participant) {
                    let (outcome, code) = (*outcome, code.clone());
                    person.place = At::End { outcome, code };
                }
            }
            Record::Uploaded { player, upload, .. } => {
                if let Some(group) = self.sessions.get_mut(&upload.session) {
                    group.uploaded(*player, upload);
                }
            }
            Record::SessionEntered { session, .. }
            | Record::ConnectionAttempt { session, .. }
            | Record::LinkReported { session, .. }
            | Record::Validated { session, .. }
            | Record::EpisodeRejoined { session, .. }
            | Record::EnvironmentFailed { session, .. }
            | Record::EpisodeFlushing { session, .. }
            | Record::EpisodeJudging { session, .. }
            | Record::EpisodeClosed { session, .. } => {
                if let Some(group) = self.sessions.get_mut(session) {
                    group.read(&entry.record);
                }
            }
            Record::EpisodeOpened { plan } => {
                if let Some(group) = self.sessions.get_mut(&plan.session) {
                    group.opened(plan, at);
                }
            }
        }
    }

    fn slowest(&self, scene: u32, members: &[ParticipantId]) -> Option<Measurement> {
        let people = members.iter().filter_map(|who| self.people.get(who));
        let measured = people.filter_map(|person| person.measured.as_ref());
        measured
            .filter(|measured| measured.scene == scene)
            .fold(None, |slowest, measured| {
                slower(slowest, Some(measured.measurement))
            })
    }

    fn put(&mut self, participant: ParticipantId, scene: u32, place: At) {
        if let Some(person) = self.people.get_mut(&participant) {
            person.scene = scene;
            person.place = place;
        }
    }

    /// Whoever enters a scene leaves the session that they are in.
    fn entered(&mut self, participant: ParticipantId, scene: u32) {
        if let Some((group, player)) = self.session_of(participant) {
            group.gone.insert(player);
        }
        self.put(participant, scene, At::Page);
    }

    fn loaded(&mut self, participant: ParticipantId, incarnation: u32) {
        let build = self.build.clone();
        if let Some((group, player)) = self.session_of(participant) {
            group.reported.remove(&player);
            if let Some(open) = &mut group.open {
                let foreign = build.as_ref() != Some(&open.plan.digests.build);
                open.pages.load(player, incarnation, foreign);
            }
        }
        if let Some(person) = self.people.get_mut(&participant) {
            person.incarnation = incarnation;
        }
    }

    fn session_of(&mut self, participant: ParticipantId) -> Option<(&mut Group, u8)> {
        let At::Session(session) = self.people.get(&participant)?.place else {
            return None;
        };
        let group = self.sessions.get_mut(&session)?;
        let player = group.members.iter().position(|it| *it == participant)?;
        Some((group, u8::try_from(player).ok()?))
    }
}

impl Open {
    fn reason(&self) -> CloseReason {
        match self.pages.sealed.len() == self.plan.seats.len() {
            true => CloseReason::Sealed,
            false => CloseReason::Cut,
        }
    }
}

impl Group {
    fn read(&mut self, record: &Record) {
        match record {
            Record::SessionEntered { state, .. } => {
                self.state = Some(*state);
                // Whatever it enters after an episode is what follows it.
                if self.open.as_ref().is_some_and(|open| open.over) {
                    self.open = None;
                }
                if *state == SessionState::Validating {
                    self.reported.clear();
                }
            }
            Record::ConnectionAttempt { attempt, .. } => {
                self.attempt = *attempt;
                self.linked.clear();
            }
            Record::LinkReported { from, to, open, .. } => {
                let link = (*from, *to);
                match open {
                    true => self.linked.insert(link),
                    false => self.linked.remove(&link),
                };
            }
            Record::EpisodeRejoined {
                player,
                incarnation,
                ..
            } => {
                if let Some(open) = &mut self.open {
                    open.pages.rejoined.insert(*player, *incarnation);
                }
            }
            Record::EnvironmentFailed { .. } => self.failed = true,
            Record::EpisodeFlushing { .. } => {
                if let Some(open) = &mut self.open {
                    open.flushed = Some(BTreeSet::new());
                }
            }
            Record::EpisodeJudging { episode, .. } => {
                if let Some(open) = &mut self.open {
                    open.over = true;
                    self.unjudged.insert(*episode, open.reason());
                }
                self.next_episode = episode + 1;
            }
            Record::Validated {
                player, digests, ..
            } => {
                self.reported.insert(*player, digests.clone());
            }
            Record::EpisodeClosed { episode, .. } => {
                self.unjudged.remove(episode);
            }
            Record::StudyOpened { .. }
            | Record::ParticipantArrived { .. }
            | Record::PageLoaded { .. }
            | Record::Measured { .. }
            | Record::EnvironmentUnable { .. }
            | Record::SceneEntered { .. }
            | Record::LobbyJoined { .. }
            | Record::LobbyLeft { .. }
            | Record::SessionOpened { .. }
            | Record::EpisodeOpened { .. }
            | Record::ParticipantEnded { .. }
            | Record::Uploaded { .. } => {}
        }
    }

    fn opened(&mut self, plan: &EpisodePlan, since: Millis) {
        self.first.get_or_insert_with(|| plan.clone());
        self.open = Some(Open {
            plan: plan.clone(),
            since,
            pages: Pages::default(),
            flushed: None,
            over: false,
        });
    }

    fn uploaded(&mut self, player: u8, upload: &Upload) {
        let Some(open) = &mut self.open else {
            return;
        };
        let page = upload.incarnation;
        let present = open.plan.episode == upload.episode && !open.over;
        if !present || !open.pages.counts(player, page) {
            return;
        }
        match upload.body {
            UploadBody::Seal(_) => {
                open.pages.sealed.entry(player).or_insert(page);
            }
            UploadBody::Flushed => {
                if let Some(flushed) = &mut open.flushed {
                    flushed.insert(player);
                }
            }
            UploadBody::Journal(_) | UploadBody::Rows(_) | UploadBody::Report(_) => {}
        }
    }
}
