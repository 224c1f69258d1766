//! One random case: who plays, how the network is, what is played.

use std::time::Duration;

use igym_rollback::{
    ChainHash, Engine, Epoch, Frame, Incarnation, Input, LinkId, Micros, PlayerIndex,
};
use proptest::prelude::*;

use crate::game::Rules;
use crate::hardships::{ClockStep, Habits, Partition, clock_steps, habits, partitions};
use crate::rng::Rng;

/// Which players sit at which peer.
const GROUPS: &[&[&[u8]]] = &[
    &[&[0], &[1]],
    &[&[0], &[1], &[2]],
    &[&[0], &[1], &[2], &[3]],
    &[&[0, 2], &[1]],
    &[&[0, 1], &[2, 3]],
    &[&[3], &[0, 2], &[1]],
    &[&[0], &[1], &[2], &[3], &[4]],
    &[&[0, 5], &[1, 4], &[2, 3]],
    &[&[0], &[1, 2, 3, 4, 5, 6, 7]],
    &[&[0], &[1], &[2], &[3], &[4], &[5], &[6], &[7]],
];

/// The first of those that take more work.
const MANY: usize = 6;

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) groups: usize,
    /// Of each peer, in frames.
    pub(crate) delays: [u32; 8],
    pub(crate) window_ms: u64,
    pub(crate) inputs: InputKind,
    pub(crate) network: Conditions,
    /// Percent of ticks in which a host is held up.
    pub(crate) hiccups: u32,
    /// Of the second peer's clock, in parts per million; those of others follow from it.
    pub(crate) drift_ppm: i64,
    pub(crate) episodes: u32,
    pub(crate) end_one_in: u64,
    pub(crate) frames: u32,
    pub(crate) digest_interval: u32,
    pub(crate) reloads: Vec<Reload>,
    pub(crate) clock_steps: Vec<ClockStep>,
    pub(crate) habits: Habits,
}

/// A peer loses its engine, and has another some time later.
#[derive(Clone, Debug)]
pub(crate) struct Reload {
    pub(crate) peer: usize,
    pub(crate) at_ms: u64,
    pub(crate) lasts_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum InputKind {
    /// One byte, held for a while.
    Keys,
    /// One byte, another one in every frame.
    Noise,
    /// 1 to 64 bytes, other ones in every frame.
    Wild,
}

#[derive(Clone, Debug)]
pub(crate) struct Conditions {
    pub(crate) latency_ms: u64,
    pub(crate) jitter_ms: u64,
    pub(crate) loss: u32,
    pub(crate) duplicates: u32,
    pub(crate) silences: Vec<Silence>,
    pub(crate) partitions: Vec<Partition>,
}

/// Nothing comes through from one peer to another for a while.
#[derive(Clone, Debug)]
pub(crate) struct Silence {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) both_ways: bool,
    pub(crate) begins_ms: u64,
    pub(crate) lasts_ms: u64,
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let groups = prop_oneof![12 => 0..MANY, 1 => MANY..GROUPS.len()];
    let who = (groups, prop::array::uniform8(0u32..6));
    let engine = (prop_oneof![1 => Just(0u64), 8 => 20u64..600], habits());
    let inputs = prop_oneof![4 => Just(InputKind::Keys), 1 => Just(InputKind::Wild)];
    let drift = prop_oneof![-30_000i64..=30_000, Just(0), Just(30_000)];
    let hosts = (0u32..4, drift, clock_steps());
    let play = (1u32..=3, 20u64..200, 20u32..120, 1u32..30);
    (any::<u64>(), who, engine, inputs, conditions(), hosts, play).prop_map(
        |(seed, (groups, delays), (window_ms, habits), inputs, network, hosts, play)| Case {
            seed,
            groups,
            delays,
            window_ms,
            inputs,
            network,
            hiccups: hosts.0,
            drift_ppm: hosts.1,
            episodes: play.0,
            end_one_in: play.1,
            frames: play.2,
            digest_interval: play.3,
            reloads: Vec::new(),
            clock_steps: hosts.2,
            habits,
        },
    )
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let silence = (
        0usize..4,
        0usize..4,
        any::<bool>(),
        0u64..4_000,
        0u64..1_500,
    )
        .prop_map(|(from, to, both_ways, begins_ms, lasts_ms)| Silence {
            from,
            to,
            both_ways,
            begins_ms,
            lasts_ms,
        });
    (
        0u64..250,
        0u64..150,
        prop_oneof![Just(0u32), 0u32..=40],
        0u32..20,
        prop::collection::vec(silence, 0..3),
        partitions(),
    )
        .prop_map(
            |(latency_ms, jitter_ms, loss, duplicates, silences, partitions)| Conditions {
                latency_ms,
                jitter_ms,
                loss,
                duplicates,
                silences,
                partitions,
            },
        )
}

/// One page load of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) number: u32,
    pub(crate) start_at: Micros,
    pub(crate) history: Option<Vec<Vec<Input>>>,
}

impl Case {
    /// Two peers, one player each, over a perfect network.
    pub(crate) fn plain(seed: u64) -> Case {
        Case {
            seed,
            groups: 0,
            delays: [2; 8],
            window_ms: 500,
            inputs: InputKind::Keys,
            network: Conditions {
                latency_ms: 0,
                jitter_ms: 0,
                loss: 0,
                duplicates: 0,
                silences: Vec::new(),
                partitions: Vec::new(),
            },
            hiccups: 0,
            drift_ppm: 0,
            episodes: 1,
            end_one_in: u64::MAX,
            frames: 300,
            digest_interval: 8,
            reloads: Vec::new(),
            clock_steps: Vec::new(),
            habits: Habits::default(),
        }
    }

    /// Of a peer's clock, in parts per million: the first keeps time.
    pub(crate) fn drift_ppm(&self, peer: usize) -> i64 {
        self.drift_ppm * [0, 2, -1, 1][peer % 4] / 2
    }

    pub(crate) fn peers(&self) -> usize {
        GROUPS[self.groups].len()
    }

    pub(crate) fn players(&self) -> usize {
        GROUPS[self.groups].iter().map(|group| group.len()).sum()
    }

    pub(crate) fn local(&self, peer: usize) -> &'static [u8] {
        GROUPS[self.groups][peer]
    }

    /// In frames.
    pub(crate) fn window(&self) -> usize {
        (self.window_ms * 1000).div_ceil(16_667) as usize
    }

    /// An engine in which link n leads to peer n.
    pub(crate) fn engine(&self, peer: usize, epoch: u32, load: Load) -> Engine {
        let groups = GROUPS[self.groups];
        let mut builder = Engine::builder()
            .players(self.players())
            .local(groups[peer].iter().copied().map(PlayerIndex))
            .epoch(Epoch(epoch))
            .incarnation(Incarnation(1 + peer as u32 + 10 * load.number))
            .input_delay(self.delays[peer])
            .window(Duration::from_millis(self.window_ms))
            .prediction(self.habits.prediction.clone())
            .snapshots(self.habits.snapshots)
            .default_input(default_input())
            .genesis(self.genesis(epoch))
            .start_at(load.start_at);
        if let Some(history) = load.history {
            builder = builder.history(history);
        }
        let one_each = groups
            .iter()
            .enumerate()
            .all(|(n, group)| *group == [n as u8]);
        if !one_each {
            for (other, group) in groups.iter().enumerate().filter(|(n, _)| *n != peer) {
                let players = group.iter().copied().map(PlayerIndex);
                builder = builder.link(LinkId(other as u8), players);
            }
        }
        builder.build().expect("the case is possible")
    }

    pub(crate) fn genesis(&self, epoch: u32) -> ChainHash {
        ChainHash([epoch as u8 + 1; 16])
    }

    pub(crate) fn rules(&self, epoch: u32) -> Rules {
        Rules {
            start: self.seed ^ u64::from(epoch),
            end_one_in: self.end_one_in,
            frames: self.frames,
            digest_interval: self.digest_interval,
            agreed_end: None,
            bot: self.habits.bot,
            flipped: None,
        }
    }

    /// What a player does in a frame.
    pub(crate) fn input(&self, epoch: u32, player: u8, frame: Frame) -> Input {
        let mut rng = Rng(self.seed ^ (u64::from(epoch) << 32 | u64::from(player) << 40));
        match self.inputs {
            InputKind::Keys => {
                // Keys change at random frames: the newest change counts.
                let spell = 1 + rng.below(12) as u32;
                let changes = Rng(rng.next() ^ u64::from(frame.0 / spell)).next();
                Input::new(&[(changes % 4) as u8]).unwrap()
            }
            InputKind::Noise => {
                let byte = Rng(rng.next() ^ u64::from(frame.0)).next() as u8;
                Input::new(&[byte]).unwrap()
            }
            InputKind::Wild => {
                let mut rng = Rng(rng.next() ^ u64::from(frame.0));
                let length = 1 + rng.below(64) as usize;
                let bytes: Vec<u8> = (0..length).map(|_| rng.next() as u8).collect();
                Input::new(&bytes).unwrap()
            }
        }
    }

    /// What the engine itself gives in lead frames, and the player after them.
    pub(crate) fn authored(&self, epoch: u32, player: u8, frame: Frame) -> Input {
        let groups = GROUPS[self.groups];
        let peer = groups.iter().position(|group| group.contains(&player));
        let delay = self.delays[peer.expect("every player sits somewhere")];
        if frame.0 < delay {
            default_input()
        } else {
            self.input(epoch, player, frame)
        }
    }
}

pub(crate) fn default_input() -> Input {
    Input::new(&[9]).unwrap()
}
