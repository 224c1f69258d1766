//! What all tasks of the server share.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use igym_protocol::{Refusal, RefusalCode};
use igym_storage::JournalStore;
use tokio::sync::{mpsc, watch};

use crate::{
    Summary, Tuning,
    actor::{Command, Event},
    arrivals::Arrivals,
    assets::Assets,
    clock::Clock,
    metrics::{Metrics, SceneKind},
    pages::Pages,
    python::Python,
    relays::Relays,
    roster::Roster,
};

pub(crate) struct App {
    pub(crate) study_title: String,
    /// The digest of the lock that pages load Python by, if the study needs it.
    pub(crate) python: Option<String>,
    pub(crate) clock: Clock,
    pub(crate) tuning: Tuning,
    pub(crate) store: Arc<dyn JournalStore>,
    pub(crate) pages: Pages,
    pub(crate) assets: Assets,
    pub(crate) python_files: Python,
    pub(crate) roster: Arc<Roster>,
    pub(crate) relays: Arc<Relays>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) scenes: Vec<SceneKind>,
    pub(crate) arrivals: Arrivals,
    pub(crate) summary: watch::Receiver<Summary>,
    /// To the study's task, from participants: bounded, so that a flood waits at its connection.
    pub(crate) commands: mpsc::Sender<Command>,
    /// To the study's task, from the server itself.
    pub(crate) events: mpsc::UnboundedSender<Event>,
    /// True once the server is to stop.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Held by every connection; the server waits until all are gone.
    pub(crate) connections: mpsc::Sender<()>,
}

/// How many messages were refused, by kind: instead of a line in the log for each.
#[derive(Default)]
pub(crate) struct Refusals {
    counts: Mutex<BTreeMap<RefusalCode, u64>>,
}

impl Refusals {
    /// Every refusal that is sent passes here once.
    pub(crate) fn count(&self, refusal: &Refusal) {
        tracing::trace!(code = ?refusal.code, reason = %refusal.message, "refused");
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(refusal.code).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<RefusalCode, u64> {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

pub(crate) fn refusal(code: RefusalCode, message: impl Into<String>) -> Refusal {
    Refusal {
        upload: None,
        code,
        message: message.into(),
    }
}

/// Waits until the server is to stop.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // A sender that is gone has stopped.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
