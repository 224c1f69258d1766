//! Action spaces as a runtime describes them: numbers may begin elsewhere than at 0.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Action, DType, Space, Value};

/// What an agent of a foreign environment can do. Its bytes count from 0, the environment may count
/// from another number.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionSpace {
    space: Space,
    start: Start,
}

/// Where the numbers of a space begin.
#[derive(Clone, Debug, PartialEq)]
enum Start {
    /// There are none.
    Nowhere,
    At(Vec<i64>),
    /// By name, as in [`Space::Dict`].
    Parts(BTreeMap<String, Start>),
}

impl ActionSpace {
    /// The space as the bytes count it.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The action that these bytes are, if they are exactly one.
    pub fn decode(&self, bytes: &[u8]) -> Option<Action> {
        Action::decode(&self.space, bytes)
    }

    /// The action as the environment was given it: a number for a discrete space, lists for
    /// multi-discrete and multi-binary ones, else an array or a map. `None` if it is not of the
    /// space.
    pub fn given(&self, action: &Action) -> Option<Value> {
        given(&self.space, &self.start, action)
    }

    /// The first number of each discrete part, in the order of the space's parts.
    pub fn starts(&self) -> Vec<i64> {
        let mut found = Vec::new();
        self.start.add_to(&mut found);
        found
    }
}

impl Start {
    fn add_to(&self, found: &mut Vec<i64>) {
        match self {
            Self::Nowhere => {}
            Self::At(starts) => found.extend(starts),
            Self::Parts(parts) => parts.values().for_each(|part| part.add_to(found)),
        }
    }
}

fn given(space: &Space, start: &Start, action: &Action) -> Option<Value> {
    let from = |number: u32, start: &i64| Value::Int(i64::from(number).saturating_add(*start));
    Some(match (space, start, action) {
        (Space::Discrete { .. }, Start::At(starts), Action::Discrete(number)) => {
            from(*number, starts.first()?)
        }
        (Space::MultiDiscrete { .. }, Start::At(starts), Action::MultiDiscrete(numbers)) => {
            let numbers = numbers.iter().zip(starts);
            Value::List(
                numbers
                    .map(|(number, start)| from(*number, start))
                    .collect(),
            )
        }
        (Space::MultiBinary { .. }, _, Action::MultiBinary(bits)) => {
            Value::List(bits.iter().map(|bit| Value::Bool(*bit)).collect())
        }
        (Space::Box { dtype, shape, .. }, _, Action::Box(numbers)) => {
            let mut bytes = Vec::with_capacity(numbers.len() * dtype.size());
            for number in numbers {
                dtype.write_number(*number, &mut bytes);
            }
            Value::Array {
                dtype: *dtype,
                shape: shape.clone(),
                bytes,
            }
        }
        (Space::Dict(entries), Start::Parts(starts), Action::Dict(actions)) => {
            let part = |(name, space): &(String, Space)| {
                let value = given(space, starts.get(name)?, actions.get(name)?)?;
                Some((name.clone(), value))
            };
            Value::Map(entries.iter().map(part).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// A space in the JSON of `describe()`.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum SpaceJson {
    Discrete {
        n: u32,
        #[serde(default)]
        start: i64,
    },
    MultiDiscrete {
        n: Vec<u32>,
        #[serde(default)]
        start: Vec<i64>,
    },
    MultiBinary {
        n: u32,
    },
    Box {
        dtype: String,
        shape: Vec<u32>,
        /// Null: there is no bound.
        low: Option<f64>,
        high: Option<f64>,
    },
    Dict {
        entries: BTreeMap<String, SpaceJson>,
    },
}

impl SpaceJson {
    /// The space, or why it cannot be one.
    pub(crate) fn into_space(self) -> Result<ActionSpace, String> {
        let (space, start) = self.parts()?;
        match space.encoded_len() {
            Some(_) => Ok(ActionSpace { space, start }),
            None => Err("an action space is empty or too large".to_owned()),
        }
    }

    fn parts(self) -> Result<(Space, Start), String> {
        Ok(match self {
            Self::Discrete { n, start } => (Space::Discrete { n }, Start::At(vec![start])),
            Self::MultiDiscrete { n, mut start } => {
                if start.is_empty() {
                    start = vec![0; n.len()];
                }
                if start.len() != n.len() {
                    return Err("a space has another number of starts than of bounds".to_owned());
                }
                (Space::MultiDiscrete { n }, Start::At(start))
            }
            Self::MultiBinary { n } => (Space::MultiBinary { n }, Start::Nowhere),
            Self::Box {
                dtype,
                shape,
                low,
                high,
            } => {
                let known = DType::ALL.into_iter().find(|known| known.name() == dtype);
                let dtype = known.ok_or_else(|| format!("there is no element type {dtype:?}"))?;
                let space = Space::Box {
                    low: low.unwrap_or(f64::NEG_INFINITY),
                    high: high.unwrap_or(f64::INFINITY),
                    dtype,
                    shape,
                };
                (space, Start::Nowhere)
            }
            Self::Dict { entries } => {
                let mut spaces = Vec::new();
                let mut starts = BTreeMap::new();
                for (name, part) in entries {
                    let (space, start) = part.parts()?;
                    spaces.push((name.clone(), space));
                    starts.insert(name, start);
                }
                (Space::dict(spaces), Start::Parts(starts))
            }
        })
    }
}
