"""The same runtime for JavaScript, in Pyodide: functions that take and give `Uint8Array`.

`open_for_js` returns an object of bound functions; keep them, calling one costs microseconds, running
a text of Python costs a thousand times as much.
"""

from __future__ import annotations

import json
from typing import Any

from . import doctor
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
    except BaseException as error:
        return to_js(error_answer(from_exception("opening the environment", error)))


def trace(configuration: Any, condition: str, frames: int, seed: int) -> Any:
    """One trace of the doctor, as JSON in a `Uint8Array`; see `doctor` for which interpreter plays which."""
    return to_js(_json(doctor.trace(json.loads(_text(configuration)), condition, int(frames), int(seed))))


def diagnose(traces: Any, name: str) -> Any:
    """The doctor's report, as JSON in a `Uint8Array`, from the JSON of an object of traces by condition; its
    `text` is for people."""
    report = doctor.diagnose(json.loads(_text(traces)), name)
    return to_js(_json({**report, "text": doctor.report_text(report)}))


def _text(data: Any) -> str:
    data = from_js(data)
    return data if isinstance(data, str) else bytes(data).decode()


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
