//! The shapes of actions and observations, after Gymnasium's spaces.

use crate::DType;

/// Most elements that a space may have in all; a larger one is refused when a simulation is set up.
pub const SPACE_ELEMENTS: usize = 1 << 24;

/// What values an action or an observation can take.
#[derive(Clone, Debug, PartialEq)]
pub enum Space {
    /// One of `0..n`.
    Discrete { n: u32 },
    /// One number below each of the given bounds.
    MultiDiscrete { n: Vec<u32> },
    /// That many bits.
    MultiBinary { n: u32 },
    /// An array whose elements are each between `low` and `high`, inclusive.
    Box {
        low: f64,
        high: f64,
        dtype: DType,
        shape: Vec<u32>,
    },
    /// Named spaces, in the order of their names. Built by [`Space::dict`].
    Dict(Vec<(String, Space)>),
}

impl Space {
    /// A dictionary of spaces; sorts them by name, of equal names the last one stays.
    pub fn dict<K: Into<String>>(entries: impl IntoIterator<Item = (K, Space)>) -> Self {
        let sorted: std::collections::BTreeMap<String, Space> = entries
            .into_iter()
            .map(|(name, space)| (name.into(), space))
            .collect();
        Self::Dict(sorted.into_iter().collect())
    }

    /// How many bytes each encoded action of this space takes; `None` if the space is empty
    /// (a bound of 0) or has more than [`SPACE_ELEMENTS`] elements.
    pub fn encoded_len(&self) -> Option<usize> {
        match self {
            Self::Discrete { n } => discrete_len(*n),
            Self::MultiDiscrete { n } => n
                .iter()
                .try_fold(0_usize, |sum, bound| bounded(sum + discrete_len(*bound)?)),
            Self::MultiBinary { n } => bounded((*n as usize).div_ceil(8)),
            Self::Box { dtype, shape, .. } => {
                bounded(elements(shape)?).map(|count| count * dtype.size())
            }
            Self::Dict(entries) => entries.iter().try_fold(0_usize, |sum, (_, space)| {
                bounded(sum.checked_add(space.encoded_len()?)?)
            }),
        }
    }
}

/// Bytes of a number below `n`.
pub(crate) fn discrete_len(n: u32) -> Option<usize> {
    match n {
        0 => None,
        1..=0x100 => Some(1),
        0x101..=0x1_0000 => Some(2),
        _ => Some(4),
    }
}

/// The product of a shape, if it is within bounds.
pub(crate) fn elements(shape: &[u32]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |product, extent| {
        product.checked_mul(*extent as usize)
    })
}

fn bounded(count: usize) -> Option<usize> {
    (count <= SPACE_ELEMENTS).then_some(count)
}
