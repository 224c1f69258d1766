//! A study in virtual time, with pages that do what their view asks for. Whatever a test does,
//! the world checks after each step what must always hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use igym_protocol::{
    ClientMessage, Entry, LinkState, Outcome, ParticipantId, Refusal, RefusalCode, Seal,
    ServerMessage, SessionId, UploadBody, Verdict, View,
};
use igym_study::{Effect, Judgement, Millis, RelayRule, Scene, Study, StudyConfig};
use uuid::Uuid;

use crate::authors::Authors;
use crate::ledger::Ledger;

pub(crate) const BUILD: &str = "the build";

pub(crate) struct World {
    pub(crate) study: Study,
    pub(crate) now: Millis,
    pub(crate) ledger: Ledger,
    /// What each page was last sent.
    pub(crate) shown: BTreeMap<ParticipantId, View>,
    pub(crate) signals: Vec<(ParticipantId, ServerMessage)>,
    pub(crate) to_judge: Vec<(SessionId, u32)>,
    /// Verdicts come when everything else has happened.
    pub(crate) judge_is_slow: bool,
    pub(crate) refusals: BTreeMap<RefusalCode, u32>,
    /// The journal: the study's records, page loads and what the study has to know of uploads.
    pub(crate) entries: Vec<Entry>,
    /// How often the server was restarted.
    pub(crate) restarts: u8,
    /// Where people were when it was, by the kind of their view.
    pub(crate) restarted: BTreeMap<&'static str, u32>,
    pub(crate) connected: BTreeSet<ParticipantId>,
    pub(crate) incarnations: BTreeMap<ParticipantId, u32>,
    pub(crate) authors: Authors,
    /// The build that the server gives out, and the one that each page was loaded with.
    pub(crate) build: String,
    pub(crate) builds: BTreeMap<ParticipantId, String>,
    /// Whose network lets no connection to other participants through.
    pub(crate) blocked: BTreeSet<ParticipantId>,
    /// Links that pages said have failed: who, and of which attempt to whom.
    pub(crate) gave_up: BTreeSet<(ParticipantId, SessionId, u32, u8)>,
    /// Links of which the study wanted to hear nothing more, likewise.
    pub(crate) hushed: BTreeSet<(ParticipantId, SessionId, u32, u8)>,
    /// How long a rollback takes on each machine, in microseconds, where it is not quick.
    pub(crate) rollbacks: BTreeMap<ParticipantId, u32>,
}

/// The study of the example, for so many players and episodes; packets may pass through the server.
pub(crate) fn config(players: usize, episodes: u32) -> StudyConfig {
    config_with(players, episodes, RelayRule::Fallback)
}

pub(crate) fn config_with(players: usize, episodes: u32, relay: RelayRule) -> StudyConfig {
    let mut config = StudyConfig::parse(igym_study::EXAMPLE, "study.toml").unwrap();
    for scene in &mut config.scenes {
        if let Scene::Gym(game) = scene {
            game.relay = relay;
            if relay == RelayRule::Never {
                game.connection_attempts = 3;
                game.connection_timeout = Duration::from_secs(15);
            }
            game.episodes = episodes;
            game.seat_groups = (0..players).map(|n| vec![format!("agent {n}")]).collect();
        }
    }
    config
}

/// The longest rollback of [`config_measured`].
pub(crate) const SLOWEST: Duration = Duration::from_millis(100);

/// The same with an environment whose speed is measured, and which may raise errors.
pub(crate) fn config_measured(players: usize, episodes: u32) -> StudyConfig {
    measured(config(players, episodes))
}

pub(crate) fn measured(mut config: StudyConfig) -> StudyConfig {
    for scene in &mut config.scenes {
        if let Scene::Gym(game) = scene {
            game.slowest_rollback = Some(SLOWEST);
        }
    }
    config
}

pub(crate) fn participant(number: u64) -> ParticipantId {
    ParticipantId(Uuid::from_u64_pair(7, number))
}

pub(crate) fn judgement(verdict: Verdict) -> Judgement {
    Judgement {
        verdict,
        last_frame: Some(9),
        first_difference: None,
    }
}

pub(crate) fn open() -> LinkState {
    LinkState::Open {
        local: "host".to_owned(),
        remote: "srflx".to_owned(),
    }
}

pub(crate) fn failed() -> LinkState {
    LinkState::Failed {
        reason: "no route".to_owned(),
    }
}

/// What can be seen of a study from outside.
pub(crate) type Everything = (Vec<Option<View>>, Option<Millis>, usize);

impl World {
    pub(crate) fn new(config: StudyConfig) -> Self {
        let mut world = Self {
            study: Study::new(config, BUILD.to_owned(), [3; 32]),
            now: Millis(1_000_000),
            ledger: Ledger::default(),
            shown: BTreeMap::new(),
            signals: Vec::new(),
            to_judge: Vec::new(),
            judge_is_slow: false,
            refusals: BTreeMap::new(),
            entries: Vec::new(),
            restarts: 0,
            restarted: BTreeMap::new(),
            connected: BTreeSet::new(),
            incarnations: BTreeMap::new(),
            authors: Authors::default(),
            build: BUILD.to_owned(),
            builds: BTreeMap::new(),
            blocked: BTreeSet::new(),
            gave_up: BTreeSet::new(),
            hushed: BTreeSet::new(),
            rollbacks: BTreeMap::new(),
        };
        world.study_opened();
        world
    }

    /// A world in which `count` people have arrived and are connected.
    pub(crate) fn with_people(config: StudyConfig, count: u64) -> (Self, Vec<ParticipantId>) {
        let mut world = Self::new(config);
        let people: Vec<_> = (0..count).map(participant).collect();
        for one in &people {
            world.arrive(*one);
            world.connect(*one);
        }
        (world, people)
    }

    pub(crate) fn arrive(&mut self, who: ParticipantId) {
        let hash = format!("hash of {who}");
        self.study.handle_arrival(self.now, who, hash, None);
        self.drain();
    }

    pub(crate) fn connect(&mut self, who: ParticipantId) {
        self.connected.insert(who);
        let known = self.incarnations.contains_key(&who);
        let incarnation = *self.incarnations.entry(who).or_insert(1);
        if !known {
            self.page_loaded(who, incarnation);
        }
        self.study.handle_connected(self.now, who, incarnation);
        self.drain();
    }

    /// The page is loaded anew, or another one takes over.
    pub(crate) fn reload(&mut self, who: ParticipantId) {
        if self.connected.contains(&who) {
            self.disconnect(who);
        }
        let incarnation = self.incarnations.entry(who).or_default();
        *incarnation += 1;
        let incarnation = *incarnation;
        self.page_loaded(who, incarnation);
        self.ledger.page_loaded(who);
        self.connect(who);
    }

    pub(crate) fn disconnect(&mut self, who: ParticipantId) {
        self.connected.remove(&who);
        self.study.handle_disconnected(self.now, who);
        self.drain();
    }

    pub(crate) fn send(
        &mut self,
        who: ParticipantId,
        message: &ClientMessage,
    ) -> Result<(), Refusal> {
        let before = self.everything();
        let result = self.study.handle_message(self.now, who, message);
        self.checked(result, before)
    }

    /// The participant's present page seals.
    pub(crate) fn seal(
        &mut self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
    ) -> Result<(), Refusal> {
        self.seal_of(who, self.page(who), session, episode)
    }

    /// A seal by one of the participant's pages is stored.
    pub(crate) fn seal_of(
        &mut self,
        who: ParticipantId,
        page: u32,
        session: SessionId,
        episode: u32,
    ) -> Result<(), Refusal> {
        let before = self.everything();
        let seal = Seal {
            last_frame: 9,
            hash: [0; 16],
        };
        let body = UploadBody::Seal(seal.clone());
        self.upload(who, page, session, episode, body);
        let study = &mut self.study;
        let result = study.handle_seal(self.now, who, page, session, episode, seal);
        self.changed_only_by(page, who, session, episode, &before);
        self.checked(result, before)
    }

    pub(crate) fn flushed(
        &mut self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
    ) -> Result<(), Refusal> {
        self.flushed_of(who, self.page(who), session, episode)
    }

    pub(crate) fn flushed_of(
        &mut self,
        who: ParticipantId,
        page: u32,
        session: SessionId,
        episode: u32,
    ) -> Result<(), Refusal> {
        let before = self.everything();
        self.upload(who, page, session, episode, UploadBody::Flushed);
        let study = &mut self.study;
        let result = study.handle_flushed(self.now, who, page, session, episode);
        self.changed_only_by(page, who, session, episode, &before);
        self.checked(result, before)
    }

    /// What a page says changes nothing once a later one has rejoined.
    fn changed_only_by(
        &mut self,
        page: u32,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
        before: &Everything,
    ) {
        let fence = self.ledger.fence(who, session, episode);
        if page < fence {
            self.authors.overruled += 1;
            assert_eq!(self.everything(), *before, "page {page} is not the last");
        }
    }

    /// The number of the participant's present page, 0 before the first.
    pub(crate) fn page(&self, who: ParticipantId) -> u32 {
        self.incarnations.get(&who).copied().unwrap_or(0)
    }

    /// Answers the oldest request to judge.
    pub(crate) fn judge(&mut self, verdict: Verdict) -> bool {
        if self.to_judge.is_empty() {
            return false;
        }
        let (session, episode) = self.to_judge.remove(0);
        let judgement = judgement(verdict);
        self.study.handle_judged(session, episode, judgement);
        self.drain();
        true
    }

    /// Lets time run, stopping wherever the study wants to be woken.
    pub(crate) fn wait(&mut self, milliseconds: u64) {
        let until = Millis(self.now.0 + milliseconds);
        while let Some(deadline) = self.study.poll_deadline().filter(|at| *at <= until) {
            assert!(deadline >= self.now, "a deadline in the past");
            self.now = deadline;
            self.study.handle_time(self.now);
            self.drain();
            let next = self.study.poll_deadline();
            assert!(
                next.is_none_or(|next| next > self.now),
                "what is due is done"
            );
        }
        self.now = until;
    }

    pub(crate) fn view(&self, who: ParticipantId) -> View {
        self.study.view(self.now, who).expect("has arrived")
    }

    pub(crate) fn is_connected(&self, who: ParticipantId) -> bool {
        self.connected.contains(&who)
    }

    pub(crate) fn outcome(&self, who: ParticipantId) -> Option<Outcome> {
        self.ledger.people.get(&who)?.outcome
    }

    /// Everything of the study that can be seen from outside.
    pub(crate) fn everything(&self) -> Everything {
        let people = self.ledger.people.keys();
        (
            people.map(|who| self.study.view(self.now, *who)).collect(),
            self.study.poll_deadline(),
            self.ledger.records.len(),
        )
    }

    /// A refusal changes nothing; an acceptance may have effects.
    fn checked(&mut self, result: Result<(), Refusal>, before: Everything) -> Result<(), Refusal> {
        if let Err(refusal) = &result {
            *self.refusals.entry(refusal.code).or_default() += 1;
            assert_eq!(self.study.poll_effect(), None, "{refusal:?}");
            assert_eq!(self.everything(), before, "{refusal:?}");
        }
        self.drain();
        result
    }

    pub(crate) fn drain(&mut self) {
        let mut viewed = BTreeSet::new();
        while let Some(effect) = self.study.poll_effect() {
            match effect {
                Effect::Record(record) => {
                    assert!(viewed.is_empty(), "records come before views");
                    self.ledger.read(record.clone());
                    self.write(record);
                }
                Effect::View { participant } => {
                    assert!(viewed.insert(participant), "one view each");
                    let view = self.view(participant);
                    if self.connected.contains(&participant) {
                        self.shown.insert(participant, view);
                    }
                }
                Effect::Signal { to, message } => self.signals.push((to, message)),
                Effect::History {
                    participant,
                    session,
                    episode,
                } => self.history(participant, session, episode),
                Effect::Judge { session, episode } => self.to_judge.push((session, episode)),
            }
        }
        self.check();
    }

    /// The page gets what the journal holds, and goes on from there.
    fn history(&mut self, who: ParticipantId, session: SessionId, episode: u32) {
        let page = self.page(who);
        let fence = self.ledger.fence(who, session, episode);
        assert_eq!(fence, page, "nothing that comes later is overlooked");
        self.authors.rejoin(who, session, episode, page);
    }

    /// What holds at every step.
    fn check(&self) {
        for (who, person) in &self.ledger.people {
            let view = self.view(*who);
            let timeless = timeless(view.clone());
            if self.connected.contains(who) {
                // What the page was sent last is what is true now.
                let shown = self.shown.get(who).cloned().map(self::timeless);
                assert_eq!(shown, Some(timeless));
            }
            assert_eq!(self.study.outcome(*who), person.outcome);
            assert_eq!(self.study.session_of(*who), person.session);
            match view {
                View::Lobby {
                    scene,
                    measured,
                    waiting,
                    needed,
                    ..
                } => {
                    assert_eq!(person.lobby, Some(scene));
                    if self.connected.contains(who) {
                        assert_eq!(measured, self.knows(*who, scene));
                    }
                    assert_eq!(waiting as usize, self.waiting(scene), "the count is true");
                    assert!(waiting < needed, "a full group plays");
                }
                View::End { outcome, code, .. } => {
                    assert_eq!(person.outcome, Some(outcome));
                    assert_eq!(person.code, code);
                }
                View::Instructions {
                    scene, measured, ..
                } => {
                    assert_eq!((person.lobby, person.outcome), (None, None));
                    // The study hears of a page when it connects.
                    if self.connected.contains(who) {
                        assert_eq!(measured, self.knows(*who, scene));
                    }
                }
                View::Start { .. }
                | View::Connecting { .. }
                | View::Validating { .. }
                | View::Playing { .. } => assert_eq!((person.lobby, person.outcome), (None, None)),
            }
        }
    }

    /// How many wait in a lobby and could be matched, by records and connections alone.
    fn waiting(&self, scene: u32) -> usize {
        let people = self.ledger.people.iter();
        let here = people
            .filter(|(who, person)| person.lobby == Some(scene) && self.connected.contains(who));
        here.filter(|(who, _)| self.knows(**who, scene)).count()
    }

    /// Whether the present page of somebody has measured the scene, where it must, by records alone.
    fn knows(&self, who: ParticipantId, scene: u32) -> bool {
        let game = self.study.config().game(scene).unwrap();
        let page = self.page(who);
        let mut all = self.ledger.people[&who].measured.iter();
        game.slowest_rollback.is_none() || all.any(|(of, by, _)| (*of, *by) == (scene, page))
    }
}

/// The view without what only time changes.
pub(crate) fn timeless(mut view: View) -> View {
    match &mut view {
        View::Lobby { closes_in_ms, .. } => *closes_in_ms = 0,
        View::Playing {
            starts_in_ms,
            members,
            ..
        } => {
            *starts_in_ms = 0;
            for member in members {
                member.returns_within_ms = member.returns_within_ms.map(|_| 0);
            }
        }
        View::Start { .. }
        | View::Instructions { .. }
        | View::Connecting { .. }
        | View::Validating { .. }
        | View::End { .. } => {}
    }
    view
}
