//! What the log says: ids, never tokens; and nothing that strangers can make long.

use std::{
    io,
    sync::{Mutex, OnceLock},
};

use tokio_tungstenite::tungstenite::Message;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::support::{Client, TestServer};

/// What all tests of this process log: a subscriber of one thread would miss what another thread
/// looked at first.
#[derive(Default)]
struct Lines(Mutex<Vec<u8>>);

fn lines() -> &'static Lines {
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
    fn about(&self, id: impl ToString) -> Vec<serde_json::Value> {
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
