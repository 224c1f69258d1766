"""Errors that a researcher can act on: what is wrong, where, and what to do."""

from __future__ import annotations

import os
import sysconfig
import traceback


class GymError(Exception):
    """What stops an environment from being played.

    `kind` is one of "setup" (the study or the environment does not fit), "environment" (the
    environment raised), "state" (its state cannot be saved or compared), "value" (it returned
    what cannot be recorded), "protocol" (the host asked for something impossible).
    `file` and `line` are the researcher's, where the cause is in a file of theirs.
    """

    def __init__(self, kind: str, message: str, file: str | None = None, line: int | None = None):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.file = file
        self.line = line
        self.frame: int | None = None
        self.details = ""

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, object]:
        """As it goes to the host."""
        return {
            "kind": self.kind,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "frame": self.frame,
            "details": self.details,
        }


def setup_error(message: str) -> GymError:
    return GymError("setup", message)


def from_exception(doing: str, error: BaseException) -> GymError:
    """The error of an environment, with the innermost line that its author wrote."""
    if isinstance(error, GymError):
        return error
    file, line = author_line(error)
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    where = f" ({os.path.basename(file)}, line {line})" if file else ""
    raised = GymError("environment", f"{doing} failed{where}: {text}", file, line)
    raised.details = _traceback(error)
    return raised


def _traceback(error: BaseException) -> str:
    """As Python prints it, without the frames of this package: they are not what went wrong."""
    told = traceback.TracebackException.from_exception(error)
    waiting: list[traceback.TracebackException | None] = [told]
    while waiting:
        one = waiting.pop()
        if one is None:
            continue
        frames = [frame for frame in one.stack if not frame.filename.startswith(_HERE)]
        if frames:
            one.stack = traceback.StackSummary.from_list(frames)
        waiting += [one.__cause__, one.__context__]
    return "".join(told.format())


def author_line(error: BaseException) -> tuple[str | None, int | None]:
    """File and line of the innermost frame in a file of the study; failing that, in any package
    but this one."""
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno
    frames = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_HERE) and not frame.filename.startswith("<")
    ]
    own = [frame for frame in frames if is_authors(frame[0])]
    for found in (own, frames):
        if found:
            return found[-1]
    return None, None


def is_authors(file: str) -> bool:
    """Whether a file belongs to the study, and not to Python, a package or this one."""
    file = os.path.abspath(file)
    return not file.startswith(_NOT_AUTHORS) and "site-packages" not in file


_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_NOT_AUTHORS = tuple({_HERE, *(os.path.join(sysconfig.get_paths()[name], "") for name in ("stdlib", "platstdlib"))})
