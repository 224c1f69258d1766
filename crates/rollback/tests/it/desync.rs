//! Negative control: one bit flipped at one peer is a desync that names the frame, everywhere.

use std::cell::Cell;

use igym_rollback::{Frame, LinkId};
use proptest::prelude::*;

use crate::case::{Case, cases};
use crate::log::{Fact, Log, simulate};
use crate::parity::runner;
use crate::world::{Peer, World};

/// Frames that are played after the flip.
const AFTER: u32 = 60;

#[test]
fn a_flipped_bit_is_named_by_frame_and_play_goes_on() {
    let rollbacks = Cell::new(0);
    let exact = Cell::new(0);
    let mut runner = runner(10);
    let strategy = (cases(), 0usize..4, 0u32..60, any::<bool>());
    let outcome = runner.run(&strategy, |(case, who, frame, every_frame)| {
        let case = Case {
            episodes: 1,
            end_one_in: u64::MAX,
            frames: u32::MAX,
            digest_interval: if every_frame { 1 } else { case.digest_interval },
            ..case
        };
        let who = who % case.peers();
        let world = flip(case, who, Frame(frame), every_frame);
        for peer in &world.peers {
            rollbacks.set(rollbacks.get() + peer.engine.counters().rollbacks);
        }
        exact.set(exact.get() + u64::from(every_frame));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let cases = u64::from(runner.config().cases);
    assert!(rollbacks.get() > 10 * cases && exact.get() > cases / 4);
}

fn flip(case: Case, who: usize, frame: Frame, every_frame: bool) -> World {
    let until = frame.0 + AFTER;
    let right = simulate(&case, 0, None, until);
    let wrong = simulate(&case, 0, Some(frame), until);
    let differ = |(right, wrong): (&Fact, _)| right != wrong;
    let first = right.iter().zip(&wrong).position(differ);
    let first = Frame(first.expect("the flip matters") as u32);
    assert!(first >= frame && (first == frame || !every_frame));

    let mut world = World::with(case, [0; 4], Some((who, frame)));
    let named = |world: &World| {
        let pairs = world.peers.len() - 1;
        let told =
            |(peer, log): (usize, &Log)| log.desyncs.len() == if peer == who { pairs } else { 1 };
        let mut logs = world.peers.iter().map(|peer| &peer.log).enumerate();
        let played = |peer: &Peer| peer.engine.confirmed() >= Some(Frame(until));
        logs.all(told) && world.peers.iter().all(played)
    };
    assert!(
        world.run_until(240, named),
        "named everywhere, and play goes on"
    );
    for (index, peer) in world.peers.iter().enumerate() {
        for (named, link) in &peer.log.desyncs {
            assert_eq!(*named, first, "at peer {index}");
            assert!(index == who || *link == LinkId(who as u8));
        }
        let facts = peer.log.facts();
        let expected = if index == who { &wrong } else { &right };
        assert_eq!(facts[..expected.len()], expected[..]);
    }
    world
}

/// The episode may end at another frame, or with the one that differs, at the peer that goes wrong.
#[test]
fn a_difference_near_the_end_is_named() {
    let other_ends = Cell::new(0);
    let mut runner = runner(10);
    let strategy = (cases(), 0usize..4, 0u32..60);
    let outcome = runner.run(&strategy, |(case, who, before_end)| {
        let case = Case {
            episodes: 1,
            digest_interval: 1,
            ..case
        };
        let who = who % case.peers();
        let end = simulate(&case, 0, None, u32::MAX).len() as u32 - 1;
        let frame = Frame(end.saturating_sub(before_end));
        let other = simulate(&case, 0, Some(frame), u32::MAX).len() as u32 - 1;
        other_ends.set(other_ends.get() + u32::from(other != end));
        let mut world = World::with(case, [0; 4], Some((who, frame)));
        world.stay();
        let told = |world: &World| {
            let mut others = world.peers.iter().enumerate().filter(|(n, _)| *n != who);
            let this = world.peers[who].log.desyncs.len() + 1 == world.peers.len();
            this && others.all(|(_, peer)| !peer.log.desyncs.is_empty())
        };
        assert!(world.run_until(240, told), "named everywhere");
        for peer in &world.peers {
            assert!(peer.log.desyncs.iter().all(|(named, _)| *named == frame));
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(other_ends.get() > 1);
}
