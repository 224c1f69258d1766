//! Gives a page that rejoins an episode the inputs that the journal holds.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};

use axum::body::Bytes;
use igym_protocol::{Delivery, History, ParticipantId, SessionId, encode_delivery};
use igym_storage::{JournalStore, StorageError};
use tokio::{
    sync::Semaphore,
    task,
    time::{error::Elapsed, timeout},
};

use crate::{judge::read_episode, mailbox::Mailbox, metrics::Metrics};

/// Histories that are read at the same time: reading must not starve the judges.
const SEATS: usize = 2;

pub(crate) struct Histories {
    store: Arc<dyn JournalStore>,
    metrics: Arc<Metrics>,
    seats: Arc<Semaphore>,
    deadline: Duration,
    asked: Arc<Mutex<BTreeSet<ParticipantId>>>,
}

/// Who asks, and about what.
pub(crate) struct HistoryRequest {
    pub(crate) participant: ParticipantId,
    pub(crate) session: SessionId,
    pub(crate) episode: u32,
    /// Of the connection that asked: what a page is told must not reach the next page, which has
    /// more to deliver before it may ask.
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Histories {
    pub(crate) fn new(
        store: Arc<dyn JournalStore>,
        metrics: Arc<Metrics>,
        deadline: Duration,
    ) -> Self {
        Self {
            store,
            metrics,
            seats: Arc::new(Semaphore::new(SEATS)),
            deadline,
            asked: Arc::default(),
        }
    }

    /// Reads the journal on a thread that may take its time. A reading that hangs gives up its
    /// seat, though its thread cannot be stopped. One history of a participant is read at a time,
    /// so such threads do not add up; a page that asks meanwhile asks again.
    pub(crate) fn deliver(&self, request: HistoryRequest) {
        let Some(asking) = Asking::begin(&self.asked, request.participant) else {
            return;
        };
        let (store, metrics) = (self.store.clone(), self.metrics.clone());
        let (seats, deadline) = (self.seats.clone(), self.deadline);
        tokio::spawn(async move {
            // The semaphore is never closed.
            let _seat = seats.acquire().await;
            let HistoryRequest {
                participant,
                session,
                episode,
                mailbox,
            } = request;
            let read = move || {
                let _asking = asking;
                read(&*store, session, episode)
            };
            match timeout(deadline, task::spawn_blocking(read)).await {
                Ok(Ok(Ok(Some(history)))) => {
                    let frames = history.inputs.iter().map(Vec::len).min();
                    tracing::debug!(%participant, %session, episode, frames, "history delivered");
                    metrics.histories.fetch_add(1, Relaxed);
                    let delivery = encode_delivery(&Delivery::History(history));
                    mailbox.post_history(Bytes::from(delivery));
                }
                Ok(Ok(Ok(None))) => {
                    tracing::error!(%session, episode, "the journal does not hold this episode");
                }
                Ok(Ok(Err(error))) => {
                    tracing::warn!(
                        %participant, %session, episode, %error,
                        "a history could not be read: the page asks again"
                    );
                }
                Ok(Err(error)) => {
                    tracing::error!(%session, episode, %error, "reading a history broke down");
                }
                Err(Elapsed { .. }) => {
                    tracing::error!(
                        %participant, %session, episode,
                        "reading a history takes too long: the page asks again"
                    );
                }
            }
        });
    }
}

/// While it lives, the participant's history is being read.
struct Asking {
    asked: Arc<Mutex<BTreeSet<ParticipantId>>>,
    participant: ParticipantId,
}

impl Asking {
    fn begin(
        asked: &Arc<Mutex<BTreeSet<ParticipantId>>>,
        participant: ParticipantId,
    ) -> Option<Self> {
        let first = asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(participant);
        first.then(|| Self {
            asked: asked.clone(),
            participant,
        })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.remove(&self.participant);
    }
}

fn read(
    store: &dyn JournalStore,
    session: SessionId,
    episode: u32,
) -> Result<Option<History>, StorageError> {
    let journal = read_episode(store, session, episode)?;
    let log = journal.episode(session, episode);
    Ok(log.map(|log| History {
        session,
        episode,
        inputs: log.history(),
    }))
}
