//! Peers, the network between them, and a server that takes their uploads: one clock, one seed.

use std::collections::{BTreeMap, BTreeSet};

use igym_gym::{DrawDelta, MultiAgentEnv};
use igym_play::{Episode, Micros, Outbox, Outgoing};
use igym_protocol::{
    CanonicalRow, EpisodePlan, JournalBatch, Path, Upload, UploadBody, decode_upload,
};

use crate::drawing::Page;
use crate::random::Random;

/// What happens to packets, in microseconds and per cent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) delay: u64,
    pub(crate) jitter: u64,
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    /// Packets that go by the server's relay.
    pub(crate) relayed: u64,
}

impl Weather {
    pub(crate) const CALM: Self = Self {
        delay: 0,
        jitter: 500,
        loss: 0,
        duplication: 0,
        relayed: 0,
    };
    pub(crate) const FAR: Self = Self {
        delay: 100_000,
        jitter: 5_000,
        ..Self::CALM
    };
    pub(crate) const FAR_AND_UNSTEADY: Self = Self {
        delay: 200_000,
        jitter: 80_000,
        ..Self::CALM
    };
    pub(crate) const LOSSY: Self = Self {
        delay: 20_000,
        jitter: 10_000,
        loss: 15,
        ..Self::CALM
    };
    pub(crate) const STORM: Self = Self {
        delay: 60_000,
        jitter: 120_000,
        loss: 35,
        duplication: 20,
        relayed: 30,
    };
}

pub(crate) struct Peer {
    pub(crate) episode: Episode,
    pub(crate) outbox: Outbox,
    /// What the server got, in order, and when it was made on this peer's clock since `origin`.
    pub(crate) uploads: Vec<(u64, Upload)>,
    pub(crate) page: Page,
    /// This peer's clock shows this when the world's shows 0.
    offset: u64,
    origin: Option<u64>,
    /// Ticks at which the host did not take uploads.
    pub(crate) takes_uploads: bool,
    held: Vec<&'static str>,
    incarnation: u32,
}

struct Flight {
    at: u64,
    from: usize,
    to: usize,
    path: Path,
    plea: bool,
    bytes: Vec<u8>,
}

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) peers: Vec<Peer>,
    pub(crate) weather: Weather,
    pub(crate) random: Random,
    /// Pages are drawn, which takes most of the time.
    pub(crate) draws: bool,
    /// People press keys at random.
    pub(crate) restless: bool,
    /// Packets take the ways that they are said to take, not those of the weather.
    pub(crate) routed: bool,
    /// Directions (from, to) in which the open DataChannel carries nothing.
    pub(crate) failed: BTreeSet<(usize, usize)>,
    /// No packet may go by the relay.
    pub(crate) direct_only: bool,
    reloaded: bool,
    in_flight: Vec<Flight>,
    make: Make,
}

/// Makes the episode of a page: of which player, in which incarnation, due when, after what.
pub(crate) type Make = Box<dyn Fn(&EpisodePlan, u8, u32, Micros, History) -> Episode>;
pub(crate) type History = Option<Vec<Vec<Vec<u8>>>>;

const KEYS: [&str; 3] = ["ArrowLeft", "ArrowRight", "ArrowUp"];
/// Frame 0 is due then.
pub(crate) const START: u64 = 200_000;

impl World {
    /// Peers of a plan from the catalogue.
    pub(crate) fn new(plan: &EpisodePlan, weather: Weather, seed: u64) -> Self {
        Self::build(plan, weather, seed, |plan| {
            igym_envs::create(&plan.environment.id, &plan.environment.config)
                .expect("the plan is of the catalogue")
        })
    }

    pub(crate) fn build(
        plan: &EpisodePlan,
        weather: Weather,
        seed: u64,
        env: impl Fn(&EpisodePlan) -> Box<dyn MultiAgentEnv> + 'static,
    ) -> Self {
        let make = move |plan: &EpisodePlan, me, incarnation, at, history| {
            let env = env(plan);
            Episode::with_environment(plan, env, me, incarnation, at, history)
                .expect("the plan can be played")
        };
        Self::of(plan, weather, seed, Box::new(make))
    }

    pub(crate) fn of(plan: &EpisodePlan, weather: Weather, seed: u64, make: Make) -> Self {
        let peers = (0..plan.seats.len() as u64)
            .map(|me| {
                let offset = 1_000_000 + me * 777_777;
                // Pages do not start at the very same time.
                let start_at = Micros(offset + START + me * 12_345);
                Peer {
                    episode: make(plan, me as u8, 1, start_at, None),
                    outbox: Outbox::new(1),
                    uploads: Vec::new(),
                    page: Page::default(),
                    offset,
                    origin: None,
                    takes_uploads: true,
                    held: Vec::new(),
                    incarnation: 1,
                }
            })
            .collect();
        Self {
            now: 0,
            peers,
            weather,
            random: Random(seed),
            draws: false,
            restless: true,
            routed: false,
            failed: BTreeSet::new(),
            direct_only: false,
            reloaded: false,
            in_flight: Vec::new(),
            make,
        }
    }

    /// Lets time pass until `done`, at most ten minutes.
    pub(crate) fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool) {
        while !done(self) {
            assert!(
                self.now < 600_000_000,
                "no end: {:?}",
                self.peers[0].episode.status()
            );
            self.step();
        }
    }

    /// Until every peer has sealed and uploaded its seal.
    pub(crate) fn run_to_the_end(&mut self) {
        self.run_until(|world| world.peers.iter().all(|peer| peer.seal().is_some()));
    }

    /// Every DataChannel opens, or closes.
    pub(crate) fn set_channels(&mut self, open: bool) {
        let players = self.peers.len();
        for (me, peer) in self.peers.iter_mut().enumerate() {
            let time = peer.time(self.now);
            for partner in (0..players).filter(|partner| *partner != me) {
                peer.episode.set_channel(partner as u8, open, time);
            }
        }
    }

    /// The peer's page is lost with what it did not upload; another one goes on.
    pub(crate) fn reload(&mut self, index: usize) {
        self.reloaded = true;
        let history = self.history();
        let peer = &mut self.peers[index];
        peer.incarnation += 1;
        let now = Micros(self.now + peer.offset);
        let plan = peer.episode.plan().clone();
        let (me, history) = (index as u8, Some(history));
        peer.episode = (self.make)(&plan, me, peer.incarnation, now, history);
        assert!(peer.episode.status().rejoining);
        peer.outbox = Outbox::new(peer.incarnation);
        peer.origin = None;
        self.in_flight.retain(|flight| flight.to != index);
    }

    /// Of each player what was uploaded in any form, without a gap.
    pub(crate) fn history(&self) -> Vec<Vec<Vec<u8>>> {
        let mut known = BTreeMap::new();
        for body in self.peers.iter().flat_map(Peer::bodies) {
            match body {
                UploadBody::Journal(batch) => {
                    for it in &batch.authored {
                        known.insert((it.player, it.frame), it.input.clone());
                    }
                    for it in &batch.received {
                        known.insert((it.player, it.frame), it.input.clone());
                    }
                }
                UploadBody::Rows(chunk) => {
                    for (frame, row) in (chunk.first..).zip(&chunk.rows) {
                        for (player, input) in (0..).zip(&row.inputs) {
                            known.insert((player, frame), input.clone());
                        }
                    }
                }
                UploadBody::Seal(_) | UploadBody::Flushed | UploadBody::Report(_) => {}
            }
        }
        let of = |player| {
            (0..)
                .map_while(|frame| known.get(&(player, frame)).cloned())
                .collect()
        };
        (0..self.peers.len() as u8).map(of).collect()
    }

    /// To the next thing that happens.
    fn step(&mut self) {
        let ticks = self.peers.iter().map(|peer| {
            let now = Micros(self.now + peer.offset);
            peer.episode.next_tick_at(now).0.saturating_sub(peer.offset)
        });
        let flights = self.in_flight.iter().map(|flight| flight.at);
        let next = ticks.chain(flights).min().expect("there are peers");
        self.now = self.now.max(next);
        self.deliver();
        for peer in 0..self.peers.len() {
            self.press_keys(peer);
            self.tick(peer);
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        let mut due: Vec<Flight> = self
            .in_flight
            .extract_if(.., |flight| flight.at <= now)
            .collect();
        due.sort_by_key(|flight| flight.at);
        for flight in due {
            let peer = &mut self.peers[flight.to];
            let time = peer.time(now);
            let (episode, from) = (&mut peer.episode, flight.from as u8);
            let handled = match flight.path {
                Path::DataChannel => episode.handle_packet(from, flight.path, &flight.bytes, time),
                Path::Relay => episode.handle_relayed(from, flight.plea, &flight.bytes, time),
            };
            // Around a reload there are packets of and to the page that is gone.
            assert!(handled.is_ok() || self.reloaded, "{handled:?}");
        }
    }

    fn tick(&mut self, index: usize) {
        let now = self.now;
        let peer = &mut self.peers[index];
        let time = peer.time(now);
        peer.episode.tick(time);
        if self.draws {
            peer.page.apply(&peer.episode.draw());
        }
        while let Some(packet) = peer.episode.poll_packet() {
            if self.routed {
                let some_way = packet.direct || packet.relay;
                assert!(some_way || self.direct_only, "a packet takes some way");
                assert!(!(packet.relay && self.direct_only), "none is for the relay");
                assert!(packet.relay || !packet.plea);
                let to = usize::from(packet.to);
                let carried = packet.direct && !self.failed.contains(&(index, to));
                let lost = self.random.chance(self.weather.loss);
                let ways = [
                    (carried && !lost, Path::DataChannel),
                    (packet.relay, Path::Relay),
                ];
                for (_, path) in ways.into_iter().filter(|(taken, _)| *taken) {
                    let detour = if path == Path::Relay { 15_000 } else { 0 };
                    let jitter = self.random.below(self.weather.jitter + 1);
                    self.in_flight.push(Flight {
                        at: now + self.weather.delay + detour + jitter + 1,
                        from: index,
                        to,
                        path,
                        plea: packet.plea,
                        bytes: packet.bytes.clone(),
                    });
                }
                continue;
            }
            let Outgoing { to, bytes, .. } = packet;
            let copies = 1 + u32::from(self.random.chance(self.weather.duplication));
            for _ in 0..copies {
                if self.random.chance(self.weather.loss) {
                    continue;
                }
                let relayed = self.random.chance(self.weather.relayed);
                self.in_flight.push(Flight {
                    at: now + self.weather.delay + self.random.below(self.weather.jitter + 1) + 1,
                    from: index,
                    to: usize::from(to),
                    path: if relayed {
                        Path::Relay
                    } else {
                        Path::DataChannel
                    },
                    plea: false,
                    bytes: bytes.clone(),
                });
            }
        }
        if peer.takes_uploads {
            peer.take_uploads(now);
        }
    }

    /// A person who changes a key about five times a second.
    fn press_keys(&mut self, index: usize) {
        if !self.restless || !self.random.chance(8) {
            return;
        }
        let peer = &mut self.peers[index];
        let time = peer.time(self.now);
        let key = KEYS[self.random.below(KEYS.len() as u64) as usize];
        let down = !peer.held.contains(&key);
        if down {
            peer.held.push(key);
        } else {
            peer.held.retain(|held| *held != key);
        }
        peer.episode.key(key, down, time);
    }
}

impl Peer {
    /// The peer's clock at the world's time `now`.
    pub(crate) fn time(&mut self, now: u64) -> Micros {
        let time = now + self.offset;
        self.origin.get_or_insert(time);
        Micros(time)
    }

    /// As the host does after each tick; the server acknowledges at once.
    pub(crate) fn take_uploads(&mut self, now: u64) {
        let time = self.time(now);
        let plan = self.episode.plan().clone();
        while let Some(body) = self.episode.poll_upload(time) {
            self.outbox.push(plan.session, plan.episode, body);
        }
        let since = time.0 - self.origin.expect("the peer was told a time");
        while let Some(bytes) = self.outbox.poll() {
            let upload = decode_upload(&bytes).expect("uploads are within limits");
            self.outbox.handle_ack(upload.incarnation, upload.seq);
            self.uploads.push((since, upload));
        }
    }

    pub(crate) fn bodies(&self) -> impl DoubleEndedIterator<Item = &UploadBody> {
        self.uploads.iter().map(|(_, upload)| &upload.body)
    }

    pub(crate) fn batches(&self) -> impl Iterator<Item = &JournalBatch> {
        self.bodies().filter_map(|body| match body {
            UploadBody::Journal(batch) => Some(batch),
            UploadBody::Rows(_)
            | UploadBody::Seal(_)
            | UploadBody::Flushed
            | UploadBody::Report(_) => None,
        })
    }

    /// All rows of the newest page; panics where they leave a gap.
    pub(crate) fn rows(&self) -> Vec<CanonicalRow> {
        let mut rows = Vec::new();
        let of_page = |it: &&(u64, Upload)| it.1.incarnation == self.incarnation;
        for (_, upload) in self.uploads.iter().filter(of_page) {
            if let UploadBody::Rows(chunk) = &upload.body {
                assert_eq!(chunk.first as usize, rows.len(), "rows are gapless");
                rows.extend(chunk.rows.iter().cloned());
            }
        }
        rows
    }

    pub(crate) fn seal(&self) -> Option<&igym_protocol::Seal> {
        self.bodies().rev().take(2).find_map(|body| match body {
            UploadBody::Seal(seal) => Some(seal),
            UploadBody::Journal(_)
            | UploadBody::Rows(_)
            | UploadBody::Flushed
            | UploadBody::Report(_) => None,
        })
    }

    pub(crate) fn report(&self) -> &igym_protocol::EpisodeReport {
        self.bodies()
            .find_map(|body| match body {
                UploadBody::Report(report) => Some(report),
                UploadBody::Journal(_)
                | UploadBody::Rows(_)
                | UploadBody::Flushed
                | UploadBody::Seal(_) => None,
            })
            .expect("a report was uploaded")
    }

    /// What the page would be sent if it were loaded anew.
    pub(crate) fn redraw(&mut self) -> DrawDelta {
        self.episode.redraw()
    }
}
