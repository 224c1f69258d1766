//! Sizes, rates and silence.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use igym_protocol::{ClientMessage, Envelope, Limits, RefusalCode, ServerMessage};
use igym_server::Rate;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    support::{Client, TestServer, hello, new_token, patiently},
    uploads::journal_upload,
};

#[tokio::test]
async fn messages_that_come_too_fast_are_refused() {
    let server = TestServer::start_with(2, |options| {
        options.tuning.messages = Rate::new(10, 0.001);
    })
    .await;
    let mut page = Client::arrive(&server).await;
    for number in 0..15 {
        page.send(ClientMessage::Ping {
            sent_ms: f64::from(number),
        })
        .await;
    }
    let (mut answered, mut refused) = (0, 0);
    while answered + refused < 15 {
        match page.next().await {
            ServerMessage::Pong { .. } => answered += 1,
            ServerMessage::Refused { refusal } => {
                assert_eq!(refusal.code, RefusalCode::TooFast);
                refused += 1;
            }
            _ => {}
        }
    }
    assert_eq!((answered, refused), (10, 5));
    assert_eq!(server.refused(RefusalCode::TooFast), 5);
}

#[tokio::test]
async fn a_flood_of_nonsense_ends_the_connection() {
    let server = TestServer::start_with(2, |options| {
        options.tuning.refusals = Rate::new(20, 0.001);
    })
    .await;
    let mut page = Client::arrive(&server).await;
    for _ in 0..30 {
        page.send_raw(Message::text("nonsense")).await;
    }
    let (messages, code) = page.hear_out().await;
    let refusals = messages
        .iter()
        .filter(|message| matches!(message, ServerMessage::Refused { .. }));
    assert_eq!(refusals.count(), 20);
    assert_eq!(code, Some(1008));
    // The participant may come back.
    let mut page = Client::open(&server, page.token.clone()).await;
    page.barrier().await;
}

#[tokio::test]
async fn uploads_that_come_too_fast_wait() {
    let server = TestServer::start_with(1, |options| {
        options.tuning.uploads = Rate::new(5, 500.0);
    })
    .await;
    let (mut page, session, _) = Client::alone_in_play(&server).await;
    for seq in 1..=40 {
        page.upload(&journal_upload(session.session, seq, seq))
            .await;
    }
    page.acknowledged(40).await;
    assert_eq!(server.uploads().len(), 40);
    assert_eq!(server.running.refusals().len(), 0);
}

#[tokio::test]
async fn a_frame_that_nobody_would_send_is_not_even_read() {
    let server = TestServer::start().await;
    let page = Client::arrive(&server).await;
    let (token, resume) = (page.token.clone(), page.resume.clone());
    let (mut sink, mut stream) = page.into_socket().split();
    let size = 32 * Limits::UPLOAD_BYTES;
    let sending = tokio::spawn(async move {
        // The server may hang up before all of it is sent.
        let _ = sink.send(Message::binary(vec![0; size])).await;
        sink
    });
    let refused = patiently("a refusal", async {
        loop {
            if let Message::Text(text) = stream.next().await.unwrap().unwrap()
                && let ServerMessage::Refused { refusal } =
                    Envelope::decode(text.as_str()).unwrap().body
            {
                return refusal.code;
            }
        }
    })
    .await;
    assert_eq!(refused, RefusalCode::TooLarge);
    drop((sending.await.unwrap(), stream));
    let mut page = Client::resume(&server, &token, &resume).await;
    page.barrier().await;
}

#[tokio::test]
async fn whoever_does_not_answer_pings_is_gone() {
    let server = TestServer::start_with(2, |options| {
        options.tuning.ping_interval = Duration::from_millis(20);
        options.tuning.idle_timeout = Duration::from_millis(60);
        options.tuning.stop_timeout = Duration::from_millis(20);
    })
    .await;
    let token = new_token(&server).await;
    // A WebSocket by hand, that says hello and then nothing.
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        server.address
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let text = Envelope::new(hello(&token, None)).encode();
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    connection.write_all(&frame).await.unwrap();
    let mut heard = Vec::new();
    patiently("the end", connection.read_to_end(&mut heard))
        .await
        .unwrap();
    let contains = |bytes: &[u8]| heard.windows(bytes.len()).any(|window| window == bytes);
    assert!(contains(b"welcome"));
    assert!(contains(&[0x89, 0x00]), "it was pinged");
    assert!(contains(b"nothing was heard"));
}

#[tokio::test]
async fn whoever_answers_pings_may_be_silent() {
    let server = TestServer::start_with(2, |options| {
        options.tuning.ping_interval = Duration::from_millis(5);
        options.tuning.idle_timeout = Duration::from_secs(30);
    })
    .await;
    let page = Client::arrive(&server).await;
    let mut socket = page.into_socket();
    let mut pings = 0;
    while pings < 5 {
        let message = patiently("a ping", socket.next()).await.unwrap().unwrap();
        pings += u32::from(message.is_ping());
    }
}
