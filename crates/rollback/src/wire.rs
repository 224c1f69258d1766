//! The packets between peers, byte by byte.
//!
//! # Layout, version 4
//!
//! A packet has at most [`MAX_PACKET_BYTES`] bytes and nothing after its last field. Who sent it is
//! the link's identity, and never written down. There are two forms, told apart by the top bit of the
//! first byte: a *full* packet explains itself; a *short* one leaves out what both sides know.
//!
//! Codings: `u16`, `u24` and `u32` are little-endian. `varint` is an unsigned LEB128 number below
//! 2³², in its shortest form. `zigzag` is a varint that stands for a signed number: 0, −1, 1, −2, …
//! are written 0, 1, 2, 3, …. A *set* is a varint in which bit n is player n.
//!
//! ## Full packets
//!
//! | field | coding | meaning |
//! |---|---|---|
//! | form, version | 1 byte | 0x80 + 4 |
//! | configuration | 8 bytes | [`Configuration`]: what all peers must have set alike |
//! | epoch | varint | the episode |
//! | incarnation | varint | the sender's page load |
//! | flags | u16 | bit 0: echo, 1: want, 2: hashes, 3: addressee, 4: known, 5: returned, 6: closed, 7: lacks, 8: given, 9: delays, 10: start; the others are 0 |
//! | from | set | the sender's players |
//! | to | set | the receiver's players, as the sender has it; the two have none in common |
//! | sequence | varint | counts the sender's packets on this link from 1 |
//! | *addressee* | varint | the receiver's newest page load that the sender has heard; without it the sender has heard none |
//! | head | varint | the sender's head |
//! | sent at | u32 | the sender's clock in µs, modulo 2³² |
//! | *echo*: sequence | varint | the newest packet that the sender has from the receiver |
//! | *echo*: held | varint | µs since that packet came |
//! | *start* | varint | play has not begun: µs until the sender's frame 0 is due |
//! | *delays*: from | varint | the sender's head with which these input delays begin (see below) |
//! | *delays*: wanted | 1 byte | the input delay that the sender's links call for, at most 32 |
//! | *delays*: frames | 1 byte each | for each player of *from*, ascending: its input delay from then on, at most 32 |
//! | *want* | varint | a frame from which the sender would like hashes (see below) |
//! | *hashes*: first | varint | the frame of the first hash |
//! | *hashes*: count | 1 byte | 1 to [`MAX_HASHES`] |
//! | *hashes*: prefixes | 8 bytes each | the first bytes of h(first), h(first + 1), … |
//! | acks | varint each | for each player of *to*, ascending: the first frame whose input the sender lacks |
//! | *known* | varint each | the sender rejoins: for each player of *from*, ascending, the first frame whose input it lacks itself |
//! | *closed* | varint each | the sender authors no more: for each player of *from*, ascending, the first frame that has no input |
//! | *lacks*: count | 1 byte | 1 to 16 |
//! | *lacks*: players | 1 byte and a varint each | a player that left, and the first frame of it that the sender lacks |
//! | inputs | section each | for each player of *from*, ascending |
//! | *returned* | section each | for each player of *to*, ascending: inputs of its own that a receiver which rejoins lacks |
//! | *given*: count | 1 byte | 1 to 16 |
//! | *given*: players | 1 byte and a section each | inputs that the receiver lacks of a player that left |
//!
//! ## Short packets
//!
//! | field | coding | meaning |
//! |---|---|---|
//! | form, flags | 1 byte | bit 0: clock, 1: echo, 2: hash; bits 3 and 4: the low bits of the epoch, 5 and 6: of the incarnation; the top bit is 0 |
//! | tag | 1 byte | [`Key::tag`]: epoch, page loads, configuration and players are those of the last full packets, and the next two fields were understood rightly |
//! | sequence | u16 | its low 16 bits: the number next to the newest that came |
//! | head | u16 | its low 16 bits: the number next to the newest that came |
//! | acks | zigzag each | as above, the first less *head*, every other less the one before it |
//! | *clock*: sent at | u24 | the sender's clock in µs, modulo 2²⁴ |
//! | *echo*: sequence | 1 byte | its low 8 bits: the greatest such number that the receiver sent |
//! | *echo*: held | u16 | in units of 8 µs |
//! | *hash*: frame | zigzag | less *head* |
//! | *hash*: prefix | 8 bytes | the first bytes of h(frame) |
//! | inputs | section each | for each player of *from*, ascending |
//!
//! A sender may use the short form once the receiver has named the sender's page load with the same
//! players on either side, and has echoed a full packet that did so, too; as long as the receiver is
//! known to have one of the sender's last [`SHORT_REACH`] packets, and if there is nothing else to say.
//! A receiver takes short packets only if the newest full one that came had the same page loads and
//! players, and only those sent after the first that had them without others in between. So none from
//! before a change can be taken for one after it, which the tag would not prevent: one in 256 is alike
//! by chance. Nor does it take one that was sent more than 128 packets before the newest that came, or
//! more than [`SHORT_REACH`] after it, which no honest one is.
//!
//! ## Sections
//!
//! A section holds inputs of one player, of consecutive frames.
//!
//! | field | coding | meaning |
//! |---|---|---|
//! | frames, coding | varint | twice the number of frames, at most [`MAX_PACKET_FRAMES`], and 1 more if they are in runs. 0: nothing follows |
//! | first | varint; zigzag in short packets | the first frame; in short packets less that of the section before it, of the first section less *head* |
//! | inputs | see below | |
//!
//! Without runs, the bytes of all inputs follow, each as long as the configuration's default input.
//! Runs are inputs that last for several frames, until all frames of the section are covered. Each is
//! a token (varint), four times the number of frames that the input is repeated, and the kind:
//!
//! | kind | follows |
//! |---|---|
//! | 0 | an input as long as the one before it |
//! | 1 | a length (1 byte, 1 to 64), and an input of that length |
//! | 2 | an input as long as the one before it, of which some bytes changed: one bit for each byte, the first byte's lowest, in as many bytes as needed with zeros above; then the bytes that changed |
//!
//! Before the first run is an input of zeros, as long as the default input.
//!
//! Sections begin with the oldest input that the receiver has not acknowledged; what does not fit
//! waits. Returned inputs begin with the receiver's *known* frame and end before the packet's ack for
//! the same player. Given ones begin with the frame that the receiver lacks.
//!
//! # Clocks and delays
//!
//! Short packets carry clock and echo until enough is known of the other's clock, then every fourth.
//! Input delays that were announced are in every packet until the receiver acknowledges an input
//! that was authored after the announcement.
//!
//! # Page loads
//!
//! A packet of an older page load than one seen, or to another than the receiver's, is refused. A
//! page load that rejoins takes from a packet without addressee only who sent it: its sender may be
//! long gone. Of a packet to an older page load of the receiver's, from a newer one than it has seen,
//! it takes that, too: else two that are both loaded again could speak to pages that are gone for
//! good. With a new page load of a peer the link begins anew: sequence, clock, acks, hashes.
//! The acks of the first packet to a page load that rejoins tell it how far it was heard before.
//!
//! # Players that move
//!
//! When a player moves to another peer, the two sides of a link learn of it one after the other. Then
//! *from* and *to* differ for a while, packets are full, and what is about a player that a side does
//! not know there is passed over.
//!
//! # Hashes
//!
//! Every few packets carry the hash of the sender's last confirmed frame. Because each hash covers
//! all frames before it, two peers that agree at one frame agree up to it. One that sees a
//! difference asks with *want* for the hashes after the last frame known to be equal, and gets as
//! many as fit, again and again, until the first that differs is known. So does a peer that has
//! sealed, until all its frames are known to be equal. Of frames that are long past a peer keeps
//! the first two bytes of each hash: the other six are sent as zeros, and such a hash is compared by these two
//! alone. Eight zero bytes stand for a hash that is not kept at all.

use crate::types::same;
use crate::{Epoch, Frame, HashPrefix, Incarnation, Input, PlayerIndex, PlayerSet};
use alloc::vec::Vec;

pub use crate::full::{decode_body, decode_header, encode};
pub use crate::short::{Key, Near, SHORT_REACH, decode_short, encode_short, is_short};

/// The version that this crate speaks.
pub const VERSION: u8 = 4;

/// The most bytes of a packet.
pub const MAX_PACKET_BYTES: usize = 1200;

/// The most hashes of a packet.
pub const MAX_HASHES: usize = 32;

/// The most frames of one player's inputs in a packet.
pub const MAX_PACKET_FRAMES: u32 = 1024;

/// A digest of what all peers must have set alike: the version of the packets, the number of players,
/// the frame duration, the window, the default input and the genesis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Configuration(pub [u8; 8]);

/// What can be told about a full packet before its configuration is known to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What the sender has set.
    pub configuration: Configuration,
    /// The sender's episode.
    pub epoch: Epoch,
    /// The sender's page load.
    pub incarnation: Incarnation,
}

/// Everything after the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The sender's players.
    pub from: PlayerSet,
    /// The receiver's players.
    pub to: PlayerSet,
    /// Counts the sender's packets on this link, from 1.
    pub sequence: u32,
    /// The receiver's page load, as far as the sender has heard one.
    pub addressee: Option<Incarnation>,
    /// The sender's head.
    pub head: Frame,
    /// Microseconds, modulo 2³². Always there in a full packet.
    pub sent_at: Option<u32>,
    /// The newest packet that the sender has from the receiver.
    pub echo: Option<Echo>,
    /// Microseconds until the sender's frame 0 is due.
    pub start: Option<u32>,
    /// Input delays of the sender's players, if they may not be known.
    pub delays: Option<Delays>,
    /// A frame from which the sender would like hashes.
    pub want: Option<Frame>,
    /// The sender's hashes: the newest, or what the receiver wanted.
    pub hashes: Hashes,
    /// For each of the receiver's players, the first frame whose input the sender lacks.
    pub acks: Vec<Frame>,
    /// Of a sender that rejoins, for each of its players: the first frame whose input it lacks.
    pub known: Option<Vec<Frame>>,
    /// Of a sender that authors no more, for each of its players: the first frame without an input.
    pub closed: Option<Vec<Frame>>,
    /// Players that left, and the first frame of each that the sender lacks.
    pub lacks: Vec<(PlayerIndex, Frame)>,
    /// For each of the sender's players.
    pub inputs: Vec<Inputs>,
    /// For each of the receiver's players: its own inputs, given back.
    pub returned: Option<Vec<Inputs>>,
    /// Inputs of players that left.
    pub given: Vec<(PlayerIndex, Inputs)>,
}

/// The newest packet that came, and for how long it was held before this one left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The number of that packet.
    pub sequence: u32,
    /// Microseconds.
    pub held_us: u32,
}

/// The input delays of the sender's players, announced; each at most
/// [`MAX_INPUT_DELAY`](crate::MAX_INPUT_DELAY).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delays {
    /// The head with which they begin.
    pub from: Frame,
    /// What the sender's links call for.
    pub wanted: u8,
    /// For each of the sender's players.
    pub frames: Vec<u8>,
}

/// Chain hashes of consecutive frames; none where there are no prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hashes {
    /// The frame of the first hash.
    pub first: Frame,
    /// At most [`MAX_HASHES`].
    pub prefixes: Vec<HashPrefix>,
}

/// One player's inputs of consecutive frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The frame of the first input.
    pub first: Frame,
    /// No two in a row are the same input.
    pub runs: Vec<Run>,
}

/// The same input for several frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The input.
    pub input: Input,
    /// At least 1.
    pub frames: u32,
}

impl Body {
    /// Empty, in the same memory.
    pub(crate) fn begin(&mut self, from: PlayerSet, to: PlayerSet) {
        self.from = from;
        self.to = to;
        self.sequence = 0;
        self.addressee = None;
        self.head = Frame(0);
        self.sent_at = None;
        self.echo = None;
        self.start = None;
        self.delays = None;
        self.want = None;
        self.hashes.first = Frame(0);
        self.hashes.prefixes.clear();
        self.acks.clear();
        self.known = None;
        self.closed = None;
        self.lacks.clear();
        for inputs in &mut self.inputs {
            inputs.first = Frame(0);
            inputs.runs.clear();
        }
        let players = from.len();
        if self.inputs.len() != players {
            self.inputs.resize_with(players, Inputs::default);
        }
        self.returned = None;
        self.given.clear();
    }
}

impl Inputs {
    /// How many frames the runs make up.
    pub fn frames(&self) -> u32 {
        self.runs
            .iter()
            .fold(0, |sum, run| sum.saturating_add(run.frames))
    }

    /// Every frame with its input.
    pub fn iter(&self) -> impl Iterator<Item = (Frame, &Input)> {
        self.from(self.first)
    }

    /// Every frame from this one on with its input.
    pub(crate) fn from(&self, frame: Frame) -> impl Iterator<Item = (Frame, &Input)> {
        let mut end = self.first;
        let mut runs = self.runs.iter();
        while let Some(run) = runs.as_slice().first()
            && end + run.frames <= frame
        {
            end = end + run.frames;
            runs.next();
        }
        runs.flat_map(move |run| {
            let first = end.max(frame);
            end = end + run.frames;
            (first.0..end.0).map(|frame| (Frame(frame), &run.input))
        })
    }

    /// The inputs, and for how many frames each lasts.
    pub(crate) fn coded(&self) -> impl Iterator<Item = (&[u8], u32)> + Clone {
        let runs = self.runs.iter();
        runs.map(|run| (run.input.as_slice(), run.frames))
    }

    pub(crate) fn push(&mut self, input: &[u8], frames: u32) {
        match self.runs.last_mut() {
            Some(run) if same(run.input.as_slice(), input) => run.frames += frames,
            _ => {
                self.runs.push(Run {
                    input: Input::default(),
                    frames,
                });
                // Written where it stays: a short input is not copied as if it were a long one.
                if let Some(run) = self.runs.last_mut() {
                    run.input.set(input);
                }
            }
        }
    }

    /// Adds inputs of one byte each to none.
    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) {
        let runs = bytes.chunk_by(|one, next| one == next);
        self.runs.extend(runs.map(|run| {
            let mut input = Input::default();
            input.set_byte(run[0]);
            Run {
                input,
                frames: run.len() as u32,
            }
        }));
    }

    /// Leaves the first `frames` at most.
    pub(crate) fn truncate(&mut self, mut frames: u32) {
        self.runs.retain_mut(|run| {
            run.frames = run.frames.min(frames);
            frames -= run.frames;
            run.frames > 0
        });
    }

    /// The most bytes by which `push(input, 1)` lengthens the packet.
    pub(crate) fn cost(&self, input: &[u8]) -> usize {
        match self.runs.last() {
            Some(run) if same(run.input.as_slice(), input) => 0,
            _ => 3 + input.len(),
        }
    }
}
