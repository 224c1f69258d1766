//! Observations, actions and infos as cells: one column for each number.

use igym_gym::{Action, ActionSpace, DType, Space, Value};

use crate::column::{AsCell, Cell, Kind};
use crate::hex::hex;

/// Arrays with more elements stand in one column, in hexadecimal.
pub(crate) const MOST_COLUMNS: usize = 1024;

/// A column that a space makes: the end of its name, its kind, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Empty, or a path that begins with a dot.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) about: String,
    /// Of a discrete number how many there are.
    pub(crate) count: Option<u32>,
}

impl Leaf {
    pub(crate) fn new(path: String, kind: Kind, about: String) -> Self {
        Self {
            path,
            kind,
            about,
            count: None,
        }
    }
}

/// The columns of a foreign action space, whose numbers may begin elsewhere than at 0.
pub(crate) fn action_leaves(space: &ActionSpace) -> Vec<Leaf> {
    let mut starts = space.starts().into_iter();
    let mut found = leaves(space.space());
    for leaf in found.iter_mut() {
        if let Some(count) = leaf.count
            && let Some(start) = starts.next()
        {
            let last = start.saturating_add(i64::from(count) - 1);
            let of = leaf.about.find("one of").unwrap_or_default();
            leaf.about
                .replace_range(of.., &format!("one of {start} to {last}"));
        }
    }
    found
}

/// The columns of a space, in the order of [`value_cells`] and [`action_cells`].
pub(crate) fn leaves(space: &Space) -> Vec<Leaf> {
    let mut found = Vec::new();
    add_leaves(space, "", &mut found);
    found
}

fn add_leaves(space: &Space, path: &str, found: &mut Vec<Leaf>) {
    let mut add = |path, kind, about| found.push(Leaf::new(path, kind, about));
    match space {
        Space::Discrete { n } => found.push(Leaf {
            count: Some(*n),
            ..Leaf::new(
                path.to_owned(),
                Kind::Int,
                format!("one of 0 to {}", n.saturating_sub(1)),
            )
        }),
        Space::MultiDiscrete { n } => {
            for (index, bound) in n.iter().enumerate() {
                let about = format!("element {index}, one of 0 to {}", bound.saturating_sub(1));
                found.push(Leaf {
                    count: Some(*bound),
                    ..Leaf::new(format!("{path}.{index}"), Kind::Int, about)
                });
            }
        }
        Space::MultiBinary { n } => {
            for index in 0..*n {
                add(
                    format!("{path}.{index}"),
                    Kind::Bool,
                    format!("bit {index}"),
                );
            }
        }
        Space::Box { dtype, shape, .. } => {
            let count = shape.iter().map(|extent| *extent as usize).product();
            if count > MOST_COLUMNS {
                let about = format!(
                    "{} array of shape {shape:?}, row-major, little-endian, in hexadecimal",
                    dtype.name()
                );
                return add(path.to_owned(), Kind::Text, about);
            }
            for index in 0..count {
                let place = place(index, shape);
                let about = format!("{} element {place}", dtype.name());
                add(format!("{path}{place}"), kind_of(*dtype), about);
            }
        }
        Space::Dict(entries) => {
            for (name, space) in entries {
                add_leaves(space, &format!("{path}.{name}"), found);
            }
        }
    }
}

/// `.i.j` for the element with this index in row-major order.
pub(crate) fn place(index: usize, shape: &[u32]) -> String {
    let mut rest = index;
    let mut places = Vec::with_capacity(shape.len());
    for extent in shape.iter().rev() {
        let extent = (*extent as usize).max(1);
        places.push(format!(".{}", rest % extent));
        rest /= extent;
    }
    places.reverse();
    places.concat()
}

/// The cells of an observation, or nothing if it is not of the space.
pub(crate) fn value_cells(space: &Space, value: &Value) -> Option<Vec<Cell>> {
    let mut cells = Vec::new();
    add_value(space, value, &mut cells)?;
    Some(cells)
}

fn add_value(space: &Space, value: &Value, cells: &mut Vec<Cell>) -> Option<()> {
    match (space, value) {
        (Space::Discrete { .. }, Value::Int(number)) => cells.push(number.cell()),
        (Space::MultiDiscrete { n }, Value::List(items)) if items.len() == n.len() => {
            for item in items {
                match item {
                    Value::Int(number) => cells.push(number.cell()),
                    _ => return None,
                }
            }
        }
        (Space::MultiBinary { n }, Value::List(items)) if items.len() == *n as usize => {
            for item in items {
                match item {
                    Value::Bool(bit) => cells.push(bit.cell()),
                    _ => return None,
                }
            }
        }
        (Space::MultiDiscrete { n }, Value::Array { dtype, bytes, .. })
            if bytes.len() == n.len() * dtype.size() && kind_of(*dtype) == Kind::Int =>
        {
            cells.extend(elements(*dtype, bytes));
        }
        (Space::MultiBinary { n }, Value::Array { dtype, bytes, .. })
            if bytes.len() == *n as usize * dtype.size() =>
        {
            let bits = bytes.chunks(dtype.size());
            cells.extend(bits.map(|bit| bit.iter().any(|byte| *byte != 0).cell()));
        }
        (
            Space::Box { dtype, shape, .. },
            Value::Array {
                dtype: found_dtype,
                shape: found_shape,
                bytes,
            },
        ) if dtype == found_dtype && shape == found_shape => {
            let count: usize = shape.iter().map(|extent| *extent as usize).product();
            if bytes.len() != count * dtype.size() {
                return None;
            }
            match count > MOST_COLUMNS {
                true => cells.push(hex(bytes).cell()),
                false => cells.extend(elements(*dtype, bytes)),
            }
        }
        (Space::Dict(entries), Value::Map(values)) if entries.len() == values.len() => {
            for (name, space) in entries {
                add_value(space, values.get(name)?, cells)?;
            }
        }
        (
            Space::Discrete { .. }
            | Space::MultiDiscrete { .. }
            | Space::MultiBinary { .. }
            | Space::Box { .. }
            | Space::Dict(_),
            _,
        ) => return None,
    }
    Some(())
}

/// The cells of an action, or nothing if it is not of the space.
pub(crate) fn action_cells(space: &Space, action: &Action) -> Option<Vec<Cell>> {
    let value = action_value(space, action)?;
    value_cells(space, &value)
}

fn action_value(space: &Space, action: &Action) -> Option<Value> {
    Some(match (space, action) {
        (Space::Discrete { .. }, Action::Discrete(number)) => Value::Int((*number).into()),
        (Space::MultiDiscrete { .. }, Action::MultiDiscrete(numbers)) => {
            Value::List(numbers.iter().map(|n| Value::Int((*n).into())).collect())
        }
        (Space::MultiBinary { .. }, Action::MultiBinary(bits)) => {
            Value::List(bits.iter().copied().map(Value::Bool).collect())
        }
        // Within a space, an action's bytes are the array's.
        (Space::Box { dtype, shape, .. }, Action::Box(_)) => Value::Array {
            dtype: *dtype,
            shape: shape.clone(),
            bytes: action.encode(space)?,
        },
        (Space::Dict(entries), Action::Dict(actions)) => Value::Map(
            entries
                .iter()
                .map(|(name, space)| Some((name.clone(), action_value(space, actions.get(name)?)?)))
                .collect::<Option<_>>()?,
        ),
        (
            Space::Discrete { .. }
            | Space::MultiDiscrete { .. }
            | Space::MultiBinary { .. }
            | Space::Box { .. }
            | Space::Dict(_),
            _,
        ) => return None,
    })
}

pub(crate) fn kind_of(dtype: DType) -> Kind {
    match dtype {
        DType::Bool => Kind::Bool,
        DType::U8
        | DType::I8
        | DType::U16
        | DType::I16
        | DType::U32
        | DType::I32
        | DType::U64
        | DType::I64 => Kind::Int,
        DType::F32 => Kind::Float32,
        DType::F64 => Kind::Float64,
    }
}

pub(crate) fn elements(dtype: DType, bytes: &[u8]) -> impl Iterator<Item = Cell> {
    bytes.chunks(dtype.size()).map(move |bytes| {
        let cell = match dtype {
            DType::Bool => bytes.first().map(|byte| (*byte != 0).cell()),
            DType::U8 => bytes.first().map(|byte| byte.cell()),
            DType::I8 => number(bytes).map(|b| i64::from(i8::from_le_bytes(b)).cell()),
            DType::U16 => number(bytes).map(|b| u32::from(u16::from_le_bytes(b)).cell()),
            DType::I16 => number(bytes).map(|b| i64::from(i16::from_le_bytes(b)).cell()),
            DType::U32 => number(bytes).map(|b| u32::from_le_bytes(b).cell()),
            DType::I32 => number(bytes).map(|b| i32::from_le_bytes(b).cell()),
            DType::U64 => number(bytes).map(|b| u64::from_le_bytes(b).cell()),
            DType::I64 => number(bytes).map(|b| i64::from_le_bytes(b).cell()),
            DType::F32 => number(bytes).map(|b| f32::from_le_bytes(b).cell()),
            DType::F64 => number(bytes).map(|b| f64::from_le_bytes(b).cell()),
        };
        cell.unwrap_or(Cell::Null)
    })
}

fn number<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

/// The one kind of column that holds all these infos.
pub(crate) fn info_kind<'v>(values: impl IntoIterator<Item = &'v Value>) -> Kind {
    let kind = |value: &Value| match value {
        Value::Null => None,
        Value::Bool(_) => Some(Kind::Bool),
        Value::Int(_) => Some(Kind::Int),
        Value::Float(_) => Some(Kind::Float64),
        Value::Str(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_) | Value::Array { .. } => {
            Some(Kind::Text)
        }
    };
    values
        .into_iter()
        .filter_map(kind)
        .reduce(|one, other| match (one, other) {
            (one, other) if one == other => one,
            (Kind::Int, Kind::Float64) | (Kind::Float64, Kind::Int) => Kind::Float64,
            _ => Kind::Text,
        })
        .unwrap_or(Kind::Text)
}

/// An info in a column of this kind; what is no plain value, or not of the kind, is JSON.
pub(crate) fn info_cell(kind: Kind, value: &Value) -> Cell {
    match (kind, value) {
        (_, Value::Null) => Cell::Null,
        (Kind::Bool, Value::Bool(value)) => value.cell(),
        (Kind::Int, Value::Int(value)) => value.cell(),
        (Kind::Float64, Value::Float(value)) => value.cell(),
        (Kind::Float64, Value::Int(value)) => (*value as f64).cell(),
        (Kind::Text, Value::Str(value)) => value.as_str().cell(),
        (Kind::Bool | Kind::Int | Kind::Float32 | Kind::Float64 | Kind::Text, _) => {
            json(value).to_string().cell()
        }
    }
}

pub(crate) fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Float(value) => match value.is_finite() {
            true => (*value).into(),
            false => Cell::Float64(*value).to_string().into(),
        },
        Value::Str(value) => value.as_str().into(),
        Value::Bytes(bytes) => hex(bytes).into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(name, value)| (name.clone(), json(value)))
            .collect(),
        Value::Array {
            dtype,
            shape,
            bytes,
        } => serde_json::json!({ "dtype": dtype.name(), "shape": shape, "bytes": hex(bytes) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stick() -> Space {
        Space::Box {
            low: -1.0,
            high: 1.0,
            dtype: DType::F32,
            shape: vec![2, 2],
        }
    }

    #[test]
    fn a_space_names_as_many_columns_as_its_values_have_cells() {
        let space = Space::dict([
            ("turn", Space::MultiDiscrete { n: vec![3, 300] }),
            ("buttons", Space::MultiBinary { n: 2 }),
            ("stick", stick()),
            ("mode", Space::Discrete { n: 2 }),
        ]);
        let names: Vec<String> = leaves(&space).into_iter().map(|leaf| leaf.path).collect();
        assert_eq!(
            names,
            [
                ".buttons.0",
                ".buttons.1",
                ".mode",
                ".stick.0.0",
                ".stick.0.1",
                ".stick.1.0",
                ".stick.1.1",
                ".turn.0",
                ".turn.1"
            ]
        );
        let action = Action::Dict(
            [
                ("buttons".to_owned(), Action::MultiBinary(vec![true, false])),
                ("mode".to_owned(), Action::Discrete(1)),
                ("stick".to_owned(), Action::Box(vec![0.5, 0.0, -1.0, 0.25])),
                ("turn".to_owned(), Action::MultiDiscrete(vec![2, 299])),
            ]
            .into(),
        );
        let cells = action_cells(&space, &action).unwrap();
        let texts: Vec<String> = cells.iter().map(Cell::to_string).collect();
        assert_eq!(
            texts,
            [
                "true", "false", "1", "0.5", "0.0", "-1.0", "0.25", "2", "299"
            ]
        );
        for (cell, leaf) in cells.iter().zip(leaves(&space)) {
            assert!(cell.fits(leaf.kind), "{leaf:?}");
        }
    }

    #[test]
    fn a_value_of_another_shape_is_refused() {
        assert_eq!(value_cells(&stick(), &Value::f32_array(&[0.0; 4])), None);
        assert_eq!(value_cells(&stick(), &Value::Int(3)), None);
    }

    #[test]
    fn infos_of_mixed_kinds_share_the_column_that_holds_all() {
        let values = [Value::Int(1), Value::Null, Value::Float(0.5)];
        assert_eq!(info_kind(&values), Kind::Float64);
        assert_eq!(info_cell(Kind::Float64, &values[0]), Cell::Float64(1.0));
        assert_eq!(info_cell(Kind::Float64, &values[1]), Cell::Null);
        let values = [Value::Int(1), Value::Str("a".into())];
        assert_eq!(info_kind(&values), Kind::Text);
        assert_eq!(info_cell(Kind::Text, &values[0]), Cell::Text("1".into()));
    }
}
