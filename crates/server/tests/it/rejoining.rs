//! A page that is loaded in the middle of an episode, with the real engine: the same episode goes
//! on, and its data are whole.

use igym_play::Outbox;
use igym_protocol::{
    ClientMessage, CloseReason, EpisodePart, EpisodePlan, Judgement, RefusalCode, SessionId,
    UploadBody, Verdict,
};
use igym_server::Rate;
use igym_storage::{Filter, JournalStore};
use igym_storage_sqlite::SqliteStore;

use crate::{
    episode::{Table, closings, closings_of, deliver},
    kills::{Victim, long_study, resume},
    metrics::scrape,
    support::{Client, RawClient, TestServer, hello},
};

/// Beats of 5 ms after which the first page is gone: about frame 45 of 120.
const BEATS: u32 = 300;

/// Uploads that the first page could not deliver.
const LEFT: usize = 2;

/// An episode whose first player's page is gone in the middle, and what it left in the browser.
pub(crate) struct Broken {
    pub(crate) table: Table,
    pub(crate) outboxes: [Outbox; 2],
    pub(crate) left: Vec<Vec<u8>>,
}

/// Plays until the page of player 0 is gone. The partner has delivered everything.
pub(crate) async fn break_off(pair: &mut [Client; 2], plan: &EpisodePlan) -> Broken {
    let mut table = Table::new(plan);
    let mut outboxes = [Outbox::new(1), Outbox::new(1)];
    for _ in 0..BEATS {
        table.beat(&mut outboxes, &mut |_, _| {});
    }
    let [outbox, _] = &mut outboxes;
    let made = outbox.unacknowledged();
    assert!(made > 2 * LEFT, "{made} uploads");
    let mut kept = Vec::new();
    while let Some(upload) = outbox.poll_kept() {
        kept.push(upload.bytes);
    }
    let left = kept.split_off(made - LEFT);
    for bytes in kept {
        let binary = tokio_tungstenite::tungstenite::Message::binary(bytes);
        pair[0].send_raw(binary).await;
    }
    pair[0]
        .acknowledged(u32::try_from(made - LEFT).unwrap())
        .await;
    deliver(&mut pair[1], &mut outboxes[1]).await;
    table.remove(0);
    Broken {
        table,
        outboxes,
        left,
    }
}

/// The new page brings what the old one left, and a few beats pass for the partner meanwhile.
async fn bring(page: &mut Client, broken: &mut Broken) {
    let mut outbox = Outbox::new(page.resume.incarnation);
    for bytes in broken.left.drain(..) {
        assert!(outbox.restore(bytes));
    }
    deliver(page, &mut outbox).await;
    assert_eq!(outbox.dropped(), 0);
    broken.outboxes[0] = outbox;
    for _ in 0..20 {
        broken.table.beat(&mut broken.outboxes, &mut |_, _| {});
    }
}

/// Plays and delivers the rest, and waits until the episode is closed.
async fn finish(
    closing: impl AsyncFnOnce(&mut Client) -> (u32, CloseReason, Judgement),
    pair: &mut [Client; 2],
    broken: &mut Broken,
) {
    let played = broken
        .table
        .play_to_the_end(&mut broken.outboxes, |_, _| {});
    for (client, outbox) in pair.iter_mut().zip(&mut broken.outboxes) {
        deliver(client, outbox).await;
    }
    let (episode, reason, judgement) = closing(&mut pair[1]).await;
    assert_eq!((episode, reason), (0, CloseReason::Sealed));
    assert_eq!(judgement.verdict, Verdict::Verified, "{judgement:?}");
    assert_eq!(judgement.last_frame, Some(played.last_frame));
    assert!(played.last_frame > 46, "it ended before");
}

#[tokio::test]
async fn a_page_that_dies_in_play_comes_back_into_the_same_episode() {
    let server = TestServer::start().await;
    let (mut pair, _, plan) = Client::pair_in_play(&server).await;
    let mut broken = break_off(&mut pair, &plan).await;
    let [one, two] = pair;
    let mut pair = [Client::open(&server, one.token.clone()).await, two];
    assert_eq!(pair[0].part().await, EpisodePart::Rejoin);
    bring(&mut pair[0], &mut broken).await;
    let history = pair[0].history(plan.session, 0).await;
    assert_eq!((history.session, history.episode), (plan.session, 0));
    let known: Vec<usize> = history.inputs.iter().map(Vec::len).collect();
    assert!(known.iter().all(|frames| *frames > 30), "{known:?}");
    broken.table.rejoin(0, 2, history);
    let closing = async |_: &mut Client| closings(&server, 1).await.remove(0);
    finish(closing, &mut pair, &mut broken).await;
    assert_eq!(scrape(&server).await["igym_histories_total"], 1.0);
}

/// What the old page left comes only after the new one has rejoined: it is evidence, and the
/// frames that the new page authored count.
#[tokio::test]
async fn uploads_that_come_after_the_rejoin_change_nothing() {
    let server = TestServer::start().await;
    let (mut pair, _, plan) = Client::pair_in_play(&server).await;
    let mut broken = break_off(&mut pair, &plan).await;
    let [one, two] = pair;
    let mut pair = [Client::open(&server, one.token.clone()).await, two];
    let mut late = Outbox::new(2);
    for bytes in broken.left.drain(..) {
        // Forged on top of it: nobody held what this page says now.
        let mut upload = igym_protocol::decode_upload(&bytes).unwrap();
        if let UploadBody::Journal(batch) = &mut upload.body {
            for input in &mut batch.authored {
                input.input[0] ^= 1;
            }
        }
        assert!(late.restore(igym_protocol::encode_upload(&upload)));
    }
    broken.outboxes[0] = Outbox::new(2);
    let history = pair[0].history(plan.session, 0).await;
    deliver(&mut pair[0], &mut late).await;
    assert_eq!(late.dropped(), 0, "it is taken and kept");
    broken.table.rejoin(0, 2, history);
    let closing = async |_: &mut Client| closings(&server, 1).await.remove(0);
    finish(closing, &mut pair, &mut broken).await;
}

/// kill -9 of the server while the page that rejoins delivers, and again when it has just asked.
#[tokio::test]
async fn servers_that_are_killed_in_the_middle_of_a_rejoin_lose_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(2, long_study).await;
    let address = server.address;
    let (mut pair, _, plan) = Client::pair_in_play(&server).await;
    let data = server.stop().await;
    let journal = || {
        let store = SqliteStore::open_read_only(data.path()).unwrap();
        store.read(Filter::default()).unwrap()
    };
    let start = || Victim::start(data.path(), temporary.path(), address);

    let mut victim = start();
    for page in &mut pair {
        *page = resume(address, page).await;
    }
    let mut broken = break_off(&mut pair, &plan).await;
    victim.kill();
    let mut victim = start();
    let token = pair[0].token.clone();
    let mut raw = RawClient::connect_to(address).await;
    raw.send(hello(&token, None)).await;
    pair[0] = raw.welcomed(token).await;
    assert_eq!(pair[0].resume.incarnation, 2);
    pair[1] = resume(address, &pair[1]).await;
    assert_eq!(pair[0].part().await, EpisodePart::Rejoin);
    bring(&mut pair[0], &mut broken).await;
    victim.kill();
    for asked in [true, false] {
        let mut victim = start();
        for (page, outbox) in pair.iter_mut().zip(&mut broken.outboxes) {
            *page = resume(address, page).await;
            outbox.handle_reconnect(page.acknowledged);
        }
        assert_eq!(pair[0].part().await, EpisodePart::Rejoin, "still");
        let (session, episode) = (plan.session, 0);
        if asked {
            let message = ClientMessage::Rejoin { session, episode };
            pair[0].send(message).await;
            pair[0].barrier().await;
        } else {
            let history = pair[0].history(session, episode).await;
            broken.table.rejoin(0, 2, history);
            // Of another process nothing is heard but by asking it.
            let closing = async |page: &mut Client| loop {
                if let Some(closing) = closings_of(journal()).pop() {
                    break closing;
                }
                page.barrier().await;
            };
            finish(closing, &mut pair, &mut broken).await;
        }
        victim.kill();
    }
}

#[tokio::test]
async fn histories_are_for_those_who_rejoin_and_not_too_often() {
    let server = TestServer::start_with(2, |options| {
        // However long this takes, no more are allowed.
        options.tuning.rejoins = Rate::new(5, 0.001);
    })
    .await;
    let ([one, mut two], [session, _], _) = Client::pair_in_play(&server).await;
    let ([mut other, _partner], ..) = Client::pair_in_play(&server).await;
    let session = session.session;
    let rejoin = |session, episode| ClientMessage::Rejoin { session, episode };
    let before = server.journal();
    // Their first page plays already.
    two.send(rejoin(session, 0)).await;
    assert_eq!(two.refused().await, RefusalCode::WrongState);
    for foreign in [session, SessionId(uuid::Uuid::nil())] {
        other.send(rejoin(foreign, 0)).await;
        assert_eq!(other.refused().await, RefusalCode::NotAMember);
    }
    assert_eq!(server.journal(), before);
    let mut one = Client::open(&server, one.token.clone()).await;
    for episode in [1, 7, u32::MAX] {
        one.send(rejoin(session, episode)).await;
        assert_eq!(one.refused().await, RefusalCode::WrongState, "{episode}");
    }
    // Of hundreds of requests few are answered, and the fence is written once.
    for _ in 0..300 {
        one.send(rejoin(session, 0)).await;
    }
    one.barrier().await;
    let refused = server.refused(RefusalCode::TooFast);
    assert!(refused > 40, "{refused}");
    one.delivery().await;
    let served = scrape(&server).await["igym_histories_total"];
    assert!(served <= 5.0, "{served} histories");
    let fences = server.journal().into_iter().filter(|entry| {
        matches!(
            entry.record,
            igym_protocol::Record::EpisodeRejoined { incarnation: 2, .. }
        )
    });
    assert_eq!(fences.count(), 1);
}
