//! What the log says: ids, never tokens; and nothing that strangers can make long.

use std::{
    io,
    sync::{Mutex, OnceLock},
};

use igym_protocol::ClientMessage;
use tokio_tungstenite::tungstenite::Message;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{
    support::{Client, TestServer},
    uploads::journal_upload,
};

/// What all tests of this process log: a subscriber of one thread would miss what another thread
/// looked at first.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<u8>>);

pub(crate) fn lines() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    LINES.get_or_init(|| {
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new("igym_server=trace"))
            .with_writer(Writer)
            .init();
        Lines::default()
    })
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lines().0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Writer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl Lines {
    /// Those that name this participant or session.
    pub(crate) fn about(&self, id: impl ToString) -> Vec<serde_json::Value> {
        let bytes = self.0.lock().unwrap().clone();
        let id = id.to_string();
        let text = String::from_utf8(bytes).unwrap();
        let lines = text.lines().filter(|line| line.contains(&id));
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

#[tokio::test]
async fn hostile_messages_leave_no_lines() {
    let lines = lines();
    let server = TestServer::start().await;
    let mut page = Client::arrive(&server).await;
    page.barrier().await;
    for number in 0..40 {
        page.send_raw(Message::text(format!("nonsense {number}")))
            .await;
        page.refused().await;
    }
    let (loud, quiet): (Vec<_>, Vec<_>) = lines
        .about(page.participant)
        .into_iter()
        .partition(|line| line["level"] != "TRACE");
    let loud: Vec<_> = loud.iter().map(|it| &it["fields"]["message"]).collect();
    assert_eq!(loud, ["arrived", "page loaded"]);
    assert_eq!(quiet.len(), 40, "whoever asks for every detail gets it");
}

/// In play, too: at the level that is usual there is a line for what happens once, and none for
/// a packet, an upload or a request, whether in order or not.
#[tokio::test]
async fn a_flood_in_play_leaves_no_lines() {
    let lines = lines();
    let server = TestServer::start_with(2, |options| {
        options.tuning.refusals = igym_server::Rate::new(10_000, 1.0);
        options.tuning.messages = igym_server::Rate::new(10_000, 1.0);
    })
    .await;
    let ([mut one, two], [session, _], _) = Client::pair_in_play(&server).await;
    let session = session.session;
    let usual = |page: &Client| {
        let about = [lines.about(page.participant), lines.about(session)];
        let quiet = |line: &serde_json::Value| line["level"] == "TRACE" || line["level"] == "DEBUG";
        about.iter().flatten().filter(|line| !quiet(line)).count()
    };
    one.barrier().await;
    let before = usual(&one);
    assert!(before > 0);
    for number in 0..100 {
        one.relay(session, 1, vec![1; 40]).await;
        one.relay(session, 9, vec![1; 40]).await;
        one.send_raw(Message::binary(b"IR broken".to_vec())).await;
        one.send(ClientMessage::Rejoin {
            session,
            episode: number,
        })
        .await;
        let mut upload = journal_upload(session, number + 1, number);
        one.upload(&upload).await;
        upload.incarnation = number + 2;
        one.upload(&upload).await;
    }
    one.acknowledged(100).await;
    one.barrier().await;
    assert!(server.running.refusals().values().sum::<u64>() >= 400);
    assert_eq!(usual(&one), before);
    drop(two);
}

#[tokio::test]
async fn lines_carry_ids_and_no_secrets() {
    let lines = lines();
    let server = TestServer::start().await;
    let ([mut one, two], [session, _], _) = Client::pair_in_play(&server).await;
    one.send_raw(Message::text("nonsense")).await;
    one.refused().await;
    for secret in [&one.token.0, &two.token.0, &one.resume.key] {
        assert_eq!(lines.about(secret), Vec::<serde_json::Value>::new());
    }
    let saying = |lines: Vec<serde_json::Value>, message: &str| {
        let mut found = lines.into_iter();
        found
            .find(|line| line["fields"]["message"] == message)
            .unwrap_or_else(|| panic!("nothing says {message:?}"))
    };
    let opened = saying(lines.about(session.session), "session opened");
    assert_eq!(opened["level"], "INFO");
    let refused = saying(lines.about(one.participant), "refused");
    assert_eq!(
        refused["span"]["participant"],
        one.participant.to_string(),
        "in the span of its connection"
    );
}
