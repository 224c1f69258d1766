//! A journal that cannot be written: nothing is acknowledged or shown that is not on disk, and
//! everything goes on when it can be.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use igym_play::Outbox;
use igym_protocol::{
    ClientMessage, Entry, ParticipantId, RefusalCode, ServerMessage, SessionId, UploadBody,
    Verdict, View,
};
use igym_storage::{Done, Filter, JournalStore, NewEntry, StorageError};
use igym_storage_sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    episode::{closings, deliver},
    support::{Client, RawClient, TestServer, hello, patiently, request},
    uploads::journal_upload,
};

/// A real store that can be made to fail, or to take its time.
struct Moody {
    store: SqliteStore,
    failing: AtomicBool,
    /// Episodes cannot be read.
    unreadable: AtomicBool,
    /// Whoever reads an episode of these sessions, or looks up uploads of these participants,
    /// waits.
    stuck: Mutex<BTreeSet<Uuid>>,
    unstuck: Condvar,
    /// Told of everybody who waits.
    waiting: Semaphore,
    /// While it is Some, appends wait here.
    held: Mutex<Option<Vec<Append>>>,
}

type Append = (Vec<NewEntry>, Done);

impl Moody {
    fn hold(&self) {
        *self.held.lock().unwrap() = Some(Vec::new());
    }

    fn stick(&self, whose: Uuid) {
        self.stuck.lock().unwrap().insert(whose);
    }

    fn unstick(&self) {
        self.stuck.lock().unwrap().clear();
        self.unstuck.notify_all();
    }

    fn wait_while_stuck(&self, whose: Uuid) {
        let stuck = self.stuck.lock().unwrap();
        if stuck.contains(&whose) {
            self.waiting.add_permits(1);
        }
        let here = |stuck: &mut BTreeSet<Uuid>| stuck.contains(&whose);
        drop(self.unstuck.wait_while(stuck, here).unwrap());
    }

    /// Waits until somebody more waits.
    async fn somebody_waits(&self) {
        let one = patiently("somebody who waits", self.waiting.acquire()).await;
        one.unwrap().forget();
    }

    fn let_go(&self) {
        let held = self.held.lock().unwrap().take();
        for (entries, done) in held.unwrap_or_default() {
            self.store.append(entries, done);
        }
    }
}

impl JournalStore for Moody {
    fn append(&self, entries: Vec<NewEntry>, done: Done) {
        if self.failing.load(Ordering::SeqCst) {
            return done(Err(StorageError::Full));
        }
        if let Some(held) = &mut *self.held.lock().unwrap() {
            return held.push((entries, done));
        }
        self.store.append(entries, done);
    }

    fn read(&self, filter: Filter) -> Result<Vec<Entry>, StorageError> {
        if filter.episode.is_some() && self.unreadable.load(Ordering::SeqCst) {
            return Err(StorageError::Full);
        }
        if let (Some(session), Some(_)) = (filter.session, filter.episode) {
            self.wait_while_stuck(session.0);
        }
        self.store.read(filter)
    }

    fn highest_upload(&self, who: ParticipantId, incarnation: u32) -> Result<u32, StorageError> {
        self.wait_while_stuck(who.0);
        self.store.highest_upload(who, incarnation)
    }

    fn uploaded_bytes(
        &self,
        session: SessionId,
        episode: u32,
    ) -> Result<BTreeMap<u8, u64>, StorageError> {
        self.store.uploaded_bytes(session, episode)
    }

    fn last_id(&self) -> Result<u64, StorageError> {
        self.store.last_id()
    }
}

async fn start(players: usize) -> (TestServer, Arc<Moody>) {
    start_on(tempfile::tempdir().unwrap(), players).await
}

async fn start_on(data: TempDir, players: usize) -> (TestServer, Arc<Moody>) {
    let moody = Arc::new(Moody {
        store: SqliteStore::open(data.path()).unwrap(),
        failing: AtomicBool::new(false),
        unreadable: AtomicBool::new(false),
        stuck: Mutex::default(),
        unstuck: Condvar::new(),
        waiting: Semaphore::new(0),
        held: Mutex::new(None),
    });
    let server = TestServer::start_on(players, data, moody.clone(), |options| {
        options.tuning.storage_retry = Duration::from_millis(5);
        options.tuning.judge_timeout = Duration::from_secs(2);
        options.tuning.history_timeout = Duration::from_secs(2);
    })
    .await;
    (server, moody)
}

#[tokio::test]
async fn uploads_are_not_acknowledged_until_they_are_written() {
    let (server, moody) = start(1).await;
    let (mut page, session, _) = Client::alone_in_play(&server).await;
    page.upload(&journal_upload(session.session, 1, 0)).await;
    page.acknowledged(1).await;
    moody.failing.store(true, Ordering::SeqCst);
    page.upload(&journal_upload(session.session, 2, 1)).await;
    page.upload(&journal_upload(session.session, 3, 2)).await;
    let (messages, code) = page.hear_out().await;
    let Some(ServerMessage::Refused { refusal }) = messages.last() else {
        panic!("no refusal: {messages:?}");
    };
    assert_eq!((refusal.code, code), (RefusalCode::Storage, Some(1013)));
    moody.failing.store(false, Ordering::SeqCst);

    let mut page = Client::resume(&server, &page.token, &page.resume).await;
    assert_eq!(page.acknowledged, 1);
    for seq in [2, 3] {
        page.upload(&journal_upload(session.session, seq, seq))
            .await;
    }
    page.acknowledged(3).await;
    assert_eq!(server.uploads().len(), 3);
}

#[tokio::test]
async fn nothing_is_shown_before_it_is_written() {
    let (server, moody) = start(2).await;
    let mut page = Client::arrive(&server).await;
    page.view(|view| matches!(view, View::Start { .. }).then_some(()))
        .await;
    moody.hold();
    page.send(ClientMessage::Advance { scene: 0 }).await;
    // Only what needs no writing is answered.
    for _ in 0..3 {
        page.send(ClientMessage::Ping { sent_ms: 1.0 }).await;
        let answer = page.next().await;
        assert!(matches!(answer, ServerMessage::Pong { .. }), "{answer:?}");
    }
    moody.let_go();
    page.view(|view| matches!(view, View::Instructions { .. }).then_some(()))
        .await;
}

#[tokio::test]
async fn the_study_stands_still_while_the_disk_is_full_and_then_goes_on() {
    let (server, moody) = start(2).await;
    let mut page = Client::arrive(&server).await;
    page.view(|view| matches!(view, View::Start { .. }).then_some(()))
        .await;
    moody.failing.store(true, Ordering::SeqCst);
    // The first message finds out; what it changed is held back and tried again.
    page.send(ClientMessage::Advance { scene: 0 }).await;
    // This one is refused in any case, and the reason says how the server stands.
    let refused_for_the_disk = async {
        loop {
            page.send(ClientMessage::Advance { scene: 7 }).await;
            if page.refused().await == RefusalCode::Storage {
                return;
            }
        }
    };
    patiently("a refusal for the disk", refused_for_the_disk).await;
    let arrival = request(server.address, "POST", "/api/participants", "").await;
    assert_eq!(arrival.status, 503);
    let mut reload = RawClient::connect(&server).await;
    reload.send(hello(&page.token, None)).await;
    let refused = reload.turned_away().await;
    assert_eq!(refused, (Some(RefusalCode::Storage), Some(1013)));
    moody.failing.store(false, Ordering::SeqCst);
    page.view(|view| matches!(view, View::Instructions { .. }).then_some(()))
        .await;
    page.send(ClientMessage::Join { scene: 1 }).await;
    page.view(|view| matches!(view, View::Lobby { .. }).then_some(()))
        .await;
}

/// The participant is not kept waiting, and the record does not look as if a seal were missing.
#[tokio::test]
async fn an_episode_that_cannot_be_read_says_that_nobody_judged_it() {
    let (server, moody) = start(2).await;
    let ([mut gone, mut stays], _, plan) = Client::pair_in_play(&server).await;
    moody.unreadable.store(true, Ordering::SeqCst);
    gone.send(ClientMessage::Leave).await;
    stays
        .view(|view| matches!(view, View::Playing { flush: true, .. }).then_some(()))
        .await;
    let mut outbox = Outbox::new(1);
    outbox.push(plan.session, plan.episode, UploadBody::Flushed);
    deliver(&mut stays, &mut outbox).await;
    stays
        .view(|view| matches!(view, View::End { .. }).then_some(()))
        .await;
    let (_, _, judgement) = closings(&server, 1).await.remove(0);
    assert_eq!(judgement.verdict, Verdict::Partial);
    let missing = judgement.first_difference.unwrap();
    assert_eq!((missing.frame, missing.field.as_str()), (0, "missing"));
    assert_eq!(missing.between, ["journal", "re-simulation"]);
}

/// Nobody waits for a judge that hangs, also when there are more of them than seats; each is given up
/// after a while.
#[tokio::test]
async fn the_game_goes_on_when_judges_hang() {
    let (server, moody) = start(1).await;
    let mut pages = Vec::new();
    for _ in 0..3 {
        let (mut page, session, plan) = Client::alone_in_play(&server).await;
        moody.stick(session.session.0);
        let mut outbox = Outbox::new(1);
        let seal = igym_protocol::Seal {
            last_frame: 10,
            hash: [7; 16],
        };
        outbox.push(session.session, plan.episode, UploadBody::Seal(seal));
        deliver(&mut page, &mut outbox).await;
        pages.push(page);
    }
    for page in &mut pages {
        page.plan(1).await;
    }
    let closed = closings(&server, 3).await;
    assert_eq!(closed.len(), 3);
    for (_, _, judgement) in closed {
        assert_eq!(judgement.verdict, Verdict::Partial);
        let missing = judgement.first_difference.unwrap();
        assert_eq!(missing.between[1], "re-simulation");
    }
    moody.unstick();
}

/// Two who cannot be helped do not keep everybody else from coming back.
#[tokio::test]
async fn pages_come_back_when_the_histories_of_others_hang() {
    let (server, moody) = start(2).await;
    let mut hanging = Vec::new();
    // As many as are read at the same time.
    for _ in 0..2 {
        let ([one, two], _, plan) = Client::pair_in_play(&server).await;
        let (session, episode) = (plan.session, plan.episode);
        moody.stick(session.0);
        let mut one = Client::open(&server, one.token.clone()).await;
        one.send(ClientMessage::Rejoin { session, episode }).await;
        moody.somebody_waits().await;
        hanging.push((one, two));
    }
    let ([one, _two], _, plan) = Client::pair_in_play(&server).await;
    let mut one = Client::open(&server, one.token.clone()).await;
    let history = one.history(plan.session, plan.episode).await;
    assert_eq!((history.session, history.episode), (plan.session, 0));
    for (page, _) in &mut hanging {
        page.barrier().await;
        assert!(page.delivered().is_empty(), "it hangs");
    }
    moody.unstick();
}

/// What it had to deliver is the next page's to deliver: were it refused, it would be dropped from
/// the browser that both share.
#[tokio::test]
async fn an_upload_that_is_on_its_way_when_another_page_takes_over_is_not_refused() {
    let server = TestServer::start_with(1, |_| {}).await;
    let (first, session, _) = Client::alone_in_play(&server).await;
    let token = first.token.clone();
    first.leave().await;
    let (server, moody) = start_on(server.stop().await, 1).await;
    // What the first page left has to be looked up, and meanwhile the third page is loaded.
    let mut second = Client::open(&server, token.clone()).await;
    moody.stick(second.participant.0);
    let left = journal_upload(session.session, 1, 0);
    second.upload(&left).await;
    moody.somebody_waits().await;
    let mut third = Client::open(&server, token).await;
    moody.unstick();
    let (messages, code) = second.hear_out().await;
    assert_eq!(code, Some(4000));
    assert_eq!(messages.last(), Some(&ServerMessage::TakenOver));
    let refused = |message: &ServerMessage| matches!(message, ServerMessage::Refused { .. });
    assert!(!messages.iter().any(refused), "{messages:?}");
    assert!(server.uploads().is_empty());
    third.upload(&left).await;
    assert_eq!(third.acknowledgement().await, (1, 1));
}
