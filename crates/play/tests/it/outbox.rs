//! Nothing acknowledged is lost, nothing is stored twice, whatever the connection does.

use igym_play::Outbox;
use igym_protocol::{
    RefusalCode, SessionId, Upload, UploadBody, UploadId, decode_upload, encode_upload,
};
use proptest::prelude::*;
use uuid::Uuid;

/// A server as the protocol has it: stores each `seq` once, in order, refuses a gap.
#[derive(Default)]
struct Server {
    stored: Vec<Upload>,
}

impl Server {
    fn take(&mut self, bytes: &[u8]) {
        let upload = decode_upload(bytes).expect("uploads are well-formed");
        let next = self.stored.len() as u32 + 1;
        assert!(
            upload.seq <= next,
            "{} leaves a gap before {next}",
            upload.seq
        );
        if upload.seq == next {
            self.stored.push(upload);
        } else {
            let known = &self.stored[upload.seq as usize - 1];
            assert_eq!(*known, upload, "what is sent again is the same");
        }
    }

    fn highest(&self) -> u32 {
        self.stored.len() as u32
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8),
    /// Polled and stored.
    Send,
    /// Polled and lost with the connection.
    SendIntoTheVoid,
    /// The server's acknowledgement arrives.
    Ack,
    /// An acknowledgement from long ago, or one that makes no sense.
    OddAck(u32),
    Reconnect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => any::<u8>().prop_map(Step::Push),
        4 => Just(Step::Send),
        1 => Just(Step::SendIntoTheVoid),
        2 => Just(Step::Ack),
        1 => any::<u32>().prop_map(Step::OddAck),
        1 => Just(Step::Reconnect),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn reconnects_lose_and_repeat_nothing(steps in steps()) {
        let session = SessionId(Uuid::nil());
        let mut outbox = Outbox::new(1);
        let mut server = Server::default();
        let mut pushed = 0;
        let mut connected = true;
        for step in steps {
            match step {
                Step::Push(episode) => {
                    outbox.push(session, u32::from(episode), UploadBody::Flushed);
                    pushed += 1;
                }
                Step::Send if connected => {
                    if let Some(bytes) = outbox.poll() {
                        server.take(&bytes);
                    }
                }
                Step::Send => {}
                Step::SendIntoTheVoid => {
                    outbox.poll();
                    connected = false;
                }
                Step::Ack => outbox.handle_ack(1, server.highest()),
                Step::OddAck(seq) => {
                    // Only what was never made may be acknowledged wrongly.
                    if seq <= server.highest() || seq > pushed {
                        outbox.handle_ack(1, seq);
                    }
                }
                Step::Reconnect => {
                    outbox.handle_reconnect(server.highest());
                    connected = true;
                }
            }
            prop_assert!(outbox.unacknowledged() as u32 + server.highest() >= pushed);
        }
        outbox.handle_reconnect(server.highest());
        loop {
            while let Some(bytes) = outbox.poll() {
                server.take(&bytes);
            }
            if outbox.unacknowledged() == 0 {
                break;
            }
            outbox.handle_ack(1, server.highest());
        }
        prop_assert_eq!(server.highest(), pushed);
        prop_assert_eq!(outbox.unacknowledged_bytes(), 0);
    }
}

#[test]
fn so_many_are_in_flight_and_no_more() {
    let mut outbox = Outbox::new(1);
    let count = 3 * Outbox::IN_FLIGHT;
    for _ in 0..count {
        outbox.push(SessionId(Uuid::nil()), 0, UploadBody::Flushed);
    }
    let sent = std::iter::from_fn(|| outbox.poll()).count();
    assert_eq!(sent, Outbox::IN_FLIGHT);
    outbox.handle_ack(1, 10);
    assert_eq!(std::iter::from_fn(|| outbox.poll()).count(), 10);
    assert_eq!(outbox.unacknowledged(), count - 10);
}

fn stored(incarnation: u32, seq: u32) -> Vec<u8> {
    encode_upload(&Upload {
        incarnation,
        seq,
        session: SessionId(Uuid::nil()),
        episode: 0,
        body: UploadBody::Flushed,
    })
}

#[test]
fn what_earlier_pages_left_goes_first_and_what_cannot_be_is_dropped() {
    let mut outbox = Outbox::new(4);
    outbox.push(SessionId(Uuid::nil()), 0, UploadBody::Flushed);
    let good = [stored(3, 7), stored(1, 1), stored(3, 8), stored(1, 2)];
    assert!(good.into_iter().all(|bytes| outbox.restore(bytes)));
    let bad = [
        Vec::new(),
        b"IGnothing".to_vec(),
        stored(3, 8),
        stored(3, 10),
        stored(4, 1),
        stored(5, 1),
        stored(0, 1),
        stored(2, 0),
    ];
    let count = bad.len() as u32;
    assert!(!bad.into_iter().any(|bytes| outbox.restore(bytes)));
    assert_eq!((outbox.dropped(), outbox.earlier()), (count, 4));
    let polled = std::iter::from_fn(|| outbox.poll());
    let sent: Vec<_> = polled
        .map(|bytes| decode_upload(&bytes).expect("it was decoded before"))
        .map(|upload| (upload.incarnation, upload.seq))
        .collect();
    assert_eq!(sent, [(1, 1), (1, 2), (3, 7), (3, 8), (4, 1)]);

    // The server has more of page 3 than the browser kept, and will never take page 1's second.
    outbox.handle_ack(3, 99);
    outbox.handle_ack(1, 1);
    let second = UploadId {
        incarnation: 1,
        seq: 2,
    };
    outbox.handle_refusal(second, RefusalCode::TooFast);
    assert_eq!(outbox.earlier(), 1, "it is sent again");
    outbox.handle_refusal(second, RefusalCode::NotAMember);
    assert_eq!((outbox.earlier(), outbox.dropped()), (0, count + 1));
    let settled: Vec<_> = std::iter::from_fn(|| outbox.poll_settled())
        .map(|id| (id.incarnation, id.seq))
        .collect();
    assert_eq!(settled, [(1, 2), (3, 8)]);
    assert_eq!(outbox.unacknowledged(), 1, "this page's own");
}
