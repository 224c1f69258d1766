//! Messages that are not what they should be: a typed refusal, a count, and nothing else.

use igym_protocol::{
    ClientMessage, Digests, LinkState, RefusalCode, ServerMessage, SessionId, SignalPayload,
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, TestServer};

#[tokio::test]
async fn text_that_is_no_message_is_refused() {
    let server = TestServer::start().await;
    let mut page = Client::arrive(&server).await;
    let before = server.journal();
    for (text, code) in [
        (String::new(), RefusalCode::Malformed),
        ("[]".into(), RefusalCode::Malformed),
        ("{\"v\":1}".into(), RefusalCode::Malformed),
        (
            r#"{"v":1,"body":{"type":"fly"}}"#.into(),
            RefusalCode::Malformed,
        ),
        (
            r#"{"v":1,"body":{"type":"advance","scene":-1}}"#.into(),
            RefusalCode::Malformed,
        ),
        (
            // An identity has no place in a message.
            r#"{"v":1,"body":{"type":"advance","scene":0,"participant":"me"}}"#.into(),
            RefusalCode::Malformed,
        ),
        ("[".repeat(30_000), RefusalCode::Malformed),
        (r#"{"v":3,"body":{}}"#.into(), RefusalCode::Version),
        (" ".repeat(33_000), RefusalCode::TooLarge),
    ] {
        page.send_raw(Message::text(text.clone())).await;
        let refused = page.refused().await;
        assert_eq!(refused, code, "{}", &text[..text.len().min(60)]);
    }
    assert_eq!(server.journal(), before);
    assert_eq!(server.refused(RefusalCode::Malformed), 7);
    assert_eq!(server.refused(RefusalCode::Version), 1);
    assert_eq!(server.refused(RefusalCode::TooLarge), 1);
    page.barrier().await;
}

#[tokio::test]
async fn messages_in_the_wrong_state_are_refused() {
    let server = TestServer::start().await;
    let mut page = Client::arrive(&server).await;
    let session = SessionId(uuid::Uuid::from_u128(5));
    let before = server.journal();
    for message in [
        ClientMessage::Advance { scene: 7 },
        ClientMessage::Join { scene: 0 },
        ClientMessage::Join { scene: 1 },
        ClientMessage::Validate {
            session,
            digests: Digests::default(),
        },
        ClientMessage::Link {
            session,
            to: 0,
            attempt: 1,
            state: LinkState::Failed {
                reason: String::new(),
            },
        },
    ] {
        page.send(message.clone()).await;
        let code = page.refused().await;
        let typed = matches!(code, RefusalCode::WrongState | RefusalCode::NotAMember);
        assert!(typed, "{message:?}: {code:?}");
    }
    assert_eq!(server.journal(), before);
}

#[tokio::test]
async fn nobody_reaches_into_the_session_of_others() {
    let server = TestServer::start().await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Client::arrive(&server).await;
        client.enter_lobby().await;
        clients.push(client);
    }
    let mut places = Vec::new();
    for client in &mut clients {
        places.push(client.connecting().await);
    }
    let (theirs, attempt) = &places[0];
    assert_eq!(places[1].0.session, theirs.session);
    let intruder = clients.iter().zip(&places);
    let intruder = intruder
        .enumerate()
        .find(|(_, (_, (place, _)))| place.session != theirs.session)
        .map(|(index, _)| index)
        .unwrap();
    let before = server.journal();
    let payload = SignalPayload::Offer {
        sdp: "let me in".into(),
    };
    for message in [
        ClientMessage::Signal {
            session: theirs.session,
            to: 1,
            attempt: *attempt,
            payload,
        },
        ClientMessage::Link {
            session: theirs.session,
            to: 1,
            attempt: *attempt,
            state: LinkState::Open {
                local: "host".into(),
                remote: "host".into(),
            },
        },
        ClientMessage::Validate {
            session: theirs.session,
            digests: server.digests(),
        },
    ] {
        clients[intruder].send(message).await;
        let code = clients[intruder].refused().await;
        assert_eq!(code, RefusalCode::NotAMember);
    }
    assert_eq!(server.journal(), before);
    // Nothing came through: the first signal that the member sees is their partner's.
    clients[0]
        .send(ClientMessage::Signal {
            session: theirs.session,
            to: 1,
            attempt: *attempt,
            payload: SignalPayload::Answer {
                sdp: "from a partner".into(),
            },
        })
        .await;
    let payload = clients[1]
        .until(|message| match message {
            ServerMessage::Signal { payload, .. } => Some(payload),
            _ => None,
        })
        .await;
    assert!(matches!(payload, SignalPayload::Answer { .. }));
}

#[tokio::test]
async fn texts_that_are_kept_are_short() {
    let server = TestServer::start().await;
    let mut page = Client::arrive(&server).await;
    let session = SessionId(uuid::Uuid::nil());
    let long = "x".repeat(2_000);
    for message in [
        ClientMessage::Link {
            session,
            to: 1,
            attempt: 1,
            state: LinkState::Failed {
                reason: long.clone(),
            },
        },
        ClientMessage::Validate {
            session,
            digests: Digests {
                build: long,
                ..Digests::default()
            },
        },
    ] {
        page.send(message).await;
        assert_eq!(page.refused().await, RefusalCode::TooLarge);
    }
}
