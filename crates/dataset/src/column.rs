//! What a column is, and what can stand in its cells.

use std::fmt;

/// The type of a column. Any cell can be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    /// 64 bits, signed.
    Int,
    Float32,
    Float64,
    /// UTF-8.
    Text,
}

impl Kind {
    /// The type's name in `columns.json`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Text => "text",
        }
    }
}

/// A column and its documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Unit of measure, `none` for plain values.
    pub(crate) unit: &'static str,
    pub(crate) about: String,
}

/// What stands in one row of one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float32(f32),
    Float64(f64),
    Text(String),
}

impl Cell {
    /// Whether a column of this kind can hold the cell.
    pub(crate) fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(_) => kind == Kind::Bool,
            Self::Int(_) => kind == Kind::Int,
            Self::Float32(_) => kind == Kind::Float32,
            Self::Float64(_) => kind == Kind::Float64,
            Self::Text(_) => kind == Kind::Text,
        }
    }
}

/// A cell as it stands in a CSV file: null is empty, and a float is the shortest text that reads
/// back as the same number.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float32(value) => write!(f, "{value:?}"),
            Self::Float64(value) => write!(f, "{value:?}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}

/// A Rust type whose values are cells of one kind.
pub(crate) trait AsCell {
    const KIND: Kind;
    fn cell(self) -> Cell;
}

impl<T: AsCell> AsCell for Option<T> {
    const KIND: Kind = T::KIND;
    fn cell(self) -> Cell {
        self.map_or(Cell::Null, T::cell)
    }
}

impl AsCell for bool {
    const KIND: Kind = Kind::Bool;
    fn cell(self) -> Cell {
        Cell::Bool(self)
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl AsCell for $type {
            const KIND: Kind = Kind::Int;
            /// A number that does not fit is unknown rather than another number.
            fn cell(self) -> Cell {
                i64::try_from(self).map_or(Cell::Null, Cell::Int)
            }
        }
    )*};
}

integers!(u8, u16, u32, u64, usize, i32, i64);

impl AsCell for f32 {
    const KIND: Kind = Kind::Float32;
    fn cell(self) -> Cell {
        Cell::Float32(self)
    }
}

impl AsCell for f64 {
    const KIND: Kind = Kind::Float64;
    fn cell(self) -> Cell {
        Cell::Float64(self)
    }
}

impl AsCell for String {
    const KIND: Kind = Kind::Text;
    fn cell(self) -> Cell {
        Cell::Text(self)
    }
}

impl AsCell for &str {
    const KIND: Kind = Kind::Text;
    fn cell(self) -> Cell {
        Cell::Text(self.to_owned())
    }
}

impl AsCell for igym_protocol::SessionId {
    const KIND: Kind = Kind::Text;
    fn cell(self) -> Cell {
        Cell::Text(self.to_string())
    }
}

impl AsCell for igym_protocol::ParticipantId {
    const KIND: Kind = Kind::Text;
    fn cell(self) -> Cell {
        Cell::Text(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_read_back_as_the_same_number() {
        for (cell, text) in [
            (Cell::Float32(0.1), "0.1"),
            (Cell::Float64(0.1_f32.into()), "0.10000000149011612"),
            (Cell::Float64(-0.0), "-0.0"),
            (Cell::Float64(1e300), "1e300"),
            (Cell::Float64(f64::NAN), "NaN"),
            (Cell::Bool(true), "true"),
            (Cell::Null, ""),
        ] {
            assert_eq!(cell.to_string(), text);
        }
    }

    #[test]
    fn a_number_out_of_range_is_unknown() {
        assert_eq!(u64::MAX.cell(), Cell::Null);
        assert_eq!(Some(7_u64).cell(), Cell::Int(7));
        assert_eq!(None::<u64>.cell(), Cell::Null);
    }
}
