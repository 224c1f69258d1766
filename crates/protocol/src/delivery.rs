//! Binary frames beside uploads: packets that pass through the server, and an episode's history.

use serde::{Deserialize, Serialize};

use crate::wire::{framed, unframed};
use crate::{DecodeError, Limits, SessionId};

/// The first bytes of a page's packet for another member.
pub(crate) const RELAY: [u8; 2] = *b"IR";
/// The first bytes of every binary frame from the server.
const DELIVERY: [u8; 2] = *b"ID";

/// A packet of the rollback engine for another member of the session, to be passed on unread. It
/// is worthless once a newer one is there: of each link only the newest is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    pub session: SessionId,
    /// Player index of the receiver.
    pub to: u8,
    /// The sender hears nothing of the receiver over the DataChannel: what comes back should be
    /// relayed too.
    pub plea: bool,
    pub packet: Vec<u8>,
}

/// A binary frame from the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// What another member sent by [`Relay`].
    Relayed {
        session: SessionId,
        /// Player index of the sender.
        from: u8,
        plea: bool,
        packet: Vec<u8>,
    },
    /// Answers `ClientMessage::Rejoin`.
    History(History),
}

/// The inputs of a running episode that the journal holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub session: SessionId,
    pub episode: u32,
    /// Of each player the inputs from frame 0 on as far as they go without a gap, whoever
    /// uploaded them.
    pub inputs: Vec<Vec<Vec<u8>>>,
}

/// What a page's binary frame is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryKind {
    Upload,
    Relay,
}

/// Tells a page's binary frames apart; anything unknown is left to the decoder of uploads to
/// refuse.
pub fn binary_kind(bytes: &[u8]) -> BinaryKind {
    if bytes.starts_with(&RELAY) {
        BinaryKind::Relay
    } else {
        BinaryKind::Upload
    }
}

/// The bytes of a binary frame that carries `relay`.
pub fn encode_relay(relay: &Relay) -> Vec<u8> {
    framed(RELAY, relay)
}

/// Reads a packet for another member from a binary frame and checks its bounds.
pub fn decode_relay(bytes: &[u8]) -> Result<Relay, DecodeError> {
    // The packet, the session and a few bytes of framing.
    let relay: Relay = unframed(RELAY, bytes, Limits::PACKET_BYTES + 64)?;
    if relay.packet.is_empty() || relay.packet.len() > Limits::PACKET_BYTES {
        return Err(DecodeError::Malformed {
            reason: format!(
                "packet has {} bytes, 1 to {} are allowed",
                relay.packet.len(),
                Limits::PACKET_BYTES
            ),
        });
    }
    Ok(relay)
}

/// The bytes of a binary frame that carries `delivery`.
pub fn encode_delivery(delivery: &Delivery) -> Vec<u8> {
    framed(DELIVERY, delivery)
}

/// Reads a binary frame of the server.
pub fn decode_delivery(bytes: &[u8]) -> Result<Delivery, DecodeError> {
    unframed(DELIVERY, bytes, usize::MAX)
}
