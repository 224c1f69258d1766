//! Who may upload about what: the durable sessions and episode plans, for all connections to read.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use igym_protocol::{EpisodePlan, ParticipantId, Record, Refusal, RefusalCode, SessionId};

use crate::state::refusal;

/// Written by the study's task when a record is on disk, read by every upload.
#[derive(Default)]
pub(crate) struct Roster {
    sessions: RwLock<BTreeMap<SessionId, Session>>,
}

#[derive(Default)]
struct Session {
    /// In player order.
    members: Vec<ParticipantId>,
    /// By episode index. Kept after the episode's end: what comes late is evidence.
    plans: BTreeMap<u32, Arc<EpisodePlan>>,
}

/// A member's place in an episode.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) player: u8,
    pub(crate) plan: Arc<EpisodePlan>,
}

impl Roster {
    /// Takes up what is on disk.
    pub(crate) fn learn(&self, record: &Record) {
        match record {
            Record::SessionOpened {
                session, members, ..
            } => {
                let mut sessions = self
                    .sessions
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                sessions
                    .entry(*session)
                    .or_default()
                    .members
                    .clone_from(members);
            }
            Record::EpisodeOpened { plan } => {
                let mut sessions = self
                    .sessions
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                let plans = &mut sessions.entry(plan.session).or_default().plans;
                plans.insert(plan.episode, Arc::new(plan.clone()));
            }
            _ => {}
        }
    }

    /// Where the participant stands in an episode that they say they are in.
    pub(crate) fn place(
        &self,
        participant: ParticipantId,
        session: SessionId,
        episode: u32,
    ) -> Result<Place, Refusal> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let known = sessions.get(&session);
        let player = known
            .and_then(|session| session.members.iter().position(|it| *it == participant))
            .and_then(|position| u8::try_from(position).ok());
        let (Some(known), Some(player)) = (known, player) else {
            // The same answer for a session of others and for none at all.
            return Err(refusal(
                RefusalCode::NotAMember,
                "you are not a member of this session",
            ));
        };
        match known.plans.get(&episode) {
            Some(plan) => Ok(Place {
                player,
                plan: plan.clone(),
            }),
            None => Err(refusal(
                RefusalCode::WrongState,
                format!("episode {episode} of this session has not begun"),
            )),
        }
    }
}
