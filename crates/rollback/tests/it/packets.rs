//! The wire layout: golden bytes, and every body there and back.

use igym_rollback::wire::{self, Body, Echo, Hashes, Header, Inputs, Run, Shape};
use igym_rollback::{Epoch, Frame, HashPrefix, Incarnation, Input};
use proptest::prelude::*;

use crate::parity::runner;

fn run(bytes: &[u8], frames: u32) -> Run {
    Run {
        input: Input::new(bytes).unwrap(),
        frames,
    }
}

#[test]
fn golden_bytes() {
    let header = Header {
        epoch: Epoch(3),
        incarnation: Incarnation(300),
    };
    let body = Body {
        sequence: 5,
        addressee: Some(Incarnation(200)),
        head: Frame(130),
        sent_at: 0x0403_0201,
        echo: Some(Echo {
            sent_at: 0x0807_0605,
            held_us: 128,
        }),
        want: Some(Frame(7)),
        hashes: Some(Hashes {
            first: Frame(126),
            prefixes: vec![
                HashPrefix([0xa0, 1, 2, 3, 4, 5, 6, 7]),
                HashPrefix([0xb0; 8]),
            ],
        }),
        acks: vec![Frame(128)],
        inputs: vec![
            Inputs {
                first: Frame(129),
                runs: vec![run(&[6], 1), run(&[7], 3), run(&[8, 9], 2), run(&[1, 0], 1)],
            },
            Inputs::default(),
        ],
        known: Some(vec![Frame(3), Frame(200)]),
        returned: Some(vec![Inputs {
            first: Frame(4),
            runs: vec![run(&[5], 2)],
        }]),
    };
    #[rustfmt::skip]
    let expected = [
        1,                              // version
        3,                              // epoch
        0xac, 0x02,                     // incarnation 300
        0b11_1111,                      // echo, want, hashes, addressee, known, returned
        5,                              // sequence
        0xc8, 0x01,                     // addressee 200
        0x82, 0x01,                     // head 130
        1, 2, 3, 4,                     // sent at
        5, 6, 7, 8,                     // echo: sent at
        0x80, 0x01,                     // echo: held 128 µs
        7,                              // want
        126, 2,                         // two hashes from frame 126
        0xa0, 1, 2, 3, 4, 5, 6, 7,
        0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0,
        0x80, 0x01,                     // ack 128
        4, 0x81, 0x01,                  // first player: four runs from frame 129
        0, 6,                           // 6 once
        4, 7,                           // 7 three times
        3, 2, 8, 9,                     // from here two bytes: 8 9 twice
        0, 1, 0,                        // 1 0 once
        0,                              // second player: nothing
        3, 0xc8, 0x01,                  // known 3 and 200
        1, 4,                           // returned: one run from frame 4
        2, 5,                           // 5 twice
    ];
    let bytes = wire::encode(&header, &body);
    assert_eq!(bytes, expected);
    let (decoded, rest) = wire::decode_header(&bytes).unwrap();
    assert_eq!(decoded, header);
    let shape = Shape { acks: 1, inputs: 2 };
    assert_eq!(wire::decode_body(rest, shape).unwrap(), body);
}

fn frames() -> impl Strategy<Value = Frame> {
    prop_oneof![0u32..1000, 0u32..u32::MAX - 2000].prop_map(Frame)
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let bytes = prop::collection::vec(any::<u8>(), 1..=64);
    let runs = prop::collection::vec((bytes, 1u32..100).prop_map(|(b, n)| run(&b, n)), 0..5);
    (frames(), runs).prop_map(|(first, runs)| match runs.is_empty() {
        true => Inputs::default(),
        false => Inputs { first, runs },
    })
}

fn bodies() -> impl Strategy<Value = Body> {
    let echo =
        (any::<u32>(), any::<u32>()).prop_map(|(sent_at, held_us)| Echo { sent_at, held_us });
    let prefixes = prop::collection::vec(any::<[u8; 8]>().prop_map(HashPrefix), 1..=32);
    let hashes = (frames(), prefixes).prop_map(|(first, prefixes)| Hashes { first, prefixes });
    (
        (any::<u32>(), frames(), any::<u32>()),
        prop::option::of(echo),
        prop::option::of(frames()),
        prop::option::of(hashes),
        prop::collection::vec((frames(), inputs()), 0..=4),
        prop::collection::vec((frames(), inputs()), 0..=2),
        (prop::option::of(any::<u32>()), any::<bool>(), any::<bool>()),
    )
        .prop_map(
            |(
                (sequence, head, sent_at),
                echo,
                want,
                hashes,
                theirs,
                ours,
                (to, rejoins, returns),
            )| Body {
                sequence,
                addressee: to.map(Incarnation),
                head,
                sent_at,
                echo,
                want,
                hashes,
                acks: theirs.iter().map(|(ack, _)| *ack).collect(),
                inputs: ours.iter().map(|(_, inputs)| inputs.clone()).collect(),
                known: rejoins.then(|| ours.iter().map(|(known, _)| *known).collect()),
                returned: returns
                    .then(|| theirs.iter().map(|(_, inputs)| inputs.clone()).collect()),
            },
        )
}

#[test]
fn every_body_comes_back() {
    let strategy = (any::<u32>(), any::<u32>(), bodies());
    let outcome = runner(1).run(&strategy, |(epoch, incarnation, body)| {
        let header = Header {
            epoch: Epoch(epoch),
            incarnation: Incarnation(incarnation),
        };
        let bytes = wire::encode(&header, &body);
        let (decoded, rest) = wire::decode_header(&bytes).unwrap();
        prop_assert_eq!(decoded, header);
        let shape = Shape {
            acks: body.acks.len(),
            inputs: body.inputs.len(),
        };
        prop_assert_eq!(wire::decode_body(rest, shape), Ok(body));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
