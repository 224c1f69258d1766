//! What packets tell about the network and about the other peer's clock.

use std::collections::VecDeque;
use std::time::Duration;

use crate::stats::RTT_SAMPLES;
use crate::{Frame, Micros};

/// Round trips longer than this are not believed.
const MAX_RTT_US: u32 = 60_000_000;

/// How many of the latest samples tell the shortest way and the lead.
const RECENT: usize = 32;

/// How a packet came, by its sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// No later packet came before.
    Newest,
    /// After one that was sent later.
    Late,
    /// Not for the first time, or so late that it cannot be told.
    Again,
}

/// Which of a peer's packets came, from their sequence numbers.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Bit n is set if packet `highest − n` came.
    seen: u128,
    highest: u32,
    lowest: u32,
    unique: u64,
    pub(crate) received: u64,
    pub(crate) reordered: u64,
    pub(crate) duplicated: u64,
    /// Losses of the peer's earlier incarnations.
    lost_before: u64,
}

impl Arrivals {
    pub(crate) fn take(&mut self, sequence: u32) -> Arrival {
        self.received += 1;
        if self.unique == 0 {
            self.lowest = sequence;
            self.highest = sequence;
            self.seen = 1;
            self.unique = 1;
            return Arrival::Newest;
        }
        if sequence > self.highest {
            let ahead = sequence - self.highest;
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = sequence;
            self.unique += 1;
            return Arrival::Newest;
        }
        let bit = 1u128
            .checked_shl(self.highest - sequence)
            .unwrap_or_default();
        if bit == 0 || self.seen & bit != 0 {
            self.duplicated += 1;
            return Arrival::Again;
        }
        self.seen |= bit;
        self.lowest = self.lowest.min(sequence);
        self.unique += 1;
        self.reordered += 1;
        Arrival::Late
    }

    /// The peer numbers its packets from 1 again.
    pub(crate) fn restart(&mut self) {
        self.lost_before = self.lost();
        self.unique = 0;
    }

    pub(crate) fn lost(&self) -> u64 {
        let numbered = match self.unique {
            0 => 0,
            _ => u64::from(self.highest - self.lowest) + 1,
        };
        self.lost_before + numbered.saturating_sub(self.unique)
    }
}

/// Clock samples of one link.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// The newest packet: the peer's clock when it left, ours when it came.
    newest: Option<(u32, Micros)>,
    round_trips: VecDeque<u32>,
    least: Option<u32>,
    jitter_us: f64,
    leads: VecDeque<i64>,
}

impl Clock {
    /// A packet that is newer than all before it.
    pub(crate) fn arrived(&mut self, sent_at: u32, now: Micros) {
        let arrived = now.0 as u32;
        if let Some((last_sent, last_arrived)) = self.newest {
            let between_arrivals = arrived.wrapping_sub(last_arrived.0 as u32);
            let between_sends = sent_at.wrapping_sub(last_sent);
            let difference = between_arrivals.wrapping_sub(between_sends) as i32;
            let difference = f64::from(difference).abs().min(f64::from(MAX_RTT_US));
            self.jitter_us += (difference - self.jitter_us) / 16.0;
        }
        self.newest = Some((sent_at, now));
    }

    /// A packet of ours came back with one that came for the first time.
    pub(crate) fn returned(&mut self, sent_at: u32, held_us: u32, now: Micros) {
        let away = (now.0 as u32).wrapping_sub(sent_at);
        let Some(round_trip) = away.checked_sub(held_us) else {
            return;
        };
        if round_trip > MAX_RTT_US {
            return;
        }
        self.least = Some(self.least.map_or(round_trip, |least| least.min(round_trip)));
        self.round_trips.push_back(round_trip);
        if self.round_trips.len() > RTT_SAMPLES {
            self.round_trips.pop_front();
        }
    }

    /// Compares our place in play (`position_us` since frame 0) with the peer's when it sent its
    /// newest packet, `head`.
    pub(crate) fn compare(&mut self, position_us: i64, head: Frame, frame_us: u64) {
        let recent = self.round_trips.iter().rev().take(RECENT);
        let Some(shortest) = recent.min() else { return };
        // A packet that took longer than the shortest way makes our lead look greater: the least
        // of several samples is the nearest to the truth.
        let peer_us = u64::from(head.0).saturating_mul(frame_us);
        let peer_us = i64::try_from(peer_us).unwrap_or(i64::MAX);
        let lead = position_us
            .saturating_sub(peer_us)
            .saturating_sub(i64::from(shortest / 2));
        self.leads.push_back(lead);
        if self.leads.len() > RECENT / 2 {
            self.leads.pop_front();
        }
    }

    /// By how much we lead, in µs; negative where the peer does.
    pub(crate) fn lead_us(&self) -> Option<i64> {
        self.leads.iter().min().copied()
    }

    /// The peer's clock is another one now.
    pub(crate) fn restart(&mut self) {
        self.newest = None;
        self.leads.clear();
    }

    pub(crate) fn least(&self) -> Duration {
        micros(self.least)
    }

    /// Median and 95th percentile.
    pub(crate) fn quantiles(&self) -> (Duration, Duration) {
        let mut sorted: Vec<u32> = self.round_trips.iter().copied().collect();
        sorted.sort_unstable();
        let at = |percent: usize| sorted.get(sorted.len().saturating_sub(1) * percent / 100);
        (micros(at(50).copied()), micros(at(95).copied()))
    }

    pub(crate) fn jitter(&self) -> Duration {
        Duration::from_micros(self.jitter_us as u64)
    }
}

fn micros(value: Option<u32>) -> Duration {
    Duration::from_micros(u64::from(value.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_told_apart() {
        let mut arrivals = Arrivals::default();
        let order = [5, 6, 9, 7, 7, 9, 4, 400, 8];
        let told = order.map(|sequence| arrivals.take(sequence));
        use Arrival::{Again, Late, Newest};
        let expected = [
            Newest, Newest, Newest, Late, Again, Again, Late, Newest, Again,
        ];
        assert_eq!(told, expected);
        // 4 to 7, 9 and 400 came, of 4 to 400.
        assert_eq!(arrivals.lost(), 397 - 6);
        assert_eq!(
            (arrivals.received, arrivals.reordered, arrivals.duplicated),
            (9, 2, 3)
        );
        arrivals.restart();
        assert_eq!(arrivals.take(1), Newest);
        assert_eq!(arrivals.take(3), Newest);
        assert_eq!(arrivals.lost(), 391 + 1);
    }

    #[test]
    fn impossible_samples_are_ignored() {
        let mut clock = Clock::default();
        clock.returned(1_000, 2_000, Micros(2_000));
        clock.returned(u32::MAX / 2, 0, Micros(0));
        assert_eq!(clock.quantiles(), (Duration::ZERO, Duration::ZERO));
        // The sender's clock passed 2^32 on the way.
        clock.returned(u32::MAX - 99, 50, Micros((1 << 32) + 100));
        assert_eq!(clock.least(), Duration::from_micros(150));
    }
}
