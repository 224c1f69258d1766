//! What a session needs of the study around it.

use std::collections::BTreeSet;
use std::time::Duration;

use igym_protocol::{Digests, Outcome, ParticipantId};

use crate::draws::Draws;
use crate::effect::Effects;
use crate::{GymScene, Millis};

/// The study, as one call to a session sees it.
pub(crate) struct Context<'a> {
    pub(crate) now: Millis,
    pub(crate) game: &'a GymScene,
    pub(crate) build: &'a str,
    pub(crate) study: &'a str,
    /// Builds that earlier runs gave out.
    pub(crate) former_builds: &'a BTreeSet<String>,
    pub(crate) draws: &'a mut Draws,
    pub(crate) effects: &'a mut Effects,
    /// Who leaves the session in this call, in the order in which they do.
    pub(crate) exits: Vec<(ParticipantId, Exit)>,
}

/// Where somebody goes who leaves a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The game is over: to the next scene.
    Onward,
    /// To the last page.
    Ended(Outcome),
}

impl Context<'_> {
    /// For how long absences may stop the time of a stage before play, in all.
    pub(crate) fn spare(&self) -> Duration {
        self.game.reconnect_grace * 3
    }

    /// Whether a page that runs this build was loaded from an earlier version of the program.
    pub(crate) fn was_served(&self, build: &str) -> bool {
        build != self.build && self.former_builds.contains(build)
    }

    /// What every page of a session with this treatment must report.
    pub(crate) fn expected(&self, treatment: Option<&str>) -> Digests {
        let (_, environment) = self.game.environment_with(treatment);
        Digests {
            build: self.build.to_owned(),
            environment: environment.to_owned(),
            study: self.study.to_owned(),
        }
    }
}
