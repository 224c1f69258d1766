//! The page's uploads until the server has them.

use wasm_bindgen::prelude::*;

/// Numbers, encodes and keeps uploads until they are acknowledged. One per page load.
#[wasm_bindgen]
pub struct Outbox {
    pub(crate) inner: igym_play::Outbox,
}

#[wasm_bindgen]
impl Outbox {
    #[wasm_bindgen(constructor)]
    pub fn new(incarnation: u32) -> Self {
        Self {
            inner: igym_play::Outbox::new(incarnation),
        }
    }

    /// The next binary frame to send, if any is due.
    pub fn poll(&mut self) -> Option<Vec<u8>> {
        self.inner.poll()
    }

    /// The server has every upload up to `seq` on disk (`ServerMessage` of type `ack`).
    pub fn ack(&mut self, seq: u32) {
        self.inner.handle_ack(seq);
    }

    /// A connection stands again; the server has every upload up to `acknowledged`. Also after an
    /// upload was refused. What it has not is polled again.
    pub fn reconnect(&mut self, acknowledged: u32) {
        self.inner.handle_reconnect(acknowledged);
    }

    /// Uploads not acknowledged yet, sent or not.
    pub fn unacknowledged(&self) -> u32 {
        self.inner.unacknowledged() as u32
    }
}
