//! Who may upload about what: the durable sessions and episode plans, for all connections to read.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use igym_protocol::{EpisodePlan, Limits, ParticipantId, Record, Refusal, RefusalCode, SessionId};

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
    plans: BTreeMap<u32, (Arc<EpisodePlan>, Arc<Budgets>)>,
}

/// A member's place in an episode.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) player: u8,
    pub(crate) plan: Arc<EpisodePlan>,
    budgets: Arc<Budgets>,
}

/// Bytes that each member has uploaded about an episode since the server started, in player order.
#[derive(Debug)]
struct Budgets(Vec<AtomicU64>);

/// What a page may upload about an episode beside its rows.
const EPISODE_BYTES: u64 = 4 << 20;

/// What it may upload about a frame, for each player, beside the outcome: far more than any page
/// has to say.
const FRAME_BYTES: u64 = 1024;

impl Place {
    /// Whether the member may upload so many bytes more: a page that never ends must not fill the
    /// disk.
    pub(crate) fn affords(&self, bytes: usize) -> Result<(), Refusal> {
        let used = self.used().map_or(0, |used| used.load(Relaxed));
        if used + bytes as u64 <= budget(self.plan.seats.len(), self.plan.max_steps) {
            return Ok(());
        }
        let message = "more was uploaded about this episode than can be true";
        Err(refusal(RefusalCode::TooLarge, message))
    }

    pub(crate) fn spend(&self, bytes: usize) {
        if let Some(used) = self.used() {
            used.fetch_add(bytes as u64, Relaxed);
        }
    }

    fn used(&self) -> Option<&AtomicU64> {
        self.budgets.0.get(usize::from(self.player))
    }
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
                let budgets = plan.seats.iter().map(|_| AtomicU64::new(0)).collect();
                let opened = (Arc::new(plan.clone()), Arc::new(Budgets(budgets)));
                plans.insert(plan.episode, opened);
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
            Some((plan, budgets)) => Ok(Place {
                player,
                plan: plan.clone(),
                budgets: budgets.clone(),
            }),
            None => Err(refusal(
                RefusalCode::WrongState,
                format!("episode {episode} of this session has not begun"),
            )),
        }
    }
}

/// Bytes that one member may upload about an episode.
fn budget(players: usize, max_steps: u32) -> u64 {
    let frame = Limits::OUTCOME_BYTES as u64 + players as u64 * FRAME_BYTES;
    EPISODE_BYTES + u64::from(max_steps) * frame
}
