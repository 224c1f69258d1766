//! The rollback engine: several peers simulate the same game, each with its own player's inputs at
//! once and guesses for the others', and correct themselves when the inputs arrive.
//!
//! # What it does
//!
//! An [`Engine`] is one peer's view of one episode. It is a state machine without I/O: packets,
//! inputs and time come in as arguments; packets, simulation requests and [`Event`]s come out. It
//! knows nothing of the game: the host loads, saves and steps a simulation as a [`Batch`] asks, and
//! returns what each step gave. Every frame is reported twice, and never mixed up: as
//! [`Event::Presented`] when it is first simulated, guesses included, and as [`Event::Confirmed`]
//! once all its inputs are known, with a chain hash that stands for all that came before.
//!
//! # What it never does
//!
//! - It opens no socket, reads no clock, starts no thread and draws no random number.
//! - It never reports a guess as a fact, changes an input that was once known, or skips a frame.
//! - It never takes a packet in part: hostile bytes are an error and change nothing but a counter.
//!   All that it holds is bounded, whatever a peer sends.
//! - It never ends an episode on a guess: an end that rests on a guessed input is undone by a
//!   rollback like anything else. It never stops play because histories differ; it says so.
//!
//! # The host's part
//!
//! ```
//! use igym_rollback::*;
//!
//! /// A game of two: the sum of all inputs; 100 ends it.
//! #[derive(Default)]
//! struct Game {
//!     sum: u32,
//!     saved: std::collections::BTreeMap<Frame, u32>,
//! }
//!
//! impl Game {
//!     fn run(&mut self, batch: &mut Batch) {
//!         while let Some(request) = batch.poll_request() {
//!             match request {
//!                 Request::Load { frame } => self.sum = self.saved[&frame],
//!                 Request::Save { frame } => _ = self.saved.insert(frame, self.sum),
//!                 Request::Step { frame, .. } => {
//!                     for input in batch.inputs(frame) {
//!                         self.sum += u32::from(input.as_slice()[0]);
//!                     }
//!                     let outcome = &self.sum.to_le_bytes();
//!                     let terminal = self.sum >= 100; // The rest of the batch is skipped.
//!                     batch.answer(StepResult { outcome, terminal, digest: None });
//!                 }
//!             }
//!         }
//!         self.saved = self.saved.split_off(&batch.keep_from());
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let build = |me| Engine::builder().players(2).local([PlayerIndex(me)]).input_delay(2).build();
//! let mut peers = [(build(0)?, Game::default()), (build(1)?, Game::default())];
//! let mut now = Micros(0);
//! let mut ends = Vec::new();
//! while ends.len() < 2 {
//!     for me in 0..2 {
//!         let (engine, game) = &mut peers[me];
//!         while let Some(frame) = engine.wanted_input() {
//!             let input = Input::new(&[(frame.0 as u8 + me as u8) % 3])?;
//!             engine.add_local_input(PlayerIndex(me as u8), input)?;
//!         }
//!         if let Advance::Run(mut batch) = engine.advance(now) {
//!             game.run(&mut batch);
//!             engine.complete(&mut batch)?;
//!         }
//!         while let Some(event) = engine.poll_event() {
//!             if let Event::Sealed { last_frame, hash } = event {
//!                 ends.push((last_frame, hash));
//!             }
//!         }
//!         // Link n leads to player n here; what the network loses, later packets carry again.
//!         let mut sent = Vec::new();
//!         while let Some(packet) = engine.poll_packet() {
//!             sent.push((usize::from(packet.link.0), packet.bytes.to_vec()));
//!         }
//!         for (to, bytes) in sent {
//!             peers[to].0.handle_packet(LinkId(me as u8), &bytes, now)?;
//!         }
//!     }
//!     now = peers[0].0.next_tick_at(now);
//! }
//! assert_eq!(ends[0], ends[1]);
//! # Ok(())
//! # }
//! ```
//!
//! Where the state is cheap to clone, [`States`] runs the batch: `examples/udp.rs` has a whole program.
//!
//! A tick is: give the local inputs that [`Engine::wanted_input`] asks for, call
//! [`Engine::advance`], send the packets, run the batch, call [`Engine::complete`], take the events,
//! and sleep until [`Engine::next_tick_at`]. Ticks go on while the engine waits and after it has
//! sealed, until the host drops it: every tick sends one packet per link with all that its receiver
//! has not acknowledged, so any loss heals without timers.
//!
//! # A page that is loaded again
//!
//! A peer that lost its engine builds another for the same epoch, with a higher [`Incarnation`] and
//! [`Builder::history`]: the inputs that a journal holds, of each player those from frame 0 on as
//! far as they go without a gap, if none then empty lists. Only an epoch's very first engine of a
//! peer goes without a history. The engine then
//!
//! - simulates all frames whose inputs it knows, up to [`CATCH_UP_FRAMES`] in a batch, due at once,
//!   and emits [`Event::Confirmed`] for every one of them from frame 0, so that the recorder of a new
//!   page load has the whole episode; it emits no [`Event::Presented`] for them;
//! - authors nothing, shows nothing and answers [`Wait::Rejoining`] until every link has told how far
//!   its peer holds this peer's inputs and has given those back; those come as [`Event::Received`];
//! - then authors the frames after the last that anybody holds, one by one as usual, and plays. Of
//!   several local players one may have more left than another: what [`Engine::add_local_input`]
//!   returns says for which frame an input was taken.
//!
//! The partner's engine needs nothing for it: with the first packet of the new page load it refuses
//! the older one, begins the link anew and sends what the new one lacks, all players' inputs that
//! it can attest: its own and those of the peer itself. For that it keeps the inputs of the whole
//! episode, or from [`Engine::set_durable`] on.
//!
//! Any number of peers may rejoin, also at once. Inputs that only the lost engines held are lost
//! with them: the frames are authored anew, above the highest that anybody holds. So a frame that
//! was confirmed at a lost engine alone can be confirmed with other inputs later. Two versions of one
//! input can therefore never meet, if the host keeps three rules:
//!
//! - incarnations rise, and once a history is given out nothing from an older incarnation of that
//!   peer enters the journal;
//! - a history holds all that the journal holds in any form without a gap: an author's own upload,
//!   a partner's copy, rows;
//! - no mark for `set_durable` is given out that is beyond the history of a peer that rejoins, until
//!   that plays ([`Engine::rejoining`]).
//!
//! A peer that lies can hold up the one who rejoins, but cannot change an input that the history or
//! the engine has; of what it gives back beyond that, the first to come is final, as with any input.
//! A difference counts in [`Counters::conflicts`]. It cannot make the engine hold more than
//! [`MAX_RETURNED_FRAMES`], a window and a delay beyond the history.
//!
//! # A peer that leaves, and the end of play
//!
//! That a peer has vanished is for an authority to say, a server say, and so is what of it counts. It
//! has each survivor [`leave`](Engine::leave) the link and tell up to where it
//! [holds](Engine::held_until) the player's inputs, and then has all of them
//! [move](Engine::move_player) the player, at the greatest of these frames, to nobody (the default
//! input from then on) or to a peer that plays for it, whose host is then asked for that player's
//! inputs, too. Survivors give each other what they lack of it. If another vanishes meanwhile, all is
//! asked and told again. [`Engine::give`] hands in what only a journal holds.
//!
//! [`Engine::close`] ends play before the game does: nothing more is authored, ticks go on until all
//! that can be confirmed is, at every peer the same, and [`Event::Closed`] says so.
//!
//! # Spectators
//!
//! A [spectator](Builder::spectator) is an engine without a player. Any peer [lets it
//! in](Engine::watch) and out again at any time; it is sent the inputs of confirmed frames, from frame 0
//! or from what it has, and simulates those. The players do not notice: their packets to each other are
//! the same, byte for byte.
//!
//! # After a desync
//!
//! Play goes on. [`Engine::evidence`] holds what was computed around the first frame that differs, and
//! with [`Builder::keep_states`] says which of its states the host should put aside.
//! [`Engine::resync`] computes everything anew from a state of the host's own that it trusts, and
//! confirms it a second time. A page that is loaded again can begin at such a state, too
//! ([`Builder::checkpoint`]), and then needs the inputs from there only; no state ever comes from
//! another peer.
//!
//! # How it works
//!
//! [`algorithm`] explains it on one page, with its sources, and [`timing`] how peers keep in step and
//! when inputs are used; `examples/udp.rs` is a whole program. The files:
//!
//! - `inputs` holds what is known of every player, `past` what is long ago, `prediction` guesses the rest, `snapshots` chooses
//!   the states to save; `timeline` holds the frames simulated but not
//!   confirmed. Inputs enter by one path (`Engine::enter`), which compares them with what was
//!   simulated and remembers the first wrong frame.
//! - `tick` confirms what can be, plans the batch (a rollback to the first wrong frame, and the
//!   head), and makes the packets; then takes the results.
//! - `leave` is about peers that are gone, `close` about an end that the game does not know.
//! - `spectate` is about those who only watch, `resync` about computing anew.
//! - `rejoin` is the way of a new page load into a running episode.
//! - `link` is what one peer has of ours, `packet` makes the packets to it; `arrivals` counts those from it, `clock` measures its
//!   clock, `pace` bends tick lengths so that peers stay in step, `delay` changes input delays;
//!   `compare` finds the first frame at which histories differ.
//! - [`wire`] specifies the packets byte by byte; `states` is the host's part, for states that can be cloned.
//!
//! The crate needs `alloc`, not `std`.

#![warn(missing_docs)]
#![no_std]

extern crate alloc;

mod arrivals;
mod batch;
mod builder;
mod clock;
mod close;
mod codec;
mod compare;
mod delay;
mod engine;
mod error;
mod event;
mod full;
mod hash;
mod inputs;
mod leave;
mod link;
mod pace;
mod packet;
mod past;
mod prediction;
mod rejoin;
mod resync;
mod short;
mod snapshots;
mod spectate;
mod states;
mod stats;
mod tick;
mod timeline;
mod types;
pub mod wire;

#[doc = include_str!("../ALGORITHM.md")]
pub mod algorithm {}

#[doc = include_str!("../TIMING.md")]
pub mod timing {}

pub use batch::{Advance, Batch, Request, StepResult, Wait};
pub use builder::{Builder, MAX_INPUT_DELAY, MAX_WINDOW};
pub use compare::MAX_KEPT_HASHES;
pub use delay::DelayPolicy;
pub use engine::{Engine, Packet};
pub use error::{BuildError, CompleteError, InputError, MoveError, PacketError, ResyncError};
pub use event::{ConfirmedFrame, Event};
pub use hash::{ChainHash, Digest, HashPrefix, chain};
pub use leave::Author;
pub use prediction::{PastInputs, Predict, Prediction};
pub use rejoin::{CATCH_UP_FRAMES, MAX_RETURNED_FRAMES};
pub use resync::{Computed, Evidence};
pub use snapshots::{Costs, SnapshotPolicy};
pub use states::States;
pub use stats::{Counters, DEPTHS, Depths, Held, LinkStats, RTT_SAMPLES, Refused};
pub use types::{
    Epoch, Frame, Incarnation, Input, LinkId, MAX_INPUT_BYTES, MAX_PLAYERS, Micros, PlayerIndex,
    PlayerSet,
};
