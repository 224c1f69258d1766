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
    metrics::scrape,
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

/// A suspended machine, or one that is busy otherwise: nobody was pinged meanwhile.
#[tokio::test]
async fn a_server_that_stood_still_closes_no_connection_for_it() {
    let idle = Duration::from_millis(300);
    let server = TestServer::start_with(2, |options| {
        options.tuning.ping_interval = Duration::from_millis(100);
        options.tuning.idle_timeout = idle;
    })
    .await;
    let mut page = Client::arrive(&server).await;
    page.barrier().await;
    // Server and page are on this thread.
    std::thread::sleep(idle * 2);
    // The server goes on before the page says anything.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    page.barrier().await;
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

#[tokio::test]
async fn a_request_that_does_not_come_is_not_waited_for() {
    let server = TestServer::start_with(2, |options| {
        options.tuning.request_timeout = Duration::from_secs(3);
    })
    .await;
    let head = "POST /api/participants HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    for (part, answer) in [
        ("", ""),
        ("GET / HTTP/1.1\r\nhost", ""),
        (head, "HTTP/1.1 408"),
    ] {
        let mut connection = TcpStream::connect(server.address).await.unwrap();
        connection.write_all(part.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        // The end may be a reset, as not all that was sent was read.
        let _ = patiently("the end", connection.read_to_end(&mut heard)).await;
        let heard = String::from_utf8(heard).unwrap();
        assert!(heard.starts_with(answer), "{part:?}: {heard}");
    }
    let counted = scrape(&server).await["igym_request_timeouts_total"];
    assert!(counted >= 3.0, "{counted}");
    // A WebSocket is no request that waits.
    let mut page = Client::arrive(&server).await;
    page.barrier().await;
}

/// Connections beyond a limit are closed at once; those that are there go on.
#[tokio::test]
async fn connections_are_limited() {
    for (limits, kind) in [((4, 100), "all"), ((100, 4), "address")] {
        let server = TestServer::start_with(2, |options| {
            (options.tuning.sockets, options.tuning.sockets_per_address) = limits;
        })
        .await;
        let mut page = Client::arrive(&server).await;
        let mut others = Vec::new();
        let mut refused = 0_u32;
        while refused < 5 {
            let mut connection = TcpStream::connect(server.address).await.unwrap();
            connection
                .write_all(b"GET /api/study HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .unwrap();
            let mut heard = [0; 12];
            match patiently("an answer", connection.read(&mut heard)).await {
                Ok(0) | Err(_) => refused += 1,
                Ok(_) => others.push(connection),
            }
            assert!(others.len() <= 3, "the page's and three more");
        }
        assert_eq!(others.len(), 3);
        page.barrier().await;
        // Places come back.
        others.clear();
        let counted = patiently("a place", async {
            loop {
                let connected = TcpStream::connect(server.address).await.unwrap();
                if let Some(text) = metrics_by(connected).await {
                    return text;
                }
            }
        })
        .await;
        let line = format!("igym_sockets_refused_total{{limit=\"{kind}\"}} ");
        let line = counted.lines().find(|it| it.starts_with(&line)).unwrap();
        assert!(line.rsplit_once(' ').unwrap().1.parse::<u32>().unwrap() >= 5);
    }
}

async fn metrics_by(mut connection: TcpStream) -> Option<String> {
    let request = b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    connection.write_all(request).await.ok()?;
    let mut heard = String::new();
    connection.read_to_string(&mut heard).await.ok()?;
    (!heard.is_empty()).then_some(heard)
}
