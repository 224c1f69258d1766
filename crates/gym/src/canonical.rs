//! One canonical encoding for values and outcomes: equal values are equal bytes, and bytes that
//! are not the canonical ones of a value are an error.
//!
//! Counts and lengths are LEB128 varints of the shortest form, integers are zigzag varints, floats
//! eight little-endian bytes with a single NaN, map keys ascend strictly.

use std::collections::BTreeMap;

use crate::space::elements;
use crate::value::{DType, Value};

/// Deepest nesting of lists and maps that is read.
const DEPTH: u32 = 32;
/// Most dimensions of an array that is read.
const DIMENSIONS: usize = 32;

/// Why bytes are not the canonical encoding of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    #[error("the encoding ends too early")]
    Truncated,
    #[error("{0} bytes follow the end of the encoding")]
    Trailing(usize),
    #[error("the encoding holds {0}, which is never written")]
    NotCanonical(&'static str),
    #[error("values are nested more than {DEPTH} deep")]
    TooDeep,
}

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
const STR: u8 = 5;
const BYTES: u8 = 6;
const LIST: u8 = 7;
const MAP: u8 = 8;
const ARRAY: u8 = 9;

pub(crate) fn decode_value(bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut reader = Reader::new(bytes);
    let value = reader.value(DEPTH)?;
    reader.finish()?;
    Ok(value)
}

/// Appends canonical bytes.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.varint(count as u64);
    }

    pub(crate) fn float(&mut self, number: f64) {
        let bits = if number.is_nan() {
            NAN
        } else {
            number.to_bits()
        };
        self.bytes.extend(bits.to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend(text.as_bytes());
    }

    pub(crate) fn map(&mut self, map: &BTreeMap<String, Value>) {
        self.count(map.len());
        for (key, value) in map {
            self.text(key);
            self.value(value);
        }
    }

    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(NULL),
            Value::Bool(false) => self.byte(FALSE),
            Value::Bool(true) => self.byte(TRUE),
            Value::Int(number) => {
                self.byte(INT);
                self.varint(((number << 1) ^ (number >> 63)) as u64);
            }
            Value::Float(number) => {
                self.byte(FLOAT);
                self.float(*number);
            }
            Value::Str(text) => {
                self.byte(STR);
                self.text(text);
            }
            Value::Bytes(bytes) => {
                self.byte(BYTES);
                self.count(bytes.len());
                self.bytes.extend(bytes);
            }
            Value::List(items) => {
                self.byte(LIST);
                self.count(items.len());
                for item in items {
                    self.value(item);
                }
            }
            Value::Map(map) => {
                self.byte(MAP);
                self.map(map);
            }
            Value::Array {
                dtype,
                shape,
                bytes,
            } => {
                let fits = shape.len() <= DIMENSIONS
                    && elements(shape).and_then(|count| count.checked_mul(dtype.size()))
                        == Some(bytes.len());
                if fits {
                    self.array(*dtype, shape, bytes);
                } else {
                    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                    let bytes = bytes.get(..length as usize).unwrap_or(bytes);
                    self.array(DType::U8, &[length], bytes);
                }
            }
        }
    }

    fn array(&mut self, dtype: DType, shape: &[u32], bytes: &[u8]) {
        self.byte(ARRAY);
        self.byte(code(dtype));
        self.count(shape.len());
        for extent in shape {
            self.varint(u64::from(*extent));
        }
        match dtype {
            DType::Bool => self
                .bytes
                .extend(bytes.iter().map(|byte| u8::from(*byte != 0))),
            DType::F32 => {
                for element in bytes.as_chunks::<4>().0 {
                    let number = f32::from_le_bytes(*element);
                    let bits = if number.is_nan() {
                        NAN_F32
                    } else {
                        number.to_bits()
                    };
                    self.bytes.extend(bits.to_le_bytes());
                }
            }
            DType::F64 => {
                for element in bytes.as_chunks::<8>().0 {
                    self.float(f64::from_le_bytes(*element));
                }
            }
            DType::U8
            | DType::I8
            | DType::U16
            | DType::I16
            | DType::U32
            | DType::I32
            | DType::U64
            | DType::I64 => self.bytes.extend(bytes),
        }
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }
}

/// Reads canonical bytes. What it allocates is bounded by the length of the bytes.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing(self.rest.len()))
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        let (byte, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// A number of things of which each takes at least one byte.
    pub(crate) fn count(&mut self) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.varint()?).map_err(|_| DecodeError::Truncated)?;
        if count > self.rest.len() {
            return Err(DecodeError::Truncated);
        }
        Ok(count)
    }

    pub(crate) fn float(&mut self) -> Result<f64, DecodeError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<8>()
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        let number = f64::from_le_bytes(*bytes);
        if number.is_nan() && number.to_bits() != NAN {
            return Err(DecodeError::NotCanonical("a second NaN"));
        }
        Ok(number)
    }

    pub(crate) fn text(&mut self) -> Result<String, DecodeError> {
        let count = self.count()?;
        let bytes = self.take(count)?;
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| DecodeError::NotCanonical("text that is not UTF-8"))
    }

    pub(crate) fn map(&mut self) -> Result<BTreeMap<String, Value>, DecodeError> {
        self.map_within(DEPTH)
    }

    fn map_within(&mut self, depth: u32) -> Result<BTreeMap<String, Value>, DecodeError> {
        let count = self.count()?;
        let mut map = BTreeMap::new();
        for _ in 0..count {
            let key = self.text()?;
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(DecodeError::NotCanonical("map keys out of order"));
            }
            let value = self.value(depth)?;
            map.insert(key, value);
        }
        Ok(map)
    }

    fn value(&mut self, depth: u32) -> Result<Value, DecodeError> {
        let inner = || depth.checked_sub(1).ok_or(DecodeError::TooDeep);
        Ok(match self.byte()? {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INT => {
                let zigzag = self.varint()?;
                Value::Int((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
            }
            FLOAT => Value::Float(self.float()?),
            STR => Value::Str(self.text()?),
            BYTES => {
                let count = self.count()?;
                Value::Bytes(self.take(count)?.to_vec())
            }
            LIST => {
                let depth = inner()?;
                let count = self.count()?;
                let mut items = Vec::new();
                for _ in 0..count {
                    items.push(self.value(depth)?);
                }
                Value::List(items)
            }
            MAP => Value::Map(self.map_within(inner()?)?),
            ARRAY => self.array()?,
            _ => return Err(DecodeError::NotCanonical("an unknown kind of value")),
        })
    }

    fn array(&mut self) -> Result<Value, DecodeError> {
        let dtype = *DType::ALL
            .get(usize::from(self.byte()?))
            .ok_or(DecodeError::NotCanonical("an unknown element type"))?;
        let dimensions = self.count()?;
        if dimensions > DIMENSIONS {
            return Err(DecodeError::NotCanonical("too many dimensions"));
        }
        let mut shape = Vec::with_capacity(dimensions);
        for _ in 0..dimensions {
            let extent = u32::try_from(self.varint()?)
                .map_err(|_| DecodeError::NotCanonical("an extent over 32 bits"))?;
            shape.push(extent);
        }
        let length = elements(&shape)
            .and_then(|count| count.checked_mul(dtype.size()))
            .ok_or(DecodeError::Truncated)?;
        let bytes = self.take(length)?.to_vec();
        let canonical = match dtype {
            DType::Bool => bytes.iter().all(|byte| *byte <= 1),
            DType::F32 => bytes.as_chunks::<4>().0.iter().all(|element| {
                let number = f32::from_le_bytes(*element);
                !number.is_nan() || number.to_bits() == NAN_F32
            }),
            DType::F64 => bytes.as_chunks::<8>().0.iter().all(|element| {
                let number = f64::from_le_bytes(*element);
                !number.is_nan() || number.to_bits() == NAN
            }),
            DType::U8
            | DType::I8
            | DType::U16
            | DType::I16
            | DType::U32
            | DType::I32
            | DType::U64
            | DType::I64 => true,
        };
        if !canonical {
            return Err(DecodeError::NotCanonical("an element in a second form"));
        }
        Ok(Value::Array {
            dtype,
            shape,
            bytes,
        })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0_u64;
        for place in 0..10 {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if place == 9 && bits > 1 {
                return Err(DecodeError::NotCanonical("a number over 64 bits"));
            }
            number |= bits << (7 * place);
            if byte & 0x80 == 0 {
                if byte == 0 && place > 0 {
                    return Err(DecodeError::NotCanonical("a number longer than needed"));
                }
                return Ok(number);
            }
        }
        Err(DecodeError::NotCanonical("a number over 64 bits"))
    }
}

/// The NaN that is written, as numpy makes it.
const NAN: u64 = 0x7FF8_0000_0000_0000;
const NAN_F32: u32 = 0x7FC0_0000;

fn code(dtype: DType) -> u8 {
    match dtype {
        DType::Bool => 0,
        DType::U8 => 1,
        DType::I8 => 2,
        DType::U16 => 3,
        DType::I16 => 4,
        DType::U32 => 5,
        DType::I32 => 6,
        DType::U64 => 7,
        DType::I64 => 8,
        DType::F32 => 9,
        DType::F64 => 10,
    }
}
