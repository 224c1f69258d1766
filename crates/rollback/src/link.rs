//! One peer at the other end: what it has of ours, and the packets to it.

use crate::clock::{Arrival, Arrivals, Clock};
use crate::compare::{Comparison, History};
use crate::inputs::{Inputs, Queue};
use crate::wire::{self, Body, Hashes, Header, MAX_PACKET_BYTES, MAX_PACKET_FRAMES, Shape};
use crate::{Frame, Incarnation, LinkId, LinkStats, Micros, PacketError, PlayerIndex, PlayerSet};

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
    /// The furthest that `first_unacknowledged` ever was, also for older page loads of the peer.
    furthest: Frame,
    /// The peer's newest page load that was heard.
    incarnation: Option<Incarnation>,
    /// It has told us what it holds of ours.
    told: bool,
    /// It rejoins, and has its own inputs up to these frames.
    known: Option<Vec<Frame>>,
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
            furthest: Frame(0),
            incarnation: None,
            told: false,
            known: None,
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

    /// A frame that no honest peer's inputs are more than a window and a delay beyond.
    pub(crate) fn furthest(&self) -> Frame {
        self.furthest
    }

    /// The first frame of which the peer lacks an input that we may hold, its own included.
    pub(crate) fn needed_from(&self) -> Frame {
        let known = self.known.iter().flatten().copied();
        known.fold(self.first_unacknowledged(), Frame::min)
    }

    /// The peer has not told what it holds of our inputs, or holds some that we lack.
    pub(crate) fn owes(&self, inputs: &Inputs) -> bool {
        let mut held = self.local.iter().zip(&self.acknowledged);
        !self.told || held.any(|(player, held)| *held > inputs.of(player).end())
    }

    /// Reads a body after the header was found to fit, and checks it against what we know: it is
    /// taken as a whole or not at all.
    pub(crate) fn decode(
        &self,
        header: &Header,
        bytes: &[u8],
        terms: &Terms<'_>,
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
        if let Some(found) = body.addressee
            && found != terms.incarnation
        {
            let expected = terms.incarnation;
            return Err(PacketError::OtherAddressee { found, expected });
        }
        if terms.greeting(&body) {
            return Ok(body);
        }
        let inputs = terms.inputs;
        for ((player, ack), before) in self.local.iter().zip(&body.acks).zip(&self.acknowledged) {
            let end = inputs.of(player).end();
            let most = match terms.learning {
                None => end,
                // Told once, it can only grow by what we send.
                Some(_) if self.told && self.incarnation == Some(header.incarnation) => {
                    end.max(*before)
                }
                Some(most) => most,
            };
            if *ack > most {
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
        let returned = body.returned.iter().flatten();
        for ((player, ack), sent) in self.local.iter().zip(&body.acks).zip(returned) {
            let beyond = sent.first + sent.frames() > *ack;
            if !sent.runs.is_empty() && (sent.first > inputs.of(player).end() || beyond) {
                return Err(PacketError::Impossible("it returns what it cannot have"));
            }
        }
        Ok(body)
    }

    /// Takes all but the inputs and hashes. Returns true if the packet is the newest.
    pub(crate) fn take(&mut self, header: &Header, body: &Body, size: usize, now: Micros) -> bool {
        let arrival = self.greet(header, body, size);
        self.told = true;
        for (mine, ack) in self.acknowledged.iter_mut().zip(&body.acks) {
            *mine = (*mine).max(*ack);
        }
        self.furthest = self.furthest.max(self.first_unacknowledged());
        if arrival == Arrival::Newest {
            self.clock.arrived(body.sent_at, now);
            self.comparison.asked = body.want;
            self.known.clone_from(&body.known);
        }
        if let Some(echo) = body.echo
            && arrival != Arrival::Again
        {
            self.clock.returned(echo, now);
        }
        arrival == Arrival::Newest
    }

    /// Takes who sent it. With another page load of the peer the link begins anew.
    pub(crate) fn greet(&mut self, header: &Header, body: &Body, size: usize) -> Arrival {
        if self.incarnation != Some(header.incarnation) {
            self.incarnation = Some(header.incarnation);
            self.told = false;
            self.known = None;
            self.acknowledged.fill(Frame(0));
            self.arrivals.restart();
            self.clock.restart();
            self.comparison = Comparison::default();
        }
        self.bytes_received += size as u64;
        self.arrivals.take(body.sequence)
    }

    /// Writes the packet of a tick.
    pub(crate) fn packet(&mut self, now: Micros, view: &View<'_>, bytes: &mut Vec<u8>) {
        self.sequence = self.sequence.wrapping_add(1);
        let shape = Shape {
            acks: self.players.len(),
            inputs: self.local.len(),
        };
        let queue = |player: PlayerIndex| view.inputs.of(player);
        let lacking = self.known.as_ref().filter(|known| {
            let mut known = self.players.iter().zip(known.iter());
            known.any(|(player, known)| *known < queue(player).end())
        });
        let fixed = wire::most_fixed_bytes(shape, view.known.is_some(), lacking.is_some());
        let mut wanted: Vec<(&Queue, Frame)> = self
            .local
            .iter()
            .map(queue)
            .zip(self.acknowledged.iter().copied())
            .collect();
        let returned = self.players.iter().map(queue);
        wanted.extend(returned.zip(lacking.into_iter().flatten().copied()));
        let (mut inputs, left) = unsent(&wanted, MAX_PACKET_BYTES - fixed);
        let returned = inputs.split_off(self.local.len());
        let due = view.sealed || self.sequence.is_multiple_of(HASH_INTERVAL);
        let body = Body {
            sequence: self.sequence,
            addressee: self.incarnation,
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
            known: view.known.clone(),
            returned: lacking.map(|_| returned),
        };
        *bytes = wire::encode(&view.header, &body);
        debug_assert!(bytes.len() <= MAX_PACKET_BYTES);
        self.bytes_sent += bytes.len() as u64;
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

/// What packets are held against.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    /// Our page load.
    pub(crate) incarnation: Incarnation,
    /// It is not the first of this epoch.
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
    pub(crate) header: Header,
    pub(crate) head: Frame,
    pub(crate) sealed: bool,
    /// While we rejoin: for each of our players the first frame whose input we lack.
    pub(crate) known: Option<Vec<Frame>>,
    pub(crate) inputs: &'a Inputs,
    pub(crate) history: &'a History,
}

/// The oldest inputs that the peer lacks, of each queue from a frame on, as many frames as fit for
/// all queues alike: none of them waits for another. Returns the room left, too. Of a queue that has
/// let go of the first one nothing is sent, since what came after it would be of no use.
fn unsent(wanted: &[(&Queue, Frame)], mut room: usize) -> (Vec<wire::Inputs>, usize) {
    let section = |first| wire::Inputs {
        first,
        runs: Vec::new(),
    };
    let mut sections: Vec<wire::Inputs> = wanted.iter().map(|(_, first)| section(*first)).collect();
    for offset in 0..MAX_PACKET_FRAMES {
        let row = || {
            wanted.iter().map(|(queue, first)| {
                let held = *first >= queue.begin();
                held.then(|| queue.get(*first + offset)).flatten()
            })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input;

    #[test]
    fn of_a_queue_that_let_go_nothing_is_sent_in_a_wrong_place() {
        let (mut whole, mut cut) = (Queue::default(), Queue::default());
        for _ in 0..20 {
            whole.push(Input::default());
            cut.push(Input::default());
        }
        cut.forget_before(Frame(10));
        let (sent, _) = unsent(&[(&whole, Frame(5)), (&cut, Frame(5))], 1_000);
        assert_eq!([sent[0].frames(), sent[1].frames()], [15, 0]);
        let (sent, _) = unsent(&[(&whole, Frame(5)), (&cut, Frame(10))], 1_000);
        assert_eq!([sent[0].frames(), sent[1].frames()], [15, 10]);
    }
}
