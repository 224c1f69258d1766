//! Who may upload about what: the durable sessions and episode plans, for all connections to read.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use igym_protocol::{EpisodePlan, Limits, ParticipantId, Record, Refusal, RefusalCode, SessionId};
use igym_storage::{JournalStore, StorageError};
use tokio::{sync::OnceCell, task};

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

/// Bytes that each member has uploaded about an episode, in player order. Of an episode that an
/// earlier run of the server opened, the journal is asked when the first upload comes.
#[derive(Debug)]
struct Budgets(OnceCell<Vec<AtomicU64>>);

/// What a page may upload about an episode beside its rows.
const EPISODE_BYTES: u64 = 4 << 20;

/// What it may upload about a frame, for each player, beside the outcome: far more than any page
/// has to say.
const FRAME_BYTES: u64 = 1024;

impl Place {
    /// Finds out what was uploaded before, if that is not known: to be awaited before anything is
    /// asked for or spent.
    pub(crate) async fn count(&self, store: &Arc<dyn JournalStore>) -> Result<(), StorageError> {
        let counted = || async {
            let (store, plan) = (store.clone(), self.plan.clone());
            let read = move || store.uploaded_bytes(plan.session, plan.episode);
            let bytes = task::spawn_blocking(read)
                .await
                .map_err(|error| StorageError::Io {
                    reason: format!("the journal could not be asked: {error}"),
                })??;
            let players = 0..self.plan.seats.len();
            let of = |player| bytes.get(&u8::try_from(player).ok()?).copied();
            Ok(players
                .map(|player| AtomicU64::new(of(player).unwrap_or(0)))
                .collect())
        };
        self.budgets.0.get_or_try_init(counted).await.map(drop)
    }

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

    /// What was spent has not come to the disk, and is sent again.
    pub(crate) fn refund(&self, bytes: usize) {
        if let Some(used) = self.used() {
            used.fetch_sub(bytes as u64, Relaxed);
        }
    }

    fn used(&self) -> Option<&AtomicU64> {
        self.budgets.0.get()?.get(usize::from(self.player))
    }
}

impl Roster {
    /// Takes up what came to the disk in this run.
    pub(crate) fn learn(&self, record: &Record) {
        self.take_up(record, |plan| {
            let nothing = plan.seats.iter().map(|_| AtomicU64::new(0));
            OnceCell::new_with(Some(nothing.collect()))
        });
    }

    /// Takes up what an earlier run of the server wrote down.
    pub(crate) fn recall(&self, record: &Record) {
        self.take_up(record, |_| OnceCell::new());
    }

    fn take_up(
        &self,
        record: &Record,
        uploaded: impl FnOnce(&EpisodePlan) -> OnceCell<Vec<AtomicU64>>,
    ) {
        let sessions = || {
            self.sessions
                .write()
                .unwrap_or_else(PoisonError::into_inner)
        };
        match record {
            Record::SessionOpened {
                session, members, ..
            } => {
                let mut sessions = sessions();
                let known = sessions.entry(*session).or_default();
                known.members.clone_from(members);
            }
            Record::EpisodeOpened { plan } => {
                let opened = (Arc::new(plan.clone()), Arc::new(Budgets(uploaded(plan))));
                let mut sessions = sessions();
                let plans = &mut sessions.entry(plan.session).or_default().plans;
                plans.insert(plan.episode, opened);
            }
            _ => {}
        }
    }

    /// Whether the session is or was the participant's.
    pub(crate) fn is_member(&self, participant: ParticipantId, session: SessionId) -> bool {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let known = sessions.get(&session);
        known.is_some_and(|known| known.members.contains(&participant))
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
        let player = known.and_then(|session| position(&session.members, participant));
        let (Some(known), Some(player)) = (known, player) else {
            return Err(not_a_member());
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

pub(crate) fn position(members: &[ParticipantId], participant: ParticipantId) -> Option<u8> {
    let position = members.iter().position(|it| *it == participant)?;
    u8::try_from(position).ok()
}

/// The same answer for a session of others and for none at all.
pub(crate) fn not_a_member() -> Refusal {
    let message = "you are not a member of this session";
    refusal(RefusalCode::NotAMember, message)
}

/// Bytes that one member may upload about an episode.
fn budget(players: usize, max_steps: u32) -> u64 {
    let frame = Limits::OUTCOME_BYTES as u64 + players as u64 * FRAME_BYTES;
    EPISODE_BYTES + u64::from(max_steps) * frame
}
