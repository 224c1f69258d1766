//! When ticks are due: at the pace of the frame duration, bent by small changes of tick length so
//! that peers drift towards each other.

use crate::Micros;

/// A lead is taken back in about this time.
const CORRECTION_US: f64 = 500_000.0;

/// The most that a peer behind speeds up, as a part of the tick length.
const MAX_SPEED_UP: f64 = 0.01;

/// The most that a peer ahead slows down, as a part of the tick length.
const MAX_SLOW_DOWN: f64 = 1.0;

/// Leads under this part of a frame are left alone.
const DEAD_ZONE: f64 = 0.125;

#[derive(Debug)]
pub(crate) struct Pace {
    frame_us: u64,
    start_at: Micros,
    /// A host that is later than this does not catch up on all of it.
    catch_up_us: u64,
    due: Option<Micros>,
    last_tick: Micros,
    /// Ticks spent at a speculative end.
    owed: u32,
}

impl Pace {
    pub(crate) fn new(frame_us: u64, start_at: Micros, window: u32) -> Pace {
        Pace {
            frame_us,
            start_at,
            catch_up_us: frame_us * u64::from(window.max(4)),
            due: None,
            last_tick: Micros(0),
            owed: 0,
        }
    }

    pub(crate) fn started(&self, now: Micros) -> bool {
        now >= self.start_at
    }

    /// When the next tick is due. Never more than two frames away once play began, so that a clock
    /// that steps back cannot stop it.
    pub(crate) fn next(&self, now: Micros) -> Micros {
        let due = match self.due {
            Some(due) => due,
            None if self.started(now) => self.start_at,
            None => now,
        };
        let earliest = Micros(now.0.saturating_sub(self.catch_up_us));
        due.clamp(earliest, Micros(now.0.saturating_add(2 * self.frame_us)))
    }

    /// A tick happens now; `lead_us` is how far we are ahead of the peer most behind.
    pub(crate) fn tick(&mut self, now: Micros, lead_us: Option<i64>) {
        self.last_tick = now;
        if !self.started(now) {
            // A grid that meets the start exactly.
            let ahead = self.start_at.0 - now.0;
            let whole = (ahead - 1) / self.frame_us;
            self.due = Some(Micros(self.start_at.0 - whole * self.frame_us));
            return;
        }
        let due = self.next(now).max(self.start_at);
        self.due = Some(Micros(due.0.saturating_add(self.length(lead_us))));
    }

    /// A tick of catching up: play goes on from now.
    pub(crate) fn hold(&mut self, now: Micros) {
        self.last_tick = now;
        self.due = Some(Micros(now.0.saturating_add(self.frame_us)));
    }

    /// Our place in play: µs since frame 0 of one that never waits.
    pub(crate) fn position_us(&self, head: u32, now: Micros) -> i64 {
        let into_frame = now.0.saturating_sub(self.last_tick.0).min(self.frame_us);
        let position = u64::from(head) * self.frame_us + into_frame;
        i64::try_from(position).unwrap_or(i64::MAX)
    }

    /// `ticks` were spent at what looked like the end.
    pub(crate) fn owe(&mut self, ticks: u32) {
        self.owed = self.owed.saturating_add(ticks);
    }

    /// The end was none: the ticks spent there are due now.
    pub(crate) fn repay(&mut self) {
        let back = u64::from(self.owed).saturating_mul(self.frame_us);
        self.due = self
            .due
            .map(|due| Micros(due.0.saturating_sub(back.min(self.catch_up_us))));
        self.owed = 0;
    }

    fn length(&self, lead_us: Option<i64>) -> u64 {
        let frame = self.frame_us as f64;
        let lead = lead_us.unwrap_or(0) as f64;
        let excess = lead.signum() * (lead.abs() - frame * DEAD_ZONE).max(0.0);
        let change = (excess / CORRECTION_US).clamp(-MAX_SPEED_UP, MAX_SLOW_DOWN);
        (frame * (1.0 + change)) as u64
    }
}
