//! Peers with their own clocks, hosts and games on one network, from the first episode to the last.

use igym_rollback::{
    Advance, Engine, Event, Frame, Input, LinkId, Micros, PacketError, PlayerIndex, Wait, wire,
};

use crate::authority::Authority;
use crate::case::{Case, Load};
use crate::game::{Game, Rules};
use crate::hardships::Hardships;
use crate::journal::Journal;
use crate::log::Log;
use crate::network::{Agenda, Happening, Network};
use crate::rng::Rng;
use crate::seats::{self, Seat};

/// Counts over many cases, so that no test passes for nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) frames: u64,
    pub(crate) rollbacks: u64,
    pub(crate) resimulated: u64,
    pub(crate) right: u64,
    pub(crate) wrong: u64,
    pub(crate) stalls: u64,
    pub(crate) ends_undone: u64,
    pub(crate) other_epoch: u64,
    pub(crate) lost: u64,
    pub(crate) reordered: u64,
    pub(crate) duplicated: u64,
    pub(crate) longest_packet: usize,
    pub(crate) hardships: Hardships,
    pub(crate) inputs_not_default: u64,
    pub(crate) shown_wrong: u64,
    pub(crate) reloads: u64,
    pub(crate) given_back: u64,
    pub(crate) attested: u64,
    pub(crate) authored_anew: u64,
    pub(crate) most_away: u64,
    pub(crate) other_page_load: u64,
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) engine: Engine,
    game: Game,
    pub(crate) epoch: u32,
    pub(crate) log: Log,
    pub(crate) clock_offset: u64,
    pub(crate) drift_ppm: i64,
    /// The frame that looked like the end, while the engine waits there.
    ending: Option<Frame>,
    /// How often the page was loaded.
    pub(crate) load: u32,
    /// The mark that its engine was given.
    pub(crate) durable: Frame,
    /// The peers that it was told have left.
    pub(crate) left: Vec<usize>,
    /// The players of others for whom it plays.
    pub(crate) bots: Vec<u8>,
    /// The engine is lost, and none is there yet.
    pub(crate) away: bool,
    /// The length of the shortest list of the history, while the engine rejoins.
    pub(crate) history: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) case: Case,
    pub(crate) peers: Vec<Peer>,
    pub(crate) agenda: Agenda,
    network: Network,
    pub(crate) rng: Rng,
    pub(crate) now_us: u64,
    /// Finished episodes of each peer.
    pub(crate) finished: Vec<Vec<Log>>,
    pub(crate) totals: Totals,
    pub(crate) closing: Option<u32>,
    /// Later each peer's first frame is due, in µs.
    pub(crate) start_delays: [u64; 4],
    /// One peer's game goes wrong.
    pub(crate) flipped: Option<(usize, Frame)>,
    pub(crate) journal: Journal,
    pub(crate) authority: Authority,
    pub(crate) seats: Vec<Seat>,
}

impl World {
    pub(crate) fn new(case: Case) -> World {
        World::with(case, [0; 4], None)
    }

    pub(crate) fn with(
        case: Case,
        start_delays: [u64; 4],
        flipped: Option<(usize, Frame)>,
    ) -> World {
        let mut rng = Rng(case.seed ^ 0x57a7);
        let network = Network::new(case.network.clone(), rng.next());
        let mut world = World {
            peers: Vec::new(),
            agenda: Agenda::default(),
            network,
            now_us: 0,
            finished: (0..case.peers()).map(|_| Vec::new()).collect(),
            totals: Totals::default(),
            closing: None,
            start_delays,
            flipped,
            journal: Journal::new(case.players()),
            authority: Authority::default(),
            seats: Vec::new(),
            case,
            rng,
        };
        for peer in 0..world.case.peers() {
            let drift_ppm = world.case.drift_ppm(peer);
            let clock_offset = FIRST_US + world.rng.below(1 << 40);
            let made = world.peer(peer, 0, clock_offset, drift_ppm);
            world.peers.push(made);
            let at = world.rng.below(20_000);
            world.agenda.add(at, Happening::Tick { peer, load: 0 });
        }
        world.foresee_clock_steps();
        for reload in world.case.reloads.clone() {
            let peer = reload.peer % world.case.peers();
            let lasts_us = reload.lasts_ms * 1000;
            let lost = Happening::Lost { peer, lasts_us };
            world.agenda.add(reload.at_ms * 1000, lost);
        }
        world
    }

    pub(crate) fn peer(
        &mut self,
        peer: usize,
        epoch: u32,
        clock_offset: u64,
        drift_ppm: i64,
    ) -> Peer {
        let now = local_time(self.now_us, clock_offset, drift_ppm);
        let delay = 50_000 + self.rng.below(100_000) + self.start_delay(peer);
        let flipped = self.flipped.filter(|(who, _)| *who == peer);
        let load = Load {
            number: 0,
            start_at: Micros(now.0 + delay),
            history: None,
        };
        Peer {
            engine: self.case.engine(peer, epoch, load),
            game: {
                let flipped = flipped.map(|(_, frame)| frame);
                let rules = self.case.rules(epoch);
                let mut game = Game::new(Rules { flipped, ..rules });
                game.guesses = true;
                game
            },
            epoch,
            log: Log {
                received: vec![Vec::new(); self.case.players()],
                ..Log::default()
            },
            clock_offset,
            drift_ppm,
            ending: None,
            load: 0,
            durable: Frame(0),
            left: Vec::new(),
            bots: Vec::new(),
            away: false,
            history: None,
        }
    }

    /// Runs until every episode is finished at every peer; false if the time is over first.
    pub(crate) fn run(&mut self, seconds: u64) -> bool {
        if !self.run_until(seconds, World::done) {
            return false;
        }
        for peer in 0..self.peers.len() {
            self.count(peer);
        }
        self.totals.lost += self.network.lost;
        self.totals.hardships.parted += self.network.parted;
        true
    }

    /// No further episode begins.
    pub(crate) fn stay(&mut self) {
        self.closing = Some(u32::MAX);
    }

    /// Runs until `enough`; false if the time is over first.
    pub(crate) fn run_until(&mut self, seconds: u64, enough: impl Fn(&World) -> bool) -> bool {
        while !enough(self) {
            if !self.happen(seconds) {
                return false;
            }
        }
        true
    }

    fn done(&self) -> bool {
        let episodes = self.case.episodes as usize;
        self.finished.iter().all(|logs| logs.len() == episodes)
    }

    fn happen(&mut self, seconds: u64) -> bool {
        let (at, happening) = self.agenda.next().expect("ticks never stop");
        if at > seconds * 1_000_000 {
            self.agenda.add(at, happening);
            return false;
        }
        self.now_us = at;
        match happening {
            Happening::Tick { peer, load } => {
                let Peer {
                    load: now, away, ..
                } = self.peers[peer];
                if load == now && !away {
                    self.tick(peer);
                }
            }
            Happening::Lost { peer, lasts_us } => self.lose(peer, lasts_us),
            Happening::Back { peer } => self.back(peer),
            Happening::Arrival { from, to, bytes } => self.arrive(from, to, &bytes),
            Happening::NextEpisode { peer } => self.next_episode(peer),
            Happening::ClockStep { peer, by_us } => self.step_clock(peer, by_us),
            Happening::Close { peer } => {
                self.peers[peer].engine.close();
                self.drain(peer);
            }
            Happening::Seat { seat, moment } => self.happen_at_seat(seat, moment),
            Happening::Vanish { peer } => self.vanish(peer),
            Happening::Report { peer, round } => self.report(peer, round),
            Happening::Decided { peer, round } => self.decided(peer, round),
        }
        true
    }

    fn arrive(&mut self, from: usize, to: usize, bytes: &[u8]) {
        let peer = &mut self.peers[to];
        if peer.away {
            return;
        }
        let now = peer.now(self.now_us);
        let epoch = peer.epoch;
        match peer.engine.handle_packet(LinkId(from as u8), bytes, now) {
            Ok(()) => {}
            Err(PacketError::OtherEpoch { found, expected }) => {
                assert_eq!(expected.0, epoch);
                assert_ne!(found.0, epoch);
            }
            // Of another epoch, or of a page load that is gone.
            Err(PacketError::UnknownTag) => {}
            Err(PacketError::LinkLeft { .. }) => assert!(peer.left.contains(&from)),
            Err(PacketError::OlderIncarnation { .. } | PacketError::OtherAddressee { .. })
                if !self.case.reloads.is_empty() => {}
            Err(error) => panic!("an honest packet was refused: {error}"),
        }
        self.drain(to);
    }

    fn tick(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        let now = peer.now(self.now_us);
        let bots = self.peers[index].bots.clone();
        for player in self.case.local(index).iter().chain(&bots) {
            let me = PlayerIndex(*player);
            while let Some(frame) = self.peers[index].engine.wanted_input_of(me) {
                let peer = &mut self.peers[index];
                // Another page load does other things, and so does a bot.
                let bot = u32::from(bots.contains(player));
                let moment = Frame(frame.0 ^ peer.load << 20 ^ bot << 19);
                let input = self.case.input(peer.epoch, *player, moment);
                assert_eq!(peer.engine.add_local_input(me, input), Ok(frame));
                self.author(index, me, frame, input);
            }
        }
        assert_eq!(self.peers[index].engine.wanted_input(), None);
        let peer = &mut self.peers[index];
        let advance = peer.engine.advance(now);
        self.send(index);
        let peer = &mut self.peers[index];
        match advance {
            Advance::Run(mut batch) => {
                peer.game.run(&mut batch);
                peer.engine.complete(&mut batch).unwrap();
            }
            Advance::Wait(Wait::Ending { frame, .. }) => peer.ending = Some(frame),
            Advance::Wait(Wait::LocalInput { .. } | Wait::BatchOpen { .. }) => {
                panic!("the host did its part: {advance:?}")
            }
            Advance::Wait(Wait::Rejoining { .. }) => assert!(peer.engine.rejoining()),
            Advance::Wait(
                Wait::Window { .. }
                | Wait::NotStarted { .. }
                | Wait::Closing
                | Wait::Unconfirmed { .. }
                | Wait::Sealed,
            ) => {}
        }
        if let Some(end) = peer.ending
            && peer.engine.head() > end + 1
        {
            peer.ending = None;
            self.totals.ends_undone += 1;
        }
        self.drain(index);
        self.upload(index);
        self.report_costs(index);
        self.check_bounds(index);
        let peer = &self.peers[index];
        let late = match self.rng.percent(self.case.hiccups) {
            true => self.rng.below(200_000),
            false => 0,
        };
        let due = peer.world_time(peer.engine.next_tick_at(now));
        let at = due.max(self.now_us + 100) + late;
        let load = peer.load;
        self.agenda.add(at, Happening::Tick { peer: index, load });
    }

    fn send(&mut self, index: usize) {
        let mut sent = 0;
        let mut shown = Vec::new();
        while let Some(packet) = self.peers[index].engine.poll_packet() {
            if packet.link.0 >= seats::FIRST {
                shown.push((packet.link, packet.bytes.to_vec()));
                continue;
            }
            sent += 1;
            assert!(packet.bytes.len() <= wire::MAX_PACKET_BYTES);
            self.totals.longest_packet = self.totals.longest_packet.max(packet.bytes.len());
            let way = (index, usize::from(packet.link.0));
            self.network
                .send(&mut self.agenda, self.now_us, way, packet.bytes.to_vec());
        }
        let links = self.peers.len() - 1 - self.peers[index].left.len();
        assert_eq!(sent, links, "one packet per link and tick");
        for (link, bytes) in shown {
            self.show(link, bytes);
        }
    }

    pub(crate) fn drain(&mut self, index: usize) {
        let now_us = self.now_us;
        let peer = &mut self.peers[index];
        let now = peer.now(now_us);
        let local = self.case.local(index);
        while let Some(event) = peer.engine.poll_event() {
            if let Event::Received {
                link,
                player,
                first,
                inputs,
                ..
            } = &event
            {
                let author = self.case.local(usize::from(link.0)).contains(&player.0);
                let bot = self.authority.decisions.get(&player.0);
                let bot = bot.is_some_and(|(_, from)| first >= from);
                self.totals.attested += u64::from(!author && !bot && !local.contains(&player.0));
                self.journal.received(peer.epoch, *player, *first, inputs);
                let given_back = local.contains(&player.0);
                assert!(!given_back || peer.load > 0);
                self.totals.given_back += u64::from(given_back);
            }
            peer.log.take(event, now);
        }
        if !peer.engine.rejoining() {
            peer.history = None;
        }
        if self.closing.is_none_or(|epoch| epoch < peer.epoch)
            && self
                .peers
                .iter()
                .all(|peer| peer.log.sealed.is_some() && !peer.away)
        {
            self.close();
        }
    }

    /// All have sealed: the next episode begins at each peer, not at the same time.
    fn close(&mut self) {
        let epoch = self.peers[0].epoch;
        assert!(self.peers.iter().all(|peer| peer.epoch == epoch));
        self.closing = Some(epoch);
        for peer in 0..self.peers.len() {
            let at = self.now_us + self.rng.below(400_000);
            self.agenda.add(at, Happening::NextEpisode { peer });
        }
    }

    fn next_episode(&mut self, index: usize) {
        self.count(index);
        let peer = &self.peers[index];
        let (epoch, offset, drift) = (peer.epoch + 1, peer.clock_offset, peer.drift_ppm);
        let load = peer.load;
        let mut next = self.peer(index, epoch, offset, drift);
        next.load = load;
        let last = std::mem::replace(&mut self.peers[index], next);
        self.finished[index].push(last.log);
    }

    pub(crate) fn count(&mut self, index: usize) {
        self.count_hardships(index);
        let peer = &self.peers[index];
        let counters = peer.engine.counters();
        assert_eq!(counters.conflicts, 0);
        assert_eq!(counters.inputs_beyond_horizon, 0);
        let refused = counters.refused;
        let others = refused.other_epoch + refused.unknown_tag;
        let pages = counters.refused.older_incarnation + counters.refused.other_addressee;
        assert_eq!(refused.total(), others + pages + refused.link_left);
        let totals = &mut self.totals;
        totals.other_page_load += pages;
        totals.frames += peer.log.confirmed.len() as u64;
        totals.rollbacks += counters.rollbacks;
        totals.resimulated += counters.resimulated_frames;
        totals.right += counters.predictions_right;
        totals.wrong += counters.predictions_wrong;
        totals.stalls += counters.stalls;
        totals.other_epoch += others;
        for other in (0..self.peers.len()).filter(|other| *other != index) {
            let link = LinkId(other as u8);
            let stats = peer.engine.link_stats(link).expect("there is a link");
            totals.reordered += stats.packets_reordered;
            totals.duplicated += stats.packets_duplicated;
        }
        for fact in &peer.log.confirmed {
            let other = |input: &&Input| **input != crate::case::default_input();
            totals.inputs_not_default += fact.inputs.iter().filter(other).count() as u64;
        }
        let wrong = peer.log.predicted_wrong.iter();
        totals.shown_wrong += wrong.filter(|wrong| !wrong.is_empty()).count() as u64;
    }

    /// The most frames that any peer has confirmed, or of which the server has inputs.
    fn longest(&self, epoch: u32) -> usize {
        let here = self.peers.iter().filter(|peer| peer.epoch == epoch);
        let confirmed = here.map(|peer| peer.log.confirmed.len());
        let durable = self.journal.history(epoch);
        confirmed
            .chain(durable.iter().map(Vec::len))
            .max()
            .unwrap_or(0)
    }

    fn start_delay(&self, peer: usize) -> u64 {
        self.start_delays.get(peer).copied().unwrap_or(0)
    }

    fn check_bounds(&self, index: usize) {
        let peer = &self.peers[index];
        let window = self.case.window();
        let held = peer.engine.held();
        let marked = match peer.engine.confirmed() {
            // While it catches up, a page load holds what anybody has of the episode; what came with
            // its history stays until every link has told.
            _ if peer.load > 0 => self.longest(peer.epoch),
            Some(confirmed) => (confirmed - peer.durable) as usize,
            None => 0,
        };
        assert!(held.records <= window + 1, "{held:?}");
        let unmarked = held.inputs.saturating_sub(marked);
        assert!(unmarked <= 3 * (window + 40) + 64, "{held:?} {marked}");
        let confirmed = peer.log.confirmed.len();
        assert!(held.hashes <= confirmed, "{held:?}");
        assert_eq!(held.events, 0);
        assert!(peer.game.saved() <= window + 2, "{}", peer.game.saved());
    }
}

impl Peer {
    pub(crate) fn now(&self, world_us: u64) -> Micros {
        local_time(world_us, self.clock_offset, self.drift_ppm)
    }

    fn world_time(&self, local: Micros) -> u64 {
        let scaled = i128::from(local.0.saturating_sub(self.clock_offset)) * 1_000_000;
        (scaled / i128::from(1_000_000 + self.drift_ppm)) as u64 + 1
    }
}

/// No clock shows less, however it is set.
const FIRST_US: u64 = 100_000_000;

fn local_time(world_us: u64, offset: u64, drift_ppm: i64) -> Micros {
    let scaled = i128::from(world_us) * i128::from(1_000_000 + drift_ppm) / 1_000_000;
    Micros(offset + scaled as u64)
}
