//! Moving people from scene to scene, and to the end.

use igym_protocol::{Outcome, ParticipantId, Record, Refusal};

use crate::participant::Place;
use crate::refusal::not_now;
use crate::{Code, Millis, Scene, Study};

impl Study {
    pub(crate) fn advance(&mut self, who: ParticipantId, scene: u32) -> Result<(), Refusal> {
        match self.place(who) {
            Some(Place::Start { scene: here }) if *here == scene => self.enter(who, scene + 1),
            place if is_past(place, scene) => {}
            _ => return not_now(format!("scene {scene} cannot be left in this way now")),
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self, now: Millis, who: ParticipantId) {
        match self.place(who) {
            Some(Place::Start { .. } | Place::Instructions { .. }) => {
                self.finish(who, Outcome::Left);
            }
            Some(Place::Lobby { scene }) => {
                self.leave_lobby(who, *scene);
                self.finish(who, Outcome::Left);
            }
            Some(Place::Session {
                session, player, ..
            }) => {
                let player = *player;
                self.with_session(now, *session, |session, context| {
                    session.handle_left(context, player);
                });
            }
            Some(Place::End { .. }) | None => {}
        }
    }

    /// Brings somebody to a scene; the one after the last is the end.
    pub(crate) fn enter(&mut self, who: ParticipantId, scene: u32) {
        let place = match self.config.scene(scene) {
            Some(Scene::Start(_)) => Place::Start { scene },
            Some(Scene::Gym(_)) => Place::Instructions { scene },
            None => return self.finish(who, Outcome::Completed),
        };
        self.entered(who, scene);
        self.set_place(who, place);
        self.effects.view(who);
    }

    /// Brings somebody to the last page, whatever led there.
    pub(crate) fn finish(&mut self, who: ParticipantId, outcome: Outcome) {
        let end = u32::try_from(self.config.scenes.len()).unwrap_or(u32::MAX);
        self.entered(who, end);
        let code = match &self.config.end.page(outcome).code {
            Code::None => None,
            Code::Fixed(code) => Some(code.clone()),
            Code::Draw => Some(self.draws.completion_code()),
        };
        self.effects.record(Record::ParticipantEnded {
            participant: who,
            outcome,
            code: code.clone(),
        });
        self.set_place(who, Place::End { outcome, code });
        self.effects.view(who);
    }

    fn entered(&mut self, participant: ParticipantId, scene: u32) {
        self.effects.record(Record::SceneEntered {
            participant,
            scene,
            scene_id: self.config.scene_id(scene).to_owned(),
        });
    }

    pub(crate) fn place(&self, who: ParticipantId) -> Option<&Place> {
        self.participants.get(&who).map(|one| &one.place)
    }

    pub(crate) fn set_place(&mut self, who: ParticipantId, place: Place) {
        if let Some(one) = self.participants.get_mut(&who) {
            one.place = place;
        }
    }
}

/// Whether somebody at this place has already left the scene behind.
pub(crate) fn is_past(place: Option<&Place>, scene: u32) -> bool {
    place.is_some_and(|place| place.scene().is_none_or(|here| here > scene))
}
