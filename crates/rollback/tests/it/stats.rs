//! What is counted, by peer.

use igym_rollback::{DEPTHS, LinkId};

use crate::timing_world::{Setting, TimingWorld};

#[test]
fn work_is_counted_by_the_peer_that_caused_it() {
    let setting = Setting {
        loss: 5,
        jitter_us: 30_000,
        far: Some((2, 130_000)),
        frozen: Some((2, 20_000..22_000)),
        drift_ppm: vec![0, 0, -4_000],
        ..Setting::new(3)
    };
    let world = TimingWorld::play(setting, 60);
    for peer in 0..3 {
        let counters = world.counters(peer);
        let others = (0..3).filter(|other| *other != peer);
        let all: Vec<_> = others.map(|other| world.stats(peer, other)).collect();
        let sum = |of: fn(&igym_rollback::LinkStats) -> u64| all.iter().map(of).sum::<u64>();
        assert!(counters.rollbacks > 300, "{counters:?}");
        assert_eq!(sum(|stats| stats.rollbacks.total()), counters.rollbacks);
        assert_eq!(counters.rollback_depths.total(), counters.rollbacks);
        assert_eq!(counters.rollback_depths.deepest, counters.deepest_rollback);
        assert_eq!(
            sum(|stats| stats.predictions_right),
            counters.predictions_right
        );
        assert_eq!(
            sum(|stats| stats.predictions_wrong),
            counters.predictions_wrong
        );
        assert_eq!(sum(|stats| stats.stalls), counters.stalls);
        assert_eq!(sum(|stats| stats.stalled_ticks), counters.stalled_ticks);
        for place in 0..DEPTHS {
            let places = all.iter().map(|stats| stats.rollbacks.counts[place]);
            assert_eq!(places.sum::<u64>(), counters.rollback_depths.counts[place]);
        }
    }
    // The one far away, which froze, is to blame.
    for peer in 0..2 {
        let (near, far) = (world.stats(peer, 1 - peer), world.stats(peer, 2));
        assert!(far.stalls == 1 && near.stalls == 0, "{near:?} {far:?}");
        assert!(far.stalled_ticks > 60, "{far:?}");
        // 33 ms of delay against 130 to 160 ms of way: six to nine frames, more after a loss.
        let usual = |depths: &igym_rollback::Depths, places: std::ops::Range<usize>| {
            let within: u64 = depths.counts[places].iter().sum();
            within as f64 / depths.total() as f64
        };
        assert!(usual(&far.rollbacks, 5..10) > 0.8, "{far:?}");
        assert!(usual(&near.rollbacks, 0..4) > 0.7, "{near:?}");
        assert!(far.predictions_wrong > 300 && far.predictions_right > 300);
        assert!((far.drift_ppm + 4_000).abs() < 1_000, "{far:?}");
        assert!(near.drift_ppm.abs() < 1_000, "{near:?}");
        assert!(near.lead_us.abs() < 5_000 && far.lead_us.abs() < 8_000);
        let (sent, received) = (far.packets_sent, world.stats(2, peer).packets_received);
        assert!(received < sent * 97 / 100 && received > sent * 92 / 100);
        let lost = world.stats(2, peer).packets_lost;
        assert!(
            received + lost <= sent && received + lost > sent - 40,
            "{lost}"
        );
        assert_eq!(far.delay_changes, 0);
    }
    let engine = &world.players[0].engine;
    assert_eq!(engine.link_stats(LinkId(7)), None);
}
