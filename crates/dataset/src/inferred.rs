//! Columns of values whose space nobody knows: what an agent was seen to observe tells them.

use std::collections::BTreeMap;

use igym_gym::Value;

use crate::column::{AsCell, Cell, Kind};
use crate::flat::{Leaf, MOST_COLUMNS, elements, json, kind_of, place};
use crate::hex::hex;

/// The columns of all values of an agent. One that a value has not is empty there.
pub(crate) struct Inferred {
    leaves: Vec<Leaf>,
    /// By path, the index in `leaves`.
    places: BTreeMap<String, usize>,
    /// There would be too many columns, or other ones in each row: one holds the values as JSON.
    as_json: bool,
}

impl Inferred {
    pub(crate) fn of<'v>(values: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut leaves: Vec<Leaf> = Vec::new();
        let mut places = BTreeMap::new();
        for value in values {
            for (path, cell) in parts(value) {
                let kind = kind_of_cell(&cell);
                let place = *places.entry(path.clone()).or_insert(leaves.len());
                match (leaves.get_mut(place), kind) {
                    (Some(leaf), kind) => leaf.kind = merged(leaf.kind, kind),
                    (None, Some(kind)) => leaves.push(Leaf::new(path, kind, String::new())),
                    // Null may become anything yet, and text holds everything.
                    (None, None) => leaves.push(Leaf::new(path, NOTHING_YET, String::new())),
                }
            }
            if leaves.len() > MOST_COLUMNS {
                let about = "all of it as JSON".to_owned();
                return Self {
                    leaves: vec![Leaf::new(String::new(), Kind::Text, about)],
                    places: BTreeMap::new(),
                    as_json: true,
                };
            }
        }
        for leaf in &mut leaves {
            leaf.about = match leaf.path.strip_prefix('.') {
                Some(path) => format!("`{path}`, {}", leaf.kind.name()),
                None => leaf.kind.name().to_owned(),
            };
        }
        Self {
            leaves,
            places,
            as_json: false,
        }
    }

    pub(crate) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// One cell per column.
    pub(crate) fn cells(&self, value: &Value) -> Vec<Cell> {
        if self.as_json {
            return vec![json(value).to_string().cell()];
        }
        let mut cells = vec![Cell::Null; self.leaves.len()];
        for (path, cell) in parts(value) {
            let place = self.places.get(&path).copied();
            if let Some((place, leaf)) = place.and_then(|at| Some((at, self.leaves.get(at)?))) {
                cells[place] = fitted(cell, leaf.kind);
            }
        }
        cells
    }
}

/// The kind of a column in which nothing but null was seen.
const NOTHING_YET: Kind = Kind::Text;

/// A value's numbers and texts, each with its path.
fn parts(value: &Value) -> Vec<(String, Cell)> {
    let mut found = Vec::new();
    add_parts(value, "", &mut found);
    found
}

fn add_parts(value: &Value, path: &str, found: &mut Vec<(String, Cell)>) {
    let cell = match value {
        Value::Null => Cell::Null,
        Value::Bool(value) => value.cell(),
        Value::Int(value) => value.cell(),
        Value::Float(value) => value.cell(),
        Value::Str(value) => value.as_str().cell(),
        Value::Bytes(bytes) => hex(bytes).cell(),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                add_parts(item, &format!("{path}.{index}"), found);
            }
            return;
        }
        Value::Map(entries) => {
            for (name, item) in entries {
                add_parts(item, &format!("{path}.{name}"), found);
            }
            return;
        }
        Value::Array {
            dtype,
            shape,
            bytes,
        } => {
            if bytes.len() / dtype.size() > MOST_COLUMNS {
                found.push((path.to_owned(), hex(bytes).cell()));
                return;
            }
            for (index, cell) in elements(*dtype, bytes).enumerate() {
                debug_assert!(cell.fits(kind_of(*dtype)));
                found.push((format!("{path}{}", place(index, shape)), cell));
            }
            return;
        }
    };
    found.push((path.to_owned(), cell));
}

fn kind_of_cell(cell: &Cell) -> Option<Kind> {
    let kinds = [
        Kind::Bool,
        Kind::Int,
        Kind::Float32,
        Kind::Float64,
        Kind::Text,
    ];
    let found = kinds.into_iter().find(|kind| cell.fits(*kind));
    found.filter(|_| *cell != Cell::Null)
}

/// The kind that holds both.
fn merged(one: Kind, other: Option<Kind>) -> Kind {
    let number = |kind| matches!(kind, Kind::Int | Kind::Float32 | Kind::Float64);
    match other {
        None => one,
        Some(other) if one == other => one,
        Some(other) if number(one) && number(other) => Kind::Float64,
        Some(_) => Kind::Text,
    }
}

fn fitted(cell: Cell, kind: Kind) -> Cell {
    match (kind, cell) {
        (kind, cell) if cell.fits(kind) => cell,
        (Kind::Float64, Cell::Int(number)) => Cell::Float64(number as f64),
        (Kind::Float64, Cell::Float32(number)) => Cell::Float64(number.into()),
        (Kind::Text, cell) => Cell::Text(cell.to_string()),
        (Kind::Bool | Kind::Int | Kind::Float32 | Kind::Float64, _) => Cell::Null,
    }
}

#[cfg(test)]
mod tests {
    use igym_gym::DType;

    use super::*;

    fn map(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        let entries = entries.into_iter();
        Value::Map(
            entries
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    fn texts(columns: &Inferred, value: &Value) -> Vec<String> {
        let cells = columns.cells(value);
        for (cell, leaf) in cells.iter().zip(columns.leaves()) {
            assert!(cell.fits(leaf.kind), "{cell:?} in {leaf:?}");
        }
        cells.iter().map(Cell::to_string).collect()
    }

    #[test]
    fn what_was_seen_makes_the_columns() {
        let values = [
            map([
                ("position", Value::f32_array(&[0.5, -1.0])),
                ("inbox", Value::List(vec![Value::Int(3)])),
                ("mood", Value::Null),
            ]),
            map([
                ("position", Value::f32_array(&[0.25, 2.0])),
                (
                    "inbox",
                    Value::List(vec![Value::Float(0.5), Value::Bool(true)]),
                ),
                ("mood", Value::Str("glad".into())),
            ]),
        ];
        let columns = Inferred::of(&values);
        let names: Vec<(&str, Kind)> = (columns.leaves().iter())
            .map(|leaf| (leaf.path.as_str(), leaf.kind))
            .collect();
        assert_eq!(
            names,
            [
                (".inbox.0", Kind::Float64),
                (".mood", Kind::Text),
                (".position.0", Kind::Float32),
                (".position.1", Kind::Float32),
                (".inbox.1", Kind::Bool),
            ]
        );
        assert_eq!(texts(&columns, &values[0]), ["3.0", "", "0.5", "-1.0", ""]);
        assert_eq!(
            texts(&columns, &values[1]),
            ["0.5", "glad", "0.25", "2.0", "true"]
        );
    }

    #[test]
    fn plain_values_and_images_are_one_column() {
        let columns = Inferred::of(&[Value::Int(4), Value::Str("four".into())]);
        assert_eq!(columns.leaves()[0].path, "");
        assert_eq!(texts(&columns, &Value::Int(4)), ["4"]);
        let image = Value::Array {
            dtype: DType::U8,
            shape: vec![64, 64],
            bytes: vec![0xAB; 64 * 64],
        };
        let columns = Inferred::of([&image]);
        assert_eq!(columns.leaves().len(), 1);
        assert!(texts(&columns, &image)[0].starts_with("abab"));
    }

    #[test]
    fn what_would_be_too_many_columns_is_json() {
        let value = Value::List(vec![Value::Int(1); MOST_COLUMNS + 1]);
        let columns = Inferred::of([&value]);
        assert_eq!(columns.leaves().len(), 1);
        assert!(texts(&columns, &value)[0].starts_with("[1,1,"));
    }
}
