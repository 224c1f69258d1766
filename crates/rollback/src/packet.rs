//! The packets to one peer: what is in them, in which form, and how much of it.

use crate::codec::SECTION_BYTES;
use crate::compare::History;
use crate::delay::Delays;
use crate::inputs::Inputs;
use crate::leave::Move;
use crate::link::{Link, SENT};
use crate::wire::{self, Body, Echo, MAX_PACKET_BYTES, MAX_PACKET_FRAMES, SHORT_REACH};
use crate::{Frame, Micros, PlayerIndex, full, short};
use alloc::vec;
use alloc::vec::Vec;

/// Every this many packets carry the newest confirmed hash.
const HASH_INTERVAL: u32 = 16;

/// Every this many packets carry clock samples, if they are short.
const CLOCK_INTERVAL: u32 = 4;

/// What packets are made from.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) head: Frame,
    /// The first frame that is not confirmed.
    pub(crate) confirmed: Frame,
    /// Nothing more is authored here.
    pub(crate) ended: bool,
    /// While we rejoin: for each of our players the first frame whose input we lack.
    pub(crate) known: Option<Vec<Frame>>,
    /// Before play, how long until we would begin.
    pub(crate) start: Option<u32>,
    pub(crate) delays: &'a Delays,
    /// For each of our players the first frame without an input, if no more are authored.
    pub(crate) closed: Option<Vec<Frame>>,
    pub(crate) lacks: Vec<(PlayerIndex, Frame)>,
    pub(crate) moves: &'a [Move],
    pub(crate) inputs: &'a Inputs,
    pub(crate) history: &'a History,
}

impl Link {
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
        if !self.watched {
            body.delays = view.delays.announcement(self.local, &self.acknowledged);
            body.want = self.comparison.want(view.history, view.ended);
            body.known.clone_from(&view.known);
            body.closed.clone_from(&view.closed);
            body.lacks.extend_from_slice(&view.lacks);
        }
        let due = view.ended || self.sequence.is_multiple_of(HASH_INTERVAL);
        self.comparison
            .put_hashes(view.history, due, &mut body.hashes);
        let ends = self
            .players
            .iter()
            .map(|player| view.inputs.of(player).end());
        body.acks.extend(ends);
        for (player, first) in &self.lacks {
            let moved = view.moves.iter().find(|moved| moved.player == *player);
            let from = moved.map_or(Frame(0), |moved| moved.from);
            if *first < from.min(view.inputs.of(*player).end()) {
                let inputs = wire::Inputs {
                    first: *first,
                    runs: Vec::new(),
                };
                body.given.push((*player, inputs));
            }
        }
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
        let agreed = self.understood && self.echoed >= self.full_since;
        let key = self.keys.filter(|_| agreed && reached);
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
            if !self.put_whole(body, view, out) {
                self.fill(body, view, out.len());
                short::put_inputs(out, body, self.plain);
            }
        } else {
            self.tell_clock(now, body);
            full::put_fields(out, &self.us, body);
            self.fill(body, view, out.len());
            full::put_inputs(out, body, self.plain);
        }
    }

    /// Writes all that the peer lacks straight from the queues, if that fits in a short packet however
    /// badly it is coded: the rule.
    fn put_whole(&self, body: &Body, view: &View<'_>, out: &mut Vec<u8>) -> bool {
        let sections = || {
            let sections = self.local.iter().zip(&body.inputs);
            sections.map(|(player, section)| (view.inputs.of(player), section.first))
        };
        let most = sections()
            .map(|(queue, first)| SECTION_BYTES + queue.count_from(first) * (3 + queue.width()));
        if out.len() + most.sum::<usize>() > MAX_PACKET_BYTES {
            return false;
        }
        let mut base = body.head;
        for (queue, first) in sections() {
            let mut frames = queue.count_from(first) as u32;
            if self.watched {
                frames = frames.min(view.confirmed - first);
            }
            if let (Some(pairs), 1) = (queue.pairs(first), self.plain) {
                let pairs = &pairs[..frames as usize];
                short::put_pairs(out, (&mut base, first), pairs);
                continue;
            }
            let runs = queue.runs(first).scan(frames, |left, (input, lasts)| {
                let lasts = lasts.min(*left);
                *left -= lasts;
                (lasts > 0).then_some((input, lasts))
            });
            short::put_inputs_of(out, (&mut base, first), frames, runs, self.plain);
        }
        true
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
    fn fill(&self, body: &mut Body, view: &View<'_>, length: usize) {
        self.fill_sections(body, view.inputs, length);
        if self.watched {
            for inputs in &mut body.inputs {
                inputs.truncate(view.confirmed - inputs.first);
            }
        }
        for (player, given) in &mut body.given {
            // What came after the one who left is not that one's, and perhaps not for good.
            let moved = view.moves.iter().find(|moved| moved.player == *player);
            let from = moved.map_or(Frame(0), |moved| moved.from);
            given.truncate(from - given.first);
        }
    }

    fn fill_sections(&self, body: &mut Body, inputs: &Inputs, length: usize) {
        let returned = body.returned.as_ref().map_or(0, Vec::len);
        let sections = body.inputs.len() + returned + body.given.len();
        let Some(turn) = self.sequence.checked_rem(sections as u32) else {
            return;
        };
        // One more byte each for the players of what is given, and one for their number.
        let fixed = sections * SECTION_BYTES + body.given.len() + 1;
        let mut room = MAX_PACKET_BYTES.saturating_sub(length + fixed);
        let lacking = self.sections(body).map(|(player, section)| {
            let each = inputs.of(player).each(section.first);
            (section, each.peekable())
        });
        let mut lacking: Vec<_> = lacking.collect();
        for _ in 0..MAX_PACKET_FRAMES {
            let mut filled = false;
            for first_turn in [true, false] {
                for (n, (section, inputs)) in (0..).zip(&mut lacking) {
                    if (n >= turn) != first_turn {
                        continue;
                    }
                    let Some(input) = inputs.peek() else {
                        continue;
                    };
                    let cost = section.cost(input);
                    if cost > room {
                        return;
                    }
                    room -= cost;
                    section.push(input, 1);
                    inputs.next();
                    filled = true;
                }
            }
            if !filled {
                return;
            }
        }
    }

    /// All sections of a packet to the peer, in their order.
    fn sections<'a>(
        &self,
        body: &'a mut Body,
    ) -> impl Iterator<Item = (PlayerIndex, &'a mut wire::Inputs)> + use<'a> {
        let ours = self.local.iter().zip(&mut body.inputs);
        let theirs = self.players.iter();
        let theirs = theirs.zip(body.returned.iter_mut().flatten());
        let given = body.given.iter_mut();
        let given = given.map(|(player, inputs)| (*player, inputs));
        ours.chain(theirs).chain(given)
    }
}
