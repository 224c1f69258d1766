"""Snapshots in place: the contents of every object of a state, put back into the same objects.

Unlike a copy it keeps who refers to whom: views of one array, closures, weak references, and what
holds the environment from outside. It needs no help from the objects' classes and does not care for
what they define for pickle. An object whose contents cannot be put back is an error.
"""

from __future__ import annotations

import collections
import functools
import random
import sys
import types
from collections.abc import Callable
from typing import Any

from . import parts
from .parts import Opaque

Capture = Callable[[Any, list], Any]
Restore = Callable[[Any, Any], None]


class Memento:
    """The contents of all objects that can be reached from `roots`; raises `parts.Opaque`."""

    __slots__ = ("_saved",)

    def __init__(self, roots: tuple[Any, ...]):
        saved: list[tuple[Restore, Any, Any]] = []
        stack: list[Any] = list(roots)
        seen: set[int] = set()
        kinds = _kinds
        while stack:
            thing = stack.pop()
            address = id(thing)
            if address in seen:
                continue
            seen.add(address)
            for capture, restore in kinds[type(thing)]:
                contents = capture(thing, stack)
                if contents is not None:
                    saved.append((restore, thing, contents))
        self._saved = saved

    def restore(self) -> None:
        """Puts everything back. Can be done any number of times."""
        # Parts before their owners: a dict is filled when its keys are what they were.
        for restore, thing, contents in reversed(self._saved):
            restore(thing, contents)


class _Kinds(dict):
    """By type, how its objects are captured and restored: first what it inherits, then attributes."""

    def __missing__(self, kind: type) -> tuple[tuple[Capture, Restore], ...]:
        handler = self[kind] = _handler(kind)
        if handler is _SKIP:
            _skipped.add(kind)
        return handler


_SKIP: tuple = ()
_kinds = _Kinds()
#: The types that are known to hold nothing. Most of what an object refers to is of these, so captures
#: leave them out before they get onto the stack.
_skipped: set[type] = {bool, int, float, str, bytes, type(None)}


def _handler(kind: type) -> tuple[tuple[Capture, Restore], ...]:
    if issubclass(kind, (*parts.PLAIN, complex, range, slice)) and not _has_attributes(kind):
        return _SKIP
    if parts.is_named(kind) or getattr(kind, "igym_no_state", False) is True or parts.is_scalar(kind):
        return _SKIP
    if parts.is_specification(kind):
        return _SKIP
    if kind.__module__.startswith("gymnasium.spaces."):
        return ((_capture_space, _restore_attributes),)
    found = []
    for base, pair in _CONTAINERS:
        if issubclass(kind, base):
            found.append(pair)
            break
    else:
        pair = _numpy_handler(kind)
        if pair is _SKIP:
            return _SKIP
        if pair is not None:
            found.append(pair)
    if not found and parts.hides(kind):
        if kind.__module__ in _IMMUTABLE_MODULES:
            return _SKIP
        return ((_refuse, _restore_nothing),)
    if _has_attributes(kind):
        found.append((_capture_dict, _restore_dict))
        if parts.slots(kind):
            found.append((_capture_slots, _restore_slots))
    return tuple(found) or _SKIP


#: Objects of these modules never change.
_IMMUTABLE_MODULES = frozenset({"datetime", "_decimal", "decimal", "re", "uuid", "zoneinfo", "_struct"})


def _has_attributes(kind: type) -> bool:
    return getattr(kind, "__dictoffset__", 0) != 0 or bool(parts.slots(kind))


def _numpy_handler(kind: type) -> tuple | None:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if issubclass(kind, numpy.ndarray):
        return (_capture_array, _restore_array)
    if issubclass(kind, numpy.random.BitGenerator):
        return (_capture_bits, _restore_bits)
    if issubclass(kind, numpy.random.Generator):
        return (_capture_generator, _restore_nothing)
    if issubclass(kind, numpy.random.RandomState):
        return (_capture_random_state, _restore_random_state)
    if issubclass(kind, (numpy.dtype, numpy.random.SeedSequence)):
        # A sequence that has children since is another: the digest says so, and this way is refused.
        return _SKIP
    return None


def _refuse(thing: Any, stack: list) -> None:
    raise Opaque(thing)


def _restore_nothing(thing: Any, contents: Any) -> None:
    """What has only parts, which are restored themselves."""


_TEXT = frozenset({str})


def _capture_mapping(thing: dict, stack: list) -> dict:
    contents = dict(thing)
    stack += [value for value in contents.values() if type(value) not in _skipped]
    if not _TEXT.issuperset(map(type, contents)):
        stack.extend(contents)
    return contents


def _restore_mapping(thing: dict, contents: dict) -> None:
    dict.clear(thing)
    dict.update(thing, contents)


def _capture_ordered(thing: collections.OrderedDict, stack: list) -> list:
    contents = list(thing.items())
    for key, value in contents:
        stack.append(key)
        stack.append(value)
    return contents


def _restore_ordered(thing: collections.OrderedDict, contents: list) -> None:
    collections.OrderedDict.clear(thing)
    for key, value in contents:
        collections.OrderedDict.__setitem__(thing, key, value)


def _capture_list(thing: list, stack: list) -> list:
    contents = list(thing)
    stack += [item for item in contents if type(item) not in _skipped]
    return contents


def _restore_list(thing: list, contents: list) -> None:
    list.__setitem__(thing, slice(None), contents)


def _capture_set(thing: set, stack: list) -> set:
    # A copy of a set keeps its layout, and so its order, better than one made item by item.
    contents = set.copy(thing)
    stack.extend(contents)
    return contents


def _restore_set(thing: set, contents: set) -> None:
    set.clear(thing)
    set.update(thing, contents)


def _capture_deque(thing: collections.deque, stack: list) -> list:
    contents = list(thing)
    stack.extend(contents)
    return contents


def _restore_deque(thing: collections.deque, contents: list) -> None:
    thing.clear()
    thing.extend(contents)


def _capture_items(thing: Any, stack: list) -> None:
    stack += [item for item in thing if type(item) not in _skipped]


def _capture_bytearray(thing: bytearray, stack: list) -> bytes:
    return bytes(thing)


def _restore_bytearray(thing: bytearray, contents: bytes) -> None:
    thing[:] = contents


def _capture_function(thing: types.FunctionType, stack: list) -> Any:
    stack.extend(thing.__closure__ or ())
    if thing.__defaults__:
        stack.extend(thing.__defaults__)
    if thing.__kwdefaults__:
        stack.extend(thing.__kwdefaults__.values())
    return None


def _capture_cell(thing: Any, stack: list) -> tuple | None:
    try:
        contents = thing.cell_contents
    except ValueError:
        return None
    stack.append(contents)
    return (contents,)


def _restore_cell(thing: Any, contents: tuple) -> None:
    thing.cell_contents = contents[0]


def _capture_partial(thing: functools.partial, stack: list) -> None:
    stack += (thing.func, thing.args, thing.keywords)


def _capture_method(thing: types.MethodType, stack: list) -> None:
    stack.append(thing.__self__)
    stack.append(thing.__func__)


def _capture_random(thing: random.Random, stack: list) -> tuple:
    return thing.getstate()


def _restore_random(thing: random.Random, contents: tuple) -> None:
    thing.setstate(contents)


def _capture_array(thing: Any, stack: list) -> Any:
    base = thing.base
    if base is not None and type(base) is not bytes:
        stack.append(base)
        if hasattr(base, "dtype"):
            # A view: the array that it looks at has the contents.
            return None
    if thing.dtype.hasobject:
        stack.extend(thing.reshape(-1).tolist())
    # Asking whether it may be written to takes longer than copying most arrays.
    return thing.copy()


def _restore_array(thing: Any, contents: Any) -> None:
    if thing.flags.writeable:
        thing[...] = contents


def _capture_bits(thing: Any, stack: list) -> dict:
    return thing.state


def _restore_bits(thing: Any, contents: dict) -> None:
    thing.state = contents


def _capture_generator(thing: Any, stack: list) -> None:
    stack.append(thing.bit_generator)


def _capture_random_state(thing: Any, stack: list) -> dict:
    return thing.get_state(legacy=False)


def _restore_random_state(thing: Any, contents: dict) -> None:
    thing.set_state(contents)


def _capture_space(thing: Any, stack: list) -> dict | None:
    generator = thing.__dict__.get("_np_random")
    if generator is None:
        # It may be made later, from the system's randomness; then it must be forgotten again.
        return {"_np_random": None} if "_np_random" in thing.__dict__ else None
    stack.append(generator)
    return {"_np_random": generator}


def _restore_attributes(thing: Any, contents: dict) -> None:
    thing.__dict__.update(contents)


def _capture_dict(thing: Any, stack: list) -> dict | None:
    own = getattr(thing, "__dict__", None)
    if type(own) is not dict:
        return None
    contents = dict(own)
    stack += [value for value in contents.values() if type(value) not in _skipped]
    return contents


def _restore_dict(thing: Any, contents: dict) -> None:
    own = thing.__dict__
    own.clear()
    own.update(contents)


_MISSING = object()


def _capture_slots(thing: Any, stack: list) -> list:
    contents = []
    for name in parts.slots(type(thing)):
        try:
            value = object.__getattribute__(thing, name)
            stack.append(value)
        except AttributeError:
            value = _MISSING
        contents.append((name, value))
    return contents


def _restore_slots(thing: Any, contents: list) -> None:
    for name, value in contents:
        if value is not _MISSING:
            object.__setattr__(thing, name, value)
        else:
            try:
                object.__delattr__(thing, name)
            except AttributeError:
                continue


_CONTAINERS: tuple[tuple[type, tuple[Capture, Restore]], ...] = (
    (collections.OrderedDict, (_capture_ordered, _restore_ordered)),
    (dict, (_capture_mapping, _restore_mapping)),
    (list, (_capture_list, _restore_list)),
    (tuple, (_capture_items, _restore_nothing)),
    (set, (_capture_set, _restore_set)),
    (frozenset, (_capture_items, _restore_nothing)),
    (collections.deque, (_capture_deque, _restore_deque)),
    (bytearray, (_capture_bytearray, _restore_bytearray)),
    (types.FunctionType, (_capture_function, _restore_nothing)),
    (types.CellType, (_capture_cell, _restore_cell)),
    (types.MethodType, (_capture_method, _restore_nothing)),
    (functools.partial, (_capture_partial, _restore_nothing)),
    (random.Random, (_capture_random, _restore_random)),
)
