//! One peer at the other end: what it has of ours, and the packets to it.

use crate::clock::{Arrival, Arrivals, Clock};
use crate::compare::{Comparison, History};
use crate::inputs::{Inputs, Queue};
use crate::wire::{self, Body, Hashes, Header, MAX_PACKET_BYTES, MAX_PACKET_FRAMES, Shape};
use crate::{Frame, Incarnation, LinkId, LinkStats, Micros, PacketError, PlayerSet};

/// Every this many packets carry the newest confirmed hash.
const HASH_INTERVAL: u32 = 4;

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    /// The players at the other end.
    pub(crate) players: PlayerSet,
    /// Our players.
    local: PlayerSet,
    /// For each of our players: the first frame whose input the peer lacks.
    acknowledged: Vec<Frame>,
    incarnation: Option<Incarnation>,
    sequence: u32,
    arrivals: Arrivals,
    pub(crate) clock: Clock,
    pub(crate) comparison: Comparison,
    bytes_sent: u64,
    bytes_received: u64,
}

impl Link {
    pub(crate) fn new(id: LinkId, players: PlayerSet, local: PlayerSet) -> Link {
        Link {
            id,
            players,
            local,
            acknowledged: vec![Frame(0); local.len()],
            incarnation: None,
            sequence: 0,
            arrivals: Arrivals::default(),
            clock: Clock::default(),
            comparison: Comparison::default(),
            bytes_sent: 0,
            bytes_received: 0,
        }
    }

    /// The first frame for which the peer lacks an input of ours.
    pub(crate) fn first_unacknowledged(&self) -> Frame {
        self.acknowledged.iter().min().copied().unwrap_or_default()
    }

    /// Reads a body after the header was found to fit, and checks it against what we know: it is
    /// taken as a whole or not at all.
    pub(crate) fn decode(
        &self,
        header: &Header,
        bytes: &[u8],
        inputs: &Inputs,
    ) -> Result<Body, PacketError> {
        if let Some(newest) = self.incarnation
            && header.incarnation < newest
        {
            return Err(PacketError::OlderIncarnation {
                found: header.incarnation,
                newest,
            });
        }
        let shape = Shape {
            acks: self.local.len(),
            inputs: self.players.len(),
        };
        let body = wire::decode_body(bytes, shape)?;
        for (player, ack) in self.local.iter().zip(&body.acks) {
            if *ack > inputs.of(player).end() {
                return Err(PacketError::Impossible("it acknowledges what was not sent"));
            }
        }
        let had = body.acks.iter().min().copied().unwrap_or_default();
        if let Some(Hashes { first, prefixes }) = &body.hashes
            && *first + prefixes.len() as u32 > had
        {
            return Err(PacketError::Impossible("it confirms without our inputs"));
        }
        for (player, sent) in self.players.iter().zip(&body.inputs) {
            if !sent.runs.is_empty() && sent.first > inputs.of(player).end() {
                return Err(PacketError::Impossible("a gap before its inputs"));
            }
        }
        Ok(body)
    }

    /// Takes all but the inputs and hashes. Returns true if the packet is the newest.
    pub(crate) fn take(&mut self, header: &Header, body: &Body, size: usize, now: Micros) -> bool {
        if self.incarnation != Some(header.incarnation) {
            self.incarnation = Some(header.incarnation);
            self.arrivals.restart();
            self.clock.restart();
        }
        self.bytes_received += size as u64;
        for (mine, ack) in self.acknowledged.iter_mut().zip(&body.acks) {
            *mine = (*mine).max(*ack);
        }
        let arrival = self.arrivals.take(body.sequence);
        if arrival == Arrival::Newest {
            self.clock.arrived(body.sent_at, now);
            self.comparison.asked = body.want;
        }
        if let Some(echo) = body.echo
            && arrival != Arrival::Again
        {
            self.clock.returned(echo, now);
        }
        arrival == Arrival::Newest
    }

    /// The packet of a tick.
    pub(crate) fn packet(&mut self, now: Micros, view: &View<'_>) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let shape = Shape {
            acks: self.players.len(),
            inputs: self.local.len(),
        };
        let room = MAX_PACKET_BYTES - wire::most_fixed_bytes(shape);
        let queues: Vec<&Queue> = self.local.iter().map(|p| view.inputs.of(p)).collect();
        let (inputs, left) = unacknowledged(&queues, &self.acknowledged, room);
        let due = view.sealed || self.sequence.is_multiple_of(HASH_INTERVAL);
        let body = Body {
            sequence: self.sequence,
            head: view.head,
            sent_at: now.0 as u32,
            echo: self.clock.echo(now),
            want: self.comparison.want(view.history, view.sealed),
            hashes: self.comparison.hashes(view.history, left + 8, due),
            acks: self
                .players
                .iter()
                .map(|player| view.inputs.of(player).end())
                .collect(),
            inputs,
        };
        let bytes = wire::encode(&view.header, &body);
        debug_assert!(bytes.len() <= MAX_PACKET_BYTES);
        self.bytes_sent += bytes.len() as u64;
        bytes
    }

    pub(crate) fn stats(&self) -> LinkStats {
        let (rtt_median, rtt_p95) = self.clock.quantiles();
        LinkStats {
            rtt_min: self.clock.least(),
            rtt_median,
            rtt_p95,
            jitter: self.clock.jitter(),
            packets_sent: u64::from(self.sequence),
            packets_received: self.arrivals.received,
            packets_lost: self.arrivals.lost(),
            packets_reordered: self.arrivals.reordered,
            packets_duplicated: self.arrivals.duplicated,
            bytes_sent: self.bytes_sent,
            bytes_received: self.bytes_received,
            lead_us: self.clock.lead_us().unwrap_or(0),
        }
    }
}

/// What packets are made from.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) header: Header,
    pub(crate) head: Frame,
    pub(crate) sealed: bool,
    pub(crate) inputs: &'a Inputs,
    pub(crate) history: &'a History,
}

/// The oldest inputs that the peer lacks, as many frames as fit for all of our players alike: none
/// of them waits for another. Returns the room left, too.
fn unacknowledged(
    queues: &[&Queue],
    acknowledged: &[Frame],
    mut room: usize,
) -> (Vec<wire::Inputs>, usize) {
    let mut sections: Vec<wire::Inputs> = acknowledged
        .iter()
        .map(|first| wire::Inputs {
            first: *first,
            runs: Vec::new(),
        })
        .collect();
    for offset in 0..MAX_PACKET_FRAMES {
        let row = || {
            let frames = acknowledged.iter().map(|first| *first + offset);
            queues.iter().zip(frames).map(|(queue, at)| queue.get(at))
        };
        let costs = sections
            .iter()
            .zip(row())
            .map(|(section, input)| input.map_or(0, |input| section.cost(input)));
        let cost: usize = costs.sum();
        if cost > room || row().all(|input| input.is_none()) {
            break;
        }
        room -= cost;
        for (section, input) in sections.iter_mut().zip(row()) {
            if let Some(input) = input {
                section.push(input);
            }
        }
    }
    (sections, room)
}
