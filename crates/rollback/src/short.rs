//! Short packets: what both sides know is left out (see [`wire`](crate::wire)).

use crate::codec::{self, Reader, put_difference, put_section};
use crate::full::FULL;
use crate::wire::{Body, Echo, Header, MAX_PACKET_BYTES};
use crate::{Frame, Incarnation, PacketError, PlayerSet};
use alloc::vec::Vec;

/// A sender uses short packets as long as the receiver is known to have one of this many latest.
pub const SHORT_REACH: u32 = 96;

const CLOCK: u8 = 1;
const ECHO: u8 = 1 << 1;
const HASH: u8 = 1 << 2;
const MARKS: u8 = 0b1111 << 3;

/// A short packet that comes after one sent more than this many later is not taken: its echo could be
/// mistaken for a later one.
const SHORT_LATE: i16 = 128;

/// Frames that are written as differences are at most this far from each other.
const FAR: u32 = 1 << 14;

/// Microseconds of one unit of the time that an echo was held.
const HELD_UNIT: u32 = 8;

/// The longest such time.
pub(crate) const MAX_HELD_US: u32 = HELD_UNIT * u16::MAX as u32;

/// What a short packet leaves out, for one direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    digest: u64,
    /// The low two bits of epoch and incarnation, where they are in the first byte.
    marks: u8,
}

/// What a receiver last had of the sender: numbers that are written in part are those next to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Near {
    /// The sender's players, and the receiver's.
    pub from: PlayerSet,
    /// The receiver's players.
    pub to: PlayerSet,
    /// Of the newest packet that came.
    pub sequence: u32,
    /// Of a full packet that said what short ones leave out: none that was sent before it is taken.
    pub since: u32,
    /// The sender's head in that packet.
    pub head: Frame,
    /// About what the sender's clock is now, in µs modulo 2³².
    pub sent_at: u32,
    /// Of the receiver's own newest packet.
    pub own_sequence: u32,
}

impl Key {
    /// The first 8 bytes, little-endian, of BLAKE3 over the header's configuration (8 bytes), epoch
    /// and incarnation, the addressee (u32 LE each), and the sets *from* and *to* (u16 LE each).
    pub fn new(header: &Header, addressee: Incarnation, from: PlayerSet, to: PlayerSet) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&header.configuration.0);
        for number in [header.epoch.0, header.incarnation.0, addressee.0] {
            hasher.update(&number.to_le_bytes());
        }
        hasher.update(&from.0.to_le_bytes());
        hasher.update(&to.0.to_le_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        let mark = |number: u32, shift: u32| (number as u8 & 3) << shift;
        Key {
            digest: u64::from_le_bytes(first),
            marks: mark(header.epoch.0, 3) | mark(header.incarnation.0, 5),
        }
    }

    /// The top 8 bits of SplitMix64's output function of: the key, xor the sequence times 2³², xor
    /// the head, both in full.
    pub fn tag(self, sequence: u32, head: Frame) -> u8 {
        let mut z = self.digest ^ u64::from(sequence) << 32 ^ u64::from(head.0);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 56) as u8
    }
}

/// Tells the form of a packet.
pub fn is_short(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|form| form & FULL == 0)
}

/// Writes a short packet, for a body without anything that only a full one has a place for. `plain` is the length of the default input.
pub fn encode_short(key: Key, body: &Body, plain: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    put_fields(&mut out, key, body);
    put_inputs(&mut out, body, plain);
    out
}

/// The short form has a place for all that the body says; of its inputs only where they begin is
/// looked at.
pub(crate) fn fits(body: &Body) -> bool {
    let near = |frame: Frame| body.head - frame < FAR && frame - body.head < FAR;
    let mut firsts = body.inputs.iter().map(|inputs| inputs.first);
    let held = |echo: &Echo| echo.held_us <= MAX_HELD_US;
    let clock = body.sent_at.is_some() || body.echo.is_none();
    let hash = match body.hashes.prefixes.len() {
        0 => true,
        count => count == 1 && near(body.hashes.first),
    };
    let special = body.want.is_some()
        || body.start.is_some()
        || body.delays.is_some()
        || body.known.is_some()
        || body.returned.is_some()
        || body.closed.is_some()
        || !body.lacks.is_empty()
        || !body.given.is_empty();
    !special
        && clock
        && hash
        && body.echo.as_ref().is_none_or(held)
        && body.acks.iter().copied().all(near)
        && firsts.all(near)
}

/// Writes everything before the inputs.
pub(crate) fn put_fields(out: &mut Vec<u8>, key: Key, body: &Body) {
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    let hash = body.hashes.prefixes.first();
    let form = flag(body.sent_at.is_some(), CLOCK)
        | flag(body.echo.is_some(), ECHO)
        | flag(hash.is_some(), HASH)
        | key.marks;
    let tag = key.tag(body.sequence, body.head);
    let [sequence, more_sequence] = (body.sequence as u16).to_le_bytes();
    let [head, more_head] = (body.head.0 as u16).to_le_bytes();
    let fixed = [form, tag, sequence, more_sequence, head, more_head];
    out.extend_from_slice(&fixed);
    let mut base = body.head;
    for ack in &body.acks {
        put_difference(out, *ack, base);
        base = *ack;
    }
    if let Some(sent_at) = body.sent_at {
        out.extend_from_slice(&sent_at.to_le_bytes()[..3]);
    }
    if let Some(echo) = body.echo {
        out.push(echo.sequence as u8);
        out.extend(((echo.held_us / HELD_UNIT) as u16).to_le_bytes());
    }
    if let Some(prefix) = hash {
        put_difference(out, body.hashes.first, body.head);
        out.extend(prefix.0);
    }
}

pub(crate) fn put_inputs(out: &mut Vec<u8>, body: &Body, plain: usize) {
    let mut base = body.head;
    for inputs in &body.inputs {
        let first = (&mut base, inputs.first);
        put_inputs_of(out, first, inputs.frames(), inputs.coded(), plain);
    }
}

/// Writes the section of one player, and where it begins, less `base`, which is then that.
pub(crate) fn put_inputs_of<'a>(
    out: &mut Vec<u8>,
    (base, first): (&mut Frame, Frame),
    frames: u32,
    runs: impl Iterator<Item = (&'a [u8], u32)> + Clone,
    plain: usize,
) {
    put_section(out, first, frames, runs, plain, |out, first| {
        put_difference(out, first, *base);
        *base = first;
    });
}

/// The same for inputs of one byte, each after a 1.
pub(crate) fn put_pairs(out: &mut Vec<u8>, (base, first): (&mut Frame, Frame), pairs: &[[u8; 2]]) {
    codec::put_pairs(out, first, pairs, |out, first| {
        put_difference(out, first, *base);
        *base = first;
    });
}

/// Reads a whole short packet, or nothing of use. What it allocates is bounded by the length of
/// `bytes`. It is refused as [`PacketError::UnknownTag`], whatever else is in it, where something is
/// left out that is not as here, as far as sequence and tag tell.
pub fn decode_short(
    bytes: &[u8],
    key: Key,
    near: &Near,
    plain: usize,
    body: &mut Body,
) -> Result<(), PacketError> {
    if bytes.len() > MAX_PACKET_BYTES {
        return Err(PacketError::Malformed("longer than 1200 bytes"));
    }
    let mut reader = Reader(bytes);
    let flags = reader.byte()?;
    if flags & FULL != 0 || flags & (CLOCK | ECHO) == ECHO {
        return Err(PacketError::Malformed("unknown flag"));
    }
    // The episode before and the page load before are never taken for this one, whatever the tag.
    if flags & MARKS != key.marks {
        return Err(PacketError::UnknownTag);
    }
    body.begin(near.from, near.to);
    let tag = reader.byte()?;
    let later = reader.u16()?.wrapping_sub(near.sequence as u16) as i16;
    // No honest sender is further ahead of what the receiver has.
    let understood = (-SHORT_LATE..=SHORT_REACH as i16).contains(&later);
    // Who the players are is told apart by when it was sent, since tags can be alike by chance.
    let sequence = near.sequence.checked_add_signed(later.into());
    let known = sequence.filter(|sequence| understood && *sequence > near.since);
    body.sequence = known.ok_or(PacketError::UnknownTag)?;
    let head = reader.u16()?.wrapping_sub(near.head.0 as u16) as i16;
    body.head = Frame(near.head.0.wrapping_add_signed(head.into()));
    if tag != key.tag(body.sequence, body.head) {
        return Err(PacketError::UnknownTag);
    }
    let mut base = body.head;
    for _ in 0..body.to.len() {
        base = reader.difference(base)?;
        body.acks.push(base);
    }
    if flags & CLOCK != 0 {
        // 24 bits, next to where the sender's clock is: up to half of 2²⁴ µs away.
        let later = (reader.u24()?.wrapping_sub(near.sent_at) << 8) as i32 >> 8;
        body.sent_at = Some(near.sent_at.wrapping_add_signed(later));
    }
    if flags & ECHO != 0 {
        let before = (near.own_sequence as u8).wrapping_sub(reader.byte()?);
        body.echo = Some(Echo {
            sequence: near.own_sequence.wrapping_sub(before.into()),
            held_us: u32::from(reader.u16()?) * HELD_UNIT,
        });
    }
    if flags & HASH != 0 {
        body.hashes.first = reader.difference(body.head)?;
        reader.prefixes(body.hashes.first, 1, &mut body.hashes.prefixes)?;
    }
    let mut base = body.head;
    for inputs in &mut body.inputs {
        reader.section(inputs, plain, |reader| {
            base = reader.difference(base)?;
            Ok(base)
        })?;
    }
    reader.end()
}
