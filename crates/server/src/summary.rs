//! How many are where: for the study's address, and for whoever watches.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{Outcome, ParticipantId, Record, SessionId, SessionState};
use serde::Serialize;

use crate::population::{Counts, Population};

/// A study at a glance; `GET /api/study` answers with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub id: String,
    pub title: String,
    /// Participants in a lobby.
    pub waiting: usize,
    /// Participants in a session.
    pub playing: usize,
    /// Participants who went through every scene, in all runs of this data directory.
    pub completed: usize,
    /// Episodes that have a verdict, in all runs of this data directory. Nobody waits for one.
    pub judged: u64,
    /// Version of the program.
    pub version: String,
    /// BLAKE3 of the WebAssembly module that browsers are given, in hexadecimal.
    pub build: String,
}

/// Counts by what is on disk.
#[derive(Default)]
pub(crate) struct Census {
    waiting: BTreeSet<ParticipantId>,
    playing: BTreeSet<ParticipantId>,
    completed: usize,
    openings: u64,
    members: BTreeMap<SessionId, Vec<ParticipantId>>,
    population: Population,
}

impl Census {
    pub(crate) fn learn(&mut self, record: &Record) {
        self.population.learn(record);
        match record {
            Record::StudyOpened { .. } => self.openings += 1,
            Record::LobbyJoined { participant, .. } => {
                self.waiting.insert(*participant);
            }
            Record::LobbyLeft { participant, .. } => {
                self.waiting.remove(participant);
            }
            Record::SessionOpened {
                session, members, ..
            } => {
                for member in members {
                    self.waiting.remove(member);
                    self.playing.insert(*member);
                }
                self.members.insert(*session, members.clone());
            }
            Record::SessionEntered {
                session,
                state: SessionState::Ended,
            } => {
                for member in self.members.remove(session).unwrap_or_default() {
                    self.playing.remove(&member);
                }
            }
            Record::ParticipantEnded {
                participant,
                outcome,
                ..
            } => {
                self.waiting.remove(participant);
                self.playing.remove(participant);
                self.completed += usize::from(*outcome == Outcome::Completed);
            }
            Record::ParticipantArrived { .. }
            | Record::PageLoaded { .. }
            | Record::Measured { .. }
            | Record::EnvironmentUnable { .. }
            | Record::EnvironmentFailed { .. }
            | Record::SceneEntered { .. }
            | Record::SessionEntered { .. }
            | Record::ConnectionAttempt { .. }
            | Record::LinkReported { .. }
            | Record::Validated { .. }
            | Record::EpisodeOpened { .. }
            | Record::EpisodeClosed { .. }
            | Record::EpisodeRejoined { .. }
            | Record::EpisodeFlushing { .. }
            | Record::EpisodeJudging { .. }
            | Record::Uploaded { .. } => {}
        }
    }

    pub(crate) fn counts(&self) -> &Counts {
        self.population.counts()
    }

    /// How often a server began to serve from this data directory.
    pub(crate) fn openings(&self) -> u64 {
        self.openings
    }

    pub(crate) fn summary(&self, id: &str, title: &str, build: &str) -> Summary {
        Summary {
            id: id.to_owned(),
            title: title.to_owned(),
            waiting: self.waiting.len(),
            playing: self.playing.len(),
            completed: self.completed,
            judged: self.counts().all_judged(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: build.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn everybody_is_counted_once() {
        let [one, two, three] = [1, 2, 3].map(|id| ParticipantId(Uuid::from_u128(id)));
        let session = SessionId(Uuid::from_u128(9));
        let mut census = Census::default();
        let mut after = |record| {
            census.learn(&record);
            let Summary {
                waiting,
                playing,
                completed,
                ..
            } = census.summary("id", "title", "build");
            [waiting, playing, completed]
        };
        let joined = |participant| Record::LobbyJoined {
            participant,
            scene: 1,
        };
        let ended = |participant, outcome| Record::ParticipantEnded {
            participant,
            outcome,
            code: None,
        };
        assert_eq!(after(joined(one)), [1, 0, 0]);
        assert_eq!(after(joined(two)), [2, 0, 0]);
        assert_eq!(after(joined(three)), [3, 0, 0]);
        let opened = Record::SessionOpened {
            session,
            scene: 1,
            members: vec![one, two],
            treatment: None,
        };
        assert_eq!(after(opened), [1, 2, 0]);
        assert_eq!(after(ended(three, Outcome::LobbyTimeout)), [0, 2, 0]);
        assert_eq!(after(ended(one, Outcome::Left)), [0, 1, 0]);
        let over = Record::SessionEntered {
            session,
            state: SessionState::Ended,
        };
        assert_eq!(after(over), [0, 0, 0]);
        assert_eq!(after(ended(two, Outcome::Completed)), [0, 0, 1]);
    }
}
