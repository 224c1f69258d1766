//! The binary frames of a page: uploads, into the journal, and packets for partners, into their
//! mailboxes.

use std::{ops::ControlFlow, sync::Arc};

use igym_protocol::{
    Record, Refusal, RefusalCode, ServerMessage, Upload, UploadBody, UploadId, decode_relay,
    decode_upload,
};
use igym_storage::{NewEntry, StorageError};
use tokio::{
    task,
    time::{Instant, sleep},
};

use crate::{
    actor::Event,
    connection::Connection,
    lane::{Finish, Lane, Offer},
    lanes::Found,
    mailbox::Closing,
    registry::close,
    relays::NotPassed,
    roster::Place,
    state::refusal,
    upload,
    websocket::undecodable,
};

/// Kibibytes of a connection's uploads that may be on their way to the disk.
pub(crate) const IN_FLIGHT_KIB: u32 = 1024;

/// What it costs of the rate of uploads to look for an earlier page's uploads in the journal.
const LOOKED_UP: f64 = 10.0;

impl Connection {
    /// Acknowledgements come here from now on. The highest `seq` of the page's own uploads that is
    /// on disk.
    pub(crate) async fn attach(&mut self) -> Result<u32, Refusal> {
        let connection = self.presence.connection;
        self.lanes
            .attach(self.incarnation, connection, self.mailbox.clone());
        let lane = self.lane(self.incarnation).await?;
        Ok(lane.map_or(0, |lane| lane.durable()))
    }

    /// Uploads are never refused for coming too fast, as an honest page that comes back has much
    /// to deliver: they wait, and the network makes the page wait.
    pub(crate) async fn handle_upload(&mut self, bytes: &[u8]) -> ControlFlow<()> {
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
        let id = id_of(&upload);
        match self.take_in(upload, bytes.len(), now).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(mut refusal) => {
                refusal.upload = Some(id);
                match refusal.code {
                    RefusalCode::Storage => self.try_again(refusal).await,
                    _ => self.refuse(refusal).await,
                }
            }
        }
    }

    async fn take_in(&mut self, upload: Upload, size: usize, came: Instant) -> Result<(), Refusal> {
        let UploadId { incarnation, seq } = id_of(&upload);
        if !(1..=self.incarnation).contains(&incarnation) {
            let message = format!(
                "page load {incarnation} cannot have made an upload: this is page load {}",
                self.incarnation
            );
            return Err(refusal(RefusalCode::WrongState, message));
        }
        let participant = self.presence.participant;
        let roster = &self.app.roster;
        let place = roster.place(participant, upload.session, upload.episode)?;
        upload::check(&upload, &place)?;
        place.count(&self.app.store).await.map_err(unreadable)?;
        place.affords(size)?;
        let Some(lane) = self.lane(incarnation).await? else {
            return Ok(());
        };
        let kibibytes = u32::try_from(size / 1024 + 1).unwrap_or(IN_FLIGHT_KIB);
        let permit = self
            .in_flight
            .clone()
            .acquire_many_owned(kibibytes.min(IN_FLIGHT_KIB));
        // The semaphore is never closed.
        let permit = permit.await.ok();
        let offer = lane.offer(self.incarnation, seq, || {
            place.spend(size);
            self.store(upload, lane.clone(), place, size, came, permit);
        });
        match offer {
            // To refuse what a retired page delivers would be final, but the next one delivers it.
            Offer::Next | Offer::Known | Offer::Retired => Ok(()),
            Offer::Gap { expected } => {
                let message = format!("upload {seq} came, {expected} is next");
                Err(refusal(RefusalCode::OutOfOrder, message))
            }
        }
    }

    /// The lane of this page load or an earlier one. None: another page has taken over, and the
    /// mailbox says so.
    async fn lane(&mut self, incarnation: u32) -> Result<Option<Arc<Lane>>, Refusal> {
        match self.lanes.find(self.incarnation, incarnation) {
            Found::Here(lane) => return Ok(Some(lane)),
            Found::Retired => return Ok(None),
            Found::OnDisk => {}
        }
        let wait = self.uploads.charge(LOOKED_UP, Instant::now());
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let (store, participant) = (self.app.store.clone(), self.presence.participant);
        let read = task::spawn_blocking(move || store.highest_upload(participant, incarnation));
        let durable = read.await.unwrap_or_else(|error| {
            Err(StorageError::Io {
                reason: error.to_string(),
            })
        });
        let durable = durable.map_err(unreadable)?;
        Ok(self.lanes.add(self.incarnation, incarnation, durable))
    }

    /// Hands an upload to the journal; `permit` is free again when the journal has answered.
    fn store(
        &self,
        upload: Upload,
        lane: Arc<Lane>,
        place: Place,
        size: usize,
        came: Instant,
        permit: impl Send + 'static,
    ) {
        let (id, player) = (id_of(&upload), place.player);
        let event = self.event(&upload);
        let entry = NewEntry {
            at_ms: self.app.clock.now_ms(),
            record: Record::Uploaded {
                participant: self.presence.participant,
                player,
                upload,
            },
        };
        let (events, refusals) = (self.app.events.clone(), self.app.refusals.clone());
        let metrics = self.app.metrics.clone();
        let waiting = metrics.count(|metrics| &metrics.uploads_waiting);
        let done = move |result: Result<Vec<u64>, StorageError>| {
            metrics.uploaded(came.elapsed(), result.as_ref().err());
            // Whoever hears of it may look at the metrics then.
            drop(waiting);
            // Whatever the page does once it knows, the study has heard of it before.
            let stored = || {
                if let Some(event) = event {
                    let _ = events.send(event);
                }
            };
            match lane.finish(id.seq, &result, stored) {
                Finish::Stored => {}
                Finish::Failed { mailbox } => {
                    place.refund(size);
                    let message = "an upload could not be written: send it again";
                    let mut refusal = refusal(RefusalCode::Storage, message);
                    refusal.upload = Some(id);
                    refusals.count(&refusal);
                    mailbox.close(Closing {
                        last: Some(ServerMessage::Refused { refusal }),
                        code: close::TRY_AGAIN,
                        reason: "the server cannot write to its disk",
                    });
                }
                Finish::Ignored => place.refund(size),
            }
            drop(permit);
        };
        self.app.store.append(vec![entry], Box::new(done));
    }

    /// What the study hears of an upload that is on disk.
    fn event(&self, upload: &Upload) -> Option<Event> {
        let (participant, incarnation) = (self.presence.participant, upload.incarnation);
        let (session, episode) = (upload.session, upload.episode);
        match &upload.body {
            UploadBody::Seal(seal) => Some(Event::Sealed {
                participant,
                incarnation,
                session,
                episode,
                seal: seal.clone(),
            }),
            UploadBody::Flushed => Some(Event::Flushed {
                participant,
                incarnation,
                session,
                episode,
            }),
            UploadBody::Journal(_) | UploadBody::Rows(_) | UploadBody::Report(_) => None,
        }
    }

    /// A packet for a partner: worthless late, so it never waits.
    pub(crate) async fn handle_relay(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        let now = Instant::now();
        if !self.relays.take(now) {
            let message = "too many packets for partners: slow down";
            return self.refuse(refusal(RefusalCode::TooFast, message)).await;
        }
        let relay = match decode_relay(bytes) {
            Ok(relay) => relay,
            Err(error) => return self.refuse(undecodable(&error)).await,
        };
        let (from, app) = (self.presence.participant, &self.app);
        match app.relays.pass(from, &self.mailbox, relay, &app.roster) {
            Ok(()) => ControlFlow::Continue(()),
            Err(NotPassed::Forged(refusal)) => self.refuse(refusal).await,
            Err(NotPassed::InVain(refusal)) if self.late_relays.take(now) => {
                self.app.refusals.count(&refusal);
                self.send(ServerMessage::Refused { refusal }).await
            }
            Err(NotPassed::InVain(_)) => ControlFlow::Continue(()),
        }
    }
}

fn id_of(upload: &Upload) -> UploadId {
    UploadId {
        incarnation: upload.incarnation,
        seq: upload.seq,
    }
}

fn unreadable(error: StorageError) -> Refusal {
    tracing::error!(%error, "the journal cannot be read");
    let message = "the server cannot read its disk: send it again";
    refusal(RefusalCode::Storage, message)
}
