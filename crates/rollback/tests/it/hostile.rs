//! What packets can do, and what no packet can.

use std::time::Duration;

use igym_rollback::{
    Engine, Epoch, Frame, Incarnation, Input, LinkId, PacketError, PlayerIndex, PlayerSet, wire,
};

use crate::host::{FRAME, Host, body, duo, endless, input, pair, rewrite};

#[test]
fn packets_that_no_honest_peer_sends_change_nothing() {
    let (mut a, mut b) = pair(endless());
    let mut packets = Vec::new();
    for _ in 0..3 {
        let (_, to_b) = a.tick(1);
        b.take(0, &to_b);
        packets = b.tick(2).1;
    }
    let packet = &packets[0];
    let start = rewrite(packet, |_, body| body.inputs[0].first = Frame(1000));
    a.refuses(&start, PacketError::Impossible("a gap before its inputs"));
    let ack = rewrite(packet, |_, body| body.acks[0] = Frame(6));
    a.refuses(
        &ack,
        PacketError::Impossible("it acknowledges what was not sent"),
    );
    let hash = rewrite(packet, |_, body| {
        body.hashes = wire::Hashes {
            first: Frame(5),
            prefixes: vec![Default::default()],
        };
    });
    a.refuses(
        &hash,
        PacketError::Impossible("it confirms without our inputs"),
    );
    let epoch = rewrite(packet, |header, _| header.epoch = Epoch(1));
    let expected = PacketError::OtherEpoch {
        found: Epoch(1),
        expected: Epoch(0),
    };
    a.refuses(&epoch, expected);
    // A packet that says it holds far more frames than it has bytes.
    let mut many = rewrite(packet, |_, body| body.inputs[0].runs.clear());
    many.pop();
    many.extend([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 2]);
    a.refuses(&many, PacketError::Malformed("number of frames"));
    a.refuses(
        &[0x81, 0, 0],
        PacketError::OtherVersion {
            found: 1,
            expected: 4,
        },
    );
    a.refuses(
        &[0x84; 1201],
        PacketError::Malformed("longer than 1200 bytes"),
    );
    let mut tail = packet.bytes.clone();
    tail.push(0);
    a.refuses(&tail, PacketError::Malformed("bytes after the last field"));
    let unknown = a.engine.handle_packet(LinkId(0), &packet.bytes, a.now);
    assert_eq!(unknown, Err(PacketError::UnknownLink { link: LinkId(0) }));
    let echo = rewrite(packet, |_, body| {
        body.echo = Some(wire::Echo {
            sequence: 4,
            held_us: 0,
        });
    });
    a.refuses(
        &echo,
        PacketError::Impossible("it echoes what was not sent"),
    );
    // The packet itself is fine.
    a.take(1, &packets);
    let refused = a.engine.counters().refused;
    assert_eq!(
        (refused.impossible, refused.other_epoch, refused.malformed),
        (4, 1, 3)
    );
    assert_eq!((refused.other_version, refused.unknown_link), (1, 1));
}

#[test]
fn older_incarnations_are_refused() {
    let (mut a, mut b) = pair(endless());
    let (_, first) = b.tick(2);
    let (_, second) = b.tick(2);
    let reload = rewrite(&first[0], |header, _| header.incarnation = Incarnation(2));
    a.engine.handle_packet(LinkId(1), &reload, a.now).unwrap();
    let expected = PacketError::OlderIncarnation {
        found: Incarnation(1),
        newest: Incarnation(2),
    };
    a.refuses(&second[0].bytes, expected);
    assert_eq!(a.engine.counters().refused.older_incarnation, 1);
}

#[test]
fn the_first_input_is_final() {
    let (mut a, mut b) = pair(endless());
    let (_, packets) = b.tick(2);
    let forged = rewrite(&packets[0], |_, body| {
        body.sequence = 9;
        body.inputs[0].runs = vec![wire::Run {
            input: input(8),
            frames: 3,
        }];
    });
    a.take(1, &packets);
    a.engine.handle_packet(LinkId(1), &forged, a.now).unwrap();
    assert_eq!(a.engine.counters().conflicts, 3);
    for _ in 0..4 {
        a.tick(1);
    }
    let inputs: Vec<Input> = a.confirmed().iter().map(|frame| frame.inputs[1]).collect();
    assert_eq!(inputs, [input(0), input(0), input(2)]);
}

#[test]
fn inputs_far_ahead_are_left_for_later() {
    let (mut a, mut b) = pair(endless());
    let (_, packets) = b.tick(2);
    let flood = rewrite(&packets[0], |_, body| {
        body.inputs[0].runs = vec![wire::Run {
            input: input(2),
            frames: wire::MAX_PACKET_FRAMES,
        }];
    });
    for _ in 0..10 {
        a.engine.handle_packet(LinkId(1), &flood, a.now).unwrap();
    }
    assert!(a.engine.held().inputs <= 10 + 32 + 8);
    assert!(a.engine.counters().inputs_beyond_horizon > 0);
}

#[test]
fn a_peer_that_never_acknowledges_is_bounded() {
    never_acknowledged(false);
    // Nor is one whose page is always another.
    never_acknowledged(true);
}

fn never_acknowledged(reloads: bool) {
    let (mut a, mut b) = pair(endless());
    // b hears nothing; a hears a forged b that has endless inputs.
    let (_, packets) = b.tick(2);
    for sequence in 0..3_000 {
        let end = a.engine.head();
        let first = Frame(end.0.saturating_sub(20));
        let forged = rewrite(&packets[0], |header, body| {
            if reloads {
                header.incarnation = Incarnation(1 + sequence);
                body.known = Some(vec![first]);
            }
            body.sequence = sequence;
            body.inputs[0].first = first;
            body.inputs[0].runs = vec![wire::Run {
                input: input(2),
                frames: 200,
            }];
        });
        _ = a.engine.handle_packet(LinkId(1), &forged, a.now);
        a.tick(1);
    }
    let held = a.engine.held();
    assert!(
        held.inputs <= 200 && held.records <= 20 && held.hashes <= 200,
        "{held:?}"
    );
    assert!(a.engine.stalled().is_some());
}

#[test]
fn acknowledgements_do_not_regress() {
    let (mut a, mut b) = pair(endless());
    let (_, old) = b.tick(2);
    for _ in 0..5 {
        let (_, packets) = a.tick(1);
        b.take(0, &packets);
        let (_, packets) = b.tick(2);
        a.take(1, &packets);
    }
    let (_, packets) = a.tick(1);
    let first = body(&packets[0]).inputs[0].first;
    assert!(first > Frame(3));
    assert_eq!(body(&old[0]).acks, [Frame(0)]);
    a.take(1, &old);
    let (_, packets) = a.tick(1);
    assert_eq!(body(&packets[0]).inputs[0].first, first);
    assert!(!body(&packets[0]).inputs[0].runs.is_empty());
}

/// What the peer has of one local player says nothing about another's.
#[test]
fn each_local_player_is_acknowledged_alone() {
    let both = [PlayerIndex(0), PlayerIndex(1)];
    let builder = Engine::builder()
        .players(3)
        .local(both)
        .link(LinkId(2), [PlayerIndex(2)]);
    let mut a = Host::new(builder, &[0, 1], endless());
    for _ in 0..6 {
        a.tick(1);
    }
    let configuration = a.engine.configuration();
    for (sequence, acks) in [(1, [Frame(6), Frame(3)]), (2, [Frame(5), Frame(4)])] {
        let header = wire::Header {
            configuration,
            epoch: Epoch(0),
            incarnation: Incarnation(1),
        };
        let body = wire::Body {
            from: PlayerSet(0b100),
            to: PlayerSet(0b011),
            sequence,
            acks: acks.to_vec(),
            inputs: vec![wire::Inputs::default()],
            ..wire::Body::default()
        };
        let bytes = wire::encode(&header, &body, 1);
        a.engine.handle_packet(LinkId(2), &bytes, a.now).unwrap();
        let (_, packets) = a.tick(1);
        let sent = crate::host::body(&packets[0]);
        let firsts: Vec<Frame> = sent.inputs.iter().map(|inputs| inputs.first).collect();
        assert_eq!(firsts, [Frame(6), Frame(2 + sequence)]);
    }
    // Nothing that one of them still needs is forgotten.
    a.engine.set_durable(Frame(1_000));
    let (_, packets) = a.tick(1);
    let sent = body(&packets[0]);
    assert_eq!(sent.inputs[1].first, Frame(4));
    assert!(sent.inputs[1].frames() > 3);
}

/// Peers that are not set up alike take nothing from each other: play does not begin.
#[test]
fn another_configuration_is_refused_and_named() {
    let frame = FRAME + Duration::from_micros(1);
    let others = [
        duo(1).genesis(igym_rollback::ChainHash([1; 16])),
        duo(1).default_input(input(1)),
        duo(1).frame_duration(frame).window(frame * 10),
        duo(1).window(FRAME * 11),
        Engine::builder()
            .players(3)
            .local([PlayerIndex(1), PlayerIndex(2)])
            .frame_duration(FRAME)
            .window(FRAME * 10),
    ];
    for other in others {
        let mut a = Host::new(duo(0), &[0], endless());
        let mut b = Host::new(other, &[1, 2][..1], endless());
        if b.engine.configuration() == a.engine.configuration() {
            panic!("the setting is not in the configuration");
        }
        _ = b.engine.advance(b.now);
        let packets = crate::host::packets(&mut b.engine);
        let to_a = packets.iter().find(|packet| packet.link == LinkId(0));
        let expected = PacketError::OtherConfiguration {
            found: b.engine.configuration(),
            expected: a.engine.configuration(),
        };
        assert!(expected.to_string().contains("genesis"), "{expected}");
        a.refuses(&to_a.unwrap().bytes, expected);
        for _ in 0..30 {
            a.tick(1);
        }
        assert_eq!(a.engine.confirmed(), None);
        assert_eq!(a.engine.stalled(), Some(PlayerIndex(1)));
    }
    // What may differ does not matter.
    let b = duo(1)
        .input_delay(5)
        .incarnation(Incarnation(7))
        .build()
        .unwrap();
    assert_eq!(b.configuration(), duo(0).build().unwrap().configuration());
}

/// A short packet that came far too late is refused, not misunderstood; a peer that was not heard for
/// long explains itself.
#[test]
fn packets_are_full_again_after_a_long_silence() {
    let (mut a, mut b) = pair(endless());
    let mut to_a = Vec::new();
    for _ in 0..10 {
        let (_, to_b) = a.tick(1);
        b.take(0, &to_b);
        to_a = b.tick(2).1;
        a.take(1, &to_a);
    }
    let early = to_a.remove(0);
    assert!(wire::is_short(&early.bytes));
    // a is not heard, and does not hear.
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(a.tick(1).1.remove(0));
        b.tick(2);
    }
    let short = silent.iter().filter(|packet| wire::is_short(&packet.bytes));
    let short = short.count() as u32;
    assert!((60..=wire::SHORT_REACH).contains(&short), "{short}");
    b.take(0, &silent[299..]);
    let (_, to_a) = b.tick(2);
    assert!(!wire::is_short(&to_a[0].bytes));
    a.take(1, &to_a);
    a.refuses(&early.bytes, PacketError::UnknownTag);
    for _ in 0..3 {
        let (_, to_b) = a.tick(1);
        b.take(0, &to_b);
        let (_, to_a) = b.tick(2);
        a.take(1, &to_a);
    }
    assert!(wire::is_short(&a.tick(1).1[0].bytes));
    assert!(wire::is_short(&b.tick(2).1[0].bytes));
    assert_eq!(a.engine.counters().refused.total(), 1);
    assert!(a.engine.link_stats(LinkId(1)).unwrap().packets_lost >= 300);
}
