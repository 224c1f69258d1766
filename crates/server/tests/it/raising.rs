//! Environments whose speed is measured and that raise errors: what the server writes down and
//! says of them.

use std::{sync::Arc, time::Duration};

use igym_protocol::{
    ClientMessage, CloseReason, Limits, Outcome, Record, RefusalCode, SessionId, UploadBody, View,
};
use igym_server::ServerOptions;
use igym_storage_sqlite::SqliteStore;
use igym_study::Scene;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::{
    episode::closings,
    logs::lines,
    metrics::scrape,
    support::{Client, TestServer},
    uploads::upload,
};

/// The page of the study's last scene for everybody who is not to blame.
const CODE: &str = "FINISHED";

/// Machines are measured; who takes longer than 100 ms is too slow.
fn measured(options: &mut ServerOptions) {
    for scene in &mut options.study.scenes {
        if let Scene::Gym(game) = scene {
            game.slowest_rollback = Some(Duration::from_millis(100));
        }
    }
}

fn failed(session: SessionId, episode: u32, message: &str) -> ClientMessage {
    ClientMessage::Failed {
        session,
        episode,
        frame: 7,
        message: message.to_owned(),
    }
}

fn records(server: &TestServer, wanted: fn(&Record) -> bool) -> Vec<Record> {
    let records = server.journal().into_iter().map(|entry| entry.record);
    records.filter(wanted).collect()
}

async fn asked_to_flush(page: &mut Client) {
    page.view(|view| matches!(view, View::Playing { flush: true, .. }).then_some(()))
        .await;
}

/// An error on one page, and a restart of the server in the midst of what follows.
#[tokio::test]
async fn an_error_ends_the_session_for_all_and_is_told_once() {
    let lines = lines();
    let server = TestServer::start_with(2, measured).await;
    let ([mut one, mut two], [place, _], _) = Client::pair_in_play(&server).await;
    let session = place.session;
    let message = "env.py:12: ZeroDivisionError: division by zero\nERROR forged";
    for _ in 0..3 {
        two.send(failed(session, 0, message)).await;
    }
    asked_to_flush(&mut one).await;
    asked_to_flush(&mut two).await;
    one.send(failed(session, 0, "the same")).await;
    one.upload(&upload(session, 1, 0, UploadBody::Flushed))
        .await;
    one.acknowledged(1).await;
    let (tokens, resumes) = (
        [one.token.clone(), two.token.clone()],
        [one.resume.clone(), two.resume.clone()],
    );
    one.leave().await;
    two.leave().await;
    let data = server.stop().await;

    let store = Arc::new(SqliteStore::open(data.path()).unwrap());
    let server = TestServer::start_on(2, data, store, measured).await;
    let mut one = Client::resume(&server, &tokens[0], &resumes[0]).await;
    let mut two = Client::resume(&server, &tokens[1], &resumes[1]).await;
    asked_to_flush(&mut two).await;
    two.send(failed(session, 0, message)).await;
    two.upload(&upload(session, 1, 0, UploadBody::Flushed))
        .await;
    for page in [&mut one, &mut two] {
        let ending = (Outcome::EnvironmentFailed, Some(CODE.to_owned()));
        assert_eq!(page.ending().await, ending);
    }
    let told = records(&server, |it| matches!(it, Record::EnvironmentFailed { .. }));
    let expected = Record::EnvironmentFailed {
        session,
        episode: 0,
        player: 1,
        frame: 7,
        message: message.to_owned(),
    };
    assert_eq!(told, [expected]);
    let (episode, reason, _) = closings(&server, 1).await.remove(0);
    assert_eq!((episode, reason), (0, CloseReason::Cut));
    let ended = "igym_participants_ended_total{outcome=\"environment_failed\"}";
    assert_eq!(scrape(&server).await[ended], 2.0);

    let errors = lines.about(session).into_iter();
    let errors: Vec<Value> = errors.filter(|line| line["level"] == "ERROR").collect();
    let [line] = errors.as_slice() else {
        panic!("one line: {errors:?}");
    };
    let fields = &line["fields"];
    assert_eq!(fields["session"], session.to_string());
    assert_eq!(
        (&fields["episode"], &fields["frame"]),
        (&0.into(), &7.into())
    );
    let said = fields["error"].as_str().unwrap();
    assert!(said.contains("env.py:12: ZeroDivisionError"), "{said}");
    assert!(!said.contains('\n'), "in one line, whatever pages say");
    assert_eq!(fields["message"], "the environment raised an error");
}

#[tokio::test]
async fn slow_machines_and_broken_ones_end_with_a_code() {
    let server = TestServer::start_with(2, measured).await;
    let mut pages = Vec::new();
    for _ in 0..2 {
        let mut page = Client::arrive(&server).await;
        page.send(ClientMessage::Advance { scene: 0 }).await;
        page.view(|view| matches!(view, View::Instructions { .. }).then_some(()))
            .await;
        pages.push(page);
    }
    let [slow, broken] = &mut pages[..] else {
        panic!("two");
    };
    slow.measure(u32::MAX).await;
    let ending = (Outcome::TooSlow, Some(CODE.to_owned()));
    assert_eq!(slow.ending().await, ending);
    let message = "e".repeat(20_000);
    broken
        .send(ClientMessage::Unable { scene: 1, message })
        .await;
    let ending = (Outcome::EnvironmentFailed, Some(CODE.to_owned()));
    assert_eq!(broken.ending().await, ending);
    let kept = records(&server, |it| {
        matches!(
            it,
            Record::Measured { .. } | Record::EnvironmentUnable { .. }
        )
    });
    let [
        Record::Measured { measurement, .. },
        Record::EnvironmentUnable { message, .. },
    ] = kept.as_slice()
    else {
        panic!("{kept:?}");
    };
    assert_eq!(measurement.rollback_us, u32::MAX);
    assert_eq!(message.len(), Limits::TEXT_CHARS);
}

/// What is forged about sessions, episodes and scenes in which one has no say is refused, changes
/// nothing, and leaves no line.
#[tokio::test]
async fn forged_errors_and_measurements_change_nothing() {
    let lines = lines();
    let server = TestServer::start_with(2, |options| {
        measured(options);
        options.tuning.refusals = igym_server::Rate::new(1_000, 1.0);
        options.tuning.messages = igym_server::Rate::new(1_000, 1.0);
    })
    .await;
    let ([mut one, two], [place, _], _) = Client::pair_in_play(&server).await;
    let session = place.session;
    let mut stranger = Client::arrive(&server).await;
    stranger.barrier().await;
    one.barrier().await;
    let before = server.journal().len();
    let said = lines.about(session).len();
    let unknown = SessionId(Uuid::from_u128(0xbad));
    for number in 0..100 {
        for session in [session, unknown] {
            stranger.send(failed(session, 0, "x")).await;
            assert_eq!(stranger.refused().await, RefusalCode::NotAMember);
        }
        one.send(failed(unknown, 0, "x")).await;
        assert_eq!(one.refused().await, RefusalCode::NotAMember);
        one.send(failed(session, 1 + number, "x")).await;
        assert_eq!(one.refused().await, RefusalCode::WrongState);
    }
    let far = ClientMessage::Failed {
        session,
        episode: 0,
        frame: 121,
        message: String::new(),
    };
    one.send(far).await;
    assert_eq!(one.refused().await, RefusalCode::WrongState);
    // At the start, about the game; in the game, about others.
    stranger.measure(1).await;
    assert_eq!(stranger.refused().await, RefusalCode::WrongState);
    for scene in [0, 1, 2, u32::MAX] {
        let message = "x".to_owned();
        stranger
            .send(ClientMessage::Unable { scene, message })
            .await;
        assert_eq!(stranger.refused().await, RefusalCode::WrongState);
    }
    for wrong in ["-1", "1.5", "4294967296", "1e999", "null"] {
        let text = format!(
            r#"{{"v":1,"body":{{"type":"measured","scene":1,"measurement":{{"step_us":1,"save_us":1,"load_us":1,"rollback_us":{wrong}}}}}}}"#
        );
        stranger.send_raw(Message::text(text)).await;
        assert_eq!(stranger.refused().await, RefusalCode::Malformed, "{wrong}");
    }
    let unmeasured = ClientMessage::Join { scene: 1 };
    stranger.send(ClientMessage::Advance { scene: 0 }).await;
    stranger
        .view(|view| {
            matches!(
                view,
                View::Instructions {
                    measured: false,
                    ..
                }
            )
            .then_some(())
        })
        .await;
    let moved = server.journal().len();
    assert_eq!(moved, before + 1, "to the next scene");
    stranger.send(unmeasured).await;
    assert_eq!(stranger.refused().await, RefusalCode::WrongState);
    one.barrier().await;
    assert_eq!(server.journal().len(), moved);
    let lines_since = &lines.about(session)[said..];
    let loud = lines_since.iter().filter(|line| line["level"] != "TRACE");
    assert_eq!(loud.count(), 0);
    drop(two);
}
