//! The engine: getters, `handle_packet`, commands, polls. The work of a tick is in `tick`.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::builder::Config;
use crate::close::Closing;
use crate::compare::{Difference, History};
use crate::delay::Delays;
use crate::event::Events;
use crate::inputs::Inputs;
use crate::leave::Move;
use crate::link::{Link, Terms};
use crate::pace::Pace;
use crate::rejoin::{MAX_RETURNED_FRAMES, Presence};
use crate::snapshots::Snapshots;
use crate::tick::OpenBatch;
use crate::timeline::Timeline;
use crate::types::InputList;
use crate::wire::{Body, Configuration};
use crate::{
    Advance, Batch, Builder, ChainHash, CompleteError, Costs, Counters, Event, Evidence, Frame,
    Held, Incarnation, Input, InputError, LinkId, LinkStats, MAX_INPUT_DELAY, Micros, PacketError,
    PlayerIndex, PlayerSet,
};

/// Frames by which a peer may be ahead of what it can be, before its inputs are left for later.
const HORIZON_MARGIN: u32 = 8;

/// Bytes for the peer at the other end of a link, lent until the next packet is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Where to send it.
    pub link: LinkId,
    /// What to send: one datagram, at most [`MAX_PACKET_BYTES`](crate::wire::MAX_PACKET_BYTES).
    pub bytes: &'a [u8],
}

/// The packets of a tick, in memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    /// One per link.
    buffers: Vec<Vec<u8>>,
    taken: usize,
}

impl Packets {
    pub(crate) fn begin(&mut self, links: usize) {
        self.buffers.resize_with(links, Vec::new);
        self.taken = 0;
    }

    pub(crate) fn buffers(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        self.buffers.iter_mut()
    }

    fn pop(&mut self) -> Option<(usize, &[u8])> {
        // Nothing is made for a link that was left.
        while self.buffers.get(self.taken)?.is_empty() {
            self.taken += 1;
        }
        let index = self.taken;
        self.taken += 1;
        Some((index, &self.buffers[index]))
    }
}

/// One peer's view of one episode.
///
/// One mutation, then drain: after each call that takes `&mut self`, take all packets and events.
/// Between [`advance`](Engine::advance) with a batch and [`complete`](Engine::complete) nothing
/// else is accepted, but packets can be taken and should be: they do not wait for the simulation.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) inputs: Inputs,
    pub(crate) timeline: Timeline,
    pub(crate) snapshots: Snapshots,
    pub(crate) history: History,
    pub(crate) evidence: Option<Evidence>,
    /// The state that the next batch begins with, at the host's wish.
    pub(crate) reload: Option<Frame>,
    pub(crate) links: Vec<Link>,
    pub(crate) pace: Pace,
    pub(crate) delays: Delays,
    pub(crate) presence: Presence,
    /// Older page loads of ours authored nothing from here on, as far as honest peers know.
    older_until: Frame,
    /// Inputs of earlier frames will not be asked for by any page load.
    pub(crate) durable: Frame,
    pub(crate) open: Option<OpenBatch>,
    pub(crate) batches: u64,
    /// h of the last confirmed frame.
    pub(crate) hash: ChainHash,
    pub(crate) sealed: Option<Frame>,
    pub(crate) closing: Closing,
    /// Players whose author changed, at most one of each.
    pub(crate) moves: Vec<Move>,
    pub(crate) stalled: Option<PlayerIndex>,
    pub(crate) counters: Counters,
    pub(crate) events: Events,
    pub(crate) packets: Packets,
    /// The memory of the next batch.
    pub(crate) spare: Batch,
    /// The memory for inputs of a packet.
    fresh: InputList,
    /// The memory for a packet at hand.
    pub(crate) scratch: Scratch,
}

/// Memory that is used again, and tells nothing.
#[derive(Default)]
pub(crate) struct Scratch(pub(crate) Option<Box<Body>>);

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}

impl Engine {
    /// An engine with settings to be chosen.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(
        config: Config,
        links: Vec<(LinkId, PlayerSet)>,
        history: Vec<Vec<Input>>,
    ) -> Engine {
        let us = config.header();
        let origin = config.origin;
        let plain = config.default_input.as_slice().len();
        let mut engine = Engine {
            inputs: Inputs::new(
                config.players,
                config.prediction.clone(),
                config.default_input,
            ),
            snapshots: Snapshots::new(
                config.snapshots,
                config.window,
                config.frame_us,
                config.kept_states,
            ),
            timeline: Timeline::default(),
            history: History::begin_at(
                origin,
                config.genesis_at_origin,
                config.window,
                config.kept_hashes,
            ),
            evidence: None,
            reload: None,
            links: links
                .into_iter()
                .map(|(id, players)| Link::new(id, us, plain, players, config.local))
                .collect(),
            pace: Pace::new(config.frame_us, config.start_at, config.window),
            delays: Delays::new(config.delay_policy, config.players, &config.delays),
            presence: Presence::Live,
            older_until: Frame(0),
            durable: Frame(0),
            open: None,
            batches: 0,
            hash: config.genesis_at_origin,
            sealed: None,
            closing: Closing::Open,
            moves: Vec::new(),
            stalled: None,
            counters: Counters::default(),
            events: Events::default(),
            packets: Packets::default(),
            spare: Batch::default(),
            fresh: InputList::default(),
            scratch: Scratch::default(),
            config,
        };
        engine.timeline.begin_at(origin);
        engine.inputs.begin_at(origin);
        if engine.config.rejoined || engine.config.spectates {
            for (player, inputs) in (0..).map(PlayerIndex).zip(history) {
                for input in inputs {
                    engine.enter(player, input.as_slice());
                }
            }
        }
        if engine.config.rejoined && !engine.config.spectates {
            let known = engine.config.local.iter();
            let known = known.map(|player| engine.inputs.of(player).end());
            engine.older_until = known.max().unwrap_or_default() + MAX_RETURNED_FRAMES;
            engine.presence = Presence::Learning;
            engine.settle();
        } else {
            engine.author_lead();
        }
        engine
    }

    /// A digest of what all peers must have set alike. Packets of a peer that has another are refused;
    /// a host can compare them before play.
    pub fn configuration(&self) -> Configuration {
        self.config.digest
    }

    /// The next frame to simulate. It goes back where a rollback finds an earlier end.
    pub fn head(&self) -> Frame {
        self.timeline.head()
    }

    /// The last confirmed frame.
    pub fn confirmed(&self) -> Option<Frame> {
        self.timeline.base().0.checked_sub(1).map(Frame)
    }

    /// The last frame of the episode, once it is confirmed.
    pub fn sealed(&self) -> Option<Frame> {
        self.sealed
    }

    /// The player for whom the head stands still at the end of the window.
    pub fn stalled(&self) -> Option<PlayerIndex> {
        self.stalled
    }

    /// True for an engine with a history, until it has caught up and plays, or has sealed.
    pub fn rejoining(&self) -> bool {
        self.presence != Presence::Live && self.sealed.is_none()
    }

    /// How many frames from 0 have default inputs, authored by the engine itself because no input
    /// could be sampled that early: as many as the input delay to begin with. Of several local
    /// players the most; each has its own. Of an engine that rejoins, those of them that nobody
    /// holds.
    pub fn lead(&self) -> u32 {
        let delays = self.config.delays.iter().map(|(_, frames)| *frames);
        delays.max().unwrap_or(0)
    }

    /// The first frame (up to head + delay) for which a local player's input is missing. Give each
    /// local player's input until there is none; of players with different delays,
    /// [`wanted_input_of`](Engine::wanted_input_of) says who is asked. The input delay with which it
    /// is used, to be recorded, is this frame less the [`head`](Engine::head).
    pub fn wanted_input(&self) -> Option<Frame> {
        let local = self.config.local.iter();
        local.filter_map(|p| self.wanted_input_of(p)).min()
    }

    /// As [`wanted_input`](Engine::wanted_input), of one local player.
    pub fn wanted_input_of(&self, player: PlayerIndex) -> Option<Frame> {
        self.may_author(player).ok()?;
        let end = self.inputs.of(player).end();
        (end <= self.last_wanted(player)).then_some(end)
    }

    /// What was measured of a link since the engine was built; `None` if there is no such link.
    pub fn link_stats(&self, link: LinkId) -> Option<LinkStats> {
        let link = self.links.iter().find(|other| other.id == link)?;
        Some(link.stats())
    }

    /// What the engine did since it was built.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// What the engine holds now.
    pub fn held(&self) -> Held {
        Held {
            inputs: self.inputs.longest(),
            records: self.timeline.len(),
            hashes: self.history.len(),
            events: self.events.len(),
        }
    }

    /// When the next tick is due; in the past if the host is late, which then ticks again at once.
    /// Ask after each tick.
    pub fn next_tick_at(&self, now: Micros) -> Micros {
        let patient = self.config.spectates && !self.spectator_hurries();
        let behind = |end| !patient && self.timeline.head() < end && self.pace.started(now);
        if self.catch_up_end().is_some_and(behind) {
            return now;
        }
        self.pace.next(now)
    }

    /// Takes a packet that came over `link`. An error changes nothing but a counter.
    pub fn handle_packet(
        &mut self,
        link: LinkId,
        bytes: &[u8],
        now: Micros,
    ) -> Result<(), PacketError> {
        let result = self.take_packet(link, bytes, now);
        if let Err(error) = &result {
            let refused = &mut self.counters.refused;
            *match error {
                PacketError::UnknownLink { .. } => &mut refused.unknown_link,
                PacketError::LinkLeft { .. } => &mut refused.link_left,
                PacketError::OtherVersion { .. } => &mut refused.other_version,
                PacketError::Malformed(_) => &mut refused.malformed,
                PacketError::OtherEpoch { .. } => &mut refused.other_epoch,
                PacketError::OtherConfiguration { .. } => &mut refused.other_configuration,
                PacketError::UnknownTag => &mut refused.unknown_tag,
                PacketError::OlderIncarnation { .. } => &mut refused.older_incarnation,
                PacketError::OtherAddressee { .. } => &mut refused.other_addressee,
                PacketError::Impossible(_) => &mut refused.impossible,
                PacketError::BatchOpen { .. } => &mut refused.batch_open,
            } += 1;
        }
        result
    }

    /// Gives a local player's input for the next frame that wants one, and returns that frame. It
    /// is final.
    pub fn add_local_input(
        &mut self,
        player: PlayerIndex,
        input: Input,
    ) -> Result<Frame, InputError> {
        self.may_author(player)?;
        let frame = self.inputs.of(player).end();
        if frame > self.last_wanted(player) {
            return Err(InputError::NotWanted {
                player,
                next: frame,
            });
        }
        self.enter(player, input.as_slice());
        Ok(frame)
    }

    /// Lets the engine forget inputs of frames before `frame`, once it has no use for them itself:
    /// the journal holds all players' inputs up to there, and any later page load of any peer gets
    /// them as its history. Without a call, the inputs of the whole episode are kept for peers that
    /// rejoin: of each player a byte and the input whenever it changes. A mark never goes back.
    pub fn set_durable(&mut self, frame: Frame) {
        self.durable = self.durable.max(frame);
        self.forget();
    }

    /// One tick: what to simulate, or why nothing. Makes one packet per link either way; one that
    /// was not taken since the last tick is dropped.
    pub fn advance(&mut self, now: Micros) -> Advance {
        match self.tick(now) {
            Some(wait) => Advance::Wait(wait),
            None => Advance::Run(core::mem::take(&mut self.spare)),
        }
    }

    /// Takes the open batch back, with an answer to each step up to the first terminal one. An error
    /// changes nothing; else the batch is empty after it.
    pub fn complete(&mut self, batch: &mut Batch) -> Result<(), CompleteError> {
        self.take_results(batch)
    }

    /// What the host's work costs, measured lately: an average, say, of the latest batch. Smoothed
    /// here; of use with [`SnapshotPolicy::Measured`](crate::SnapshotPolicy::Measured).
    pub fn report_costs(&mut self, costs: Costs) {
        self.snapshots.report(costs);
    }

    /// A packet to send. Packets that were not taken are dropped at the next tick.
    pub fn poll_packet(&mut self) -> Option<Packet<'_>> {
        let (index, bytes) = self.packets.pop()?;
        let link = self.links[index].id;
        Some(Packet { link, bytes })
    }

    /// The next thing to know, oldest first.
    pub fn poll_event(&mut self) -> Option<Event<'_>> {
        self.events.pop()
    }

    pub(crate) fn last_wanted(&self, player: PlayerIndex) -> Frame {
        self.timeline.head() + self.delays.of(player)
    }

    pub(crate) fn may_author(&self, player: PlayerIndex) -> Result<(), InputError> {
        if let Some(open) = &self.open {
            return Err(InputError::BatchOpen { id: open.id });
        }
        if !self.config.local.contains(player) {
            return Err(InputError::NotLocal { player });
        }
        if self.sealed.is_some() {
            return Err(InputError::Sealed);
        }
        if self.closing() {
            return Err(InputError::Closed);
        }
        if !self.authorable(player) {
            let next = self.inputs.of(player).end();
            return Err(InputError::NotWanted { player, next });
        }
        match self.presence {
            Presence::Learning => Err(InputError::Rejoining),
            Presence::CatchingUp { .. } | Presence::Live => Ok(()),
        }
    }

    fn take_packet(&mut self, link: LinkId, bytes: &[u8], now: Micros) -> Result<(), PacketError> {
        if let Some(open) = &self.open {
            return Err(PacketError::BatchOpen { id: open.id });
        }
        let index = self
            .links
            .iter()
            .position(|other| other.id == link)
            .ok_or(PacketError::UnknownLink { link })?;
        if self.links[index].left {
            return Err(PacketError::LinkLeft { link });
        }
        let terms = Terms {
            rejoined: self.config.rejoined && !self.config.spectates,
            learning: match self.presence {
                Presence::Learning => Some(self.older_until),
                Presence::CatchingUp { .. } | Presence::Live => None,
            },
            inputs: &self.inputs,
            moves: &self.moves,
        };
        let mut body = self.scratch.0.take().unwrap_or_default();
        let taken = self.links[index].decode(bytes, now, &terms, &mut body);
        let greeting = terms.greeting(&body, &self.links[index].us);
        if let Ok(incarnation) = taken {
            // From here on the packet is taken.
            match greeting {
                true => _ = self.links[index].greet(incarnation, &body, bytes.len(), now),
                false => self.take_body(index, incarnation, &body, bytes.len(), now),
            }
        }
        self.scratch.0 = Some(body);
        taken.map(|_| ())
    }

    fn take_body(
        &mut self,
        index: usize,
        incarnation: Incarnation,
        body: &Body,
        size: usize,
        now: Micros,
    ) {
        let link = &mut self.links[index];
        let before = link.head();
        let newest = link.take(incarnation, body, size, now);
        if !link.watched {
            let difference = link.comparison.observe(&self.history, &body.hashes);
            self.tell_desync(index, difference);
        }
        self.enter_remote(index, body, now);
        let id = self.links[index].id;
        self.enter_given(id, body, now);
        if newest {
            if let Some(delays) = &body.delays {
                self.hear_delays(index, body.from, delays);
            }
            let advanced = before.is_none_or(|head| body.head > head);
            self.learn_place(index, body, advanced, now);
        }
        if self.links[index].counts() {
            // One who only watches brings nothing that a tick waits for.
            self.hurry(now);
        }
        self.settle();
    }

    /// No honest peer has inputs from this frame on: it has ours for all but its window, and sampled no
    /// later than its delay after its head. If our page was loaded again, its inputs may be older than
    /// what we know, and rest on some of ours that are lost.
    fn horizon(&self, link: &Link) -> Frame {
        let local = self.config.local.iter();
        let ours = local.map(|player| self.given_until(player)).min();
        let reach = self.config.window + MAX_INPUT_DELAY;
        let furthest = link.furthest(ours.unwrap_or_default(), reach);
        furthest.max(self.older_until) + (reach + HORIZON_MARGIN)
    }

    fn enter_remote(&mut self, index: usize, body: &Body, now: Micros) {
        let link = &self.links[index];
        let horizon = match self.config.spectates {
            true => self.spectator_horizon(),
            false => self.horizon(link),
        };
        let id = link.id;
        let local = self.config.local;
        let returned = body.to.iter().zip(body.returned.iter().flatten());
        let returned = returned.filter(move |(player, _)| local.contains(*player));
        for (player, sent) in link.theirs(body).chain(returned) {
            // What is given back was checked against the peer's acks.
            let local = local.contains(player);
            let first = self.inputs.of(player).end();
            self.counters.conflicts += self.inputs.of(player).conflicts(sent);
            let mut fresh = core::mem::take(&mut self.fresh);
            fresh.clear();
            for (frame, input) in sent.from(first) {
                if sent.first > first || !self.authorable(player) {
                    // What is before the new author's is to be given by others: see `leave`.
                    break;
                } else if local || frame < horizon {
                    self.enter(player, input.as_slice());
                    fresh.push(input.as_slice());
                } else {
                    self.counters.inputs_beyond_horizon += 1;
                }
            }
            if !fresh.is_empty() {
                let received = Event::Received {
                    link: id,
                    player,
                    first,
                    inputs: &[],
                    at: now,
                };
                self.events.push_lending(received, fresh.as_slice(), &[]);
            }
            self.fresh = fresh;
        }
    }

    /// The one path by which inputs enter, local and remote, in play, while stalled and while
    /// sealing. If the frame was simulated with a guess, the guess is judged here.
    pub(crate) fn enter(&mut self, player: PlayerIndex, input: &[u8]) {
        let frame = self.inputs.push(player, input);
        let Some(right) = self.timeline.check(frame, player, input) else {
            return;
        };
        let (rightly, wrongly) = (u64::from(right), u64::from(!right));
        self.counters.predictions_right += rightly;
        self.counters.predictions_wrong += wrongly;
        if let Some(stats) = self.stats_of(player) {
            stats.predictions_right += rightly;
            stats.predictions_wrong += wrongly;
        }
    }

    /// The statistics of the peer of a remote player.
    pub(crate) fn stats_of(&mut self, player: PlayerIndex) -> Option<&mut LinkStats> {
        let mut links = self.links.iter_mut();
        let link = links.find(|link| link.players.contains(player))?;
        Some(&mut link.stats)
    }

    pub(crate) fn tell_desync(&mut self, index: usize, difference: Option<Difference>) {
        let Some(difference) = difference else { return };
        let link = self.links[index].id;
        self.keep_evidence(link, &difference);
        self.events.push(Event::Desync {
            frame: difference.frame,
            link: self.links[index].id,
            ours: difference.ours,
            theirs: difference.theirs,
        });
    }
}
