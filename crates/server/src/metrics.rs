//! What the server counts, and `GET /metrics`.
//!
//! Written by hand: a recorder of the usual crates is global to a process, and half of these
//! numbers are not counted but read where they are kept. Each name is explained in
//! `docs/operations.md`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use igym_protocol::{SessionState, Verdict};
use igym_storage::{Histogram, JournalStore, StorageError};
use igym_study::{Scene, StudyConfig};

use crate::{
    exposition::{OUTCOMES, Page, REFUSALS, outcome, refusal},
    population::{Counts, Place},
    relays::Relays,
    state::Refusals,
};

#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) started_ms: u64,
    pub(crate) refusals: Arc<Refusals>,
    relays: Arc<Relays>,
    /// Histories that were given to pages that rejoin.
    pub(crate) histories: AtomicU64,
    /// Open TCP connections, and those of them that are a participant's WebSocket.
    pub(crate) sockets: Level,
    pub(crate) connections: Level,
    pub(crate) sockets_refused: AtomicU64,
    pub(crate) sockets_refused_address: AtomicU64,
    /// Connections on which no request came in time, or took too long to come.
    pub(crate) request_timeouts: AtomicU64,
    /// Appends of uploads that wait for the disk.
    pub(crate) uploads_waiting: Level,
    pub(crate) upload_latency: Histogram,
    uploads_failing: AtomicBool,
    closings: Mutex<BTreeMap<u16, u64>>,
    population: Mutex<Counts>,
}

/// A number that goes up and down.
#[derive(Default)]
pub(crate) struct Level(AtomicU64);

/// One more, for as long as it lives.
pub(crate) struct Counted {
    metrics: Arc<Metrics>,
    level: fn(&Metrics) -> &Level,
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.level)(&self.metrics).0.fetch_sub(1, Relaxed);
    }
}

impl Metrics {
    pub(crate) fn new(started_ms: u64, refusals: Arc<Refusals>, relays: Arc<Relays>) -> Self {
        Self {
            started_ms,
            refusals,
            relays,
            ..Self::default()
        }
    }

    pub(crate) fn count(self: &Arc<Self>, level: fn(&Metrics) -> &Level) -> Counted {
        level(self).0.fetch_add(1, Relaxed);
        let metrics = self.clone();
        Counted { metrics, level }
    }

    /// The journal answered about an upload. An outage is one line, however many uploads it hits.
    pub(crate) fn uploaded(&self, latency: Duration, error: Option<&StorageError>) {
        match error {
            None => {
                self.upload_latency.observe(latency);
                if self.uploads_failing.swap(false, Relaxed) {
                    tracing::info!("uploads are written again");
                }
            }
            Some(error) => {
                if !self.uploads_failing.swap(true, Relaxed) {
                    tracing::error!(%error, "uploads cannot be written: the pages keep them");
                }
            }
        }
    }

    /// The server closed a WebSocket.
    pub(crate) fn closed(&self, code: u16) {
        let mut closings = self.closings.lock().unwrap_or_else(PoisonError::into_inner);
        *closings.entry(code).or_default() += 1;
    }

    pub(crate) fn publish(&self, counts: &Counts) {
        let mut population = self
            .population
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *population != *counts {
            population.clone_from(counts);
        }
    }

    /// Everything, as text. `commands` wait for the study's task.
    pub(crate) fn render(
        &self,
        study: &[SceneKind],
        store: &dyn JournalStore,
        commands: usize,
    ) -> String {
        let mut page = Page::default();
        self.traffic(&mut page);
        self.play(&mut page);
        self.people(&mut page, study);
        page.single(
            "igym_commands_queued",
            "gauge",
            "Messages that wait for the study",
            commands as u64,
        );
        let journal = store.counters();
        let name = "igym_journal";
        for (metric, kind, help, value) in [
            (
                "commits_total",
                "counter",
                "Transactions on disk",
                journal.commits,
            ),
            (
                "failed_commits_total",
                "counter",
                "Transactions that could not be written",
                journal.failed_commits,
            ),
            (
                "records_total",
                "counter",
                "Records on disk",
                journal.records,
            ),
            (
                "bytes_total",
                "counter",
                "Bytes of records' bodies on disk",
                journal.bytes,
            ),
            (
                "queued",
                "gauge",
                "Appends that wait for the disk",
                journal.queued,
            ),
        ] {
            page.single(&format!("{name}_{metric}"), kind, help, value);
        }
        page.histogram(
            "igym_journal_commit_seconds",
            "Time of a transaction until it is on disk",
            &journal.commit_latency,
        );
        page.0
    }

    fn traffic(&self, page: &mut Page) {
        #[expect(clippy::cast_precision_loss, reason = "exact for 280,000 years")]
        let started = self.started_ms as f64 / 1e3;
        page.head(
            "process_start_time_seconds",
            "gauge",
            "When the server started, since 1970",
        );
        page.line("process_start_time_seconds", "", started);
        let refusals = self.refusals.counts();
        let count = |code| (refusal(code), refusals.get(&code).copied().unwrap_or(0));
        page.family(
            "igym_refusals_total",
            "counter",
            "Messages that were refused and changed nothing",
            "code",
            REFUSALS.map(count),
        );
        let closings = self
            .closings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        page.family(
            "igym_closings_total",
            "counter",
            "WebSockets that the server closed, by closing code",
            "code",
            closings,
        );
        page.single(
            "igym_sockets",
            "gauge",
            "Open TCP connections",
            self.sockets.get(),
        );
        page.single(
            "igym_connections",
            "gauge",
            "Participants' open WebSockets",
            self.connections.get(),
        );
        page.family(
            "igym_sockets_refused_total",
            "counter",
            "TCP connections beyond a limit",
            "limit",
            [
                ("all", self.sockets_refused.load(Relaxed)),
                ("address", self.sockets_refused_address.load(Relaxed)),
            ],
        );
        page.single(
            "igym_request_timeouts_total",
            "counter",
            "Connections whose request did not come in time",
            self.request_timeouts.load(Relaxed),
        );
        page.single(
            "igym_uploads_waiting",
            "gauge",
            "Uploads that wait for the disk",
            self.uploads_waiting.get(),
        );
        page.histogram(
            "igym_upload_ack_seconds",
            "Time from an upload's arrival until it is on disk and acknowledged",
            &self.upload_latency.snapshot(),
        );
    }

    /// What passes through the server for pages in play.
    fn play(&self, page: &mut Page) {
        let relayed = &self.relays.counts;
        page.family(
            "igym_relay_packets_total",
            "counter",
            "Packets for partners that pages sent through the server, by what became of them",
            "result",
            [
                ("passed", relayed.passed.load(Relaxed)),
                ("undeliverable", relayed.undeliverable.load(Relaxed)),
                ("late", relayed.late.load(Relaxed)),
                ("forbidden", relayed.forbidden.load(Relaxed)),
            ],
        );
        page.single(
            "igym_relay_replaced_total",
            "counter",
            "Packets that were passed on but not sent, as a newer one of their sender came",
            relayed.replaced.load(Relaxed),
        );
        page.single(
            "igym_relay_bytes_total",
            "counter",
            "Bytes of packets that were passed on",
            relayed.bytes.load(Relaxed),
        );
        page.single(
            "igym_histories_total",
            "counter",
            "Histories of episodes that were given to pages that rejoin",
            self.histories.load(Relaxed),
        );
    }

    fn people(&self, page: &mut Page, study: &[SceneKind]) {
        let counts = self
            .population
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let page_of = |scene: u32| {
            study
                .get(scene as usize)
                .copied()
                .unwrap_or(SceneKind::Start)
        };
        let scene = |kind| {
            counts.at(|place| matches!(place, Place::Scene(scene) if page_of(scene) == kind))
        };
        let session = |state| counts.at(|place| place == Place::Session(state));
        let lobby = counts.at(|place| place == Place::Lobby);
        page.family(
            "igym_participants",
            "gauge",
            "Participants by the page they are on, connected or not",
            "view",
            [
                ("start", scene(SceneKind::Start)),
                ("instructions", scene(SceneKind::Game)),
                ("lobby", lobby),
                ("connecting", session(SessionState::Matched)),
                ("validating", session(SessionState::Validating)),
                ("playing", session(SessionState::Playing)),
                ("end", counts.at(|place| matches!(place, Place::Ended(_)))),
            ],
        );
        page.family(
            "igym_participants_ended_total",
            "counter",
            "Participants who reached the end, by outcome",
            "outcome",
            OUTCOMES.map(|it| (outcome(it), counts.at(|place| place == Place::Ended(it)))),
        );
        page.single(
            "igym_lobby_length",
            "gauge",
            "Participants who wait for partners",
            lobby,
        );
        page.family(
            "igym_sessions",
            "gauge",
            "Sessions by state",
            "state",
            [
                ("matched", counts.sessions_in(SessionState::Matched)),
                ("validating", counts.sessions_in(SessionState::Validating)),
                ("playing", counts.sessions_in(SessionState::Playing)),
                ("ended", counts.sessions_in(SessionState::Ended)),
            ],
        );
        page.single(
            "igym_episodes_opened_total",
            "counter",
            "Episodes that were begun",
            counts.episodes_opened,
        );
        page.single(
            "igym_episodes_unjudged",
            "gauge",
            "Episodes that are over and have no verdict yet: the length of the judges' queue",
            counts.unjudged(),
        );
        page.family(
            "igym_episodes_total",
            "counter",
            "Episodes that were judged, by verdict",
            "verdict",
            [
                ("verified", counts.judged(Verdict::Verified)),
                ("partial", counts.judged(Verdict::Partial)),
                ("desync", counts.judged(Verdict::Desync)),
                ("disputed", counts.judged(Verdict::Disputed)),
            ],
        );
    }
}

impl Level {
    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What a participant sees in a scene before they join its lobby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SceneKind {
    Start,
    Game,
}

impl SceneKind {
    pub(crate) fn of(study: &StudyConfig) -> Vec<Self> {
        let scenes = study.scenes.iter();
        scenes
            .map(|scene| match scene {
                Scene::Start(_) => Self::Start,
                Scene::Gym(_) => Self::Game,
            })
            .collect()
    }
}
