//! When ticks are due: at the pace of the frame duration, bent by small changes of tick length so
//! that peers drift towards each other.
//!
//! The length of a tick is that of a frame, changed by the sum of two parts. The first makes us as
//! slow as the slowest clock of all peers: it is measured on the clocks themselves, so that nobody
//! can slow down because another did. The second takes back our lead over the peer that is the
//! furthest behind, in proportion, and faster if it is more than a frame. The sum changes by little
//! from tick to tick, and shortens a tick by one percent at most.

use crate::types::as_micros;
use crate::wire::Body;
use crate::{Engine, Frame, Micros};

/// The most that a tick is shortened, in parts per million.
const MAX_SPEED_UP_PPM: i64 = 10_000;

/// The most that a tick is lengthened: a peer with a host that manages half the frames is waited
/// for without a stall.
const MAX_SLOW_DOWN_PPM: i64 = 1_000_000;

/// The most that the length changes from one tick to the next.
const MAX_CHANGE_PPM: i64 = 10_000;

/// How much of a lead is taken back in a second: of what is beyond the dead zone, and once more of
/// what is beyond a frame.
const GAIN: i64 = 1;
const GAIN_BEYOND_FRAME: i64 = 2;

/// Leads under this part of a frame are left alone.
const DEAD_ZONE: i64 = 16;

/// A host that is late by no more than this many frames makes the ticks good at once.
const SLACK: u64 = 2;

/// For how long ticks that a late host missed can be made good, once it is known that the peers
/// made theirs.
const DEBT_TIME_US: u64 = 2_000_000;

/// How long the beginning is put off, at most, for a peer that begins later.
const MAX_START_WAIT_US: u64 = 1_000_000;

/// What the links tell for the next tick.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steer {
    /// Our lead over the peer that is the furthest behind; negative where all are ahead. `None`
    /// without news of any.
    pub(crate) lead_us: Option<i64>,
    /// By how much the slowest clock is slower than ours, in parts per million; 0 or less.
    pub(crate) slowest_ppm: i64,
    /// There is no peer to keep up with.
    pub(crate) alone: bool,
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

    /// A peer begins at this time of our clock. Before play, all wait for the last.
    pub(crate) fn peer_starts(&mut self, at: Micros, now: Micros) {
        if !self.started(now) {
            let latest = Micros(self.own_start.0.saturating_add(MAX_START_WAIT_US));
            self.start_at = self.start_at.max(at.min(latest));
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
        if advances && self.pays(now, steer) {
            self.debt_us -= self.frame_us;
            self.due = Some(now);
            return;
        }
        let length = match advances {
            true => self.length(steer),
            false => self.frame_us,
        };
        self.due = Some(Micros(due.0.saturating_add(length)));
    }

    /// A tick of catching up: play goes on from now.
    pub(crate) fn hold(&mut self, now: Micros) {
        self.last_tick = now;
        self.due = Some(Micros(now.0.saturating_add(self.frame_us)));
    }

    /// What a stalled head waited for has come: the tick is due at once.
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
        let debt = self.debt_us.saturating_add(time_us);
        self.debt_us = debt.min(self.catch_up_us);
        self.debt_ends = Micros(self.last_tick.0.saturating_add(DEBT_TIME_US));
    }

    /// A frame of the time lost is made good now: all peers are at least that far ahead. So a clock
    /// that leaps, which loses no time, cannot make us leap.
    fn pays(&mut self, now: Micros, steer: Steer) -> bool {
        if now > self.debt_ends {
            self.debt_us = 0;
        }
        let frame = self.frame_us.cast_signed();
        let behind = steer.alone || steer.lead_us.is_some_and(|lead| lead <= -frame);
        self.debt_us >= self.frame_us && behind
    }

    fn length(&mut self, steer: Steer) -> u64 {
        let frame = self.frame_us.cast_signed();
        let lead = steer.lead_us.unwrap_or(0);
        let beyond = |zone: i64| lead.signum() * lead.saturating_abs().saturating_sub(zone).max(0);
        // Microseconds per second are parts per million.
        let correction = GAIN
            .saturating_mul(beyond(frame / DEAD_ZONE))
            .saturating_add(GAIN_BEYOND_FRAME.saturating_mul(beyond(frame)));
        let slower = -steer.slowest_ppm * 1_000_000 / (1_000_000 + steer.slowest_ppm);
        let wanted = slower.saturating_add(correction);
        let wanted = wanted.clamp(-MAX_SPEED_UP_PPM, MAX_SLOW_DOWN_PPM);
        let change = wanted - self.change_ppm;
        self.change_ppm += change.clamp(-MAX_CHANGE_PPM, MAX_CHANGE_PPM);
        let length = frame * (1_000_000 + self.change_ppm);
        ((length + 500_000) / 1_000_000).unsigned_abs()
    }
}

impl Engine {
    /// The head will be `head` after this tick, which simulates a new frame or not.
    pub(crate) fn set_pace(&mut self, now: Micros, head: Frame, advances: bool) {
        if self.rejoining() && self.pace.started(now) {
            self.pace.hold(now);
            return;
        }
        let drifts = self.links.iter().filter_map(|link| link.clock.drift_ppm());
        let slowest_ppm = drifts.fold(0, i64::min);
        let position = self.position_us(head);
        let leads = self.links.iter_mut().filter_map(|link| {
            let lead = link.clock.lead_us(position, slowest_ppm, now);
            link.stats.lead_us = lead.unwrap_or(0);
            lead
        });
        let steer = Steer {
            lead_us: leads.max(),
            slowest_ppm,
            alone: self.links.is_empty(),
        };
        self.pace.tick(now, advances, steer);
    }

    /// Learns where the peer is from its newest packet, whose inputs were taken.
    pub(crate) fn learn_place(&mut self, index: usize, body: &Body, advanced: bool, now: Micros) {
        if !advanced {
            // It stands still, and goes on from another place.
            self.links[index].clock.forget_places();
        }
        if body.sent_at.is_none() {
            return;
        }
        let link = &self.links[index];
        let begins = body.start.zip(link.clock.newest_way_us(now));
        if let Some((starts_in, way)) = begins {
            let sent = now.0.saturating_sub(way.unsigned_abs());
            let at = Micros(sent.saturating_add(u64::from(starts_in)));
            self.pace.peer_starts(at, now);
        }
        // Its own inputs say that it is not further ahead, and not further behind than its input
        // delay, whatever it claims.
        let ends = || link.players.iter().map(|p| (p, self.inputs.of(p).end()));
        let least = ends().map(|(player, end)| Frame(end - Frame(self.delays.longest(player))));
        let proven = least.max().unwrap_or_default().max(body.head);
        let authored = ends().all(|(_, end)| proven <= end);
        let place = self.position_us(proven);
        let playing = !self.rejoining() && body.known.is_none() && body.head > Frame(0);
        if playing && advanced && authored {
            self.links[index].clock.place(place, now);
        }
    }

    /// Ticks at once if the head need not stand still any longer.
    pub(crate) fn hurry(&mut self, now: Micros) {
        let (missing, _) = self.inputs.first_missing();
        if self.stalled.is_some() && self.timeline.head() < missing + self.config.window {
            self.pace.hurry(now);
        }
    }

    fn position_us(&self, head: Frame) -> i64 {
        let position = u64::from(head.0).saturating_mul(self.config.frame_us);
        i64::try_from(position).unwrap_or(i64::MAX)
    }
}
