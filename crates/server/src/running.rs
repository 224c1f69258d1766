//! Starting and stopping.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use igym_protocol::{Record, RefusalCode};
use igym_storage::{JournalStore, NewEntry, StorageError};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    ServeError, ServerOptions, Summary,
    actor::{Actor, Event},
    arrivals::Arrivals,
    assets::Assets,
    clock::Clock,
    commit::Committer,
    histories::Histories,
    http,
    judge::Judges,
    metrics::{Metrics, SceneKind},
    pages::Pages,
    python::Python,
    recall::recall,
    registry::Registry,
    relays::Relays,
    sockets,
    state::{App, Refusals},
    token::{hex, random_bytes},
};

/// Commands of participants that wait for the study's task.
const COMMANDS: usize = 1024;

/// A server that listens.
pub struct Running {
    address: SocketAddr,
    build: String,
    refusals: Arc<Refusals>,
    summary: watch::Receiver<Summary>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// BLAKE3 of the WebAssembly module that it serves, in hexadecimal.
    pub fn build(&self) -> &str {
        &self.build
    }

    /// How many are where; it can be watched.
    pub fn summary(&self) -> watch::Receiver<Summary> {
        self.summary.clone()
    }

    /// How many messages were refused since the start, by kind.
    pub fn refusals(&self) -> BTreeMap<RefusalCode, u64> {
        self.refusals.counts()
    }

    /// Waits until the server was told to stop and has: everybody is disconnected and everything
    /// is written.
    pub async fn finished(self) -> Result<(), ServeError> {
        self.task
            .await
            .unwrap_or(Err(ServeError::Crashed { task: "main" }))
    }
}

/// Serves a study until `shutdown` is done. Returns when it listens.
pub async fn serve(
    options: ServerOptions,
    store: Arc<dyn JournalStore>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Running, ServeError> {
    let python_files = python_files(&options)?;
    let pages = Pages::load(options.web_dir.as_deref())?;
    pages.archive(&options.data_dir)?;
    let assets = Assets::load(options.assets_dir.as_deref())?;
    let build = pages.build().to_owned();
    let clock = Clock::start();
    let seed = match options.seed {
        Some(seed) => seed,
        None => random_bytes().map_err(|error| ServeError::Random {
            reason: error.to_string(),
        })?,
    };

    let (command_sender, commands) = mpsc::channel(COMMANDS);
    let (event_sender, events) = mpsc::unbounded_channel();
    let (stop, stopping) = watch::channel(false);
    let (connections, connections_gone) = mpsc::channel(1);
    let relays = Arc::new(Relays::of(&options.study));
    let registry = Registry::new(&options.tuning, relays.clone(), event_sender.clone());
    let config = options.study.clone();
    let recalled = recall(
        store.clone(),
        registry,
        relays.clone(),
        clock,
        config,
        build.clone(),
        seed,
    );
    let recalled = recalled.await?;

    let address = options.address;
    let bind_error = |source| ServeError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(bind_error)?;
    let address = listener.local_addr().map_err(bind_error)?;

    let study_opened = Record::StudyOpened {
        study: options.study.id.clone(),
        title: options.study.title.clone(),
        digest: options.study.digest(),
        source: options.study.source().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: build.clone(),
        seed: hex(recalled.seed),
    };
    let mut census = recalled.census;
    census.learn(&study_opened);
    append(&*store, clock.now_ms(), study_opened).await?;
    let summary = census.summary(&options.study.id, &options.study.title, &build);
    let (summary_sender, summary) = watch::channel(summary);

    let roster = Arc::new(recalled.roster);
    let refusals = Arc::new(Refusals::default());
    let storage_retry = options.tuning.storage_retry;
    let history_timeout = options.tuning.history_timeout;
    let metrics = Metrics::new(clock.now_ms(), refusals.clone(), relays.clone());
    let metrics = Arc::new(metrics);
    let judges = Judges::new(
        store.clone(),
        options.environments.clone(),
        event_sender.clone(),
        stopping.clone(),
        &options.tuning,
    );
    let stop_timeout = options.tuning.stop_timeout;
    metrics.publish(census.counts());
    let app = Arc::new(App {
        study_title: options.study.title.clone(),
        python: options.study.python.clone(),
        clock,
        arrivals: Arrivals::new(options.tuning.arrivals),
        tuning: options.tuning,
        store: store.clone(),
        pages,
        assets,
        python_files,
        roster: roster.clone(),
        relays: relays.clone(),
        refusals: refusals.clone(),
        metrics: metrics.clone(),
        scenes: SceneKind::of(&options.study),
        summary: summary.clone(),
        commands: command_sender,
        events: event_sender.clone(),
        stopping: stopping.clone(),
        connections,
    });
    let actor = Actor {
        study: recalled.study,
        registry: recalled.registry,
        histories: Histories::new(store.clone(), metrics.clone(), history_timeout),
        committer: Committer::new(store, event_sender),
        judges,
        census,
        clock,
        storage_retry,
        stop_timeout,
        roster,
        relays,
        refusals: refusals.clone(),
        metrics,
        summary: summary_sender,
        stopping,
        commands,
        events,
    };
    let server = Server {
        app,
        actor: tokio::spawn(actor.run()),
        listener,
        stop,
        connections_gone,
    };
    tracing::info!(%address, %build, "listening");
    Ok(Running {
        address,
        build,
        refusals,
        summary,
        task: tokio::spawn(server.run(shutdown)),
    })
}

/// What pages load for Python: exactly what the study was prepared with.
fn python_files(options: &ServerOptions) -> Result<Python, ServeError> {
    let bundle = options.python.as_deref();
    let prepared = bundle.map(|bundle| bundle.digest.as_str());
    match options.study.python.as_deref() == prepared {
        true => Ok(Python::new(bundle)),
        false => Err(ServeError::NotPrepared),
    }
}

/// What runs in the background.
struct Server {
    app: Arc<App>,
    actor: JoinHandle<()>,
    listener: TcpListener,
    stop: watch::Sender<bool>,
    connections_gone: mpsc::Receiver<()>,
}

impl Server {
    async fn run(mut self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let (app, stopping) = (self.app.clone(), self.app.stopping.clone());
        let http = tokio::spawn(async move {
            let router = http::router(app.clone());
            let metrics = app.metrics.clone();
            sockets::accept(self.listener, router, &app.tuning, metrics, stopping).await;
        });
        let http_abort = http.abort_handle();

        let crashed = tokio::select! {
            () = shutdown => false,
            _ = &mut self.actor => true,
        };
        tracing::info!("stopping");
        self.stop.send_replace(true);
        let patience = self.app.tuning.stop_timeout;
        // Pages are told, then everything is written, then the journal may be closed.
        if timeout(patience, http).await.is_err() {
            http_abort.abort();
        }
        let events = self.app.events.clone();
        drop(self.app);
        let gone = async { while self.connections_gone.recv().await.is_some() {} };
        if timeout(patience * 2, gone).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        if crashed {
            return Err(ServeError::Crashed { task: "study" });
        }
        let _ = events.send(Event::Stop);
        self.actor
            .await
            .map_err(|_| ServeError::Crashed { task: "study" })
    }
}

async fn append(store: &dyn JournalStore, at_ms: u64, record: Record) -> Result<(), ServeError> {
    let (done, answer) = oneshot::channel();
    store.append(
        vec![NewEntry { at_ms, record }],
        // The receiver waits below.
        Box::new(move |result| drop(done.send(result))),
    );
    answer
        .await
        .map_err(|_| ServeError::Storage(StorageError::Closed))??;
    Ok(())
}
