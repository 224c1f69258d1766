//! A network with a virtual clock: packets are lost, late, out of order, and come twice.

use std::collections::BTreeMap;

use crate::case::Conditions;
use crate::rng::Rng;
use crate::seats::Moment;

/// Something that happens at a time, in µs of the world's clock.
#[derive(Debug)]
pub(crate) enum Happening {
    Tick {
        peer: usize,
        load: u32,
    },
    Arrival {
        from: usize,
        to: usize,
        bytes: Vec<u8>,
    },
    /// This peer's engine is lost.
    Lost {
        peer: usize,
        lasts_us: u64,
    },
    /// This peer has an engine again.
    Back {
        peer: usize,
    },
    /// This peer's wall clock is set.
    ClockStep {
        peer: usize,
        by_us: i64,
    },
    /// The host of this peer ends play.
    Close {
        peer: usize,
    },
    /// This peer is gone for good.
    Vanish {
        peer: usize,
    },
    /// The authority asks this peer what it holds of those who are gone.
    Report {
        peer: usize,
        round: u32,
    },
    /// What the authority decided reaches this peer.
    Decided {
        peer: usize,
        round: u32,
    },
    /// Something about a spectator.
    Seat {
        seat: usize,
        moment: Moment,
    },
    /// The next episode begins at this peer.
    NextEpisode {
        peer: usize,
    },
}

/// What will happen, in order.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    happenings: BTreeMap<(u64, u64), Happening>,
    count: u64,
}

impl Agenda {
    pub(crate) fn add(&mut self, at_us: u64, happening: Happening) {
        self.count += 1;
        self.happenings.insert((at_us, self.count), happening);
    }

    pub(crate) fn next(&mut self) -> Option<(u64, Happening)> {
        self.happenings
            .pop_first()
            .map(|((at, _), happening)| (at, happening))
    }
}

#[derive(Debug)]
pub(crate) struct Network {
    conditions: Conditions,
    rng: Rng,
    pub(crate) lost: u64,
    /// Of them, those that had to cross a partition.
    pub(crate) parted: u64,
}

impl Network {
    pub(crate) fn new(conditions: Conditions, seed: u64) -> Network {
        Network {
            conditions,
            rng: Rng(seed),
            lost: 0,
            parted: 0,
        }
    }

    pub(crate) fn send(
        &mut self,
        agenda: &mut Agenda,
        now_us: u64,
        (from, to): (usize, usize),
        bytes: Vec<u8>,
    ) {
        if self.parted(now_us / 1000, from, to) {
            self.lost += 1;
            self.parted += 1;
            return;
        }
        if self.silent(now_us / 1000, from, to) || self.rng.percent(self.conditions.loss) {
            self.lost += 1;
            return;
        }
        let copies = 1 + u32::from(self.rng.percent(self.conditions.duplicates));
        for _ in 0..copies {
            let jitter = self.rng.below(self.conditions.jitter_ms * 1000 + 1);
            agenda.add(
                now_us + self.conditions.latency_ms * 1000 + jitter,
                Happening::Arrival {
                    from,
                    to,
                    bytes: bytes.clone(),
                },
            );
        }
    }

    fn parted(&self, now_ms: u64, from: usize, to: usize) -> bool {
        self.conditions.partitions.iter().any(|partition| {
            let during = partition.begins_ms..partition.begins_ms + partition.lasts_ms;
            let side = |peer: usize| partition.part >> peer & 1;
            side(from) != side(to) && during.contains(&now_ms)
        })
    }

    fn silent(&self, now_ms: u64, from: usize, to: usize) -> bool {
        self.conditions.silences.iter().any(|silence| {
            let forth = silence.from == from && silence.to == to;
            let back = silence.both_ways && silence.from == to && silence.to == from;
            let during = silence.begins_ms..silence.begins_ms + silence.lasts_ms;
            (forth || back) && during.contains(&now_ms)
        })
    }
}
