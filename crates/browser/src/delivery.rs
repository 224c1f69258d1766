//! Binary frames that are not uploads: packets through the server, and histories.

use igym_protocol::{History, Relay, SessionId};
use wasm_bindgen::prelude::*;

use crate::convert::thrown;

/// A binary frame of the server: a packet that another member sent through it, or the history of
/// a running episode, which `Episode.rejoin` takes. `free()` it once it is used.
#[wasm_bindgen]
pub struct Delivery {
    inner: igym_protocol::Delivery,
}

#[wasm_bindgen]
impl Delivery {
    /// `"relayed"` or `"history"`.
    #[wasm_bindgen(getter)]
    pub fn kind(&self) -> String {
        let kind = match self.inner {
            igym_protocol::Delivery::Relayed { .. } => "relayed",
            igym_protocol::Delivery::History(_) => "history",
        };
        kind.to_owned()
    }

    /// The session it is about, as `SessionView.session`.
    #[wasm_bindgen(getter)]
    pub fn session(&self) -> String {
        match &self.inner {
            igym_protocol::Delivery::Relayed { session, .. } => session.to_string(),
            igym_protocol::Delivery::History(history) => history.session.to_string(),
        }
    }

    /// Of a relayed packet the player index of its sender.
    #[wasm_bindgen(getter)]
    pub fn from(&self) -> Option<u8> {
        match self.inner {
            igym_protocol::Delivery::Relayed { from, .. } => Some(from),
            igym_protocol::Delivery::History(_) => None,
        }
    }

    /// Of a relayed packet whether its sender hears nothing over the DataChannel.
    #[wasm_bindgen(getter)]
    pub fn plea(&self) -> bool {
        match self.inner {
            igym_protocol::Delivery::Relayed { plea, .. } => plea,
            igym_protocol::Delivery::History(_) => false,
        }
    }

    /// A relayed packet's bytes, for `Episode.handle_relayed`.
    #[wasm_bindgen(getter)]
    pub fn packet(&self) -> Option<Vec<u8>> {
        match &self.inner {
            igym_protocol::Delivery::Relayed { packet, .. } => Some(packet.clone()),
            igym_protocol::Delivery::History(_) => None,
        }
    }

    /// Of a history the index of its episode in the session.
    #[wasm_bindgen(getter)]
    pub fn episode(&self) -> Option<u32> {
        self.history().map(|history| history.episode)
    }
}

impl Delivery {
    pub(crate) fn history(&self) -> Option<&History> {
        match &self.inner {
            igym_protocol::Delivery::Relayed { .. } => None,
            igym_protocol::Delivery::History(history) => Some(history),
        }
    }
}

/// Reads a binary frame of the server. Throws if it is none of this version.
#[wasm_bindgen]
pub fn decode_delivery(bytes: &[u8]) -> Result<Delivery, JsError> {
    let inner = igym_protocol::decode_delivery(bytes).map_err(thrown)?;
    Ok(Delivery { inner })
}

/// The binary frame that carries a `Packet`'s bytes through the server to player `to` of the
/// session; `plea` is the packet's. Throws if `session` is none.
#[wasm_bindgen]
pub fn encode_relay(
    session: &str,
    to: u8,
    plea: bool,
    packet: Vec<u8>,
) -> Result<Vec<u8>, JsError> {
    let session: SessionId =
        serde_json::from_value(serde_json::Value::from(session)).map_err(thrown)?;
    Ok(igym_protocol::encode_relay(&Relay {
        session,
        to,
        plea,
        packet,
    }))
}
