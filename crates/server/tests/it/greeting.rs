//! Who gets in.

use std::time::Duration;

use futures_util::SinkExt;
use igym_protocol::{ClientMessage, Record, RefusalCode, Resume, Token};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, RawClient, TestServer, hello, new_token};

const POLICY: Option<u16> = Some(1008);

#[tokio::test]
async fn nobody_gets_in_by_guessing() {
    let server = TestServer::start().await;
    let client = Client::arrive(&server).await;
    let Token(token) = &client.token;
    let stored = server.journal().into_iter().find_map(|it| match it.record {
        Record::ParticipantArrived { token_hash, .. } => Some(token_hash),
        _ => None,
    });
    let mut almost = token.clone();
    almost.replace_range(..1, if token.starts_with('0') { "1" } else { "0" });
    let guesses = [
        String::new(),
        almost,
        token[..63].to_owned(),
        format!("{token}0"),
        token.to_uppercase() + " ",
        // What is in the journal and in the data opens no door.
        stored.unwrap(),
        client.participant.to_string(),
        "x".repeat(10_000),
    ];
    for guess in guesses {
        let mut guesser = RawClient::connect(&server).await;
        guesser.send(hello(&Token(guess), None)).await;
        let refused = guesser.turned_away().await;
        assert_eq!(refused, (Some(RefusalCode::UnknownToken), POLICY));
    }
    assert_eq!(server.refused(RefusalCode::UnknownToken), 8);
    let loads = server.journal().into_iter();
    let loads = loads.filter(|entry| matches!(entry.record, Record::PageLoaded { .. }));
    assert_eq!(loads.count(), 1, "that of the one who has the token");
}

#[tokio::test]
async fn the_first_message_is_hello() {
    let server = TestServer::start().await;
    let advance = r#"{"v":1,"body":{"type":"advance","scene":0}}"#;
    let newer = r#"{"v":2,"body":{"type":"hello"}}"#;
    let extended = r#"{"v":1,"body":{"type":"leave","participant":"somebody"}}"#;
    let large = format!(r#"{{"v":1,"body":{{"type":"{}"}}}}"#, "x".repeat(40_000));
    for (message, code) in [
        (Message::text(advance), RefusalCode::WrongState),
        (Message::binary(vec![1, 2, 3]), RefusalCode::WrongState),
        (Message::text("{"), RefusalCode::Malformed),
        (Message::text(newer), RefusalCode::Version),
        (Message::text(large), RefusalCode::TooLarge),
        (Message::text(extended), RefusalCode::WrongState),
    ] {
        let mut stranger = RawClient::connect(&server).await;
        stranger.socket.send(message.clone()).await.unwrap();
        let (refused, closed) = stranger.turned_away().await;
        assert_eq!((refused, closed), (Some(code), POLICY), "{message:?}");
    }
}

#[tokio::test]
async fn whoever_says_nothing_is_sent_away() {
    let soon = Duration::from_millis(20);
    let server = TestServer::start_with(2, |options| options.tuning.hello_timeout = soon).await;
    let mut silent = RawClient::connect(&server).await;
    assert_eq!(silent.turned_away().await, (None, POLICY));
}

#[tokio::test]
async fn hello_is_said_once() {
    let server = TestServer::start().await;
    let mut client = Client::arrive(&server).await;
    let other = new_token(&server).await;
    client.send(hello(&other, None)).await;
    assert_eq!(client.refused().await, RefusalCode::WrongState);
    client.barrier().await;
}

#[tokio::test]
async fn a_page_load_is_numbered_and_written_down_before_the_welcome() {
    let server = TestServer::start().await;
    let first = Client::arrive(&server).await;
    assert_eq!((first.resume.incarnation, first.acknowledged), (1, 0));
    let loads = |server: &TestServer| -> Vec<(u32, String)> {
        let entries = server.journal().into_iter();
        entries
            .filter_map(|entry| match entry.record {
                Record::PageLoaded {
                    participant,
                    incarnation,
                    resume_key_hash,
                    user_agent,
                } => {
                    assert_eq!(participant, first.participant);
                    assert_eq!(user_agent, "a test");
                    Some((incarnation, resume_key_hash))
                }
                _ => None,
            })
            .collect()
    };
    let hash = |resume: &Resume| blake3::hash(resume.key.as_bytes()).to_hex().to_string();
    assert_eq!(loads(&server), [(1, hash(&first.resume))]);
    let second = Client::open(&server, first.token.clone()).await;
    assert_eq!(
        loads(&server),
        [(1, hash(&first.resume)), (2, hash(&second.resume))]
    );
}

#[tokio::test]
async fn a_long_user_agent_is_shortened() {
    let server = TestServer::start().await;
    let token = new_token(&server).await;
    let mut raw = RawClient::connect(&server).await;
    raw.send(ClientMessage::Hello {
        token: token.clone(),
        resume: None,
        user_agent: "Ä".repeat(2_000),
    })
    .await;
    raw.welcomed(token).await;
    let kept = server.journal().into_iter().find_map(|it| match it.record {
        Record::PageLoaded { user_agent, .. } => Some(user_agent),
        _ => None,
    });
    assert_eq!(kept.unwrap(), "Ä".repeat(512));
}

#[tokio::test]
async fn loading_a_page_over_and_over_is_too_fast() {
    let rate = igym_server::Rate::new(2, 0.001);
    let server = TestServer::start_with(2, |options| options.tuning.page_loads = rate).await;
    let first = Client::arrive(&server).await;
    let second = Client::open(&server, first.token.clone()).await;
    let mut third = RawClient::connect(&server).await;
    third.send(hello(&first.token, None)).await;
    let refused = third.turned_away().await;
    assert_eq!(refused, (Some(RefusalCode::TooFast), POLICY));
    // Connecting again is not loading again.
    let mut again = Client::resume(&server, &second.token, &second.resume).await;
    again.barrier().await;
}
