//! Peers lose their engines in the midst of play, and rejoin: the records agree all the same.

use std::cell::RefCell;

use igym_rollback::{Frame, Input, PlayerIndex};
use proptest::prelude::*;

use crate::case::{Case, Reload, cases};
use crate::log::{Fact, replay};
use crate::parity::runner;
use crate::world::{Totals, World};

/// Virtual time in which all episodes of a case must be over.
const SECONDS: u64 = 400;

fn reloads() -> impl Strategy<Value = Vec<Reload>> {
    let reload =
        (0usize..4, 100u64..5_000, 0u64..1_500).prop_map(|(peer, at_ms, lasts_ms)| Reload {
            peer,
            at_ms,
            lasts_ms,
        });
    // All at once, too.
    let together = (200u64..4_000, 0u64..600).prop_map(|(at_ms, lasts_ms)| {
        let reload = |peer| Reload {
            peer,
            at_ms: at_ms + 40 * peer as u64,
            lasts_ms,
        };
        (0..4).map(reload).collect()
    });
    // Again before anybody heard of it.
    let twice = (100u64..4_000, 1u64..300).prop_map(|(at_ms, apart_ms)| {
        let reload = |n| Reload {
            peer: n as usize,
            at_ms: at_ms + apart_ms * n,
            lasts_ms: 0,
        };
        (0..8).map(reload).collect()
    });
    prop_oneof![6 => prop::collection::vec(reload, 1..6), 1 => together, 1 => twice]
}

#[test]
fn records_agree_whoever_rejoins_when() {
    let sum = RefCell::new(Totals::default());
    let mut runner = runner(2);
    let outcome = runner.run(
        &(cases(), reloads(), 60u32..360),
        |(case, reloads, frames)| {
            let case = Case {
                episodes: case.episodes.min(2),
                end_one_in: case.end_one_in * 10,
                frames,
                reloads,
                ..case
            };
            let totals = play(case);
            sum.borrow_mut().add(&totals);
            Ok(())
        },
    );
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let sum = sum.into_inner();
    println!("{sum:#?}");
    // Guards against passing for nothing, per case.
    let cases = u64::from(runner.config().cases);
    assert!(sum.reloads > cases, "{sum:?}");
    assert!(sum.given_back > cases / 2, "from partners only: {sum:?}");
    assert!(sum.authored_anew > cases / 2, "lost by all: {sum:?}");
    assert!(sum.most_away >= 2, "{sum:?}");
    assert!(sum.other_page_load > cases, "{sum:?}");
    assert!(sum.rollbacks > 10 * cases, "{sum:?}");
    assert!(sum.inputs_not_default > sum.frames, "{sum:?}");
}

fn play(case: Case) -> Totals {
    let mut world = World::new(case.clone());
    assert!(world.run(SECONDS), "no progress after {SECONDS} s");
    for epoch in 0..case.episodes {
        let logs: Vec<_> = world
            .finished
            .iter()
            .map(|logs| &logs[epoch as usize])
            .collect();
        let agreed: Vec<Vec<Input>> = logs[0].confirmed.iter().map(|f| f.inputs.clone()).collect();
        let facts: Vec<Fact> = replay(&case, epoch, &agreed);
        let last = facts.last().expect("a game has a frame");
        for (peer, log) in logs.iter().enumerate() {
            assert_eq!(log.facts(), facts, "peer {peer}, epoch {epoch}");
            assert_eq!(log.sealed, Some((last.frame, last.hash)));
            assert_eq!(log.desyncs, []);
        }
        for (frame, inputs) in (0..).map(Frame).zip(&agreed) {
            for (player, input) in (0..).map(PlayerIndex).zip(inputs) {
                assert_eq!(*input, world.journal.authored(epoch, player, frame));
            }
        }
        let history = world.journal.history(epoch);
        for (player, inputs) in history.iter().enumerate() {
            for (input, agreed) in inputs.iter().zip(&agreed) {
                assert_eq!(*input, agreed[player], "the server holds what was agreed");
            }
        }
    }
    world.totals
}

/// One peer hears a hash of a frame that it has not confirmed. Both others are loaded again, and the frame
/// is authored anew; it is confirmed before the new page of who sent the hash is heard.
#[test]
fn a_hash_of_a_page_that_is_gone_is_no_desync() {
    let reload = |peer, at_ms, lasts_ms| Reload {
        peer,
        at_ms,
        lasts_ms,
    };
    let mut case = Case {
        reloads: vec![
            reload(3, 1333, 425),
            reload(2, 1756, 830),
            reload(3, 288, 162),
        ],
        ..Case::plain(955968855922156943)
    };
    case.groups = 5;
    case.delays = [4, 2, 0, 0, 0, 0, 0, 0];
    case.window_ms = 0;
    case.network.latency_ms = 18;
    case.network.jitter_ms = 140;
    case.network.loss = 31;
    case.network.duplicates = 16;
    case.network.partitions = vec![crate::hardships::Partition {
        part: 58,
        begins_ms: 2277,
        lasts_ms: 867,
    }];
    case.hiccups = 3;
    case.drift_ppm = -27950;
    case.episodes = 1;
    case.end_one_in = 200;
    case.frames = 60;
    case.digest_interval = 1;
    case.habits.snapshots = igym_rollback::SnapshotPolicy::Measured;
    play(case);
}
