//! Actions and their bytes: fixed length for a space, so that a seat's input is a concatenation.

use std::collections::BTreeMap;

use crate::space::{Space, discrete_len, elements};
use crate::value::DType;

/// What an agent does in one frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Discrete(u32),
    MultiDiscrete(Vec<u32>),
    MultiBinary(Vec<bool>),
    /// Elements in row-major order; each is exactly representable in the space's dtype.
    Box(Vec<f64>),
    Dict(BTreeMap<String, Action>),
}

impl Action {
    /// The bytes of this action, or `None` if it is not in the space.
    pub fn encode(&self, space: &Space) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(space.encoded_len()?);
        self.write(space, &mut out)?;
        Some(out)
    }

    /// Reads exactly one action; `None` if the bytes are not one of this space.
    pub fn decode(space: &Space, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != space.encoded_len()? {
            return None;
        }
        let mut rest = bytes;
        let action = Self::read(space, &mut rest)?;
        rest.is_empty().then_some(action)
    }

    /// What an agent does when nobody says: `default` in a discrete space, else nothing (zeros,
    /// or the bound nearest to zero). `None` if `default` is not in the space.
    pub fn idle(space: &Space, default: u32) -> Option<Self> {
        space.encoded_len()?;
        match space {
            Space::Discrete { n } => (default < *n).then_some(Self::Discrete(default)),
            Space::MultiDiscrete { n } => Some(Self::MultiDiscrete(vec![0; n.len()])),
            Space::MultiBinary { n } => Some(Self::MultiBinary(vec![false; *n as usize])),
            Space::Box {
                low, high, shape, ..
            } => {
                let zero = 0.0_f64.max(*low).min(*high);
                Some(Self::Box(vec![zero; elements(shape)?]))
            }
            Space::Dict(entries) => entries
                .iter()
                .map(|(name, space)| Some((name.clone(), Self::idle(space, default)?)))
                .collect::<Option<BTreeMap<_, _>>>()
                .map(Self::Dict),
        }
    }

    /// The number of a discrete action.
    pub fn discrete(&self) -> Option<u32> {
        match self {
            Self::Discrete(number) => Some(*number),
            Self::MultiDiscrete(_) | Self::MultiBinary(_) | Self::Box(_) | Self::Dict(_) => None,
        }
    }

    fn write(&self, space: &Space, out: &mut Vec<u8>) -> Option<()> {
        match (self, space) {
            (Self::Discrete(number), Space::Discrete { n }) => write_discrete(*number, *n, out),
            (Self::MultiDiscrete(numbers), Space::MultiDiscrete { n }) => {
                if numbers.len() != n.len() {
                    return None;
                }
                numbers
                    .iter()
                    .zip(n)
                    .try_for_each(|(number, bound)| write_discrete(*number, *bound, out))
            }
            (Self::MultiBinary(bits), Space::MultiBinary { n }) => {
                if bits.len() != *n as usize {
                    return None;
                }
                out.extend(bits.chunks(8).map(|chunk| {
                    chunk
                        .iter()
                        .enumerate()
                        .fold(0_u8, |byte, (place, bit)| byte | (u8::from(*bit) << place))
                }));
                Some(())
            }
            (
                Self::Box(numbers),
                Space::Box {
                    low,
                    high,
                    dtype,
                    shape,
                },
            ) => {
                if numbers.len() != elements(shape)? {
                    return None;
                }
                numbers.iter().try_for_each(|number| {
                    let inside = *low <= *number && *number <= *high;
                    (inside && write_number(*number, *dtype, out)).then_some(())
                })
            }
            (Self::Dict(actions), Space::Dict(entries)) => {
                if actions.len() != entries.len() {
                    return None;
                }
                entries
                    .iter()
                    .try_for_each(|(name, space)| actions.get(name)?.write(space, out))
            }
            (
                Self::Discrete(_)
                | Self::MultiDiscrete(_)
                | Self::MultiBinary(_)
                | Self::Box(_)
                | Self::Dict(_),
                _,
            ) => None,
        }
    }

    fn read(space: &Space, rest: &mut &[u8]) -> Option<Self> {
        match space {
            Space::Discrete { n } => read_discrete(*n, rest).map(Self::Discrete),
            Space::MultiDiscrete { n } => n
                .iter()
                .map(|bound| read_discrete(*bound, rest))
                .collect::<Option<Vec<_>>>()
                .map(Self::MultiDiscrete),
            Space::MultiBinary { n } => {
                let count = *n as usize;
                let bytes = take(rest, count.div_ceil(8))?;
                let mut bits = bytes
                    .iter()
                    .flat_map(|byte| (0..8).map(move |place| byte >> place & 1 == 1));
                let action: Vec<bool> = bits.by_ref().take(count).collect();
                // Bits past the last one are 0, so that one action has one encoding.
                (!bits.any(|bit| bit)).then_some(Self::MultiBinary(action))
            }
            Space::Box {
                low,
                high,
                dtype,
                shape,
            } => (0..elements(shape)?)
                .map(|_| {
                    let bytes = take(rest, dtype.size())?;
                    let number = dtype.number(bytes)?;
                    let mut back = Vec::with_capacity(bytes.len());
                    dtype.write_number(number, &mut back);
                    (*low <= number && number <= *high && back == bytes).then_some(number)
                })
                .collect::<Option<Vec<_>>>()
                .map(Self::Box),
            Space::Dict(entries) => entries
                .iter()
                .map(|(name, space)| Some((name.clone(), Self::read(space, rest)?)))
                .collect::<Option<BTreeMap<_, _>>>()
                .map(Self::Dict),
        }
    }
}

fn write_discrete(number: u32, n: u32, out: &mut Vec<u8>) -> Option<()> {
    if number >= n {
        return None;
    }
    let length = discrete_len(n)?;
    out.extend_from_slice(&number.to_le_bytes()[..length]);
    Some(())
}

fn read_discrete(n: u32, rest: &mut &[u8]) -> Option<u32> {
    let length = discrete_len(n)?;
    let mut bytes = [0; 4];
    bytes[..length].copy_from_slice(take(rest, length)?);
    let number = u32::from_le_bytes(bytes);
    (number < n).then_some(number)
}

/// Appends the number if the type holds it exactly.
fn write_number(number: f64, dtype: DType, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    dtype.write_number(number, out);
    let exact = out
        .get(start..)
        .and_then(|bytes| dtype.number(bytes))
        .is_some_and(|back| back == number);
    if !exact {
        out.truncate(start);
    }
    exact
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(space: &Space, action: &Action, bytes: &[u8]) {
        assert_eq!(action.encode(space).as_deref(), Some(bytes));
        assert_eq!(Action::decode(space, bytes).as_ref(), Some(action));
        assert_eq!(space.encoded_len(), Some(bytes.len()));
    }

    #[test]
    fn discrete_actions_take_as_few_bytes_as_their_space_needs() {
        round_trip(&Space::Discrete { n: 256 }, &Action::Discrete(255), &[0xFF]);
        round_trip(&Space::Discrete { n: 257 }, &Action::Discrete(256), &[0, 1]);
        round_trip(
            &Space::Discrete { n: 0x1_0001 },
            &Action::Discrete(0x1_0000),
            &[0, 0, 1, 0],
        );
        assert_eq!(Space::Discrete { n: 0 }.encoded_len(), None);
        assert_eq!(Action::decode(&Space::Discrete { n: 6 }, &[6]), None);
        assert_eq!(Action::decode(&Space::Discrete { n: 6 }, &[]), None);
        assert_eq!(Action::decode(&Space::Discrete { n: 6 }, &[1, 0]), None);
        assert_eq!(Action::Discrete(6).encode(&Space::Discrete { n: 6 }), None);
    }

    #[test]
    fn composite_actions_are_their_parts_in_order() {
        let space = Space::dict([
            ("turn", Space::MultiDiscrete { n: vec![3, 300] }),
            ("buttons", Space::MultiBinary { n: 9 }),
            (
                "stick",
                Space::Box {
                    low: -1.0,
                    high: 1.0,
                    dtype: DType::F32,
                    shape: vec![2],
                },
            ),
        ]);
        let mut buttons = vec![false; 9];
        buttons[0] = true;
        buttons[8] = true;
        let action = Action::Dict(BTreeMap::from([
            ("buttons".into(), Action::MultiBinary(buttons)),
            ("stick".into(), Action::Box(vec![0.5, -1.0])),
            ("turn".into(), Action::MultiDiscrete(vec![2, 299])),
        ]));
        round_trip(
            &space,
            &action,
            &[1, 1, 0, 0, 0, 0x3F, 0, 0, 0x80, 0xBF, 2, 43, 1],
        );
    }

    #[test]
    fn what_is_outside_the_space_has_no_encoding() {
        let stick = Space::Box {
            low: -1.0,
            high: 1.0,
            dtype: DType::F32,
            shape: vec![1],
        };
        assert_eq!(Action::Box(vec![1.5]).encode(&stick), None);
        assert_eq!(Action::Box(vec![0.1]).encode(&stick), None, "not an f32");
        assert_eq!(Action::Box(vec![f64::NAN]).encode(&stick), None);
        assert_eq!(Action::Discrete(0).encode(&stick), None);
        assert_eq!(Action::decode(&stick, &f32::NAN.to_le_bytes()), None);
        assert_eq!(Action::decode(&stick, &2.0_f32.to_le_bytes()), None);
        let buttons = Space::MultiBinary { n: 3 };
        assert_eq!(Action::decode(&buttons, &[0b1000]), None, "a spare bit");
    }

    #[test]
    fn the_idle_action_is_in_the_space() {
        let space = Space::dict([
            ("a", Space::Discrete { n: 3 }),
            ("b", Space::MultiBinary { n: 2 }),
            (
                "c",
                Space::Box {
                    low: 2.0,
                    high: 3.0,
                    dtype: DType::F64,
                    shape: vec![2, 2],
                },
            ),
        ]);
        let idle = Action::idle(&space, 1).unwrap();
        assert_eq!(idle.encode(&space).map(|bytes| bytes.len()), Some(34));
        assert_eq!(Action::idle(&space, 3), None);
    }
}
