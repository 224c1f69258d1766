//! A server in this process, with pages and data of its own.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use igym_protocol::{Digests, Entry, Record, RefusalCode, SessionState};
use igym_server::{Running, ServerOptions, serve};
use igym_storage::{Filter, JournalStore};
use igym_storage_sqlite::SqliteStore;
use igym_study::{Scene, StudyConfig};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::patiently;

/// What stands for the WebAssembly module.
pub(crate) const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A game for `players`, of two episodes.
fn study(players: usize) -> String {
    let seats = match players {
        1 => "seat_groups = [[\"agent_left\", \"agent_right\"]]",
        _ => "",
    };
    format!(
        r#"
            [study]
            id = "test"
            title = "A test"

            [[scenes]]
            type = "start"

            [[scenes]]
            type = "gym"
            environment = "slime_volleyball"
            episodes = 2
            seeds = [11, 12]
            max_steps = 120
            countdown_s = 0
            connection_attempts = 3
            connection_timeout_s = 120
            validation_timeout_s = 120
            {seats}

            [[scenes]]
            type = "end"
            code = "FINISHED"
        "#
    )
}

pub(crate) struct TestServer {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
    pub(crate) store: Arc<dyn JournalStore>,
    pub(crate) study: StudyConfig,
    data: TempDir,
    _web: TempDir,
    stop: oneshot::Sender<()>,
}

impl TestServer {
    /// A game for two.
    pub(crate) async fn start() -> Self {
        Self::start_with(2, |_| {}).await
    }

    pub(crate) async fn start_with(
        players: usize,
        change: impl FnOnce(&mut ServerOptions),
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(data.path()).unwrap());
        Self::start_on(players, data, store, change).await
    }

    /// On the data of an earlier server, or with a store of the test's own.
    pub(crate) async fn start_on(
        players: usize,
        data: TempDir,
        store: Arc<dyn JournalStore>,
        change: impl FnOnce(&mut ServerOptions),
    ) -> Self {
        let web = tempfile::tempdir().unwrap();
        fs::create_dir(web.path().join("assets")).unwrap();
        for (name, content) in [
            ("index.html", &b"<!doctype html><title>Page</title>"[..]),
            ("favicon.svg", b"<svg/>"),
            ("assets/index-1a2b.js", b"export {};"),
            ("assets/index-3c4d.css", b"body {}"),
            ("assets/igym_browser_bg-5e6f.wasm", MODULE),
            (".hidden", b"secret"),
        ] {
            fs::write(web.path().join(name), content).unwrap();
        }
        let study = StudyConfig::parse(&study(players), "study.toml").unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut options = ServerOptions::new(study, data.path().to_owned(), address);
        options.web_dir = Some(web.path().to_owned());
        change(&mut options);
        let study = options.study.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { drop(stopped.await) };
        let running = serve(options, store.clone(), shutdown).await.unwrap();
        Self {
            address: running.address(),
            running,
            store,
            study,
            data,
            _web: web,
            stop,
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data.path().to_owned()
    }

    /// Everything in the journal.
    pub(crate) fn journal(&self) -> Vec<Entry> {
        self.store.read(Filter::default()).unwrap()
    }

    pub(crate) fn uploads(&self) -> Vec<Record> {
        let records = self.journal().into_iter().map(|entry| entry.record);
        records
            .filter(|record| matches!(record, Record::Uploaded { .. }))
            .collect()
    }

    /// What the sessions went through.
    pub(crate) fn states(&self) -> Vec<SessionState> {
        let records = self.journal().into_iter().map(|entry| entry.record);
        let states = records.filter_map(|record| match record {
            Record::SessionEntered { state, .. } => Some(state),
            _ => None,
        });
        states.collect()
    }

    pub(crate) fn refused(&self, code: RefusalCode) -> u64 {
        self.running.refusals().get(&code).copied().unwrap_or(0)
    }

    /// What an honest page runs.
    pub(crate) fn digests(&self) -> Digests {
        let environment = self.study.scenes.iter().find_map(|scene| match scene {
            Scene::Gym(game) => Some(game.environment_digest.clone()),
            Scene::Start(_) => None,
        });
        Digests {
            build: self.running.build().to_owned(),
            environment: environment.unwrap(),
            study: self.study.digest(),
        }
    }

    /// What is left when the server is killed by other means.
    pub(crate) fn into_data(self) -> TempDir {
        self.data
    }

    /// Stops the server in good order; the data stay.
    pub(crate) async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        patiently("the end", self.running.finished()).await.unwrap();
        self.data
    }
}
