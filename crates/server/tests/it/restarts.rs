//! Servers that stop or die in the middle of a study, and others that go on with their data.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use igym_play::Outbox;
use igym_protocol::{
    ClientMessage, CloseReason, LinkState, Outcome, Record, ServerMessage, UploadBody, Verdict,
    View, decode_upload,
};
use igym_server::{ServeError, ServerOptions, serve};
use igym_storage_sqlite::SqliteStore;
use igym_study::{RestoreError, StudyConfig};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    episode::{closings, deliver, play},
    support::{Client, TestServer, patiently, request},
    uploads::upload,
};

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// It is told to, and says goodbye.
    Stops,
    /// All that it does ends at once, in the midst of what it does.
    Dies,
}

/// A server's own threads, so that it can be killed.
struct Threads(Option<Runtime>);

impl Threads {
    fn start() -> Self {
        let mut runtime = Builder::new_multi_thread();
        Self(Some(
            runtime.worker_threads(1).enable_all().build().unwrap(),
        ))
    }

    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.as_ref().unwrap().spawn(task)
    }

    /// Ends all tasks wherever they are.
    async fn end(mut self) {
        let runtime = self.0.take();
        spawn_blocking(move || drop(runtime)).await.unwrap();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct Host {
    threads: Threads,
    server: TestServer,
    end: End,
}

impl Host {
    async fn start(end: End) -> Self {
        Self::start_on(end, tempfile::tempdir().unwrap(), None).await
    }

    async fn start_on(end: End, data: TempDir, address: Option<SocketAddr>) -> Self {
        let threads = Threads::start();
        let start = async move {
            let store = Arc::new(SqliteStore::open(data.path()).unwrap());
            TestServer::start_on(2, data, store, |options| {
                options.address = address.unwrap_or(options.address);
                // Pages that hang are not waited for.
                options.tuning.stop_timeout = Duration::from_millis(50);
            })
            .await
        };
        let server = patiently("a server", threads.spawn(start)).await.unwrap();
        Self {
            threads,
            server,
            end,
        }
    }

    /// Another server on the same data and address. Nothing that was written is lost, and nothing
    /// is written again.
    async fn restart(self) -> Self {
        let before = self.server.journal();
        let (address, end) = (self.server.address, self.end);
        let data = match end {
            End::Stops => {
                let data = self.server.stop().await;
                self.threads.end().await;
                data
            }
            End::Dies => {
                self.threads.end().await;
                self.server.into_data()
            }
        };
        let host = Self::start_on(end, data, Some(address)).await;
        let after = host.server.journal();
        assert_eq!(after[..before.len()], before[..], "{end:?}");
        let new = &after[before.len()..];
        let opened = |record: &Record| matches!(record, Record::StudyOpened { .. });
        assert!(
            new.iter().any(|entry| opened(&entry.record)),
            "a run of its own"
        );
        host
    }
}

/// The page connects again, with its key.
async fn back(host: &Host, page: Client) -> Client {
    let again = Client::resume(&host.server, &page.token, &page.resume).await;
    assert_eq!(again.resume, page.resume, "the same page");
    assert_eq!(again.participant, page.participant);
    again
}

async fn all_back(host: &Host, pair: [Client; 2]) -> [Client; 2] {
    let [one, two] = pair;
    [back(host, one).await, back(host, two).await]
}

async fn outcome(page: &mut Client) -> (Outcome, Option<String>) {
    page.view(|view| match view {
        View::End { outcome, code, .. } => Some((outcome, code)),
        _ => None,
    })
    .await
}

/// The view that is not of the attempt before.
async fn attempt(page: &mut Client, number: u32) {
    let session = page
        .view(|view| match view {
            View::Connecting {
                session,
                connection,
                ..
            } if connection.attempt == number => Some(session),
            _ => None,
        })
        .await;
    page.report_link(&session, number).await;
}

/// From the link to the last page, with a restart in every state.
async fn a_study_goes_on(end: End) {
    let mut host = Host::start(end).await;
    let mut pair = [
        Client::arrive(&host.server).await,
        Client::arrive(&host.server).await,
    ];
    let start = pair[0].view(Some).await;
    host = host.restart().await;
    pair = all_back(&host, pair).await;
    assert_eq!(pair[0].view(Some).await, start);
    for page in &mut pair {
        page.send(ClientMessage::Advance { scene: 0 }).await;
        page.view(|view| matches!(view, View::Instructions { .. }).then_some(()))
            .await;
    }
    host = host.restart().await;
    pair = all_back(&host, pair).await;
    let instructions = pair[0].view(Some).await;
    assert!(matches!(instructions, View::Instructions { scene: 1, .. }));
    pair[0].send(ClientMessage::Join { scene: 1 }).await;
    pair[0]
        .view(|view| matches!(view, View::Lobby { .. }).then_some(()))
        .await;
    host = host.restart().await;
    pair = all_back(&host, pair).await;
    let lobby = pair[0].view(Some).await;
    assert!(matches!(lobby, View::Lobby { .. }), "{lobby:?}");
    pair[1].send(ClientMessage::Join { scene: 1 }).await;
    for page in &mut pair {
        page.connecting().await;
    }
    host = host.restart().await;
    pair = all_back(&host, pair).await;
    for page in &mut pair {
        attempt(page, 2).await;
    }
    for page in &mut pair {
        page.view(|view| matches!(view, View::Validating { .. }).then_some(()))
            .await;
    }
    host = host.restart().await;
    pair = all_back(&host, pair).await;
    // The links outlived the server.
    for page in &mut pair {
        page.validate(&host.server).await;
    }

    let mut outboxes = [Outbox::new(1), Outbox::new(1)];
    for episode in 0..2 {
        let (_, plan) = pair[0].plan(episode).await;
        assert_eq!(pair[1].plan(episode).await.1, plan);
        play(&plan, &mut outboxes, |_, _| {});
        // In the middle of the game: some of it has come, some is on its way.
        for (page, outbox) in pair.iter_mut().zip(&mut outboxes) {
            for sent in 1..=8 {
                let bytes = outbox.poll().unwrap();
                page.send_raw(Message::binary(bytes)).await;
                if sent == 5 {
                    outbox.handle_ack(1, page.acknowledged(3).await);
                }
            }
        }
        host = host.restart().await;
        pair = all_back(&host, pair).await;
        for (page, outbox) in pair.iter_mut().zip(&mut outboxes) {
            assert!(page.acknowledged >= 3, "{}", page.acknowledged);
            outbox.handle_reconnect(page.acknowledged);
            assert_eq!(page.plan(episode).await.1, plan, "it goes on");
        }
        // One has sealed, the other has not.
        deliver(&mut pair[0], &mut outboxes[0]).await;
        host = host.restart().await;
        pair = all_back(&host, pair).await;
        outboxes[1].handle_reconnect(pair[1].acknowledged);
        deliver(&mut pair[1], &mut outboxes[1]).await;
    }
    for page in &mut pair {
        let end = outcome(page).await;
        assert_eq!(end, (Outcome::Completed, Some("FINISHED".to_owned())));
    }
    host = host.restart().await;
    pair = all_back(&host, pair).await;
    for page in &mut pair {
        let end = outcome(page).await;
        assert_eq!(end, (Outcome::Completed, Some("FINISHED".to_owned())));
    }

    let closings = closings(&host.server, 2).await;
    assert_eq!(closings.len(), 2);
    for (_, reason, judgement) in closings {
        let found = (reason, judgement.verdict);
        assert_eq!(found, (CloseReason::Sealed, Verdict::Verified));
    }
    let study = request(host.server.address, "GET", "/api/study", "").await;
    let study = study.json();
    let counts = ["waiting", "playing", "completed"].map(|key| study[key].as_u64());
    assert_eq!(counts, [Some(0), Some(0), Some(2)]);
    for page in &pair {
        let records = host.server.uploads().into_iter();
        let seqs = records.filter_map(|record| match record {
            Record::Uploaded {
                participant,
                upload,
                ..
            } if participant == page.participant => Some(upload.seq),
            _ => None,
        });
        let mut seqs: Vec<u32> = seqs.collect();
        seqs.sort_unstable();
        let expected: Vec<u32> = (1..).take(seqs.len()).collect();
        assert_eq!(seqs, expected, "each upload once");
    }
}

#[tokio::test]
async fn a_study_goes_on_after_a_server_that_stops() {
    a_study_goes_on(End::Stops).await;
}

#[tokio::test]
async fn a_study_goes_on_after_a_server_that_dies() {
    a_study_goes_on(End::Dies).await;
}

/// All seals are on disk, and the server dies before anybody is told the verdict.
#[tokio::test]
async fn an_episode_that_was_being_judged_is_judged() {
    let mut host = Host::start(End::Dies).await;
    let (mut pair, [session, _], plan) = Client::pair_in_play(&host.server).await;
    let mut outboxes = [Outbox::new(1), Outbox::new(1)];
    play(&plan, &mut outboxes, |_, _| {});
    deliver(&mut pair[0], &mut outboxes[0]).await;
    // What the dead server would have written, had it not died: the other's uploads, and no more.
    let participant = pair[1].participant;
    let address = host.server.address;
    host.threads.end().await;
    let data = host.server.into_data();
    {
        let store = SqliteStore::open(data.path()).unwrap();
        outboxes[1].handle_reconnect(0);
        let mut seq = 0;
        while let Some(bytes) = outboxes[1].poll() {
            seq += 1;
            outboxes[1].handle_ack(1, seq);
            let upload = decode_upload(&bytes).unwrap();
            let record = Record::Uploaded {
                participant,
                player: 1,
                upload,
            };
            let entry = igym_storage::NewEntry { at_ms: 0, record };
            igym_storage::JournalStore::append(
                &store,
                vec![entry],
                Box::new(|it| drop(it.unwrap())),
            );
        }
        assert!(seq > 3);
    }
    host = Host::start_on(End::Dies, data, Some(address)).await;
    pair = all_back(&host, pair).await;
    for page in &mut pair {
        assert_eq!(page.plan(1).await.0.session, session.session);
    }
    assert_eq!(
        closings(&host.server, 1).await[0].2.verdict,
        Verdict::Verified
    );
}

#[tokio::test]
async fn who_has_left_before_a_restart_is_not_waited_for_after_it() {
    let mut host = Host::start(End::Dies).await;
    let ([mut one, mut two], [session, _], _) = Client::pair_in_play(&host.server).await;
    one.send(ClientMessage::Leave).await;
    assert_eq!(outcome(&mut one).await.0, Outcome::Left);
    two.view(|view| matches!(view, View::Playing { flush: true, .. }).then_some(()))
        .await;
    host = host.restart().await;
    [one, two] = all_back(&host, [one, two]).await;
    assert_eq!(outcome(&mut one).await.0, Outcome::Left);
    let asked = two.view(Some).await;
    assert!(matches!(asked, View::Playing { flush: true, .. }));
    two.upload(&upload(session.session, 1, 0, UploadBody::Flushed))
        .await;
    assert_eq!(outcome(&mut two).await.0, Outcome::PartnerLeft);
}

/// Messages that cross with the restart are not of a session that nobody knows.
#[tokio::test]
async fn links_and_signals_work_as_before() {
    let mut host = Host::start(End::Dies).await;
    let (mut pair, [session, _], _) = Client::pair_in_play(&host.server).await;
    host = host.restart().await;
    pair = all_back(&host, pair).await;
    let link = ClientMessage::Link {
        session: session.session,
        to: 1,
        attempt: 1,
        state: LinkState::Failed {
            reason: "gone".into(),
        },
    };
    pair[0].send(link).await;
    let signal = ClientMessage::Signal {
        session: session.session,
        to: 1,
        attempt: 1,
        payload: igym_protocol::SignalPayload::Offer { sdp: "sdp".into() },
    };
    pair[0].send(signal).await;
    pair[1]
        .until(|message| matches!(message, ServerMessage::Signal { from: 0, .. }).then_some(()))
        .await;
    assert_eq!(host.server.running.refusals().len(), 0);
}

#[tokio::test]
async fn a_changed_study_is_not_served_to_those_who_are_under_way() {
    let server = TestServer::start().await;
    let mut page = Client::arrive(&server).await;
    page.enter_lobby().await;
    page.view(|view| matches!(view, View::Lobby { .. }).then_some(()))
        .await;
    let source = server.study.source().replacen("A test", "Another", 1);
    let changed = StudyConfig::parse(&source, "study.toml").unwrap();
    let token = page.token.clone();
    page.leave().await;
    let data = server.stop().await;
    let store = Arc::new(SqliteStore::open(data.path()).unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut options = ServerOptions::new(changed.clone(), data.path().to_owned(), address);
    let web = tempfile::tempdir().unwrap();
    std::fs::write(web.path().join("index.html"), "<!doctype html>").unwrap();
    std::fs::create_dir(web.path().join("assets")).unwrap();
    let module = web.path().join("assets/igym_browser_bg-1.wasm");
    std::fs::write(module, crate::support::MODULE).unwrap();
    options.web_dir = Some(web.path().to_owned());
    let result = serve(options, store.clone(), std::future::pending()).await;
    let error = result.err().unwrap();
    let ServeError::Restore(RestoreError::StudyChanged { under_way: 1 }) = error else {
        panic!("{error}");
    };
    // The study as it was takes them further, and then the new one may be served.
    let server = TestServer::start_on(2, data, store, |_| {}).await;
    let mut page = Client::open(&server, token).await;
    page.send(ClientMessage::Leave).await;
    assert_eq!(outcome(&mut page).await.0, Outcome::Left);
    page.leave().await;
    let data = server.stop().await;
    let store = Arc::new(SqliteStore::open(data.path()).unwrap());
    let server = TestServer::start_on(2, data, store, |options| options.study = changed).await;
    let study = request(server.address, "GET", "/api/study", "").await;
    assert_eq!(study.json()["title"], "Another");
}
