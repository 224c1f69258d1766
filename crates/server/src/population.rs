//! Who is where, and how sessions and episodes stand, for `GET /metrics`: by what is on disk.

use std::collections::BTreeMap;

use igym_protocol::{Outcome, ParticipantId, Record, SessionId, SessionState, Verdict};

/// Follows the journal. Memory grows with the participants, as the registry's does.
#[derive(Default)]
pub(crate) struct Population {
    places: BTreeMap<ParticipantId, Place>,
    /// Those that have not ended.
    sessions: BTreeMap<SessionId, (SessionState, Vec<ParticipantId>)>,
    counts: Counts,
}

/// How many there are of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) places: BTreeMap<Place, u64>,
    pub(crate) sessions: BTreeMap<SessionState, u64>,
    pub(crate) episodes_opened: u64,
    pub(crate) episodes_over: u64,
    pub(crate) verdicts: BTreeMap<Verdict, u64>,
}

/// Where a participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// On the page of the scene with this index: a start page, or a game's instructions.
    Scene(u32),
    Lobby,
    Session(SessionState),
    Ended(Outcome),
}

impl Population {
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn learn(&mut self, record: &Record) {
        match record {
            Record::ParticipantArrived { participant, .. } => {
                self.put(*participant, Place::Scene(0));
            }
            Record::SceneEntered {
                participant, scene, ..
            } => self.put(*participant, Place::Scene(*scene)),
            Record::LobbyJoined { participant, .. } => self.put(*participant, Place::Lobby),
            Record::LobbyLeft { participant, scene } => {
                if self.places.get(participant) == Some(&Place::Lobby) {
                    self.put(*participant, Place::Scene(*scene));
                }
            }
            Record::SessionOpened {
                session, members, ..
            } => {
                let matched = SessionState::Matched;
                self.sessions.insert(*session, (matched, members.clone()));
                *self.counts.sessions.entry(matched).or_default() += 1;
                for member in members {
                    self.put(*member, Place::Session(matched));
                }
            }
            Record::SessionEntered { session, state } => self.enter(*session, *state),
            Record::EpisodeOpened { .. } => self.counts.episodes_opened += 1,
            Record::EpisodeJudging { .. } => self.counts.episodes_over += 1,
            Record::EpisodeClosed { judgement, .. } => {
                *self.counts.verdicts.entry(judgement.verdict).or_default() += 1;
            }
            Record::ParticipantEnded {
                participant,
                outcome,
                ..
            } => self.put(*participant, Place::Ended(*outcome)),
            Record::StudyOpened { .. }
            | Record::PageLoaded { .. }
            | Record::Measured { .. }
            | Record::EnvironmentUnable { .. }
            | Record::EnvironmentFailed { .. }
            | Record::ConnectionAttempt { .. }
            | Record::LinkReported { .. }
            | Record::Validated { .. }
            | Record::EpisodeRejoined { .. }
            | Record::EpisodeFlushing { .. }
            | Record::Uploaded { .. } => {}
        }
    }

    fn enter(&mut self, session: SessionId, state: SessionState) {
        let Some((before, members)) = self.sessions.remove(&session) else {
            return;
        };
        decrement(&mut self.counts.sessions, before);
        *self.counts.sessions.entry(state).or_default() += 1;
        if state == SessionState::Ended {
            return;
        }
        for member in &members {
            if matches!(self.places.get(member), Some(Place::Session(_))) {
                self.put(*member, Place::Session(state));
            }
        }
        self.sessions.insert(session, (state, members));
    }

    fn put(&mut self, participant: ParticipantId, place: Place) {
        if let Some(before) = self.places.insert(participant, place) {
            decrement(&mut self.counts.places, before);
        }
        *self.counts.places.entry(place).or_default() += 1;
    }
}

impl Counts {
    pub(crate) fn at(&self, wanted: impl Fn(Place) -> bool) -> u64 {
        let places = self.places.iter();
        places
            .filter(|(place, _)| wanted(**place))
            .map(|(_, count)| count)
            .sum()
    }

    pub(crate) fn sessions_in(&self, state: SessionState) -> u64 {
        self.sessions.get(&state).copied().unwrap_or(0)
    }

    /// Episodes that are over and have no verdict yet.
    pub(crate) fn unjudged(&self) -> u64 {
        self.episodes_over.saturating_sub(self.all_judged())
    }

    pub(crate) fn all_judged(&self) -> u64 {
        self.verdicts.values().sum()
    }

    pub(crate) fn judged(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(&verdict).copied().unwrap_or(0)
    }
}

fn decrement<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn everybody_is_in_one_place() {
        let [one, two] = [1, 2].map(|id| ParticipantId(Uuid::from_u128(id)));
        let session = SessionId(Uuid::from_u128(9));
        let entered = |state| Record::SessionEntered { session, state };
        let ended = |participant, outcome| Record::ParticipantEnded {
            participant,
            outcome,
            code: None,
        };
        let mut population = Population::default();
        for participant in [one, two] {
            population.learn(&Record::ParticipantArrived {
                participant,
                token_hash: String::new(),
                external_id: None,
            });
            population.learn(&Record::LobbyJoined {
                participant,
                scene: 1,
            });
        }
        assert_eq!(population.counts().at(|place| place == Place::Lobby), 2);
        population.learn(&Record::LobbyLeft {
            participant: one,
            scene: 1,
        });
        assert_eq!(population.counts().at(|place| place == Place::Lobby), 1);
        population.learn(&Record::SessionOpened {
            session,
            scene: 1,
            members: vec![one, two],
            treatment: None,
        });
        population.learn(&entered(SessionState::Matched));
        population.learn(&entered(SessionState::Playing));
        let playing = Place::Session(SessionState::Playing);
        assert_eq!(population.counts().at(|place| place == playing), 2);
        assert_eq!(population.counts().sessions_in(SessionState::Playing), 1);
        population.learn(&ended(one, Outcome::Left));
        population.learn(&entered(SessionState::Ended));
        population.learn(&ended(two, Outcome::PartnerLeft));
        let counts = population.counts();
        assert_eq!(counts.at(|place| matches!(place, Place::Ended(_))), 2);
        assert_eq!(counts.at(|_| true), 2);
        assert_eq!(counts.sessions_in(SessionState::Playing), 0);
        assert_eq!(counts.sessions_in(SessionState::Ended), 1);
        assert!(population.sessions.is_empty(), "nothing is kept of them");
    }
}
