"""The canonical encoding of values and outcomes: equal values are equal bytes.

Byte for byte the encoding of the Rust crate `igym-gym`: counts are LEB128 varints of the shortest
form, integers zigzag varints of 64 bits, floats eight little-endian bytes with a single NaN, maps
are sorted by key, sets by the encoding of their elements, arrays are dtype, shape and elements.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence, Set

NULL, FALSE, TRUE, INT, FLOAT, STR, BYTES, LIST, MAP, ARRAY = range(10)

DTYPES = (
    "bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
    "float32", "float64",
)  # fmt: skip
#: By what a dtype calls itself, without the order of its bytes: asking for its name takes longer than
#: copying a small array.
_CODES = {
    text: code for code, text in enumerate(("b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"))
}  # fmt: skip
_SIZES = (1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8)

#: Deepest nesting of lists and maps.
DEPTH = 32
#: Most dimensions of an array.
DIMENSIONS = 32

_NAN = struct.pack("<Q", 0x7FF8_0000_0000_0000)
_double = struct.Struct("<d").pack


class Unencodable(ValueError):
    """A value that has no canonical encoding; says where inside the value."""

    def __init__(self, what: str, path: str = ""):
        super().__init__(what)
        self.what = what
        self.path = path

    def within(self, step: str) -> Unencodable:
        return Unencodable(self.what, step + self.path)

    def __str__(self) -> str:
        return f"{self.what} at {self.path}" if self.path else self.what


def encode(value: object) -> bytes:
    """The canonical bytes of a value; raises `Unencodable`."""
    out = bytearray()
    write(out, value)
    return bytes(out)


def write(out: bytearray, value: object, depth: int = DEPTH) -> None:
    """Appends the canonical bytes of a value."""
    kind = type(value)
    if value is None:
        out.append(NULL)
    elif kind is bool:
        out.append(TRUE if value else FALSE)
    elif kind is int:
        _write_int(out, value)
    elif kind is float:
        out.append(FLOAT)
        write_float(out, value)
    elif kind is str:
        out.append(STR)
        write_text(out, value)
    else:
        _write_other(out, value, depth)


def write_float(out: bytearray, number: float) -> None:
    out += _double(number) if number == number else _NAN


def write_text(out: bytearray, text: str) -> None:
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise Unencodable("text with half a surrogate pair") from None
    write_varint(out, len(encoded))
    out += encoded


def write_varint(out: bytearray, number: int) -> None:
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def write_map(out: bytearray, items: Mapping, depth: int = DEPTH) -> None:
    """Count, then keys and values in the order of the keys' UTF-8 bytes."""
    # A numpy.str_ is a str; what is not text has no place as a key.
    for key in items:
        if not isinstance(key, str):
            raise Unencodable(f"the key {key!r}, which is not text")
    write_varint(out, len(items))
    # The order of code points is that of UTF-8 bytes.
    for key in sorted(items):
        write_text(out, str(key))
        try:
            write(out, items[key], depth)
        except Unencodable as error:
            raise error.within(f"[{key!r}]") from None


def _write_int(out: bytearray, number: int) -> None:
    if not -(1 << 63) <= number < 1 << 63:
        raise Unencodable("an integer of more than 64 bits")
    out.append(INT)
    write_varint(out, number << 1 if number >= 0 else (-number << 1) - 1)


def _write_other(out: bytearray, value: object, depth: int) -> None:
    if hasattr(value, "__array_interface__") or hasattr(value, "dtype"):
        _write_numpy(out, value, depth)
    elif isinstance(value, (bool, int)):
        _write_int(out, int(value))
    elif isinstance(value, float):
        out.append(FLOAT)
        write_float(out, float(value))
    elif isinstance(value, str):
        out.append(STR)
        write_text(out, str(value))
    elif isinstance(value, (bytes, bytearray, memoryview)):
        out.append(BYTES)
        data = bytes(value)
        write_varint(out, len(data))
        out += data
    elif isinstance(value, Mapping):
        _go_deeper(depth)
        out.append(MAP)
        write_map(out, value, depth - 1)
    elif isinstance(value, Set):
        _go_deeper(depth)
        encodings = []
        for element in value:
            inner = bytearray()
            write(inner, element, depth - 1)
            encodings.append(bytes(inner))
        out.append(LIST)
        write_varint(out, len(encodings))
        for encoding in sorted(encodings):
            out += encoding
    elif isinstance(value, Sequence):
        _write_list(out, value, depth)
    else:
        raise Unencodable(f"an object of type {type_name(value)}")


def _write_list(out: bytearray, items: Sequence, depth: int) -> None:
    _go_deeper(depth)
    out.append(LIST)
    write_varint(out, len(items))
    for place, item in enumerate(items):
        try:
            write(out, item, depth - 1)
        except Unencodable as error:
            raise error.within(f"[{place}]") from None


def _go_deeper(depth: int) -> None:
    if depth == 0:
        raise Unencodable(f"values nested more than {DEPTH} deep")


def _write_numpy(out: bytearray, value, depth: int) -> None:
    import numpy

    array = numpy.asarray(value)
    if not isinstance(value, numpy.ndarray) and array.ndim == 0 and array.dtype != object:
        # A number of numpy's is a number; its width is an accident of how it was computed.
        if array.dtype.kind in "biufUS":
            return write(out, array.item(), depth)
        raise Unencodable(f"a number of type {array.dtype}")
    if array.dtype.kind in "OUST":
        return write(out, array.tolist(), depth) if array.ndim == 0 else _write_list(out, array.tolist(), depth)
    write_array(out, array)


def write_array(out: bytearray, array) -> None:
    """Appends a numpy array of numbers."""
    import numpy

    kind = array.dtype.str
    if kind[1:] == "f2":
        # Every half is a float32 exactly.
        array = array.astype(numpy.float32)
        kind = array.dtype.str
    code = _CODES.get(kind[1:])
    if code is None:
        raise Unencodable(f"an array of type {array.dtype}")
    shape = array.shape
    if len(shape) > DIMENSIONS:
        raise Unencodable(f"an array of {len(shape)} dimensions")
    if kind[0] == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    out.append(ARRAY)
    out.append(code)
    write_varint(out, len(shape))
    for extent in shape:
        write_varint(out, extent)
    if kind[1] == "f":
        missing = array != array
        if missing.any():
            array = array.copy()
            array[missing] = numpy.nan
    elif kind[1] == "b":
        array = array.view(numpy.uint8) != 0
    out += array.tobytes()


def type_name(value: object) -> str:
    return type_name_of(type(value))


def type_name_of(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
