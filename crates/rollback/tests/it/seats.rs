//! Spectators in a world: they come and go at the players' peers, at any time, on the same bad network.

use std::time::Duration;

use igym_rollback::{Advance, Engine, Epoch, Incarnation, LinkId, Micros, PacketError, Wait};

use crate::case::{Case, Conditions, default_input};
use crate::game::Game;
use crate::log::Log;
use crate::network::{Agenda, Happening, Network};
use crate::rng::Rng;
use crate::world::World;

/// Links of peers from this one on lead to spectators.
pub(crate) const FIRST: u8 = 100;

/// What happens to a spectator.
#[derive(Debug)]
pub(crate) enum Moment {
    Comes,
    Goes { visit: u32 },
    Tick { visit: u32 },
    Hears { visit: u32, bytes: Vec<u8> },
    IsHeard { visit: u32, bytes: Vec<u8> },
}

/// A spectator, at one peer for one visit after the other.
#[derive(Debug)]
pub(crate) struct Seat {
    rng: Rng,
    network: Network,
    /// Counts the visits.
    visit: u32,
    pub(crate) here: Option<Visit>,
    /// Visits that are over.
    pub(crate) past: Vec<Visit>,
}

/// A spectator's engine at a peer.
#[derive(Debug)]
pub(crate) struct Visit {
    peer: usize,
    /// The peer's page load.
    load: u32,
    pub(crate) epoch: u32,
    engine: Engine,
    game: Game,
    pub(crate) log: Log,
    /// Frames that it had before.
    pub(crate) had: usize,
}

impl Seat {
    pub(crate) fn new(conditions: Conditions, seed: u64) -> Seat {
        let mut rng = Rng(seed);
        Seat {
            network: Network::new(conditions, rng.next()),
            rng,
            visit: 0,
            here: None,
            past: Vec::new(),
        }
    }
}

fn clock(now_us: u64) -> Micros {
    Micros(5_000_000 + now_us)
}

impl World {
    /// So many spectators want to come. They draw no number that anything else depends on.
    pub(crate) fn seat(&mut self, count: usize) {
        for n in 0..count {
            let seed = self.case.seed ^ (n as u64 + 1) << 32;
            let mut seat = Seat::new(self.case.network.clone(), seed);
            let at = seat.rng.below(2_000_000);
            self.seats.push(seat);
            self.at_seat(at, n, Moment::Comes);
        }
    }

    fn at_seat(&mut self, at: u64, seat: usize, moment: Moment) {
        self.agenda.add(at, Happening::Seat { seat, moment });
    }

    pub(crate) fn happen_at_seat(&mut self, n: usize, moment: Moment) {
        self.end_if_gone(n);
        match moment {
            Moment::Comes => self.come(n),
            Moment::Goes { visit } if self.is_here(n, visit) => {
                let link = LinkId(FIRST + n as u8);
                let peer = self.seats[n].here.as_ref().unwrap().peer;
                self.peers[peer].engine.unwatch(link).unwrap();
                self.end(n);
            }
            Moment::Tick { visit } if self.is_here(n, visit) => self.tick_at_seat(n),
            Moment::Hears { visit, bytes } if self.is_here(n, visit) => {
                let now = clock(self.now_us);
                let here = self.seats[n].here.as_mut().unwrap();
                match here.engine.handle_packet(LinkId(0), &bytes, now) {
                    Ok(()) | Err(PacketError::UnknownTag) => {}
                    Err(error) => panic!("an honest packet was refused: {error}"),
                }
                drain(here, now);
            }
            Moment::IsHeard { visit, bytes } if self.is_here(n, visit) => {
                let peer = self.seats[n].here.as_ref().unwrap().peer;
                let now = self.peers[peer].now(self.now_us);
                let link = LinkId(FIRST + n as u8);
                match self.peers[peer].engine.handle_packet(link, &bytes, now) {
                    Ok(()) | Err(PacketError::UnknownTag) => {}
                    Err(error) => panic!("an honest spectator was refused: {error}"),
                }
                self.drain(peer);
            }
            // Of a visit that is over.
            _ => {}
        }
    }

    fn is_here(&self, n: usize, visit: u32) -> bool {
        self.seats[n].visit == visit && self.seats[n].here.is_some()
    }

    /// The peer's engine is another one now, or it has none.
    fn end_if_gone(&mut self, n: usize) {
        let Some(here) = &self.seats[n].here else {
            return;
        };
        let peer = &self.peers[here.peer];
        if peer.away || (peer.epoch, peer.load) != (here.epoch, here.load) {
            self.end(n);
        }
    }

    fn end(&mut self, n: usize) {
        let seat = &mut self.seats[n];
        seat.past.extend(seat.here.take());
        let at = self.now_us + seat.rng.below(500_000);
        self.at_seat(at, n, Moment::Comes);
    }

    fn come(&mut self, n: usize) {
        let peer = self.seats[n].rng.below(self.peers.len() as u64) as usize;
        let Host { epoch, load, away } = self.host(peer);
        if away {
            let at = self.now_us + 100_000;
            return self.at_seat(at, n, Moment::Comes);
        }
        let link = LinkId(FIRST + n as u8);
        self.peers[peer].engine.watch(link).unwrap();
        let seat = &mut self.seats[n];
        seat.visit += 1;
        let before = seat.past.last().filter(|past| past.epoch == epoch);
        let history = before.filter(|_| seat.rng.percent(50)).map(|past| {
            let confirmed = past.log.facts();
            let of = |player: usize| confirmed.iter().map(|fact| fact.inputs[player]).collect();
            (0..self.case.players()).map(of).collect::<Vec<Vec<_>>>()
        });
        let had = history.as_ref().map_or(0, |history| history[0].len());
        let received = history.clone();
        let case = &self.case;
        let mut builder = Engine::builder()
            .players(case.players())
            .spectator(LinkId(0))
            .epoch(Epoch(epoch))
            .incarnation(Incarnation(seat.visit))
            .window(Duration::from_millis(case.window_ms))
            .default_input(default_input())
            .genesis(case.genesis(epoch));
        if let Some(history) = history {
            builder = builder.history(history);
        }
        seat.here = Some(Visit {
            peer,
            load,
            epoch,
            engine: builder.build().unwrap(),
            game: Game::new(case.rules(epoch)),
            log: Log {
                received: received.unwrap_or_else(|| vec![Vec::new(); case.players()]),
                ..Log::default()
            },
            had,
        });
        let visit = seat.visit;
        let goes = self.now_us + seat.rng.below(3_000_000);
        self.at_seat(goes, n, Moment::Goes { visit });
        self.at_seat(self.now_us, n, Moment::Tick { visit });
    }

    fn host(&self, peer: usize) -> Host {
        let peer = &self.peers[peer];
        Host {
            epoch: peer.epoch,
            load: peer.load,
            away: peer.away,
        }
    }

    fn tick_at_seat(&mut self, n: usize) {
        let now = clock(self.now_us);
        let visit = self.seats[n].visit;
        let here = self.seats[n].here.as_mut().unwrap();
        assert_eq!(here.engine.wanted_input(), None);
        let advance = here.engine.advance(now);
        let mut packets = Vec::new();
        while let Some(packet) = here.engine.poll_packet() {
            packets.push(packet.bytes.to_vec());
        }
        match advance {
            Advance::Run(mut batch) => {
                here.game.run(&mut batch);
                here.engine.complete(&mut batch).unwrap();
            }
            Advance::Wait(Wait::Unconfirmed { .. } | Wait::Sealed | Wait::NotStarted { .. }) => {}
            Advance::Wait(wait) => panic!("a spectator waits for nobody: {wait:?}"),
        }
        drain(here, now);
        let due = here.engine.next_tick_at(now).0.max(now.0 + 100);
        let at = self.now_us + due - now.0;
        self.at_seat(at, n, Moment::Tick { visit });
        assert_eq!(packets.len(), 1);
        for bytes in packets {
            self.send_at_seat(n, bytes, |bytes| Moment::IsHeard { visit, bytes });
        }
    }

    /// A peer's packet to a spectator.
    pub(crate) fn show(&mut self, link: LinkId, bytes: Vec<u8>) {
        let n = usize::from(link.0 - FIRST);
        let visit = self.seats[n].visit;
        self.send_at_seat(n, bytes, |bytes| Moment::Hears { visit, bytes });
    }

    fn send_at_seat(&mut self, n: usize, bytes: Vec<u8>, moment: impl Fn(Vec<u8>) -> Moment) {
        let mut arrivals = Agenda::default();
        let seat = &mut self.seats[n];
        seat.network.send(&mut arrivals, self.now_us, (0, 1), bytes);
        while let Some((at, Happening::Arrival { bytes, .. })) = arrivals.next() {
            self.at_seat(at, n, moment(bytes));
        }
    }
}

/// Where a spectator can come.
struct Host {
    epoch: u32,
    load: u32,
    away: bool,
}

fn drain(here: &mut Visit, now: Micros) {
    while let Some(event) = here.engine.poll_event() {
        here.log.take(event, now);
    }
    assert_eq!(here.engine.counters().rollbacks, 0);
    assert_eq!(here.engine.counters().conflicts, 0);
}

/// What spectators saw, over many cases.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    visits: usize,
    again: usize,
    frames: usize,
    ends: usize,
}

impl Seen {
    /// What they saw is what was confirmed, from its beginning on.
    pub(crate) fn check(
        &mut self,
        world: &mut World,
        facts: impl Fn(&Case, u32) -> Vec<crate::log::Fact>,
    ) {
        for seat in &mut world.seats {
            seat.past.extend(seat.here.take());
            for visit in &seat.past {
                let facts = facts(&world.case, visit.epoch);
                let seen = visit.log.facts();
                assert_eq!(seen, &facts[..seen.len()]);
                assert_eq!(visit.log.desyncs, []);
                let sealed = visit.log.sealed.map(|(frame, _)| frame.0 as usize + 1);
                assert!(sealed.is_none_or(|frames| frames == facts.len()));
                self.visits += 1;
                self.again += usize::from(visit.had > 0);
                self.frames += seen.len();
                self.ends += usize::from(sealed.is_some());
            }
        }
    }

    /// Guards against passing for nothing.
    pub(crate) fn happened(&self, cases: usize) {
        assert!(self.visits > 3 * cases, "{self:?}");
        assert!(self.again > cases / 4, "{self:?}");
        assert!(self.frames > 50 * cases, "{self:?}");
        assert!(self.ends > cases / 4, "{self:?}");
    }
}
