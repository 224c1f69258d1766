//! The participant's uploads until the server has them.

use igym_protocol::{RefusalCode, SessionId, UploadBody, UploadId};
use wasm_bindgen::prelude::*;

use crate::convert::thrown;

/// Numbers, encodes and keeps uploads until they are acknowledged. One per page load; it also
/// delivers what earlier pages of the participant left in the browser's storage, and does so first.
///
/// The host stores what `poll_kept` gives under its incarnation and seq, and deletes what
/// `poll_settled` names; a later page gives what is left to `restore`.
#[wasm_bindgen]
pub struct Outbox {
    pub(crate) inner: igym_play::Outbox,
}

/// An upload to be stored in the browser. `free()` it once it is read.
#[wasm_bindgen]
pub struct Kept {
    #[wasm_bindgen(readonly)]
    pub incarnation: u32,
    #[wasm_bindgen(readonly)]
    pub seq: u32,
    bytes: Vec<u8>,
}

#[wasm_bindgen]
impl Kept {
    #[wasm_bindgen(getter)]
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

/// Every upload of this incarnation up to and with this seq. `free()` it once it is read.
#[wasm_bindgen]
pub struct Settled {
    #[wasm_bindgen(readonly)]
    pub incarnation: u32,
    #[wasm_bindgen(readonly)]
    pub seq: u32,
}

#[wasm_bindgen]
impl Outbox {
    #[wasm_bindgen(constructor)]
    pub fn new(incarnation: u32) -> Self {
        Self {
            inner: igym_play::Outbox::new(incarnation),
        }
    }

    /// Takes back an upload that an earlier page stored: each page's in ascending order of their
    /// seq, before anything is polled. False if it is dropped and may be deleted: it cannot be
    /// read, is not of an earlier page, leaves a gap or is too much.
    pub fn restore(&mut self, bytes: Vec<u8>) -> bool {
        self.inner.restore(bytes)
    }

    /// The server closes an episode that an earlier page played, and this page has no part in it:
    /// all that was kept of it is acknowledged. Throws if `session` is none.
    pub fn push_flushed(&mut self, session: &str, episode: u32) -> Result<(), JsError> {
        let session: SessionId =
            serde_json::from_value(serde_json::Value::from(session)).map_err(thrown)?;
        self.inner.push(session, episode, UploadBody::Flushed);
        Ok(())
    }

    /// The next binary frame to send, if any is due; those of earlier pages first.
    pub fn poll(&mut self) -> Option<Vec<u8>> {
        self.inner.poll()
    }

    /// The next upload of this page to store in the browser; ask after each `poll_upload`.
    pub fn poll_kept(&mut self) -> Option<Kept> {
        let kept = self.inner.poll_kept()?;
        Some(Kept {
            incarnation: kept.id.incarnation,
            seq: kept.id.seq,
            bytes: kept.bytes,
        })
    }

    /// What need not be stored any longer; ask after each `ack` and `refused`.
    pub fn poll_settled(&mut self) -> Option<Settled> {
        let UploadId { incarnation, seq } = self.inner.poll_settled()?;
        Some(Settled { incarnation, seq })
    }

    /// The server has every upload of `incarnation` up to `seq` on disk (`ServerMessage` of type
    /// `ack`).
    pub fn ack(&mut self, incarnation: u32, seq: u32) {
        self.inner.handle_ack(incarnation, seq);
    }

    /// A connection stands again; the server has every upload of this page up to `acknowledged`.
    /// Also after a refusal that names no upload. What is not acknowledged is polled again.
    pub fn reconnect(&mut self, acknowledged: u32) {
        self.inner.handle_reconnect(acknowledged);
    }

    /// The server refused an upload; `code` is `Refusal.code`. What is not acknowledged is polled
    /// again: wait a while before. What the server will never take of an earlier page is given up.
    /// Throws if `code` is none.
    pub fn refused(&mut self, incarnation: u32, seq: u32, code: &str) -> Result<(), JsError> {
        let code: RefusalCode =
            serde_json::from_value(serde_json::Value::from(code)).map_err(thrown)?;
        self.inner
            .handle_refusal(UploadId { incarnation, seq }, code);
        Ok(())
    }

    /// Uploads not acknowledged yet, sent or not, of all pages.
    pub fn unacknowledged(&self) -> u32 {
        self.inner.unacknowledged() as u32
    }

    /// Those of them that earlier pages made. `ClientMessage.rejoin` is sent once it is 0.
    pub fn earlier(&self) -> u32 {
        self.inner.earlier() as u32
    }

    /// Uploads of earlier pages that were given up.
    pub fn dropped(&self) -> u32 {
        self.inner.dropped()
    }
}
