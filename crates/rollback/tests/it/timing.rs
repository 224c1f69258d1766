//! The targets of time synchronisation: runs of 120 s at a round trip of 100 ms.

use std::time::Duration;

use igym_rollback::Frame;

use crate::timing_world::{FRAME_US, Setting, TimingWorld};

const QUARTER: u64 = FRAME_US as u64 / 4;

/// In step from this second on, fair from the first frame to the last, and without a stall.
fn meets_the_targets(world: &TimingWorld, from: f64) {
    let skew = world.skew_us(from..120.0);
    assert!(skew < QUARTER, "skew of {skew} µs\n{world}");
    let unfairness = world.unfairness(0.0..120.0);
    assert!(unfairness < 10.0, "unfair by {unfairness} %\n{world}");
    assert_eq!(world.stalls(0.0..120.0), 0, "{world}");
    for peer in 0..world.players.len() {
        let (shortest, _) = world.lengths(peer, 0.0..120.0);
        assert!(shortest > 0.9899, "{shortest}\n{world}");
        let again = world.again(peer, 0.0..120.0);
        assert!(again > 300, "there were rollbacks\n{world}");
    }
}

#[test]
fn peers_with_good_clocks_are_in_step_from_the_first_frame() {
    let world = TimingWorld::play(Setting::new(2), 120);
    meets_the_targets(&world, 0.0);
    let skew = world.skew_us(0.0..120.0);
    assert!(skew < 500, "{skew}\n{world}");
    let rate = world.rate(1.0..120.0);
    assert!((59.9..60.1).contains(&rate), "{rate}\n{world}");
}

/// Wherever packets arrive within a tick, also just when it is due.
#[test]
fn every_latency_is_fair() {
    for way_us in [5_000, 33_334, 41_000, 50_001, 66_668, 66_600, 80_000] {
        for input_delay in [1, 3] {
            let setting = Setting {
                ways_us: [way_us; 2],
                delays: vec![input_delay; 2],
                drift_ppm: vec![0, 200],
                ..Setting::new(2)
            };
            let world = TimingWorld::play(setting, 120);
            assert!(world.skew_us(1.0..120.0) < QUARTER, "{way_us}\n{world}");
            if world.again(0, 0.0..120.0) > 50 {
                let unfairness = world.unfairness(0.0..120.0);
                assert!(unfairness < 10.0, "{way_us}: {unfairness} %\n{world}");
            }
        }
    }
}

#[test]
fn a_drift_of_three_percent_is_met() {
    for drift_ppm in [[30_000, 0], [0, 30_000], [-15_000, 15_000], [-30_000, 0]] {
        let setting = Setting {
            drift_ppm: drift_ppm.to_vec(),
            ..Setting::new(2)
        };
        let world = TimingWorld::play(setting, 120);
        meets_the_targets(&world, 0.0);
        // Known to a fraction of a millisecond after two seconds, and not before.
        let (first, later) = (world.skew_us(0.0..2.0), world.skew_us(2.0..120.0));
        assert!(first > 1_000 && later < 500, "{first} {later}\n{world}");
        // Nobody plays slower than the slowest clock.
        let slowest = *drift_ppm.iter().min().unwrap() as f64 / 1e6;
        let rate = world.rate(1.0..120.0);
        let possible = 59.998 * (1.0 + slowest);
        assert!(rate > possible - 0.1, "{rate} of {possible}\n{world}");
    }
}

#[test]
fn a_peer_that_begins_later_is_waited_for_if_it_is_heard() {
    let setting = Setting {
        late_ms: vec![0, 100],
        ..Setting::new(2)
    };
    let world = TimingWorld::play(setting, 120);
    meets_the_targets(&world, 0.0);
    let first = world.players[0].shown[0];
    assert!((595_000..605_000).contains(&first), "{first}\n{world}");
    // But not for long.
    let setting = Setting {
        late_ms: vec![0, 5_000],
        ..Setting::new(2)
    };
    let world = TimingWorld::play(setting, 10);
    let first = world.players[0].shown[0];
    assert!((1_490_000..1_510_000).contains(&first), "{first}\n{world}");
}

#[test]
fn a_peer_that_is_heard_only_when_it_begins_is_met() {
    let setting = Setting {
        late_ms: vec![0, 100],
        unheard: true,
        ..Setting::new(2)
    };
    let world = TimingWorld::play(setting, 120);
    assert!(
        world.skew_us(0.6..1.2) > QUARTER,
        "there is a skew\n{world}"
    );
    meets_the_targets(&world, 3.0);
    // Gently.
    let (_, longest) = world.lengths(0, 0.0..120.0);
    assert!(longest < 1.25, "{longest}\n{world}");
}

#[test]
fn a_blackout_of_a_second_is_over_when_packets_come() {
    for drift_ppm in [0, 1_000] {
        let setting = Setting {
            blackout_ms: 20_000..21_000,
            drift_ppm: vec![0, drift_ppm],
            ..Setting::new(2)
        };
        let world = TimingWorld::play(setting, 120);
        let during = world.stalls(20.0..21.1);
        assert_eq!(during, 2, "both stall once\n{world}");
        assert_eq!(world.stalls(0.0..20.0), 0, "{world}");
        assert_eq!(world.stalls(21.1..120.0), 0, "{world}");
        for player in &world.players {
            let next = player.shown.iter().find(|us| **us > 21_000_000);
            let resumed = next.unwrap() - 21_000_000;
            assert!(resumed < 50_000 + 2 * FRAME_US as u64, "{resumed}\n{world}");
        }
        let skew = world.skew_us(22.0..120.0);
        assert!(skew < QUARTER, "{skew}\n{world}");
        let unfairness = world.unfairness(0.0..120.0);
        assert!(unfairness < 10.0, "{unfairness}\n{world}");
    }
}

#[test]
fn rough_networks_and_lazy_timers_are_met() {
    let setting = Setting {
        ways_us: [35_000; 2],
        jitter_us: 30_000,
        loss: 10,
        timers_us: 4_000,
        drift_ppm: vec![0, 500],
        ..Setting::new(2)
    };
    let world = TimingWorld::play(setting, 120);
    // A timer that rings late shows a frame late.
    let skew = world.skew_us(5.0..120.0);
    assert!(skew < QUARTER + 4_000, "{skew}\n{world}");
    let unfairness = world.unfairness(0.0..120.0);
    assert!(unfairness < 10.0, "{unfairness} %\n{world}");
    assert_eq!(world.stalls(0.0..120.0), 0, "{world}");
    let rate = world.rate(1.0..120.0);
    assert!((59.8..60.1).contains(&rate), "{rate}\n{world}");
}

/// What cannot be told from packets is shared: each side waits as long for the other's inputs.
#[test]
fn uneven_ways_cost_both_sides_the_same() {
    let setting = Setting {
        ways_us: [80_000, 20_000],
        ..Setting::new(2)
    };
    let world = TimingWorld::play(setting, 120);
    let unfairness = world.unfairness(0.0..120.0);
    assert!(unfairness < 10.0, "{unfairness} %\n{world}");
    assert_eq!(world.stalls(0.0..120.0), 0, "{world}");
    let rate = world.rate(1.0..120.0);
    assert!((59.9..60.1).contains(&rate), "{rate}\n{world}");
    let skew = world.skew_us(3.0..120.0);
    assert!((25_000..35_000).contains(&skew), "{skew}\n{world}");
}

#[test]
fn many_peers_are_in_step() {
    for peers in [3, 6, 16] {
        let drifts = (0..peers as i64).map(|peer| peer * 317 % 1_000 - 500);
        let setting = Setting {
            jitter_us: 10_000,
            loss: 2,
            drift_ppm: drifts.collect(),
            far: Some((2, 90_000)),
            ..Setting::new(peers)
        };
        let world = TimingWorld::play(setting, 60);
        let skew = world.skew_us(5.0..60.0);
        assert!(skew < QUARTER, "{peers} peers: {skew} µs\n{world}");
        assert_eq!(world.stalls(0.0..60.0), 0, "{world}");
        let rate = world.rate(1.0..60.0);
        assert!((59.8..60.1).contains(&rate), "{rate}\n{world}");
    }
}

#[test]
fn a_clock_that_is_set_changes_nothing() {
    for by in [10_000_000, -10_000_000, 300_000] {
        let setting = Setting {
            set: Some((1, 30_000, by)),
            ..Setting::new(2)
        };
        let world = TimingWorld::play(setting, 120);
        let skew = world.skew_us(0.0..120.0);
        assert!(skew < FRAME_US as u64 * 4, "{by}: {skew} µs\n{world}");
        let skew = world.skew_us(32.0..120.0);
        assert!(skew < QUARTER, "{by}: {skew} µs\n{world}");
        assert_eq!(world.stalls(0.0..120.0), 0, "{by}\n{world}");
        let rate = world.rate(30.0..31.0);
        assert!((56.0..64.0).contains(&rate), "{by}: {rate}\n{world}");
        for peer in 0..2 {
            let stats = world.stats(peer, 1 - peer);
            assert!(stats.rtt_p95 < Duration::from_millis(102), "{stats:?}");
            assert!(stats.drift_ppm.abs() < 500, "{stats:?}");
        }
    }
}

#[test]
fn a_host_that_froze_catches_up_with_the_others() {
    for (ms, stalls) in [(300, false), (3_000, true)] {
        let setting = Setting {
            frozen: Some((0, 20_000..20_000 + ms)),
            ..Setting::new(3)
        };
        let world = TimingWorld::play(setting, 60);
        let end = 20.0 + ms as f64 / 1e3;
        assert_eq!(world.stalls(20.0..end + 0.1) > 0, stalls, "{world}");
        assert_eq!(world.stalls(end + 0.1..60.0), 0, "{world}");
        let skew = world.skew_us(end + 3.0..60.0);
        assert!(skew < QUARTER, "{ms} ms: {skew} µs\n{world}");
        // The others lose no more than the stall.
        let lost = 60.0 * 59.5 - world.players[1].engine.head().0 as f64;
        let stalled = (ms as f64 / 1e3 - 0.5).max(0.0) * 60.0;
        assert!(lost < stalled + 8.0, "{lost} of {stalled}\n{world}");
    }
}

#[test]
fn a_host_that_cannot_keep_up_is_waited_for_without_stalls() {
    for ms in [20, 33] {
        let setting = Setting {
            slow: Some((1, Duration::from_millis(ms))),
            ..Setting::new(3)
        };
        let world = TimingWorld::play(setting, 120);
        assert_eq!(world.stalls(5.0..120.0), 0, "{ms}\n{world}");
        let rate = world.rate(10.0..120.0);
        let possible = 1e3 / ms as f64;
        assert!(rate > possible * 0.99, "{ms}: {rate}\n{world}");
    }
}

/// Whatever one peer says of its place and its clock, the others play on at their pace as long as its
/// inputs come: it can cost them half a second once, no more.
#[test]
fn one_liar_cannot_hold_up_the_others() {
    let lies: [(&str, crate::timing_world::Lie); 6] = [
        ("far behind", |body| {
            body.head = Frame(body.head.0.saturating_sub(200));
        }),
        ("ahead", |body| body.head = Frame(body.head.0 + 20)),
        ("any time", |body| {
            let noise = body.sequence.wrapping_mul(0x9e37_79b9);
            body.sent_at = body.sent_at.map(|_| noise);
        }),
        ("slow clock", |body| {
            let slow = |at: u32| (u64::from(at) * 9 / 10) as u32;
            body.sent_at = body.sent_at.map(slow);
        }),
        ("held for no time", |body| {
            if let Some(echo) = &mut body.echo {
                echo.held_us = 0;
            }
        }),
        ("long delay", |body| {
            body.head = Frame(body.head.0.saturating_sub(200));
            if let Some(delays) = &mut body.delays {
                delays.frames = vec![32];
                delays.wanted = 32;
            }
        }),
    ];
    for (name, lie) in lies {
        let setting = Setting {
            liar: Some((2, lie)),
            ..Setting::new(3)
        };
        let world = TimingWorld::play(setting, 60);
        let head = world.players[0]
            .engine
            .head()
            .0
            .min(world.players[1].engine.head().0);
        let lost = 59.5 * 60.0 - f64::from(head);
        assert!(lost < 48.0, "{name}: {lost} frames lost\n{world}");
        assert_eq!(world.stalls(0.0..60.0), 0, "{name}\n{world}");
        for peer in 0..3 {
            let (shortest, _) = world.lengths(peer, 0.0..60.0);
            assert!(shortest > 0.9899, "{name}: {shortest}\n{world}");
        }
    }
}

/// An input is needed where it is used after the one-way delay: nobody waits for an answer.
#[test]
fn lockstep_needs_the_one_way_delay_and_no_more() {
    let lockstep = |input_delay: u32, eager: bool| Setting {
        window_ms: 0,
        delays: vec![input_delay; 2],
        eager,
        ..Setting::new(2)
    };
    // 66.7 ms are enough for 50.
    let world = TimingWorld::play(lockstep(4, false), 120);
    let rate = world.rate(2.0..120.0);
    assert!(rate > 59.9, "{rate}\n{world}");
    assert_eq!(world.stalls(2.0..120.0), 0, "{world}");
    assert_eq!(world.counters(0).rollbacks + world.counters(1).rollbacks, 0);
    // With less, so many frames are played in the time that a frame and one way take, not two.
    for (input_delay, possible) in [(0, 15.0), (2, 45.0)] {
        let world = TimingWorld::play(lockstep(input_delay, true), 120);
        let rate = world.rate(2.0..120.0);
        assert!(
            (rate - possible).abs() < 0.2,
            "{rate} of {possible}\n{world}"
        );
    }
}
