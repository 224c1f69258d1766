//! Full packets: they explain themselves (see [`wire`](crate::wire)).

use crate::codec::{Reader, put_section, put_varint};
use crate::types::MAX_PLAYERS;
use crate::wire::{
    Body, Configuration, Delays, Echo, Header, Inputs, MAX_HASHES, MAX_PACKET_BYTES, VERSION,
};
use crate::{Epoch, Frame, Incarnation, MAX_INPUT_DELAY, PacketError, PlayerIndex, PlayerSet};
use alloc::vec;
use alloc::vec::Vec;

/// The top bit of the first byte.
pub(crate) const FULL: u8 = 0x80;

const ECHO: u16 = 1;
const WANT: u16 = 1 << 1;
const HASHES: u16 = 1 << 2;
const ADDRESSEE: u16 = 1 << 3;
const KNOWN: u16 = 1 << 4;
const RETURNED: u16 = 1 << 5;
const CLOSED: u16 = 1 << 6;
const LACKS: u16 = 1 << 7;
const GIVEN: u16 = 1 << 8;
const DELAYS: u16 = 1 << 9;
const START: u16 = 1 << 10;
const ALL: u16 = (START << 1) - 1;

/// Writes a full packet. `plain` is the length of the default input.
pub fn encode(header: &Header, body: &Body, plain: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    put_fields(&mut out, header, body);
    put_inputs(&mut out, body, plain);
    out
}

/// Writes everything before the inputs. Whether inputs are returned or given must be settled by now.
pub(crate) fn put_fields(out: &mut Vec<u8>, header: &Header, body: &Body) {
    let flag = |set: bool, bit: u16| if set { bit } else { 0 };
    let flags = flag(body.echo.is_some(), ECHO)
        | flag(body.want.is_some(), WANT)
        | flag(!body.hashes.prefixes.is_empty(), HASHES)
        | flag(body.addressee.is_some(), ADDRESSEE)
        | flag(body.known.is_some(), KNOWN)
        | flag(body.returned.is_some(), RETURNED)
        | flag(body.closed.is_some(), CLOSED)
        | flag(!body.lacks.is_empty(), LACKS)
        | flag(!body.given.is_empty(), GIVEN)
        | flag(body.delays.is_some(), DELAYS)
        | flag(body.start.is_some(), START);
    out.push(FULL | VERSION);
    out.extend(header.configuration.0);
    put_varint(out, header.epoch.0);
    put_varint(out, header.incarnation.0);
    out.extend(flags.to_le_bytes());
    put_varint(out, body.from.0.into());
    put_varint(out, body.to.0.into());
    put_varint(out, body.sequence);
    if let Some(addressee) = body.addressee {
        put_varint(out, addressee.0);
    }
    put_varint(out, body.head.0);
    out.extend(body.sent_at.unwrap_or_default().to_le_bytes());
    if let Some(echo) = body.echo {
        put_varint(out, echo.sequence);
        put_varint(out, echo.held_us);
    }
    if let Some(start) = body.start {
        put_varint(out, start);
    }
    if let Some(delays) = &body.delays {
        put_varint(out, delays.from.0);
        out.push(delays.wanted);
        out.extend(&delays.frames);
    }
    if let Some(want) = body.want {
        put_varint(out, want.0);
    }
    if !body.hashes.prefixes.is_empty() {
        put_varint(out, body.hashes.first.0);
        out.push(body.hashes.prefixes.len() as u8);
        out.extend(body.hashes.prefixes.iter().flat_map(|prefix| prefix.0));
    }
    let known = body.known.iter().flatten();
    let closed = body.closed.iter().flatten();
    for frame in body.acks.iter().chain(known).chain(closed) {
        put_varint(out, frame.0);
    }
    if !body.lacks.is_empty() {
        out.push(body.lacks.len() as u8);
    }
    for (player, frame) in &body.lacks {
        out.push(player.0);
        put_varint(out, frame.0);
    }
}

pub(crate) fn put_inputs(out: &mut Vec<u8>, body: &Body, plain: usize) {
    let put_first = |out: &mut Vec<u8>, first: Frame| put_varint(out, first.0);
    let put = |out: &mut Vec<u8>, inputs: &Inputs| {
        let (first, frames, coded) = (inputs.first, inputs.frames(), inputs.coded());
        put_section(out, first, frames, coded, plain, put_first);
    };
    for inputs in body.inputs.iter().chain(body.returned.iter().flatten()) {
        put(out, inputs);
    }
    if !body.given.is_empty() {
        out.push(body.given.len() as u8);
    }
    for (player, inputs) in &body.given {
        out.push(player.0);
        put(out, inputs);
    }
}

/// Reads the header of a full packet and returns it with the bytes of the body.
pub fn decode_header(bytes: &[u8]) -> Result<(Header, &[u8]), PacketError> {
    if bytes.len() > MAX_PACKET_BYTES {
        return Err(PacketError::Malformed("longer than 1200 bytes"));
    }
    let mut reader = Reader(bytes);
    let form = reader.byte()?;
    if form & FULL == 0 {
        return Err(PacketError::Malformed("not a full packet"));
    }
    if form != FULL | VERSION {
        return Err(PacketError::OtherVersion {
            found: form & !FULL,
            expected: VERSION,
        });
    }
    let header = Header {
        configuration: Configuration(reader.array()?),
        epoch: Epoch(reader.varint()?),
        incarnation: Incarnation(reader.varint()?),
    };
    Ok((header, reader.0))
}

/// Reads the whole body of a full packet, or nothing of use. What it allocates is bounded by the
/// length of `bytes`.
pub fn decode_body(bytes: &[u8], plain: usize, body: &mut Body) -> Result<(), PacketError> {
    if bytes.len() > MAX_PACKET_BYTES {
        return Err(PacketError::Malformed("longer than 1200 bytes"));
    }
    let mut reader = Reader(bytes);
    let flags = reader.u16()?;
    if flags & !ALL != 0 {
        return Err(PacketError::Malformed("unknown flag"));
    }
    let has = |flag: u16| flags & flag != 0;
    let (from, to) = (reader.set()?, reader.set()?);
    if from.0 & to.0 != 0 {
        return Err(PacketError::Malformed("a player at both ends"));
    }
    body.begin(from, to);
    body.sequence = reader.varint()?;
    body.addressee = match has(ADDRESSEE) {
        true => Some(Incarnation(reader.varint()?)),
        false => None,
    };
    body.head = reader.frame()?;
    body.sent_at = Some(reader.u32()?);
    if has(ECHO) {
        body.echo = Some(Echo {
            sequence: reader.varint()?,
            held_us: reader.varint()?,
        });
    }
    if has(START) {
        body.start = Some(reader.varint()?);
    }
    if has(DELAYS) {
        body.delays = Some(reader.delays(from.len())?);
    }
    if has(WANT) {
        body.want = Some(reader.frame()?);
    }
    if has(HASHES) {
        body.hashes.first = reader.frame()?;
        let count = usize::from(reader.byte()?);
        if count == 0 || count > MAX_HASHES {
            return Err(PacketError::Malformed("number of hashes"));
        }
        reader.prefixes(body.hashes.first, count, &mut body.hashes.prefixes)?;
    }
    for _ in 0..to.len() {
        body.acks.push(reader.frame()?);
    }
    if has(KNOWN) {
        body.known = Some(reader.frames(from.len())?);
    }
    if has(CLOSED) {
        body.closed = Some(reader.frames(from.len())?);
    }
    if has(LACKS) {
        for _ in 0..reader.players()? {
            body.lacks.push((reader.player()?, reader.frame()?));
        }
    }
    for inputs in &mut body.inputs {
        reader.section(inputs, plain, Reader::frame)?;
    }
    if has(RETURNED) {
        let mut returned = vec![Inputs::default(); to.len()];
        for inputs in &mut returned {
            reader.section(inputs, plain, Reader::frame)?;
        }
        body.returned = Some(returned);
    }
    if has(GIVEN) {
        for _ in 0..reader.players()? {
            let player = reader.player()?;
            let mut inputs = Inputs::default();
            reader.section(&mut inputs, plain, Reader::frame)?;
            body.given.push((player, inputs));
        }
    }
    reader.end()
}

impl Reader<'_> {
    fn set(&mut self) -> Result<PlayerSet, PacketError> {
        let set = u16::try_from(self.varint()?);
        set.map(PlayerSet)
            .map_err(|_| PacketError::Malformed("a player that cannot be"))
    }

    fn frames(&mut self, count: usize) -> Result<Vec<Frame>, PacketError> {
        (0..count).map(|_| self.frame()).collect()
    }

    fn delays(&mut self, players: usize) -> Result<Delays, PacketError> {
        let from = self.frame()?;
        let wanted = self.byte()?;
        let frames: Result<Vec<u8>, PacketError> = (0..players).map(|_| self.byte()).collect();
        let frames = frames?;
        let most = frames.iter().copied().fold(wanted, u8::max);
        if u32::from(most) > MAX_INPUT_DELAY {
            return Err(PacketError::Malformed("an input delay too long"));
        }
        Ok(Delays {
            from,
            wanted,
            frames,
        })
    }

    /// How many players follow.
    fn players(&mut self) -> Result<usize, PacketError> {
        match usize::from(self.byte()?) {
            count @ 1..=MAX_PLAYERS => Ok(count),
            _ => Err(PacketError::Malformed("number of players")),
        }
    }

    fn player(&mut self) -> Result<PlayerIndex, PacketError> {
        let player = PlayerIndex(self.byte()?);
        match player.index() < MAX_PLAYERS {
            true => Ok(player),
            false => Err(PacketError::Malformed("a player that cannot be")),
        }
    }
}
