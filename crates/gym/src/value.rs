//! Values that leave an environment: observations, infos.

use std::collections::BTreeMap;

use crate::canonical::{self, DecodeError, Writer};

/// A value as Python environments know them. Equality is that of the canonical encoding: all NaNs
/// are one, and 0.0 is not -0.0.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
    /// An array in row-major order, little-endian. `bytes` has the size that `dtype` and `shape`
    /// say; one that has not is encoded as a one-dimensional array of bytes.
    Array {
        dtype: DType,
        shape: Vec<u32>,
        bytes: Vec<u8>,
    },
}

impl Value {
    /// A one-dimensional array of 32-bit floats.
    pub fn f32_array(elements: &[f32]) -> Self {
        Self::Array {
            dtype: DType::F32,
            shape: vec![u32::try_from(elements.len()).unwrap_or(u32::MAX)],
            bytes: elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.value(self);
        writer.into_bytes()
    }

    /// Reads exactly what [`encode`](Self::encode) writes, and nothing else: other bytes for the
    /// same value are an error too.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        canonical::decode_value(bytes)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.encode() == other.encode()
    }
}

impl Eq for Value {}

/// The element types of arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DType {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl DType {
    pub const ALL: [Self; 11] = [
        Self::Bool,
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::F32,
        Self::F64,
    ];

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// numpy's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// One element as a number; `None` if there are too few bytes, or it is NaN, or a boolean
    /// other than 0 and 1. Integers of 64 bits may lose their lowest bits.
    pub fn number(self, bytes: &[u8]) -> Option<f64> {
        let number = match self {
            Self::Bool => match bytes.first()? {
                0 => 0.0,
                1 => 1.0,
                _ => return None,
            },
            Self::U8 => f64::from(*bytes.first()?),
            Self::I8 => f64::from(i8::from_le_bytes(first(bytes)?)),
            Self::U16 => f64::from(u16::from_le_bytes(first(bytes)?)),
            Self::I16 => f64::from(i16::from_le_bytes(first(bytes)?)),
            Self::U32 => f64::from(u32::from_le_bytes(first(bytes)?)),
            Self::I32 => f64::from(i32::from_le_bytes(first(bytes)?)),
            Self::U64 => u64::from_le_bytes(first(bytes)?) as f64,
            Self::I64 => i64::from_le_bytes(first(bytes)?) as f64,
            Self::F32 => f64::from(f32::from_le_bytes(first(bytes)?)),
            Self::F64 => f64::from_le_bytes(first(bytes)?),
        };
        (!number.is_nan()).then_some(number)
    }

    /// Appends the element nearest to `number`.
    pub(crate) fn write_number(self, number: f64, out: &mut Vec<u8>) {
        match self {
            Self::Bool => out.push(u8::from(number != 0.0)),
            Self::U8 => out.push(number as u8),
            Self::I8 => out.extend((number as i8).to_le_bytes()),
            Self::U16 => out.extend((number as u16).to_le_bytes()),
            Self::I16 => out.extend((number as i16).to_le_bytes()),
            Self::U32 => out.extend((number as u32).to_le_bytes()),
            Self::I32 => out.extend((number as i32).to_le_bytes()),
            Self::U64 => out.extend((number as u64).to_le_bytes()),
            Self::I64 => out.extend((number as i64).to_le_bytes()),
            Self::F32 => out.extend((number as f32).to_le_bytes()),
            Self::F64 => out.extend(number.to_le_bytes()),
        }
    }
}

fn first<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}
