//! Uploads: stored once, in order, acknowledged when they are on disk.

use igym_protocol::{
    AuthoredInput, CanonicalRow, ClientEvent, InputSource, JournalBatch, Limits, LinkReport,
    NetworkSample, PresentedFrame, ReceivedInput, Record, RefusalCode, Rows, Seal, SessionId,
    Upload, UploadBody, encode_upload,
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, TestServer};

pub(crate) fn upload(session: SessionId, seq: u32, episode: u32, body: UploadBody) -> Upload {
    Upload {
        incarnation: 1,
        seq,
        session,
        episode,
        body,
    }
}

pub(crate) fn authored(player: u8, frame: u32) -> AuthoredInput {
    AuthoredInput {
        frame,
        player,
        input: vec![2],
        source: InputSource::Human,
        at_us: u64::from(frame) * 33_000,
        delay: 2,
    }
}

/// Player 0's input for one frame of episode 0.
pub(crate) fn journal_upload(session: SessionId, seq: u32, frame: u32) -> Upload {
    let batch = JournalBatch {
        authored: vec![authored(0, frame)],
        ..JournalBatch::default()
    };
    upload(session, seq, 0, UploadBody::Journal(batch))
}

fn journal_upload_of(session: SessionId, episode: u32) -> Upload {
    Upload {
        incarnation: 1,
        episode,
        ..journal_upload(session, 1, 1)
    }
}

#[tokio::test]
async fn what_is_acknowledged_is_in_the_journal() {
    let server = TestServer::start().await;
    let ([mut one, mut two], [first, second], _) = Client::pair_in_play(&server).await;
    let mut sent = Vec::new();
    for seq in 1..=50 {
        let uploads = [(&mut one, &first), (&mut two, &second)];
        for (client, session) in uploads {
            let mut upload = journal_upload(session.session, seq, seq);
            if let UploadBody::Journal(batch) = &mut upload.body {
                batch.authored[0].player = session.player;
            }
            client.upload(&upload).await;
            sent.push(Record::Uploaded {
                participant: client.participant,
                player: session.player,
                upload,
            });
        }
    }
    one.acknowledged(50).await;
    two.acknowledged(50).await;
    let mut stored = server.uploads();
    assert_eq!(stored.len(), sent.len());
    for record in sent {
        let index = stored.iter().position(|it| *it == record);
        stored.remove(index.expect("every upload is stored as it was sent"));
    }
}

#[tokio::test]
async fn duplicates_are_acknowledged_again_and_stored_once() {
    let server = TestServer::start_with(1, |_| {}).await;
    let (mut page, session, _) = Client::alone_in_play(&server).await;
    let first = journal_upload(session.session, 1, 0);
    page.upload(&first).await;
    page.acknowledged(1).await;
    for _ in 0..3 {
        page.upload(&first).await;
        assert_eq!(page.acknowledged(1).await, 1);
    }
    // The first writing is final.
    page.upload(&journal_upload(session.session, 1, 9)).await;
    page.acknowledged(1).await;
    let stored = server.uploads();
    assert!(
        matches!(&stored[..], [Record::Uploaded { upload, .. }] if *upload == first),
        "{stored:?}"
    );
}

#[tokio::test]
async fn a_gap_is_refused_and_can_be_filled() {
    let server = TestServer::start_with(1, |_| {}).await;
    let (mut page, session, _) = Client::alone_in_play(&server).await;
    for seq in [0, 2, 3, u32::MAX] {
        page.upload(&journal_upload(session.session, seq, seq % 100))
            .await;
        assert_eq!(page.refused().await, RefusalCode::OutOfOrder, "seq {seq}");
    }
    for seq in [1, 2, 3] {
        page.upload(&journal_upload(session.session, seq, seq))
            .await;
    }
    page.acknowledged(3).await;
    assert_eq!(server.uploads().len(), 3);
}

#[tokio::test]
async fn a_seal_reaches_the_study_after_it_is_on_disk() {
    let server = TestServer::start_with(1, |_| {}).await;
    let (mut page, session, _) = Client::alone_in_play(&server).await;
    let seal = Seal {
        last_frame: 10,
        hash: [7; 16],
    };
    page.upload(&upload(session.session, 1, 0, UploadBody::Seal(seal)))
        .await;
    // The next episode's plan comes only once it is on disk that the first is over.
    let (_, plan) = page.plan(1).await;
    assert_eq!(plan.seed, 12);
    let records: Vec<_> = server.journal().into_iter().map(|it| it.record).collect();
    let position = |wanted: &dyn Fn(&Record) -> bool| records.iter().position(wanted).unwrap();
    let sealed = position(&|record| matches!(record, Record::Uploaded { .. }));
    let over = position(&|record| matches!(record, Record::EpisodeJudging { episode: 0, .. }));
    let opened =
        position(&|record| matches!(record, Record::EpisodeOpened { plan } if plan.episode == 1));
    assert!(sealed < over && over < opened);
    // What comes late about an episode that is over is kept.
    page.upload(&journal_upload(session.session, 2, 3)).await;
    page.acknowledged(2).await;
    assert_eq!(server.uploads().len(), 2);
}

/// What player 0 of two could not honestly say about an episode of 120 frames.
pub(crate) fn impossible() -> Vec<(&'static str, UploadBody)> {
    let journal = |batch: JournalBatch| UploadBody::Journal(batch);
    let with_authored = |input: AuthoredInput| {
        journal(JournalBatch {
            authored: vec![input],
            ..JournalBatch::default()
        })
    };
    let received = |player: u8, frame: u32| {
        journal(JournalBatch {
            received: vec![ReceivedInput {
                frame,
                player,
                input: vec![1],
                path: igym_protocol::Path::DataChannel,
                at_us: 1,
            }],
            ..JournalBatch::default()
        })
    };
    let presented = |inputs: usize, predicted: u16| {
        journal(JournalBatch {
            presented: vec![PresentedFrame {
                frame: 1,
                at_us: 1,
                inputs: vec![vec![1]; inputs],
                predicted,
            }],
            ..JournalBatch::default()
        })
    };
    let event = |event: ClientEvent| {
        journal(JournalBatch {
            events: vec![event],
            ..JournalBatch::default()
        })
    };
    let sample = |player: u8| {
        journal(JournalBatch {
            network: vec![NetworkSample {
                at_us: 1,
                player,
                rtt_us: 1,
                jitter_us: 1,
                sent: 1,
                received: 1,
                lost: 0,
            }],
            ..JournalBatch::default()
        })
    };
    let rows = |first: u32, count: usize, inputs: usize| {
        UploadBody::Rows(Rows {
            first,
            rows: vec![
                CanonicalRow {
                    inputs: vec![vec![1]; inputs],
                    outcome: vec![],
                    digest: None,
                    hash: [0; 16],
                };
                count
            ],
        })
    };
    let report = |player: u8| {
        UploadBody::Report(igym_protocol::EpisodeReport {
            links: vec![LinkReport {
                player,
                ..LinkReport::default()
            }],
            ..igym_protocol::EpisodeReport::default()
        })
    };
    let far = 120 + 5_000;
    vec![
        ("the partner's input", with_authored(authored(1, 5))),
        ("nobody's input", with_authored(authored(7, 5))),
        ("an input of no frame", with_authored(authored(0, far))),
        ("an input from oneself", received(0, 5)),
        ("an input from nobody", received(2, 5)),
        ("a received input of no frame", received(1, far)),
        ("a frame with one input", presented(1, 0)),
        ("a frame with three inputs", presented(3, 0)),
        ("a prediction of nobody", presented(2, 0b100)),
        ("a sample of the link to oneself", sample(0)),
        ("a sample of a link to nobody", sample(9)),
        ("rows past the end", rows(100, 21, 2)),
        ("rows far past the end", rows(u32::MAX, 5, 2)),
        ("rows with one input", rows(0, 3, 1)),
        ("no rows", rows(0, 0, 2)),
        ("a report of a link to nobody", report(2)),
        (
            "a seal past the end",
            UploadBody::Seal(Seal {
                last_frame: 120,
                hash: [0; 16],
            }),
        ),
        (
            "a stall of nobody",
            event(ClientEvent::Stall {
                at_us: 1,
                frame: 1,
                player: 2,
            }),
        ),
        (
            "a novel",
            event(ClientEvent::Error {
                at_us: 1,
                message: "x".repeat(Limits::TEXT_CHARS + 1),
            }),
        ),
    ]
}

/// Everything that a page could not honestly say, and what it is called.
#[tokio::test]
async fn forged_uploads_are_refused_and_change_nothing() {
    let server = TestServer::start().await;
    let ([mut page, mut partner], [session, _], _) = Client::pair_in_play(&server).await;
    let mut others_page = {
        let lonely = server_for_one().await;
        let (client, session, _) = Client::alone_in_play(&lonely).await;
        (lonely, client, session)
    };
    let ours = session.session;
    let before = server.journal();
    for (what, body) in impossible() {
        page.upload(&upload(ours, 1, 0, body)).await;
        assert_eq!(page.refused().await, RefusalCode::Malformed, "{what}");
    }
    let theirs = others_page.2.session;
    for (what, forged, code) in [
        (
            "a session of others",
            journal_upload(theirs, 1, 0),
            RefusalCode::NotAMember,
        ),
        (
            "a session that is not",
            journal_upload(SessionId(uuid::Uuid::nil()), 1, 0),
            RefusalCode::NotAMember,
        ),
        (
            "an episode to come",
            journal_upload_of(ours, 1),
            RefusalCode::WrongState,
        ),
    ] {
        page.upload(&forged).await;
        assert_eq!(page.refused().await, code, "{what}");
    }
    assert_eq!(server.journal(), before, "nothing was written");
    // And the page can go on as if nothing had happened.
    page.upload(&journal_upload(ours, 1, 0)).await;
    page.acknowledged(1).await;
    partner.barrier().await;
    others_page.1.barrier().await;
}

async fn server_for_one() -> TestServer {
    TestServer::start_with(1, |_| {}).await
}

#[tokio::test]
async fn bytes_that_are_no_upload_are_refused() {
    let server = TestServer::start_with(1, |_| {}).await;
    let (mut page, session, _) = Client::alone_in_play(&server).await;
    let good = encode_upload(&journal_upload(session.session, 1, 0));
    let mut other_version = good.clone();
    other_version[2] = 9;
    let mut trailing = good.clone();
    trailing.push(0);
    for (what, bytes, code) in [
        ("nothing", vec![], RefusalCode::Malformed),
        ("noise", vec![0xff; 100], RefusalCode::Malformed),
        (
            "half",
            good[..good.len() / 2].to_vec(),
            RefusalCode::Malformed,
        ),
        ("more", trailing, RefusalCode::Malformed),
        ("another version", other_version, RefusalCode::Version),
        (
            "too much",
            vec![0; Limits::UPLOAD_BYTES + 1],
            RefusalCode::TooLarge,
        ),
    ] {
        page.send_raw(Message::binary(bytes)).await;
        assert_eq!(page.refused().await, code, "{what}");
    }
    assert!(server.uploads().is_empty());
    page.send_raw(Message::binary(good)).await;
    page.acknowledged(1).await;
}
