//! Nobody hears of what is not on disk: holds back what the study says until the records it said
//! before are committed.

use std::{collections::BTreeMap, sync::Arc};

use igym_protocol::{ParticipantId, Record, ServerMessage, SessionId, View};
use igym_storage::{JournalStore, NewEntry, StorageError};
use tokio::sync::{mpsc, oneshot};

use crate::{
    actor::Event,
    histories::HistoryRequest,
    registry::{Admitted, NotAdmitted},
};

/// Two batches: one on its way to the disk, and one that collects what comes meanwhile. So under
/// load a commit carries the records of many commands.
pub(crate) struct Committer {
    store: Arc<dyn JournalStore>,
    events: mpsc::UnboundedSender<Event>,
    in_flight: Option<Batch>,
    next: Batch,
    failing: bool,
}

/// What becomes durable together, and what may be told then.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<NewEntry>,
    pub(crate) outputs: Vec<Output>,
    /// The newest of each participant.
    pub(crate) views: BTreeMap<ParticipantId, View>,
}

/// Something to do once the records before it are durable.
pub(crate) enum Output {
    Arrived(oneshot::Sender<()>),
    Admit {
        admitted: Admitted,
        reply: oneshot::Sender<Result<Admitted, NotAdmitted>>,
    },
    Signal {
        to: ParticipantId,
        message: ServerMessage,
    },
    Judge {
        session: SessionId,
        episode: u32,
    },
    History(HistoryRequest),
}

impl Committer {
    pub(crate) fn new(store: Arc<dyn JournalStore>, events: mpsc::UnboundedSender<Event>) -> Self {
        Self {
            store,
            events,
            in_flight: None,
            next: Batch::default(),
            failing: false,
        }
    }

    /// Whether the last write failed: new commands are refused until one works again.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing
    }

    /// Whether everything is on disk and told.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.next.is_empty()
    }

    pub(crate) fn record(&mut self, at_ms: u64, record: Record) {
        self.next.entries.push(NewEntry { at_ms, record });
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.next.outputs.push(output);
    }

    pub(crate) fn view(&mut self, participant: ParticipantId, view: View) {
        self.next.views.insert(participant, view);
    }

    /// Starts the next write if none is under way. What needs no write may be told at once: it is
    /// returned.
    pub(crate) fn turn(&mut self) -> Option<Batch> {
        if self.in_flight.is_some() || self.next.is_empty() {
            return None;
        }
        let batch = std::mem::take(&mut self.next);
        if batch.entries.is_empty() {
            return Some(batch);
        }
        self.in_flight = Some(batch);
        self.write();
        None
    }

    /// The journal's answer: what may be told now. None if the write has to be tried again.
    pub(crate) fn committed(&mut self, result: Result<(), StorageError>) -> Option<Batch> {
        match result {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!("the journal can be written again");
                }
                self.in_flight.take()
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(
                        %error,
                        "the journal cannot be written: the study stands still until it can"
                    );
                }
                None
            }
        }
    }

    /// Hands what is in flight to the journal, for the first time or again: a write that failed
    /// has left nothing behind.
    pub(crate) fn write(&mut self) {
        let Some(batch) = &self.in_flight else {
            return;
        };
        let events = self.events.clone();
        self.store.append(
            batch.entries.clone(),
            Box::new(move |result| {
                // The study's task is gone only when the server ends.
                let _ = events.send(Event::Committed(result.map(drop)));
            }),
        );
    }
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.outputs.is_empty() && self.views.is_empty()
    }
}
