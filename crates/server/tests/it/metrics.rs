//! `GET /metrics`: what the server counted, as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{ClientMessage, View};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    support::{Client, TestServer, request},
    uploads::journal_upload,
};

/// Every sample by its name and labels.
pub(crate) async fn scrape(server: &TestServer) -> BTreeMap<String, f64> {
    let answer = request(server.address, "GET", "/metrics", "").await;
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type");
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let lines = answer.text().lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = TestServer::start().await;
    let before = scrape(&server).await;
    assert!(before["process_start_time_seconds"] > 1.6e9);
    assert_eq!(before["igym_connections"], 0.0);
    assert_eq!(before["igym_sockets"], 1.0, "the one that asks");
    assert_eq!(before["igym_journal_commits_total"], 1.0, "the opening");

    let ([mut one, two], [session, _], _) = Client::pair_in_play(&server).await;
    let mut waiting = Client::arrive(&server).await;
    waiting.enter_lobby().await;
    one.upload(&journal_upload(session.session, 1, 0)).await;
    one.acknowledged(1).await;
    one.send_raw(Message::text("nonsense")).await;
    one.refused().await;
    waiting
        .view(|view| matches!(view, View::Lobby { .. }).then_some(()))
        .await;

    let now = scrape(&server).await;
    for (name, value) in [
        ("igym_connections", 3.0),
        ("igym_sockets", 4.0),
        ("igym_refusals_total{code=\"malformed\"}", 1.0),
        ("igym_refusals_total{code=\"too_fast\"}", 0.0),
        ("igym_participants{view=\"lobby\"}", 1.0),
        ("igym_participants{view=\"playing\"}", 2.0),
        ("igym_participants{view=\"start\"}", 0.0),
        ("igym_lobby_length", 1.0),
        ("igym_sessions{state=\"playing\"}", 1.0),
        ("igym_episodes_opened_total", 1.0),
        ("igym_upload_ack_seconds_count", 1.0),
        ("igym_upload_ack_seconds_bucket{le=\"+Inf\"}", 1.0),
        ("igym_uploads_waiting", 0.0),
        ("igym_commands_queued", 0.0),
        ("igym_journal_queued", 0.0),
    ] {
        assert_eq!(now[name], value, "{name}");
    }
    let records = server.journal().len();
    #[expect(clippy::cast_precision_loss)]
    let expected = records as f64;
    assert_eq!(now["igym_journal_records_total"], expected);
    assert!(now["igym_journal_bytes_total"] > 1_000.0);
    assert_eq!(
        now["igym_journal_commits_total"],
        now["igym_journal_commit_seconds_count"]
    );

    one.send(ClientMessage::Leave).await;
    one.view(|view| matches!(view, View::End { .. }).then_some(()))
        .await;
    let now = scrape(&server).await;
    assert_eq!(now["igym_participants_ended_total{outcome=\"left\"}"], 1.0);
    assert_eq!(now["igym_participants{view=\"end\"}"], 1.0);
    two.leave().await;
}

/// Also after a restart.
#[tokio::test]
async fn participants_who_ended_are_counted_by_the_journal() {
    let server = TestServer::start().await;
    let mut one = Client::arrive(&server).await;
    one.send(ClientMessage::Leave).await;
    one.view(|view| matches!(view, View::End { .. }).then_some(()))
        .await;
    let data = server.stop().await;
    let store = std::sync::Arc::new(igym_storage_sqlite::SqliteStore::open(data.path()).unwrap());
    let server = TestServer::start_on(2, data, store, |_| {}).await;
    let now = scrape(&server).await;
    assert_eq!(now["igym_participants_ended_total{outcome=\"left\"}"], 1.0);
}

/// People at every place of the study: a server that starts on the data counts them as before.
#[tokio::test]
async fn gauges_are_right_after_a_restart() {
    let server = TestServer::start().await;
    let start = Client::arrive(&server).await;
    let mut reader = Client::arrive(&server).await;
    reader.send(ClientMessage::Advance { scene: 0 }).await;
    reader
        .view(|view| matches!(view, View::Instructions { .. }).then_some(()))
        .await;
    let mut connecting = [Client::arrive(&server).await, Client::arrive(&server).await];
    for client in &mut connecting {
        client.enter_lobby().await;
    }
    for client in &mut connecting {
        client.connecting().await;
    }
    let (playing, ..) = Client::pair_in_play(&server).await;
    let ([mut leaver, mut left], [session, _], _) = Client::pair_in_play(&server).await;
    leaver.send(ClientMessage::Leave).await;
    left.view(|view| matches!(view, View::Playing { flush: true, .. }).then_some(()))
        .await;
    let mut outbox = igym_play::Outbox::new(1);
    outbox.push(session.session, 0, igym_protocol::UploadBody::Flushed);
    crate::episode::deliver(&mut left, &mut outbox).await;
    left.view(|view| matches!(view, View::End { .. }).then_some(()))
        .await;
    let mut waiting = Client::arrive(&server).await;
    waiting.enter_lobby().await;
    waiting
        .view(|view| matches!(view, View::Lobby { .. }).then_some(()))
        .await;

    let of_the_journal = |all: BTreeMap<String, f64>| -> BTreeMap<String, f64> {
        let names = [
            "igym_participants",
            "igym_lobby",
            "igym_sessions{",
            "igym_episodes",
        ];
        let counted = |name: &String| names.iter().any(|start| name.starts_with(start));
        all.into_iter().filter(|(name, _)| counted(name)).collect()
    };
    crate::episode::closings(&server, 1).await;
    let before = of_the_journal(scrape(&server).await);
    for (name, value) in [
        ("igym_participants{view=\"start\"}", 1.0),
        ("igym_participants{view=\"instructions\"}", 1.0),
        ("igym_participants{view=\"lobby\"}", 1.0),
        ("igym_participants{view=\"connecting\"}", 2.0),
        ("igym_participants{view=\"playing\"}", 2.0),
        ("igym_participants{view=\"end\"}", 2.0),
        ("igym_sessions{state=\"matched\"}", 1.0),
        ("igym_sessions{state=\"playing\"}", 1.0),
        ("igym_sessions{state=\"ended\"}", 1.0),
        ("igym_episodes_total{verdict=\"partial\"}", 1.0),
        ("igym_episodes_unjudged", 0.0),
        ("igym_episodes_opened_total", 2.0),
        ("igym_lobby_length", 1.0),
    ] {
        assert_eq!(before[name], value, "{name}");
    }
    let data = server.stop().await;
    let store = std::sync::Arc::new(igym_storage_sqlite::SqliteStore::open(data.path()).unwrap());
    let server = TestServer::start_on(2, data, store, |_| {}).await;
    assert_eq!(of_the_journal(scrape(&server).await), before);
    // And they go on counting from there.
    let mut start = Client::open(&server, start.token.clone()).await;
    start.send(ClientMessage::Leave).await;
    start
        .view(|view| matches!(view, View::End { .. }).then_some(()))
        .await;
    let after = scrape(&server).await;
    assert_eq!(after["igym_participants{view=\"start\"}"], 0.0);
    assert_eq!(after["igym_participants{view=\"end\"}"], 3.0);
    drop(playing);
}

#[tokio::test]
async fn every_name_is_documented_with_its_type() {
    let server = TestServer::start().await;
    let answer = request(server.address, "GET", "/metrics", "").await;
    let document = include_str!("../../../../docs/operations.md");
    let documented: BTreeSet<(&str, &str)> = document
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|');
            let name = cells.next()?.split(['`', '{']).next()?;
            let kind = cells.next()?.trim();
            let is_metric = name.starts_with("igym_") || name.starts_with("process_");
            is_metric.then_some((name, kind))
        })
        .collect();
    let served: BTreeSet<(&str, &str)> = answer
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect();
    assert!(served.len() > 20);
    assert_eq!(documented, served);
}
