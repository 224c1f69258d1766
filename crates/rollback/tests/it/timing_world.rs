//! Peers that play for minutes over ways of their own, with clocks of their own: who shows which
//! frame when.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use igym_rollback::{
    Advance, Builder, Counters, DelayPolicy, Engine, Event, Frame, Input, LinkId, LinkStats,
    Micros, PlayerIndex, wire,
};

use crate::game::Game;
use crate::host::{Ear, FRAME, endless};
use crate::rng::Rng;

pub(crate) const FRAME_US: i64 = FRAME.as_micros() as i64;

/// What a liar makes of a packet before it is sent.
pub(crate) type Lie = fn(&mut wire::Body);

/// How peers, one player each, are set up, and what happens to them. Times are in ms of the world's
/// clock.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) peers: usize,
    pub(crate) window_ms: u64,
    pub(crate) delays: Vec<u32>,
    pub(crate) policy: DelayPolicy,
    /// From the smaller to the greater number, and back, in µs.
    pub(crate) ways_us: [u64; 2],
    /// Another latency for all packets of one peer, in µs.
    pub(crate) far: Option<(usize, u64)>,
    pub(crate) jitter_us: u64,
    pub(crate) loss: u32,
    /// Of each peer's clock, in parts per million.
    pub(crate) drift_ppm: Vec<i64>,
    /// By how much later each peer's frame 0 is due.
    pub(crate) late_ms: Vec<u64>,
    /// A late peer's host does not tick before.
    pub(crate) unheard: bool,
    /// Timers ring up to so much later than asked, in µs.
    pub(crate) timers_us: u64,
    /// Nothing comes through meanwhile.
    pub(crate) blackout_ms: Range<u64>,
    /// A peer's host stands still meanwhile.
    pub(crate) frozen: Option<(usize, Range<u64>)>,
    /// The hosts of one peer cannot tick faster than this.
    pub(crate) slow: Option<(usize, Duration)>,
    /// A peer's clock is set at this time, by so much.
    pub(crate) set: Option<(usize, u64, i64)>,
    pub(crate) liar: Option<(usize, Lie)>,
    /// Hosts ask after every packet when to tick.
    pub(crate) eager: bool,
    /// Delays that hosts set, of a peer at a time.
    pub(crate) turns: Vec<(usize, u64, u32)>,
    pub(crate) latency_changes: Vec<(u64, [u64; 2])>,
}

impl Setting {
    /// Two peers, a round trip of 100 ms, nothing else.
    pub(crate) fn new(peers: usize) -> Setting {
        Setting {
            peers,
            window_ms: 500,
            delays: vec![2; peers],
            policy: DelayPolicy::Fixed,
            ways_us: [50_000; 2],
            far: None,
            jitter_us: 0,
            loss: 0,
            drift_ppm: vec![0; peers],
            late_ms: vec![0; peers],
            unheard: false,
            timers_us: 0,
            blackout_ms: 0..0,
            frozen: None,
            slow: None,
            set: None,
            liar: None,
            eager: false,
            turns: Vec::new(),
            latency_changes: Vec::new(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) engine: Engine,
    game: Game,
    rng: Rng,
    input: u8,
    clock_offset: i64,
    drift_ppm: i64,
    /// When each frame was shown, on the world's clock, in µs.
    pub(crate) shown: Vec<u64>,
    /// The same, and when the tick was due, on its own clock.
    pub(crate) due: Vec<u64>,
    /// Frames simulated again so far, when each frame was shown.
    again: Vec<u64>,
    /// When it stalled.
    pub(crate) stalls: Vec<u64>,
    /// The frames that its inputs were taken for, in order, and with which delay.
    pub(crate) authored: Vec<(Frame, u32)>,
    pub(crate) filled: Vec<(Frame, usize)>,
    pub(crate) announced: Vec<(PlayerIndex, Frame, u32)>,
    pub(crate) inputs: Vec<Input>,
    /// Of all players, as confirmed.
    pub(crate) confirmed: Vec<Vec<Input>>,
    packets: u64,
    ticks: u64,
}

#[derive(Debug)]
enum Happening {
    Tick(usize, u64),
    Arrival(usize, usize, Vec<u8>),
}

#[derive(Debug)]
pub(crate) struct TimingWorld {
    setting: Setting,
    pub(crate) players: Vec<Player>,
    agenda: BTreeMap<(u64, u64), Happening>,
    count: u64,
    now_us: u64,
    rng: Rng,
    ears: BTreeMap<(usize, usize), Ear>,
}

impl TimingWorld {
    /// Plays for so many seconds.
    pub(crate) fn play(setting: Setting, seconds: u64) -> TimingWorld {
        let mut world = TimingWorld::new(setting);
        world.run(seconds);
        world
    }

    pub(crate) fn new(setting: Setting) -> TimingWorld {
        let mut rng = Rng(7);
        let mut world = TimingWorld {
            players: Vec::new(),
            agenda: BTreeMap::new(),
            count: 0,
            now_us: 0,
            ears: BTreeMap::new(),
            rng: rng.clone(),
            setting,
        };
        for peer in 0..world.setting.peers {
            let late_us = world.setting.late_ms[peer] * 1000;
            let clock_offset = 1 + rng.below(1 << 40) as i64;
            let drift_ppm = world.setting.drift_ppm[peer];
            let start = local(500_000 + late_us, clock_offset, drift_ppm);
            let builder = Engine::builder()
                .players(world.setting.peers)
                .local([PlayerIndex(peer as u8)])
                .frame_duration(FRAME)
                .window(Duration::from_millis(world.setting.window_ms))
                .input_delay(world.setting.delays[peer])
                .delay_policy(world.setting.policy)
                .start_at(Micros(start));
            world
                .players
                .push(Player::new(builder, clock_offset, drift_ppm));
            let begins = match world.setting.unheard {
                true => 500_000 + late_us,
                false => rng.below(16_667),
            };
            world.add(begins, Happening::Tick(peer, 0));
        }
        world
    }

    fn add(&mut self, at: u64, happening: Happening) {
        self.count += 1;
        self.agenda.insert((at, self.count), happening);
    }

    pub(crate) fn run(&mut self, seconds: u64) {
        while let Some(entry) = self.agenda.first_entry()
            && entry.key().0 <= seconds * 1_000_000
        {
            self.now_us = entry.key().0;
            match entry.remove() {
                Happening::Tick(peer, number) => {
                    if self.players[peer].ticks == number {
                        self.tick(peer);
                    }
                }
                Happening::Arrival(from, to, bytes) => self.arrive(from, to, &bytes),
            }
        }
    }

    fn local(&self, peer: usize) -> Micros {
        let player = &self.players[peer];
        let mut offset = player.clock_offset;
        if let Some((who, at_ms, by)) = self.setting.set
            && who == peer
            && self.now_us >= at_ms * 1000
        {
            offset += by;
        }
        Micros(local(self.now_us, offset, player.drift_ppm))
    }

    fn arrive(&mut self, from: usize, to: usize, bytes: &[u8]) {
        if let Some((who, when)) = &self.setting.frozen
            && *who == to
            && when.contains(&(self.now_us / 1000))
        {
            // It waits in the host's queue.
            let end = when.end * 1000;
            return self.add(end, Happening::Arrival(from, to, bytes.to_vec()));
        }
        let now = self.local(to);
        let player = &mut self.players[to];
        let taken = player.engine.handle_packet(LinkId(from as u8), bytes, now);
        assert!(taken.is_ok() || self.setting.liar.is_some(), "{taken:?}");
        player.drain(self.now_us);
        if self.setting.eager && player.engine.next_tick_at(now) <= now {
            self.tick(to);
        }
    }

    fn tick(&mut self, peer: usize) {
        let now = self.local(peer);
        let world_ms = self.now_us / 1000;
        for (who, at_ms, frames) in self.setting.turns.clone() {
            if who == peer && world_ms >= at_ms {
                self.setting
                    .turns
                    .retain(|turn| *turn != (who, at_ms, frames));
                let me = PlayerIndex(peer as u8);
                self.players[peer]
                    .engine
                    .set_input_delay(me, frames)
                    .unwrap();
            }
        }
        let player = &mut self.players[peer];
        player.ticks += 1;
        let due = player.engine.next_tick_at(now);
        player.author(PlayerIndex(peer as u8));
        let head = player.engine.head();
        let advance = player.engine.advance(now);
        let mut packets = Vec::new();
        while let Some(packet) = player.engine.poll_packet() {
            packets.push((usize::from(packet.link.0), packet.bytes.to_vec()));
        }
        player.packets += packets.len() as u64;
        if let Advance::Run(mut batch) = advance {
            player.game.run(&mut batch);
            player.engine.complete(&mut batch).unwrap();
        }
        if player.engine.head() > head {
            player.due.push(due.0.min(now.0));
        }
        player.drain(self.now_us);
        for (to, bytes) in packets {
            self.send(peer, to, bytes);
        }
        self.plan_tick(peer, now);
    }

    fn plan_tick(&mut self, peer: usize, now: Micros) {
        let player = &self.players[peer];
        let wait = player.engine.next_tick_at(now).since(now).as_micros() as u64;
        let wait = wait * 1_000_000 / (1_000_000 + player.drift_ppm) as u64;
        let mut at = self.now_us + wait.max(50) + self.rng.below(self.setting.timers_us + 1);
        if let Some((who, least)) = self.setting.slow
            && who == peer
        {
            at = at.max(self.now_us + least.as_micros() as u64);
        }
        if let Some((who, when)) = &self.setting.frozen
            && *who == peer
            && when.contains(&(at / 1000))
        {
            at = when.end * 1000 + 500;
        }
        let number = self.players[peer].ticks;
        self.add(at, Happening::Tick(peer, number));
    }

    fn send(&mut self, from: usize, to: usize, mut bytes: Vec<u8>) {
        if let Some((who, lie)) = self.setting.liar
            && who == from
        {
            bytes = self.ears.entry((from, to)).or_default().retell(&bytes, lie);
        }
        let blackout = self.setting.blackout_ms.contains(&(self.now_us / 1000));
        if blackout || self.rng.percent(self.setting.loss) {
            return;
        }
        let changes = self.setting.latency_changes.iter();
        let ways = changes.rev().find(|(at_ms, _)| self.now_us >= at_ms * 1000);
        let ways = ways.map_or(self.setting.ways_us, |(_, ways)| *ways);
        let mut way = ways[usize::from(from > to)];
        if let Some((far, us)) = self.setting.far
            && (far == from || far == to)
        {
            way = us;
        }
        let at = self.now_us + way + self.rng.below(self.setting.jitter_us + 1);
        self.add(at, Happening::Arrival(from, to, bytes));
    }

    pub(crate) fn counters(&self, peer: usize) -> Counters {
        self.players[peer].engine.counters()
    }

    pub(crate) fn stats(&self, peer: usize, of: usize) -> LinkStats {
        let stats = self.players[peer].engine.link_stats(LinkId(of as u8));
        stats.unwrap()
    }

    /// The frames that all peers showed between these seconds.
    fn frames(&self, seconds: Range<f64>) -> Range<usize> {
        let mut frames = 0..usize::MAX;
        for player in &self.players {
            let before = |at: f64| player.shown.partition_point(|us| (*us as f64) < at * 1e6);
            frames.start = frames.start.max(before(seconds.start));
            frames.end = frames.end.min(before(seconds.end));
        }
        frames
    }

    /// The greatest difference between the times at which two peers showed one frame, in µs.
    pub(crate) fn skew_us(&self, seconds: Range<f64>) -> u64 {
        let frames = self.frames(seconds);
        assert!(frames.len() > 20, "{frames:?}");
        let spread = frames.map(|frame| {
            let times = self.players.iter().map(|player| player.shown[frame]);
            times.clone().max().unwrap_or(0) - times.min().unwrap_or(0)
        });
        spread.max().unwrap_or(0)
    }

    /// Frames that one peer simulated again between these seconds.
    pub(crate) fn again(&self, peer: usize, seconds: Range<f64>) -> u64 {
        let frames = self.frames(seconds);
        let again = &self.players[peer].again;
        again[frames.end - 1] - again[frames.start]
    }

    /// By how many percent of the greater the frames simulated again differ.
    pub(crate) fn unfairness(&self, seconds: Range<f64>) -> f64 {
        let again = (0..self.players.len()).map(|peer| self.again(peer, seconds.clone()));
        let most = again.clone().max().unwrap_or(0);
        let least = again.min().unwrap_or(0);
        assert!(most > 50, "there is something to compare: {most}");
        (most - least) as f64 * 100.0 / most as f64
    }

    /// Stalls of all peers between these seconds.
    pub(crate) fn stalls(&self, seconds: Range<f64>) -> usize {
        let within = |us: &&u64| seconds.contains(&(**us as f64 / 1e6));
        let players = self.players.iter();
        players
            .map(|player| player.stalls.iter().filter(within).count())
            .sum()
    }

    /// The shortest and the longest time between two frames of a peer, on its own clock, of the
    /// times that the engine asked for, as parts of a frame.
    pub(crate) fn lengths(&self, peer: usize, seconds: Range<f64>) -> (f64, f64) {
        let frames = self.frames(seconds);
        let due = self.players[peer].due.get(frames).unwrap_or_default();
        let lengths = due.windows(2).map(|two| two[1].saturating_sub(two[0]));
        let parts = |us: Option<u64>| us.unwrap_or(0) as f64 / FRAME_US as f64;
        (parts(lengths.clone().min()), parts(lengths.max()))
    }

    /// Frames per second of the world's clock.
    pub(crate) fn rate(&self, seconds: Range<f64>) -> f64 {
        self.frames(seconds.clone()).len() as f64 / (seconds.end - seconds.start)
    }
}

/// The figures of a run, for a message.
impl fmt::Display for TimingWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.now_us as f64 / 1e6;
        for from in [1.0_f64, 3.0, 6.0, 10.0, 30.0, 60.0, 90.0] {
            let until = (from * 1.5).min(end);
            if until - from >= 0.5 && self.frames(from..until).len() > 20 {
                let skew = self.skew_us(from..until);
                writeln!(f, "{from} to {until} s: skew at most {skew} µs")?;
            }
        }
        for (peer, player) in self.players.iter().enumerate() {
            let again = self.counters(peer).resimulated_frames;
            let (least, most) = self.lengths(peer, 1.0..end);
            writeln!(
                f,
                "peer {peer}: head {}, {again} frames again, ticks {least:.3} to {most:.3} frames, {} stalls, first at {:?}",
                player.engine.head(),
                player.stalls.len(),
                player
                    .stalls
                    .iter()
                    .map(|us| us / 1000)
                    .take(9)
                    .collect::<Vec<_>>(),
            )?;
            for other in (0..self.players.len()).filter(|other| *other != peer) {
                let stats = self.stats(peer, other);
                writeln!(
                    f,
                    "  to {other}: lead {} µs, drift {} ppm, round trip {:?}, jitter {:?}",
                    stats.lead_us, stats.drift_ppm, stats.rtt_median, stats.jitter
                )?;
            }
        }
        Ok(())
    }
}

impl Player {
    fn new(builder: Builder, clock_offset: i64, drift_ppm: i64) -> Player {
        Player {
            engine: builder.build().unwrap(),
            game: Game::new(endless()),
            // All change their keys in the same frames, so that their rollbacks can be compared.
            rng: Rng(3),
            input: 0,
            clock_offset,
            drift_ppm,
            shown: Vec::new(),
            due: Vec::new(),
            again: Vec::new(),
            stalls: Vec::new(),
            authored: Vec::new(),
            filled: Vec::new(),
            announced: Vec::new(),
            inputs: Vec::new(),
            confirmed: Vec::new(),
            packets: 0,
            ticks: 0,
        }
    }

    /// Keys change eighteen times a second, as long as there is a frame that wants them.
    fn author(&mut self, me: PlayerIndex) {
        while let Some(frame) = self.engine.wanted_input() {
            if self.rng.percent(30) {
                self.input = self.rng.below(256) as u8;
            }
            let input = Input::new(&[self.input]).unwrap();
            let delay = frame.0 - self.engine.head().0;
            assert_eq!(self.engine.add_local_input(me, input), Ok(frame));
            self.authored.push((frame, delay));
            self.inputs.push(input);
        }
    }

    fn drain(&mut self, now_us: u64) {
        let again = self.engine.counters().resimulated_frames;
        while let Some(event) = self.engine.poll_event() {
            match event {
                Event::Presented { frame, .. } => {
                    assert_eq!(frame.0 as usize, self.shown.len());
                    self.shown.push(now_us);
                    self.again.push(again);
                }
                Event::Confirmed(frame) => self.confirmed.push(frame.inputs.to_vec()),
                Event::Stalled { .. } => self.stalls.push(now_us),
                Event::DelayAnnounced {
                    player,
                    from,
                    frames,
                } => self.announced.push((player, from, frames)),
                Event::Filled { first, inputs, .. } => {
                    self.filled.push((first, inputs.len()));
                    let last = self.inputs.last().copied().unwrap_or_default();
                    assert!(inputs.iter().all(|input| *input == last));
                    self.inputs.extend(inputs);
                }
                Event::Received { .. }
                | Event::Rollback { .. }
                | Event::Resumed
                | Event::Desync { .. }
                | Event::Sealed { .. }
                | Event::Resynced { .. }
                | Event::Closed { .. } => {}
            }
        }
    }
}

fn local(world_us: u64, offset: i64, drift_ppm: i64) -> u64 {
    let scaled = i128::from(world_us) * i128::from(1_000_000 + drift_ppm) / 1_000_000;
    (i128::from(offset) + 20_000_000 + scaled) as u64
}
