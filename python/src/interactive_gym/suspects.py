"""Watches an environment for calls whose results differ from run to run."""

from __future__ import annotations

import datetime
import os
import random
import secrets
import sys
import sysconfig
import threading
import types
import uuid
from typing import Any

#: What a call can be the cause of.
RANDOM, TIME, IDENTITY, HASH, PROCESS, FILES, THREADS = (
    "random", "time", "id()", "hash()", "process", "files", "threads",
)  # fmt: skip

_TIME_OF_DAY = frozenset({"now", "utcnow", "today"})
_POSIX = {
    "urandom": RANDOM,
    "getrandom": RANDOM,
    "getpid": PROCESS,
    "getppid": PROCESS,
    "listdir": FILES,
    "stat": FILES,
}


class Watch:
    """While it is open: which suspicious functions were called, from which lines of an environment's
    code. Slows everything down; for a run of its own."""

    def __init__(self) -> None:
        #: (cause, function, file, line), without repetition, in the order of the first calls.
        self.calls: list[tuple[str, str, str, int]] = []
        self._known: set[tuple[str, str, str, int]] = set()
        self._codes = _python_functions()

    def __enter__(self) -> Watch:
        sys.setprofile(self._event)
        return self

    def __exit__(self, *exception: object) -> None:
        sys.setprofile(None)

    def _event(self, frame: types.FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            found = _builtin(argument)
            if found is not None:
                # What the standard library does with addresses and the clock is its own affair.
                near = found[0] in (IDENTITY, HASH, TIME)
                self._note(found[0], found[1], frame, near)
        elif event == "call":
            found = self._codes.get(frame.f_code)
            if found is not None and (found[2] is None or frame.f_locals.get(found[2], 0) is None):
                self._note(found[0], found[1], frame.f_back, False)

    def _note(self, cause: str, function: str, frame: types.FrameType | None, near: bool) -> None:
        while frame is not None and not _is_environment(frame.f_code.co_filename):
            file = frame.f_code.co_filename
            # What another module does while it is imported is not the importing line's doing.
            if near or file.startswith((_HERE, "<frozen importlib")):
                return
            frame = frame.f_back
        if frame is None:
            return
        call = (cause, function, frame.f_code.co_filename, frame.f_lineno)
        if call not in self._known:
            self._known.add(call)
            self.calls.append(call)


def ranked(calls: list[tuple[str, str, str, int]], package: str) -> list[tuple[str, str, str, int]]:
    """What stands in the environment's own package or the study's files first, then other packages;
    what Python's own modules do only where nothing else is suspected of the same."""

    def rank(call: tuple[str, str, str, int]) -> int:
        file = call[2]
        if package and f"{os.sep}site-packages{os.sep}{package}{os.sep}" in file:
            return 0
        if "site-packages" in file:
            return 1
        return 2 if file.startswith(_STDLIB) or ".zip" + os.sep in file else 0

    others = {call[0] for call in calls if rank(call) < 2}
    return sorted((call for call in calls if rank(call) < 2 or call[0] not in others), key=rank)


def _builtin(function: Any) -> tuple[str, str] | None:
    name = getattr(function, "__name__", "")
    module = getattr(function, "__module__", None)
    if module == "time":
        return (TIME, f"time.{name}") if name not in ("sleep", "struct_time", "gmtime", "mktime") else None
    if module == "builtins":
        if name == "id":
            return (IDENTITY, "id")
        if name == "hash":
            return (HASH, "hash")
        return None
    if module in ("posix", "nt"):
        return (_POSIX[name], f"os.{name}") if name in _POSIX else None
    if module in ("io", "_io") and name == "open":
        return (FILES, "open")
    owner = getattr(function, "__self__", None)
    if name in _TIME_OF_DAY and isinstance(owner, type) and issubclass(owner, datetime.date):
        return (TIME, f"{owner.__name__}.{name}")
    return None


def _python_functions() -> dict[types.CodeType, tuple[str, str, str | None]]:
    """By code: cause, name, and the parameter that must be `None` for the call to count."""
    return {
        random.Random.__init__.__code__: (RANDOM, "random.Random without a seed", "x"),
        random.Random.seed.__code__: (RANDOM, "random.seed without a seed", "a"),
        random.SystemRandom.random.__code__: (RANDOM, "random.SystemRandom", None),
        random.SystemRandom.getrandbits.__code__: (
            RANDOM,
            "the system's randomness (a generator without a seed)",
            None,
        ),
        secrets.token_bytes.__code__: (RANDOM, "secrets.token_bytes", None),
        uuid.uuid1.__code__: (RANDOM, "uuid.uuid1", None),
        uuid.uuid4.__code__: (RANDOM, "uuid.uuid4", None),
        threading.Thread.start.__code__: (THREADS, "threading.Thread.start", None),
    }


def _is_environment(file: str) -> bool:
    """Whether a file is neither Python's, nor this package's, nor one of the frameworks'."""
    if file.startswith(("<", _HERE)):
        return False
    if file.startswith(_framework_folders()):
        return False
    return "site-packages" in file or not file.startswith(_STDLIB)


_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_STDLIB = tuple({os.path.join(sysconfig.get_paths()[name], "") for name in ("stdlib", "platstdlib")})
_FRAMEWORKS = ("numpy", "gymnasium", "pettingzoo")


def _framework_folders() -> tuple[str, ...]:
    """Where those that are imported lie, which need not be among the site packages."""
    files = [getattr(sys.modules.get(name), "__file__", None) for name in _FRAMEWORKS]
    return tuple(os.path.dirname(file) + os.sep for file in files if file)
