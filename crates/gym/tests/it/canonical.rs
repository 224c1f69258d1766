//! The canonical encoding: one form per value, and no bytes that make decoding panic.

use std::collections::BTreeMap;

use igym_gym::{Action, AgentOutcome, DType, DecodeError, Outcome, Space, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn round_trip(value: &Value, bytes: &[u8]) {
    assert_eq!(value.encode(), bytes, "{value:?}");
    assert_eq!(Value::decode(bytes).as_ref(), Ok(value));
}

#[test]
fn golden_bytes_of_every_kind_of_value() {
    round_trip(&Value::Null, &[0]);
    round_trip(&Value::Bool(false), &[1]);
    round_trip(&Value::Bool(true), &[2]);
    round_trip(&Value::Int(0), &[3, 0]);
    round_trip(&Value::Int(-1), &[3, 1]);
    round_trip(&Value::Int(64), &[3, 0x80, 1]);
    round_trip(
        &Value::Int(i64::MIN),
        &[3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
    );
    round_trip(&Value::Float(1.5), &[4, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F]);
    round_trip(&Value::Str("né".into()), &[5, 3, b'n', 0xC3, 0xA9]);
    round_trip(&Value::Bytes(vec![9, 0]), &[6, 2, 9, 0]);
    round_trip(
        &Value::List(vec![Value::Null, Value::List(vec![])]),
        &[7, 2, 0, 7, 0],
    );
    round_trip(
        &Value::Map(BTreeMap::from([
            ("b".into(), Value::Null),
            ("aa".into(), Value::Bool(true)),
        ])),
        &[8, 2, 2, b'a', b'a', 2, 1, b'b', 0],
    );
    round_trip(
        &Value::Array {
            dtype: DType::I16,
            shape: vec![2, 1],
            bytes: vec![1, 0, 2, 0],
        },
        &[9, 4, 2, 2, 1, 1, 0, 2, 0],
    );
    round_trip(
        &Value::f32_array(&[1.0, -0.0]),
        &[9, 9, 1, 2, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x80],
    );
}

#[test]
fn there_is_one_nan_and_two_zeros() {
    let other = f64::from_bits(0xFFF8_0000_0000_1234);
    assert!(other.is_nan());
    assert_eq!(Value::Float(other), Value::Float(f64::NAN));
    assert_ne!(Value::Float(0.0), Value::Float(-0.0));
    let odd = f32::from_bits(0xFFC0_0001);
    assert_eq!(Value::f32_array(&[odd]), Value::f32_array(&[f32::NAN]));
    let array = |bytes: [u8; 8]| Value::Array {
        dtype: DType::F64,
        shape: vec![1],
        bytes: bytes.to_vec(),
    };
    assert_eq!(array(other.to_le_bytes()), array(f64::NAN.to_le_bytes()));
    // The other NaN is never written, so it is not read.
    let mut bytes = Value::Float(f64::NAN).encode();
    bytes[1] = 1;
    assert!(matches!(
        Value::decode(&bytes),
        Err(DecodeError::NotCanonical(_))
    ));
    let mut bytes = Value::f32_array(&[f32::NAN]).encode();
    bytes[4] = 1;
    assert!(matches!(
        Value::decode(&bytes),
        Err(DecodeError::NotCanonical(_))
    ));
}

#[test]
fn an_array_of_the_wrong_size_becomes_plain_bytes() {
    let wrong = Value::Array {
        dtype: DType::F64,
        shape: vec![3],
        bytes: vec![1, 2, 3],
    };
    let plain = Value::Array {
        dtype: DType::U8,
        shape: vec![3],
        bytes: vec![1, 2, 3],
    };
    assert_eq!(wrong, plain);
}

#[test]
fn a_second_form_of_a_value_is_refused() {
    for bytes in [
        &[][..],
        &[10],
        &[0, 0],
        &[3, 0x80, 0],
        &[3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
        &[3, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 0],
        &[4, 0, 0],
        &[5, 1, 0xFF],
        &[5, 2, b'a'],
        &[6, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        &[8, 2, 1, b'b', 0, 1, b'a', 0],
        &[8, 2, 1, b'a', 0, 1, b'a', 0],
        &[9, 11, 0],
        &[9, 0, 1, 1, 2],
        &[
            9, 1, 3, 255, 255, 255, 255, 15, 255, 255, 255, 255, 15, 255, 255, 255, 255, 15,
        ],
        &[9, 1, 1, 255, 255, 255, 255, 31],
    ] {
        assert!(Value::decode(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn hostile_nesting_and_counts_are_refused_at_once() {
    // Each byte pair opens one more list.
    let bytes = [7, 1].repeat(1_000_000);
    assert_eq!(Value::decode(&bytes), Err(DecodeError::TooDeep));
    let mut bytes = [8, 1, 0].repeat(1_000_000);
    bytes.push(0);
    assert_eq!(Value::decode(&bytes), Err(DecodeError::TooDeep));
    // Four billion items are announced, and none comes.
    assert_eq!(
        Value::decode(&[7, 255, 255, 255, 255, 15]),
        Err(DecodeError::Truncated)
    );
    let deepest = (0..32).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    assert_eq!(Value::decode(&deepest.encode()), Ok(deepest.clone()));
    let deeper = Value::List(vec![deepest]);
    assert_eq!(Value::decode(&deeper.encode()), Err(DecodeError::TooDeep));
}

#[test]
fn golden_bytes_of_an_outcome() {
    let outcome = Outcome {
        agents: vec![
            AgentOutcome {
                agent: "a".into(),
                reward: Some(-1.0),
                terminated: Some(true),
                truncated: Some(false),
                platform_truncated: false,
                info: BTreeMap::new(),
            },
            AgentOutcome {
                agent: "b".into(),
                truncated: Some(true),
                platform_truncated: true,
                info: BTreeMap::from([("n".into(), Value::Int(1))]),
                ..AgentOutcome::default()
            },
            AgentOutcome {
                agent: "gone".into(),
                ..AgentOutcome::default()
            },
        ],
        terminal: true,
    };
    let bytes = [
        &[1, 3][..],
        &[1, b'a', 0b0000_1111, 0, 0, 0, 0, 0, 0, 0xF0, 0xBF],
        &[1, b'b', 0b0111_1000, 1, 1, b'n', 3, 2],
        &[4, b'g', b'o', b'n', b'e', 0],
    ]
    .concat();
    assert_eq!(outcome.encode(), bytes);
    assert_eq!(Outcome::decode(&bytes), Ok(outcome.clone()));
    assert!(outcome.terminal());
    for (place, wrong) in [(0, 2), (1, 4), (4, 0b0000_1101), (4, 0x80), (16, 0)] {
        let mut bytes = bytes.clone();
        bytes[place] = wrong;
        assert!(Outcome::decode(&bytes).is_err(), "{wrong} at {place}");
    }
}

fn values() -> impl Strategy<Value = Value> {
    let dtype = proptest::sample::select(DType::ALL.to_vec());
    let array = (dtype, vec(0..4_u32, 0..4)).prop_flat_map(|(dtype, shape)| {
        let count = shape.iter().product::<u32>() as usize * dtype.size();
        vec(any::<u8>(), count).prop_map(move |bytes| Value::Array {
            dtype,
            shape: shape.clone(),
            bytes,
        })
    });
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        ".{0,8}".prop_map(Value::Str),
        vec(any::<u8>(), 0..16).prop_map(Value::Bytes),
        array,
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::List),
            btree_map(".{0,4}", inner, 0..6).prop_map(Value::Map),
        ]
    })
}

fn cells() -> impl Strategy<Value = AgentOutcome> {
    (
        ".{0,6}",
        any::<Option<u64>>(),
        any::<Option<bool>>(),
        any::<Option<bool>>(),
        any::<bool>(),
        btree_map(".{0,4}", values(), 0..3),
    )
        .prop_map(
            |(agent, reward, terminated, truncated, platform_truncated, info)| AgentOutcome {
                agent,
                reward: reward.map(f64::from_bits),
                terminated,
                truncated,
                platform_truncated,
                info,
            },
        )
}

proptest! {
    #[test]
    fn every_value_survives(value in values()) {
        let bytes = value.encode();
        let back = Value::decode(&bytes).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(back.encode(), bytes);
    }

    #[test]
    fn every_outcome_survives(agents in vec(cells(), 0..4), terminal: bool) {
        let outcome = Outcome { agents, terminal };
        let bytes = outcome.encode();
        let back = Outcome::decode(&bytes).unwrap();
        prop_assert_eq!(back.encode(), bytes);
        prop_assert_eq!(back.agents.len(), outcome.agents.len());
    }

    #[test]
    fn what_decodes_is_canonical(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(value) = Value::decode(&bytes) {
            prop_assert_eq!(value.encode(), bytes.clone());
        }
        if let Ok(outcome) = Outcome::decode(&bytes) {
            prop_assert_eq!(outcome.encode(), bytes);
        }
    }

    /// Bytes that are almost right reach further into the decoder than random ones.
    #[test]
    fn what_decodes_after_a_change_is_canonical(
        value in values(),
        cell in cells(),
        place: prop::sample::Index,
        byte: u8,
        cut: bool,
    ) {
        let outcome = Outcome { agents: vec![cell], terminal: false };
        for mut bytes in [value.encode(), outcome.encode()] {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            if cut {
                bytes.truncate(place);
            }
            if let Ok(value) = Value::decode(&bytes) {
                prop_assert_eq!(value.encode(), bytes.clone());
            }
            if let Ok(outcome) = Outcome::decode(&bytes) {
                prop_assert_eq!(outcome.encode(), bytes);
            }
        }
    }

    #[test]
    fn an_action_has_one_encoding(
        bytes in vec(any::<u8>(), 0..12),
        n in 0..70_000_u32,
        bits in 0..40_u32,
        dtype in proptest::sample::select(DType::ALL.to_vec()),
    ) {
        let spaces = [
            Space::Discrete { n },
            Space::MultiDiscrete { n: vec![n, 3] },
            Space::MultiBinary { n: bits },
            Space::Box { low: -1e300, high: 1e300, dtype, shape: vec![1] },
            Space::dict([("a", Space::Discrete { n }), ("b", Space::MultiBinary { n: bits })]),
        ];
        for space in spaces {
            if let Some(action) = Action::decode(&space, &bytes) {
                prop_assert_eq!(action.encode(&space), Some(bytes.clone()), "{:?}", space);
            }
        }
    }
}
