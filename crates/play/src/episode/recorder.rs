//! What has happened and is not uploaded yet.

use std::collections::VecDeque;

use igym_protocol::{
    AuthoredInput, CanonicalRow, ClientEvent, JournalBatch, KeyEvent, Limits, NetworkSample,
    PresentedFrame, ReceivedInput, Rows, UploadBody,
};

/// How late a record may leave the page, in microseconds.
const LATEST: u64 = 250_000;
/// A tick may come this much later than planned, in microseconds.
const SLACK: u64 = 10_000;
/// Rows that make an upload of their own while play goes on.
const CHUNK: usize = 64;
/// Encoded bytes of one upload's records, well under `Limits::UPLOAD_BYTES`.
const BUDGET: usize = 128 * 1024;
/// Waiting records of the kinds that frames do not bound (keys, events, samples).
const WAITING: usize = 4096;

/// Collects records and hands them out in time, within the limits of an upload.
///
/// Memory stays bounded if nobody takes the uploads: authored and received inputs, presented frames
/// and rows come once per frame, so the episode's length bounds them, and they are never dropped;
/// keys, events and network samples beyond a number are counted and dropped.
#[derive(Debug)]
pub(super) struct Recorder {
    /// A poll is expected this often, in microseconds.
    interval: u64,
    journal: JournalBatch,
    /// Time of the oldest record in `journal`.
    oldest: Option<u64>,
    dropped: u32,
    first_row: u32,
    rows: VecDeque<CanonicalRow>,
}

impl Recorder {
    pub(super) fn new(interval: u64) -> Self {
        Self {
            interval,
            journal: JournalBatch::default(),
            oldest: None,
            dropped: 0,
            first_row: 0,
            rows: VecDeque::new(),
        }
    }

    pub(super) fn authored(&mut self, input: AuthoredInput) {
        self.note(input.at_us);
        self.journal.authored.push(input);
    }

    pub(super) fn received(&mut self, input: ReceivedInput) {
        self.note(input.at_us);
        self.journal.received.push(input);
    }

    pub(super) fn presented(&mut self, frame: PresentedFrame) {
        self.note(frame.at_us);
        self.journal.presented.push(frame);
    }

    pub(super) fn key(&mut self, event: KeyEvent) {
        if self.has_room(self.journal.keys.len()) {
            self.note(event.at_us);
            self.journal.keys.push(event);
        }
    }

    /// `at_us` is the event's own time.
    pub(super) fn event(&mut self, at_us: u64, event: ClientEvent) {
        if self.has_room(self.journal.events.len()) {
            self.note(at_us);
            self.journal.events.push(event);
        }
    }

    pub(super) fn network(&mut self, sample: NetworkSample) {
        if self.has_room(self.journal.network.len()) {
            self.note(sample.at_us);
            self.journal.network.push(sample);
        }
    }

    /// The next canonical row; rows come in frame order without gaps.
    pub(super) fn row(&mut self, row: CanonicalRow) {
        self.rows.push_back(row);
    }

    /// The next upload that is due; everything is due when the episode is `closing`.
    pub(super) fn poll(&mut self, now: u64, closing: bool) -> Option<UploadBody> {
        let due = self
            .oldest
            .is_some_and(|oldest| closing || now + self.interval + SLACK >= oldest + LATEST);
        if due {
            return Some(UploadBody::Journal(self.take_batch(now)));
        }
        if self.rows.len() >= CHUNK || (closing && !self.rows.is_empty()) {
            return Some(UploadBody::Rows(self.take_rows()));
        }
        None
    }

    fn note(&mut self, at: u64) {
        self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
    }

    fn has_room(&mut self, waiting: usize) -> bool {
        let room = waiting < WAITING;
        self.dropped += u32::from(!room);
        room
    }

    fn take_batch(&mut self, now: u64) -> JournalBatch {
        let mut budget = BUDGET;
        let journal = &mut self.journal;
        let mut batch = JournalBatch {
            authored: take(&mut journal.authored, &mut budget, |input| {
                input.input.len()
            }),
            received: take(&mut journal.received, &mut budget, |input| {
                input.input.len()
            }),
            presented: take(&mut journal.presented, &mut budget, |frame| {
                inputs_cost(&frame.inputs)
            }),
            keys: take(&mut journal.keys, &mut budget, |event| event.key.len()),
            events: take(&mut journal.events, &mut budget, |event| match event {
                ClientEvent::Error { message, .. } => message.len(),
                ClientEvent::Rollback { .. }
                | ClientEvent::Stall { .. }
                | ClientEvent::Resume { .. }
                | ClientEvent::Desync { .. }
                | ClientEvent::Visibility { .. }
                | ClientEvent::Route { .. } => 0,
            }),
            network: take(&mut journal.network, &mut budget, |_| 0),
        };
        if self.journal == JournalBatch::default() {
            self.oldest = None;
        }
        if self.dropped > 0 && batch.events.len() < Limits::BATCH_RECORDS {
            batch.events.push(ClientEvent::Error {
                at_us: now,
                message: format!(
                    "{} key, event or network records were dropped: uploads were not taken in time",
                    self.dropped
                ),
            });
            self.dropped = 0;
        }
        batch
    }

    fn take_rows(&mut self) -> Rows {
        let mut budget = BUDGET;
        let first = self.first_row;
        let mut rows = Vec::new();
        while let Some(row) = self.rows.front()
            && rows.len() < Limits::ROWS
        {
            let cost = FIXED + 2 * 16 + row.outcome.len() + inputs_cost(&row.inputs);
            if cost > budget && !rows.is_empty() {
                break;
            }
            budget = budget.saturating_sub(cost);
            rows.extend(self.rows.pop_front());
        }
        self.first_row += rows.len() as u32;
        Rows { first, rows }
    }
}

/// More than the numbers of any record take when encoded.
const FIXED: usize = 48;

/// Takes what fits from the front of `waiting`; `variable` is the length of a record's own bytes.
fn take<T>(waiting: &mut Vec<T>, budget: &mut usize, variable: impl Fn(&T) -> usize) -> Vec<T> {
    let fitting = waiting
        .iter()
        .take(Limits::BATCH_RECORDS)
        .take_while(|record| {
            let rest = budget.checked_sub(FIXED + variable(record));
            *budget = rest.unwrap_or(0);
            rest.is_some()
        })
        .count();
    waiting.drain(..fitting).collect()
}

fn inputs_cost(inputs: &[Vec<u8>]) -> usize {
    inputs.iter().map(|input| 1 + input.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use igym_protocol::{InputSource, SessionId, Upload, decode_upload, encode_upload};
    use uuid::Uuid;

    const FRAME: u64 = 33_333;

    fn authored(frame: u32, at_us: u64) -> AuthoredInput {
        AuthoredInput {
            frame,
            player: 0,
            input: vec![7; Limits::INPUT_BYTES],
            source: InputSource::Human,
            at_us,
            delay: 2,
        }
    }

    fn row() -> CanonicalRow {
        CanonicalRow {
            inputs: vec![vec![1; Limits::INPUT_BYTES]; Limits::PLAYERS],
            outcome: vec![2; Limits::OUTCOME_BYTES],
            digest: Some([3; 16]),
            hash: [4; 16],
        }
    }

    fn decodable(body: &UploadBody) {
        let upload = Upload {
            incarnation: 1,
            seq: 1,
            session: SessionId(Uuid::nil()),
            episode: 0,
            body: body.clone(),
        };
        assert_eq!(
            decode_upload(&encode_upload(&upload)).expect("within limits"),
            upload
        );
    }

    #[test]
    fn a_batch_leaves_before_it_is_too_late_if_polled_each_frame() {
        let mut recorder = Recorder::new(FRAME);
        recorder.authored(authored(0, 1_000));
        let mut left_at = None;
        for poll in 0..20 {
            let now = 1_500 + poll * FRAME;
            if recorder.poll(now, false).is_some() {
                left_at = Some(now);
                break;
            }
        }
        let age = left_at.expect("the batch leaves") - 1_000;
        assert!(
            (LATEST - 2 * FRAME..=LATEST).contains(&age),
            "left after {age} µs"
        );
        assert_eq!(recorder.poll(10_000_000, true), None, "nothing is left");
    }

    #[test]
    fn slow_ticks_make_batches_leave_earlier() {
        let mut recorder = Recorder::new(500_000);
        recorder.authored(authored(0, 1_000));
        assert!(recorder.poll(1_000, false).is_some());
    }

    #[test]
    fn uploads_stay_within_their_limits_and_lose_nothing() {
        let mut recorder = Recorder::new(FRAME);
        for frame in 0..5_000 {
            recorder.authored(authored(frame, 0));
            recorder.presented(PresentedFrame {
                frame,
                at_us: u64::MAX / 4,
                inputs: vec![vec![9; Limits::INPUT_BYTES]; Limits::PLAYERS],
                predicted: u16::MAX,
            });
        }
        (0..60).for_each(|_| recorder.row(row()));
        let (mut inputs, mut frames, mut rows) = (0, 0, 0);
        while let Some(body) = recorder.poll(0, true) {
            decodable(&body);
            match body {
                UploadBody::Journal(batch) => {
                    for (input, frame) in batch.authored.iter().zip(inputs..) {
                        assert_eq!(input.frame, frame);
                    }
                    for (presented, frame) in batch.presented.iter().zip(frames..) {
                        assert_eq!(presented.frame, frame);
                    }
                    inputs += batch.authored.len() as u32;
                    frames += batch.presented.len() as u32;
                }
                UploadBody::Rows(chunk) => {
                    assert_eq!(chunk.first, rows);
                    rows += chunk.rows.len() as u32;
                }
                other => panic!("a recorder does not make {other:?}"),
            }
        }
        assert_eq!((inputs, frames, rows), (5_000, 5_000, 60));
    }

    #[test]
    fn keys_that_nobody_takes_are_bounded_and_the_loss_is_reported() {
        let mut recorder = Recorder::new(FRAME);
        for at_us in 0..3 * WAITING as u64 {
            recorder.key(KeyEvent {
                at_us,
                key: "a".to_owned(),
                down: at_us % 2 == 0,
                frame: 0,
            });
        }
        let mut kept = 0;
        let mut reports = Vec::new();
        while let Some(UploadBody::Journal(batch)) = recorder.poll(0, true) {
            kept += batch.keys.len();
            reports.extend(batch.events);
        }
        assert_eq!(kept, WAITING);
        let [ClientEvent::Error { message, .. }] = reports.as_slice() else {
            panic!("one report of the loss: {reports:?}");
        };
        assert!(
            message.starts_with(&format!("{} ", 2 * WAITING)),
            "{message}"
        );
    }
}
