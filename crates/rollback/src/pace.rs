//! When ticks are due: at the pace of the frame duration, bent by small changes of tick length so
//! that peers drift towards each other.
//!
//! The length of a tick is that of a frame, changed by the sum of two parts, for each peer. The first
//! makes us as slow as its clock, if that is slower: it is measured on the clocks themselves, so that
//! nobody slows down because another did. The second takes back our lead over it, in proportion, and
//! faster if it is more than a frame. We go with the peer that needs the longest ticks. A clock that
//! lies gains nothing for long: where it is not followed by its peer's inputs, the second part undoes
//! the first. The sum changes by little from tick to tick, and shortens a tick by one percent at most.
//!
//! Ticks that a host missed are made good at once, but no further than the inputs of the others
//! prove them to have played meanwhile.

use crate::types::as_micros;
use crate::wire::Body;
use crate::{Engine, Frame, Micros, PlayerIndex};

/// The most that a tick is shortened, in parts per million.
const MAX_SPEED_UP_PPM: i64 = 10_000;

/// The most that a tick is lengthened: a peer with a host that manages a third of the frames is
/// waited for without a stall.
const MAX_SLOW_DOWN_PPM: i64 = 2_000_000;

/// The most that the length changes from one tick to the next.
const MAX_CHANGE_PPM: i64 = 20_000;

/// How much of a lead is taken back in a second, and how much more of what is beyond a frame.
const GAIN: i64 = 1;
const GAIN_BEYOND_FRAME: i64 = 3;

/// Peers sway around their common place by this part of a frame, once in so many frames, each at
/// another time. Where packets arrive just when a tick is due, the least lead would otherwise cost
/// one peer a whole frame more in every rollback, for good.
const SWAY: i64 = 128;
const SWAY_FRAMES: i64 = 512;

/// A host that is late by no more than this many frames makes the ticks good at once.
const SLACK: u64 = 2;

/// For how long ticks that a late host missed can be made good, once it is known that the peers
/// made theirs.
const DEBT_TIME_US: u64 = 2_000_000;

/// What a peer can cost us by its word alone, and how much more of it for every million µs.
const CREDIT_US: i64 = 600_000;
const CREDIT_PPM: i64 = 2_000;

/// How long the beginning is put off, at most, for a peer that begins later.
const MAX_START_WAIT_US: u64 = 1_000_000;

/// What the links tell for the next tick.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steer {
    /// By how much it should be longer than a frame, in parts per million.
    pub(crate) change_ppm: i64,
    /// The inputs that came prove all peers to be further than we are after this tick.
    pub(crate) behind: bool,
}

#[derive(Debug)]
pub(crate) struct Pace {
    frame_us: u64,
    /// When the host would begin.
    own_start: Micros,
    /// When play begins: later, where a peer begins later.
    start_at: Micros,
    /// A host that is later than this does not catch up on all of it.
    catch_up_us: u64,
    due: Option<Micros>,
    last_tick: Micros,
    /// By how much ticks are longer than a frame, in parts per million.
    change_ppm: i64,
    /// Time lost, to be made good if the peers are ahead.
    debt_us: u64,
    debt_ends: Micros,
    /// Ticks spent at a speculative end.
    owed: u32,
}

impl Pace {
    pub(crate) fn new(frame_us: u64, start_at: Micros, window: u32) -> Pace {
        Pace {
            frame_us,
            own_start: start_at,
            start_at,
            catch_up_us: frame_us * u64::from(window.max(4)),
            due: None,
            last_tick: Micros(0),
            change_ppm: 0,
            debt_us: 0,
            debt_ends: Micros(0),
            owed: 0,
        }
    }

    pub(crate) fn started(&self, now: Micros) -> bool {
        now >= self.start_at
    }

    pub(crate) fn start_at(&self) -> Micros {
        self.start_at
    }

    /// How long until the host would begin.
    pub(crate) fn own_start_in(&self, now: Micros) -> Option<u32> {
        let left = as_micros(self.own_start.since(now));
        (!self.started(now)).then(|| u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// The last of all peers begins at this time of our clock. Before play, all wait for it.
    pub(crate) fn last_starts(&mut self, at: Option<Micros>, now: Micros) {
        if let Some(at) = at
            && !self.started(now)
        {
            let latest = Micros(self.own_start.0.saturating_add(MAX_START_WAIT_US));
            self.start_at = self.own_start.max(at.min(latest));
        }
    }

    /// When the next tick is due. Never more than two frames away once play began, so that a clock
    /// that steps back cannot stop it.
    pub(crate) fn next(&self, now: Micros) -> Micros {
        let due = match self.due {
            Some(due) => due,
            None if self.started(now) => self.start_at,
            None => now,
        };
        due.min(Micros(now.0.saturating_add(2 * self.frame_us)))
    }

    /// A tick happens now, with or without a new frame.
    pub(crate) fn tick(&mut self, now: Micros, advances: bool, steer: Steer) {
        self.last_tick = now;
        if !self.started(now) {
            // A grid that meets the start exactly.
            let ahead = self.start_at.0 - now.0;
            let whole = (ahead - 1) / self.frame_us;
            self.due = Some(Micros(self.start_at.0 - whole * self.frame_us));
            return;
        }
        let due = self.due.unwrap_or(now).max(self.start_at);
        let late = now.0.saturating_sub(due.0);
        let due = match late > SLACK * self.frame_us {
            true => {
                self.lend(late);
                now
            }
            // A host may be early, but not by more than a frame: its clock stepped back.
            false => due.min(Micros(now.0.saturating_add(self.frame_us))),
        };
        let length = self.length(steer);
        self.due = Some(match advances {
            true if steer.behind && self.owes(now) => {
                self.debt_us -= self.frame_us;
                now
            }
            true => Micros(due.0.saturating_add(length)),
            false => Micros(due.0.saturating_add(self.frame_us)),
        });
    }

    /// A tick of catching up: play goes on from now.
    pub(crate) fn hold(&mut self, now: Micros) {
        self.last_tick = now;
        self.due = Some(Micros(now.0.saturating_add(self.frame_us)));
    }

    /// What the head waited for has come: the tick is due at once.
    pub(crate) fn hurry(&mut self, now: Micros) {
        self.due = self.due.map(|due| due.min(now));
    }

    /// `ticks` were spent at what looked like the end.
    pub(crate) fn owe(&mut self, ticks: u32) {
        self.owed = self.owed.saturating_add(ticks);
    }

    /// The end was none: the ticks spent there can be made good.
    pub(crate) fn repay(&mut self) {
        self.lend(u64::from(self.owed).saturating_mul(self.frame_us));
        self.owed = 0;
    }

    fn lend(&mut self, time_us: u64) {
        let debt = match self.owes(self.last_tick) {
            true => self.debt_us.saturating_add(time_us),
            false => time_us,
        };
        self.debt_us = debt.min(self.catch_up_us);
        self.debt_ends = Micros(self.last_tick.0.saturating_add(DEBT_TIME_US));
    }

    /// There is a frame of time lost to be made good, if we are behind. A clock that leaps loses no
    /// time: we are not behind then.
    pub(crate) fn owes(&self, now: Micros) -> bool {
        self.debt_us >= self.frame_us && now <= self.debt_ends
    }

    fn length(&mut self, steer: Steer) -> u64 {
        let wanted = steer.change_ppm.clamp(-MAX_SPEED_UP_PPM, MAX_SLOW_DOWN_PPM);
        let change = wanted - self.change_ppm;
        self.change_ppm += change.clamp(-MAX_CHANGE_PPM, MAX_CHANGE_PPM);
        let length = self.frame_us * (1_000_000 + self.change_ppm).unsigned_abs();
        (length + 500_000) / 1_000_000
    }
}

/// What we still slow down for on a peer's word: an input delay that it announces can make it seem
/// further behind than its inputs say. An honest peer has caught up before the credit is used up.
#[derive(Debug)]
pub(crate) struct Credit {
    left_us: i64,
}

impl Default for Credit {
    fn default() -> Credit {
        Credit { left_us: CREDIT_US }
    }
}

impl Credit {
    /// The change of the next tick: `full`, or `sure` where there is no credit for the difference.
    fn spend(&mut self, full: i64, sure: i64, frame_us: i64) -> i64 {
        let more = full.min(MAX_SLOW_DOWN_PPM) - sure.min(MAX_SLOW_DOWN_PPM);
        if more <= 0 {
            self.left_us = CREDIT_US.min(self.left_us + frame_us * CREDIT_PPM / 1_000_000);
            return full;
        }
        let cost = more * frame_us / 1_000_000;
        if cost > self.left_us {
            self.left_us += frame_us * CREDIT_PPM / 1_000_000;
            return sure;
        }
        self.left_us -= cost;
        full
    }
}

/// By how much a tick should be longer for the sake of a peer with a clock that is so much slower.
fn longer_ppm(slower_ppm: i64) -> i64 {
    match slower_ppm {
        0 => 0,
        slower => slower * 1_000_000 / (1_000_000 - slower),
    }
}

/// By how much a tick should be longer to take back our lead over a peer.
fn correction_ppm(lead_us: i64, frame_us: i64) -> i64 {
    let beyond = lead_us.saturating_abs().saturating_sub(frame_us).max(0);
    // Microseconds per second are parts per million.
    GAIN.saturating_mul(lead_us)
        .saturating_add(GAIN_BEYOND_FRAME.saturating_mul(lead_us.signum() * beyond))
}

/// Where a player's peer is in its sway: between plus and minus [`SWAY_FRAMES`], evenly.
fn sway(player: PlayerIndex, players: usize, head: Frame) -> i64 {
    let phase = SWAY_FRAMES as u32 * u32::from(player.0) / players.max(1) as u32;
    let place = (i64::from(head.0) + i64::from(phase)) % SWAY_FRAMES;
    let up = 4 * place - SWAY_FRAMES;
    if up <= SWAY_FRAMES {
        up
    } else {
        2 * SWAY_FRAMES - up
    }
}

impl Engine {
    /// The head will be `head` after this tick, which simulates a new frame or not.
    pub(crate) fn set_pace(&mut self, now: Micros, head: Frame, advances: bool) {
        if self.rejoining() && self.pace.started(now) {
            self.pace.hold(now);
            return;
        }
        let position = self.position_us(head);
        let players = self.config.players;
        let frame_us = self.config.frame_us.cast_signed();
        let own = self.config.local.iter().next();
        let peers = self.links.iter_mut().filter(|link| link.counts());
        let changes = peers.filter_map(|link| {
            // A peer with a faster clock slows down to ours.
            let drift_ppm = link.clock.drift_ppm().unwrap_or(0).min(0);
            let lead = link.clock.lead(position, drift_ppm, now);
            link.stats.lead_us = lead.map_or(0, |lead| lead.us);
            // Nobody goes on slowly for one who is gone.
            let lead = lead?;
            let sways = own.zip(link.players.iter().next());
            let sways = sways.map_or(0, |(own, other)| {
                sway(own, players, head) - sway(other, players, head)
            });
            let meant = sways * frame_us / (SWAY * SWAY_FRAMES);
            let longer = longer_ppm(-drift_ppm);
            let change = |lead_us| longer.saturating_add(correction_ppm(lead_us, frame_us));
            let full = change(lead.us - meant);
            let sure = match lead.claim_us {
                0 => full,
                claim => change(lead.us.saturating_sub(claim) - meant),
            };
            Some(link.credit.spend(full, sure.max(0), frame_us))
        });
        let steer = Steer {
            change_ppm: changes.max().unwrap_or(0),
            behind: self.behind(head),
        };
        self.pace.tick(now, advances, steer);
    }

    /// Learns where the peer is from its newest packet, whose inputs were taken.
    pub(crate) fn learn_place(&mut self, index: usize, body: &Body, advanced: bool, now: Micros) {
        if !advanced {
            // It stands still, and goes on from another place.
            self.links[index].clock.forget_places();
        }
        // Nobody waits for one who only watches.
        let link = &mut self.links[index];
        if body.sent_at.is_none() || !link.counts() || link.players.is_empty() {
            return;
        }
        if let Some(starts_in) = body.start {
            link.clock.starts_in(starts_in, now);
            let starts = self.links.iter().filter_map(|link| link.clock.starts_at());
            self.pace.last_starts(starts.max(), now);
        }
        let link = &self.links[index];
        // Its own inputs say that it is not further ahead, and not further behind than its input
        // delay, whatever it claims.
        let ends = || link.players.iter().map(|p| (p, self.inputs.of(p).end()));
        let least = ends().map(|(player, end)| Frame(end - Frame(self.delays.longest(player))));
        let proven = least.max().unwrap_or_default().max(body.head);
        let authored = ends().all(|(_, end)| proven <= end);
        // With our own input delay it would be there.
        let local = self.config.local.iter();
        let delay = local.map(|player| self.delays.longest(player)).max();
        let latest = ends().map(|(_, end)| end).max().unwrap_or_default();
        let likely = Frame(latest - Frame(delay.unwrap_or(0))).max(proven);
        let place = self.position_us(proven);
        let claim = self.position_us(likely) - place;
        let playing = !self.rejoining() && body.known.is_none() && body.head > Frame(0);
        if playing && advanced && authored {
            self.links[index].clock.place(place, claim, now);
        }
    }

    /// Ticks at once if the head need not stand still any longer, or can make good lost time.
    pub(crate) fn hurry(&mut self, now: Micros) {
        let head = self.timeline.head();
        let (missing, _) = self.inputs.first_missing();
        let resumes = self.stalled.is_some() && head < missing + self.config.window;
        if resumes || (self.pace.owes(now) && self.behind(head)) {
            self.pace.hurry(now);
        }
    }

    /// The inputs that came prove all peers to be beyond this head.
    fn behind(&self, head: Frame) -> bool {
        let peers = self.links.iter().filter(|link| link.counts());
        let mut remote = peers.flat_map(|link| link.players.iter());
        remote.all(|player| self.inputs.of(player).end() > head + self.delays.longest(player))
    }

    fn position_us(&self, head: Frame) -> i64 {
        let position = u64::from(head.0).saturating_mul(self.config.frame_us);
        i64::try_from(position).unwrap_or(i64::MAX)
    }
}
