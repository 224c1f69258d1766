//! Sessions on one network, each with its own clock.

use std::cell::RefCell;
use std::rc::Rc;

use crate::game::Keys;
use crate::meter::{Cost, Meter, set_clock};
use crate::network::{Conditions, Network, Socket};

pub const FRAME_US: u64 = 16_667;

#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub players: usize,
    pub delay: u32,
    /// In frames.
    pub window: u32,
    pub state_bytes: usize,
    pub keys: Keys,
    pub network: Conditions,
    /// Of the second peer's clock.
    pub drift_ppm: i64,
    /// The second peer's loop begins so much later.
    pub late_us: u64,
    /// Inputs are in a journal as soon as they are confirmed, for those who can let go of them then.
    pub journal: bool,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            players: 2,
            delay: 2,
            window: 30,
            state_bytes: 64,
            keys: Keys::Human,
            network: Conditions {
                latency_us: 50_000,
                ..Conditions::default()
            },
            drift_ppm: 0,
            late_us: 0,
            journal: false,
        }
    }
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tick {
    /// New frames.
    pub advanced: u32,
    pub resimulated: u32,
}

pub trait Peer: Sized {
    const NAME: &'static str;

    /// A peer alone at its player; `start_us` is when frame 0 is due on its clock, for those who agree
    /// on that beforehand.
    fn new(setup: &Setup, socket: Socket, start_us: u64) -> Self;
    /// Looks for its partners, without a frame.
    fn greet(&mut self);
    fn tick(&mut self, now_us: u64) -> Tick;
    fn next_tick_us(&self, now_us: u64) -> u64;
    fn ready(&self) -> bool;
    fn head(&self) -> u32;
    /// Play goes on, and is confirmed.
    fn agrees(&self) -> bool;
}

pub struct Seat<P> {
    pub peer: P,
    due_us: u64,
    last_us: u64,
}

pub struct World<P> {
    pub seats: Vec<Seat<P>>,
    pub network: Rc<RefCell<Network>>,
    setup: Setup,
    pub now_us: u64,
}

/// One tick of one peer, in µs of the world.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub peer: usize,
    pub at_us: u64,
    pub tick: Tick,
    pub cost: Cost,
    /// In frames: how far this peer is ahead of the first.
    pub skew: f64,
}

/// Where every clock begins: well after 0, which stands for the real one.
const BEGIN_US: u64 = 1_000_000_000;

impl<P: Peer> World<P> {
    pub fn new(setup: Setup) -> World<P> {
        set_clock(BEGIN_US);
        let network = Rc::new(RefCell::new(Network::new(setup.players, setup.network)));
        let seats = (0..setup.players)
            .map(|me| {
                let socket = Socket {
                    me,
                    network: Rc::clone(&network),
                };
                let late_us = if me == 1 { setup.late_us } else { 0 };
                let start_us = BEGIN_US + 1_000_000 + late_us;
                Seat {
                    peer: P::new(&setup, socket, start_us),
                    due_us: BEGIN_US + 10 * me as u64,
                    last_us: BEGIN_US,
                }
            })
            .collect();
        let mut world = World {
            seats,
            network,
            setup,
            now_us: 0,
        };
        world.shake_hands();
        world
    }

    /// Those who must, find each other: without loss, and at the same beat.
    fn shake_hands(&mut self) {
        let conditions = self.setup.network;
        self.network.borrow_mut().conditions.loss = 0;
        while !self.seats.iter().all(|seat| seat.peer.ready()) {
            self.now_us += 1_000;
            self.network.borrow_mut().now_us = self.now_us;
            set_clock(BEGIN_US + self.now_us);
            for seat in &mut self.seats {
                seat.peer.greet();
            }
            assert!(self.now_us < 30_000_000, "no session after 30 s");
        }
        self.network.borrow_mut().conditions = conditions;
        // In step, then: as late as told.
        for (me, seat) in self.seats.iter_mut().enumerate() {
            let late_us = if me == 1 { self.setup.late_us } else { 0 };
            seat.due_us = self.now_us + FRAME_US + 10 * me as u64 + late_us;
        }
    }

    /// Plays for so long, and hands out what each tick was.
    pub fn play(&mut self, meter: &Meter, for_us: u64, mut each: impl FnMut(Sample)) {
        let until = self.now_us + for_us;
        loop {
            let (me, due_us) = self
                .seats
                .iter()
                .enumerate()
                .map(|(me, seat)| (me, seat.due_us))
                .min_by_key(|(_, due)| *due)
                .unwrap();
            if due_us >= until {
                self.now_us = until;
                return;
            }
            self.now_us = due_us;
            self.network.borrow_mut().now_us = due_us;
            let local_us = self.local(me, due_us);
            set_clock(local_us);
            let seat = &mut self.seats[me];
            let (cost, tick) = meter.engine(|| seat.peer.tick(local_us));
            let next_us = seat.peer.next_tick_us(local_us).max(local_us + 100);
            seat.last_us = due_us;
            let next_us = self.world(me, next_us).max(due_us + 1);
            self.seats[me].due_us = next_us;
            each(Sample {
                peer: me,
                at_us: due_us,
                tick,
                cost,
                skew: self.position(me) - self.position(0),
            });
        }
    }

    /// In frames.
    fn position(&self, me: usize) -> f64 {
        let seat = &self.seats[me];
        let since = (self.now_us - seat.last_us).min(FRAME_US);
        f64::from(seat.peer.head()) + since as f64 / FRAME_US as f64
    }

    fn local(&self, me: usize, world_us: u64) -> u64 {
        let ppm = if me == 1 { self.setup.drift_ppm } else { 0 };
        let scaled = i128::from(world_us) * i128::from(1_000_000 + ppm) / 1_000_000;
        BEGIN_US + scaled as u64
    }

    fn world(&self, me: usize, local_us: u64) -> u64 {
        let ppm = if me == 1 { self.setup.drift_ppm } else { 0 };
        let scaled = i128::from(local_us - BEGIN_US) * 1_000_000;
        (scaled / i128::from(1_000_000 + ppm)) as u64
    }
}
