//! Bytes from anywhere: no panic, no change on an error, no unbounded memory.

use std::cell::Cell;

use igym_rollback::wire::{self, Header, Key, Near};
use igym_rollback::{Frame, Incarnation, Input, LinkId, PlayerSet};
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
    let (taken, short) = (Cell::new(0u32), Cell::new(0u32));
    let anything = prop::collection::vec(any::<u8>(), 0..1300);
    let small = || prop_oneof![4 => 0u8..3, 1 => any::<u8>()];
    let brief = prop::collection::vec(small(), 0..16);
    let headed = prop::collection::vec(small(), 0..16).prop_map(|rest| {
        let (engine, _) = pair(endless());
        let mut bytes = vec![0x80 | wire::VERSION];
        bytes.extend(engine.engine.configuration().0);
        bytes.extend([0, 1, 0, 0, 2, 1]);
        bytes.extend(rest);
        bytes
    });
    let strategy = prop_oneof![1 => anything, 2 => brief, 4 => headed];
    let mut runner = runner(1);
    let outcome = runner.run(&(0u8..30, strategy), |(ticks, bytes)| {
        let (mut a, _, _) = playing(ticks);
        taken.set(taken.get() + u32::from(throw(&mut a, &bytes)));
        for from in [0, 2, 0b110, 0xfffe] {
            let near = Near {
                from: PlayerSet(from),
                to: PlayerSet(1),
                ..Near::default()
            };
            let key = Key::new(&Header::default(), Incarnation(1), near.from, near.to);
            let mut body = wire::Body::default();
            // With a tag that is right.
            let mut bytes = bytes.clone();
            if let [_, tag, low, high, first, second, ..] = bytes.as_mut_slice() {
                let sequence = u16::from_le_bytes([*low, *high]);
                let head = i16::from_le_bytes([*first, *second]);
                *tag = key.tag(sequence.into(), Frame(i32::from(head) as u32));
            }
            let decoded = wire::decode_short(&bytes, key, &near, 1, &mut body);
            short.set(short.get() + u32::from(decoded.is_ok()));
            _ = wire::decode_body(&bytes, 1, &mut body);
            let frames = body.inputs.iter().map(wire::Inputs::frames);
            prop_assert!(frames.max().unwrap_or(0) <= wire::MAX_PACKET_FRAMES);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let few = runner.config().cases / 1_000;
    assert!(
        taken.get() >= few && short.get() >= few,
        "{taken:?} {short:?}"
    );
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
    // Most mutations of a short packet do not have its tag any more.
    let few = runner.config().cases / 100;
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
    let mut body = wire::Body::default();
    let incarnation = if wire::is_short(bytes) {
        let near = near(host);
        let header = Header {
            configuration: host.engine.configuration(),
            incarnation: Incarnation(1),
            ..Header::default()
        };
        let key = Key::new(&header, Incarnation(1), near.from, near.to);
        if wire::decode_short(bytes, key, &near, 1, &mut body).is_err() {
            return true;
        }
        1
    } else {
        let Ok((header, rest)) = wire::decode_header(bytes) else {
            return true;
        };
        if wire::decode_body(rest, 1, &mut body).is_err() {
            return true;
        }
        header.incarnation.0
    };
    let known = host.engine.confirmed().map_or(Frame(0), |frame| frame);
    let known = |frame: &Frame| *frame <= known;
    let ends = body
        .inputs
        .iter()
        .map(|inputs| inputs.first + inputs.frames());
    let closed = body.closed.is_some() || !body.lacks.is_empty();
    !closed
        && incarnation <= 1
        && body.sequence <= near(host).sequence
        && ends.into_iter().all(|end| known(&end))
        && body.acks.iter().all(known)
}

/// What the host has of player 1, about.
fn near(host: &Host) -> Near {
    let stats = host.engine.link_stats(LinkId(1)).unwrap();
    Near {
        from: PlayerSet(2),
        to: PlayerSet(1),
        sequence: stats.packets_sent as u32,
        head: host.engine.head(),
        own_sequence: stats.packets_sent as u32,
        ..Near::default()
    }
}
