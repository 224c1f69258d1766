"""The same runtime for JavaScript, in Pyodide: functions that take and give `Uint8Array`.

`open_for_js` returns an object of bound functions; keep them, calling one costs microseconds, running
a text of Python costs a thousand times as much.
"""

from __future__ import annotations

from typing import Any

from .errors import GymError, from_exception
from .runtime import ERROR, Runtime, _answer, _block, _json, open_runtime


class JsRuntime:
    """`Runtime` with JavaScript's types."""

    def __init__(self, runtime: Runtime):
        self._runtime = runtime

    def describe(self) -> Any:
        return to_js(self._runtime.describe())

    def reset(self, seed: int) -> Any:
        return to_js(self._runtime.reset(int(seed)))

    def run(self, batch: Any) -> Any:
        return to_js(self._runtime.run(from_js(batch)))

    def measure(self) -> Any:
        return to_js(self._runtime.measure())


def open_for_js(configuration: Any) -> Any:
    """A `JsRuntime`, or a `Uint8Array`: an answer that holds nothing but the error."""
    try:
        return JsRuntime(open_runtime(from_js(configuration)))
    except Exception as error:
        return to_js(error_answer(from_exception("opening the environment", error)))


def error_answer(error: GymError) -> bytes:
    out = _answer()
    _block(out, ERROR, _json(error.to_dict()))
    return bytes(out)


def from_js(data: Any) -> Any:
    """Bytes of a `Uint8Array`; what is Python's stays as it is."""
    return data.to_bytes() if hasattr(data, "to_bytes") and not isinstance(data, int) else data


def to_js(data: bytes) -> Any:
    """A new `Uint8Array`; outside Pyodide the bytes themselves."""
    try:
        from pyodide.ffi import to_js as convert
    except ImportError:
        return data
    return convert(data)
