//! Joining a lobby, waiting in it, and being matched.

use igym_protocol::{Outcome, ParticipantId, Record, Refusal};

use crate::context::Context;
use crate::lobby::{Due, Lobby};
use crate::moves::is_past;
use crate::participant::Place;
use crate::refusal::not_now;
use crate::session::Session;
use crate::timers::Timer;
use crate::{Millis, Scene, Study, treating};

impl Study {
    pub(crate) fn join(
        &mut self,
        now: Millis,
        who: ParticipantId,
        scene: u32,
    ) -> Result<(), Refusal> {
        let timeout = self.config.game(scene).map(|game| game.lobby_timeout);
        if matches!(self.place(who), Some(Place::Instructions { scene: here }) if *here == scene)
            && !self.has_measured(who, scene)
        {
            return not_now(format!("say first how fast this page runs scene {scene}"));
        }
        match (self.place(who), timeout) {
            (Some(Place::Instructions { scene: here }), Some(timeout)) if *here == scene => {
                self.effects.record(Record::LobbyJoined {
                    participant: who,
                    scene,
                });
                self.set_place(who, Place::Lobby { scene });
                self.lobbies
                    .entry(scene)
                    .or_default()
                    .join(now, who, timeout);
                self.lobby_changed(scene);
                self.watch(who, scene);
                self.match_waiting(now, scene);
            }
            (Some(Place::Lobby { scene: here } | Place::Session { scene: here, .. }), _)
                if *here == scene => {}
            (place, _) if is_past(place, scene) => {}
            _ => return not_now(format!("the lobby of scene {scene} cannot be joined now")),
        }
        Ok(())
    }

    /// Somebody's time in the lobby may be up.
    pub(crate) fn waited(&mut self, now: Millis, who: ParticipantId) {
        let Some(Place::Lobby { scene }) = self.place(who) else {
            return;
        };
        let scene = *scene;
        match self
            .lobbies
            .get(&scene)
            .and_then(|lobby| lobby.due(who, now))
        {
            Some(Due::TimedOut) => {
                self.leave_lobby(who, scene);
                self.finish(who, Outcome::LobbyTimeout);
            }
            Some(Due::Away) => {
                self.leave_lobby(who, scene);
                self.set_place(who, Place::Instructions { scene });
                self.effects.view(who);
            }
            None => self.watch(who, scene),
        }
    }

    /// Somebody leaves the lobby without a match.
    pub(crate) fn leave_lobby(&mut self, who: ParticipantId, scene: u32) {
        self.effects.record(Record::LobbyLeft {
            participant: who,
            scene,
        });
        if let Some(lobby) = self.lobbies.get_mut(&scene) {
            lobby.leave(who);
        }
        self.timers.set(Timer::Waiting(who), None);
        self.lobby_changed(scene);
    }

    pub(crate) fn set_away(&mut self, who: ParticipantId, scene: u32, until: Option<Millis>) {
        if let Some(lobby) = self.lobbies.get_mut(&scene) {
            lobby.set_away(who, until);
        }
        self.watch(who, scene);
        self.lobby_changed(scene);
    }

    fn watch(&mut self, who: ParticipantId, scene: u32) {
        let lobby = self.lobbies.get(&scene);
        let deadline = lobby.and_then(|lobby| lobby.deadline(who));
        self.timers.set(Timer::Waiting(who), deadline);
    }

    /// Everyone in a lobby sees how many are there.
    pub(crate) fn lobby_changed(&mut self, scene: u32) {
        let lobby = self.lobbies.get(&scene);
        for participant in lobby.map(Lobby::there).unwrap_or_default() {
            self.effects.view(participant);
        }
    }

    pub(crate) fn match_waiting(&mut self, now: Millis, scene: u32) {
        while let Some(group) = self.next_group(scene) {
            for participant in &group {
                self.timers.set(Timer::Waiting(*participant), None);
            }
            self.open_session(now, scene, group);
            self.lobby_changed(scene);
        }
    }

    /// Those in a lobby who could be matched now, in the order in which they came: a page that was
    /// loaded again, perhaps on another machine, has to measure it first.
    pub(crate) fn ready(&self, scene: u32) -> Vec<ParticipantId> {
        let lobby = self.lobbies.get(&scene);
        let mut ready = lobby.map(Lobby::there).unwrap_or_default();
        ready.retain(|who| self.has_measured(*who, scene));
        ready
    }

    fn next_group(&mut self, scene: u32) -> Option<Vec<ParticipantId>> {
        let size = self.config.game(scene)?.players();
        let ready = self.ready(scene);
        let lobby = self.lobbies.get_mut(&scene)?;
        lobby.take_group(self.matchmaking, &ready, size)
    }

    fn open_session(&mut self, now: Millis, scene: u32, group: Vec<ParticipantId>) {
        let Some(Scene::Gym(game)) = self.config.scenes.get(scene as usize) else {
            return;
        };
        let slowest = self.slowest(scene, &group);
        let session = self.draws.session_id();
        let sessions = self.sessions.values().filter(|one| one.scene == scene);
        let had = sessions.filter_map(|one| one.treatment.as_deref());
        let treatment = treating::choose(&game.treatments, had, &mut self.draws);
        for (player, participant) in (0u8..).zip(&group) {
            if let Some(one) = self.participants.get_mut(participant) {
                one.place = Place::Session {
                    scene,
                    session,
                    player,
                };
            }
        }
        let mut context = Context {
            now,
            game,
            build: &self.build,
            study: &self.digest,
            former_builds: &self.former_builds,
            draws: &mut self.draws,
            effects: &mut self.effects,
            exits: Vec::new(),
        };
        let opened = Session::open(&mut context, session, scene, group, treatment, slowest);
        self.timers.set(Timer::Session(session), opened.deadline());
        self.sessions.insert(session, opened);
    }
}
