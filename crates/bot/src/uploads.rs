//! What the browser keeps for the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use igym_play::Outbox;
use igym_protocol::{ParticipantId, RefusalCode, SessionId, UploadBody, UploadId};

/// What a browser keeps of its pages' uploads, over page loads. Clones share it, as tabs do.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<State>>);

/// Which uploads the server said are on its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub participant: ParticipantId,
    /// By incarnation: the highest `seq` up to which all are.
    pub uploads: BTreeMap<u32, u32>,
}

#[derive(Debug, Default)]
struct State {
    participant: Option<ParticipantId>,
    /// Not acknowledged.
    waiting: BTreeMap<UploadId, Vec<u8>>,
    acknowledged: BTreeMap<u32, u32>,
}

impl Kept {
    /// What the server acknowledged to any page; none if no page was ever welcomed.
    pub fn acknowledged(&self) -> Option<Acknowledged> {
        let state = self.lock();
        Some(Acknowledged {
            participant: state.participant?,
            uploads: state.acknowledged.clone(),
        })
    }

    /// Uploads that wait for a page to deliver them.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The uploads of a page, and those that earlier pages left in the browser.
pub(crate) struct Uploads {
    kept: Kept,
    /// None before the server has said which page load this is.
    outbox: Option<Outbox>,
    flushed: Option<(SessionId, u32)>,
}

impl Uploads {
    pub(crate) fn new(kept: Kept) -> Self {
        Self {
            kept,
            outbox: None,
            flushed: None,
        }
    }

    /// Whether everything is delivered.
    pub(crate) fn is_empty(&self) -> bool {
        self.outbox
            .as_ref()
            .is_some_and(|outbox| outbox.unacknowledged() == 0)
    }

    /// Whether everything of earlier pages is.
    pub(crate) fn delivered_earlier(&self) -> bool {
        self.outbox
            .as_ref()
            .is_some_and(|outbox| outbox.earlier() == 0)
    }

    pub(crate) fn handle_welcome(
        &mut self,
        participant: ParticipantId,
        incarnation: u32,
        acknowledged: u32,
    ) {
        let mut state = self.kept.lock();
        state.participant = Some(participant);
        let outbox = self.outbox.get_or_insert_with(|| {
            let mut outbox = Outbox::new(incarnation);
            for bytes in state.waiting.values() {
                outbox.restore(bytes.clone());
            }
            outbox
        });
        drop(state);
        outbox.handle_reconnect(acknowledged);
        self.acknowledged(incarnation, acknowledged);
        self.settle();
    }

    pub(crate) fn handle_ack(&mut self, incarnation: u32, seq: u32) {
        if let Some(outbox) = &mut self.outbox {
            outbox.handle_ack(incarnation, seq);
        }
        self.acknowledged(incarnation, seq);
        self.settle();
    }

    pub(crate) fn handle_refusal(&mut self, upload: UploadId, code: RefusalCode) {
        if let Some(outbox) = &mut self.outbox {
            outbox.handle_refusal(upload, code);
        }
        self.settle();
    }

    pub(crate) fn push(&mut self, session: SessionId, episode: u32, body: UploadBody) {
        let Some(outbox) = &mut self.outbox else {
            return;
        };
        outbox.push(session, episode, body);
        let mut state = self.kept.lock();
        while let Some(kept) = outbox.poll_kept() {
            state.waiting.insert(kept.id, kept.bytes);
        }
    }

    /// Answers a server that is about to cut an episode that this page has no part in.
    pub(crate) fn flush(&mut self, session: SessionId, episode: u32) {
        if self.flushed != Some((session, episode)) {
            self.flushed = Some((session, episode));
            self.push(session, episode, UploadBody::Flushed);
        }
    }

    pub(crate) fn poll(&mut self) -> Option<Vec<u8>> {
        self.outbox.as_mut()?.poll()
    }

    fn acknowledged(&self, incarnation: u32, seq: u32) {
        let mut state = self.kept.lock();
        let highest = state.acknowledged.entry(incarnation).or_default();
        *highest = seq.max(*highest);
    }

    /// The browser forgets what is settled.
    fn settle(&mut self) {
        let Some(outbox) = &mut self.outbox else {
            return;
        };
        let mut state = self.kept.lock();
        while let Some(id) = outbox.poll_settled() {
            state
                .waiting
                .retain(|kept, _| kept.incarnation != id.incarnation || kept.seq > id.seq);
        }
    }
}
