//! One peer at the other end: what it has of ours, and the packets from it.

use crate::arrivals::{Arrival, Arrivals};
use crate::clock::Clock;
use crate::compare::Comparison;
use crate::inputs::Inputs;
use crate::leave::Move;
use crate::pace::Credit;
use crate::types::MAX_PLAYERS;
use crate::wire::{self, Body, Header, Key, Near};
use crate::{Frame, Incarnation, LinkId, LinkStats, Micros, PacketError, PlayerIndex, PlayerSet};
use alloc::vec;
use alloc::vec::Vec;

/// Packets of which it is known when they were sent.
pub(crate) const SENT: usize = 256;

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    /// Who we are to the peer.
    pub(crate) us: Header,
    /// The length of the default input.
    pub(crate) plain: usize,
    /// The players at the other end.
    pub(crate) players: PlayerSet,
    /// Our players.
    pub(crate) local: PlayerSet,
    /// For each of our players: the first frame whose input the peer lacks.
    pub(crate) acknowledged: [Frame; MAX_PLAYERS],
    /// The furthest that `first_unacknowledged` ever was, also for older page loads of the peer.
    furthest: Frame,
    /// A page load of the peer rejoined: what an older one had acknowledged need not have come.
    rejoined: bool,
    /// The peer's newest page load that was heard.
    pub(crate) incarnation: Option<Incarnation>,
    /// Of short packets to the peer, and of those from it; there once it was heard.
    pub(crate) keys: Option<[Key; 2]>,
    /// The first of our packets since page loads and players are as they are; the peer must have had
    /// one of these before it gets a short one.
    pub(crate) full_since: u32,
    /// The players at either end, as the peer last said them.
    said: Option<Said>,
    /// The peer knows this page load and has the same players at either end.
    pub(crate) understood: bool,
    /// There is a spectator at the other end.
    pub(crate) watched: bool,
    /// It has vanished.
    pub(crate) left: bool,
    /// It has told us what it holds of ours.
    told: bool,
    /// It rejoins, and has its own inputs up to these frames.
    pub(crate) known: Vec<(PlayerIndex, Frame)>,
    /// It authors no more, from these frames on.
    closed: Vec<(PlayerIndex, Frame)>,
    /// Of players that left, it lacks what is from these frames on.
    pub(crate) lacks: Vec<(PlayerIndex, Frame)>,
    pub(crate) sequence: u32,
    /// Our newest packet that the peer is known to have.
    pub(crate) echoed: u32,
    /// When the packet with this number was sent, modulo the length and 2³² µs.
    pub(crate) sent: Vec<u32>,
    pub(crate) newest: Option<Newest>,
    arrivals: Arrivals,
    pub(crate) clock: Clock,
    pub(crate) credit: Credit,
    pub(crate) comparison: Comparison,
    pub(crate) bytes_sent: u64,
    bytes_received: u64,
    /// What its players and their inputs made of our play; the rest is measured elsewhere.
    pub(crate) stats: LinkStats,
}

/// Players that a peer said to be at either end.
#[derive(Clone, Copy, Debug)]
struct Said {
    from: PlayerSet,
    to: PlayerSet,
    /// The first packet that said so, and the newest, of those that came in order.
    first: u32,
    newest: u32,
}

/// What of the newest packet is needed to understand the next ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Newest {
    pub(crate) sequence: u32,
    head: Frame,
    pub(crate) arrived: Micros,
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
            rejoined: false,
            incarnation: None,
            keys: None,
            full_since: 1,
            said: None,
            understood: false,
            watched: false,
            left: false,
            told: false,
            closed: Vec::new(),
            lacks: Vec::new(),
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

    /// A frame that no honest peer's inputs are more than `reach`, a window and a delay, beyond. What is
    /// from `ours` on of our inputs nobody has.
    pub(crate) fn furthest(&self, ours: Frame, reach: u32) -> Frame {
        match self.rejoined {
            // The older page load may have had all of ours, and what it authored from them came back to
            // the new one from others. We had gone on from what came with the last acknowledgement.
            true => ours.min(self.furthest + 2 * reach).max(self.furthest),
            false => self.furthest,
        }
    }

    /// The peer's head when it sent its newest packet.
    pub(crate) fn head(&self) -> Option<Frame> {
        self.newest.map(|newest| newest.head)
    }

    /// The first frame of which the peer lacks an input that we may hold, its own included.
    pub(crate) fn needed_from(&self) -> Frame {
        let known = self.known.iter().map(|(_, frame)| *frame);
        let ours = match self.local.is_empty() {
            true => Frame(u32::MAX),
            false => self.first_unacknowledged(),
        };
        known.fold(ours, Frame::min)
    }

    /// The peer is there, and play depends on it.
    pub(crate) fn counts(&self) -> bool {
        !self.left && !self.watched
    }

    /// For each player of the peer, once it authors no more: the first frame that has no input.
    pub(crate) fn closed(&self) -> impl Iterator<Item = Frame> {
        let here = self.closed.iter();
        let here = here.filter(|(player, _)| self.players.contains(*player));
        here.map(|(_, frame)| *frame)
    }

    /// The peer has our inputs of all frames before this one.
    pub(crate) fn has_until(&self, frame: Frame) -> bool {
        self.local.is_empty() || self.first_unacknowledged() >= frame
    }

    /// A player moved, from frame `from` on, and is now one of ours, or of the peer, or of neither.
    pub(crate) fn place(&mut self, player: PlayerIndex, from: Frame, local: bool, there: bool) {
        let before = (self.local, self.players);
        self.local.remove(player);
        self.players.remove(player);
        if local {
            self.local.insert(player);
            // Also where it is less than was decided before.
            self.acknowledged[player.index()] = from;
        }
        if there {
            self.players.insert(player);
        }
        if before != (self.local, self.players) {
            self.begin_anew();
        }
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
        if !terms.greeting(body, &self.us) {
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
        let news = self
            .incarnation
            .is_none_or(|newest| header.incarnation > newest);
        match body.addressee {
            // To an older page load of ours; and yet it says who is there. Both sides may be loaded
            // again, each hear the older one of the other, and speak to that one for good.
            Some(found) if news && found < self.us.incarnation => Ok(header.incarnation),
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
        let alike = |said: &Said| said.from == self.players && said.to == self.local;
        let (Some(incarnation), Some([_, key]), Some(newest), Some(said)) = (
            self.incarnation,
            self.keys,
            self.newest,
            self.said.filter(alike),
        ) else {
            return Err(PacketError::UnknownTag);
        };
        let (sent_at, arrived) = newest.clock;
        let near = Near {
            from: self.players,
            to: self.local,
            sequence: newest.sequence,
            since: said.first,
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
            // Of a player that moved here the peer may have more from the one that left.
            let moved = terms.moves.iter().find(|moved| moved.player == player);
            let end = end.max(moved.map_or(Frame(0), |moved| moved.from));
            let most = match terms.learning {
                None => end,
                // Told once, it can only grow by what we send.
                Some(_) if self.told && self.incarnation == Some(incarnation) => {
                    end.max(self.acknowledged[player.index()])
                }
                Some(most) => most,
            };
            // A spectator may have had more from another peer, and lies to itself alone.
            if *ack > most && !self.watched {
                return impossible("it acknowledges what was not sent");
            }
        }
        let confirmed = body.hashes.first + body.hashes.prefixes.len() as u32;
        if !body.hashes.prefixes.is_empty() && confirmed > had {
            return impossible("it confirms without our inputs");
        }
        for (player, sent) in self.theirs(body) {
            let moved = terms.moves.iter().any(|moved| moved.player == player);
            if !sent.runs.is_empty() && !moved && sent.first > inputs.of(player).end() {
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
        self.rejoined |= body.known.is_some();
        self.hear_players(body);
        if arrival == Arrival::Newest {
            self.understood = body.addressee == Some(self.us.incarnation)
                && body.from == self.players
                && body.to == self.local;
            self.comparison.asked = body.want;
            self.lacks.clone_from(&body.lacks);
            let closed = body.closed.iter().flatten().copied();
            let closed = body.from.iter().zip(closed);
            let here = |(player, _): &(PlayerIndex, Frame)| self.players.contains(*player);
            self.closed.clear();
            self.closed.extend(closed.filter(here));
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
            self.begin_anew();
            self.said = None;
            self.told = false;
            self.closed.clear();
            self.lacks.clear();
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

    /// Short packets that were sent after this one have these players, until it says other ones: it
    /// sends none for others before it knows that we have heard so.
    fn hear_players(&mut self, body: &Body) {
        let (from, to, sequence) = (body.from, body.to, body.sequence);
        match &mut self.said {
            Some(said) if sequence <= said.newest => {}
            Some(said) if said.from == from && said.to == to => said.newest = sequence,
            said => {
                *said = Some(Said {
                    from,
                    to,
                    first: sequence,
                    newest: sequence,
                });
            }
        }
    }

    /// Page loads or players are others: what was agreed on is void.
    fn begin_anew(&mut self) {
        self.understood = false;
        self.full_since = self.sequence + 1;
        self.keys = self.incarnation.map(|incarnation| {
            let them = Header {
                incarnation,
                ..self.us
            };
            [
                Key::new(&self.us, incarnation, self.local, self.players),
                Key::new(&them, self.us.incarnation, self.players, self.local),
            ]
        });
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
    pub(crate) moves: &'a [Move],
    pub(crate) inputs: &'a Inputs,
}

impl Terms<'_> {
    /// The packet may be, or is, to an older page load of ours: it says who is there, and no more.
    pub(crate) fn greeting(&self, body: &Body, us: &Header) -> bool {
        match body.addressee {
            Some(addressee) => addressee != us.incarnation,
            None => self.rejoined,
        }
    }
}
