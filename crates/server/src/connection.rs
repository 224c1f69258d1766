//! A connection whose participant is known.

use std::{ops::ControlFlow, sync::Arc};

use axum::extract::ws::{Message, WebSocket};
use igym_protocol::{
    ClientMessage, Envelope, Limits, LinkState, Record, Refusal, RefusalCode, ServerMessage,
    Upload, UploadBody, decode_upload,
};
use igym_storage::{NewEntry, StorageError};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout},
};

use crate::{
    actor::{Command, Event},
    bucket::Bucket,
    lane::{Finish, Lane, Offer},
    mailbox::{Closing, Item, Mailbox},
    metrics::Counted,
    registry::{Admitted, Presence, close},
    state::{App, refusal, stopped},
    upload,
    websocket::{Unwelcome, broken, end, undecodable},
};

/// Kibibytes of a connection's uploads that may be on their way to the disk.
const IN_FLIGHT_KIB: u32 = 1024;

/// Passes messages between a page, the study's task and the journal.
pub(crate) struct Connection {
    socket: WebSocket,
    app: Arc<App>,
    mailbox: Arc<Mailbox>,
    presence: Presence,
    _counted: Counted,
    incarnation: u32,
    resume_key: String,
    lane: Arc<Lane>,
    in_flight: Arc<Semaphore>,
    messages: Bucket,
    refusals: Bucket,
    uploads: Bucket,
    upload_bytes: Bucket,
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
            lane: admitted.lane,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_KIB as usize)),
            messages: Bucket::new(app.tuning.messages, now),
            refusals: Bucket::new(app.tuning.refusals, now),
            uploads: Bucket::new(app.tuning.uploads, now),
            upload_bytes: Bucket::new(app.tuning.upload_bytes, now),
            app,
        }
    }

    /// Welcomes the page and serves it to its end.
    pub(crate) async fn serve(mut self, mut stopping: watch::Receiver<bool>) {
        let welcome = ServerMessage::Welcome {
            participant: self.presence.participant,
            study_title: self.app.study_title.clone(),
            incarnation: self.incarnation,
            resume_key: self.resume_key.clone(),
            acknowledged: self.lane.attach(self.mailbox.clone()),
            server_ms: self.server_ms(),
        };
        if self.send(welcome).await.is_break() {
            return;
        }
        let period = self.app.tuning.ping_interval;
        let mut pings = interval_at(Instant::now() + period, period);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let flow = tokio::select! {
                biased;
                item = self.mailbox.next() => match item {
                    Item::Send(message) => self.send(message).await,
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
                    flow
                }
                _ = pings.tick() => {
                    if heard.elapsed() > self.app.tuning.idle_timeout {
                        self.close(close::GOING_AWAY, "nothing was heard for too long").await
                    } else {
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
            Message::Binary(bytes) => self.handle_upload(&bytes).await,
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

    /// Uploads are never refused for coming too fast, as an honest page that comes back has much
    /// to deliver: they wait, and the network makes the page wait.
    async fn handle_upload(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        let now = Instant::now();
        let size = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        let wait = self
            .uploads
            .charge(1.0, now)
            .max(self.upload_bytes.charge(size, now));
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let upload = match decode_upload(bytes) {
            Ok(upload) => upload,
            Err(error) => return self.refuse(undecodable(&error)).await,
        };
        let participant = self.presence.participant;
        let place = self
            .app
            .roster
            .place(participant, upload.session, upload.episode)
            .and_then(|place| upload::check(&upload, &place).map(|()| place))
            .and_then(|place| place.affords(bytes.len()).map(|()| place));
        let place = match place {
            Ok(place) => place,
            Err(refusal) => return self.refuse(refusal).await,
        };
        let kibibytes = u32::try_from(bytes.len() / 1024 + 1).unwrap_or(IN_FLIGHT_KIB);
        let permit = self
            .in_flight
            .clone()
            .acquire_many_owned(kibibytes.min(IN_FLIGHT_KIB));
        // The semaphore is never closed.
        let permit = permit.await.ok();
        let seq = upload.seq;
        let hand_over = || {
            place.spend(bytes.len());
            self.store(upload, place.player, now, permit);
        };
        match self.lane.offer(seq, hand_over) {
            Offer::Next | Offer::Known => {}
            Offer::Gap { expected } => {
                let message = format!("upload {seq} came, {expected} is next");
                return self.refuse(refusal(RefusalCode::OutOfOrder, message)).await;
            }
            Offer::Retired => {
                let message = "another page of this participant has taken over";
                return self.refuse(refusal(RefusalCode::WrongState, message)).await;
            }
        }
        ControlFlow::Continue(())
    }

    /// Hands an upload to the journal; `permit` is free again when the journal has answered.
    fn store(&self, upload: Upload, player: u8, came: Instant, permit: impl Send + 'static) {
        let (seq, session, episode) = (upload.seq, upload.session, upload.episode);
        let participant = self.presence.participant;
        let event = match &upload.body {
            UploadBody::Seal(seal) => Some(Event::Sealed {
                participant,
                incarnation: upload.incarnation,
                session,
                episode,
                seal: seal.clone(),
            }),
            UploadBody::Flushed => Some(Event::Flushed {
                participant,
                incarnation: upload.incarnation,
                session,
                episode,
            }),
            UploadBody::Journal(_) | UploadBody::Rows(_) | UploadBody::Report(_) => None,
        };
        let entry = NewEntry {
            at_ms: self.app.clock.now_ms(),
            record: Record::Uploaded {
                participant,
                player,
                upload,
            },
        };
        let (lane, events) = (self.lane.clone(), self.app.events.clone());
        let refusals = self.app.refusals.clone();
        let metrics = self.app.metrics.clone();
        let waiting = metrics.count(|metrics| &metrics.uploads_waiting);
        let done = move |result: Result<Vec<u64>, StorageError>| {
            metrics.uploaded(came.elapsed(), result.as_ref().err());
            // Whatever the page does once it knows, the study has heard of it before.
            let stored = || {
                if let Some(event) = event {
                    let _ = events.send(event);
                }
            };
            match lane.finish(seq, &result, stored) {
                Finish::Failed { mailbox } => {
                    let message = "an upload could not be written: send it again";
                    let refusal = refusal(RefusalCode::Storage, message);
                    refusals.count(&refusal);
                    mailbox.close(Closing {
                        last: Some(ServerMessage::Refused { refusal }),
                        code: close::TRY_AGAIN,
                        reason: "the server cannot write to its disk",
                    });
                }
                Finish::Stored | Finish::Ignored => {}
            }
            drop((permit, waiting));
        };
        self.app.store.append(vec![entry], Box::new(done));
    }

    /// Says no; a connection that earns too many refusals is closed.
    async fn refuse(&mut self, refusal: Refusal) -> ControlFlow<()> {
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

    async fn close(&mut self, code: u16, reason: &'static str) -> ControlFlow<()> {
        let last = None;
        self.end(Closing { last, code, reason }).await
    }

    async fn end(&mut self, closing: Closing) -> ControlFlow<()> {
        tracing::debug!(code = closing.code, reason = closing.reason, "closing");
        end(&mut self.socket, &self.app, closing).await;
        ControlFlow::Break(())
    }

    async fn send(&mut self, message: ServerMessage) -> ControlFlow<()> {
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
        ClientMessage::Hello { .. }
        | ClientMessage::Advance { .. }
        | ClientMessage::Join { .. }
        | ClientMessage::Signal { .. }
        | ClientMessage::Rejoin { .. }
        | ClientMessage::Ping { .. }
        | ClientMessage::Leave => None,
    }
}
