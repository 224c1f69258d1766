"""What objects are made of, for those who walk through a state: which are entered, what their parts are,
and how one gets to them."""

from __future__ import annotations

import collections
import enum
import functools
import logging
import random
import sys
import threading
import types
import weakref
from collections.abc import Iterator
from typing import Any, Generic

from .canonical import type_name
from .seeding import packed

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


class Array:
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
        return (Array(thing),)
    if isinstance(thing, numpy.generic):
        return (thing.dtype.str, Array(numpy.asarray(thing)))
    if isinstance(thing, numpy.dtype):
        return (thing.str,)
    if isinstance(thing, numpy.random.Generator):
        return (thing.bit_generator,)
    if isinstance(thing, numpy.random.BitGenerator):
        return (thing.state,)
    if isinstance(thing, numpy.random.RandomState):
        return (thing.get_state(legacy=False),)
    if isinstance(thing, numpy.random.SeedSequence):
        return (thing.state,)
    return None


_numpy_kinds: dict[type, bool] = {}


def is_numpy(kind: type) -> bool:
    """Whether a type is one of numpy's, or inherits from one."""
    known = _numpy_kinds.get(kind)
    if known is None:
        known = _numpy_kinds[kind] = any(base.__module__.partition(".")[0] == "numpy" for base in kind.__mro__)
    return known


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


def is_specification(kind: type) -> bool:
    """What Gymnasium's registry knows about an environment."""
    return kind.__module__ == "gymnasium.envs.registration"


def is_constant(thing: Any) -> bool:
    """An object that says that it is no part of any state, as `Surface` does."""
    kind = type(thing)
    return getattr(kind, "igym_no_state", False) is True or is_specification(kind)


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


_HEAP_TYPE, _IMMUTABLE_TYPE = 1 << 9, 1 << 8


def hides(kind: type) -> bool:
    """Whether a type is, or inherits from, one that is written in C and is none of those whose contents are
    known here, so that its objects may keep something apart from their attributes."""
    return any(
        _is_c(base)
        for base in kind.__mro__
        if base is not object and not issubclass(base, _TRANSPARENT) and base not in _GENERIC
    )


def _is_c(kind: type) -> bool:
    return not kind.__flags__ & _HEAP_TYPE or bool(kind.__flags__ & _IMMUTABLE_TYPE)


#: Written in C, but hiding nothing.
_TRANSPARENT = (*PLAIN, complex, BaseException, types.SimpleNamespace)
_GENERIC = frozenset({Generic})

_slots_of: dict[type, tuple[str, ...]] = {}


def slots(kind: type) -> tuple[str, ...]:
    """The names of a class's slots, with those of its bases."""
    known = _slots_of.get(kind)
    if known is None:
        names: list[str] = []
        for base in kind.__mro__:
            for name, value in vars(base).items():
                if isinstance(value, types.MemberDescriptorType) and not _is_c(base):
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
        return [("", part) for part in parts if not isinstance(part, Array)]
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
