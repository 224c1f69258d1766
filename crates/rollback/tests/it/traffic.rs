//! How few bytes play takes.

use igym_rollback::{LinkId, wire};

use crate::case::{Case, Conditions, InputKind};
use crate::world::World;

/// Bytes of payload per frame and link, of a run of 120 s at a round trip of 100 ms.
fn bytes_per_frame(inputs: InputKind, groups: usize, loss: u32) -> f64 {
    let case = Case {
        inputs,
        groups,
        frames: u32::MAX,
        network: Conditions {
            latency_ms: 50,
            loss,
            ..Case::plain(1).network
        },
        ..Case::plain(1)
    };
    let mut world = World::new(case);
    world.run_until(120, |_| false);
    let mut worst = 0.0f64;
    for (index, peer) in world.peers.iter().enumerate() {
        let frames = f64::from(peer.engine.head().0);
        assert!(frames > 7_000.0, "{frames}");
        let counters = peer.engine.counters();
        assert!(counters.predictions_wrong > 100, "{counters:?}");
        for other in (0..world.peers.len()).filter(|other| *other != index) {
            let stats = peer.engine.link_stats(LinkId(other as u8)).unwrap();
            assert!((stats.packets_sent as f64) < frames * 1.01);
            let rtt_ms = stats.rtt_median.as_millis();
            assert!((100..103).contains(&rtt_ms), "{stats:?}");
            let lost = stats.packets_lost as f64 / stats.packets_sent as f64 * 100.0;
            assert!((lost - f64::from(loss)).abs() < 2.0, "{lost}");
            worst = worst.max(stats.bytes_sent as f64 / frames);
        }
    }
    assert!(world.totals.longest_packet <= wire::MAX_PACKET_BYTES);
    worst
}

#[test]
fn play_takes_at_most_twenty_bytes_per_frame_and_link() {
    for (inputs, groups, loss, most) in [
        (InputKind::Keys, 0, 0, 17.5),
        (InputKind::Keys, 0, 15, 18.0),
        (InputKind::Noise, 0, 0, 18.5),
        (InputKind::Noise, 0, 15, 19.0),
        (InputKind::Keys, 2, 15, 19.0),
    ] {
        let bytes = bytes_per_frame(inputs, groups, loss);
        println!("{inputs:?}, group {groups}, loss {loss} %: {bytes:.2} bytes");
        assert!(bytes < most, "{inputs:?} {groups} {loss}: {bytes}");
    }
}
