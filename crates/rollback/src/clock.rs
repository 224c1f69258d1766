//! What packets tell about the network and about the other peer's clock.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

use crate::Micros;
use crate::stats::RTT_SAMPLES;
use crate::types::as_micros;

/// Every packet carries a clock until so many came from the peer.
const DENSE_SAMPLES: usize = 32;

/// Round trips longer than this are not believed.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(3);

/// The bits of a clock that every packet carries which has one.
const CLOCK_BITS: u32 = 24;

/// The latest samples, and for how long, from which the offset of the clocks is estimated.
const WINDOW: usize = 128;
const WINDOW_TIME: Duration = Duration::from_secs(16);

/// Every this many samples the drift is learned anew, once the window is full.
const LEARN_INTERVAL: usize = 16;

/// What was learned so often changes by no more than this part of what is measured: the mean of some
/// fifteen seconds, where packets come irregularly the more needed.
const MOST_LEARNED: i64 = 16;

/// A comparison that contradicts so much of it is not an error of measurement: it is learned anew.
const CONTRADICTION_PPM: i64 = 10_000;

/// How far apart two halves of the window must be to tell a drift, and with how many samples each.
const MIN_SPAN_US: i64 = 250_000;
const MIN_HALF: usize = 4;

/// A drift is believed by half when the window is as long as the jitter, this many times.
const JITTER_DOUBT: i64 = 50;

/// Clocks that drift faster than this against each other are not believed, in parts per million.
const MAX_DRIFT_PPM: i64 = 60_000;

/// A sample loses this much of its worth with age, in parts per million.
const AGE_PPM: i64 = 500;

/// Samples that contradict each other by more than this, and what drift can do in the time between
/// them, say that a clock was set.
const STEP_US: i64 = 2_000;

/// How many of the latest round trips say what is usual: two seconds at 60 Hz.
const USUAL: usize = 31;

/// How many of the latest places of the peer in play count, and for how long.
const PLACES: usize = 5;
const PLACES_TIME: Duration = Duration::from_secs(1);

/// One clock sample. With θ what the peer's clock is ahead of ours, `forth` is the way here less θ,
/// and `back` the way there plus θ, in µs.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Micros,
    forth: i64,
    back: Option<i64>,
}

impl Sample {
    fn age(&self, now: Micros) -> i64 {
        now.0.saturating_sub(self.at.0).cast_signed()
    }
}

/// The least `forth` and `back` of some samples, as they would be now: each has its quickest packet,
/// whose way is the nearest to the truth.
#[derive(Clone, Copy, Debug)]
struct Least {
    forth: i64,
    back: i64,
    /// How many have a `back`.
    returned: usize,
}

impl Default for Least {
    fn default() -> Least {
        Least {
            forth: i64::MAX,
            back: i64::MAX,
            returned: 0,
        }
    }
}

impl Least {
    /// Of these samples and others.
    fn and(&self, other: &Least) -> Least {
        Least {
            forth: self.forth.min(other.forth),
            back: self.back.min(other.back),
            returned: self.returned + other.returned,
        }
    }

    fn ways(&self) -> Option<(i64, i64)> {
        (self.forth.max(self.back) < i64::MAX).then_some((self.forth, self.back))
    }
}

/// Where the peer was in play, and when on our clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    at: Micros,
    position_us: i64,
    claim_us: i64,
}

impl Place {
    fn is_new(&self, now: Micros) -> bool {
        self.at <= now && now.since(self.at) <= PLACES_TIME
    }

    /// Where the peer is, if it plays on at this pace on our clock.
    fn position_at(&self, now: Micros, pace_ppm: i64) -> i64 {
        let since = now.0.saturating_sub(self.at.0).cast_signed();
        let played = since + since * pace_ppm / 1_000_000;
        self.position_us.saturating_add(played)
    }
}

/// Our lead over the peer, in µs; negative where it leads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lead {
    pub(crate) us: i64,
    /// So much of it is known only from the peer's word.
    pub(crate) claim_us: i64,
}

/// Clock samples of one link: the round trips, and the offset and drift of the peer's clock.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    samples: VecDeque<Sample>,
    /// Of all samples, the least ways when the newest came.
    ways: Option<(i64, i64)>,
    /// Samples since the drift was last learned.
    since_learned: usize,
    /// How often it was, with a full window, up to [`MOST_LEARNED`].
    learned: i64,
    /// By how much the peer's clock is faster than ours.
    drift_ppm: Option<i64>,
    round_trips: VecDeque<u32>,
    least: Option<u32>,
    /// In sixteenths of a µs.
    jitter: u64,
    places: VecDeque<Place>,
    middle_place: Option<Place>,
    /// When the peer would begin to play, on our clock, by its newest word.
    starts_at: Option<Micros>,
}

impl Clock {
    /// So little is known of the peer's clock that it and ours should be in every packet.
    pub(crate) fn is_new(&self) -> bool {
        self.samples.len() < DENSE_SAMPLES
    }

    /// A packet of ours came back, having been held by the peer; both clocks modulo 2³² µs. Returns
    /// how long it was under way, there and back.
    pub(crate) fn returned(&mut self, sent_at: u32, held_us: u32, now: Micros) -> Option<u32> {
        let away = (now.0 as u32).wrapping_sub(sent_at);
        // By our clock: a drift of 3 % would make a difference of half a millisecond.
        let gained = i64::from(held_us) * self.drift_ppm.unwrap_or(0) / 1_000_000;
        let held_us = u32::try_from(i64::from(held_us) - gained).ok()?;
        let round_trip = away.checked_sub(held_us)?;
        if u64::from(round_trip) > as_micros(MAX_ROUND_TRIP) {
            return None;
        }
        self.least = Some(self.least.map_or(round_trip, |least| least.min(round_trip)));
        if self.round_trips.len() == RTT_SAMPLES {
            self.round_trips.pop_front();
        }
        self.round_trips.push_back(round_trip);
        Some(round_trip)
    }

    /// The peer's clock when it sent the packet that is newer than all before it, with the round
    /// trip of what this brought back.
    pub(crate) fn take(&mut self, sent_at: u32, round_trip: Option<u32>, now: Micros) {
        let last_at = self.samples.back().map_or(now, |sample| sample.at);
        let last = self.samples.back().map(|sample| sample.forth);
        let forth = nearest((now.0 as u32).wrapping_sub(sent_at), last.unwrap_or(0));
        if let Some(last) = last {
            let difference = forth.abs_diff(last).min(as_micros(MAX_ROUND_TRIP));
            self.jitter = self.jitter - self.jitter / 16 + difference;
        }
        let old = |sample: &Sample| sample.at > now || now.since(sample.at) > WINDOW_TIME;
        while self.samples.len() >= WINDOW || self.samples.front().is_some_and(old) {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            at: now,
            forth,
            back: round_trip.map(|round_trip| i64::from(round_trip) - forth),
        });
        self.since_learned += 1;
        let learns = self.samples.len() < WINDOW || self.since_learned >= LEARN_INTERVAL;
        let halves = (learns || self.ways.is_none()).then(|| self.halves(now));
        self.ways = match (self.ways, &halves) {
            (_, Some([older, newer])) => older.and(newer).ways(),
            // All samples age alike, so that the least is the least still.
            (Some(ways), None) => self.older_ways(ways, last_at, now),
            (None, None) => None,
        };
        if self.contradicted(now) {
            let newest = self.samples.pop_back();
            self.restart();
            // What it brought back may have been sent before.
            self.samples.extend(newest.map(|sample| Sample {
                back: None,
                ..sample
            }));
        }
        // Seldom once it is known: it costs more than the rest of a tick's packet.
        if learns && let Some(halves) = halves {
            self.since_learned = 0;
            self.learn_drift(&halves);
        }
    }

    /// From the oldest sample to the newest, in µs.
    fn span(&self) -> i64 {
        match (self.samples.front(), self.samples.back()) {
            (Some(oldest), Some(newest)) => newest.at.since(oldest.at).as_micros() as i64,
            _ => 0,
        }
    }

    /// The least ways of the samples of the older half of the time, and of the newer.
    fn halves(&self, now: Micros) -> [Least; 2] {
        let drift = self.drift_ppm.unwrap_or(0);
        let oldest = self.samples.front().map_or(now, |sample| sample.at);
        let middle = oldest + Duration::from_micros(self.span() as u64 / 2);
        let mut halves = [Least::default(); 2];
        for sample in &self.samples {
            let least = &mut halves[usize::from(sample.at > middle)];
            let aged = |ppm| sample.age(now) * ppm / 1_000_000;
            least.forth = least.forth.min(sample.forth + aged(AGE_PPM - drift));
            if let Some(way) = sample.back {
                least.back = least.back.min(way + aged(AGE_PPM + drift));
                least.returned += 1;
            }
        }
        halves
    }

    /// What were the least ways at another time, with the newest sample.
    fn older_ways(&self, ways: (i64, i64), at: Micros, now: Micros) -> Option<(i64, i64)> {
        let drift = self.drift_ppm.unwrap_or(0);
        let newest = self.samples.back()?;
        let aged = |ppm| now.since(at).as_micros() as i64 * ppm / 1_000_000;
        let (forth, back) = (
            ways.0 + aged(AGE_PPM - drift),
            ways.1 + aged(AGE_PPM + drift),
        );
        let newest_back = newest.back.unwrap_or(i64::MAX);
        Some((forth.min(newest.forth), back.min(newest_back)))
    }

    /// No packet arrives before it is sent: if one seems to, a clock was set.
    fn contradicted(&self, now: Micros) -> bool {
        let Some(oldest) = self.samples.front() else {
            return false;
        };
        let span = now.since(oldest.at).as_micros() as i64;
        let known = self.drift_ppm.is_some() && self.samples.len() == WINDOW;
        let doubt = if known { span / 500 } else { span / 16 };
        self.ways
            .is_some_and(|(forth, back)| forth + back < -(STEP_US + doubt))
    }

    /// Compares the offset in the older half of the window with that in the newer.
    fn learn_drift(&mut self, halves: &[Least; 2]) {
        let span = self.span();
        let few = |half: &Least| half.returned < MIN_HALF;
        if span < MIN_SPAN_US || halves.iter().any(few) {
            return;
        }
        let [Some(older), Some(newer)] = halves.each_ref().map(Least::ways) else {
            return;
        };
        let offset = |(forth, back): (i64, i64)| (back - forth) / 2;
        let more = (offset(newer) - offset(older)) * 1_000_000 / (span / 2);
        // A short time tells little where packets come irregularly.
        let doubt = JITTER_DOUBT * (self.jitter / 16).cast_signed();
        let more = more * span / (span + doubt);
        let drift = match self.drift_ppm {
            None => more,
            Some(drift) if self.samples.len() < WINDOW => drift + more / 8,
            Some(drift) => {
                let known = more.abs() < CONTRADICTION_PPM;
                self.learned = if known {
                    (self.learned + 1).min(MOST_LEARNED)
                } else {
                    0
                };
                drift + more / self.learned.max(2)
            }
        };
        self.drift_ppm = Some(drift.clamp(-MAX_DRIFT_PPM, MAX_DRIFT_PPM));
    }

    /// By how much the peer's clock is faster than ours, in parts per million.
    pub(crate) fn drift_ppm(&self) -> Option<i64> {
        self.drift_ppm
    }

    /// How long the newest packet with a sample was under way, if both ways are alike.
    pub(crate) fn newest_way_us(&self) -> Option<i64> {
        let (forth, back) = self.ways?;
        let newest = self.samples.back()?;
        let way = newest.forth + (back - forth) / 2;
        let longest = i64::try_from(as_micros(MAX_ROUND_TRIP)).unwrap_or(i64::MAX);
        Some(way.clamp(0, longest))
    }

    /// The newest packet says that the peer would begin to play so long after it was sent.
    pub(crate) fn starts_in(&mut self, us: u32, now: Micros) {
        let Some(way) = self.newest_way_us() else {
            return;
        };
        let us = i64::from(us);
        // By our clock.
        let us = us - us * self.drift_ppm.unwrap_or(0) / 1_000_000;
        self.starts_at = Some(Micros(now.0.saturating_add_signed(us - way)));
    }

    pub(crate) fn starts_at(&self) -> Option<Micros> {
        self.starts_at
    }

    /// The time within which most packets come: half the median of the latest round trips, and
    /// twice the jitter.
    pub(crate) fn usual_way_us(&self) -> Option<u64> {
        let mut latest = [0; USUAL];
        let mut count = 0;
        for (slot, round_trip) in latest.iter_mut().zip(self.round_trips.iter().rev()) {
            *slot = *round_trip;
            count += 1;
        }
        let latest = latest.get_mut(..count)?;
        latest.sort_unstable();
        let median = latest.get(count / 2)?;
        Some(u64::from(median / 2) + 2 * (self.jitter / 16))
    }

    /// The peer was at `position_us` in play when it sent the newest packet, which has a sample; its
    /// inputs alone would say that it was further, by `claim_us`.
    pub(crate) fn place(&mut self, position_us: i64, claim_us: i64, now: Micros) {
        let Some(way) = self.newest_way_us() else {
            return;
        };
        self.places.push_back(Place {
            at: Micros(now.0.saturating_sub(way.unsigned_abs())),
            position_us,
            claim_us,
        });
        if self.places.len() > PLACES {
            self.places.pop_front();
        }
        self.middle_place = self.middle_place(now);
    }

    /// That which gives the median of the leads.
    fn middle_place(&self, now: Micros) -> Option<Place> {
        let pace_ppm = self.drift_ppm.unwrap_or(0).min(0);
        let mut keys = [(Reverse(0), 0, 0); PLACES];
        let mut count = 0;
        for (n, place) in self.places.iter().enumerate() {
            if place.is_new(now) {
                let there = place.position_at(now, pace_ppm);
                keys[count] = (Reverse(there), place.claim_us, n);
                count += 1;
            }
        }
        let keys = keys.get_mut(..count)?;
        keys.sort_unstable();
        let (.., middle) = keys.get(count / 2)?;
        self.places.get(*middle).copied()
    }

    /// Our lead at `position_us`, if the peer plays on at this pace on our clock. `None` without news
    /// of it.
    pub(crate) fn lead(&self, position_us: i64, pace_ppm: i64, now: Micros) -> Option<Lead> {
        let place = self.middle_place.filter(|place| place.is_new(now))?;
        Some(Lead {
            us: position_us.saturating_sub(place.position_at(now, pace_ppm)),
            claim_us: place.claim_us,
        })
    }

    /// Forgets the places: the peer's or our own play made a leap.
    pub(crate) fn forget_places(&mut self) {
        self.places.clear();
        self.middle_place = None;
    }

    /// The peer's clock is another one now.
    pub(crate) fn restart(&mut self) {
        self.samples.clear();
        self.ways = None;
        self.forget_places();
        self.drift_ppm = None;
        self.learned = 0;
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
        Duration::from_micros(self.jitter / 16)
    }
}

/// The number nearest to `expected` that is `raw` modulo the wire's clock.
fn nearest(raw: u32, expected: i64) -> i64 {
    let shift = 32 - CLOCK_BITS;
    let ahead = raw.wrapping_sub(expected as u32) << shift;
    expected + i64::from(ahead.cast_signed() >> shift)
}

fn micros(value: Option<u32>) -> Duration {
    Duration::from_micros(u64::from(value.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two clocks and the ways between them, in µs.
    struct Pair {
        clock: Clock,
        now: u64,
        offset: i64,
        drift_ppm: i64,
        ways: [u64; 2],
    }

    impl Pair {
        fn new(offset: i64, drift_ppm: i64, ways: [u64; 2]) -> Pair {
            Pair {
                clock: Clock::default(),
                now: 1_000_000,
                offset,
                drift_ppm,
                ways,
            }
        }

        fn theirs(&self, ours: u64) -> i64 {
            ours as i64 + self.offset + ours as i64 * self.drift_ppm / 1_000_000
        }

        /// A packet of ours that the peer has for 3 ms before it sends one.
        fn exchange(&mut self, extra: [u64; 2]) {
            self.now += 60_000;
            let there = self.now + self.ways[0] + extra[0];
            let away = there + 3_000;
            let here = Micros(away + self.ways[1] + extra[1]);
            let (there, away) = (self.theirs(there), self.theirs(away));
            let held = (away - there) as u32;
            let round_trip = self.clock.returned(self.now as u32, held, here);
            self.clock.take(away as u32 & 0xff_ffff, round_trip, here);
        }

        fn way(&self) -> i64 {
            self.clock.newest_way_us().unwrap()
        }
    }

    #[test]
    fn a_drifting_clock_is_known_to_a_fraction_of_a_millisecond() {
        for (offset, drift) in [(5, 0), (-7_654_321, 30_000), (1 << 40, -30_000), (0, 200)] {
            let mut pair = Pair::new(offset, drift, [40_000, 40_000]);
            let mut noise = 1u64;
            for _ in 0..400 {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                pair.exchange([noise >> 50, noise << 20 >> 50]);
            }
            let told = pair.clock.drift_ppm().unwrap();
            assert!((told - drift).abs() < 600, "{drift}: {told}");
            pair.exchange([0, 0]);
            assert!((pair.way() - 40_000).abs() < 1_000, "{}", pair.way());
            pair.exchange([0, 25_000]);
            assert!((pair.way() - 65_000).abs() < 1_000, "{}", pair.way());
        }
    }

    #[test]
    fn a_clock_that_is_set_is_learned_anew_at_once() {
        for step in [10_000_000, -10_000_000, 500_000] {
            let mut pair = Pair::new(77, 0, [20_000, 20_000]);
            for _ in 0..100 {
                pair.exchange([0, 0]);
            }
            pair.offset += step;
            for _ in 0..3 {
                pair.exchange([0, 0]);
            }
            assert!(pair.clock.samples.len() <= 3, "{step}");
            assert!((pair.way() - 20_000).abs() < 100, "{step}: {}", pair.way());
            assert_eq!(pair.clock.least(), Duration::from_millis(40));
            assert_eq!(pair.clock.quantiles().1, Duration::from_millis(40));
        }
    }

    #[test]
    fn impossible_samples_are_ignored() {
        let mut clock = Clock::default();
        assert_eq!(clock.returned(1_000, 2_000, Micros(2_000)), None);
        assert_eq!(clock.returned(u32::MAX / 2, 0, Micros(0)), None);
        assert_eq!(clock.quantiles(), (Duration::ZERO, Duration::ZERO));
        // The sender's clock passed 2^32 on the way.
        let round_trip = clock.returned(u32::MAX - 99, 50, Micros((1 << 32) + 100));
        assert_eq!(round_trip, Some(150));
        assert_eq!(clock.least(), Duration::from_micros(150));
    }
}
