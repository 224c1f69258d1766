//! What a participant's pages have to upload and the server has not acknowledged.

use std::collections::{BTreeMap, VecDeque};

use igym_protocol::{
    RefusalCode, SessionId, Upload, UploadBody, UploadId, decode_upload, encode_upload,
};

/// Numbers, encodes and keeps uploads until the server has them on disk.
///
/// One outbox lives as long as its page: `seq` counts within the page's incarnation, across
/// episodes. It holds exactly what is unacknowledged. That is bounded by what one episode
/// produces, because the server opens the next episode only when it has the seals of the last.
///
/// What earlier pages of the participant left in the browser is delivered first, under their
/// incarnations. For that the host stores what [`poll_kept`](Outbox::poll_kept) gives and deletes
/// what [`poll_settled`](Outbox::poll_settled) names.
///
/// ```
/// use igym_play::Outbox;
/// use igym_protocol::{SessionId, UploadBody};
///
/// let mut outbox = Outbox::new(1);
/// outbox.push(SessionId(uuid::Uuid::nil()), 0, UploadBody::Flushed);
/// let sent = outbox.poll().expect("one upload is due");
/// let stored = outbox.poll_kept().expect("it is to be stored, too");
///
/// // The connection broke before the server stored it: it is sent again, byte for byte.
/// outbox.handle_reconnect(0);
/// assert_eq!(outbox.poll(), Some(sent));
///
/// // The page was loaded again before the server acknowledged it.
/// let mut outbox = Outbox::new(2);
/// assert!(outbox.restore(stored.bytes));
/// assert_eq!(outbox.earlier(), 1);
/// outbox.poll();
/// outbox.handle_ack(1, 1);
/// assert_eq!(outbox.unacknowledged(), 0);
/// assert_eq!(outbox.poll_settled(), Some(stored.id));
/// ```
#[derive(Debug)]
pub struct Outbox {
    incarnation: u32,
    /// By incarnation; the last is this page's own.
    lanes: BTreeMap<u32, Lane>,
    restored_bytes: usize,
    dropped: u32,
}

/// An upload to be stored by the host until it is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: UploadId,
    pub bytes: Vec<u8>,
}

/// The uploads of one page.
#[derive(Debug, Default)]
struct Lane {
    /// Encoded uploads in order of `seq`, the first of them `acknowledged + 1`.
    kept: VecDeque<Vec<u8>>,
    acknowledged: u32,
    /// How many of `kept` were sent on this connection.
    sent: usize,
    /// The host was given every upload up to this one to store.
    stored: u32,
    /// The host was told that every upload up to this one is settled.
    settled: u32,
}

impl Outbox {
    /// Uploads sent and not acknowledged before `poll` pauses, so that a reconnect after a long
    /// silence does not pour everything at once into a server that limits rates.
    pub const IN_FLIGHT: usize = 32;
    /// Bytes of earlier pages' uploads that are taken; more than an episode makes.
    pub const RESTORED_BYTES: usize = 32 * 1024 * 1024;

    /// An empty outbox of a page load; its first upload has `seq` 1.
    pub fn new(incarnation: u32) -> Self {
        Self {
            incarnation,
            lanes: BTreeMap::from([(incarnation, Lane::default())]),
            restored_bytes: 0,
            dropped: 0,
        }
    }

    /// Takes back an upload that an earlier page of the participant had the host store, each
    /// page's in order of their `seq`. False if it is dropped, and counted: it cannot be read, is
    /// not of an earlier page, is not the one after the last, or is too much. Storage in a browser
    /// is in the participant's hands.
    pub fn restore(&mut self, bytes: Vec<u8>) -> bool {
        let taken = self.take_restored(bytes).is_some();
        self.dropped += u32::from(!taken);
        taken
    }

    fn take_restored(&mut self, bytes: Vec<u8>) -> Option<()> {
        let upload = decode_upload(&bytes).ok()?;
        let possible = (1..self.incarnation).contains(&upload.incarnation) && upload.seq > 0;
        if !possible || self.restored_bytes + bytes.len() > Self::RESTORED_BYTES {
            return None;
        }
        // What came before the first is acknowledged, or lost: the server will say which.
        let lane = self
            .lanes
            .entry(upload.incarnation)
            .or_insert_with(|| Lane::after(upload.seq - 1));
        if upload.seq != lane.last()?.checked_add(1)? {
            return None;
        }
        self.restored_bytes += bytes.len();
        lane.kept.push_back(bytes);
        lane.stored = upload.seq;
        Some(())
    }

    /// Uploads that the server has not acknowledged, sent or not, of all pages.
    pub fn unacknowledged(&self) -> usize {
        self.lanes.values().map(|lane| lane.kept.len()).sum()
    }

    /// Those of them that earlier pages made.
    pub fn earlier(&self) -> usize {
        self.earlier_lanes().map(|(_, lane)| lane.kept.len()).sum()
    }

    /// Bytes held for uploads that the server has not acknowledged.
    pub fn unacknowledged_bytes(&self) -> usize {
        self.lanes.values().map(Lane::bytes).sum()
    }

    /// Uploads of earlier pages that were given up: those that `restore` did not take, and those
    /// that the server will never take.
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// The server has every upload of the page load up to `seq` on disk. An old or impossible
    /// `seq` changes nothing.
    pub fn handle_ack(&mut self, incarnation: u32, seq: u32) {
        let earlier = incarnation < self.incarnation;
        if let Some(lane) = self.lanes.get_mut(&incarnation) {
            lane.handle_ack(seq, earlier);
        }
    }

    /// A new connection stands and the server has every upload of this page up to `acknowledged`:
    /// the rest is sent again, in order.
    pub fn handle_reconnect(&mut self, acknowledged: u32) {
        self.handle_ack(self.incarnation, acknowledged);
        self.send_again();
    }

    /// The server refused an upload; poll again after a while. What is not acknowledged is sent
    /// again, in order. What an earlier page made and the server will never take is given up, with
    /// all that follows it, since uploads are taken in order.
    pub fn handle_refusal(&mut self, upload: UploadId, code: RefusalCode) {
        let final_word = match code {
            RefusalCode::TooFast | RefusalCode::Storage => false,
            RefusalCode::Malformed
            | RefusalCode::Version
            | RefusalCode::UnknownToken
            | RefusalCode::WrongState
            | RefusalCode::NotAMember
            | RefusalCode::TooLarge
            | RefusalCode::OutOfOrder => true,
        };
        if upload.incarnation < self.incarnation
            && let Some(lane) = self.lanes.get_mut(&upload.incarnation)
            // What follows a postponed upload is refused for the gap before it.
            && upload.seq == lane.acknowledged + 1
            && final_word
        {
            self.dropped += lane.kept.len() as u32;
            lane.acknowledged += lane.kept.len() as u32;
            lane.kept.clear();
        }
        self.send_again();
    }

    /// Takes an upload in, as the last.
    pub fn push(&mut self, session: SessionId, episode: u32, body: UploadBody) {
        let incarnation = self.incarnation;
        let lane = self.own_lane();
        let upload = Upload {
            incarnation,
            seq: lane.acknowledged + lane.kept.len() as u32 + 1,
            session,
            episode,
            body,
        };
        lane.kept.push_back(encode_upload(&upload));
    }

    /// The next binary frame to send: those of earlier pages first.
    pub fn poll(&mut self) -> Option<Vec<u8>> {
        let in_flight: usize = self.lanes.values().map(|lane| lane.sent).sum();
        if in_flight >= Self::IN_FLIGHT {
            return None;
        }
        let lane = self
            .lanes
            .values_mut()
            .find(|lane| lane.sent < lane.kept.len())?;
        let bytes = lane.kept.get(lane.sent)?.clone();
        lane.sent += 1;
        Some(bytes)
    }

    /// The next upload of this page for the host to store; one that is acknowledged already is
    /// left out.
    pub fn poll_kept(&mut self) -> Option<Kept> {
        let incarnation = self.incarnation;
        let lane = self.own_lane();
        lane.stored = lane.stored.max(lane.acknowledged);
        let index = (lane.stored - lane.acknowledged) as usize;
        let bytes = lane.kept.get(index)?.clone();
        lane.stored += 1;
        let seq = lane.stored;
        Some(Kept {
            id: UploadId { incarnation, seq },
            bytes,
        })
    }

    /// What the host need store no longer: every upload of that page up to that `seq`.
    pub fn poll_settled(&mut self) -> Option<UploadId> {
        let (incarnation, lane) = self
            .lanes
            .iter_mut()
            .find(|(_, lane)| lane.settled < lane.acknowledged.min(lane.stored))?;
        lane.settled = lane.acknowledged;
        let id = UploadId {
            incarnation: *incarnation,
            seq: lane.settled,
        };
        Some(id)
    }

    fn send_again(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.sent = 0;
        }
    }

    fn earlier_lanes(&self) -> impl Iterator<Item = (&u32, &Lane)> {
        self.lanes.range(..self.incarnation)
    }

    fn own_lane(&mut self) -> &mut Lane {
        self.lanes.entry(self.incarnation).or_default()
    }
}

impl Lane {
    fn after(acknowledged: u32) -> Self {
        Self {
            acknowledged,
            stored: acknowledged,
            settled: acknowledged,
            ..Self::default()
        }
    }

    fn bytes(&self) -> usize {
        self.kept.iter().map(Vec::len).sum()
    }

    fn last(&self) -> Option<u32> {
        self.acknowledged.checked_add(self.kept.len() as u32)
    }

    /// Nothing that was never sent on this connection can be acknowledged by it, but an
    /// acknowledgement may overtake a reconnect: what matters is that we made that upload. Of an
    /// earlier page the server may have more than the browser kept.
    fn handle_ack(&mut self, seq: u32, earlier: bool) {
        let mut newly = seq.saturating_sub(self.acknowledged) as usize;
        if newly > self.kept.len() {
            if !earlier {
                return;
            }
            newly = self.kept.len();
        }
        self.kept.drain(..newly);
        self.acknowledged += newly as u32;
        self.sent = self.sent.saturating_sub(newly);
    }
}
