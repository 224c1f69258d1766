//! kill -9 while two people play.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use igym_play::Outbox;
use igym_protocol::{
    CloseReason, EpisodePlan, Record, ServerMessage, Upload, Verdict, View, decode_upload,
};
use igym_server::ServerOptions;
use igym_storage_sqlite::SqliteStore;
use igym_study::StudyConfig;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    episode::{closings, play},
    support::{Client, RawClient, TestServer, hello},
};

/// Set for the process that is to be killed: its data, and its address.
const DATA: &str = "IGYM_TEST_SERVE_DATA";
const ADDRESS: &str = "IGYM_TEST_SERVE_ADDRESS";

const KILLS: u32 = 20;

pub(crate) fn long_study(options: &mut ServerOptions) {
    let source = options.study.source();
    let long = source
        .replace("episodes = 2", "episodes = 600")
        .replace("seeds = [11, 12]", "");
    assert_ne!(source, long);
    options.study = StudyConfig::parse(&long, "study.toml").unwrap();
}

/// Not a test of its own: `killed_at_any_instant…` runs this test binary again with [`DATA`] set,
/// and kills it.
#[test]
fn server() {
    let Some(data) = std::env::var_os(DATA) else {
        return;
    };
    let address = std::env::var(ADDRESS).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Arc::new(SqliteStore::open(Path::new(&data)).unwrap());
        let elsewhere = tempfile::tempdir().unwrap();
        let _server = TestServer::start_on(2, elsewhere, store, |options| {
            long_study(options);
            options.data_dir = data.into();
            options.address = address;
        })
        .await;
        println!("\nlistening");
        std::future::pending::<()>().await;
    });
}

/// Killed when it is dropped, too.
pub(crate) struct Victim(Child);

impl Victim {
    /// Returns when it listens.
    pub(crate) fn start(data: &Path, temporary: &Path, address: SocketAddr) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::server", "--nocapture"])
            .env(DATA, data)
            .env(ADDRESS, address.to_string())
            .env("TMPDIR", temporary)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = lines.map_while(Result::ok).any(|line| line == "listening");
        let victim = Self(child);
        assert!(listening, "it ended by itself");
        victim
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What two pages know.
struct Pages {
    outboxes: [Outbox; 2],
    sent: BTreeMap<(u8, u32), Upload>,
    acknowledged: [u32; 2],
    plan: Option<EpisodePlan>,
    acknowledgements: u32,
}

impl Pages {
    async fn send(&mut self, pair: &mut [Client; 2]) {
        for (player, page) in (0..).zip(pair) {
            while let Some(bytes) = self.outboxes[usize::from(player)].poll() {
                let upload = decode_upload(&bytes).unwrap();
                let before = self.sent.insert((player, upload.seq), upload.clone());
                assert!(before.is_none_or(|before| before == upload));
                page.send_raw(Message::binary(bytes)).await;
            }
        }
    }

    fn hear(&mut self, player: usize, message: ServerMessage) {
        match message {
            ServerMessage::Ack { seq, .. } => {
                assert!(seq >= self.acknowledged[player]);
                self.acknowledged[player] = seq;
                self.outboxes[player].handle_ack(1, seq);
                self.acknowledgements += 1;
            }
            ServerMessage::View {
                view: View::Playing { plan, flush, .. },
                ..
            } => {
                assert!(!flush, "nobody is gone");
                if self.plan.as_ref() != Some(&plan) {
                    play(&plan, &mut self.outboxes, |_, _| {});
                    self.plan = Some(plan);
                }
            }
            other => panic!("{other:?}"),
        }
    }

    /// What was said before the end.
    async fn hear_out(&mut self, pair: &mut [Client; 2]) {
        for (player, page) in pair.iter_mut().enumerate() {
            for message in page.hear_out().await.0 {
                self.hear(player, message);
            }
        }
    }

    fn episode(&self) -> u32 {
        self.plan.as_ref().map_or(0, |plan| plan.episode)
    }
}

/// The same page, connected again.
pub(crate) async fn resume(address: SocketAddr, page: &Client) -> Client {
    let mut raw = RawClient::connect_to(address).await;
    raw.send(hello(&page.token, Some(page.resume.clone())))
        .await;
    let again = raw.welcomed(page.token.clone()).await;
    assert_eq!(again.resume, page.resume, "the same page");
    again
}

#[tokio::test]
async fn killed_at_any_instant_it_loses_nothing_that_it_acknowledged() {
    let temporary = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(2, long_study).await;
    let address = server.address;
    let (mut pair, ..) = Client::pair_in_play(&server).await;
    let data = server.stop().await;
    let mut pages = Pages {
        outboxes: [Outbox::new(1), Outbox::new(1)],
        sent: BTreeMap::new(),
        acknowledged: [0; 2],
        plan: None,
        acknowledgements: 0,
    };
    let mut random = 0x9e37_79b9_u32;
    let mut in_flight = 0;
    for kill in 0..=KILLS {
        let mut victim = Victim::start(data.path(), temporary.path(), address);
        for (player, page) in pair.iter_mut().enumerate() {
            *page = resume(address, page).await;
            let known = pages.acknowledged[player];
            assert!(page.acknowledged >= known, "kill {kill} lost uploads");
            pages.acknowledged[player] = page.acknowledged;
            pages.outboxes[player].handle_reconnect(page.acknowledged);
        }
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let until = pages.acknowledgements + 1 + (random >> 16) % 30;
        // The last one lives until the episode that was open is over.
        let open = pages.episode();
        while match kill {
            KILLS => pages.episode() <= open,
            _ => pages.acknowledgements < until,
        } {
            pages.send(&mut pair).await;
            let [one, two] = &mut pair;
            let (player, message) = tokio::select! {
                message = one.next() => (0, message),
                message = two.next() => (1, message),
            };
            pages.hear(player, message);
        }
        in_flight += pages.sent.len();
        victim.kill();
        pages.hear_out(&mut pair).await;
        in_flight -= pages.acknowledged.iter().sum::<u32>() as usize;
    }

    // The next server gives the verdicts that the killed ones owed.
    let store = Arc::new(SqliteStore::open(data.path()).unwrap());
    let server = TestServer::start_on(2, data, store, long_study).await;
    let closings = closings(&server, pages.episode() as usize).await;
    for (expected, (episode, reason, judgement)) in (0..).zip(&closings) {
        assert_eq!(*episode, expected, "closed once");
        assert_eq!(*reason, CloseReason::Sealed);
        assert_eq!(judgement.verdict, Verdict::Verified, "episode {episode}");
    }
    let mut stored = BTreeMap::new();
    for entry in server.journal() {
        if let Record::Uploaded { player, upload, .. } = entry.record {
            let before = stored.insert((player, upload.seq), upload);
            assert_eq!(before, None, "stored once");
        }
    }
    for ((player, seq), upload) in &pages.sent {
        let found = stored.get(&(*player, *seq));
        let acknowledged = *seq <= pages.acknowledged[usize::from(*player)];
        assert!(found == Some(upload) || found.is_none() && !acknowledged);
    }
    let played = closings.len();
    assert!(played >= 3, "only {played} episodes were played");
    assert!(in_flight >= 20, "only {in_flight} uploads were cut off");
}
