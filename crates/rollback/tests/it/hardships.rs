//! What makes a random case hard beside loss and delay, and proof that it happened.

use std::sync::Arc;
use std::time::Duration;

use igym_rollback::{Costs, Frame, Input, PastInputs, PlayerIndex, Prediction, SnapshotPolicy};
use proptest::prelude::*;

use crate::network::Happening;
use crate::rng::Rng;
use crate::world::World;

/// The network falls into two parts for a while.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    /// Bit n: peer n is in the one part.
    pub(crate) part: u8,
    pub(crate) begins_ms: u64,
    pub(crate) lasts_ms: u64,
}

/// A peer's wall clock is set.
#[derive(Clone, Debug)]
pub(crate) struct ClockStep {
    pub(crate) peer: usize,
    pub(crate) at_ms: u64,
    pub(crate) by_ms: i64,
}

/// How hosts and engines go about their work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habits {
    pub(crate) prediction: Prediction,
    pub(crate) snapshots: SnapshotPolicy,
    /// The hosts guess for this player, whom they take for a bot.
    pub(crate) bot: Option<PlayerIndex>,
}

/// Counts over many cases, so that no hardship is left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hardships {
    /// Packets that a partition swallowed.
    pub(crate) parted: u64,
    pub(crate) clock_steps: u64,
    pub(crate) most_peers: usize,
    pub(crate) most_players: usize,
    /// Parts per million.
    pub(crate) most_drift: i64,
    pub(crate) episodes: u64,
    /// Rollbacks by snapshot policy: every frame, every so many, confirmed ones, as measured.
    pub(crate) rollbacks: [u64; 4],
    /// Frames simulated again beside those that a wrong guess was in.
    pub(crate) from_older_states: u64,
    /// Wrong guesses by strategy: repeat last, default, custom, the host's.
    pub(crate) wrong: [u64; 4],
}

pub(crate) fn partitions() -> impl Strategy<Value = Vec<Partition>> {
    let partition =
        (1u8..=255, 0u64..4_000, 0u64..1_500).prop_map(|(part, begins_ms, lasts_ms)| Partition {
            part,
            begins_ms,
            lasts_ms,
        });
    prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(partition, 1..3)]
}

pub(crate) fn clock_steps() -> impl Strategy<Value = Vec<ClockStep>> {
    let by_ms = prop_oneof![Just(10_000i64), Just(-10_000), -2_000i64..2_000];
    let step = (0usize..8, 0u64..4_000, by_ms).prop_map(|(peer, at_ms, by_ms)| ClockStep {
        peer,
        at_ms,
        by_ms,
    });
    prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(step, 1..3)]
}

pub(crate) fn habits() -> impl Strategy<Value = Habits> {
    let prediction = prop_oneof![
        3 => Just(Prediction::RepeatLast),
        2 => Just(Prediction::Default),
        1 => Just(Prediction::Custom(Arc::new(gamble))),
    ];
    let snapshots = prop_oneof![
        3 => Just(SnapshotPolicy::EveryFrame),
        1 => (0u32..20).prop_map(SnapshotPolicy::Every),
        1 => Just(SnapshotPolicy::ConfirmedOnly),
        1 => Just(SnapshotPolicy::Measured),
    ];
    let bot = prop_oneof![3 => Just(None), 1 => (0u8..2).prop_map(Some)];
    (prediction, snapshots, bot).prop_map(|(prediction, snapshots, bot)| Habits {
        prediction,
        snapshots,
        bot: bot.map(PlayerIndex),
    })
}

/// Right now and then.
fn gamble(player: PlayerIndex, frame: Frame, past: PastInputs<'_>) -> Input {
    let mut rng = Rng(u64::from(frame.0) << 8 | u64::from(player.0));
    let back = 1 + rng.below(60) as u32;
    let from = past.end().0.checked_sub(back).map(Frame);
    from.map_or_else(crate::case::default_input, |from| {
        past.get(from).expect("the last 64 are always there")
    })
}

impl World {
    pub(crate) fn foresee_clock_steps(&mut self) {
        for ClockStep { peer, at_ms, by_ms } in self.case.clock_steps.clone() {
            let peer = peer % self.case.peers();
            let by_us = by_ms * 1000;
            let step = Happening::ClockStep { peer, by_us };
            self.agenda.add(at_ms * 1000, step);
        }
    }

    pub(crate) fn step_clock(&mut self, index: usize, by_us: i64) {
        let peer = &mut self.peers[index];
        peer.clock_offset = peer.clock_offset.saturating_add_signed(by_us);
        self.totals.hardships.clock_steps += 1;
    }

    /// The host tells what its work costs: sometimes much, sometimes nothing.
    pub(crate) fn report_costs(&mut self, index: usize) {
        if self.case.habits.snapshots != SnapshotPolicy::Measured || !self.rng.percent(10) {
            return;
        }
        let mut cost = || Duration::from_micros(self.rng.below(4_000));
        let costs = Costs {
            save: cost(),
            load: cost(),
            step: cost() / 8,
        };
        self.peers[index].engine.report_costs(costs);
    }

    pub(crate) fn count_hardships(&mut self, index: usize) {
        let counters = self.peers[index].engine.counters();
        let habits = &self.case.habits;
        let policy = match habits.snapshots {
            SnapshotPolicy::EveryFrame => 0,
            SnapshotPolicy::Every(_) => 1,
            SnapshotPolicy::ConfirmedOnly => 2,
            SnapshotPolicy::Measured => 3,
        };
        let strategy = match (&habits.prediction, habits.bot) {
            (_, Some(_)) => 3,
            (Prediction::RepeatLast, None) => 0,
            (Prediction::Default, None) => 1,
            (Prediction::Custom(_), None) => 2,
        };
        let hardships = &mut self.totals.hardships;
        hardships.most_peers = hardships.most_peers.max(self.case.peers());
        hardships.most_players = hardships.most_players.max(self.case.players());
        hardships.most_drift = hardships.most_drift.max(self.peers[index].drift_ppm.abs());
        hardships.episodes += 1;
        hardships.rollbacks[policy] += counters.rollbacks;
        hardships.wrong[strategy] += counters.predictions_wrong;
        hardships.from_older_states += counters.loads - counters.rollbacks;
    }
}

impl Hardships {
    pub(crate) fn add(&mut self, other: &Hardships) {
        self.parted += other.parted;
        self.clock_steps += other.clock_steps;
        self.most_peers = self.most_peers.max(other.most_peers);
        self.most_players = self.most_players.max(other.most_players);
        self.most_drift = self.most_drift.max(other.most_drift);
        self.episodes += other.episodes;
        for n in 0..4 {
            self.rollbacks[n] += other.rollbacks[n];
            self.wrong[n] += other.wrong[n];
        }
        self.from_older_states += other.from_older_states;
    }

    /// Guards against passing for nothing.
    pub(crate) fn happened(&self, cases: u64) {
        assert!(self.parted > 10 * cases, "{self:?}");
        assert!(self.clock_steps > cases / 10, "{self:?}");
        assert!(self.episodes > 3 * cases, "{self:?}");
        for count in self.rollbacks.iter().chain(&self.wrong) {
            assert!(*count > cases, "{self:?}");
        }
        if cases >= 500 {
            assert_eq!((self.most_peers, self.most_players), (8, 8));
            assert!(self.most_drift > 29_000, "{self:?}");
            assert!(self.from_older_states > 0, "{self:?}");
        }
    }
}
