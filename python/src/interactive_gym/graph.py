"""What a state is made of, and a digest of it that equal states share.

The digest is a hash of an encoding of the object graph: plain values as `canonical` encodes them;
dicts and sets sorted; an object by its type and its attributes; an object that was met before by the
number of the first meeting, so that cycles end and sharing counts. Never pickle or heap bytes, which
differ between equal states, and never an address.

Classes, modules and functions of modules are named, not entered: what changes in them is no state of
an episode (the doctor finds environments that think so). Closures are entered.
"""

from __future__ import annotations

import collections
import enum
import hashlib
import types
from typing import Any

from . import canonical
from .canonical import type_name, type_name_of
from .errors import GymError
from .parts import (
    PLAIN, Array, Opaque, attributes, function_parts, hides, is_constant, is_named, is_numpy, is_scalar, numpy_parts,
    other_parts, path_to, reduced,
)  # fmt: skip

#: Bytes of a digest.
DIGEST = 16

TUPLE, MAPPING, SET, OBJECT, AGAIN, NAMED, FUNCTION, NUMBER, RAW, END = range(16, 26)


def digest(*roots: object) -> bytes:
    """Sixteen bytes that equal states share; raises `GymError` of kind "state"."""
    encoder = Encoder()
    for root in roots:
        try:
            encoder.add(root)
        except Opaque as error:
            raise opaque_error(error, root) from None
        except RecursionError:
            raise GymError("state", "the state is nested too deep to be compared") from None
    return encoder.digest()


def opaque_error(error: Opaque, root: object) -> GymError:
    where = path_to(root, error.thing) or "the environment"
    return GymError(
        "state",
        f"{where} is a {type_name(error.thing)}, whose state can be neither saved nor compared; give the "
        f"environment get_state() and set_state(state), or keep it out of the environment",
    )


class Encoder:
    """Encodes one graph."""

    def __init__(self) -> None:
        self.out = bytearray()
        self._seen: dict[int, int] = {}
        # Keeps what was made on the way alive, so that no two things have one address.
        self._kept: list[object] = []

    def digest(self) -> bytes:
        return hashlib.blake2b(self.out, digest_size=DIGEST).digest()

    def add(self, thing: Any) -> None:
        kind = type(thing)
        out = self.out
        if kind in _WRITABLE:
            if kind is int and not -(1 << 63) <= thing < 1 << 63:
                out.append(NUMBER)
                self._text(hex(thing))
            elif kind is str and not thing.isascii():
                out.append(RAW)
                self._bytes(thing.encode("utf-8", "surrogatepass"))
            else:
                canonical.write(out, thing)
            return
        if kind is tuple:
            out.append(TUPLE)
            canonical.write_varint(out, len(thing))
            for item in thing:
                self.add(item)
            return
        if is_named(kind):
            self._named(thing)
            return
        if kind is frozenset or is_scalar(kind):
            # Immutable: whether two equal ones are one object says nothing about the state.
            self._set(thing) if kind is frozenset else self._object(thing, kind)
            return
        number = self._seen.get(id(thing))
        if number is not None:
            out.append(AGAIN)
            canonical.write_varint(out, number)
            return
        self._seen[id(thing)] = len(self._seen)
        self._kept.append(thing)
        if kind is dict:
            self._mapping(thing)
        elif kind is list:
            out.append(canonical.LIST)
            canonical.write_varint(out, len(thing))
            for item in thing:
                self.add(item)
        elif kind is set:
            self._set(thing)
        else:
            self._object(thing, kind)

    def _object(self, thing: Any, kind: type) -> None:
        if kind is types.FunctionType:
            self.out.append(FUNCTION)
            self._text(f"{thing.__module__}.{thing.__qualname__}")
            for part in function_parts(thing):
                self.add(part)
            self.out.append(END)
            return
        special = numpy_parts(thing) if is_numpy(kind) else None
        if special is None:
            special = other_parts(thing)
        self.out.append(OBJECT)
        self.out += _named_types[kind]
        if special is not None:
            for part in special:
                if isinstance(part, Array):
                    self._array(part.array)
                else:
                    self.add(part)
        elif is_constant(thing):
            pass
        else:
            self._parts(thing, kind)
        self.out.append(END)

    def _parts(self, thing: Any, kind: type) -> None:
        """The items of what is inherited from a container, then the attributes."""
        state = attributes(thing)
        inherited = False
        for base, encode in (
            (dict, self._mapping), (list, self._sequence), (tuple, self._sequence),
            (set, self._set), (frozenset, self._set), (collections.deque, self._sequence),
        ):  # fmt: skip
            if isinstance(thing, base):
                encode(thing)
                inherited = True
                break
        else:
            for base in (int, float, str, bytes, bytearray, complex):
                if isinstance(thing, base):
                    self.out.append(RAW)
                    self._text(repr(base(thing)))
                    inherited = True
                    break
        if not inherited and (state is None or hides(kind)):
            self.add(reduced(thing))
        elif state:
            self._mapping(state)

    def _sequence(self, items: Any) -> None:
        self.out.append(canonical.LIST)
        canonical.write_varint(self.out, len(items))
        for item in items:
            self.add(item)

    def _mapping(self, items: Any) -> None:
        self.out.append(MAPPING)
        canonical.write_varint(self.out, len(items))
        if all(type(key) is str for key in items):
            for key in sorted(items):
                self._text(key)
                self.add(items[key])
            return
        for key in self._sorted(items):
            self.add(key)
            self.add(items[key])

    def _set(self, items: Any) -> None:
        self.out.append(SET)
        canonical.write_varint(self.out, len(items))
        for item in self._sorted(items):
            self.add(item)

    def _sorted(self, items: Any) -> list[Any]:
        """In the order of their own encodings, which must not depend on where they come."""
        kinds = {type(item) for item in items}
        if len(kinds) == 1 and kinds <= {int, str}:
            return sorted(items)
        return sorted(items, key=self._alone)

    def _alone(self, item: Any) -> bytes:
        inner = Encoder()
        inner._seen = dict(self._seen)
        inner._kept = self._kept
        inner.add(item)
        return bytes(inner.out)

    def _array(self, array: Any) -> None:
        try:
            canonical.write_array(self.out, array)
        except canonical.Unencodable:
            self.out.append(RAW)
            self._text(f"{array.dtype.descr if array.dtype.names else array.dtype.str} {array.shape}")
            self._bytes(array.tobytes())

    def _named(self, thing: Any) -> None:
        self.out.append(NAMED)
        if isinstance(thing, enum.Enum):
            name = f"{type_name(thing)}.{thing.name}"
        else:
            name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None) or type_name(thing)
            name = f"{getattr(thing, '__module__', '')}.{name}"
        self._text(name)
        owner = getattr(thing, "__self__", None)
        if isinstance(thing, types.BuiltinFunctionType) and not isinstance(owner, (types.ModuleType, type)):
            self.add(owner)

    def _text(self, text: str) -> None:
        self._bytes(text.encode("utf-8", "surrogatepass"))

    def _bytes(self, data: bytes) -> None:
        out = self.out
        length = len(data)
        if length < 0x80:
            out.append(length)
        else:
            canonical.write_varint(out, length)
        out += data


class _NamedTypes(dict):
    """By type, its name as bytes with their number before them."""

    def __missing__(self, kind: type) -> bytes:
        encoder = Encoder()
        encoder._text(type_name_of(kind))
        found = self[kind] = bytes(encoder.out)
        return found


_named_types = _NamedTypes()


_WRITABLE = frozenset(PLAIN)
