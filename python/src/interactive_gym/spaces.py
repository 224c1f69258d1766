"""Action spaces, and actions as bytes, exactly as `igym_gym::Space` and `Action` encode them.

An action has a fixed length for its space, so that a player's input is the concatenation of the
actions of its agents. Spaces are known by the names of their classes, so that any package that
follows Gymnasium will do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .canonical import DTYPES
from .errors import setup_error

#: Longest input of one player: the encoded actions of all its agents.
MAX_INPUT_BYTES = 64


class ActionSpace:
    """One agent's actions."""

    #: Bytes of every encoded action.
    length: int

    def __init__(self, space: Any):
        self.space = space

    def encode(self, value: object) -> bytes:
        """The bytes of an action that a study names (numbers and lists, as in TOML), or of one of
        the environment's own; `ValueError` if it is not in the space."""
        action = self.coerce(value)
        if not self.space.contains(action):
            raise ValueError(f"{value!r} is not in {self.space}")
        return self.pack(action)

    def decode(self, data: bytes) -> Any:
        """The action that exactly these bytes are; `None` if they are not one of this space. A new
        object each time where it could be changed."""
        if len(data) != self.length:
            return None
        action = self.unpack(data)
        return action if action is not None and self.space.contains(action) else None

    def coerce(self, value: object) -> Any:
        raise NotImplementedError

    def pack(self, action: Any) -> bytes:
        raise NotImplementedError

    def unpack(self, data: bytes) -> Any:
        raise NotImplementedError

    def zero(self) -> Any:
        """What an agent does for want of anything better."""
        raise NotImplementedError

    def describe(self) -> dict[str, object]:
        raise NotImplementedError


def wrap(space: Any, agent: str) -> ActionSpace:
    """The codec of a space; refuses by name what people cannot be given keys for."""
    for kind in type(space).__mro__:
        found = _KINDS.get(kind.__name__)
        if found is not None:
            wrapped = found(space)
            break
    else:
        raise setup_error(
            f"the action space of agent {agent!r} is {type(space).__name__}, which people cannot play; "
            f"possible are {', '.join(_KINDS)}. Wrap the environment so that it has one of them"
            + (
                "; where it is one action for each of several agents, make action_space and observation_space "
                "a Dict by agent, or both of them a Tuple"
                if type(space).__name__ in ("Tuple", "list", "tuple")
                else ""
            )
        )
    if wrapped.length > MAX_INPUT_BYTES:
        raise setup_error(
            f"an action of agent {agent!r} takes {wrapped.length} bytes, {MAX_INPUT_BYTES} are the "
            f"limit: {space}. Wrap the environment so that its actions are smaller"
        )
    return wrapped


class Discrete(ActionSpace):
    def __init__(self, space: Any):
        super().__init__(space)
        self.n = int(space.n)
        self.start = int(getattr(space, "start", 0))
        self.length = _discrete_length(self.n)

    def coerce(self, value: object) -> int:
        return _integer(value)

    def pack(self, action: int) -> bytes:
        return (int(action) - self.start).to_bytes(self.length, "little")

    def unpack(self, data: bytes) -> int | None:
        number = int.from_bytes(data, "little")
        return number + self.start if number < self.n else None

    def zero(self) -> int:
        return self.start

    def describe(self) -> dict[str, object]:
        return {"kind": "discrete", "n": self.n, "start": self.start}


class MultiDiscrete(ActionSpace):
    def __init__(self, space: Any):
        super().__init__(space)
        self.shape = tuple(space.nvec.shape)
        self.n = [int(n) for n in space.nvec.reshape(-1)]
        start = getattr(space, "start", None)
        self.start = [0] * len(self.n) if start is None else [int(n) for n in start.reshape(-1)]
        self.lengths = [_discrete_length(n) for n in self.n]
        self.length = sum(self.lengths)

    def coerce(self, value: object) -> Any:
        import numpy

        return numpy.asarray(value, dtype=self.space.dtype).reshape(self.shape)

    def pack(self, action: Any) -> bytes:
        numbers = zip(action.reshape(-1).tolist(), self.start, self.lengths, strict=True)
        return b"".join((number - start).to_bytes(length, "little") for number, start, length in numbers)

    def unpack(self, data: bytes) -> Any:
        numbers = []
        at = 0
        for n, start, length in zip(self.n, self.start, self.lengths, strict=True):
            number = int.from_bytes(data[at : at + length], "little")
            if number >= n:
                return None
            numbers.append(number + start)
            at += length
        return self.coerce(numbers)

    def zero(self) -> Any:
        return self.coerce(self.start)

    def describe(self) -> dict[str, object]:
        return {"kind": "multi_discrete", "n": self.n, "start": self.start}


class MultiBinary(ActionSpace):
    def __init__(self, space: Any):
        super().__init__(space)
        self.shape = tuple(space.shape)
        self.n = math.prod(self.shape)
        self.length = (self.n + 7) // 8

    def coerce(self, value: object) -> Any:
        import numpy

        return numpy.asarray(value, dtype=numpy.int8).reshape(self.shape)

    def pack(self, action: Any) -> bytes:
        number = sum(1 << place for place, bit in enumerate(action.reshape(-1).tolist()) if bit)
        return number.to_bytes(self.length, "little")

    def unpack(self, data: bytes) -> Any:
        number = int.from_bytes(data, "little")
        if number >> self.n:
            return None
        return self.coerce([number >> place & 1 for place in range(self.n)])

    def zero(self) -> Any:
        return self.coerce([0] * self.n)

    def describe(self) -> dict[str, object]:
        return {"kind": "multi_binary", "n": self.n}


class Box(ActionSpace):
    def __init__(self, space: Any):
        super().__init__(space)
        name = space.dtype.name
        if name not in DTYPES:
            raise setup_error(f"a Box of dtype {name} is not supported: {space}; possible are {', '.join(DTYPES)}")
        self.dtype = space.dtype.newbyteorder("<")
        self.shape = tuple(space.shape)
        self.length = math.prod(self.shape) * space.dtype.itemsize

    def coerce(self, value: object) -> Any:
        import numpy

        array = numpy.asarray(value)
        if self.dtype.kind in "iub" and array.dtype.kind == "f" and (array != numpy.trunc(array)).any():
            raise ValueError(f"{value!r} has fractions, the space has none")
        return array.astype(self.dtype).reshape(self.shape)

    def pack(self, action: Any) -> bytes:
        return self.coerce(action).tobytes()

    def unpack(self, data: bytes) -> Any:
        import numpy

        if self.dtype.kind == "b" and any(byte > 1 for byte in data):
            return None
        array = numpy.frombuffer(data, dtype=self.dtype).reshape(self.shape).astype(self.space.dtype)
        if self.dtype.kind in "iu" and self.dtype.itemsize == 8:
            # Beyond 53 bits not every integer is a number of the other side's.
            if not all(float(number) == number for number in array.reshape(-1).tolist()):
                return None
        return array

    def zero(self) -> Any:
        import numpy

        zeros = numpy.zeros(self.shape, dtype=self.space.dtype)
        return numpy.clip(zeros, self.space.low, self.space.high).astype(self.space.dtype)

    def describe(self) -> dict[str, object]:
        return {
            "kind": "box",
            "dtype": self.space.dtype.name,
            "shape": list(self.shape),
            "low": _bound(self.space.low.min()) if self.length else 0.0,
            "high": _bound(self.space.high.max()) if self.length else 0.0,
        }


class Dict(ActionSpace):
    """Named spaces, in the order of their names."""

    def __init__(self, space: Any):
        super().__init__(space)
        self.parts = {name: wrap(space.spaces[name], str(name)) for name in sorted(space.spaces, key=str)}
        self.length = sum(part.length for part in self.parts.values())

    def coerce(self, value: object) -> Any:
        if not isinstance(value, Mapping) or set(value) != set(self.parts):
            raise ValueError(f"{value!r} does not have exactly the keys {', '.join(map(str, self.parts))}")
        return {name: part.coerce(value[name]) for name, part in self.parts.items()}

    def pack(self, action: Any) -> bytes:
        return b"".join(part.pack(action[name]) for name, part in self.parts.items())

    def unpack(self, data: bytes) -> Any:
        action = {}
        at = 0
        for name, part in self.parts.items():
            action[name] = part.unpack(data[at : at + part.length])
            if action[name] is None:
                return None
            at += part.length
        return action

    def zero(self) -> Any:
        return {name: part.zero() for name, part in self.parts.items()}

    def describe(self) -> dict[str, object]:
        return {
            "kind": "dict",
            "entries": {str(name): part.describe() for name, part in self.parts.items()},
        }


_KINDS: dict[str, type[ActionSpace]] = {
    "Discrete": Discrete,
    "MultiDiscrete": MultiDiscrete,
    "MultiBinary": MultiBinary,
    "Box": Box,
    "Dict": Dict,
}


def _bound(bound: Any) -> float | None:
    """JSON has no infinity."""
    return float(bound) if math.isfinite(bound) else None


def _discrete_length(n: int) -> int:
    if n < 1 or n > 0xFFFF_FFFF:
        raise setup_error(f"a discrete space has {n} actions; possible are 1 to {0xFFFF_FFFF}")
    return 1 if n <= 0x100 else 2 if n <= 0x1_0000 else 4


def _integer(value: object) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        if not (isinstance(value, float) and value.is_integer()):
            raise ValueError(f"{value!r} is not an integer")
    return int(value)  # type: ignore[call-overload]
