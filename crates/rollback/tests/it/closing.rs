//! Play is ended before the game does: everybody confirms the same last frame.

use std::cell::RefCell;

use igym_rollback::{ChainHash, Event, Frame, Input, InputError, PlayerIndex, Wait};
use proptest::prelude::*;

use crate::case::{Case, cases};
use crate::host::{Host, duo, endless, input, pair};
use crate::log::replay;
use crate::network::Happening;
use crate::parity::runner;
use crate::world::World;

#[derive(Debug, Default)]
struct Sum {
    frames: u64,
    sealed: u64,
    cut_short: u64,
    rollbacks: u64,
}

#[test]
fn all_that_can_be_confirmed_is_and_everybody_names_the_same_last_frame() {
    let sum = RefCell::new(Sum::default());
    let mut runner = runner(4);
    let times = prop::array::uniform8(500u64..4_000);
    let outcome = runner.run(&(cases(), times, 0u64..1_000), |(case, times, spread)| {
        let case = Case {
            episodes: 1,
            end_one_in: case.end_one_in * 20,
            frames: u32::MAX,
            ..case
        };
        play(
            case,
            times.map(|at| times[0] + at % (spread + 1)),
            &mut sum.borrow_mut(),
        );
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let sum = sum.into_inner();
    println!("{sum:#?}");
    let cases = u64::from(runner.config().cases);
    assert!(
        sum.frames > 50 * cases && sum.rollbacks > 5 * cases,
        "{sum:?}"
    );
    assert!(sum.sealed > 0 && sum.sealed < cases, "{sum:?}");
    assert!(sum.cut_short > cases / 2, "{sum:?}");
}

fn play(case: Case, times: [u64; 8], sum: &mut Sum) {
    let mut world = World::new(case.clone());
    world.stay();
    for (peer, at_ms) in times.iter().enumerate().take(case.peers()) {
        world.agenda.add(at_ms * 1000, Happening::Close { peer });
    }
    let closed = |world: &World| world.peers.iter().all(|peer| peer.log.closed.is_some());
    assert!(world.run_until(240, closed), "everybody is told");
    let first = &world.peers[0].log;
    let agreed: Vec<Vec<Input>> = first.confirmed.iter().map(|f| f.inputs.clone()).collect();
    let facts = replay(&case, 0, &agreed);
    let last = facts.last().map(|fact| fact.frame);
    let hash = facts.last().map_or(case.genesis(0), |fact| fact.hash);
    let players = (0..case.players() as u8).map(PlayerIndex);
    let mut ends = Vec::new();
    for (index, peer) in world.peers.iter().enumerate() {
        assert_eq!(peer.log.facts(), facts);
        assert_eq!(peer.log.closed, Some((last, hash)));
        assert_eq!(peer.engine.wanted_input(), None);
        let own = players.clone().filter(|p| case.local(index).contains(&p.0));
        ends.extend(own.map(|player| peer.engine.held_until(player).unwrap()));
        sum.rollbacks += peer.engine.counters().rollbacks;
    }
    let sealed = first.sealed.is_some();
    let next = last.map_or(Frame(0), |last| last + 1);
    assert!(
        sealed || Some(&next) == ends.iter().min(),
        "{last:?} {ends:?}"
    );
    sum.frames += facts.len() as u64;
    sum.sealed += u64::from(sealed);
    sum.cut_short += u64::from(ends.iter().any(|end| *end != ends[0]));
}

fn closed(host: &Host) -> Option<(Option<Frame>, ChainHash)> {
    host.events.iter().find_map(|event| match event {
        Event::Closed { last_frame, hash } => Some((*last_frame, *hash)),
        _ => None,
    })
}

#[test]
fn it_is_done_only_when_the_peer_has_all_that_it_needs() {
    let (mut a, mut b) = pair(endless());
    for _ in 0..5 {
        let (_, to_b) = a.tick(1);
        b.take(0, &to_b);
        let (_, to_a) = b.tick(2);
        a.take(1, &to_a);
    }
    a.engine.close();
    let me = PlayerIndex(0);
    assert_eq!(
        a.engine.add_local_input(me, input(1)),
        Err(InputError::Closed)
    );
    // b goes on, and a hears it, but b does not hear a.
    for _ in 0..20 {
        a.tick(1);
        let (_, to_a) = b.tick(2);
        a.take(1, &to_a);
    }
    let (wait, to_b) = a.tick(1);
    assert_eq!(wait, Some(Wait::Closing));
    assert_eq!(a.engine.confirmed(), Some(Frame(6)), "its last input");
    assert!(closed(&a).is_some(), "b had its last input before");
    assert_eq!(b.engine.stalled(), Some(me));
    b.take(0, &to_b);
    b.engine.close();
    b.tick(2);
    assert_eq!(closed(&b), closed(&a));
    // Again, but the last input is lost.
    let (mut a, mut b) = pair(endless());
    a.tick(1);
    a.engine.close();
    for _ in 0..20 {
        a.tick(1);
        let (_, to_a) = b.tick(2);
        a.take(1, &to_a);
    }
    assert_eq!((a.engine.confirmed(), closed(&a)), (Some(Frame(2)), None));
    let (_, to_b) = a.tick(1);
    b.take(0, &to_b);
    let (_, to_a) = b.tick(2);
    a.take(1, &to_a);
    assert_eq!(closed(&a).map(|(last, _)| last), Some(Some(Frame(2))));
    a.tick(1);
    let told = a
        .events
        .iter()
        .filter(|event| matches!(event, Event::Closed { .. }));
    assert_eq!(told.count(), 1);
}

#[test]
fn who_closes_alone_before_play_has_confirmed_nothing() {
    let genesis = ChainHash([7; 16]);
    let builder = duo(0).players(1).input_delay(0).genesis(genesis);
    let mut one = Host::new(builder, &[0], endless());
    one.engine.close();
    one.tick(1);
    assert_eq!(closed(&one), Some((None, genesis)));
}
