//! The task that owns the study.

use std::{collections::BTreeSet, sync::Arc};

use igym_protocol::{
    ClientMessage, Judgement, ParticipantId, Record, Refusal, RefusalCode, Seal, ServerMessage,
    SessionId, Verdict,
};
use igym_storage::StorageError;
use igym_study::{Effect, Millis, Study};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Duration, Instant, sleep_until},
};

use crate::{
    Summary,
    clock::Clock,
    commit::{Batch, Committer, Output},
    histories::{Histories, HistoryRequest},
    judge::Judges,
    metrics::Metrics,
    registry::{Admitted, ConnectionId, Greeting, NotAdmitted, Registry},
    relays::Relays,
    roster::Roster,
    state::{Refusals, refusal},
    summary::Census,
    token::SecretHash,
};

/// From a participant.
pub(crate) enum Command {
    /// Somebody opened the study's link.
    Arrive {
        token: SecretHash,
        external_id: Option<String>,
        /// Answered once the arrival is on disk; dropped if it cannot be written.
        reply: oneshot::Sender<()>,
    },
    Hello {
        greeting: Greeting,
        /// Answered once the page load is on disk.
        reply: oneshot::Sender<Result<Admitted, NotAdmitted>>,
    },
    Message {
        participant: ParticipantId,
        connection: ConnectionId,
        message: ClientMessage,
    },
}

/// From the server's other tasks and threads.
pub(crate) enum Event {
    Disconnected {
        participant: ParticipantId,
        connection: ConnectionId,
    },
    /// The batch in flight is on disk, or is not.
    Committed(Result<(), StorageError>),
    /// An upload that concerns the study is on disk.
    Sealed {
        participant: ParticipantId,
        /// The page load that made it.
        incarnation: u32,
        session: SessionId,
        episode: u32,
        seal: Seal,
    },
    Flushed {
        participant: ParticipantId,
        incarnation: u32,
        session: SessionId,
        episode: u32,
    },
    Judged {
        session: SessionId,
        episode: u32,
        /// None where this server stops before there is one.
        judgement: Option<Judgement>,
    },
    /// Everybody is gone: write what is left and end.
    Stop,
}

/// Everything that only this task touches, and what it publishes.
pub(crate) struct Actor {
    pub(crate) study: Study,
    pub(crate) registry: Registry,
    pub(crate) committer: Committer,
    pub(crate) judges: Judges,
    pub(crate) histories: Histories,
    pub(crate) census: Census,
    pub(crate) clock: Clock,
    pub(crate) storage_retry: Duration,
    /// How long verdicts are waited for at the end.
    pub(crate) stop_timeout: Duration,
    pub(crate) roster: Arc<Roster>,
    pub(crate) relays: Arc<Relays>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) summary: watch::Sender<Summary>,
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
}

impl Actor {
    /// Handles one thing after the other until it is told to stop.
    pub(crate) async fn run(mut self) {
        // A deadline in the past is handled at once, but never in a loop without a breath.
        let mut not_before = Instant::now();
        let mut retry_at: Option<Instant> = None;
        // From the end on, until when verdicts are waited for.
        let mut ending: Option<Instant> = None;
        // A study that goes on may have something to ask at once.
        self.drain();
        if let Some(batch) = self.committer.turn() {
            self.release(batch);
        }
        while !ending.is_some_and(|until| self.is_done(until)) {
            let deadline = self
                .study
                .poll_deadline()
                .map(|time| self.clock.instant(time).max(not_before));
            tokio::select! {
                // What the server knows comes before what participants want: a seal that was
                // acknowledged counts, whatever its page does next.
                biased;
                Some(event) = self.events.recv() => match event {
                    Event::Stop => ending = Some(Instant::now() + self.stop_timeout),
                    Event::Committed(result) => {
                        if result.is_err() {
                            retry_at = Some(Instant::now() + self.storage_retry);
                        }
                        if let Some(batch) = self.committer.committed(result) {
                            self.release(batch);
                        }
                    }
                    event => self.handle_event(event),
                },
                () = at(retry_at) => {
                    retry_at = None;
                    self.committer.write();
                }
                () = at(ending), if ending.is_some_and(|until| until > Instant::now()) => {}
                () = at(deadline), if ending.is_none() => {
                    self.study.handle_time(self.clock.now());
                    not_before = Instant::now() + Duration::from_millis(1);
                }
                Some(command) = self.commands.recv(), if ending.is_none() => self.handle_command(command),
            }
            self.drain();
            if let Some(batch) = self.committer.turn() {
                self.release(batch);
            }
        }
        self.judges.stop();
        if !self.committer.is_idle() {
            tracing::error!("the last events of the study could not be written");
        }
    }

    /// Whether nothing is left to write. A verdict that takes longer is the next server's business.
    fn is_done(&self, until: Instant) -> bool {
        let judged = self.judges.is_idle() || until <= Instant::now();
        self.committer.is_failing() || (self.committer.is_idle() && judged)
    }

    fn handle_command(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Arrive {
                token,
                external_id,
                reply,
            } => {
                if self.committer.is_failing() {
                    return;
                }
                let participant = self.registry.arrive(token, Instant::now());
                tracing::info!(%participant, "arrived");
                self.study
                    .handle_arrival(now, participant, token.to_hex(), external_id);
                self.drain();
                self.committer.output(Output::Arrived(reply));
            }
            Command::Hello { greeting, reply } => match self.admit(now, greeting) {
                Ok(admitted) => self.committer.output(Output::Admit { admitted, reply }),
                Err(not_admitted) => {
                    // A connection that is gone needs no answer.
                    let _ = reply.send(Err(not_admitted));
                }
            },
            Command::Message {
                participant,
                connection,
                message,
            } => {
                if !self.registry.is_current(participant, connection) {
                    return;
                }
                let asks = matches!(message, ClientMessage::Rejoin { .. });
                let result = if self.committer.is_failing() {
                    Err(not_written())
                } else if asks && !self.registry.may_rejoin(participant, Instant::now()) {
                    let message = "the history was asked for too often: wait a little";
                    Err(refusal(RefusalCode::TooFast, message))
                } else {
                    self.study.handle_message(now, participant, &message)
                };
                self.answer(participant, result);
            }
        }
    }

    fn admit(&mut self, now: Millis, greeting: Greeting) -> Result<Admitted, NotAdmitted> {
        if self.committer.is_failing() {
            return Err(NotAdmitted::Refused(not_written()));
        }
        let (admitted, page_loaded) = self.registry.admit(greeting, Instant::now())?;
        let participant = admitted.presence.participant;
        if let Some(record) = page_loaded {
            tracing::debug!(%participant, incarnation = admitted.incarnation, "page loaded");
            self.committer.record(now.0, record);
            // What the page before knew is gone, even if its connection was still open.
            if self.study.is_connected(participant) {
                self.study.handle_disconnected(now, participant);
            }
        }
        self.study
            .handle_connected(now, participant, admitted.incarnation);
        self.drain();
        self.queue_view(now, participant);
        Ok(admitted)
    }

    fn handle_event(&mut self, event: Event) {
        let now = self.clock.now();
        match event {
            Event::Disconnected {
                participant,
                connection,
            } => {
                // When the server stops, it is not the participants who go.
                if self.registry.disconnect(participant, connection) && !*self.stopping.borrow() {
                    tracing::debug!(%participant, "disconnected");
                    self.study.handle_disconnected(now, participant);
                }
            }
            Event::Sealed {
                participant,
                incarnation,
                session,
                episode,
                seal,
            } => {
                let result =
                    self.study
                        .handle_seal(now, participant, incarnation, session, episode, seal);
                self.answer(participant, result);
            }
            Event::Flushed {
                participant,
                incarnation,
                session,
                episode,
            } => {
                let result =
                    self.study
                        .handle_flushed(now, participant, incarnation, session, episode);
                self.answer(participant, result);
            }
            Event::Judged {
                session,
                episode,
                judgement,
            } => {
                self.judges.judged(session, episode);
                if let Some(judgement) = judgement {
                    self.study.handle_judged(session, episode, judgement);
                }
            }
            Event::Committed(_) | Event::Stop => {}
        }
    }

    fn answer(&self, participant: ParticipantId, result: Result<(), Refusal>) {
        if let Err(refusal) = result {
            self.refusals.count(&refusal);
            if let Some(mailbox) = self.registry.mailbox(participant) {
                mailbox.post(ServerMessage::Refused { refusal });
            }
        }
    }

    /// Takes over what the study wants done. Views are taken now, together with the records that
    /// they follow from: later ones may show what is not on disk yet.
    fn drain(&mut self) {
        let now = self.clock.now();
        let mut changed = BTreeSet::new();
        while let Some(effect) = self.study.poll_effect() {
            match effect {
                Effect::Record(record) => self.committer.record(now.0, record),
                Effect::View { participant } => {
                    changed.insert(participant);
                }
                Effect::Signal { to, message } => {
                    self.committer.output(Output::Signal { to, message });
                }
                Effect::History {
                    participant,
                    session,
                    episode,
                } => {
                    if let Some(mailbox) = self.registry.mailbox(participant).cloned() {
                        let request = HistoryRequest {
                            participant,
                            session,
                            episode,
                            mailbox,
                        };
                        self.committer.output(Output::History(request));
                    }
                }
                Effect::Judge { session, episode } => {
                    self.committer.output(Output::Judge { session, episode });
                }
            }
        }
        for participant in changed {
            self.queue_view(now, participant);
        }
    }

    fn queue_view(&mut self, now: Millis, participant: ParticipantId) {
        if self.registry.mailbox(participant).is_some()
            && let Some(view) = self.study.view(now, participant)
        {
            self.committer.view(participant, view);
        }
    }

    /// Everything in the batch is durable: it may be known.
    fn release(&mut self, batch: Batch) {
        for entry in &batch.entries {
            self.roster.learn(&entry.record);
            self.relays.learn(&entry.record);
            self.census.learn(&entry.record);
            log(&entry.record);
        }
        if !batch.entries.is_empty() {
            self.metrics.publish(self.census.counts());
            let config = self.study.config();
            let build = self.summary.borrow().build.clone();
            let summary = self.census.summary(&config.id, &config.title, &build);
            self.summary.send_if_modified(|current| {
                let changed = *current != summary;
                *current = summary;
                changed
            });
        }
        let mut signals = Vec::new();
        for output in batch.outputs {
            match output {
                // Whoever asked may be gone; a connection that is gone says so when `admitted`
                // is dropped.
                Output::Arrived(reply) => drop(reply.send(())),
                Output::Admit { admitted, reply } => drop(reply.send(Ok(admitted))),
                Output::Signal { to, message } => signals.push((to, message)),
                Output::Judge { session, episode } => self.judges.judge(session, episode),
                // The fence is on disk: what earlier pages still deliver does not count.
                Output::History(request) => self.histories.deliver(request),
            }
        }
        for (participant, view) in batch.views {
            self.registry.show(participant, view);
        }
        for (to, message) in signals {
            if let Some(mailbox) = self.registry.mailbox(to) {
                mailbox.post(message);
            }
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn not_written() -> Refusal {
    refusal(
        RefusalCode::Storage,
        "the server cannot write to its disk: try again",
    )
}

/// The few events that an experimenter follows.
fn log(record: &Record) {
    match record {
        Record::SessionOpened {
            session,
            members,
            treatment,
            ..
        } => {
            let treatment = treatment.as_deref();
            tracing::info!(%session, players = members.len(), treatment, "session opened");
        }
        Record::SessionEntered { session, state } => {
            tracing::info!(%session, ?state, "session entered");
        }
        Record::EpisodeClosed {
            session,
            episode,
            reason,
            judgement,
        } => match judgement.verdict {
            Verdict::Verified | Verdict::Partial => tracing::info!(
                %session, episode, ?reason, verdict = ?judgement.verdict, "episode closed"
            ),
            Verdict::Desync | Verdict::Disputed => tracing::warn!(
                %session, episode, ?reason, verdict = ?judgement.verdict,
                first_difference = ?judgement.first_difference, "episode closed"
            ),
        },
        // What a page says may hold line breaks and worse: it is quoted.
        Record::EnvironmentFailed {
            session,
            episode,
            player,
            frame,
            message,
        } => tracing::error!(
            %session, episode, player, frame, error = ?message, "the environment raised an error"
        ),
        Record::EnvironmentUnable {
            participant,
            scene,
            message,
        } => tracing::warn!(
            %participant, scene, error = ?message, "a page cannot run the environment"
        ),
        Record::ParticipantEnded {
            participant,
            outcome,
            ..
        } => tracing::info!(%participant, ?outcome, "ended"),
        _ => {}
    }
}
