//! What participants see: projections of where they are.

use igym_protocol::{ConnectionView, GameView, Outcome, ParticipantId, SessionView, View};

use crate::participant::Place;
use crate::session::{Session, Stage};
use crate::{GymScene, Millis, RelayRule, Scene, Study};

impl Study {
    /// What the participant sees now; none for somebody unknown.
    pub fn view(&self, now: Millis, participant: ParticipantId) -> Option<View> {
        match &self.participants.get(&participant)?.place {
            Place::Start { scene } => match self.config.scene(*scene)? {
                Scene::Start(start) => Some(View::Start {
                    scene: *scene,
                    title: start.title.clone(),
                    body: start.body.clone(),
                    button: start.button.clone(),
                }),
                Scene::Gym(_) => None,
            },
            Place::Instructions { scene } => Some(View::Instructions {
                scene: *scene,
                game: game(self.config.game(*scene)?),
                measured: self.has_measured(participant, *scene),
            }),
            Place::Lobby { scene } => self.lobby_view(now, participant, *scene),
            Place::Session {
                session, player, ..
            } => self.session_view(now, self.sessions.get(session)?, *player),
            Place::End { outcome, code } => Some(self.end_view(*outcome, code.as_deref())),
        }
    }

    fn lobby_view(&self, now: Millis, participant: ParticipantId, scene: u32) -> Option<View> {
        let scene_of_lobby = self.config.game(scene)?;
        let lobby = self.lobbies.get(&scene)?;
        Some(View::Lobby {
            scene,
            game: game(scene_of_lobby),
            measured: self.has_measured(participant, scene),
            waiting: u32::try_from(self.ready(scene).len()).unwrap_or(u32::MAX),
            needed: u32::try_from(scene_of_lobby.players()).unwrap_or(u32::MAX),
            closes_in_ms: lobby.closes_at(participant)?.remaining_ms(now),
        })
    }

    fn session_view(&self, now: Millis, session: &Session, player: u8) -> Option<View> {
        let scene = self.config.game(session.scene)?;
        let game = game(scene);
        let (environment, _) = scene.environment_with(session.treatment.as_deref());
        let place = SessionView {
            session: session.id,
            player,
            players: u8::try_from(session.members.len()).unwrap_or(u8::MAX),
        };
        match &session.stage {
            Stage::Connecting { .. } => Some(View::Connecting {
                game,
                session: place,
                connection: self.connection(session, scene, player),
            }),
            Stage::Validating { reported, .. } => Some(View::Validating {
                game,
                session: place,
                environment: environment.clone(),
                study_digest: self.config.digest(),
                validated: reported.contains_key(&player),
            }),
            Stage::Playing(playing) => Some(View::Playing {
                game,
                session: place,
                connection: self.connection(session, scene, player),
                members: session.presence(now, playing),
                plan: playing.plan.clone(),
                part: playing.part_of(player),
                starts_in_ms: playing.starts_at.remaining_ms(now),
                flush: playing.flush(),
            }),
            // Nobody is in a session that has ended.
            Stage::Ended => None,
        }
    }

    fn connection(&self, session: &Session, scene: &GymScene, player: u8) -> ConnectionView {
        let relay_only = scene.relay == RelayRule::Only;
        let ice_servers = match relay_only {
            true => Vec::new(),
            false => self.config.ice_servers.clone(),
        };
        ConnectionView {
            attempt: session.links.attempt(),
            ice_servers,
            linked: session.links.linked(player),
            relay_only,
            direct_only: scene.relay == RelayRule::Never,
        }
    }

    fn end_view(&self, outcome: Outcome, code: Option<&str>) -> View {
        let page = self.config.end.page(outcome);
        View::End {
            title: page.title.clone(),
            body: page.body.clone(),
            outcome,
            code: code.map(str::to_owned),
            redirect: page.redirect_with(code),
        }
    }
}

fn game(scene: &GymScene) -> GameView {
    GameView {
        title: scene.title.clone(),
        body: scene.body.clone(),
        width: scene.width,
        height: scene.height,
        smoothing_ms: u16::try_from(scene.smoothing.as_millis()).unwrap_or(u16::MAX),
        timed: scene.timed,
        controls: scene.controls.clone(),
        environment: scene.environment.clone(),
    }
}
