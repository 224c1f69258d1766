//! What is known to break `ggrs` 0.13 does not break this engine.

use igym_rollback::{Frame, Input, LinkId, PacketError, wire};

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
