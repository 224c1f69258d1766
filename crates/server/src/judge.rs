//! Compares the readings of an episode, on a thread that may take its time: play does not wait for it.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use igym_dataset::{Cancel, Environments, Journal, ResimulationError, not_judged};
use igym_protocol::{Judgement, SessionId};
use igym_storage::{Filter, JournalStore, StorageError};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task,
    time::timeout,
};

use crate::{Tuning, actor::Event};

/// How often reading the journal is tried.
const ATTEMPTS: u32 = 3;

/// How often an episode is played again when that fails for a reason that is not in it: the second
/// time in a fresh interpreter.
const REPLAYS: u32 = 2;

/// Judges on every other processor: re-simulation must not starve the connections.
pub(crate) struct Judges {
    judge: Judge,
    seats: Arc<Semaphore>,
    deadline: Duration,
    events: mpsc::UnboundedSender<Event>,
    /// What is being judged, or waits for a seat.
    under_way: BTreeMap<(SessionId, u32), Cancel>,
}

/// What it takes to judge.
#[derive(Clone)]
struct Judge {
    store: Arc<dyn JournalStore>,
    environments: Arc<dyn Environments>,
    retry: Duration,
    stopping: watch::Receiver<bool>,
}

impl Judges {
    pub(crate) fn new(
        store: Arc<dyn JournalStore>,
        environments: Arc<dyn Environments>,
        events: mpsc::UnboundedSender<Event>,
        stopping: watch::Receiver<bool>,
        tuning: &Tuning,
    ) -> Self {
        let seats = thread::available_parallelism().map_or(1, NonZeroUsize::get) / 2;
        Self {
            judge: Judge {
                store,
                environments,
                retry: tuning.storage_retry,
                stopping,
            },
            seats: Arc::new(Semaphore::new(seats.max(1))),
            deadline: tuning.judge_timeout,
            events,
            under_way: BTreeMap::new(),
        }
    }

    /// Answers the study's task with [`Event::Judged`], whatever happens: a judge that takes too long is
    /// given up, and its seat is free again.
    pub(crate) fn judge(&mut self, session: SessionId, episode: u32) {
        let cancel = Cancel::default();
        self.under_way.insert((session, episode), cancel.clone());
        let (judge, seats, events) = (self.judge.clone(), self.seats.clone(), self.events.clone());
        let (deadline, stopping) = (self.deadline, self.judge.stopping.clone());
        tokio::spawn(async move {
            // The semaphore is never closed.
            let _seat = seats.acquire().await;
            let judging = judge.judgement(session, episode, cancel.clone());
            let judgement = timeout(deadline, judging).await.unwrap_or_else(|_| {
                cancel.cancel();
                tracing::error!(%session, episode, "judging an episode takes too long");
                None
            });
            let judgement = match judgement {
                Some(judgement) => Some(judgement),
                // Whatever ended this server may have ended its interpreters first.
                None if *stopping.borrow() => {
                    tracing::info!(%session, episode, "not judged: the next server judges it");
                    None
                }
                None => {
                    tracing::error!(
                        %session,
                        episode,
                        "an episode was not judged: it is recorded as partial, with the \
                         re-simulation missing; judge it with `igym verify`"
                    );
                    Some(not_judged())
                }
            };
            if let Some(judgement) = &judgement {
                tracing::info!(%session, episode, verdict = ?judgement.verdict, "judged");
            }
            let _ = events.send(Event::Judged {
                session,
                episode,
                judgement,
            });
        });
    }

    /// [`Event::Judged`] came.
    pub(crate) fn judged(&mut self, session: SessionId, episode: u32) {
        self.under_way.remove(&(session, episode));
    }

    /// Whether every verdict is there.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Gives up what is under way: the next server judges it.
    pub(crate) fn stop(&self) {
        self.under_way.values().for_each(Cancel::cancel);
        self.judge.environments.stop();
    }
}

impl Judge {
    /// None if it cannot be judged; the log says why.
    async fn judgement(
        self,
        session: SessionId,
        episode: u32,
        cancel: Cancel,
    ) -> Option<Judgement> {
        let (mut reads, mut replays) = (0, 0);
        loop {
            let (judge, until) = (self.clone(), cancel.clone());
            let judging = move || judge.read_and_judge(session, episode, &until);
            match task::spawn_blocking(judging).await {
                Ok(Ok(Some(Ok(judgement)))) => return Some(judgement),
                Ok(Ok(Some(Err(error)))) => {
                    tracing::error!(
                        %session, episode, %error, "an episode could not be played again"
                    );
                    replays += 1;
                    let passes = match error {
                        ResimulationError::Cancelled | ResimulationError::Version { .. } => false,
                        _ => !*self.stopping.borrow(),
                    };
                    if !passes || replays == REPLAYS {
                        return None;
                    }
                }
                Ok(Ok(None)) => {
                    tracing::error!(%session, episode, "the journal does not hold this episode");
                    return None;
                }
                Ok(Err(error)) => {
                    tracing::error!(%session, episode, %error, "an episode could not be read");
                    reads += 1;
                    if reads == ATTEMPTS {
                        return None;
                    }
                    tokio::time::sleep(self.retry).await;
                }
                Err(error) => {
                    tracing::error!(%session, episode, %error, "judging an episode broke down");
                    return None;
                }
            }
        }
    }

    fn read_and_judge(
        &self,
        session: SessionId,
        episode: u32,
        cancel: &Cancel,
    ) -> Result<Option<Result<Judgement, ResimulationError>>, StorageError> {
        let journal = read_episode(&*self.store, session, episode)?;
        let log = journal.episode(session, episode);
        Ok(log.map(|log| igym_dataset::judge_until(log, &*self.environments, cancel)))
    }
}

/// What is on disk of an episode. It may take a while.
pub(crate) fn read_episode(
    store: &dyn JournalStore,
    session: SessionId,
    episode: u32,
) -> Result<Journal, StorageError> {
    let entries = store.read(Filter {
        session: Some(session),
        episode: Some(episode),
        ..Filter::default()
    })?;
    Ok(Journal::from_entries(entries))
}
