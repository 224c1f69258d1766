use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use igym_bot::{BotError, Browser, Ending};
use igym_protocol::{Outcome, Record, UploadBody, Verdict};
use igym_server::{ServerOptions, Summary, serve};
use igym_storage::{Filter, JournalStore};
use igym_storage_sqlite::SqliteStore;
use igym_study::StudyConfig;
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// Far more than any of these tests takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Study {
    link: String,
    store: Arc<SqliteStore>,
    summary: watch::Receiver<Summary>,
    _folders: [TempDir; 2],
    _stop: oneshot::Sender<()>,
}

async fn study(relay: &str) -> Study {
    let [data, web] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    fs::create_dir(web.path().join("assets")).unwrap();
    fs::write(web.path().join("index.html"), "<!doctype html>").unwrap();
    fs::write(web.path().join("assets/a.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let text = format!(
        r#"
        [study]
        id = "bots"
        title = "Bots"

        [[scenes]]
        type = "start"

        [[scenes]]
        type = "gym"
        environment = "slime_volleyball"
        config = {{ max_lives = 100 }}
        episodes = 2
        max_steps = 120
        countdown_s = 0
        relay = "{relay}"

        [[scenes]]
        type = "end"
        code = "DONE"
        "#
    );
    let config = StudyConfig::parse(&text, "study.toml").unwrap();
    let store = Arc::new(SqliteStore::open(data.path()).unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut options = ServerOptions::new(config, data.path().to_owned(), address);
    options.web_dir = Some(web.path().to_owned());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = serve(options, store.clone(), async { drop(stopped.await) });
    let running = running.await.unwrap();
    Study {
        link: format!("http://{}/", running.address()),
        store,
        summary: running.summary(),
        _folders: [data, web],
        _stop: stop,
    }
}

impl Study {
    fn records(&self) -> Vec<Record> {
        let entries = self.store.read(Filter::default()).unwrap();
        entries.into_iter().map(|entry| entry.record).collect()
    }

    /// The verdicts, once there are so many: nobody waits for them.
    async fn verdicts(&self, count: usize) -> Vec<Verdict> {
        let verdict = |record| match record {
            Record::EpisodeClosed { judgement, .. } => Some(judgement.verdict),
            _ => None,
        };
        let mut summary = self.summary.clone();
        let all = summary.wait_for(|summary| summary.judged >= count as u64);
        timeout(PATIENCE, all).await.unwrap().unwrap();
        self.records().into_iter().filter_map(verdict).collect()
    }

    /// Confirmed frames that the bot's pages have uploaded.
    fn rows(&self, bot: &Browser) -> usize {
        let participant = bot.kept().acknowledged().map(|it| it.participant);
        let rows = |record| match record {
            Record::Uploaded {
                participant: by,
                upload,
                ..
            } if Some(by) == participant => match upload.body {
                UploadBody::Rows(rows) => rows.rows.len(),
                _ => 0,
            },
            _ => 0,
        };
        self.records().into_iter().map(rows).sum()
    }

    fn has_rows(&self) -> bool {
        self.records().iter().any(|record| {
            matches!(record, Record::Uploaded { upload, .. }
                if matches!(upload.body, UploadBody::Rows(_)))
        })
    }
}

fn done() -> Ending {
    Ending {
        outcome: Outcome::Completed,
        code: Some("DONE".to_owned()),
    }
}

#[tokio::test]
async fn two_bots_play_a_study_to_its_end() {
    for relay in ["fallback", "only"] {
        let study = study(relay).await;
        let mut bots = [
            Browser::arrive(&study.link, 1).await.unwrap(),
            Browser::arrive(&study.link, 2).await.unwrap(),
        ];
        let [one, two] = &mut bots;
        let both = async { tokio::join!(one.visit(), two.visit()) };
        let (first, second) = timeout(PATIENCE, both).await.unwrap();
        assert_eq!(
            [first.unwrap(), second.unwrap()],
            [done(), done()],
            "{relay}"
        );
        assert_eq!(study.verdicts(2).await, [Verdict::Verified; 2], "{relay}");
        for bot in &bots {
            assert_eq!(bot.kept().waiting(), 0);
            assert_eq!(study.rows(bot), 240);
        }
    }
}

#[tokio::test]
async fn a_bot_whose_page_dies_in_play_comes_back_into_the_same_episode() {
    let study = study("only").await;
    let mut one = Browser::arrive(&study.link, 1).await.unwrap();
    let mut two = Browser::arrive(&study.link, 2).await.unwrap();
    let stays = tokio::spawn(async move { one.visit().await });
    {
        // The page dies when rows are on disk, in the midst of the first episode.
        let mut visit = Box::pin(two.visit());
        while !study.has_rows() {
            let beat = timeout(Duration::from_millis(20), &mut visit).await;
            assert!(beat.is_err(), "still in play");
        }
    }
    let ending = timeout(PATIENCE, two.visit()).await.unwrap().unwrap();
    assert_eq!(ending, done());
    let ending = timeout(PATIENCE, stays).await.unwrap().unwrap().unwrap();
    assert_eq!(ending, done());
    assert_eq!(study.verdicts(2).await, [Verdict::Verified; 2]);
    let rejoined = |record: &Record| matches!(record, Record::EpisodeRejoined { episode: 0, .. });
    let count = study.records().iter().filter(|it| rejoined(it)).count();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_link_that_is_none_is_an_error_that_says_what_to_give() {
    let links = [
        "localhost:8000",
        "https://study.example/",
        "http://",
        "http://a/b",
    ];
    for link in links {
        let Err(error @ BotError::Address { .. }) = Browser::arrive(link, 1).await else {
            panic!("{link}");
        };
        assert!(error.to_string().contains("http://host:port/"));
    }
}
