//! What is known to break `ggrs` 0.13 does not break this engine.

use igym_rollback::{Author, ConfirmedFrame, Frame, Input, LinkId, PacketError, PlayerIndex, wire};

use crate::duel::Duel;
use crate::host::{Host, PLAIN, duo, endless, input, pair, rewrite};

/// A first packet whose inputs begin at frame 1000 is taken by `ggrs`, which then panics.
#[test]
fn a_first_packet_cannot_begin_in_the_future() {
    let (mut a, mut b) = pair(endless());
    let (_, packets) = b.tick(1);
    let future = rewrite(&packets[0], |_, body| {
        assert!(body.inputs[0].frames() > 0);
        body.inputs[0].first = Frame(1000);
        body.head = Frame(1000);
    });
    a.refuses(&future, PacketError::Impossible("a gap before its inputs"));
    // The session goes on.
    a.take(1, &packets);
    for tick in 0..20 {
        let (_, to_b) = a.tick(tick);
        let (_, to_a) = b.tick(tick);
        a.take(1, &to_a);
        b.take(0, &to_b);
    }
    assert!(a.engine.confirmed() > Some(Frame(15)));
}

/// 48 bytes of `ggrs` can decode to terabytes: a run's length is believed before it is checked.
#[test]
fn forty_eight_bytes_decode_to_few_frames() {
    let (mut a, mut b) = pair(endless());
    let (_, packets) = b.tick(1);
    let honest = rewrite(&packets[0], |_, _| {});
    let (_, rest) = wire::decode_header(&honest).unwrap();
    let begin = honest.len() - rest.len();
    // Where the body says how many frames follow, put numbers that are ever larger.
    let mut refused = 0;
    for at in begin..honest.len() {
        for huge in [
            &[0xff, 0xff, 0xff, 0xff, 0x0f][..],
            &[0x83, 0x10],
            &[0xfd, 0xff, 0x3f],
        ] {
            let mut bytes = honest[..at].to_vec();
            bytes.extend(huge);
            bytes.extend([1, 0xfc, 0xff, 0xff, 0xff, 0x0f, 7]);
            bytes.resize(48, 0xff);
            let mut body = wire::Body::default();
            let (_, rest) = wire::decode_header(&bytes).unwrap();
            match wire::decode_body(rest, PLAIN, &mut body) {
                Ok(()) => assert!(body.inputs[0].frames() <= wire::MAX_PACKET_FRAMES),
                Err(_) => refused += 1,
            }
            // Whatever it is, it makes the engine hold no more than a window.
            _ = a.engine.handle_packet(LinkId(1), &bytes, a.now);
            assert!(a.engine.held().inputs < 100);
        }
    }
    assert!(refused > 20, "{refused}");
    assert_eq!(a.tick(1).0, None);
}

/// A system clock that jumps by 10 s makes `ggrs` panic where it goes back, and drop the partner
/// where it goes on.
#[test]
fn a_clock_that_jumps_stops_nobody() {
    for (at, by_us) in [
        (0, 10_000_000),
        (50, 10_000_000),
        (50, -10_000_000),
        (0, -900_000),
    ] {
        let mut duel = Duel::new(duo, endless(), 3);
        let keys = |frame: Frame| input((frame.0 / 7) as u8);
        for tick in 0..200 {
            if tick == at {
                duel.jump(by_us);
            }
            if tick == at + 30 {
                duel.jump(-by_us / 2);
            }
            duel.tick(keys, keys);
        }
        let head = |host: &Host| host.engine.head();
        assert!(head(&duel.a) > Frame(190) && head(&duel.b) > Frame(190));
        assert!(duel.a.engine.counters().rollbacks > 10);
        duel.settle();
        let other = |input: &&Input| **input != Input::default();
        let facts = duel.a.confirmed();
        let moved = facts.iter().flat_map(|frame| frame.inputs).filter(other);
        assert!(moved.count() > 200);
    }
}

/// Three hosts of one player each tick once; packets arrive where `arrives(from, to)`.
fn tick_all(
    hosts: &mut [Host],
    key: impl Fn(u8, Frame) -> Input,
    arrives: impl Fn(usize, usize) -> bool,
) {
    let mut sent = Vec::new();
    for (from, host) in hosts.iter_mut().enumerate() {
        let (_, packets) = host.tick_with(&key);
        sent.extend(packets.into_iter().map(|packet| (from, packet)));
    }
    for (from, packet) in sent {
        let to = usize::from(packet.link.0);
        if to < hosts.len() && arrives(from, to) {
            hosts[to].take(from as u8, &[packet]);
        }
    }
}

fn trio() -> Vec<Host> {
    let host = |me: u8| Host::new(duo(me).players(3), &[me], endless());
    (0..3).map(host).collect()
}

fn keys(player: u8, frame: Frame) -> Input {
    input(1 + (frame.0 / 5 + u32::from(player)) as u8 % 4)
}

/// All that both confirmed is the same, and it is much.
fn agree(hosts: &[Host], least: usize) {
    let hashes = |host: &Host| host.confirmed().iter().map(|f| f.hash).collect::<Vec<_>>();
    let (a, b) = (hashes(&hosts[0]), hashes(&hosts[1]));
    let both = a.len().min(b.len());
    assert!(both >= least, "{both}");
    assert_eq!(a[..both], b[..both]);
}

/// In `ggrs`, survivors of a player whose last packets reached only one of them keep different last
/// inputs of it, and play apart from then on.
#[test]
fn last_packets_that_reached_one_survivor_count_for_both() {
    let mut hosts = trio();
    let gone = PlayerIndex(2);
    for _ in 0..40 {
        tick_all(&mut hosts, keys, |_, _| true);
    }
    // The third one's packets reach the first alone; then there are none.
    for _ in 0..6 {
        tick_all(&mut hosts, keys, |from, to| (from, to) != (2, 1));
    }
    hosts.truncate(2);
    let held = [0, 1].map(|n| hosts[n].engine.held_until(gone).unwrap());
    assert!(held[0] >= held[1] + 5, "{held:?}");
    for host in &mut hosts {
        host.engine.leave(LinkId(2)).unwrap();
    }
    for host in &mut hosts {
        let cut = held[0].max(held[1]);
        host.engine.move_player(gone, cut, Author::Nobody).unwrap();
    }
    for _ in 0..60 {
        tick_all(&mut hosts, keys, |_, _| true);
    }
    agree(&hosts, 95);
    let facts = hosts[1].confirmed();
    let (before, after) = (held[0].0 as usize - 1, held[0].0 as usize);
    assert_eq!(facts[before].inputs[2], keys(2, facts[before].frame));
    assert_eq!(facts[after].inputs[2], Input::default());
}

/// A player who is gone before frame 0 makes `ggrs` panic.
#[test]
fn a_player_can_be_gone_before_frame_0() {
    let mut hosts = trio();
    hosts.truncate(2);
    for host in &mut hosts {
        host.engine.leave(LinkId(2)).unwrap();
        assert_eq!(host.engine.held_until(PlayerIndex(2)), Some(Frame(0)));
        let moved = host
            .engine
            .move_player(PlayerIndex(2), Frame(0), Author::Nobody);
        assert_eq!(moved, Ok(()));
    }
    for _ in 0..60 {
        tick_all(&mut hosts, keys, |_, _| true);
    }
    agree(&hosts, 50);
    let absent = |frame: &&ConfirmedFrame<'_>| frame.inputs[2] == Input::default();
    assert!(hosts[0].confirmed().iter().all(absent));
}
