//! A connection whose participant is known.

use std::{ops::ControlFlow, sync::Arc};

use axum::extract::ws::{Message, WebSocket};
use igym_protocol::{
    BinaryKind, ClientMessage, Envelope, Limits, LinkState, Refusal, RefusalCode, ServerMessage,
    binary_kind,
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

use crate::{
    Rate,
    actor::Command,
    bucket::Bucket,
    intake::IN_FLIGHT_KIB,
    lanes::Lanes,
    mailbox::{Closing, Item, Mailbox},
    metrics::Counted,
    registry::{Admitted, Presence, close},
    state::{App, refusal, stopped},
    websocket::{Unwelcome, broken, end, undecodable},
};

/// How often a page is told that a packet came too late for its session.
const LATE_RELAYS: Rate = Rate {
    burst: 1,
    per_second: 1.0,
};

/// Passes messages between a page, the study's task and the journal.
pub(crate) struct Connection {
    socket: WebSocket,
    pub(crate) app: Arc<App>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) presence: Presence,
    _counted: Counted,
    pub(crate) incarnation: u32,
    resume_key: String,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) in_flight: Arc<Semaphore>,
    messages: Bucket,
    refusals: Bucket,
    pub(crate) uploads: Bucket,
    pub(crate) upload_bytes: Bucket,
    pub(crate) relays: Bucket,
    pub(crate) late_relays: Bucket,
}

impl Connection {
    pub(crate) fn new(
        socket: WebSocket,
        app: Arc<App>,
        mailbox: Arc<Mailbox>,
        admitted: Admitted,
    ) -> Self {
        let now = Instant::now();
        Self {
            socket,
            mailbox,
            _counted: app.metrics.count(|metrics| &metrics.connections),
            presence: admitted.presence,
            incarnation: admitted.incarnation,
            resume_key: admitted.resume_key,
            lanes: admitted.lanes,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_KIB as usize)),
            messages: Bucket::new(app.tuning.messages, now),
            refusals: Bucket::new(app.tuning.refusals, now),
            uploads: Bucket::new(app.tuning.uploads, now),
            upload_bytes: Bucket::new(app.tuning.upload_bytes, now),
            relays: Bucket::new(app.tuning.relays, now),
            late_relays: Bucket::new(LATE_RELAYS, now),
            app,
        }
    }

    /// Welcomes the page and serves it to its end.
    pub(crate) async fn serve(mut self, mut stopping: watch::Receiver<bool>) {
        let acknowledged = match self.attach().await {
            Ok(acknowledged) => acknowledged,
            Err(refusal) => {
                // It ends here, however that goes.
                let _ = self.try_again(refusal).await;
                return;
            }
        };
        let welcome = ServerMessage::Welcome {
            participant: self.presence.participant,
            study_title: self.app.study_title.clone(),
            incarnation: self.incarnation,
            resume_key: self.resume_key.clone(),
            acknowledged,
            server_ms: self.server_ms(),
            python: self.app.python.clone(),
        };
        if self.send(welcome).await.is_break() {
            return;
        }
        let period = self.app.tuning.ping_interval;
        let mut pings = interval_at(Instant::now() + period, period);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        // Whether it was pinged once more when nothing had come for too long. It may have been this
        // server that stood still.
        let mut doubted = false;
        loop {
            // In no order: neither what comes nor what goes may hold up the other for long.
            let flow = tokio::select! {
                item = self.mailbox.next() => match item {
                    Item::Send(message) => self.send(message).await,
                    Item::Deliver(bytes) => self.transmit(Message::Binary(bytes)).await,
                    Item::Close(closing) => self.end(closing).await,
                },
                () = stopped(&mut stopping) => {
                    self.close(close::RESTART, "the server is stopping").await
                }
                received = self.socket.recv() => {
                    let flow = match received {
                        Some(Ok(message)) => self.handle(message).await,
                        Some(Err(error)) => self.broken(error).await,
                        None => ControlFlow::Break(()),
                    };
                    heard = Instant::now();
                    doubted = false;
                    flow
                }
                _ = pings.tick() => {
                    let silent = heard.elapsed() > self.app.tuning.idle_timeout;
                    if silent && doubted {
                        self.close(close::GOING_AWAY, "nothing was heard for too long").await
                    } else {
                        doubted = silent;
                        self.transmit(Message::Ping(Default::default())).await
                    }
                }
            };
            if flow.is_break() {
                return;
            }
        }
    }

    async fn handle(&mut self, message: Message) -> ControlFlow<()> {
        match message {
            Message::Text(text) => self.handle_text(text.as_str()).await,
            Message::Binary(bytes) => match binary_kind(&bytes) {
                BinaryKind::Upload => self.handle_upload(&bytes).await,
                BinaryKind::Relay => self.handle_relay(&bytes).await,
            },
            Message::Ping(_) | Message::Pong(_) => ControlFlow::Continue(()),
            Message::Close(_) => ControlFlow::Break(()),
        }
    }

    async fn handle_text(&mut self, text: &str) -> ControlFlow<()> {
        if !self.messages.take(Instant::now()) {
            let refusal = refusal(RefusalCode::TooFast, "too many messages: slow down");
            return self.refuse(refusal).await;
        }
        let message = match Envelope::<ClientMessage>::decode(text) {
            Ok(envelope) => envelope.body,
            Err(error) => return self.refuse(undecodable(&error)).await,
        };
        match &message {
            ClientMessage::Hello { .. } => {
                let refusal = refusal(RefusalCode::WrongState, "hello was said already");
                return self.refuse(refusal).await;
            }
            ClientMessage::Ping { sent_ms } => {
                self.mailbox.post(ServerMessage::Pong {
                    sent_ms: *sent_ms,
                    server_ms: self.server_ms(),
                });
                return ControlFlow::Continue(());
            }
            ClientMessage::Advance { .. }
            | ClientMessage::Measured { .. }
            | ClientMessage::Unable { .. }
            | ClientMessage::Failed { .. }
            | ClientMessage::Join { .. }
            | ClientMessage::Signal { .. }
            | ClientMessage::Link { .. }
            | ClientMessage::Validate { .. }
            | ClientMessage::Rejoin { .. }
            | ClientMessage::Leave => {}
        }
        if let Some(field) = too_long(&message) {
            let refusal = refusal(RefusalCode::TooLarge, format!("{field} is too long"));
            return self.refuse(refusal).await;
        }
        let command = Command::Message {
            participant: self.presence.participant,
            connection: self.presence.connection,
            message,
        };
        match self.app.commands.send(command).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Says no; a connection that earns too many refusals is closed.
    pub(crate) async fn refuse(&mut self, refusal: Refusal) -> ControlFlow<()> {
        self.app.refusals.count(&refusal);
        if self.refusals.take(Instant::now()) {
            self.send(ServerMessage::Refused { refusal }).await
        } else {
            self.close(close::POLICY, "too many messages were refused")
                .await
        }
    }

    /// The WebSocket itself is violated or gone.
    async fn broken(&mut self, error: axum::Error) -> ControlFlow<()> {
        if let Unwelcome::Refused(refusal, code) = broken(error) {
            self.app.refusals.count(&refusal);
            self.end(Closing {
                last: Some(ServerMessage::Refused { refusal }),
                code,
                reason: "refused",
            })
            .await?;
        }
        ControlFlow::Break(())
    }

    /// The page comes back, and sends again what is not acknowledged.
    pub(crate) async fn try_again(&mut self, refusal: Refusal) -> ControlFlow<()> {
        self.app.refusals.count(&refusal);
        self.end(Closing {
            last: Some(ServerMessage::Refused { refusal }),
            code: close::TRY_AGAIN,
            reason: "the server cannot read its disk",
        })
        .await
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> ControlFlow<()> {
        let last = None;
        self.end(Closing { last, code, reason }).await
    }

    async fn end(&mut self, closing: Closing) -> ControlFlow<()> {
        tracing::debug!(code = closing.code, reason = closing.reason, "closing");
        end(&mut self.socket, &self.app, closing).await;
        ControlFlow::Break(())
    }

    pub(crate) async fn send(&mut self, message: ServerMessage) -> ControlFlow<()> {
        self.transmit(Message::Text(Envelope::new(message).encode().into()))
            .await
    }

    async fn transmit(&mut self, message: Message) -> ControlFlow<()> {
        match timeout(self.app.tuning.send_timeout, self.socket.send(message)).await {
            Ok(Ok(())) => ControlFlow::Continue(()),
            Ok(Err(_)) | Err(_) => ControlFlow::Break(()),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 are exact in a double for 280,000 years"
    )]
    fn server_ms(&self) -> f64 {
        self.app.clock.now_ms() as f64
    }
}

/// The name of a text that nobody would write by hand, if the message has one.
fn too_long(message: &ClientMessage) -> Option<&'static str> {
    let too_long = |text: &str| text.chars().count() > Limits::TEXT_CHARS;
    match message {
        ClientMessage::Link {
            state: LinkState::Open { local, remote },
            ..
        } => (too_long(local) || too_long(remote)).then_some("a candidate type"),
        ClientMessage::Link {
            state: LinkState::Failed { reason },
            ..
        } => too_long(reason).then_some("the reason"),
        ClientMessage::Validate { digests, .. } => {
            [&digests.build, &digests.environment, &digests.study]
                .into_iter()
                .any(|digest| too_long(digest))
                .then_some("a digest")
        }
        // Whatever an environment has to say, its page must get through: the study keeps the
        // beginning.
        ClientMessage::Unable { .. }
        | ClientMessage::Failed { .. }
        | ClientMessage::Hello { .. }
        | ClientMessage::Advance { .. }
        | ClientMessage::Measured { .. }
        | ClientMessage::Join { .. }
        | ClientMessage::Signal { .. }
        | ClientMessage::Rejoin { .. }
        | ClientMessage::Ping { .. }
        | ClientMessage::Leave => None,
    }
}
