//! What a page has to upload and the server has not acknowledged.

use std::collections::VecDeque;

use igym_protocol::{SessionId, Upload, UploadBody, encode_upload};

/// Numbers, encodes and keeps uploads until the server has them on disk.
///
/// One outbox lives as long as its page: `seq` counts within the page's incarnation, across
/// episodes. It holds exactly what is unacknowledged. That is bounded by what one episode
/// produces, because the server opens the next episode only when it has the seals of the last.
///
/// ```
/// use igym_play::Outbox;
/// use igym_protocol::{SessionId, UploadBody};
///
/// let mut outbox = Outbox::new(1);
/// outbox.push(SessionId(uuid::Uuid::nil()), 0, UploadBody::Flushed);
/// let sent = outbox.poll().expect("one upload is due");
///
/// // The connection broke before the server stored it: it is sent again, byte for byte.
/// outbox.handle_reconnect(0);
/// assert_eq!(outbox.poll(), Some(sent));
///
/// outbox.handle_ack(1);
/// assert_eq!(outbox.unacknowledged(), 0);
/// ```
#[derive(Debug)]
pub struct Outbox {
    incarnation: u32,
    /// Encoded uploads in order of `seq`, the first of them `acknowledged + 1`.
    kept: VecDeque<Vec<u8>>,
    acknowledged: u32,
    /// How many of `kept` were sent on this connection.
    sent: usize,
}

impl Outbox {
    /// Uploads sent and not acknowledged before `poll` pauses, so that a reconnect after a long
    /// silence does not pour everything at once into a server that limits rates.
    pub const IN_FLIGHT: usize = 32;

    /// An empty outbox of a page load; its first upload has `seq` 1.
    pub fn new(incarnation: u32) -> Self {
        Self {
            incarnation,
            kept: VecDeque::new(),
            acknowledged: 0,
            sent: 0,
        }
    }

    /// Uploads that the server has not acknowledged, sent or not.
    pub fn unacknowledged(&self) -> usize {
        self.kept.len()
    }

    /// Bytes held for uploads that the server has not acknowledged.
    pub fn unacknowledged_bytes(&self) -> usize {
        self.kept.iter().map(Vec::len).sum()
    }

    /// The server has every upload up to `seq` on disk. An old or impossible `seq` changes nothing.
    pub fn handle_ack(&mut self, seq: u32) {
        let newly = seq.saturating_sub(self.acknowledged) as usize;
        // Nothing that was never sent on this connection can be acknowledged by it, but an
        // acknowledgement may overtake a reconnect: what matters is that we made that upload.
        if newly > self.kept.len() {
            return;
        }
        self.kept.drain(..newly);
        self.acknowledged += newly as u32;
        self.sent = self.sent.saturating_sub(newly);
    }

    /// A new connection stands and the server has every upload up to `acknowledged`: the rest is
    /// sent again, in order. Also the answer to a refused upload.
    pub fn handle_reconnect(&mut self, acknowledged: u32) {
        self.handle_ack(acknowledged);
        self.sent = 0;
    }

    /// Takes an upload in, as the last.
    pub fn push(&mut self, session: SessionId, episode: u32, body: UploadBody) {
        let seq = self.acknowledged + self.kept.len() as u32 + 1;
        self.kept.push_back(encode_upload(&Upload {
            incarnation: self.incarnation,
            seq,
            session,
            episode,
            body,
        }));
    }

    /// The next binary frame to send.
    pub fn poll(&mut self) -> Option<Vec<u8>> {
        if self.sent >= Self::IN_FLIGHT {
            return None;
        }
        let bytes = self.kept.get(self.sent)?.clone();
        self.sent += 1;
        Some(bytes)
    }
}
