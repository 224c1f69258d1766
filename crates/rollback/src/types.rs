//! The small words of the engine: frames, players, links, time, inputs.

use alloc::vec::Vec;
use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

use crate::InputError;

/// The most players one episode can have.
pub const MAX_PLAYERS: usize = 16;

/// The most bytes of one player's input for one frame.
pub const MAX_INPUT_BYTES: usize = 64;

/// The index of one simulation step, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame(pub u32);

impl Add<u32> for Frame {
    type Output = Frame;
    fn add(self, frames: u32) -> Frame {
        Frame(self.0.saturating_add(frames))
    }
}

/// Frames from `other` to `self`; 0 where `other` is later.
impl Sub<Frame> for Frame {
    type Output = u32;
    fn sub(self, other: Frame) -> u32 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A player's place in the episode, from 0; the same number at every peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayerIndex(pub u8);

impl PlayerIndex {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for PlayerIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A way to one other peer. The host knows who is at its other end; no packet says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u8);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which episode of the session: packets of other epochs change nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// Which page load of a peer, counted up by whoever admits peers: packets of older ones change
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u32);

/// Microseconds on any monotonic clock. The clocks of peers need not agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl Micros {
    /// The time since `earlier`; zero where `earlier` is later.
    pub fn since(self, earlier: Micros) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Micros {
    type Output = Micros;
    fn add(self, duration: Duration) -> Micros {
        Micros(self.0.saturating_add(as_micros(duration)))
    }
}

impl Sub<Duration> for Micros {
    type Output = Micros;
    fn sub(self, duration: Duration) -> Micros {
        Micros(self.0.saturating_sub(as_micros(duration)))
    }
}

pub(crate) fn as_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// One player's input for one frame: 1 to 64 bytes that only the host understands.
#[derive(Clone, Copy)]
pub struct Input {
    length: u8,
    /// Those from `length` on mean nothing.
    bytes: [u8; MAX_INPUT_BYTES],
}

impl PartialEq for Input {
    fn eq(&self, other: &Input) -> bool {
        same(self.as_slice(), other.as_slice())
    }
}

impl Eq for Input {}

/// Equal bytes. Most inputs are one byte, which needs no loop.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([one], [other]) => one == other,
        (one, other) => one == other,
    }
}

/// Appends bytes. Mostly there is one or none, which needs no call.
#[inline]
pub(crate) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes {
        [] => {}
        [one] => out.push(*one),
        bytes => out.extend_from_slice(bytes),
    }
}

impl Input {
    /// An input of these bytes; an error for none, and for more than [`MAX_INPUT_BYTES`].
    pub fn new(bytes: &[u8]) -> Result<Input, InputError> {
        if bytes.is_empty() || bytes.len() > MAX_INPUT_BYTES {
            return Err(InputError::Length { found: bytes.len() });
        }
        let mut input = Input {
            length: bytes.len() as u8,
            bytes: [0; MAX_INPUT_BYTES],
        };
        input.bytes[..bytes.len()].copy_from_slice(bytes);
        Ok(input)
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Becomes an input of these bytes, 1 to 64. Where inputs are short, that costs a fraction of a copy.
    pub(crate) fn set(&mut self, bytes: &[u8]) {
        match bytes {
            [one] => self.bytes[0] = *one,
            bytes => self.bytes[..bytes.len()].copy_from_slice(bytes),
        }
        self.length = bytes.len() as u8;
    }
}

impl Input {
    /// Becomes the same as another. Where that is short, it costs a fraction of a copy.
    #[inline]
    pub(crate) fn copy(&mut self, other: &Input) {
        match other.length {
            1 => (self.length, self.bytes[0]) = (1, other.bytes[0]),
            _ => *self = *other,
        }
    }

    /// Becomes an input of one byte.
    #[inline]
    pub(crate) fn set_byte(&mut self, byte: u8) {
        (self.length, self.bytes[0]) = (1, byte);
    }
}

/// One byte, zero.
impl Default for Input {
    fn default() -> Input {
        Input {
            length: 1,
            bytes: [0; MAX_INPUT_BYTES],
        }
    }
}

impl AsRef<[u8]> for Input {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input({:02x?})", self.as_slice())
    }
}

/// A list of inputs whose memory is used again, and written no further than inputs are long.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputList {
    inputs: Vec<Input>,
    length: usize,
}

impl InputList {
    pub(crate) fn as_slice(&self) -> &[Input] {
        &self.inputs[..self.length]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [Input] {
        &mut self.inputs[..self.length]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    /// As many as told; what new ones are is to be said.
    pub(crate) fn resize(&mut self, length: usize) {
        if length > self.inputs.len() {
            self.inputs.reserve_exact(length - self.inputs.len());
            self.inputs.resize(length, Input::default());
        }
        self.length = length;
    }

    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.length == self.inputs.len() {
            self.inputs.push(Input::default());
        }
        self.inputs[self.length].set(bytes);
        self.length += 1;
    }

    #[inline]
    pub(crate) fn extend(&mut self, inputs: &[Input]) {
        let begin = self.length;
        self.resize(begin + inputs.len());
        for (slot, input) in self.inputs[begin..].iter_mut().zip(inputs) {
            slot.copy(input);
        }
    }
}

/// A set of players; bit n is player n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PlayerSet(pub u16);

impl PlayerSet {
    /// True if the player is in the set.
    pub fn contains(self, player: PlayerIndex) -> bool {
        player.index() < MAX_PLAYERS && self.0 & (1 << player.0) != 0
    }

    /// Adds a player; one beyond [`MAX_PLAYERS`] is none, and is left out.
    pub fn insert(&mut self, player: PlayerIndex) {
        if player.index() < MAX_PLAYERS {
            self.0 |= 1 << player.0;
        }
    }

    /// Takes a player out.
    pub fn remove(&mut self, player: PlayerIndex) {
        if player.index() < MAX_PLAYERS {
            self.0 &= !(1 << player.0);
        }
    }

    /// True if nobody is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many players are in the set.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// In ascending order.
    pub fn iter(self) -> impl Iterator<Item = PlayerIndex> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let player = PlayerIndex(left.trailing_zeros() as u8);
            let found = left != 0;
            left &= left.wrapping_sub(1);
            found.then_some(player)
        })
    }
}

impl FromIterator<PlayerIndex> for PlayerSet {
    fn from_iter<I: IntoIterator<Item = PlayerIndex>>(players: I) -> PlayerSet {
        let mut set = PlayerSet::default();
        for player in players {
            set.insert(player);
        }
        set
    }
}
