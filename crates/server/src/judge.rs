//! Compares the readings of an episode, on a thread that may take its time.

use std::{sync::Arc, time::Duration};

use igym_dataset::{Environments, Journal};
use igym_protocol::{FirstDifference, Judgement, SessionId, Verdict};
use igym_storage::{Filter, JournalStore, StorageError};
use tokio::{
    sync::{Semaphore, mpsc},
    task,
    time::timeout,
};

use crate::{Tuning, actor::Event};

/// How often reading the journal is tried.
const ATTEMPTS: u32 = 3;

/// Judges on at most so many threads at a time: re-simulation must not starve the connections.
pub(crate) struct Judges {
    store: Arc<dyn JournalStore>,
    environments: Arc<dyn Environments>,
    events: mpsc::UnboundedSender<Event>,
    seats: Arc<Semaphore>,
    retry: Duration,
    deadline: Duration,
}

impl Judges {
    pub(crate) fn new(
        store: Arc<dyn JournalStore>,
        environments: Arc<dyn Environments>,
        events: mpsc::UnboundedSender<Event>,
        tuning: &Tuning,
    ) -> Self {
        Self {
            store,
            environments,
            events,
            seats: Arc::new(Semaphore::new(2)),
            retry: tuning.storage_retry,
            deadline: tuning.judge_timeout,
        }
    }

    /// Answers the study's task with [`Event::Judged`], whatever happens: a judge that hangs gives
    /// up its seat, though its thread cannot be stopped.
    pub(crate) fn judge(&self, session: SessionId, episode: u32) {
        let (store, events) = (self.store.clone(), self.events.clone());
        let environments = self.environments.clone();
        let (seats, retry, deadline) = (self.seats.clone(), self.retry, self.deadline);
        tokio::spawn(async move {
            // The semaphore is never closed.
            let _seat = seats.acquire().await;
            let judging = judgement(store, environments, session, episode, retry);
            let judgement = timeout(deadline, judging).await.unwrap_or_else(|_| {
                tracing::error!(%session, episode, "judging an episode takes too long");
                None
            });
            let judgement = judgement.unwrap_or_else(|| {
                tracing::error!(
                    %session,
                    episode,
                    "an episode was not judged: it is recorded as partial, with the \
                     re-simulation missing; judge it with `igym verify`"
                );
                not_judged()
            });
            tracing::info!(%session, episode, verdict = ?judgement.verdict, "judged");
            let _ = events.send(Event::Judged {
                session,
                episode,
                judgement,
            });
        });
    }
}

async fn judgement(
    store: Arc<dyn JournalStore>,
    environments: Arc<dyn Environments>,
    session: SessionId,
    episode: u32,
    retry: Duration,
) -> Option<Judgement> {
    for _ in 0..ATTEMPTS {
        let (store, environments) = (store.clone(), environments.clone());
        let judging = move || read_and_judge(&*store, &*environments, session, episode);
        match task::spawn_blocking(judging).await {
            Ok(Ok(Some(judgement))) => return Some(judgement),
            Ok(Ok(None)) => {
                tracing::error!(%session, episode, "the journal does not hold this episode");
                break;
            }
            Ok(Err(error)) => {
                tracing::error!(%session, episode, %error, "an episode could not be read");
                tokio::time::sleep(retry).await;
            }
            Err(error) => {
                tracing::error!(%session, episode, %error, "judging an episode broke down");
                break;
            }
        }
    }
    None
}

/// Nobody is stranded for it: the participants go on, and `igym verify` can judge it again. What
/// it says is missing tells it from an episode that somebody did not seal.
fn not_judged() -> Judgement {
    Judgement {
        verdict: Verdict::Partial,
        last_frame: None,
        first_difference: Some(FirstDifference {
            frame: 0,
            field: "missing".to_owned(),
            between: ["journal".to_owned(), "re-simulation".to_owned()],
        }),
    }
}

fn read_and_judge(
    store: &dyn JournalStore,
    environments: &dyn Environments,
    session: SessionId,
    episode: u32,
) -> Result<Option<Judgement>, StorageError> {
    let journal = read_episode(store, session, episode)?;
    let log = journal.episode(session, episode);
    Ok(log.map(|log| igym_dataset::judge(log, environments)))
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
