//! The measurements, one table each.

use crate::game::Keys;
use crate::meter::{Meter, live_bytes, mean, median};
use crate::network::Conditions;
use crate::ours::Ours;
use crate::peers::{Fortress, Ggrs};
use crate::world::{FRAME_US, Peer, Sample, Setup, World};

const SECOND: u64 = 1_000_000;

fn names() -> [&'static str; 3] {
    [Ours::NAME, Ggrs::NAME, Fortress::NAME]
}

/// The same measurement of all three.
macro_rules! all {
    ($function:ident($($argument:expr),*)) => {
        [$function::<Ours>($($argument),*), $function::<Ggrs>($($argument),*), $function::<Fortress>($($argument),*)]
    };
}

/// Portions of a measurement, of all three in turn: the machine does other things, too, and a slow
/// stretch of it is then one for all.
macro_rules! in_turn {
    ($count:expr, $begin:ident($($argument:expr),*)) => {{
        let mut runs = (
            $begin::<Ours>($($argument),*),
            $begin::<Ggrs>($($argument),*),
            $begin::<Fortress>($($argument),*),
        );
        let mut portions = [vec![], vec![], vec![]];
        for _ in 0..$count {
            portions[0].push((runs.0)());
            portions[1].push((runs.1)());
            portions[2].push((runs.2)());
        }
        portions
    }};
}

fn header(columns: &[&str]) {
    println!("\n| {} |", columns.join(" | "));
    println!("|---|{}", "---:|".repeat(columns.len() - 1));
}

/// Engine time and allocations per peer tick.
pub fn cpu(meter: &Meter) {
    let [a, b, c] = names();
    header(&["engine time per peer tick, median (allocations)", a, b, c]);
    for state_bytes in [64, 16_384] {
        for depth in [0, 4, 8, 16] {
            let portions = in_turn!(PORTIONS, ticks(meter, state_bytes, depth));
            let cells = portions.map(|portions| {
                let all =
                    |of: fn(&Ticks) -> f64| mean(&portions.iter().map(of).collect::<Vec<_>>());
                let (share, allocations) = (all(|own| own.share), all(|own| own.allocations));
                assert!(
                    share > 0.9,
                    "only {share} of the ticks go back {depth} frames"
                );
                let least = |a: &Ticks, b: &Ticks| a.median_ns.total_cmp(&b.median_ns);
                let quickest = portions.into_iter().min_by(least).unwrap();
                format!(
                    "{:.2} µs, p99 {:.2} ({allocations:.2})",
                    quickest.median_ns / 1e3,
                    quickest.p99_ns / 1e3
                )
            });
            let what = match depth {
                0 => "steady".to_owned(),
                depth => format!("rollback of {depth} frames"),
            };
            println!(
                "| {what}, state of {state_bytes} B | {} |",
                cells.join(" | ")
            );
        }
    }
}

/// Of each engine: the quickest is what it takes.
const PORTIONS: usize = 12;

/// The ticks of a portion that go back as far as they are to.
struct Ticks {
    /// Of all its ticks.
    share: f64,
    median_ns: f64,
    p99_ns: f64,
    allocations: f64,
}

fn ticks<P: Peer>(meter: &Meter, state_bytes: usize, depth: u32) -> impl FnMut() -> Ticks {
    let steady = Setup {
        state_bytes,
        keys: Keys::Held,
        ..Setup::default()
    };
    let setup = match depth {
        0 => steady,
        depth => Setup {
            delay: 0,
            keys: Keys::Mashed,
            network: Conditions {
                // What a partner did `depth` ticks ago is there just in time.
                latency_us: u64::from(depth) * FRAME_US - FRAME_US / 2,
                ..Conditions::default()
            },
            ..steady
        },
    };
    let mut world = World::<P>::new(setup);
    world.play(meter, 20 * SECOND, |_| {});
    let seconds = if state_bytes > 64 { 2 } else { 12 };
    move || {
        let (mut times, mut allocations) = (Vec::new(), Vec::new());
        let mut all = 0;
        world.play(meter, seconds * SECOND, |sample| {
            all += 1;
            if sample.tick.advanced == 1 && sample.tick.resimulated == depth {
                times.push(sample.cost.nanoseconds);
                allocations.push(sample.cost.allocations as f64);
            }
        });
        assert!(world.seats.iter().all(|seat| seat.peer.agrees()));
        Ticks {
            share: times.len() as f64 / f64::from(all),
            median_ns: median(&mut times),
            p99_ns: times[times.len() * 99 / 100],
            allocations: mean(&allocations),
        }
    }
}

/// Datagrams and bytes per frame and link.
pub fn wire(meter: &Meter) {
    let [a, b, c] = names();
    header(&["datagrams, payload bytes per frame and link", a, b, c]);
    for players in [2, 4] {
        for loss in [0, 5, 15] {
            let cells = all!(sent(meter, players, loss)).map(|(datagrams, bytes, longest)| {
                format!("{datagrams:.2}, {bytes:.1} B (longest {longest} B)")
            });
            println!(
                "| {players} players, RTT 100 ms, loss {loss} % | {} |",
                cells.join(" | ")
            );
        }
    }
}

fn sent<P: Peer>(meter: &Meter, players: usize, loss: u64) -> (f64, f64, usize) {
    let mut setup = Setup {
        players,
        ..Setup::default()
    };
    setup.network.loss = loss;
    let mut world = World::<P>::new(setup);
    world.play(meter, 5 * SECOND, |_| {});
    let before = {
        let network = world.network.borrow();
        (network.datagrams, network.bytes)
    };
    let mut frames = 0;
    world.play(meter, 60 * SECOND, |sample| frames += sample.tick.advanced);
    assert!(world.seats.iter().all(|seat| seat.peer.agrees()));
    let network = world.network.borrow();
    let per = f64::from(frames) * (players - 1) as f64;
    (
        (network.datagrams - before.0) as f64 / per,
        (network.bytes - before.1) as f64 / per,
        network.longest,
    )
}

/// What a server that runs many sessions cares for.
pub fn sessions(meter: &Meter) {
    let [a, b, c] = names();
    header(&[
        "sessions of two, RTT 100 ms, loss 2 %, state of 64 B",
        a,
        b,
        c,
    ]);
    let cell = |bytes: [f64; 3]| {
        bytes
            .map(|bytes| format!("{:.1}", bytes / 1024.0))
            .join(", ")
    };
    let times = "memory per peer after 1 s, 1 min, 10 min, in KiB";
    let cells = all!(memory(meter, false)).map(cell);
    println!("| {times} | {} |", cells.join(" | "));
    let alone = cell(memory::<Ours>(meter, true));
    println!("| {times}, inputs in a journal | {alone} | – | – |");
    let pairs = in_turn!(PORTIONS, pairs(meter)).map(|portions| {
        let quickest = portions.into_iter().fold(f64::INFINITY, f64::min);
        format!("{:.0}", 1e9 / (quickest * 2.0 * 60.0))
    });
    println!(
        "| pairs at 60 Hz per core, engine time alone | {} |",
        pairs.join(" | ")
    );
}

fn busy() -> Setup {
    let mut setup = Setup::default();
    setup.network.loss = 2;
    setup
}

fn memory<P: Peer>(meter: &Meter, journal: bool) -> [f64; 3] {
    const PAIRS: usize = 8;
    let before = live_bytes();
    let setup = Setup { journal, ..busy() };
    let mut worlds: Vec<World<P>> = (0..PAIRS).map(|_| World::new(setup)).collect();
    [1, 59, 540].map(|seconds| {
        for world in &mut worlds {
            world.play(meter, seconds * SECOND, |_| {});
        }
        (live_bytes() - before) as f64 / (2 * PAIRS) as f64
    })
}

/// What a tick of a pair takes, in ns, but for the slowest hundredth.
fn pairs<P: Peer>(meter: &Meter) -> impl FnMut() -> f64 {
    let mut world = World::<P>::new(busy());
    world.play(meter, 5 * SECOND, |_| {});
    move || {
        let mut times = Vec::new();
        world.play(meter, 10 * SECOND, |sample| {
            times.push(sample.cost.nanoseconds)
        });
        times.sort_by(f64::total_cmp);
        mean(&times[..times.len() * 99 / 100])
    }
}

/// How play is.
pub fn quality(meter: &Meter) {
    let [a, b, c] = names();
    header(&[
        "120 s at 60 Hz: fps; ticks without a frame; frames not played; frames simulated again per s, either side; mean |skew| in frames after 10 s",
        a,
        b,
        c,
    ]);
    let with = |change: &dyn Fn(&mut Setup)| {
        let mut setup = Setup::default();
        change(&mut setup);
        setup
    };
    let rows: [(&str, Setup); 9] = [
        ("RTT 0 ms", with(&|setup| setup.network.latency_us = 0)),
        ("RTT 100 ms", with(&|_| {})),
        (
            "RTT 200 ms",
            with(&|setup| setup.network.latency_us = 100_000),
        ),
        (
            "RTT 100 ms, jitter 0 to 40 ms each way",
            with(&|setup| setup.network.jitter_us = 40_000),
        ),
        (
            "RTT 100 ms, loss 15 %",
            with(&|setup| setup.network.loss = 15),
        ),
        (
            "RTT 100 ms, clocks 1 % apart",
            with(&|setup| setup.drift_ppm = 10_000),
        ),
        (
            "RTT 100 ms, clocks 3 % apart",
            with(&|setup| setup.drift_ppm = 30_000),
        ),
        (
            "RTT 100 ms, one side 100 ms late",
            with(&|setup| setup.late_us = 100_000),
        ),
        (
            "RTT 100 ms, blackout of 1 s",
            with(&|setup| setup.network.blackout_us = (30 * SECOND, 31 * SECOND)),
        ),
    ];
    for (name, setup) in rows {
        let cells = all!(played(meter, setup));
        println!("| {name} | {} |", cells.join(" | "));
    }
}

fn played<P: Peer>(meter: &Meter, setup: Setup) -> String {
    let mut world = World::<P>::new(setup);
    // Where the start is agreed on beforehand, it is a second away.
    while world.seats.iter().any(|seat| seat.peer.head() == 0) {
        world.play(meter, FRAME_US, |_| {});
    }
    let begin = world.now_us;
    let mut advanced = [0.0; 2];
    let mut idle = 0;
    let mut again = [0.0; 2];
    let mut skews = Vec::new();
    world.play(meter, 120 * SECOND, |sample: Sample| {
        advanced[sample.peer] += f64::from(sample.tick.advanced);
        again[sample.peer] += f64::from(sample.tick.resimulated);
        let settled = sample.at_us > begin + 10 * SECOND;
        idle += u32::from(settled && sample.tick.advanced == 0);
        if sample.peer == 1 && settled {
            skews.push(sample.skew.abs());
        }
    });
    assert!(world.seats.iter().all(|seat| seat.peer.agrees()));
    // A peer that makes its ticks longer has fewer of them without a frame, and plays no more.
    let due = (120 * SECOND / FRAME_US) as f64;
    format!(
        "{:.1}; {idle}; {:.0}; {:.1} / {:.1}; {:.2}",
        advanced[0] / 120.0,
        (due - advanced[0]).max(0.0),
        again[0] / 120.0,
        again[1] / 120.0,
        mean(&skews)
    )
}

/// This engine alone, for a profiler: rollbacks of so many frames, so many runs.
pub fn profile(meter: &Meter, depth: u32, runs: u32) {
    let mut portion = ticks::<Ours>(meter, 64, depth);
    for _ in 0..runs {
        print!("{:.0} ", portion().median_ns);
    }
    println!();
}
