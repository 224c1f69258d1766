//! Short packets leave out who the players are: none is read for others than it was written for.

use igym_rollback::wire::{self, Body, Header, Inputs, Key, Run};
use igym_rollback::{Author, Epoch, Frame, Incarnation, LinkId, PacketError, PlayerSet};

use crate::host::{Host, Packet, input, rewrite};
use crate::moving::{GONE, exchange, gone_until, survivors};

const OURS: PlayerSet = PlayerSet(0b001);
const ONE: PlayerSet = PlayerSet(0b010);
const TWO: PlayerSet = PlayerSet(0b110);

/// b gives the inputs of the one who left, if they are asked of it.
fn give(b: &mut Host) {
    while b.engine.wanted_input_of(GONE).is_some() {
        b.engine.add_local_input(GONE, input(9)).unwrap();
    }
}

fn play(a: &mut Host, b: &mut Host, ticks: u32) {
    for _ in 0..ticks {
        give(b);
        exchange(a, b, 1);
    }
}

/// Ticks in which the two know other players: a packet may be in vain.
fn differ(a: &mut Host, b: &mut Host, ticks: u32) {
    let hear = |host: &mut Host, from: u8, packets: &[Packet]| {
        for packet in packets {
            let taken = host
                .engine
                .handle_packet(LinkId(from), &packet.bytes, host.now);
            assert!(matches!(taken, Ok(()) | Err(PacketError::UnknownTag)));
        }
    };
    for _ in 0..ticks {
        give(b);
        let (_, to_b) = a.tick(1);
        hear(b, 0, &to_b);
        let (_, to_a) = b.tick(2);
        hear(a, 1, &to_a);
    }
}

/// What b would have sent first to a for these players, if its tag were alike by chance: in it are
/// other inputs than b gave.
fn early(a: &Host, from: PlayerSet, sequence: u32) -> Vec<u8> {
    let header = Header {
        configuration: a.engine.configuration(),
        epoch: Epoch(0),
        incarnation: Incarnation(1),
    };
    let wrong = |player| Inputs {
        first: a.engine.held_until(player).unwrap(),
        runs: vec![Run {
            input: input(99),
            frames: 1,
        }],
    };
    let body = Body {
        from,
        to: OURS,
        sequence,
        head: a.engine.head(),
        acks: vec![a.engine.head()],
        inputs: from.iter().map(wrong).collect(),
        ..Body::default()
    };
    let key = Key::new(&header, Incarnation(1), from, OURS);
    wire::encode_short(key, &body, 1)
}

/// How many packets of b came to a.
fn heard(a: &Host) -> u32 {
    let stats = a.engine.link_stats(LinkId(1)).unwrap();
    stats.packets_received as u32
}

/// b has the inputs of the one who left, and a knows; and b's last packet from before.
fn moved() -> (Host, Host, u32) {
    let (mut a, mut b) = survivors([5, 5]);
    let before = heard(&a);
    let told = b.engine.move_player(GONE, Frame(5), Author::Local);
    told.unwrap();
    differ(&mut a, &mut b, 3);
    let there = Author::Link(LinkId(1));
    a.engine.move_player(GONE, Frame(5), there).unwrap();
    (a, b, before)
}

#[test]
fn nothing_short_is_read_before_the_players_were_told_in_full() {
    let (mut a, mut b) = survivors([5, 5]);
    let there = Author::Link(LinkId(1));
    a.engine.move_player(GONE, Frame(5), there).unwrap();
    for sequence in heard(&a) - 10..heard(&a) + 10 {
        let whole = early(&a, TWO, sequence);
        for length in 7..=whole.len() {
            a.refuses(&whole[..length], PacketError::UnknownTag);
        }
    }
    let told = b.engine.move_player(GONE, Frame(5), Author::Local);
    told.unwrap();
    play(&mut a, &mut b, 1);
    // Now it is read.
    let whole = early(&a, TWO, heard(&a) + 1);
    let short = PacketError::Malformed("it ends too early");
    a.refuses(&whole[..whole.len() - 1], short);
}

#[test]
fn what_was_sent_before_players_moved_is_refused_however_late_it_comes() {
    let (mut a, mut b, before) = moved();
    for _ in 0..60 {
        play(&mut a, &mut b, 10);
        for sequence in [1, before / 2, before] {
            let mut packet = early(&a, TWO, sequence);
            for tag in 0..=u8::MAX {
                packet[1] = tag;
                let taken = a.engine.handle_packet(LinkId(1), &packet, a.now);
                assert_eq!(taken, Err(PacketError::UnknownTag), "{sequence} {tag}");
            }
        }
    }
    assert!(gone_until(&a) > Frame(500));
    assert_eq!(a.engine.counters().conflicts, 0);
    // It is not for what else is in them.
    let since = early(&a, TWO, heard(&a) + 40);
    a.engine.handle_packet(LinkId(1), &since, a.now).unwrap();
}

/// What a heard before it knew of the change told it all the same.
#[test]
fn short_packets_are_taken_at_once_by_a_peer_that_learns_later_of_a_move() {
    let (mut a, mut b, _) = moved();
    play(&mut a, &mut b, 29);
    give(&mut b);
    let (_, late) = b.tick(2);
    let from = gone_until(&b);
    let nobody = |host: &mut Host| host.engine.move_player(GONE, from, Author::Nobody);
    nobody(&mut b).unwrap();
    differ(&mut a, &mut b, 3);
    nobody(&mut a).unwrap();
    let (refused, before) = (a.engine.counters().refused, heard(&a));
    let mut short = 0;
    for _ in 0..20 {
        let (_, to_b) = a.tick(1);
        b.take(0, &to_b);
        let (_, to_a) = b.tick(2);
        short += u32::from(wire::is_short(&to_a[0].bytes));
        a.take(1, &to_a);
    }
    assert!(short > 15, "{short}");
    assert_eq!(heard(&a), before + 20);
    assert_eq!(a.engine.counters().refused, refused);
    // Nor does it matter what comes late.
    let late = rewrite(&late[0], |_, _| {});
    a.engine.handle_packet(LinkId(1), &late, a.now).unwrap();
    exchange(&mut a, &mut b, 1);
    // For the players from before nothing is read any more.
    let from_before = early(&a, ONE, before - 20);
    a.refuses(&from_before, PacketError::UnknownTag);
}
