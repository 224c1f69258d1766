//! The engine: getters, `handle_packet`, commands, polls.

use std::collections::VecDeque;

use crate::builder::Config;
use crate::{
    Advance, Builder, CompleteError, Counters, Event, Frame, Held, Input, InputError, LinkId,
    LinkStats, Micros, PacketError, PlayerIndex, PlayerSet, StepResult, Wait,
};

/// Bytes for the peer at the other end of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub link: LinkId,
    pub bytes: Vec<u8>,
}

/// One peer's view of one episode.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    head: Frame,
    counters: Counters,
    events: VecDeque<Event>,
    packets: VecDeque<Packet>,
}

impl Engine {
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(config: Config, _links: Vec<(LinkId, PlayerSet)>) -> Engine {
        Engine {
            config,
            head: Frame(0),
            counters: Counters::default(),
            events: VecDeque::new(),
            packets: VecDeque::new(),
        }
    }

    /// The next frame to be simulated for the first time.
    pub fn head(&self) -> Frame {
        self.head
    }

    /// The last confirmed frame.
    pub fn confirmed(&self) -> Option<Frame> {
        None
    }

    /// The last frame of the episode, once it is confirmed.
    pub fn sealed(&self) -> Option<Frame> {
        None
    }

    /// The player for whom the head stands still at the end of the window.
    pub fn stalled(&self) -> Option<PlayerIndex> {
        None
    }

    /// How many frames from 0 have default inputs, authored by the engine itself because no input
    /// could be sampled that early.
    pub fn lead(&self) -> u32 {
        self.config.input_delay
    }

    /// The frame (head + delay) for which a local player's input is missing.
    pub fn wanted_input(&self) -> Option<Frame> {
        None
    }

    pub fn link_stats(&self, _link: LinkId) -> Option<LinkStats> {
        None
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }

    pub fn held(&self) -> Held {
        Held::default()
    }

    /// When the next tick is due; in the past if the host is late.
    pub fn next_tick_at(&self, now: Micros) -> Micros {
        now
    }

    /// Takes a packet that came over `link`. An error changes nothing but a counter.
    pub fn handle_packet(
        &mut self,
        link: LinkId,
        _bytes: &[u8],
        _now: Micros,
    ) -> Result<(), PacketError> {
        Err(PacketError::UnknownLink { link })
    }

    /// Gives a local player's input for the frame that [`wanted_input`](Engine::wanted_input)
    /// names.
    pub fn add_local_input(
        &mut self,
        player: PlayerIndex,
        _input: Input,
    ) -> Result<Frame, InputError> {
        Err(InputError::NotLocal { player })
    }

    /// One tick: what to simulate, or why nothing. Makes one packet per link either way.
    pub fn advance(&mut self, _now: Micros) -> Advance {
        Advance::Wait(Wait::Sealed)
    }

    /// Takes the results of the open batch.
    pub fn complete(&mut self, id: u64, _results: Vec<StepResult>) -> Result<(), CompleteError> {
        Err(CompleteError::NotOpen { id })
    }

    pub fn poll_packet(&mut self) -> Option<Packet> {
        self.packets.pop_front()
    }

    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}
