"""All randomness of an episode comes from its seed.

- `random.seed(seed)` and `numpy.random.seed(seed)`, once before the environment is made and again
  before it is reset, so that neither what importing nor what making it drew matters;
- `np_random` of the environment and of all that it wraps, as Gymnasium makes it from the seed, for
  environments whose `reset` forgets to;
- `reset(seed=seed)`.

`PYTHONHASHSEED` decides the order of sets of texts and is fixed when an interpreter starts, so the
host must start each with `HASH_SEED`; `hash_seed()` says what this one was started with.
"""

from __future__ import annotations

import os
import random
import struct
import sys

try:
    import ctypes
except ImportError:  # Not every build of Python has it.
    ctypes = None  # type: ignore[assignment]

#: What every interpreter of a study is started with as PYTHONHASHSEED.
HASH_SEED = "0"


def hash_seed() -> str:
    """What this interpreter was started with; "random" if nothing was fixed."""
    if not sys.flags.hash_randomization:
        return "0"
    return os.environ.get("PYTHONHASHSEED") or "random"


def seed_globals(seed: int) -> None:
    """Seeds the generators that belong to nobody."""
    random.seed(seed)
    _legacy.seed(seed)


def seed_np_random(env: object, seed: int) -> None:
    """Replaces the generators named `np_random` of an environment and of those inside it."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return
    for inner in chain(env):
        if _has_np_random(inner):
            try:
                inner.np_random = numpy.random.Generator(numpy.random.PCG64(seed))
            except AttributeError:
                pass  # A property without a setter: the environment seeds it in `reset`.


def chain(env: object) -> list[object]:
    """An environment and those that it wraps, from the outside."""
    found: list[object] = []
    while env is not None and all(env is not known for known in found):
        found.append(env)
        env = getattr(env, "__dict__", {}).get("env")
    return found


def _has_np_random(env: object) -> bool:
    if "np_random" in getattr(env, "__dict__", {}):
        return True
    # Wrappers only pass it on, so only the innermost one's own counts.
    return "np_random" in dir(type(env)) and "env" not in getattr(env, "__dict__", {})


class GlobalGenerators:
    """The state of `random` and `numpy.random`."""

    __slots__ = ("_numpy", "_random")

    def __init__(self) -> None:
        self._random = _python.state()
        self._numpy = _legacy.state()

    def restore(self) -> None:
        _python.restore(self._random)
        _legacy.restore(self._numpy)

    def parts(self) -> tuple[object, ...]:
        """For comparison: plain values that say all of the state."""
        return (packed(self._random), _legacy.parts(self._numpy))


def packed(state: tuple) -> tuple[object, ...]:
    """What `random.Random.getstate` returns, in fewer values."""
    version, words, gauss = state
    if version != 3:
        return state
    return version, struct.pack(f"<{len(words)}I", *words), gauss


class _Python:
    """The generator behind the functions of `random`.

    Its state is a tuple of 625 numbers, and making that takes longer than a step of many environments,
    which seldom use it. So the last tuple is used again while the generator's memory is the same.
    """

    def __init__(self) -> None:
        self._generator = random.getstate.__self__
        self._size = _memory_of_words(self._generator)
        self._last: tuple[bytes | None, object, tuple | None] = (None, None, None)

    def state(self) -> tuple:
        if random.getstate.__self__ is not self._generator or not self._size:
            return random.getstate()
        memory = self._memory()
        known, gauss, state = self._last
        if memory != known or self._generator.gauss_next != gauss or state is None:
            state = self._generator.getstate()
            self._last = (memory, self._generator.gauss_next, state)
        return state

    def restore(self, state: tuple) -> None:
        if self.state() is not state:
            random.setstate(state)

    def _memory(self) -> bytes:
        return ctypes.string_at(id(self._generator) + _HEADER, self._size)


#: Bytes of an object before what is its own: the count of references changes all the time.
_HEADER = object.__basicsize__


def _memory_of_words(generator: random.Random) -> int:
    """How many bytes after the header hold the words of a generator; 0 if that is not so here."""
    if ctypes is None or sys.implementation.name != "cpython":
        return 0
    size = random.Random.__base__.__basicsize__ - _HEADER
    if type(generator) is not random.Random or size < 625 * 4:
        return 0
    words = struct.pack("=624I", *generator.getstate()[1][:624])
    return size if words in ctypes.string_at(id(generator) + _HEADER, size) else 0


class _Legacy:
    """The generator behind the functions of `numpy.random`.

    Few environments use it, and reading it takes longer than a step of many, so it is read only when
    its memory is not what it was after it was seeded last.
    """

    _BYTES = 624 * 4 + 4

    def __init__(self) -> None:
        self._address: int | None = None
        # Kept alive for its memory, and known by it.
        self._generator: object = None
        self._pristine: bytes | None = None
        self._seeded: dict | None = None

    def seed(self, seed: int) -> None:
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return
        numpy.random.seed(seed & 0xFFFF_FFFF)
        self._seeded = numpy.random.get_state(legacy=False)
        self._generator = numpy.random.mtrand._rand._bit_generator
        self._address = _address(self._generator)
        self._pristine = self._memory()

    def state(self) -> dict | None:
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return None
        if self._pristine is not None and self._memory() == self._pristine:
            return self._seeded
        return numpy.random.get_state(legacy=False)

    def restore(self, state: dict | None) -> None:
        if state is None:
            return
        if state is self._seeded and self._pristine is not None and self._memory() == self._pristine:
            return
        sys.modules["numpy"].random.set_state(state)

    @staticmethod
    def parts(state: dict | None) -> tuple[object, ...] | None:
        if state is None:
            return None
        inner = state["state"]
        return (
            state["bit_generator"],
            *(part.tobytes() if hasattr(part, "tobytes") else part for part in inner.values()),
            state.get("has_gauss"),
            state.get("gauss"),
        )

    def _memory(self) -> bytes | None:
        if self._address is None:
            return None
        if sys.modules["numpy"].random.mtrand._rand._bit_generator is not self._generator:
            return None
        return ctypes.string_at(self._address, self._BYTES)


def _address(generator) -> int | None:
    """Where a Mersenne twister has its words."""
    if ctypes is None or type(generator).__name__ != "MT19937":
        return None
    try:
        return int(generator.ctypes.state_address)
    except Exception:
        return None


_legacy = _Legacy()
_python = _Python()
