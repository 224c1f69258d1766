//! One peer at the other end: what it has of ours, and the packets to it.

use crate::clock::{Arrival, Arrivals, Clock};
use crate::codec::SECTION_BYTES;
use crate::compare::{Comparison, History};
use crate::delay::Delays;
use crate::inputs::{Inputs, Queue};
use crate::pace::Credit;
use crate::types::MAX_PLAYERS;
use crate::wire::{
    self, Body, Echo, Header, Key, MAX_PACKET_BYTES, MAX_PACKET_FRAMES, Near, SHORT_REACH,
};
use crate::{
    Frame, Incarnation, LinkId, LinkStats, Micros, PacketError, PlayerIndex, PlayerSet, full, short,
};

/// Every this many packets carry the newest confirmed hash.
const HASH_INTERVAL: u32 = 16;

/// Every this many packets carry clock samples, if they are short.
const CLOCK_INTERVAL: u32 = 4;

/// Packets of which it is known when they were sent.
const SENT: usize = 256;

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    /// Who we are to the peer.
    us: Header,
    /// The length of the default input.
    plain: usize,
    /// The players at the other end.
    pub(crate) players: PlayerSet,
    /// Our players.
    local: PlayerSet,
    /// For each of our players: the first frame whose input the peer lacks.
    acknowledged: [Frame; MAX_PLAYERS],
    /// The furthest that `first_unacknowledged` ever was, also for older page loads of the peer.
    furthest: Frame,
    /// The peer's newest page load that was heard.
    incarnation: Option<Incarnation>,
    /// Of short packets to the peer, and of those from it; there once it was heard.
    keys: Option<[Key; 2]>,
    /// The peer knows this page load and has the same players at either end.
    understood: bool,
    /// It has told us what it holds of ours.
    told: bool,
    /// It rejoins, and has its own inputs up to these frames.
    known: Vec<(PlayerIndex, Frame)>,
    sequence: u32,
    /// Our newest packet that the peer is known to have.
    echoed: u32,
    /// When the packet with this number was sent, modulo the length and 2³² µs.
    sent: Vec<u32>,
    newest: Option<Newest>,
    arrivals: Arrivals,
    pub(crate) clock: Clock,
    pub(crate) credit: Credit,
    pub(crate) comparison: Comparison,
    bytes_sent: u64,
    bytes_received: u64,
    /// What its players and their inputs made of our play; the rest is measured elsewhere.
    pub(crate) stats: LinkStats,
}

/// What of the newest packet is needed to understand the next ones.
#[derive(Clone, Copy, Debug)]
struct Newest {
    sequence: u32,
    head: Frame,
    arrived: Micros,
    /// The sender's clock, and ours, in a packet that told.
    clock: (u32, Micros),
}

impl Link {
    pub(crate) fn new(
        id: LinkId,
        us: Header,
        plain: usize,
        players: PlayerSet,
        local: PlayerSet,
    ) -> Link {
        Link {
            id,
            us,
            plain,
            players,
            local,
            acknowledged: [Frame(0); MAX_PLAYERS],
            furthest: Frame(0),
            incarnation: None,
            keys: None,
            understood: false,
            told: false,
            known: Vec::new(),
            sequence: 0,
            echoed: 0,
            sent: vec![0; SENT],
            newest: None,
            arrivals: Arrivals::default(),
            clock: Clock::default(),
            credit: Credit::default(),
            comparison: Comparison::default(),
            bytes_sent: 0,
            bytes_received: 0,
            stats: LinkStats::default(),
        }
    }

    /// The first frame for which the peer lacks an input of ours.
    pub(crate) fn first_unacknowledged(&self) -> Frame {
        let local = self.local.iter();
        let frames = local.map(|player| self.acknowledged[player.index()]);
        frames.min().unwrap_or_default()
    }

    /// A frame that no honest peer's inputs are more than a window and a delay beyond.
    pub(crate) fn furthest(&self) -> Frame {
        self.furthest
    }

    /// The peer's head when it sent its newest packet.
    pub(crate) fn head(&self) -> Option<Frame> {
        self.newest.map(|newest| newest.head)
    }

    /// The first frame of which the peer lacks an input that we may hold, its own included.
    pub(crate) fn needed_from(&self) -> Frame {
        let known = self.known.iter().map(|(_, frame)| *frame);
        known.fold(self.first_unacknowledged(), Frame::min)
    }

    /// The peer has not told what it holds of our inputs, or holds some that we lack.
    pub(crate) fn owes(&self, inputs: &Inputs) -> bool {
        let held = |player: PlayerIndex| self.acknowledged[player.index()];
        let mut local = self.local.iter();
        !self.told || local.any(|player| held(player) > inputs.of(player).end())
    }

    /// Reads a packet into `body` and checks it against what we know: it is taken as a whole or not
    /// at all. Returns the page load that sent it.
    pub(crate) fn decode(
        &self,
        bytes: &[u8],
        now: Micros,
        terms: &Terms<'_>,
        body: &mut Body,
    ) -> Result<Incarnation, PacketError> {
        let incarnation = match wire::is_short(bytes) {
            true => self.decode_short(bytes, now, body)?,
            false => self.decode_full(bytes, body)?,
        };
        if !terms.greeting(body) {
            self.check(incarnation, body, terms)?;
        }
        Ok(incarnation)
    }

    fn decode_full(&self, bytes: &[u8], body: &mut Body) -> Result<Incarnation, PacketError> {
        let (header, rest) = wire::decode_header(bytes)?;
        if header.epoch != self.us.epoch {
            return Err(PacketError::OtherEpoch {
                found: header.epoch,
                expected: self.us.epoch,
            });
        }
        if let Some(newest) = self.incarnation
            && header.incarnation < newest
        {
            return Err(PacketError::OlderIncarnation {
                found: header.incarnation,
                newest,
            });
        }
        if header.configuration != self.us.configuration {
            return Err(PacketError::OtherConfiguration {
                found: header.configuration,
                expected: self.us.configuration,
            });
        }
        wire::decode_body(rest, self.plain, body)?;
        match body.addressee {
            Some(found) if found != self.us.incarnation => Err(PacketError::OtherAddressee {
                found,
                expected: self.us.incarnation,
            }),
            Some(_) | None => Ok(header.incarnation),
        }
    }

    fn decode_short(
        &self,
        bytes: &[u8],
        now: Micros,
        body: &mut Body,
    ) -> Result<Incarnation, PacketError> {
        let (Some(incarnation), Some([_, key]), Some(newest)) =
            (self.incarnation, self.keys, self.newest)
        else {
            return Err(PacketError::UnknownTag);
        };
        let (sent_at, arrived) = newest.clock;
        let near = Near {
            from: self.players,
            to: self.local,
            sequence: newest.sequence,
            head: newest.head,
            sent_at: sent_at.wrapping_add(now.0.wrapping_sub(arrived.0) as u32),
            own_sequence: self.sequence,
        };
        wire::decode_short(bytes, key, &near, self.plain, body)?;
        body.addressee = Some(self.us.incarnation);
        Ok(incarnation)
    }

    fn check(
        &self,
        incarnation: Incarnation,
        body: &Body,
        terms: &Terms<'_>,
    ) -> Result<(), PacketError> {
        let impossible = |what| Err(PacketError::Impossible(what));
        let inputs = terms.inputs;
        if body.echo.is_some_and(|echo| echo.sequence > self.sequence) {
            return impossible("it echoes what was not sent");
        }
        let acks = body.to.iter().zip(&body.acks);
        let mut had = Frame(u32::MAX);
        for (player, ack) in acks.filter(|(player, _)| self.local.contains(*player)) {
            had = had.min(*ack);
            let end = inputs.of(player).end();
            let most = match terms.learning {
                None => end,
                // Told once, it can only grow by what we send.
                Some(_) if self.told && self.incarnation == Some(incarnation) => {
                    end.max(self.acknowledged[player.index()])
                }
                Some(most) => most,
            };
            if *ack > most {
                return impossible("it acknowledges what was not sent");
            }
        }
        let confirmed = body.hashes.first + body.hashes.prefixes.len() as u32;
        if !body.hashes.prefixes.is_empty() && confirmed > had {
            return impossible("it confirms without our inputs");
        }
        for (player, sent) in self.theirs(body) {
            if !sent.runs.is_empty() && sent.first > inputs.of(player).end() {
                return impossible("a gap before its inputs");
            }
        }
        let returned = body.returned.iter().flatten();
        for ((player, ack), sent) in body.to.iter().zip(&body.acks).zip(returned) {
            if sent.runs.is_empty() || !self.local.contains(player) {
                continue;
            }
            let beyond = sent.first + sent.frames() > *ack;
            if sent.first > inputs.of(player).end() || beyond {
                return impossible("it returns what it cannot have");
            }
        }
        Ok(())
    }

    /// The inputs of the peer's players in a packet.
    pub(crate) fn theirs<'a>(
        &self,
        body: &'a Body,
    ) -> impl Iterator<Item = (PlayerIndex, &'a wire::Inputs)> + use<'a> {
        let players = self.players;
        let inputs = body.from.iter().zip(&body.inputs);
        inputs.filter(move |(player, _)| players.contains(*player))
    }

    /// Takes all but the inputs and hashes. Returns true if the packet is the newest.
    pub(crate) fn take(
        &mut self,
        incarnation: Incarnation,
        body: &Body,
        size: usize,
        now: Micros,
    ) -> bool {
        let arrival = self.greet(incarnation, body, size, now);
        self.told |= self.local.0 & !body.to.0 == 0;
        for (player, ack) in body.to.iter().zip(&body.acks) {
            if self.local.contains(player) {
                let mine = &mut self.acknowledged[player.index()];
                *mine = (*mine).max(*ack);
            }
        }
        self.furthest = self.furthest.max(self.first_unacknowledged());
        if arrival == Arrival::Newest {
            self.understood = body.addressee == Some(self.us.incarnation)
                && body.from == self.players
                && body.to == self.local;
            self.comparison.asked = body.want;
            self.known.clear();
            let known = body.known.iter().flatten().copied();
            let known = body.from.iter().zip(known);
            self.known
                .extend(known.filter(|(player, _)| self.players.contains(*player)));
        }
        let mut round_trip = None;
        if let Some(echo) = body.echo
            && arrival != Arrival::Again
        {
            self.echoed = self.echoed.max(echo.sequence);
            if self.sequence - echo.sequence < SENT as u32 {
                let sent_at = self.sent[echo.sequence as usize % SENT];
                round_trip = self.clock.returned(sent_at, echo.held_us, now);
            }
        }
        if let Some(sent_at) = body.sent_at
            && arrival == Arrival::Newest
        {
            self.clock.take(sent_at, round_trip, now);
        }
        arrival == Arrival::Newest
    }

    /// Takes who sent it. With another page load of the peer the link begins anew.
    pub(crate) fn greet(
        &mut self,
        incarnation: Incarnation,
        body: &Body,
        size: usize,
        now: Micros,
    ) -> Arrival {
        if self.incarnation != Some(incarnation) {
            self.incarnation = Some(incarnation);
            let them = Header {
                incarnation,
                ..self.us
            };
            self.keys = Some([
                Key::new(&self.us, incarnation, self.local, self.players),
                Key::new(&them, self.us.incarnation, self.players, self.local),
            ]);
            self.understood = false;
            self.told = false;
            self.known.clear();
            self.acknowledged.fill(Frame(0));
            self.echoed = 0;
            self.newest = None;
            self.arrivals.restart();
            self.clock.restart();
            self.stats.lead_us = 0;
            self.comparison = Comparison::default();
        }
        self.bytes_received += size as u64;
        let arrival = self.arrivals.take(body.sequence);
        if arrival == Arrival::Newest {
            let before = self.newest.map(|newest| newest.clock);
            let told = body.sent_at.map(|sent_at| (sent_at, now));
            self.newest = Some(Newest {
                sequence: body.sequence,
                head: body.head,
                arrived: now,
                clock: told.or(before).unwrap_or((0, now)),
            });
        }
        arrival
    }

    /// Writes the packet of a tick, by means of `body`.
    pub(crate) fn packet(
        &mut self,
        now: Micros,
        view: &View<'_>,
        body: &mut Body,
        bytes: &mut Vec<u8>,
    ) {
        self.sequence += 1;
        self.sent[self.sequence as usize % SENT] = now.0 as u32;
        body.begin(self.local, self.players);
        body.sequence = self.sequence;
        body.addressee = self.incarnation;
        body.head = view.head;
        body.start = view.start;
        body.delays = view.delays.announcement(self.local, &self.acknowledged);
        body.want = self.comparison.want(view.history, view.sealed);
        let due = view.sealed || self.sequence.is_multiple_of(HASH_INTERVAL);
        self.comparison
            .put_hashes(view.history, due, &mut body.hashes);
        let ends = self
            .players
            .iter()
            .map(|player| view.inputs.of(player).end());
        body.acks.extend(ends);
        body.known.clone_from(&view.known);
        for (player, inputs) in self.local.iter().zip(&mut body.inputs) {
            inputs.first = self.acknowledged[player.index()];
        }
        let lacking =
            |(player, known): &(PlayerIndex, Frame)| *known < view.inputs.of(*player).end();
        if self.known.iter().any(lacking) {
            let mut returned = vec![wire::Inputs::default(); self.players.len()];
            for (player, inputs) in self.players.iter().zip(&mut returned) {
                let known = self.known.iter().find(|(other, _)| *other == player);
                inputs.first = known.map_or(view.inputs.of(player).end(), |(_, frame)| *frame);
            }
            body.returned = Some(returned);
        }
        bytes.clear();
        self.write(now, view, body, bytes);
        debug_assert!(bytes.len() <= MAX_PACKET_BYTES);
        self.bytes_sent += bytes.len() as u64;
    }

    fn write(&self, now: Micros, view: &View<'_>, body: &mut Body, out: &mut Vec<u8>) {
        let reached = self.sequence - self.echoed <= SHORT_REACH;
        let key = self.keys.filter(|_| self.understood && reached);
        let tells = self.clock.is_new() || self.sequence.is_multiple_of(CLOCK_INTERVAL);
        if key.is_none() || tells {
            self.tell_clock(now, body);
            // What was held for long says nothing of the way, and is no reason for a full packet.
            body.echo = body.echo.filter(|echo| echo.held_us <= short::MAX_HELD_US);
        }
        if let Some([key, _]) = key
            && short::fits(body)
        {
            short::put_fields(out, key, body);
            self.fill(body, view.inputs, out.len());
            short::put_inputs(out, body, self.plain);
        } else {
            self.tell_clock(now, body);
            full::put_fields(out, &self.us, body);
            self.fill(body, view.inputs, out.len());
            full::put_inputs(out, body, self.plain);
        }
    }

    fn tell_clock(&self, now: Micros, body: &mut Body) {
        body.sent_at = Some(now.0 as u32);
        body.echo = self.newest.and_then(|newest| {
            let held_us = u32::try_from(now.since(newest.arrived).as_micros()).ok()?;
            Some(Echo {
                sequence: newest.sequence,
                held_us,
            })
        });
    }

    /// Puts the oldest inputs that the peer lacks into the sections, of each from its first frame on,
    /// as many frames as fit after `length` bytes. None of them waits for another, and where not even
    /// one frame of each fits, they take turns. Of a queue that has let go of the first one nothing is
    /// sent, since what came after it would be of no use.
    fn fill(&self, body: &mut Body, inputs: &Inputs, length: usize) {
        let returned = body.returned.as_ref().map_or(0, Vec::len);
        let sections = body.inputs.len() + returned;
        let Some(turn) = self.sequence.checked_rem(sections as u32) else {
            return;
        };
        let mut room = MAX_PACKET_BYTES.saturating_sub(length + sections * SECTION_BYTES);
        let ours = self.local.iter().zip(&mut body.inputs);
        let theirs = self.players.iter().zip(body.returned.iter_mut().flatten());
        if fill_whole(ours.chain(theirs), inputs, room) {
            return;
        }
        for section in body
            .inputs
            .iter_mut()
            .chain(body.returned.iter_mut().flatten())
        {
            section.runs.clear();
        }
        for offset in 0..MAX_PACKET_FRAMES {
            let mut filled = false;
            for first_turn in [true, false] {
                let ours = self.local.iter().zip(&mut body.inputs);
                let theirs = self.players.iter().zip(body.returned.iter_mut().flatten());
                for (n, (player, section)) in (0..).zip(ours.chain(theirs)) {
                    if (n >= turn) != first_turn {
                        continue;
                    }
                    let Some(input) = lacking(inputs.of(player), section.first, offset) else {
                        continue;
                    };
                    let cost = section.cost(input);
                    if cost > room {
                        return;
                    }
                    room -= cost;
                    section.push(input, 1);
                    filled = true;
                }
            }
            if !filled {
                return;
            }
        }
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
            drift_ppm: self.clock.drift_ppm().unwrap_or(0),
            ..self.stats
        }
    }
}

/// What packets are held against.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    /// Our page load is not the first of this epoch.
    pub(crate) rejoined: bool,
    /// We rejoin and do not know yet what we authored; no honest peer holds inputs of ours from
    /// this frame on.
    pub(crate) learning: Option<Frame>,
    pub(crate) inputs: &'a Inputs,
}

impl Terms<'_> {
    /// The packet may be to an older page load of ours: it says who is there, and no more.
    pub(crate) fn greeting(&self, body: &Body) -> bool {
        self.rejoined && body.addressee.is_none()
    }
}

/// What packets are made from.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) head: Frame,
    pub(crate) sealed: bool,
    /// While we rejoin: for each of our players the first frame whose input we lack.
    pub(crate) known: Option<Vec<Frame>>,
    /// Before play, how long until we would begin.
    pub(crate) start: Option<u32>,
    pub(crate) delays: &'a Delays,
    pub(crate) inputs: &'a Inputs,
    pub(crate) history: &'a History,
}

/// Puts in all that the peer lacks, if that fits however badly it is coded: the rule.
fn fill_whole<'a>(
    sections: impl Iterator<Item = (PlayerIndex, &'a mut wire::Inputs)>,
    inputs: &Inputs,
    room: usize,
) -> bool {
    let mut length = 0;
    for (player, section) in sections {
        let queue = inputs.of(player);
        let lacking = queue.from(section.first);
        length += lacking.len() * (3 + queue.width());
        if length > room {
            return false;
        }
        for input in lacking {
            section.push(input, 1);
        }
    }
    true
}

/// The input `offset` frames after `first`, if all from `first` on are held.
fn lacking(queue: &Queue, first: Frame, offset: u32) -> Option<&[u8]> {
    let held = first >= queue.begin();
    held.then(|| queue.get(first + offset)).flatten()
}
