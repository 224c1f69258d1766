//! The packets between peers, byte by byte.
//!
//! # Layout, version 1
//!
//! A packet has at most [`MAX_PACKET_BYTES`] bytes and nothing after its last field. `varint` is an
//! unsigned LEB128 number below 2³², in its shortest form. `u32` is 4 bytes, little-endian.
//! Frames are absolute. Who sent it is the link's identity, and never written down.
//!
//! | field | coding | meaning |
//! |---|---|---|
//! | version | 1 byte | 1 |
//! | epoch | varint | the episode |
//! | incarnation | varint | the sender's page load |
//! | flags | 1 byte | bit 0: echo, bit 1: want, bit 2: hashes, bit 3: addressee, bit 4: known, bit 5: returned; the others are 0 |
//! | sequence | varint | counts the sender's packets on this link from 1 |
//! | *addressee* | varint | the receiver's newest page load that the sender has heard; without it the sender has heard none |
//! | head | varint | the sender's head |
//! | sent at | u32 | the sender's clock in µs, modulo 2³² |
//! | *echo*: sent at | u32 | *sent at* of the newest packet that the sender has from the receiver |
//! | *echo*: held | varint | µs since that packet came |
//! | *want* | varint | a frame from which the sender would like hashes (see below) |
//! | *hashes*: first | varint | the frame of the first hash |
//! | *hashes*: count | 1 byte | 1 to [`MAX_HASHES`] |
//! | *hashes*: prefixes | 8 bytes each | the first bytes of h(first), h(first + 1), … |
//! | acks | varint each | for each of the receiver's players, ascending: the first frame whose input the sender lacks |
//! | inputs | see below | for each of the sender's players, ascending |
//! | *known* | varint each | the sender rejoins: for each of its players, ascending, the first frame whose input it lacks itself |
//! | *returned* | as inputs | for each of the receiver's players, ascending: inputs of its own that a receiver which rejoins lacks |
//!
//! Inputs of one player: the number of runs (varint). If it is not 0: the first frame (varint),
//! then each run as a token (varint), a length (1 byte, 1 to 64) if the token is odd, and the bytes
//! of one input. The input is that of `(token >> 1) + 1` consecutive frames; a run without a length
//! has that of the run before it, the first run 1. All runs of a player together are at most
//! [`MAX_PACKET_FRAMES`] frames. They begin with the oldest input that the receiver has not
//! acknowledged; what does not fit waits for the acknowledgement.
//!
//! Returned inputs begin with the receiver's *known* frame and end before the packet's ack for the
//! same player. They share the room with the sender's own inputs, frame by frame.
//!
//! How many acks and players of inputs there are, both sides know from their configuration.
//!
//! # Page loads
//!
//! A packet of an older page load than one seen, or to another than the receiver's, is refused. A
//! page load that rejoins takes from a packet without addressee only who sent it: its sender may be
//! long gone. With a new page load of a peer the link begins anew: sequence, clock, acks, hashes.
//! The acks of the first packet to a page load that rejoins tell it how far it was heard before.
//!
//! # Hashes
//!
//! Every few packets carry the hash of the sender's last confirmed frame. Because each hash covers
//! all frames before it, two peers that agree at one frame agree up to it. One that sees a
//! difference asks with *want* for the hashes after the last frame known to be equal, and gets as
//! many as fit, again and again, until the first that differs is known. So does a peer that has
//! sealed, until all its frames are known to be equal.

use crate::types::{MAX_INPUT_BYTES, MAX_PLAYERS};
use crate::{Epoch, Frame, HashPrefix, Incarnation, Input, PacketError};

/// The version that this crate speaks.
pub const VERSION: u8 = 1;

/// The most bytes of a packet.
pub const MAX_PACKET_BYTES: usize = 1200;

/// The most hashes of a packet.
pub const MAX_HASHES: usize = 32;

/// The most frames of one player's inputs in a packet.
pub const MAX_PACKET_FRAMES: u32 = 1024;

const ECHO: u8 = 1;
const WANT: u8 = 2;
const HASHES: u8 = 4;
const ADDRESSEE: u8 = 8;
const KNOWN: u8 = 16;
const RETURNED: u8 = 32;

/// What can be told about a packet before its configuration is known to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub epoch: Epoch,
    pub incarnation: Incarnation,
}

/// Everything after the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    pub sequence: u32,
    /// The receiver's page load, as far as the sender has heard one.
    pub addressee: Option<Incarnation>,
    pub head: Frame,
    /// Microseconds, modulo 2³².
    pub sent_at: u32,
    pub echo: Option<Echo>,
    pub want: Option<Frame>,
    pub hashes: Option<Hashes>,
    /// For each of the receiver's players, the first frame whose input the sender lacks.
    pub acks: Vec<Frame>,
    /// For each of the sender's players.
    pub inputs: Vec<Inputs>,
    /// Of a sender that rejoins, for each of its players: the first frame whose input it lacks.
    pub known: Option<Vec<Frame>>,
    /// For each of the receiver's players: its own inputs, given back.
    pub returned: Option<Vec<Inputs>>,
}

/// A clock sample sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    pub sent_at: u32,
    pub held_us: u32,
}

/// Chain hashes of consecutive frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashes {
    pub first: Frame,
    pub prefixes: Vec<HashPrefix>,
}

/// One player's inputs of consecutive frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    pub first: Frame,
    pub runs: Vec<Run>,
}

/// The same input for several frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub input: Input,
    /// At least 1.
    pub frames: u32,
}

/// How many players are at either end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The receiver's players.
    pub acks: usize,
    /// The sender's players.
    pub inputs: usize,
}

impl Inputs {
    /// How many frames the runs make up.
    pub fn frames(&self) -> u32 {
        self.runs
            .iter()
            .fold(0, |sum, run| sum.saturating_add(run.frames))
    }

    /// Every frame with its input.
    pub fn iter(&self) -> impl Iterator<Item = (Frame, Input)> {
        let inputs = self
            .runs
            .iter()
            .flat_map(|run| (0..run.frames).map(|_| run.input));
        (self.first.0..).map(Frame).zip(inputs)
    }

    pub(crate) fn push(&mut self, input: Input) {
        match self.runs.last_mut() {
            Some(run) if run.input == input => run.frames += 1,
            _ => self.runs.push(Run { input, frames: 1 }),
        }
    }

    /// The most bytes by which `push(input)` lengthens the packet.
    pub(crate) fn cost(&self, input: Input) -> usize {
        match self.runs.last() {
            Some(run) if run.input == input => 0,
            _ => 3 + input.as_slice().len(),
        }
    }
}

/// The most bytes that a packet needs beside its runs of inputs, with one hash.
pub(crate) fn most_fixed_bytes(shape: Shape, rejoins: bool, returns: bool) -> usize {
    let header = 1 + 5 + 5;
    let numbers = 1 + 5 + 5 + 5 + 4 + (4 + 5) + 5 + (5 + 1 + 8);
    let play = 5 * shape.acks + (2 + 5) * shape.inputs;
    let known = if rejoins { 5 * shape.inputs } else { 0 };
    let returned = if returns { (2 + 5) * shape.acks } else { 0 };
    header + numbers + play + known + returned
}

pub fn encode(header: &Header, body: &Body) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.push(VERSION);
    put_varint(&mut out, header.epoch.0);
    put_varint(&mut out, header.incarnation.0);
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.push(
        flag(body.echo.is_some(), ECHO)
            | flag(body.want.is_some(), WANT)
            | flag(body.hashes.is_some(), HASHES)
            | flag(body.addressee.is_some(), ADDRESSEE)
            | flag(body.known.is_some(), KNOWN)
            | flag(body.returned.is_some(), RETURNED),
    );
    put_varint(&mut out, body.sequence);
    if let Some(addressee) = body.addressee {
        put_varint(&mut out, addressee.0);
    }
    put_varint(&mut out, body.head.0);
    out.extend(body.sent_at.to_le_bytes());
    if let Some(echo) = body.echo {
        out.extend(echo.sent_at.to_le_bytes());
        put_varint(&mut out, echo.held_us);
    }
    if let Some(want) = body.want {
        put_varint(&mut out, want.0);
    }
    if let Some(hashes) = &body.hashes {
        put_varint(&mut out, hashes.first.0);
        out.push(hashes.prefixes.len() as u8);
        for prefix in &hashes.prefixes {
            out.extend(prefix.0);
        }
    }
    for ack in &body.acks {
        put_varint(&mut out, ack.0);
    }
    for inputs in &body.inputs {
        put_inputs(&mut out, inputs);
    }
    for known in body.known.iter().flatten() {
        put_varint(&mut out, known.0);
    }
    for returned in body.returned.iter().flatten() {
        put_inputs(&mut out, returned);
    }
    out
}

fn put_inputs(out: &mut Vec<u8>, inputs: &Inputs) {
    put_varint(out, inputs.runs.len() as u32);
    if inputs.runs.is_empty() {
        return;
    }
    put_varint(out, inputs.first.0);
    let mut length = 1;
    for run in &inputs.runs {
        let bytes = run.input.as_slice();
        let repeated = (run.frames - 1) << 1;
        if bytes.len() == length {
            put_varint(out, repeated);
        } else {
            length = bytes.len();
            put_varint(out, repeated | 1);
            out.push(length as u8);
        }
        out.extend(bytes);
    }
}

fn put_varint(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads the header and returns it with the bytes of the body.
pub fn decode_header(bytes: &[u8]) -> Result<(Header, &[u8]), PacketError> {
    if bytes.len() > MAX_PACKET_BYTES {
        return Err(PacketError::Malformed("longer than 1200 bytes"));
    }
    let mut reader = Reader(bytes);
    let version = reader.byte()?;
    if version != VERSION {
        return Err(PacketError::OtherVersion {
            found: version,
            expected: VERSION,
        });
    }
    let header = Header {
        epoch: Epoch(reader.varint()?),
        incarnation: Incarnation(reader.varint()?),
    };
    Ok((header, reader.0))
}

/// Reads the whole body, or nothing. What it allocates is bounded by the length of `bytes`.
pub fn decode_body(bytes: &[u8], shape: Shape) -> Result<Body, PacketError> {
    if bytes.len() > MAX_PACKET_BYTES || shape.acks > MAX_PLAYERS || shape.inputs > MAX_PLAYERS {
        return Err(PacketError::Malformed("longer than 1200 bytes"));
    }
    let mut reader = Reader(bytes);
    let flags = reader.byte()?;
    if flags & !(ECHO | WANT | HASHES | ADDRESSEE | KNOWN | RETURNED) != 0 {
        return Err(PacketError::Malformed("unknown flag"));
    }
    let body = Body {
        sequence: reader.varint()?,
        addressee: match flags & ADDRESSEE {
            0 => None,
            _ => Some(Incarnation(reader.varint()?)),
        },
        head: Frame(reader.varint()?),
        sent_at: reader.u32()?,
        echo: match flags & ECHO {
            0 => None,
            _ => Some(Echo {
                sent_at: reader.u32()?,
                held_us: reader.varint()?,
            }),
        },
        want: match flags & WANT {
            0 => None,
            _ => Some(Frame(reader.varint()?)),
        },
        hashes: match flags & HASHES {
            0 => None,
            _ => Some(reader.hashes()?),
        },
        acks: reader.frames_of(shape.acks)?,
        inputs: reader.inputs_of(shape.inputs)?,
        known: match flags & KNOWN {
            0 => None,
            _ => Some(reader.frames_of(shape.inputs)?),
        },
        returned: match flags & RETURNED {
            0 => None,
            _ => Some(reader.inputs_of(shape.acks)?),
        },
    };
    match reader.0 {
        [] => Ok(body),
        _ => Err(PacketError::Malformed("bytes after the last field")),
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], PacketError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(PacketError::Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, PacketError> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, PacketError> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(bytes))
    }

    fn varint(&mut self) -> Result<u32, PacketError> {
        let mut number: u64 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                if byte == 0 && shift > 0 {
                    return Err(PacketError::Malformed("a number not in its shortest form"));
                }
                return u32::try_from(number)
                    .map_err(|_| PacketError::Malformed("a number of more than 32 bits"));
            }
        }
        Err(PacketError::Malformed("a number of more than 32 bits"))
    }

    fn hashes(&mut self) -> Result<Hashes, PacketError> {
        let first = Frame(self.varint()?);
        let count = usize::from(self.byte()?);
        if count == 0 || count > MAX_HASHES {
            return Err(PacketError::Malformed("number of hashes"));
        }
        if first.0.checked_add(count as u32).is_none() {
            return Err(PacketError::Malformed("frames beyond the last number"));
        }
        let bytes = self.take(8 * count)?;
        let (prefixes, _) = bytes.as_chunks::<8>();
        Ok(Hashes {
            first,
            prefixes: prefixes.iter().copied().map(HashPrefix).collect(),
        })
    }

    fn frames_of(&mut self, players: usize) -> Result<Vec<Frame>, PacketError> {
        (0..players).map(|_| self.varint().map(Frame)).collect()
    }

    fn inputs_of(&mut self, players: usize) -> Result<Vec<Inputs>, PacketError> {
        (0..players).map(|_| self.inputs()).collect()
    }

    fn inputs(&mut self) -> Result<Inputs, PacketError> {
        let count = self.varint()?;
        if count == 0 {
            return Ok(Inputs::default());
        }
        let mut inputs = Inputs {
            first: Frame(self.varint()?),
            runs: Vec::new(),
        };
        let mut length = 1;
        let mut frames: u32 = 0;
        for _ in 0..count {
            let token = self.varint()?;
            if token & 1 == 1 {
                length = usize::from(self.byte()?);
            }
            if length == 0 || length > MAX_INPUT_BYTES {
                return Err(PacketError::Malformed("length of an input"));
            }
            let run = Run {
                frames: (token >> 1) + 1,
                input: Input::new(self.take(length)?)
                    .map_err(|_| PacketError::Malformed("length of an input"))?,
            };
            frames = frames.saturating_add(run.frames);
            if frames > MAX_PACKET_FRAMES {
                return Err(PacketError::Malformed("too many frames"));
            }
            inputs.runs.push(run);
        }
        if inputs.first.0.checked_add(frames).is_none() {
            return Err(PacketError::Malformed("frames beyond the last number"));
        }
        Ok(inputs)
    }
}
