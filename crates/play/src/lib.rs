//! One peer's play of an episode: keys, packets and time come in; packets, drawings and uploads
//! come out.
//!
//! [`Episode`] joins the rollback engine, an environment, the player's keys and the recorder. The
//! environment is a native one, or one behind a [`Runtime`]; all else is the same. [`Outbox`] numbers what is uploaded and keeps it until the server has it on disk. The
//! participant's Web Worker, bots and tests drive the same code; they own sockets, clock and
//! screen.
//!
//! What it must never do: read a clock, draw a random number, open a socket, or upload a predicted
//! value as a fact. What a player saw (guesses included) goes into `presented`; rows are made of
//! confirmed frames only.
//!
//! The order of calls is the host's loop:
//!
//! ```
//! use igym_play::{Episode, Outbox};
//! use igym_protocol::{EpisodePlan, Path};
//! use igym_rollback::Micros;
//!
//! # fn send(_to: u8, _bytes: &[u8]) {}
//! # fn send_through_the_server(_to: u8, _bytes: Vec<u8>) {}
//! # fn show(_drawing: igym_gym::DrawDelta) {}
//! fn beat(
//!     episode: &mut Episode,
//!     outbox: &mut Outbox,
//!     plan: &EpisodePlan,
//!     came: Vec<(u8, Vec<u8>)>,
//!     now: Micros,
//! ) -> Micros {
//!     for (from, bytes) in came {
//!         // A bad packet is counted and changes nothing.
//!         let _ = episode.handle_packet(from, Path::DataChannel, &bytes, now);
//!     }
//!     episode.tick(now);
//!     while let Some(packet) = episode.poll_packet() {
//!         if packet.direct {
//!             send(packet.to, &packet.bytes);
//!         }
//!         if packet.relay {
//!             send_through_the_server(packet.to, packet.bytes);
//!         }
//!     }
//!     while let Some(body) = episode.poll_upload(now) {
//!         outbox.push(plan.session, plan.episode, body);
//!     }
//!     show(episode.draw());
//!     episode.next_tick_at(now)
//! }
//! ```

mod episode;
mod histogram;
mod keyboard;
mod outbox;
mod status;

pub use episode::{Episode, Outgoing, PlayError, foreign_configuration, rules};
pub use outbox::{Kept, Outbox};
pub use status::{LinkStatus, Score, Status};

// What a host needs beside, so that it need not name the rooms below.
pub use igym_gym::{Asset, DrawDelta, ForeignError, Runtime};
pub use igym_rollback::{Micros, PacketError};
