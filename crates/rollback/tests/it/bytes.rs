//! Bytes from anywhere: no panic, no change on an error, no unbounded memory.

use std::cell::Cell;

use igym_rollback::{Frame, Input, LinkId, wire};
use proptest::prelude::*;

use crate::host::{Host, Packet, endless, pair};
use crate::parity::runner;

/// Two hosts in the middle of play, and the newest packets to the first.
fn playing(ticks: u8) -> (Host, Host, Vec<Packet>) {
    let (mut a, mut b) = pair(endless());
    let mut recent = Vec::new();
    for tick in 0..ticks {
        let (_, to_b) = a.tick(tick / 3);
        let (_, to_a) = b.tick(tick / 5);
        // One in three gets through.
        if tick % 3 == 0 {
            a.take(1, &to_a);
            b.take(0, &to_b);
        }
        recent.extend(to_a);
    }
    (a, b, recent)
}

#[derive(Clone, Debug)]
enum Mutation {
    Set { at: usize, to: u8 },
    Flip { at: usize, bit: u8 },
    Insert { at: usize, byte: u8 },
    Remove { at: usize },
    Truncate { at: usize },
    Append { bytes: Vec<u8> },
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let place = |at: usize| at % length.max(1);
        match self {
            Mutation::Append { bytes: more } => bytes.extend(more),
            Mutation::Insert { at, byte } => bytes.insert(place(*at), *byte),
            Mutation::Set { .. }
            | Mutation::Flip { .. }
            | Mutation::Remove { .. }
            | Mutation::Truncate { .. }
                if length == 0 => {}
            Mutation::Set { at, to } => bytes[place(*at)] = *to,
            Mutation::Flip { at, bit } => bytes[place(*at)] ^= 1 << bit,
            Mutation::Remove { at } => _ = bytes.remove(place(*at)),
            Mutation::Truncate { at } => bytes.truncate(place(*at)),
        }
    }
}

fn mutations() -> impl Strategy<Value = Mutation> {
    let extreme = prop_oneof![any::<u8>(), Just(0xff), Just(0x7f), Just(0x80), Just(0)];
    prop_oneof![
        (any::<usize>(), extreme).prop_map(|(at, to)| Mutation::Set { at, to }),
        (any::<usize>(), 0u8..8).prop_map(|(at, bit)| Mutation::Flip { at, bit }),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Insert { at, byte }),
        any::<usize>().prop_map(|at| Mutation::Remove { at }),
        any::<usize>().prop_map(|at| Mutation::Truncate { at }),
        prop::collection::vec(any::<u8>(), 1..40).prop_map(|bytes| Mutation::Append { bytes }),
    ]
}

/// Gives the bytes to a playing engine, which goes on. True if it took them.
fn throw(host: &mut Host, bytes: &[u8]) -> bool {
    let before = host.unrefused();
    let taken = host.engine.handle_packet(LinkId(1), bytes, host.now);
    if taken.is_err() {
        assert_eq!(host.unrefused(), before);
    }
    for _ in 0..3 {
        host.tick(1);
    }
    let held = host.engine.held();
    assert!(
        held.inputs <= 300 && held.records <= 11 && held.hashes <= 100,
        "{held:?}"
    );
    taken.is_ok()
}

#[test]
fn arbitrary_bytes_do_no_harm() {
    let taken = Cell::new(0u32);
    let anything = prop::collection::vec(any::<u8>(), 0..1300);
    let headed = prop::collection::vec(any::<u8>(), 0..60).prop_map(|rest| {
        let mut bytes = vec![1, 0, 1];
        bytes.extend(rest);
        bytes
    });
    let strategy = prop_oneof![1 => anything, 4 => headed];
    let outcome = runner(1).run(&(0u8..30, strategy), |(ticks, bytes)| {
        let (mut a, _, _) = playing(ticks);
        taken.set(taken.get() + u32::from(throw(&mut a, &bytes)));
        for shape in [(0, 0), (1, 1), (2, 3), (15, 1)] {
            let shape = wire::Shape {
                acks: shape.0,
                inputs: shape.1,
            };
            if let Ok(body) = wire::decode_body(&bytes, shape) {
                let frames = body.inputs.iter().map(wire::Inputs::frames);
                prop_assert!(frames.max().unwrap_or(0) <= wire::MAX_PACKET_FRAMES);
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn mutated_packets_do_no_harm() {
    let (taken, refused) = (Cell::new(0u32), Cell::new(0u32));
    let mutated = prop::collection::vec(mutations(), 1..4);
    let strategy = (1u8..60, any::<usize>(), mutated);
    let mut runner = runner(1);
    let outcome = runner.run(&strategy, |(ticks, which, mutations)| {
        let (mut a, _, recent) = playing(ticks);
        let mut bytes = recent[which % recent.len()].bytes.clone();
        for mutation in mutations {
            mutation.apply(&mut bytes);
        }
        let counted = if throw(&mut a, &bytes) {
            &taken
        } else {
            &refused
        };
        counted.set(counted.get() + 1);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let few = runner.config().cases / 20;
    assert!(
        taken.get() > few && refused.get() > few,
        "{taken:?} {refused:?}"
    );
}

/// What a peer confirmed stays, whatever is thrown at it afterwards, and play goes on.
#[test]
fn play_goes_on_under_fire() {
    let strategy = prop::collection::vec((any::<usize>(), mutations()), 100);
    let outcome = runner(20).run(&strategy, |fire| {
        let (mut a, mut b, mut recent) = playing(40);
        let before = a.confirmed().len();
        for (which, mutation) in fire {
            let mut bytes = recent[which % recent.len()].bytes.clone();
            mutation.apply(&mut bytes);
            // Not what would author other inputs for the partner or silence it: those are a lying
            // partner's right, and its loss.
            if harmless(&a, &bytes) {
                _ = a.engine.handle_packet(LinkId(1), &bytes, a.now);
            }
            let (_, to_b) = a.tick_with(|_, frame: Frame| Input::new(&[frame.0 as u8]).unwrap());
            let (_, to_a) = b.tick(1);
            b.take(0, &to_b);
            a.take(1, &to_a);
            recent.extend(to_a);
        }
        let (ours, theirs) = (a.confirmed(), b.confirmed());
        let both = ours.len().min(theirs.len());
        prop_assert!(both > before + 80, "{before} {both}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            prop_assert_eq!(ours.hash, theirs.hash);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn harmless(host: &Host, bytes: &[u8]) -> bool {
    let Ok((header, rest)) = wire::decode_header(bytes) else {
        return true;
    };
    let shape = wire::Shape { acks: 1, inputs: 1 };
    let Ok(body) = wire::decode_body(rest, shape) else {
        return true;
    };
    let end = body.inputs[0].first + body.inputs[0].frames();
    let known = host.engine.confirmed().map_or(Frame(0), |frame| frame);
    header.incarnation.0 <= 1 && end <= known && body.sequence < 1000 && body.acks[0] <= known
}
