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
import functools
import hashlib
import logging
import random
import sys
import threading
import types
import weakref
from collections.abc import Iterator
from typing import Any

from . import canonical
from .canonical import type_name
from .errors import GymError
from .seeding import packed

#: Bytes of a digest.
DIGEST = 16

TUPLE, MAPPING, SET, OBJECT, AGAIN, NAMED, FUNCTION, NUMBER, RAW, END = range(16, 26)

#: Immutable, and equal ones need not be one: encoded by value, never by reference.
PLAIN = (type(None), bool, int, float, str, bytes)
#: Never entered: named, and shared by copies.
CONSTANT = (
    type, types.ModuleType, types.BuiltinFunctionType, types.CodeType, types.MethodDescriptorType,
    types.WrapperDescriptorType, types.MethodWrapperType, types.ClassMethodDescriptorType,
    types.GetSetDescriptorType, types.MemberDescriptorType, types.MappingProxyType,
    type(Ellipsis), type(NotImplemented), logging.Logger, logging.Handler, weakref.ReferenceType,
    type(threading.Lock()), type(threading.RLock()), enum.Enum, functools._lru_cache_wrapper,
    random.SystemRandom, property, staticmethod, classmethod,
)  # fmt: skip


class Opaque(Exception):
    """An object whose state cannot be seen."""

    def __init__(self, thing: object):
        super().__init__(type_name(thing))
        self.thing = thing


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
        special = numpy_parts(thing)
        if special is None:
            special = other_parts(thing)
        self.out.append(OBJECT)
        self._text(type_name(thing))
        if special is not None:
            for part in special:
                if isinstance(part, _Array):
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
        if state is None and not inherited:
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
        canonical.write_varint(self.out, len(data))
        self.out += data


_WRITABLE = frozenset(PLAIN)


class _Array:
    """Marks an array of numbers, which is encoded by its elements."""

    __slots__ = ("array",)

    def __init__(self, array: Any):
        self.array = array


def function_parts(function: types.FunctionType) -> Iterator[Any]:
    """What a function keeps: the contents of its closure, its defaults, its attributes."""
    for cell in function.__closure__ or ():
        yield cell_contents(cell)
    for part in (function.__defaults__, function.__kwdefaults__, function.__dict__):
        if part:
            yield part


def cell_contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def numpy_parts(thing: Any) -> tuple[Any, ...] | None:
    """The parts of what is numpy's, or `None` if it is not."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(thing, numpy.ndarray):
        if thing.dtype.hasobject:
            return (str(thing.dtype), thing.shape, thing.reshape(-1).tolist())
        return (_Array(thing),)
    if isinstance(thing, numpy.generic):
        return (thing.dtype.str, _Array(numpy.asarray(thing)))
    if isinstance(thing, numpy.dtype):
        return (thing.str,)
    if isinstance(thing, numpy.random.Generator):
        return (thing.bit_generator,)
    if isinstance(thing, numpy.random.BitGenerator):
        return (thing.state,)
    if isinstance(thing, numpy.random.RandomState):
        return (thing.get_state(legacy=False),)
    return None


def other_parts(thing: Any) -> tuple[Any, ...] | None:
    """The parts of other objects that do not show them as attributes, or `None`."""
    if isinstance(thing, random.Random):
        return (packed(thing.getstate()), attributes(thing))
    if isinstance(thing, types.MethodType):
        return (thing.__func__, thing.__self__)
    if isinstance(thing, functools.partial):
        return (thing.func, thing.args, thing.keywords)
    if isinstance(thing, types.CellType):
        return (cell_contents(thing),)
    if is_space(thing):
        # Spaces do not change, but for the generator that they sample from.
        return (getattr(thing, "_np_random", None),)
    return None


def is_space(thing: Any) -> bool:
    """A space of Gymnasium's own."""
    return type(thing).__module__.startswith("gymnasium.spaces.")


def is_constant(thing: Any) -> bool:
    """An object that says that it is no part of any state, as `Surface` does."""
    return getattr(type(thing), "igym_no_state", False) is True


_named_kinds: dict[type, bool] = {}


def is_named(kind: type) -> bool:
    """Whether objects of a type are named, not entered."""
    known = _named_kinds.get(kind)
    if known is None:
        known = _named_kinds[kind] = issubclass(kind, CONSTANT)
    return known


def is_scalar(kind: type) -> bool:
    """Whether a type is one of numpy's numbers."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and issubclass(kind, numpy.generic)


_slots_of: dict[type, tuple[str, ...]] = {}


def slots(kind: type) -> tuple[str, ...]:
    """The names of a class's slots, with those of its bases."""
    known = _slots_of.get(kind)
    if known is None:
        names: list[str] = []
        for base in kind.__mro__:
            for name, value in vars(base).items():
                if isinstance(value, types.MemberDescriptorType) and base.__module__ != "builtins":
                    names.append(name)
        known = tuple(dict.fromkeys(names))
        _slots_of[kind] = known
    return known


def attributes(thing: Any) -> dict[str, Any] | None:
    """Attributes in `__dict__` and slots; `None` if the object can have none."""
    own = getattr(thing, "__dict__", None)
    names = slots(type(thing))
    if own is None and not names:
        return None
    found = dict(own or {})
    for name in names:
        try:
            found[name] = object.__getattribute__(thing, name)
        except AttributeError:
            continue
    return found


def reduced(thing: Any) -> Any:
    """How an object without attributes says what it is made of, for copies of it."""
    if isinstance(thing, (types.GeneratorType, types.CoroutineType, types.FrameType, weakref.ref)):
        raise Opaque(thing)
    try:
        parts = thing.__reduce_ex__(4)
    except Exception:
        raise Opaque(thing) from None
    if isinstance(parts, str):
        return parts
    # Iterators for list and dict items are made anew by each call.
    return tuple(list(part) if place in (3, 4) and part is not None else part for place, part in enumerate(parts))


def children(thing: Any) -> list[tuple[str, Any]]:
    """The parts of an object and how one gets there, for messages."""
    if isinstance(thing, (*PLAIN, *CONSTANT)) or is_constant(thing):
        return []
    if isinstance(thing, dict):
        return [(f"[{key!r}]", value) for key, value in thing.items()]
    if isinstance(thing, (list, tuple, collections.deque)):
        return [(f"[{place}]", item) for place, item in enumerate(thing)]
    if isinstance(thing, (set, frozenset)):
        return [("{…}", item) for item in thing]
    if isinstance(thing, types.FunctionType):
        names = thing.__code__.co_freevars
        cells = [(f".<closure {name}>", cell_contents(cell)) for name, cell in zip(names, thing.__closure__ or ())]
        return cells + [(".<defaults>", thing.__defaults__)]
    if (parts := numpy_parts(thing)) is not None or (parts := other_parts(thing)) is not None:
        return [("", part) for part in parts if not isinstance(part, _Array)]
    return [(f".{name}", value) for name, value in sorted((attributes(thing) or {}).items())]


def path_to(root: Any, wanted: Any, name: str = "env") -> str | None:
    """How one gets from a root to an object."""
    queue = collections.deque([(name, root)])
    seen = set()
    while queue:
        path, thing = queue.popleft()
        if thing is wanted:
            return path
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        queue.extend((path + step, part) for step, part in children(thing))
    return None
