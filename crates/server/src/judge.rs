//! Compares the readings of an episode, on a thread that may take its time.

use std::{sync::Arc, time::Duration};

use igym_dataset::Journal;
use igym_protocol::{Judgement, SessionId, Verdict};
use igym_storage::{Filter, JournalStore, StorageError};
use tokio::{
    sync::{Semaphore, mpsc},
    task,
};

use crate::actor::Event;

/// How often reading the journal is tried.
const ATTEMPTS: u32 = 3;

/// Judges on at most so many threads at a time: re-simulation must not starve the connections.
pub(crate) struct Judges {
    store: Arc<dyn JournalStore>,
    events: mpsc::UnboundedSender<Event>,
    seats: Arc<Semaphore>,
    retry: Duration,
}

impl Judges {
    pub(crate) fn new(
        store: Arc<dyn JournalStore>,
        events: mpsc::UnboundedSender<Event>,
        retry: Duration,
    ) -> Self {
        Self {
            store,
            events,
            seats: Arc::new(Semaphore::new(2)),
            retry,
        }
    }

    /// Answers the study's task with [`Event::Judged`], whatever happens.
    pub(crate) fn judge(&self, session: SessionId, episode: u32) {
        let (store, events) = (self.store.clone(), self.events.clone());
        let (seats, retry) = (self.seats.clone(), self.retry);
        tokio::spawn(async move {
            // The semaphore is never closed.
            let _seat = seats.acquire().await;
            let judgement = judgement(store, session, episode, retry).await;
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
    session: SessionId,
    episode: u32,
    retry: Duration,
) -> Judgement {
    for _ in 0..ATTEMPTS {
        let store = store.clone();
        match task::spawn_blocking(move || read_and_judge(&*store, session, episode)).await {
            Ok(Ok(Some(judgement))) => return judgement,
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
    // Nobody is stranded for it: the participants go on, and `igym verify` can judge it again.
    Judgement {
        verdict: Verdict::Partial,
        last_frame: None,
        first_difference: None,
    }
}

fn read_and_judge(
    store: &dyn JournalStore,
    session: SessionId,
    episode: u32,
) -> Result<Option<Judgement>, StorageError> {
    let entries = store.read(Filter {
        session: Some(session),
        episode: Some(episode),
        ..Filter::default()
    })?;
    let journal = Journal::from_entries(entries);
    Ok(journal.episode(session, episode).map(igym_dataset::judge))
}
