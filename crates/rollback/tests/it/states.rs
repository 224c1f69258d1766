//! States that can be cloned run batches by themselves.

use std::collections::VecDeque;
use std::time::Duration;

use igym_rollback::{
    Advance, Engine, Event, Input, LinkId, Micros, PlayerIndex, SnapshotPolicy, States,
};

use crate::rng::mix;

/// Every input counts, and only in its place; an end is guessed now and then.
fn step(sum: &mut u64, inputs: &[Input]) -> ([u8; 8], bool) {
    for input in inputs {
        *sum = mix(*sum ^ u64::from(input.as_slice()[0]));
    }
    (sum.to_le_bytes(), sum.is_multiple_of(20) || *sum < 1 << 57)
}

#[test]
fn states_follow_every_rollback() {
    let (mut ends, mut rollbacks, mut frames) = (0, 0, 0);
    let policies = [
        SnapshotPolicy::EveryFrame,
        SnapshotPolicy::Every(3),
        SnapshotPolicy::ConfirmedOnly,
    ];
    for (seed, policy) in (0..60).zip(policies.into_iter().cycle()) {
        let build = |me: u8| {
            let builder = Engine::builder().local([PlayerIndex(me)]);
            let engine = builder.window(Duration::from_millis(200)).snapshots(policy);
            (engine.build().unwrap(), States::new(seed), Vec::new())
        };
        let mut peers = [build(0), build(1)];
        let mut way: [VecDeque<Vec<u8>>; 2] = Default::default();
        for tick in 0..400u64 {
            let now = Micros(tick * 16_667);
            for me in 0..2 {
                if way[me].len() > 4 {
                    let bytes = way[me].pop_front().unwrap();
                    let link = LinkId(1 - me as u8);
                    peers[me].0.handle_packet(link, &bytes, now).unwrap();
                }
                let (engine, game, confirmed) = &mut peers[me];
                while let Some(frame) = engine.wanted_input() {
                    let input = mix(u64::from(frame.0 / 3) << 8 | seed << 1 | me as u64) as u8;
                    let input = Input::new(&[input]).unwrap();
                    engine
                        .add_local_input(PlayerIndex(me as u8), input)
                        .unwrap();
                }
                if let Advance::Run(mut batch) = engine.advance(now) {
                    game.run(&mut batch, step);
                    engine.complete(&mut batch).unwrap();
                }
                while let Some(packet) = engine.poll_packet() {
                    way[1 - me].push_back(packet.bytes.to_vec());
                }
                while let Some(event) = engine.poll_event() {
                    if let Event::Confirmed(frame) = event {
                        confirmed.push((frame.inputs.to_vec(), frame.outcome.to_vec()));
                    }
                }
            }
        }
        assert_eq!(peers[0].2, peers[1].2);
        for (engine, game, confirmed) in &peers {
            let mut sum = seed;
            for (n, (inputs, outcome)) in confirmed.iter().enumerate() {
                let (expected, terminal) = step(&mut sum, inputs);
                assert_eq!(*outcome, expected, "{seed} {n}");
                assert_eq!(
                    terminal,
                    engine.sealed().is_some() && n + 1 == confirmed.len()
                );
            }
            if engine.sealed().is_some() {
                assert_eq!(game.now, sum);
                ends += 1;
            }
            rollbacks += engine.counters().rollbacks;
            frames += confirmed.len();
        }
    }
    assert!(
        ends > 60 && rollbacks > 300 && frames > 1_500,
        "{ends} {rollbacks} {frames}"
    );
}
