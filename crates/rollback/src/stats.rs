//! Measurements of links and of the engine's work.

use core::time::Duration;

/// The state of one link since the engine was built. Durations are zero until measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Least round trip of all, without the time that the other side held the packet.
    pub rtt_min: Duration,
    /// Median of the latest [`RTT_SAMPLES`] round trips.
    pub rtt_median: Duration,
    /// 95th percentile of the same round trips.
    pub rtt_p95: Duration,
    /// Smoothed difference between the transit times of consecutive packets (RFC 3550, 6.4.1).
    pub jitter: Duration,
    /// Packets made for the peer.
    pub packets_sent: u64,
    /// Accepted packets, duplicates included.
    pub packets_received: u64,
    /// Packets that the other side numbered and that have not come.
    pub packets_lost: u64,
    /// Packets that came after one sent later.
    pub packets_reordered: u64,
    /// Packets that came again.
    pub packets_duplicated: u64,
    /// Bytes of payload of the packets made.
    pub bytes_sent: u64,
    /// Bytes of payload of the packets accepted.
    pub bytes_received: u64,
    /// The skew: our lead over the peer at the other end, in microseconds, at the last tick; negative
    /// where it is ahead. Zero without news of the last second.
    pub lead_us: i64,
    /// By how much the peer's clock is faster than ours, in parts per million.
    pub drift_ppm: i64,
    /// Rollbacks that wrong guesses of this peer's inputs began.
    pub rollbacks: Depths,
    /// Times that the head stopped at the end of the window for want of this peer's inputs.
    pub stalls: u64,
    /// Ticks in which the head stood there.
    pub stalled_ticks: u64,
    /// This peer's inputs that had been guessed rightly when their frame was simulated.
    pub predictions_right: u64,
    /// The same inputs, guessed wrongly.
    pub predictions_wrong: u64,
    /// Changes of input delay that the peer announced.
    pub delay_changes: u64,
}

/// Rollbacks by the number of frames gone back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// Rollbacks of n + 1 frames at place n; the last place has all that are deeper, too.
    pub counts: [u64; DEPTHS],
    /// Frames gone back by the deepest.
    pub deepest: u32,
}

/// The places of [`Depths::counts`].
pub const DEPTHS: usize = 16;

impl Depths {
    /// All rollbacks.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(crate) fn count(&mut self, depth: u32) {
        let place = (depth.max(1) - 1) as usize;
        self.counts[place.min(DEPTHS - 1)] += 1;
        self.deepest = self.deepest.max(depth);
    }
}

/// How many round trips the median and the percentile of [`LinkStats`] look back.
pub const RTT_SAMPLES: usize = 256;

/// The engine's work since it was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Batches that went back because of a wrong guess.
    pub rollbacks: u64,
    /// Frames simulated again.
    pub resimulated_frames: u64,
    /// States that the host was asked to save.
    pub saves: u64,
    /// States that the host was asked to load.
    pub loads: u64,
    /// Frames gone back by the deepest rollback.
    pub deepest_rollback: u32,
    /// How deep they were.
    pub rollback_depths: Depths,
    /// Times that the head stopped at the end of the window; [`LinkStats`] says for whom.
    pub stalls: u64,
    /// Ticks in which it stood there.
    pub stalled_ticks: u64,
    /// Ticks without a frame because the host had not given an input.
    pub ticks_without_input: u64,
    /// Ticks without a frame because it looked like the episode's end.
    pub ticks_at_an_end: u64,
    /// Ticks without a frame because it was not known what an older page load authored.
    pub ticks_rejoining: u64,
    /// Changes of our players' input delays.
    pub delay_changes: u64,
    /// Remote inputs that had been guessed rightly when their frame was simulated.
    pub predictions_right: u64,
    /// The same inputs, guessed wrongly.
    pub predictions_wrong: u64,
    /// Inputs that came again and differed from the first, which was kept.
    pub conflicts: u64,
    /// Inputs not taken because no honest peer is that far ahead.
    pub inputs_beyond_horizon: u64,
    /// Packets that were refused.
    pub refused: Refused,
}

/// Packets that changed nothing, by reason (see [`PacketError`](crate::PacketError)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// As [`PacketError::UnknownLink`](crate::PacketError::UnknownLink)..
    pub unknown_link: u64,
    /// As [`PacketError::LinkLeft`](crate::PacketError::LinkLeft)..
    pub link_left: u64,
    /// As [`PacketError::OtherVersion`](crate::PacketError::OtherVersion)..
    pub other_version: u64,
    /// As [`PacketError::Malformed`](crate::PacketError::Malformed)..
    pub malformed: u64,
    /// As [`PacketError::OtherEpoch`](crate::PacketError::OtherEpoch)..
    pub other_epoch: u64,
    /// As [`PacketError::OtherConfiguration`](crate::PacketError::OtherConfiguration)..
    pub other_configuration: u64,
    /// As [`PacketError::UnknownTag`](crate::PacketError::UnknownTag)..
    pub unknown_tag: u64,
    /// As [`PacketError::OlderIncarnation`](crate::PacketError::OlderIncarnation)..
    pub older_incarnation: u64,
    /// As [`PacketError::OtherAddressee`](crate::PacketError::OtherAddressee)..
    pub other_addressee: u64,
    /// As [`PacketError::Impossible`](crate::PacketError::Impossible)..
    pub impossible: u64,
    /// As [`PacketError::BatchOpen`](crate::PacketError::BatchOpen)..
    pub batch_open: u64,
}

impl Refused {
    /// All packets that were refused.
    pub fn total(&self) -> u64 {
        self.unknown_link
            + self.link_left
            + self.other_version
            + self.malformed
            + self.other_epoch
            + self.other_configuration
            + self.unknown_tag
            + self.older_incarnation
            + self.other_addressee
            + self.impossible
            + self.batch_open
    }
}

/// What the engine holds, in frames: the bound of its memory (see [`Engine::set_durable`] for
/// inputs; hashes are kept of the latest frames, and two bytes of each of those before them that
/// [`Builder::keep_hashes`] says).
///
/// [`Engine::set_durable`]: crate::Engine::set_durable
/// [`Builder::keep_hashes`]: crate::Builder::keep_hashes
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Inputs of the player with the most.
    pub inputs: usize,
    /// Frames simulated but not confirmed.
    pub records: usize,
    /// Chain hashes kept to name a first difference.
    pub hashes: usize,
    /// Events that the host has not taken.
    pub events: usize,
}
