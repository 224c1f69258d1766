//! Peers vanish for good, also while it is settled what of others counts: those who are left agree.

use std::cell::RefCell;

use igym_rollback::{Frame, Input};
use proptest::prelude::*;

use crate::case::{Case, Silence, cases, default_input};
use crate::log::replay;
use crate::network::Happening;
use crate::parity::runner;
use crate::world::World;

/// Virtual time in which those who are left must have finished.
const SECONDS: u64 = 240;

#[derive(Default, Debug)]
struct Sum {
    frames: u64,
    vanished: u64,
    differences: u64,
    interrupted: u64,
    lowered: u64,
    attested: u64,
    by_bots: u64,
    by_nobody: u64,
    late_packets: u64,
}

#[test]
fn those_who_are_left_agree_on_what_counts() {
    let sum = RefCell::new(Sum::default());
    let mut runner = runner(2);
    let second = prop::option::of((0usize..4, 0u64..1_200));
    let vanish = (0usize..4, 400u64..4_000, 0u64..500, second);
    let strategy = (cases(), vanish, any::<bool>(), 100u32..300);
    let outcome = runner.run(&strategy, |(case, vanish, bots, frames)| {
        let mut case = Case {
            groups: [1, 2, 3, 5][case.groups % 4],
            episodes: 1,
            end_one_in: case.end_one_in * 20,
            frames,
            ..case
        };
        let (first, at_ms, silent_ms, second) = vanish;
        let first = first % case.peers();
        // Its last packets reach some and not others.
        case.network.silences.push(Silence {
            from: first,
            to: (first + 1) % case.peers(),
            both_ways: false,
            begins_ms: at_ms - silent_ms.min(at_ms),
            lasts_ms: 1_000,
        });
        let mut vanish = vec![(first, at_ms)];
        vanish.extend(second.map(|(peer, later)| (first + 2 + peer % 2, at_ms + later)));
        play(case, &vanish, bots, &mut sum.borrow_mut());
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let sum = sum.into_inner();
    println!("{sum:#?}");
    // Guards against passing for nothing.
    let cases = u64::from(runner.config().cases);
    assert!(sum.frames > 50 * cases && sum.vanished > cases, "{sum:?}");
    assert!(sum.differences > cases / 2, "{sum:?}");
    assert!(sum.interrupted + sum.lowered > cases / 100, "{sum:?}");
    assert!(
        sum.attested > cases / 2 && sum.late_packets > cases / 4,
        "{sum:?}"
    );
    assert!(
        sum.by_bots > 10 * cases && sum.by_nobody > 10 * cases,
        "{sum:?}"
    );
}

fn play(case: Case, vanish: &[(usize, u64)], bots: bool, sum: &mut Sum) {
    let mut world = World::new(case.clone());
    world.stay();
    world.authority.bots = bots;
    for (peer, at_ms) in vanish {
        let peer = peer % case.peers();
        world.agenda.add(at_ms * 1000, Happening::Vanish { peer });
    }
    let over = |world: &World| {
        let mut peers = world.peers.iter();
        peers.all(|peer| peer.away || peer.log.sealed.is_some())
    };
    assert!(
        world.run_until(SECONDS, over),
        "no progress after {SECONDS} s"
    );
    let here: Vec<usize> = (0..world.peers.len())
        .filter(|n| !world.peers[*n].away)
        .collect();
    let first = &world.peers[here[0]].log;
    let agreed: Vec<Vec<Input>> = first.confirmed.iter().map(|f| f.inputs.clone()).collect();
    let facts = replay(&case, 0, &agreed);
    for peer in &here {
        let log = &world.peers[*peer].log;
        assert_eq!(log.facts(), facts, "peer {peer}");
        assert_eq!(log.desyncs, []);
    }
    for (frame, inputs) in (0..).map(Frame).zip(&agreed) {
        for (player, input) in (0..).zip(inputs) {
            let moved = world.authority.decisions.get(&player);
            let after = moved.is_some_and(|(_, from)| frame >= *from);
            let expected = match after && !bots {
                true => default_input(),
                false => world
                    .journal
                    .authored(0, igym_rollback::PlayerIndex(player), frame),
            };
            assert_eq!(*input, expected, "{player} {frame} {moved:?}");
            sum.by_bots += u64::from(after && bots);
            sum.by_nobody += u64::from(after && !bots);
        }
    }
    for peer in &here {
        sum.late_packets += world.peers[*peer].engine.counters().refused.link_left;
        world.count(*peer);
    }
    sum.attested += world.totals.attested;
    sum.frames += facts.len() as u64;
    sum.vanished += world.authority.gone.len() as u64;
    sum.differences += world.authority.differences;
    sum.interrupted += world.authority.interrupted;
    sum.lowered += world.authority.lowered;
}
