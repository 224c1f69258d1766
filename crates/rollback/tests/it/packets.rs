//! The wire layout: golden bytes, every body there and back, and how few bytes play takes.

use igym_rollback::wire::{
    self, Body, Configuration, Delays, Echo, Hashes, Header, Inputs, Key, Near, Run,
};
use igym_rollback::{Epoch, Frame, HashPrefix, Incarnation, Input, PlayerIndex, PlayerSet};
use proptest::prelude::*;

use crate::parity::runner;

fn run(bytes: &[u8], frames: u32) -> Run {
    Run {
        input: Input::new(bytes).unwrap(),
        frames,
    }
}

fn section(first: u32, runs: &[Run]) -> Inputs {
    Inputs {
        first: Frame(first),
        runs: runs.to_vec(),
    }
}

const CONFIGURATION: Configuration = Configuration([0xc0, 1, 2, 3, 4, 5, 6, 7]);

#[test]
fn golden_bytes_of_a_full_packet() {
    let header = Header {
        configuration: CONFIGURATION,
        epoch: Epoch(3),
        incarnation: Incarnation(300),
    };
    let body = Body {
        from: PlayerSet(0b1_0000_0010),
        to: PlayerSet(1),
        sequence: 5,
        addressee: Some(Incarnation(200)),
        head: Frame(130),
        sent_at: Some(0x0403_0201),
        echo: Some(Echo {
            sequence: 133,
            held_us: 128,
        }),
        start: Some(6),
        delays: Some(Delays {
            from: Frame(131),
            wanted: 3,
            frames: vec![2, 32],
        }),
        want: Some(Frame(7)),
        hashes: Hashes {
            first: Frame(126),
            prefixes: vec![
                HashPrefix([0xa0, 1, 2, 3, 4, 5, 6, 7]),
                HashPrefix([0xb0; 8]),
            ],
        },
        acks: vec![Frame(128)],
        known: Some(vec![Frame(3), Frame(200)]),
        closed: Some(vec![Frame(201), Frame(5)]),
        lacks: vec![(PlayerIndex(4), Frame(6))],
        inputs: vec![
            section(
                129,
                &[
                    run(&[6], 1),
                    run(&[7], 3),
                    run(&[8, 9], 2),
                    run(&[1, 9], 1),
                    run(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 1),
                    run(&[1, 2, 3, 4, 5, 6, 7, 8, 0], 1),
                ],
            ),
            Inputs::default(),
        ],
        returned: Some(vec![section(4, &[run(&[5], 1), run(&[6], 1)])]),
        given: vec![(PlayerIndex(7), section(9, &[run(&[5], 70)]))],
    };
    #[rustfmt::skip]
    let expected = [
        0x84,                           // full, version 4
        0xc0, 1, 2, 3, 4, 5, 6, 7,      // configuration
        3,                              // epoch
        0xac, 0x02,                     // incarnation 300
        0b1111_1111, 0b111,             // all flags
        0x82, 0x02,                     // from players 1 and 8
        1,                              // to player 0
        5,                              // sequence
        0xc8, 0x01,                     // addressee 200
        0x82, 0x01,                     // head 130
        1, 2, 3, 4,                     // sent at
        0x85, 0x01, 0x80, 0x01,         // echo: packet 133, held for 128 µs
        6,                              // start in 6 µs
        0x83, 0x01, 3, 2, 32,           // delays from head 131 on: 3 wanted, 2 and 32 frames
        7,                              // want
        126, 2,                         // two hashes from frame 126
        0xa0, 1, 2, 3, 4, 5, 6, 7,
        0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0, 0xb0,
        0x80, 0x01,                     // ack 128
        3, 0xc8, 0x01,                  // known 3 and 200
        0xc9, 0x01, 5,                  // closed 201 and 5
        1, 4, 6,                        // of one player, 4, frame 6 is lacking
        19, 0x81, 0x01,                 // player 1: nine frames in runs, from 129
        0, 6,                           // 6 once
        8, 7,                           // 7 three times
        5, 2, 8, 9,                     // two bytes: 8 9 twice
        0, 1, 9,                        // 1 9 once
        1, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, // nine bytes, once
        2, 0, 1, 0,                     // the ninth changed, to 0
        0,                              // player 8: nothing
        4, 4, 5, 6,                     // returned: two frames from 4, 5 and 6
        1, 7,                           // given: of one player, 7
        0x8d, 0x01, 9,                  // 70 frames in runs, from 9
        0x94, 0x02, 5,                  // 5, and 69 times more
    ];
    let bytes = wire::encode(&header, &body, 1);
    assert_eq!(bytes, expected);
    let (decoded, rest) = wire::decode_header(&bytes).unwrap();
    assert_eq!(decoded, header);
    let mut read = Body::default();
    wire::decode_body(rest, 1, &mut read).unwrap();
    assert_eq!(read, body);
}

#[test]
fn golden_bytes_of_a_short_packet() {
    let header = Header {
        configuration: CONFIGURATION,
        epoch: Epoch(3),
        incarnation: Incarnation(300),
    };
    let (from, to) = (PlayerSet(0b0110), PlayerSet(0b1001));
    let key = Key::new(&header, Incarnation(200), from, to);
    let body = Body {
        from,
        to,
        sequence: 0x1_05,
        head: Frame(0x1_0203),
        sent_at: Some(0x0403_0201),
        echo: Some(Echo {
            sequence: 0x2_07,
            held_us: 8 * 0x301,
        }),
        hashes: Hashes {
            first: Frame(0x1_01fd),
            prefixes: vec![HashPrefix([0xa0, 1, 2, 3, 4, 5, 6, 7])],
        },
        acks: vec![Frame(0x1_0200), Frame(0x1_0201)],
        inputs: vec![
            section(0x1_01ff, &[run(&[6], 1), run(&[7], 2)]),
            section(0x1_0180, &[run(&[8], 4)]),
        ],
        ..Body::default()
    };
    #[rustfmt::skip]
    let expected = [
        0b001_1111,                     // short, of epoch 3 and incarnation 300, with clock, echo and hash
        245,                            // tag
        5, 1,                           // sequence
        0x03, 0x02,                     // head
        5, 2,                           // acks: three before the head, one after that
        1, 2, 3,                        // clock
        7, 0x01, 0x03,                  // echo
        11,                             // a hash, six before the head
        0xa0, 1, 2, 3, 4, 5, 6, 7,
        6, 7, 6, 7, 7,                  // player 1: three frames, from four before the head
        9, 0xfd, 0x01,                  // player 2: four frames in runs, from 127 before those
        12, 8,                          // 8 four times
    ];
    let bytes = wire::encode_short(key, &body, 1);
    assert_eq!(key.tag(0x105, Frame(0x1_0203)), 245);
    assert_eq!(bytes, expected);
    let near = Near {
        from,
        to,
        sequence: 0x1_85,
        since: 0x1_04,
        head: Frame(0xf203),
        sent_at: 0x0483_0200,
        own_sequence: 0x300,
    };
    let mut read = Body::default();
    wire::decode_short(&bytes, key, &near, 1, &mut read).unwrap();
    assert_eq!(read, body);
    // Too far away to be understood: it is refused, not misunderstood.
    for far in [
        Near {
            sequence: 0x1_86,
            ..near
        },
        Near {
            sequence: 0xa4,
            since: 0xa4,
            ..near
        },
        Near {
            since: 0x1_05,
            ..near
        },
        Near {
            head: Frame(0x1_8204),
            ..near
        },
        Near {
            head: Frame(0x0202),
            ..near
        },
    ] {
        let refused = wire::decode_short(&bytes, key, &far, 1, &mut read);
        assert_eq!(refused, Err(igym_rollback::PacketError::UnknownTag));
    }
}

fn frames() -> impl Strategy<Value = Frame> {
    prop_oneof![0u32..1000, 0u32..u32::MAX - 2000].prop_map(Frame)
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..=64),
        prop::collection::vec(0u8..2, 9..=10),
    ];
    let runs = prop::collection::vec((bytes, 1u32..100), 0..6);
    (frames(), runs).prop_map(|(first, runs)| {
        let mut inputs = Inputs::default();
        for (bytes, frames) in runs {
            let input = Input::new(&bytes).unwrap();
            match inputs.runs.last_mut() {
                Some(run) if run.input == input => run.frames += frames,
                _ => inputs.runs.push(Run { input, frames }),
            }
            inputs.first = first;
        }
        inputs
    })
}

fn bodies() -> impl Strategy<Value = Body> {
    let echo =
        (any::<u32>(), any::<u32>()).prop_map(|(sequence, held_us)| Echo { sequence, held_us });
    let prefixes = prop::collection::vec(any::<[u8; 8]>().prop_map(HashPrefix), 0..=32);
    let hashes = (frames(), prefixes).prop_map(|(first, prefixes)| match prefixes.is_empty() {
        true => Hashes::default(),
        false => Hashes { first, prefixes },
    });
    let player = || (0u8..16).prop_map(PlayerIndex);
    (
        (any::<u32>(), frames(), any::<u32>()),
        prop::option::of(echo),
        prop::option::of(frames()),
        hashes,
        prop::collection::vec((frames(), inputs()), 0..=4),
        prop::collection::vec((frames(), inputs()), 0..=2),
        (prop::option::of(any::<u32>()), any::<[bool; 5]>(), 0u8..=32),
        prop::collection::vec((player(), frames()), 0..=16),
        prop::collection::vec((player(), inputs()), 0..=3),
    )
        .prop_map(
            |(
                (sequence, head, sent_at),
                echo,
                want,
                hashes,
                theirs,
                ours,
                (to, [rejoins, returns, closes, announces, waits], delay),
                lacks,
                given,
            )| {
                let known: Vec<Frame> = ours.iter().map(|(known, _)| *known).collect();
                let inputs = |all: &[(Frame, Inputs)]| -> Vec<Inputs> {
                    all.iter().map(|(_, inputs)| inputs.clone()).collect()
                };
                Body {
                    from: PlayerSet((1 << ours.len()) - 1),
                    to: PlayerSet(((1 << theirs.len()) - 1) << 9),
                    sequence,
                    addressee: to.map(Incarnation),
                    head,
                    sent_at: Some(sent_at),
                    echo,
                    start: waits.then_some(sequence ^ 1),
                    delays: announces.then(|| Delays {
                        from: Frame(sequence),
                        wanted: delay,
                        frames: vec![32 - delay; ours.len()],
                    }),
                    want,
                    hashes,
                    acks: theirs.iter().map(|(ack, _)| *ack).collect(),
                    closed: closes.then(|| known.clone()),
                    known: rejoins.then_some(known),
                    lacks,
                    inputs: inputs(&ours),
                    returned: returns.then(|| inputs(&theirs)),
                    given,
                }
            },
        )
}

#[test]
fn every_full_body_comes_back() {
    let strategy = (any::<u32>(), any::<u32>(), bodies(), 1usize..4);
    let outcome = runner(1).run(&strategy, |(epoch, incarnation, body, plain)| {
        let header = Header {
            configuration: CONFIGURATION,
            epoch: Epoch(epoch),
            incarnation: Incarnation(incarnation),
        };
        let bytes = wire::encode(&header, &body, plain);
        if bytes.len() > wire::MAX_PACKET_BYTES {
            return Ok(());
        }
        let (decoded, rest) = wire::decode_header(&bytes).unwrap();
        prop_assert_eq!(decoded, header);
        let mut read = Body::default();
        prop_assert_eq!(wire::decode_body(rest, plain, &mut read), Ok(()));
        prop_assert_eq!(read, body);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn every_short_body_comes_back() {
    let steps = prop::collection::vec(-500i32..500, 20);
    let strategy = (bodies(), steps, any::<u16>(), 0u8..8, -96i32..30);
    let outcome = runner(1).run(&strategy, |(full, steps, head, has, ahead)| {
        let head = Frame(2_000_000_000 + u32::from(head));
        let away = |n: usize| Frame(head.0.wrapping_add_signed(steps[n]));
        let inputs = full.inputs.iter().enumerate().map(|(n, inputs)| Inputs {
            first: if inputs.runs.is_empty() {
                Frame(0)
            } else {
                away(n)
            },
            ..inputs.clone()
        });
        let body = Body {
            from: full.from,
            to: full.to,
            sequence: full.sequence.max(1),
            head,
            sent_at: full.sent_at.filter(|_| has & 1 != 0),
            echo: full.echo.filter(|_| has & 1 != 0).map(|echo| Echo {
                sequence: echo.sequence,
                held_us: echo.held_us % 500_000 / 8 * 8,
            }),
            hashes: Hashes {
                first: away(10),
                prefixes: full.hashes.prefixes.first().copied().into_iter().collect(),
            },
            acks: (0..full.to.len()).map(away).collect(),
            inputs: inputs.collect(),
            ..Body::default()
        };
        let body = Body {
            hashes: match body.hashes.prefixes.is_empty() {
                true => Hashes::default(),
                false => body.hashes.clone(),
            },
            ..body
        };
        let key = Key::new(&Header::default(), Incarnation(1), body.from, body.to);
        let bytes = wire::encode_short(key, &body, 1);
        if bytes.len() > wire::MAX_PACKET_BYTES {
            return Ok(());
        }
        let near = Near {
            from: body.from,
            to: body.to,
            sequence: body.sequence.saturating_add_signed(ahead),
            since: body.sequence - 1,
            head: away(11),
            sent_at: body
                .sent_at
                .unwrap_or(0)
                .wrapping_add_signed(steps[12] * 16_000),
            own_sequence: body
                .echo
                .map_or(0, |echo| echo.sequence)
                .wrapping_add(steps[13].unsigned_abs() / 2),
        };
        let mut read = Body::default();
        prop_assert_eq!(wire::decode_short(&bytes, key, &near, 1, &mut read), Ok(()));
        prop_assert_eq!(read, body);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Tags are short enough to be alike by chance, so the episode and the page load before are told
/// apart without them.
#[test]
fn packets_of_the_episode_before_are_never_taken_for_this_one() {
    let header = |epoch, incarnation| Header {
        configuration: CONFIGURATION,
        epoch: Epoch(epoch),
        incarnation: Incarnation(incarnation),
    };
    let (from, to) = (PlayerSet(1), PlayerSet(2));
    let key = |epoch, incarnation| {
        let header = header(epoch, incarnation);
        Key::new(&header, Incarnation(2), from, to)
    };
    let (before, now) = (key(3, 1), [key(4, 1), key(3, 2)]);
    let mut alike = 0;
    for head in (0..400_000).map(Frame) {
        let body = Body {
            from,
            to,
            sequence: head.0,
            head,
            acks: vec![head],
            inputs: vec![Inputs {
                first: head,
                ..Inputs::default()
            }],
            ..Body::default()
        };
        let bytes = wire::encode_short(before, &body, 1);
        let near = Near {
            from,
            to,
            sequence: head.0,
            head,
            ..Near::default()
        };
        for key in now {
            alike += u32::from(key.tag(head.0, head) == before.tag(head.0, head));
            let read = wire::decode_short(&bytes, key, &near, 1, &mut Body::default());
            assert_eq!(read, Err(igym_rollback::PacketError::UnknownTag), "{head}");
        }
    }
    assert!(alike > 3, "{alike}");
}
