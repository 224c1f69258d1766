//! What an earlier page left in the browser, delivered by a later one.

use igym_protocol::{RefusalCode, ServerMessage, SessionId, Upload, UploadBody, UploadId};
use igym_storage_sqlite::SqliteStore;

use crate::{
    support::{Client, TestServer},
    uploads::journal_upload,
};

/// Upload `seq` of page load `incarnation` of player 0.
fn upload_of(session: SessionId, incarnation: u32, seq: u32) -> Upload {
    Upload {
        incarnation,
        ..journal_upload(session, seq, seq)
    }
}

/// Waits until this many uploads of that page are acknowledged.
async fn acknowledged(page: &mut Client, incarnation: u32, seq: u32) {
    page.until(|message| match message {
        ServerMessage::Ack {
            incarnation: of,
            seq: up_to,
        } if of == incarnation => (up_to >= seq).then_some(()),
        _ => None,
    })
    .await;
}

fn stored(server: &TestServer) -> Vec<(u32, u32)> {
    let records = server.uploads().into_iter();
    let mut stored: Vec<_> = records
        .filter_map(|record| match record {
            igym_protocol::Record::Uploaded { upload, .. } => {
                Some((upload.incarnation, upload.seq))
            }
            _ => None,
        })
        .collect();
    stored.sort_unstable();
    stored
}

async fn restarted(server: TestServer) -> TestServer {
    let data = server.stop().await;
    let store = std::sync::Arc::new(SqliteStore::open(data.path()).unwrap());
    TestServer::start_on(2, data, store, |_| {}).await
}

#[tokio::test]
async fn a_later_page_delivers_what_an_earlier_one_left() {
    let server = TestServer::start().await;
    let ([mut one, _two], [session, _], _) = Client::pair_in_play(&server).await;
    let session = session.session;
    for seq in 1..=3 {
        one.upload(&upload_of(session, 1, seq)).await;
    }
    acknowledged(&mut one, 1, 3).await;
    // The second page brings the rest of the first, some of it for the second time; then it is
    // loaded again before it has said anything itself.
    let mut one = Client::open(&server, one.token.clone()).await;
    assert_eq!((one.resume.incarnation, one.acknowledged), (2, 0));
    for seq in 2..=5 {
        one.upload(&upload_of(session, 1, seq)).await;
    }
    acknowledged(&mut one, 1, 5).await;
    one.upload(&upload_of(session, 2, 1)).await;
    acknowledged(&mut one, 2, 1).await;
    // After a restart of the server the third page brings what is left of both.
    let token = one.token.clone();
    let server = restarted(server).await;
    let mut one = Client::open(&server, token).await;
    assert_eq!(one.resume.incarnation, 3);
    for (incarnation, seq) in [(1, 5), (1, 6), (2, 2), (3, 1), (2, 3), (1, 7)] {
        one.upload(&upload_of(session, incarnation, seq)).await;
    }
    acknowledged(&mut one, 1, 7).await;
    one.barrier().await;
    let mut expected: Vec<(u32, u32)> = (1..=7).map(|seq| (1, seq)).collect();
    expected.extend([(2, 1), (2, 2), (2, 3), (3, 1)]);
    assert_eq!(stored(&server), expected, "each once");
}

#[tokio::test]
async fn the_same_page_goes_on_after_a_restart() {
    let server = TestServer::start().await;
    let ([mut one, _two], [session, _], _) = Client::pair_in_play(&server).await;
    let session = session.session;
    for seq in 1..=3 {
        one.upload(&upload_of(session, 1, seq)).await;
    }
    acknowledged(&mut one, 1, 3).await;
    let (token, resume) = (one.token.clone(), one.resume.clone());
    let server = restarted(server).await;
    let mut one = Client::resume(&server, &token, &resume).await;
    assert_eq!(one.acknowledged, 3);
    one.upload(&upload_of(session, 1, 4)).await;
    acknowledged(&mut one, 1, 4).await;
}

#[tokio::test]
async fn uploads_of_page_loads_that_cannot_be_are_refused_by_name() {
    let server = TestServer::start().await;
    let ([one, _two], [session, _], _) = Client::pair_in_play(&server).await;
    let session = session.session;
    let mut one = Client::open(&server, one.token.clone()).await;
    let before = server.journal();
    for (incarnation, seq, code) in [
        (0, 1, RefusalCode::WrongState),
        (3, 1, RefusalCode::WrongState),
        (u32::MAX, 1, RefusalCode::WrongState),
        (1, 2, RefusalCode::OutOfOrder),
        (1, 0, RefusalCode::OutOfOrder),
        (2, 2, RefusalCode::OutOfOrder),
    ] {
        one.upload(&upload_of(session, incarnation, seq)).await;
        let refusal = one.refusal().await;
        assert_eq!(refusal.code, code, "{incarnation} {seq}");
        assert_eq!(refusal.upload, Some(UploadId { incarnation, seq }));
    }
    // Named too where the reason lies elsewhere.
    let foreign = SessionId(uuid::Uuid::nil());
    one.upload(&upload_of(foreign, 1, 1)).await;
    let refusal = one.refusal().await;
    assert_eq!(refusal.code, RefusalCode::NotAMember);
    let id = UploadId {
        incarnation: 1,
        seq: 1,
    };
    assert_eq!(refusal.upload, Some(id));
    assert_eq!(server.journal(), before);
}

/// Who has taken over is alone heard: a page that hears nothing of it changes nothing.
#[tokio::test]
async fn a_page_that_was_taken_over_delivers_nothing_more() {
    let server = TestServer::start().await;
    let ([one, _two], [session, _], _) = Client::pair_in_play(&server).await;
    let session = session.session;
    let token = one.token.clone();
    let (mut sender, mut receiver) = one.split();
    let mut new = Client::open(&server, token).await;
    for seq in 1..=3 {
        let forged = igym_protocol::encode_upload(&upload_of(session, 1, seq));
        let message = tokio_tungstenite::tungstenite::Message::binary(forged);
        sender.send(message).await;
    }
    let (_, code) = receiver.hear_out().await;
    assert_eq!(code, Some(4000));
    new.barrier().await;
    assert_eq!(stored(&server), []);
    new.upload(&upload_of(session, 1, 1)).await;
    acknowledged(&mut new, 1, 1).await;
}

/// What a page may upload about an episode is not counted from nothing by a server that starts.
#[tokio::test]
async fn budgets_survive_a_restart() {
    let server = TestServer::start().await;
    let ([mut one, _two], [session, _], _) = Client::pair_in_play(&server).await;
    let session = session.session;
    let novel = |seq| {
        let message = "x".repeat(igym_protocol::Limits::TEXT_CHARS);
        let event = igym_protocol::ClientEvent::Error { at_us: 1, message };
        Upload {
            body: UploadBody::Journal(igym_protocol::JournalBatch {
                events: vec![event; 240],
                ..igym_protocol::JournalBatch::default()
            }),
            ..upload_of(session, 1, seq)
        }
    };
    let size = igym_protocol::encode_upload(&novel(1)).len();
    // 4 MiB and 18 KiB for each of 120 frames.
    let budget = (4 << 20) + 120 * (16 + 2) * 1024;
    let affordable = u32::try_from(budget / size).unwrap();
    assert!(affordable > 20);
    for seq in 1..=affordable - 1 {
        one.upload(&novel(seq)).await;
    }
    acknowledged(&mut one, 1, affordable - 1).await;
    let (token, resume) = (one.token.clone(), one.resume.clone());
    let server = restarted(server).await;
    let mut one = Client::resume(&server, &token, &resume).await;
    one.upload(&novel(affordable)).await;
    acknowledged(&mut one, 1, affordable).await;
    one.upload(&novel(affordable + 1)).await;
    assert_eq!(one.refused().await, RefusalCode::TooLarge);
}
