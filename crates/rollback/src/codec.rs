//! Numbers and sections of inputs as bytes (see [`wire`](crate::wire)).

use crate::types::{MAX_INPUT_BYTES, append};
use crate::wire::{Inputs, MAX_PACKET_FRAMES};
use crate::{Frame, HashPrefix, PacketError};
use alloc::vec::Vec;

const SAME_LENGTH: u32 = 0;
const OTHER_LENGTH: u32 = 1;
const CHANGED: u32 = 2;

/// The most bytes of a section beside what [`Inputs::cost`] counts.
pub(crate) const SECTION_BYTES: usize = 2 + 5;

pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// `frame` less `base`; both are below 2³¹.
pub(crate) fn put_difference(out: &mut Vec<u8>, frame: Frame, base: Frame) {
    let difference = frame.0.wrapping_sub(base.0) as i32;
    put_varint(out, ((difference << 1) ^ (difference >> 31)) as u32);
}

/// Writes a section of so many frames; `put_first` writes the number of its first. `plain` is the length
/// of the default input.
pub(crate) fn put_section<'a>(
    out: &mut Vec<u8>,
    first: Frame,
    frames: u32,
    runs: impl Iterator<Item = (&'a [u8], u32)> + Clone,
    plain: usize,
    put_first: impl FnOnce(&mut Vec<u8>, Frame),
) {
    let coding = out.len();
    if frames == 0 {
        return out.push(0);
    }
    put_varint(out, frames << 1 | 1);
    put_first(out, first);
    let begin = out.len();
    let length = frames as usize * plain;
    // A run has a token and what is new at least: where that is too much already, none is written.
    let least = 1 + plain.min(plain.div_ceil(8) + 1);
    let restless = runs.clone().next().is_some_and(|(_, frames)| frames == 1);
    let hopeless = |count| count * least >= length;
    if !restless || !put_plain(out, runs.clone(), plain).is_some_and(hopeless) {
        out.truncate(begin);
        put_runs(out, runs.clone(), plain);
        if out.len() - begin < length {
            return;
        }
        let coded = out.len();
        if put_plain(out, runs, plain).is_none() {
            return out.truncate(coded);
        }
        out.drain(begin..coded);
    }
    out[coding] &= !1;
}

/// The same for inputs of one byte, each after a 1, where the default input has one byte, too.
pub(crate) fn put_pairs(
    out: &mut Vec<u8>,
    first: Frame,
    pairs: &[[u8; 2]],
    put_first: impl FnOnce(&mut Vec<u8>, Frame),
) {
    let coding = out.len();
    let frames = pairs.len() as u32;
    if frames == 0 {
        return out.push(0);
    }
    put_varint(out, frames << 1 | 1);
    put_first(out, first);
    let begin = out.len();
    let changes = pairs.iter().zip(&pairs[1..]);
    let runs = 1 + changes.filter(|(one, next)| one != next).count();
    // Each has a token and a byte at least.
    if 2 * runs < pairs.len() {
        for run in pairs.chunk_by(|one, next| one == next) {
            put_varint(out, (run.len() as u32 - 1) << 2 | SAME_LENGTH);
            out.push(run[0][1]);
        }
        if out.len() - begin < pairs.len() {
            return;
        }
        out.truncate(begin);
    }
    out.extend(pairs.iter().map(|[_, byte]| *byte));
    out[coding] &= !1;
}

/// Writes all inputs one by one, and returns how many runs they are; `None` if one is of another length.
fn put_plain<'a>(
    out: &mut Vec<u8>,
    runs: impl Iterator<Item = (&'a [u8], u32)>,
    plain: usize,
) -> Option<usize> {
    let mut count = 0;
    for (input, frames) in runs {
        if input.len() != plain {
            return None;
        }
        for _ in 0..frames {
            append(out, input);
        }
        count += 1;
    }
    Some(count)
}

fn put_runs<'a>(out: &mut Vec<u8>, runs: impl Iterator<Item = (&'a [u8], u32)>, plain: usize) {
    static ZEROS: [u8; MAX_INPUT_BYTES] = [0; MAX_INPUT_BYTES];
    let mut before: &[u8] = &ZEROS[..plain];
    for (bytes, frames) in runs {
        let token = (frames - 1) << 2;
        let changed = bytes.iter().zip(before).filter(|(new, old)| new != old);
        if bytes.len() != before.len() {
            put_varint(out, token | OTHER_LENGTH);
            out.push(bytes.len() as u8);
            out.extend_from_slice(bytes);
        } else if bytes.len().div_ceil(8) + changed.count() < bytes.len() {
            put_varint(out, token | CHANGED);
            let mask = out.len();
            out.resize(mask + bytes.len().div_ceil(8), 0);
            for (n, (new, old)) in bytes.iter().zip(before).enumerate() {
                if new != old {
                    out[mask + n / 8] |= 1 << (n % 8);
                    out.push(*new);
                }
            }
        } else {
            put_varint(out, token | SAME_LENGTH);
            append(out, bytes);
        }
        before = bytes;
    }
}

/// What is left of a packet.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], PacketError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(PacketError::Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], PacketError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, PacketError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, PacketError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u24(&mut self) -> Result<u32, PacketError> {
        let [a, b, c] = self.array()?;
        Ok(u32::from_le_bytes([a, b, c, 0]))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, PacketError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn varint(&mut self) -> Result<u32, PacketError> {
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

    pub(crate) fn frame(&mut self) -> Result<Frame, PacketError> {
        self.varint().map(Frame)
    }

    /// A frame that is written less `base`.
    pub(crate) fn difference(&mut self, base: Frame) -> Result<Frame, PacketError> {
        let zigzag = self.varint()?;
        let difference = (zigzag >> 1) as i32 ^ -((zigzag & 1) as i32);
        let frame = base.0.checked_add_signed(difference);
        frame
            .map(Frame)
            .ok_or(PacketError::Malformed("a frame out of bounds"))
    }

    /// Hash prefixes of consecutive frames from `first` on.
    pub(crate) fn prefixes(
        &mut self,
        first: Frame,
        count: usize,
        into: &mut Vec<HashPrefix>,
    ) -> Result<(), PacketError> {
        if first.0.checked_add(count as u32).is_none() {
            return Err(PacketError::Malformed("frames beyond the last number"));
        }
        let (prefixes, _) = self.take(8 * count)?.as_chunks::<8>();
        into.extend(prefixes.iter().copied().map(HashPrefix));
        Ok(())
    }

    /// A section into empty `inputs`; `first` reads the number of its first frame.
    pub(crate) fn section(
        &mut self,
        inputs: &mut Inputs,
        plain: usize,
        first: impl FnOnce(&mut Self) -> Result<Frame, PacketError>,
    ) -> Result<(), PacketError> {
        let coding = self.varint()?;
        if coding == 0 {
            return Ok(());
        }
        let frames = coding >> 1;
        if frames == 0 || frames > MAX_PACKET_FRAMES {
            return Err(PacketError::Malformed("number of frames"));
        }
        inputs.first = first(self)?;
        if inputs.first.0.checked_add(frames).is_none() {
            return Err(PacketError::Malformed("frames beyond the last number"));
        }
        if coding & 1 == 1 {
            return self.runs(inputs, plain, frames);
        }
        let bytes = self.take(frames as usize * plain)?;
        if plain == 1 {
            inputs.push_bytes(bytes);
            return Ok(());
        }
        for bytes in bytes.chunks_exact(plain) {
            inputs.push(input(bytes)?, 1);
        }
        Ok(())
    }

    fn runs(
        &mut self,
        inputs: &mut Inputs,
        plain: usize,
        mut frames: u32,
    ) -> Result<(), PacketError> {
        let mut bytes = [0; MAX_INPUT_BYTES];
        let mut length = plain;
        while frames > 0 {
            let token = self.varint()?;
            match token & 3 {
                SAME_LENGTH => bytes[..length].copy_from_slice(self.take(length)?),
                OTHER_LENGTH => {
                    length = usize::from(self.byte()?);
                    if length == 0 || length > MAX_INPUT_BYTES {
                        return Err(PacketError::Malformed("length of an input"));
                    }
                    bytes[..length].copy_from_slice(self.take(length)?);
                }
                CHANGED => {
                    let mask = self.take(length.div_ceil(8))?;
                    let changed = |n: usize| mask[n / 8] >> (n % 8) & 1 == 1;
                    if (length..mask.len() * 8).any(changed) {
                        return Err(PacketError::Malformed("a change beyond an input"));
                    }
                    for n in (0..length).filter(|n| changed(*n)) {
                        bytes[n] = self.byte()?;
                    }
                }
                _ => return Err(PacketError::Malformed("kind of a run")),
            }
            let repeated = token >> 2;
            if repeated >= frames {
                return Err(PacketError::Malformed("number of frames"));
            }
            frames -= repeated + 1;
            inputs.push(input(&bytes[..length])?, repeated + 1);
        }
        Ok(())
    }

    pub(crate) fn end(self) -> Result<(), PacketError> {
        match self.0 {
            [] => Ok(()),
            _ => Err(PacketError::Malformed("bytes after the last field")),
        }
    }
}

fn input(bytes: &[u8]) -> Result<&[u8], PacketError> {
    match bytes.len() {
        1..=MAX_INPUT_BYTES => Ok(bytes),
        _ => Err(PacketError::Malformed("length of an input")),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    /// Every sequence of three inputs, each for 1 to 80 frames; and with it changes in every frame.
    #[test]
    fn inputs_of_one_byte_are_written_as_all_others_are() {
        let mut plain = 0;
        let lengths = [0, 1, 2, 3, 4, 63, 64, 65, 80];
        for (a, b, c) in lengths.into_iter().flat_map(|a| {
            let rest = lengths
                .into_iter()
                .flat_map(move |b| lengths.map(|c| (b, c)));
            rest.map(move |(b, c)| (a, b, c))
        }) {
            for restless in [0, 1, 9] {
                let mut sent = Inputs {
                    first: Frame(7),
                    runs: Vec::new(),
                };
                for byte in (0..a).map(|_| 0).chain((0..b).map(|_| 1)) {
                    sent.push(&[byte], 1);
                }
                (0..c * restless).for_each(|n| sent.push(&[n as u8], 1));
                let pairs: Vec<[u8; 2]> = sent
                    .iter()
                    .map(|(_, input)| [1, input.as_slice()[0]])
                    .collect();
                let put_first = |out: &mut Vec<u8>, first: Frame| put_varint(out, first.0);
                let (mut one, mut other) = (vec![5], vec![5]);
                put_pairs(&mut one, sent.first, &pairs, put_first);
                let (frames, runs) = (sent.frames(), sent.coded());
                put_section(&mut other, sent.first, frames, runs, 1, put_first);
                assert_eq!(one, other, "{a} {b} {c} {restless}");
                plain += u32::from(one[1] & 1 == 0 && frames > 0);
                let mut read = Inputs::default();
                let mut reader = Reader(&one[1..]);
                reader.section(&mut read, 1, Reader::frame).unwrap();
                assert_eq!(reader.end(), Ok(()));
                sent.first = if frames == 0 { Frame(0) } else { sent.first };
                assert_eq!(read, sent);
            }
        }
        assert!(plain > 100, "{plain}");
    }
}
