//! Reads a study's records, and nothing else, and holds them to what records promise.

use std::collections::BTreeMap;

use igym_study::Judgement;

use igym_protocol::{
    CloseReason, EpisodePlan, Measurement, Outcome, ParticipantId, Record, SessionId, SessionState,
};

/// What is known from records alone.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) records: Vec<Record>,
    pub(crate) people: BTreeMap<ParticipantId, Person>,
    pub(crate) sessions: BTreeMap<SessionId, Group>,
}

#[derive(Default)]
pub(crate) struct Person {
    pub(crate) scene: Option<u32>,
    /// The scene whose lobby they are in.
    pub(crate) lobby: Option<u32>,
    pub(crate) session: Option<SessionId>,
    pub(crate) last_session: Option<SessionId>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) code: Option<String>,
    /// Scene, page and measurement, each once.
    pub(crate) measured: Vec<(u32, u32, Measurement)>,
    /// Their page could not run the environment.
    pub(crate) unable: bool,
}

pub(crate) struct Group {
    pub(crate) scene: u32,
    pub(crate) treatment: Option<String>,
    pub(crate) members: Vec<ParticipantId>,
    pub(crate) states: Vec<SessionState>,
    pub(crate) validated: Vec<u8>,
    pub(crate) plans: Vec<EpisodePlan>,
    pub(crate) closed: BTreeMap<u32, (CloseReason, Judgement)>,
    /// Number of the present connection attempt.
    pub(crate) attempt: u32,
    /// The page of a player, by number, that rejoined an episode last.
    pub(crate) rejoined: BTreeMap<(u32, u8), u32>,
    /// Episodes that were about to be cut.
    pub(crate) flushing: Vec<u32>,
    pub(crate) judging: Vec<u32>,
    /// The player on whose page the environment raised an error first.
    pub(crate) failed: Option<u8>,
    /// The slowest machine of the members as it was when they were matched.
    pub(crate) slowest: Option<Measurement>,
}

impl Ledger {
    pub(crate) fn read(&mut self, record: Record) {
        self.records.push(record.clone());
        match record {
            Record::ParticipantArrived { participant, .. } => {
                let before = self.people.insert(participant, Person::default());
                assert!(before.is_none(), "{participant} arrived twice");
            }
            Record::SceneEntered {
                participant, scene, ..
            } => {
                let person = self.person(participant);
                assert!(person.scene.is_none_or(|before| before < scene));
                assert_eq!(person.lobby, None, "the lobby is left first");
                person.scene = Some(scene);
                person.session = None;
            }
            Record::Measured {
                participant,
                scene,
                incarnation,
                measurement,
            } => {
                let person = self.person(participant);
                assert_eq!(person.scene, Some(scene));
                assert!(person.lobby.is_none_or(|lobby| lobby == scene));
                assert_eq!(person.session, None);
                let mut before = person.measured.iter();
                assert!(!before.any(|(of, page, _)| (*of, *page) == (scene, incarnation)));
                person.measured.push((scene, incarnation, measurement));
            }
            Record::EnvironmentUnable {
                participant, scene, ..
            } => {
                let person = self.person(participant);
                assert_eq!((person.scene, person.session), (Some(scene), None));
                assert!(!std::mem::replace(&mut person.unable, true), "once");
            }
            Record::EnvironmentFailed {
                session,
                episode,
                player,
                ..
            } => {
                let group = self.group(session);
                assert!(usize::from(player) < group.members.len());
                assert_eq!(group.failed.replace(player), None, "once");
                assert_ne!(group.states.last(), Some(&SessionState::Ended));
                assert_eq!(group.judging.len(), episode as usize, "the present one");
                assert!(!group.judging.contains(&episode), "not after its end");
            }
            Record::LobbyJoined { participant, scene } => {
                let person = self.person(participant);
                assert_eq!(person.scene, Some(scene));
                assert_eq!((person.lobby, person.session), (None, None));
                person.lobby = Some(scene);
            }
            Record::LobbyLeft { participant, scene } => {
                let person = self.person(participant);
                assert_eq!(person.lobby.take(), Some(scene));
            }
            Record::SessionOpened {
                session,
                scene,
                members,
                treatment,
            } => {
                for member in &members {
                    let person = self.person(*member);
                    assert_eq!(person.lobby.take(), Some(scene), "matched in the lobby");
                    assert_eq!(person.session.replace(session), None);
                    person.last_session = Some(session);
                }
                let group = Group {
                    scene,
                    treatment,
                    states: Vec::new(),
                    validated: Vec::new(),
                    plans: Vec::new(),
                    closed: BTreeMap::new(),
                    attempt: 0,
                    rejoined: BTreeMap::new(),
                    flushing: Vec::new(),
                    judging: Vec::new(),
                    failed: None,
                    slowest: self.slowest(scene, &members),
                    members,
                };
                assert!(self.sessions.insert(session, group).is_none());
            }
            Record::SessionEntered { session, state } => self.group(session).enter(state),
            Record::ConnectionAttempt { session, attempt } => {
                let group = self.group(session);
                assert_eq!(attempt, group.attempt + 1);
                assert_ne!(group.states.last(), Some(&SessionState::Ended));
                group.attempt = attempt;
            }
            Record::LinkReported {
                session,
                from,
                to,
                attempt,
                ..
            } => {
                let group = self.group(session);
                assert_eq!(attempt, group.attempt);
                let players = group.members.len();
                assert!(usize::from(from) < players && usize::from(to) < players);
                assert!(from != to && group.states.last() != Some(&SessionState::Ended));
            }
            Record::Validated {
                session, player, ..
            } => {
                let group = self.group(session);
                assert_eq!(group.states.last(), Some(&SessionState::Validating));
                assert!(!group.validated.contains(&player), "validated once");
                group.validated.push(player);
            }
            Record::EpisodeOpened { plan } => self.group(plan.session).open(plan),
            Record::EpisodeClosed {
                session,
                episode,
                reason,
                judgement,
            } => {
                let group = self.group(session);
                assert!(group.judging.contains(&episode), "it is over");
                let before = group.closed.insert(episode, (reason, judgement));
                assert!(before.is_none(), "once");
            }
            Record::ParticipantEnded {
                participant,
                outcome,
                code,
            } => {
                let person = self.person(participant);
                assert!(person.scene.is_some());
                person.outcome = Some(outcome);
                person.code = code;
            }
            Record::EpisodeRejoined {
                session,
                episode,
                player,
                incarnation,
            } => {
                let group = self.group(session);
                assert!(group.is_open(episode));
                let before = group.rejoined.insert((episode, player), incarnation);
                assert!(
                    before.is_none_or(|before| before < incarnation),
                    "once each"
                );
            }
            Record::EpisodeFlushing { session, episode } => {
                let group = self.group(session);
                assert!(group.is_open(episode) && !group.flushing.contains(&episode));
                group.flushing.push(episode);
            }
            Record::EpisodeJudging { session, episode } => {
                let group = self.group(session);
                assert!(group.is_open(episode) && !group.judging.contains(&episode));
                group.judging.push(episode);
            }
            Record::StudyOpened { .. } | Record::PageLoaded { .. } | Record::Uploaded { .. } => {
                panic!("not the study's record")
            }
        }
    }

    /// A page was loaded: it has not said what it runs.
    pub(crate) fn page_loaded(&mut self, who: ParticipantId) {
        for group in self.sessions.values_mut() {
            let player = (0u8..).zip(&group.members).find(|(_, it)| **it == who);
            let player = player.map(|(player, _)| player);
            group.validated.retain(|it| Some(*it) != player);
        }
    }

    /// The page of the participant that rejoined the episode last, 0 if none did.
    pub(crate) fn fence(&self, who: ParticipantId, session: SessionId, episode: u32) -> u32 {
        let Some(group) = self.sessions.get(&session) else {
            return 0;
        };
        let player = (0u8..).zip(&group.members).find(|(_, it)| **it == who);
        let fence = player.and_then(|(player, _)| group.rejoined.get(&(episode, player)));
        fence.copied().unwrap_or(0)
    }

    fn slowest(&self, scene: u32, members: &[ParticipantId]) -> Option<Measurement> {
        let people = members.iter().filter_map(|who| self.people.get(who));
        let last = people.filter_map(|person| {
            let mut of_scene = person.measured.iter().filter(|(of, ..)| *of == scene);
            of_scene.next_back().map(|(.., measurement)| *measurement)
        });
        last.max_by_key(|measurement| measurement.rollback_us)
    }

    /// Somebody who has arrived and not ended: nothing is recorded of anybody else.
    fn person(&mut self, participant: ParticipantId) -> &mut Person {
        let person = self.people.get_mut(&participant).expect("arrived");
        assert_eq!(person.outcome, None, "nothing comes after the end");
        person
    }

    fn group(&mut self, session: SessionId) -> &mut Group {
        self.sessions.get_mut(&session).expect("opened")
    }
}

impl Group {
    pub(crate) fn is_open(&self, episode: u32) -> bool {
        self.judging.len() == episode as usize && self.plans.len() == episode as usize + 1
    }

    fn enter(&mut self, state: SessionState) {
        use SessionState::{Ended, Matched, Playing, Validating};
        let allowed = match (self.states.last(), state) {
            (None, Matched) => true,
            // A page was loaded in the episode before, or links are missing.
            (Some(Playing), Matched | Validating) => {
                let all = self.plans.last().map_or(0, |plan| plan.episodes as usize);
                (1..all).contains(&self.judging.len()) && self.plans.len() == self.judging.len()
            }
            // A link broke or a page was loaded: once more.
            (Some(Validating), Matched) => true,
            (Some(Matched), Validating) => true,
            (Some(Validating), Playing) => self.validated.len() == self.members.len(),
            (Some(Matched | Validating | Playing), Ended) => true,
            _ => false,
        };
        assert!(allowed, "{:?} then {state:?}", self.states);
        if state == Validating {
            self.validated.clear();
        }
        if state == Ended {
            assert_eq!(self.plans.len(), self.judging.len(), "all are over");
        }
        self.states.push(state);
    }

    fn open(&mut self, plan: EpisodePlan) {
        assert_eq!(self.states.last(), Some(&SessionState::Playing));
        assert_eq!(self.plans.len(), self.judging.len(), "the last is over");
        assert_eq!(self.plans.len(), plan.episode as usize);
        assert!(plan.episode < plan.episodes);
        let seated: Vec<_> = plan.seats.iter().map(|seat| seat.participant).collect();
        assert_eq!(seated, self.members, "seats are in player order");
        let agents = |plan: &EpisodePlan| {
            let mut agents: Vec<_> = plan.seats.iter().flat_map(|s| s.agents.clone()).collect();
            agents.sort();
            agents
        };
        if let Some(first) = self.plans.first() {
            assert_eq!(agents(first), agents(&plan), "the same agents, each once");
        }
        self.plans.push(plan);
    }
}
