//! Reloads, take-overs, broken connections and a server that starts again.

use std::{collections::BTreeSet, sync::Arc};

use igym_protocol::{ClientMessage, Record, Resume, ServerMessage, Token, Upload, View};
use igym_storage_sqlite::SqliteStore;

use crate::{
    support::{Client, RawClient, TestServer, hello, patiently, request},
    uploads::journal_upload,
};

#[tokio::test]
async fn another_page_takes_over_and_the_first_is_told() {
    let server = TestServer::start_with(1, |_| {}).await;
    let (mut first, session, _) = Client::alone_in_play(&server).await;
    first.upload(&journal_upload(session.session, 1, 0)).await;
    first.acknowledged(1).await;
    let mut second = Client::open(&server, first.token.clone()).await;
    assert_eq!(second.resume.incarnation, 2);
    assert_eq!(second.acknowledged, 0, "its uploads are counted anew");
    assert_eq!(second.participant, first.participant);
    let (messages, code) = first.hear_out().await;
    assert_eq!(messages.last(), Some(&ServerMessage::TakenOver));
    assert_eq!(code, Some(4000));
    // The first page cannot come back, not even with its key.
    turned_away(&server, &first.token, &first.resume).await;
    second.barrier().await;
}

/// The server tells a page that connects again that another one has taken over.
async fn turned_away(server: &TestServer, token: &Token, resume: &Resume) {
    let mut stale = RawClient::connect(server).await;
    stale.send(hello(token, Some(resume.clone()))).await;
    let (messages, code) = stale.hear_out().await;
    assert_eq!(messages, [ServerMessage::TakenOver]);
    assert_eq!(code, Some(4000));
}

/// Else both would stop: each takes over from the other, and none of them has asked for it.
#[tokio::test]
async fn an_older_page_that_connects_again_leaves_the_newest_unharmed() {
    let server = TestServer::start_with(1, |_| {}).await;
    let (first, session, _) = Client::alone_in_play(&server).await;
    let mut newest = Client::open(&server, first.token.clone()).await;
    let own = |seq, frame| Upload {
        incarnation: 2,
        ..journal_upload(session.session, seq, frame)
    };
    newest.upload(&own(1, 0)).await;
    newest.acknowledged(1).await;
    let before = server.journal();
    for _ in 0..3 {
        turned_away(&server, &first.token, &first.resume).await;
    }
    assert_eq!(server.journal(), before, "no page was loaded");
    // It delivers, its own uploads and those of the first page, and is shown what happens.
    newest.upload(&own(2, 1)).await;
    newest.upload(&journal_upload(session.session, 1, 2)).await;
    let mut expected = BTreeSet::from([(1, 1), (2, 2)]);
    while !expected.is_empty() {
        expected.remove(&newest.acknowledgement().await);
    }
    newest.send(ClientMessage::Leave).await;
    newest
        .view(|view| matches!(view, View::End { .. }).then_some(()))
        .await;
    let token = newest.token.clone();
    newest.leave().await;
    // Nor when nobody is there: a page that was told to stop does not go on.
    turned_away(&server, &token, &first.resume).await;
    assert_eq!(Client::open(&server, token).await.resume.incarnation, 3);
}

#[tokio::test]
async fn a_page_that_connects_again_goes_on_as_it_was() {
    let server = TestServer::start_with(1, |_| {}).await;
    let (mut page, session, plan) = Client::alone_in_play(&server).await;
    page.upload(&journal_upload(session.session, 1, 0)).await;
    page.upload(&journal_upload(session.session, 2, 1)).await;
    page.acknowledged(2).await;
    let (token, resume) = (page.token.clone(), page.resume.clone());
    page.leave().await;
    let mut page = Client::resume(&server, &token, &resume).await;
    assert_eq!(page.resume, resume);
    assert_eq!(page.acknowledged, 2);
    let (again, _) = page.plan(0).await;
    assert_eq!(again.session, plan.session);
    // It sends again what it does not know to be stored, and goes on.
    page.upload(&journal_upload(session.session, 2, 1)).await;
    page.upload(&journal_upload(session.session, 3, 2)).await;
    page.acknowledged(3).await;
    assert_eq!(server.uploads().len(), 3);
}

#[tokio::test]
async fn a_connection_that_resumes_replaces_one_that_hangs() {
    let server = TestServer::start().await;
    let mut hanging = Client::arrive(&server).await;
    let mut page = Client::resume(&server, &hanging.token, &hanging.resume).await;
    page.barrier().await;
    let (messages, code) = hanging.hear_out().await;
    assert_eq!(code, Some(4001));
    let told = messages.contains(&ServerMessage::TakenOver);
    assert!(!told, "it is the same page: {messages:?}");
}

#[tokio::test]
async fn a_wrong_key_resumes_nothing() {
    let server = TestServer::start().await;
    let owner = Client::arrive(&server).await;
    let stranger = Client::arrive(&server).await;
    let keys = [
        Resume {
            incarnation: 1,
            key: "0".repeat(64),
        },
        Resume {
            incarnation: 2,
            key: owner.resume.key.clone(),
        },
        Resume {
            incarnation: 3,
            key: stranger.resume.key.clone(),
        },
        Resume {
            incarnation: 9,
            key: owner.resume.key.clone(),
        },
    ];
    for (loads, key) in (2..).zip(keys) {
        let page = Client::resume(&server, &owner.token, &key).await;
        assert_eq!(page.resume.incarnation, loads, "a new page load");
        assert_ne!(page.resume.key, owner.resume.key);
    }
    // Whatever the key: a page that was loaded before is not the newest.
    for incarnation in [0, 1, 4] {
        let key = stranger.resume.key.clone();
        let stale = Resume { incarnation, key };
        turned_away(&server, &owner.token, &stale).await;
    }
}

#[tokio::test]
async fn a_reload_finds_the_participant_where_they_were() {
    let server = TestServer::start().await;
    let mut page = Client::arrive(&server).await;
    page.enter_lobby().await;
    page.view(|view| matches!(view, View::Lobby { .. }).then_some(()))
        .await;
    let token = page.token.clone();
    page.leave().await;
    let mut page = Client::open(&server, token).await;
    let waiting = page
        .view(|view| match view {
            View::Lobby { waiting, .. } => Some(waiting),
            other => panic!("not the lobby: {other:?}"),
        })
        .await;
    assert_eq!(waiting, 1);
}

#[tokio::test]
async fn a_stopping_server_says_goodbye_and_a_new_one_goes_on_with_the_data() {
    let server = TestServer::start().await;
    let mut finished = Client::arrive(&server).await;
    finished.send(ClientMessage::Leave).await;
    finished
        .view(|view| matches!(view, View::End { .. }).then_some(()))
        .await;
    let mut waiting = Client::arrive(&server).await;
    waiting.enter_lobby().await;
    waiting
        .view(|view| matches!(view, View::Lobby { .. }).then_some(()))
        .await;
    let tokens = [finished.token.clone(), waiting.token.clone()];
    finished.leave().await;
    let entries = server.journal();
    let goodbye = tokio::spawn(async move { waiting.hear_out().await.1 });
    let data = server.stop().await;
    let code = patiently("goodbye", goodbye).await.unwrap();
    assert_eq!(code, Some(1012), "the server is stopping");

    let store = Arc::new(SqliteStore::open(data.path()).unwrap());
    let server = TestServer::start_on(2, data, store, |_| {}).await;
    assert_eq!(
        server.journal()[..entries.len()],
        entries[..],
        "nothing is lost"
    );
    let study = request(server.address, "GET", "/api/study", "").await;
    assert_eq!(study.json()["waiting"], 1);
    let [finished, waiting] = tokens;
    let mut finished = Client::open(&server, finished).await;
    finished
        .view(|view| matches!(view, View::End { .. }).then_some(()))
        .await;
    let mut waiting = Client::open(&server, waiting).await;
    assert_eq!(waiting.resume.incarnation, 2, "page loads are counted on");
    let mut partner = Client::arrive(&server).await;
    partner.enter_lobby().await;
    let (one, _) = waiting.connecting().await;
    let (two, _) = partner.connecting().await;
    assert_eq!((one.session, one.player), (two.session, 0));
}

#[tokio::test]
async fn two_runs_on_the_same_data_draw_differently() {
    let fixed = |options: &mut igym_server::ServerOptions| options.seed = Some([7; 32]);
    let server = TestServer::start_with(1, fixed).await;
    let (first, one, _) = Client::alone_in_play(&server).await;
    first.leave().await;
    let data = server.stop().await;
    let store = Arc::new(SqliteStore::open(data.path()).unwrap());
    let server = TestServer::start_on(1, data, store, fixed).await;
    let (_second, two, _) = Client::alone_in_play(&server).await;
    assert_ne!(one.session, two.session);
    let seeds: Vec<_> = server
        .journal()
        .into_iter()
        .filter_map(|entry| match entry.record {
            Record::StudyOpened { seed, .. } => Some(seed),
            _ => None,
        })
        .collect();
    assert_eq!(seeds.len(), 2);
    assert_eq!(seeds[0], "07".repeat(32));
    assert_ne!(seeds[0], seeds[1]);
}
