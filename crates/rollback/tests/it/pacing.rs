//! When ticks are due, and what links measure.

use std::time::Duration;

use igym_rollback::{Engine, LinkId, Micros, PlayerIndex};

use crate::case::{Case, Conditions};
use crate::host::{FRAME, Host, duo, endless};
use crate::world::World;

fn long(seed: u64, latency_ms: u64) -> Case {
    Case {
        frames: u32::MAX,
        network: Conditions {
            latency_ms,
            ..Case::plain(seed).network
        },
        ..Case::plain(seed)
    }
}

fn heads(world: &World) -> [i64; 2] {
    [0, 1].map(|peer| i64::from(world.peers[peer].engine.head().0))
}

#[test]
fn a_late_starter_and_a_drifting_clock_are_met() {
    for (drift_ppm, late_us) in [(0, 100_000), (10_000, 0), (-10_000, 0), (5_000, 150_000)] {
        let case = Case {
            drift_ppm,
            ..long(3, 50)
        };
        let mut world = World::with(case, [0, late_us, 0, 0], None);
        world.run_until(20, |_| false);
        let before = heads(&world);
        for second in 21..60 {
            world.run_until(second, |_| false);
            let [a, b] = heads(&world);
            assert!((a - b).abs() <= 1, "{drift_ppm} {late_us}: {a} {b}");
        }
        for peer in &world.peers {
            assert_eq!(peer.engine.counters().stalls, 0);
        }
        // Nobody is slowed down much: 39 seconds at 60 frames, less the drift.
        let played = heads(&world)[0] - before[0];
        assert!((2_300..2_370).contains(&played), "{played}");
    }
}

#[test]
fn ticks_are_never_far_faster_than_the_frame_duration() {
    let mut a = Host::new(duo(0).start_at(Micros(0)), &[0], endless());
    let mut b = Host::new(duo(1).start_at(Micros(0)), &[1], endless());
    // b is 8 frames ahead and stays there.
    for _ in 0..8 {
        b.tick(1);
    }
    a.now = b.now;
    let mut due = a.now;
    for tick in 0..100 {
        a.now = due - FRAME;
        b.now = due - FRAME;
        let (_, to_b) = a.tick(1);
        let (_, to_a) = b.tick(1);
        let next = a.engine.next_tick_at(a.now);
        if tick > 10 {
            let length = next.since(due);
            assert!(length >= FRAME.mul_f64(0.989), "{length:?}");
            assert!(length <= FRAME, "{length:?}");
        }
        due = next.max(a.now);
        a.take(1, &to_a);
        b.take(0, &to_b);
    }
    assert!(a.engine.link_stats(LinkId(1)).unwrap().lead_us < -100_000);
    assert!(b.engine.link_stats(LinkId(0)).unwrap().lead_us > 100_000);
    // The one ahead slows down, in proportion.
    let length = b.engine.next_tick_at(b.now).since(b.now);
    assert!(
        length > FRAME.mul_f64(1.2) && length <= FRAME * 2,
        "{length:?}"
    );
}

#[test]
fn a_host_whose_clock_leaps_does_not_leap() {
    let mut a = Host::new(duo(0).start_at(Micros(0)), &[0], endless());
    a.now = Micros(0);
    a.tick(1);
    // A minute passes, and nobody is known to have played meanwhile.
    let later = a.now + Duration::from_secs(60);
    let mut ticks = 0;
    while a.engine.next_tick_at(later) <= later {
        a.now = later - FRAME;
        a.tick(1);
        ticks += 1;
    }
    assert_eq!(ticks, 1);
    // A clock that steps back does not stop play.
    assert!(a.engine.next_tick_at(Micros(0)) <= Micros(0) + FRAME * 2);
    a.now = Micros(0) - FRAME;
    a.tick(1);
    assert!(a.engine.next_tick_at(a.now) <= a.now + FRAME * 2);
}

#[test]
fn who_plays_alone_makes_good_what_a_late_host_missed() {
    let alone = Engine::builder()
        .players(1)
        .local([PlayerIndex(0)])
        .frame_duration(FRAME)
        .window(FRAME * 10);
    let mut a = Host::new(alone, &[0], endless());
    a.tick(1);
    let later = a.now + Duration::from_secs(60);
    let mut ticks = 0;
    while a.engine.next_tick_at(later) <= later {
        a.now = later - FRAME;
        a.tick(1);
        ticks += 1;
    }
    // As much as the window, and the one that was due.
    assert_eq!(ticks, 11);
}

#[test]
fn links_measure_what_the_network_does() {
    let mut case = long(5, 80);
    case.network.jitter_ms = 40;
    case.network.loss = 15;
    case.network.duplicates = 10;
    let mut world = World::new(case);
    world.run_until(60, |_| false);
    for (index, peer) in world.peers.iter().enumerate() {
        let stats = peer.engine.link_stats(LinkId(1 - index as u8)).unwrap();
        let ms = |duration: Duration| duration.as_micros() as f64 / 1000.0;
        assert!((160.0..175.0).contains(&ms(stats.rtt_min)), "{stats:?}");
        assert!((185.0..210.0).contains(&ms(stats.rtt_median)), "{stats:?}");
        assert!((205.0..240.0).contains(&ms(stats.rtt_p95)), "{stats:?}");
        assert!((1.0..40.0).contains(&ms(stats.jitter)), "{stats:?}");
        let numbered = stats.packets_received - stats.packets_duplicated + stats.packets_lost;
        let lost = stats.packets_lost as f64 / numbered as f64;
        assert!((0.12..0.18).contains(&lost), "{lost}");
        let again = stats.packets_duplicated as f64 / stats.packets_received as f64;
        assert!((0.07..0.11).contains(&again), "{again}");
        assert!(stats.packets_reordered > 100 && stats.packets_sent > 3_000);
        assert!(stats.bytes_sent > stats.packets_sent * 12);
        assert!(stats.bytes_received > stats.packets_received * 12);
        assert!(stats.lead_us.abs() < 17_000, "{stats:?}");
        assert!(stats.bytes_sent < stats.packets_sent * 60, "{stats:?}");
    }
    assert_eq!(world.peers[0].engine.link_stats(LinkId(9)), None);
}
