//! How the episode went on this machine.

use std::time::Duration;

use igym_protocol::{EpisodeReport, LinkReport, NetworkSample};
use igym_rollback::{Engine, LinkId, LinkStats};

use crate::histogram::Histogram;

/// What only the host can measure, kept for the report.
#[derive(Debug)]
pub(super) struct Measurements {
    ticks: Histogram,
    key_to_frame: Histogram,
    /// One count per player.
    skipped: Vec<u32>,
}

impl Measurements {
    pub(super) fn new(players: usize) -> Self {
        Self {
            ticks: Histogram::new(),
            key_to_frame: Histogram::new(),
            skipped: vec![0; players],
        }
    }

    pub(super) fn tick(&mut self, microseconds: u32) {
        self.ticks.add(microseconds);
    }

    pub(super) fn key_to_frame(&mut self, microseconds: u32) {
        self.key_to_frame.add(microseconds);
    }

    pub(super) fn skipped(&mut self, to: u8) {
        if let Some(count) = self.skipped.get_mut(usize::from(to)) {
            *count += 1;
        }
    }

    pub(super) fn report(&self, engine: &Engine) -> EpisodeReport {
        let counters = engine.counters();
        EpisodeReport {
            frames: engine.head().0,
            rollbacks: number(counters.rollbacks),
            resimulated_frames: number(counters.resimulated_frames),
            deepest_rollback: counters.deepest_rollback.try_into().unwrap_or(u16::MAX),
            stalled_ticks: number(counters.stalled_ticks),
            tick_p50_us: self.ticks.percentile(50).unwrap_or(0),
            tick_p99_us: self.ticks.percentile(99).unwrap_or(0),
            tick_max_us: self.ticks.largest().unwrap_or(0),
            key_to_frame_p50_us: self.key_to_frame.percentile(50),
            key_to_frame_p95_us: self.key_to_frame.percentile(95),
            links: self.links(engine),
        }
    }

    fn links(&self, engine: &Engine) -> Vec<LinkReport> {
        links(engine)
            .map(|(player, stats)| LinkReport {
                player,
                rtt_min_us: micros(stats.rtt_min),
                rtt_median_us: micros(stats.rtt_median),
                rtt_p95_us: micros(stats.rtt_p95),
                jitter_us: micros(stats.jitter),
                packets_sent: number(stats.packets_sent),
                packets_received: number(stats.packets_received),
                packets_lost: number(stats.packets_lost),
                packets_reordered: number(stats.packets_reordered),
                bytes_sent: number(stats.bytes_sent),
                bytes_received: number(stats.bytes_received),
                packets_skipped: self.skipped.get(usize::from(player)).copied().unwrap_or(0),
            })
            .collect()
    }
}

/// The links to all partners, in player order.
pub(super) fn links(engine: &Engine) -> impl Iterator<Item = (u8, LinkStats)> {
    (0..igym_rollback::MAX_PLAYERS as u8)
        .filter_map(|player| Some((player, engine.link_stats(LinkId(player))?)))
}

pub(super) fn network_sample(at_us: u64, player: u8, stats: &LinkStats) -> NetworkSample {
    NetworkSample {
        at_us,
        player,
        rtt_us: micros(stats.rtt_median),
        jitter_us: micros(stats.jitter),
        sent: number(stats.packets_sent),
        received: number(stats.packets_received),
        lost: number(stats.packets_lost),
    }
}

fn micros(duration: Duration) -> u32 {
    duration.as_micros().try_into().unwrap_or(u32::MAX)
}

pub(super) fn number(count: u64) -> u32 {
    count.try_into().unwrap_or(u32::MAX)
}
