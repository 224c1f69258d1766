//! One person's run through the study.

use igym_protocol::{Measurement, Outcome, SessionId};

/// Where a participant is, and whether their page is connected.
pub(crate) struct Participant {
    pub(crate) connected: bool,
    /// Numbers the participant's page loads from 1; 0 before the first.
    pub(crate) incarnation: u32,
    /// What a page of theirs measured last.
    pub(crate) measured: Option<Measured>,
    pub(crate) place: Place,
}

/// How fast a page runs the environment of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) scene: u32,
    /// Which page it was: another may run on another machine.
    pub(crate) incarnation: u32,
    pub(crate) measurement: Measurement,
}

impl Participant {
    /// Whether their present page has measured the environment of this scene.
    pub(crate) fn has_measured(&self, scene: u32) -> bool {
        let measured = self.measured.as_ref();
        measured.is_some_and(|it| (it.scene, it.incarnation) == (scene, self.incarnation))
    }
}

/// Which page it is that connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The one that was connected before: it knows what it knew.
    Same,
    /// One that was just loaded, and knows nothing of the page before it.
    New { incarnation: u32 },
}

/// The one place where a participant is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Start {
        scene: u32,
    },
    Instructions {
        scene: u32,
    },
    /// What goes with waiting is in the scene's lobby.
    Lobby {
        scene: u32,
    },
    Session {
        scene: u32,
        session: SessionId,
        player: u8,
    },
    End {
        outcome: Outcome,
        code: Option<String>,
    },
}

impl Place {
    /// The scene, while it is one before the end.
    pub(crate) fn scene(&self) -> Option<u32> {
        match self {
            Place::Start { scene }
            | Place::Instructions { scene }
            | Place::Lobby { scene }
            | Place::Session { scene, .. } => Some(*scene),
            Place::End { .. } => None,
        }
    }
}
